"""The portal: what people and M-Pesa talk to, the nouns behind it, and the doors to the outside."""

from portal.lean import without

# httpx carries a command line of its own, which would load rich and pygments: 4 MiB no server needs.
with without("httpx._main"):
    import httpx as httpx
