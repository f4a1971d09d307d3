"""Setting a router up: adding it, changing how it is reached, and its setup script, which is shown once."""

from collections.abc import Mapping
from typing import Annotated, Any

from litestar import Request, Response, get, post
from litestar.params import Parameter

from portal import guards
from portal.addresses import Addresses
from portal.clock import Clock
from portal.config import Settings
from portal.controllers.dashboard.frame import frame_of, page
from portal.errors import Invalid, PortalError
from portal.identity import Actor
from portal.routers import forms, looks, rights, scripts, setup
from portal.vault import Vault
from portal.web import see_other

AnyRequest = Request[Any, Any, Any]
RouterId = Annotated[int, Parameter(ge=1, le=2**63 - 1)]
#: What the forms show before anything is typed. Never a password.
_NEW = {"name": "", "way": "direct", "host": "", "port": "8728", "user": "", "tls_pin": ""}
_SCRIPT = {"family": "7", "hotspot": "new", "interface": "bridge", "network": "10.5.50.0/24", "interval": "15"}


async def _typed(request: AnyRequest) -> dict[str, str]:
    """The form's texts; files and repetitions are dropped."""
    return {name: value for name, value in (await request.form()).items() if isinstance(value, str)}


@get("/routers/new", guards=[guards.at_merchant])
async def new_router(request: AnyRequest, actor: Actor) -> Response[str]:
    """The empty form."""
    settings = guards.settings_of(request)
    rights.changer(actor)
    return await _new_form(request, actor, settings, _NEW)


@post("/routers", guards=[guards.at_merchant])
async def add_router(request: AnyRequest, actor: Actor, vault: Vault, clock: Clock) -> Response[Any]:
    """Add it and go on to its setup; 422 with the form when something is wrong."""
    settings = guards.settings_of(request)
    typed = await _typed(request)
    rights.changer(actor)
    try:
        ways, addresses = setup.ways_offered(settings.tunnel), Addresses(settings.router_networks)
        new = forms.read_new(typed, ways=ways, addresses=addresses)
        router_id = await setup.add(actor, new, vault=vault, tunnel=settings.tunnel, now=clock.now())
    except Invalid as error:
        return await _new_form(request, actor, settings, {**_NEW, "way": "", **typed}, error=error)
    return see_other(request, f"/routers/{router_id}" if new.connection.user else f"/routers/{router_id}/setup")


async def _new_form(
    request: AnyRequest, actor: Actor, settings: Settings, typed: Mapping[str, str], *, error: PortalError | None = None
) -> Response[str]:
    return await _form(
        request, actor, "dashboard/router_new.html", typed, error=error, ways=setup.ways_offered(settings.tunnel)
    )


async def _form(
    request: AnyRequest, actor: Actor, template: str, typed: Mapping[str, str], *, error: PortalError | None = None,
    **context: object,
) -> Response[str]:  # fmt: skip
    """A page with a form; with an error it says what is wrong, above and at the field."""
    frame = await frame_of(request, actor, here="routers")
    wrong = error.fields if isinstance(error, Invalid) else {}
    told = "" if error is None or wrong else frame.language.say(error.message, error.params)
    answer = page(request, frame, template, typed=typed, wrong=wrong, told=told, **context)
    answer.status_code = 200 if error is None else error.status_code
    return answer


@get("/routers/{router_id:int}/connection", guards=[guards.at_merchant])
async def connection_form(request: AnyRequest, actor: Actor, router_id: RouterId) -> Response[str]:
    """How it is reached, to be changed."""
    settings = guards.settings_of(request)
    router = await looks.page_of(actor, router_id)
    rights.changer(actor)
    typed = {
        "way": router.way,
        "host": router.host,
        "port": str(router.port),
        "user": router.user,
        "tls_pin": router.tls_pin,
    }
    ways = setup.ways_offered(settings.tunnel)
    return await _form(request, actor, "dashboard/router_connection.html", typed, router=router, ways=ways)


@post("/routers/{router_id:int}/connection", guards=[guards.at_merchant])
async def change_connection(
    request: AnyRequest, actor: Actor, *, vault: Vault, clock: Clock, router_id: RouterId
) -> Response[Any]:
    """Change it and go back to the router, which is looked at right away."""
    settings = guards.settings_of(request)
    typed, router = await _typed(request), await looks.page_of(actor, router_id)
    rights.changer(actor)
    ways, addresses = setup.ways_offered(settings.tunnel), Addresses(settings.router_networks)
    try:
        connection = forms.read_connection(typed, ways=ways, addresses=addresses)
        await setup.reconnect(actor, router_id, connection, vault=vault, tunnel=settings.tunnel, now=clock.now())
    except Invalid as error:
        shown = {**_NEW, "way": "", **typed}
        return await _form(
            request, actor, "dashboard/router_connection.html", shown, error=error, router=router, ways=ways
        )
    return see_other(request, f"/routers/{router_id}")


@get("/routers/{router_id:int}/setup", guards=[guards.at_merchant])
async def setup_form(request: AnyRequest, actor: Actor, router_id: RouterId) -> Response[str]:
    """What the setup script is to do."""
    router = await looks.page_of(actor, router_id)
    rights.changer(actor)
    typed = {**_SCRIPT, "interval": str(router.asks_every_s)}
    return await _form(request, actor, "dashboard/router_setup.html", typed, router=router)


@post("/routers/{router_id:int}/setup", guards=[guards.at_merchant], status_code=200)
async def make_script(request: AnyRequest, actor: Actor, clock: Clock, router_id: RouterId) -> Response[Any]:
    """A script that waits fifteen minutes to be shown or fetched, once. This page alone holds the word for it."""
    settings = guards.settings_of(request)
    typed, router = await _typed(request), await looks.page_of(actor, router_id)
    rights.changer(actor)
    try:
        options = forms.read_options(typed, way=router.way)
        issued = await scripts.issue(actor, router_id, options, settings=settings, now=clock.now())
    except Invalid as error:
        shown = {**_SCRIPT, **typed}
        return await _form(request, actor, "dashboard/router_setup.html", shown, error=error, router=router)
    frame = await frame_of(request, actor, here="routers")
    return page(request, frame, "dashboard/router_script.html", router=router, issued=issued, text="")


@post("/routers/{router_id:int}/script", guards=[guards.at_merchant], status_code=200)
async def show_script(
    request: AnyRequest, actor: Actor, *, vault: Vault, clock: Clock, router_id: RouterId
) -> Response[str]:
    """The script itself, once; 410 afterwards."""
    settings = guards.settings_of(request)
    router = await looks.page_of(actor, router_id)
    rights.changer(actor)
    code = (await _typed(request)).get("code", "")
    text = await scripts.fetch(code, settings=settings, vault=vault, now=clock.now(), actor=actor, router_id=router_id)
    frame = await frame_of(request, actor, here="routers")
    return page(request, frame, "dashboard/router_script.html", router=router, issued=None, text=text)


@get("/routers/{router_id:int}/undo", guards=[guards.at_merchant])
async def undo_page(request: AnyRequest, actor: Actor, router_id: RouterId) -> Response[str]:
    """The script that takes us off the router again."""
    settings = guards.settings_of(request)
    router = await looks.page_of(actor, router_id)
    rights.changer(actor)
    frame, text = (
        await frame_of(request, actor, here="routers"),
        await scripts.undo(actor, router_id, settings=settings),
    )
    return page(request, frame, "dashboard/router_undo.html", router=router, text=text)


ROUTES = [
    new_router, add_router, connection_form, change_connection, setup_form, make_script, show_script, undo_page,
]  # fmt: skip
