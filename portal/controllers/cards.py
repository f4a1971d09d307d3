"""The page a printed card's square leads to: for a phone on the shop's Wi-Fi the way to its router's code form, for any other
what to do first.

The code itself never comes here: it stands behind the # of the address, waits in the phone's tab (captive/scan.js), and is
filled into the form (captive/fill.js) that sends it as if it were typed."""

from typing import Any

from litestar import Response, Router, get

from portal.captive import links as captive_links
from portal.controllers.captive_frame import SCAN, AnyRequest, Frame
from portal.errors import NotFound
from portal.merchants import profile
from portal.printing import handles
from portal.printing.places import places_of

#: In the address of a code form: the phone scanned a card.
SCANNED = "s"
#: In the address of this page: the router sent the phone straight back, because it is logged in; the Wi-Fi is another merchant's.
_BACK, _ELSEWHERE = "r", "o"


@get(["/v/{handle:str}", "/V/{handle:str}"])
async def scanned(request: AnyRequest, handle: str) -> Response[str]:
    """What to do with a card. Squares are written in capitals; people's bookmarks need not be."""
    merchant_id = handles.merchant_of(handle, request.app.state["settings"].secret_keys)
    if merchant_id is None:
        raise NotFound
    frame, places = Frame(request, merchant=await profile(merchant_id)), await places_of(merchant_id)
    state = next(
        (name for sign, name in ((_ELSEWHERE, "elsewhere"), (_BACK, "online")) if sign in request.query_params), ""
    )
    back = f"{frame.base_url}/v/{handle.upper()}?{_BACK}=1"
    login = captive_links.login_and_return(places.login, back) if places.login else None
    script = SCAN if login and state != "online" else None
    return frame.show("captive/scan.html", {"state": state, "places": places.names, "login": login}, script=script)


def way_to_code(frame: Frame, handle: str) -> str | None:
    """Where a phone goes that its router sent here from a card's page: the code form, if the card is of this shop."""
    merchant_id = handles.merchant_of(handle, frame.request.app.state["settings"].secret_keys)
    if merchant_id is None:
        return None
    if merchant_id != frame.site.merchant_id:
        return f"/v/{handle}?{_ELSEWHERE}=1"
    return frame.link(f"/c/{frame.site.site}/code", **{SCANNED: "1"})


def missing(request: AnyRequest, _: NotFound) -> Response[str]:
    """404: no shop has cards of this name."""
    return Frame(request).show("captive/missing.html", status=404)


HANDLERS: dict[int | type[Exception], Any] = {NotFound: missing}
ROUTER = Router("/", route_handlers=[scanned], exception_handlers=HANDLERS)
