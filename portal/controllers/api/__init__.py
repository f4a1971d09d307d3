"""The JSON API: for a shop's own programs, and for login pages of its own. Tokens: portal.api_tokens; how it is described: /api/docs."""

from litestar import Router
from litestar.datastructures import CacheControlHeader
from litestar.di import Provide

from portal.controllers.api import captive, description, packages, shops, vouchers
from portal.controllers.api.door import Door, caller_of, json_only

#: What comes from a program carries no form of ours; see the door.
_OPT = {"csrf": "none", "pages": "none"}

ROUTERS = [
    Router(
        path="/api",
        route_handlers=[*vouchers.HANDLERS, *packages.HANDLERS, *shops.HANDLERS],
        middleware=[Door()],
        dependencies={"caller": Provide(caller_of, sync_to_thread=False)},
        # Kept by whoever asked, and asked about each time: by its ETag.
        cache_control=CacheControlHeader(private=True, no_cache=True),
        opt=_OPT,
    ),
    Router(
        path="/api/captive",
        route_handlers=captive.HANDLERS,
        guards=[json_only],
        cache_control=CacheControlHeader(no_store=True),
        opt=_OPT,
    ),
    Router(path="/api", route_handlers=description.HANDLERS, opt=_OPT),
]
