"""Buttons of a router's page: pause, resume, check again, replace, remove. Each is a form; what is final asks first."""

from typing import Annotated, Any

from litestar import Request, Response, get, post
from litestar.params import Parameter

from portal import guards
from portal.clock import Clock
from portal.controllers.dashboard.frame import frame_of, page
from portal.errors import Conflict
from portal.identity import Actor
from portal.routers import changes, looks, release_brakes, rights
from portal.web import see_other

AnyRequest = Request[Any, Any, Any]
RouterId = Annotated[int, Parameter(ge=1, le=2**63 - 1)]


@post("/routers/{router_id:int}/pause", guards=[guards.at_merchant])
async def pause(request: AnyRequest, actor: Actor, clock: Clock, router_id: RouterId) -> Response[bytes]:
    """Leave it alone."""
    await changes.pause(actor, router_id, now=clock.now())
    return see_other(request, f"/routers/{router_id}")


@post("/routers/{router_id:int}/resume", guards=[guards.at_merchant])
async def resume(request: AnyRequest, actor: Actor, clock: Clock, router_id: RouterId) -> Response[bytes]:
    """Visit it again."""
    await changes.resume(actor, router_id, now=clock.now())
    return see_other(request, f"/routers/{router_id}")


@post("/routers/{router_id:int}/check", guards=[guards.at_merchant])
async def check(request: AnyRequest, actor: Actor, clock: Clock, router_id: RouterId) -> Response[bytes]:
    """Have the doctor look now."""
    await changes.look_again(actor, router_id, now=clock.now())
    return see_other(request, f"/routers/{router_id}")


@post("/routers/{router_id:int}/clean-up", guards=[guards.at_merchant])
async def clean_up(request: AnyRequest, actor: Actor, clock: Clock, router_id: RouterId) -> Response[bytes]:
    """A person's word: what was held back may be removed."""
    await release_brakes(actor, router_id, now=clock.now())
    return see_other(request, f"/routers/{router_id}")


@get("/routers/{router_id:int}/replace", guards=[guards.at_merchant])
async def replace_page(request: AnyRequest, actor: Actor, router_id: RouterId) -> Response[str]:
    """What replacing the board means."""
    router = await looks.page_of(actor, router_id)
    rights.changer(actor)
    return page(request, await frame_of(request, actor, here="routers"), "dashboard/router_replace.html", router=router)


@post("/routers/{router_id:int}/replace", guards=[guards.at_merchant])
async def replace(request: AnyRequest, actor: Actor, clock: Clock, router_id: RouterId) -> Response[bytes]:
    """Forget the old board, and on to the new one's setup script."""
    await changes.replace(actor, router_id, now=clock.now())
    return see_other(request, f"/routers/{router_id}/setup")


@get("/routers/{router_id:int}/remove", guards=[guards.at_merchant])
async def remove_page(request: AnyRequest, actor: Actor, router_id: RouterId) -> Response[str]:
    """What removing means, and who is online."""
    router = await looks.page_of(actor, router_id)
    rights.changer(actor)
    frame = await frame_of(request, actor, here="routers")
    return page(request, frame, "dashboard/router_remove.html", router=router, told="")


@post("/routers/{router_id:int}/remove", guards=[guards.at_merchant])
async def remove(request: AnyRequest, actor: Actor, clock: Clock, router_id: RouterId) -> Response[Any]:
    """Take it away; while people are online only when ticked."""
    despite_people = (await request.form()).get("despite_people") == "yes"
    router = await looks.page_of(actor, router_id)
    try:
        await changes.remove(actor, router_id, despite_people=despite_people, now=clock.now())
    except Conflict as error:
        frame = await frame_of(request, actor, here="routers")
        told = frame.language.say(error.message, error.params)
        answer = page(request, frame, "dashboard/router_remove.html", router=router, told=told)
        answer.status_code = error.status_code
        return answer
    return see_other(request, "/routers")


ROUTES = [pause, resume, check, clean_up, replace_page, replace, remove_page, remove]
