"""Everything there is, as one list: what a phone's four tabs leave out."""

from litestar import Response, get

from portal.controllers.dashboard.frame import ROLES, AnyRequest, frame_of, page
from portal.controllers.dashboard.places import ACCOUNT
from portal.identity import Actor


@get("/more")
async def more(request: AnyRequest, actor: Actor) -> Response[str]:
    """The list."""
    frame = await frame_of(request, actor, here="more")
    return page(request, frame, "dashboard/more.html", account=ACCOUNT, roles=ROLES)


ROUTES = [more]
