"""Monthly customers: the list, a new one, and the packages they pay for. One of them: `subscriber`."""

from typing import Annotated, Any, Literal

from litestar import Response, get, post
from litestar.params import Parameter

from portal import codes, guards
from portal.clock import Clock
from portal.controllers.dashboard.frame import AnyRequest, frame_of, page
from portal.controllers.dashboard.subscriber_words import KIND_WORDS, SHOW_WORDS, STATUS_WORDS
from portal.errors import Invalid
from portal.identity import Actor
from portal.subscribers import looks, offers, opening, rights
from portal.vault import Vault
from portal.web import see_other

Before = Annotated[int | None, Parameter(query="before", ge=1, le=2**63 - 1)]
RowId = Annotated[int, Parameter(ge=1, le=2**63 - 1)]
Show = Annotated[Literal["", "active", "grace", "suspended", "closed"], Parameter(query="show")]
Query = Annotated[str, Parameter(query="q", max_length=500)]
_WISH = opening.Wish.__struct_fields__
_PACKAGE = ("name", "price", "down", "up", "devices")


async def typed_in(request: AnyRequest) -> dict[str, str]:
    """The form's texts."""
    return {name: str(value)[:500] for name, value in (await request.form()).items() if isinstance(value, str)}


@get("/subscribers", guards=[guards.at_merchant])
async def subscribers_list(
    request: AnyRequest, actor: Actor, *, show: Show = "", q: Query = "", before: Before = None
) -> Response[str]:
    """One page of subscribers, those of one status, or what the box finds."""
    frame = await frame_of(request, actor, here="subscribers")
    found = await looks.latest(actor, show=show, q=q, before=before)
    return page(
        request, frame, "dashboard/subscribers.html", found=found, show=show, q=q.strip(), before=before, shows=SHOW_WORDS,
        status_words=STATUS_WORDS, may_decide=rights.may_decide(actor), tabs=(),
    )  # fmt: skip


@get("/subscribers/new", guards=[guards.at_merchant])
async def new_page(request: AnyRequest, actor: Actor) -> Response[str]:
    """The form of a new one."""
    rights.deciding(actor)
    return await _new(request, actor, typed={"kind": "hotspot", "grace_days": "3"}, wrong={})


@post("/subscribers", guards=[guards.at_merchant])
async def open_account(request: AnyRequest, actor: Actor, *, clock: Clock, vault: Vault) -> Response[Any]:
    """Make one."""
    form = await typed_in(request)
    wish = opening.Wish(**{name: form[name] for name in _WISH if name in form})
    try:
        made = await opening.open_account(
            actor, wish, form_key=form.get("form_key", "") or codes.hex_token(16), vault=vault, now=clock.now()
        )
    except Invalid as error:
        return await _new(request, actor, typed=form, wrong=error.fields)
    return see_other(request, f"/subscribers/{made}")


async def _new(request: AnyRequest, actor: Actor, *, typed: dict[str, str], wrong: dict[str, str]) -> Response[str]:
    frame = await frame_of(request, actor, here="subscribers")
    answer = page(
        request, frame, "dashboard/subscriber_new.html", typed=typed, wrong=wrong, kinds=KIND_WORDS,
        routers=await opening.routers_of(actor), packages=[one for one in await offers.of(actor) if one.is_active],
        form_key=typed.get("form_key") or codes.hex_token(16), tabs=(),
    )  # fmt: skip
    answer.status_code = 422 if wrong else 200
    return answer


@get("/subscribers/packages", guards=[guards.at_merchant])
async def packages_page(request: AnyRequest, actor: Actor) -> Response[str]:
    """The monthly packages."""
    return await _packages(request, actor, typed={"devices": "3"}, wrong={})


@post("/subscribers/packages", guards=[guards.at_merchant])
async def make_package(request: AnyRequest, actor: Actor, clock: Clock) -> Response[Any]:
    """Make one."""
    form = await typed_in(request)
    try:
        await offers.make(actor, **{name: form.get(name, "") for name in _PACKAGE}, now=clock.now())
    except Invalid as error:
        return await _packages(request, actor, typed=form, wrong=error.fields)
    return see_other(request, "/subscribers/packages")


@post("/subscribers/packages/{package_id:int}/retire", guards=[guards.at_merchant])
async def retire_package(request: AnyRequest, actor: Actor, package_id: RowId, clock: Clock) -> Response[bytes]:
    """Offer it to nobody new."""
    await offers.retire(actor, package_id, now=clock.now())
    return see_other(request, "/subscribers/packages")


async def _packages(
    request: AnyRequest, actor: Actor, *, typed: dict[str, str], wrong: dict[str, str]
) -> Response[str]:
    frame = await frame_of(request, actor, here="subscribers")
    answer = page(
        request, frame, "dashboard/subscriber_packages.html", typed=typed, wrong=wrong, packages=await offers.of(actor),
        may_decide=rights.may_decide(actor), tabs=(),
    )  # fmt: skip
    answer.status_code = 422 if wrong else 200
    return answer


ROUTES = [subscribers_list, new_page, open_account, packages_page, make_package, retire_package]
