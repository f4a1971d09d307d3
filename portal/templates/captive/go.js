/* The page that lets a phone back in, and only a comfort: without it a <noscript> refresh does the same. A whole navigation,
   because phones look again whether they are online after one. */
!function (d, w) {
  var main = d.querySelector("main"), go = main.getAttribute("data-g");
  setTimeout(function () { w.location.replace(go); }, main.getAttribute("data-w") * 1000);
}(document, window);
