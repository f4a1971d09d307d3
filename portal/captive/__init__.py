"""What the captive pages know: the visit a router tells of, links that may be believed, which screen a checkout shows, words.
No handlers and no templates: see `portal.controllers.captive` and `portal.controllers.checkout`."""
