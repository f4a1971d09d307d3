"""The JSON API: for a shop's own programs, and for login pages of its own. Tokens: portal.api_tokens; how it is described: /api/docs."""

from litestar import Router
from litestar.di import Provide

from portal.controllers.api import captive, description, shops, vouchers
from portal.controllers.api.door import Door, caller_of

#: What comes from a program carries no form of ours; see the door.
_OPT = {"csrf": "none", "pages": "none"}

ROUTERS = [
    Router(
        path="/api",
        route_handlers=[*vouchers.HANDLERS, *shops.HANDLERS],
        middleware=[Door()],
        dependencies={"caller": Provide(caller_of, sync_to_thread=False)},
        opt=_OPT,
    ),
    Router(path="/api/captive", route_handlers=captive.HANDLERS, opt=_OPT),
    Router(path="/api", route_handlers=description.HANDLERS, opt=_OPT),
]
