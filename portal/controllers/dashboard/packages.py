"""What is sold: the list, a new package, one of them, what it gives in plain words, and its place in the order customers see."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

import msgspec
from litestar import Response, get, post
from litestar.params import Parameter

from portal import codes, guards, package_words, packages
from portal.captive import words
from portal.clock import Clock
from portal.controllers.dashboard.frame import AnyRequest, Frame, frame_of, page, part
from portal.controllers.dashboard.package_choices import CLOCKS, DATA, EMPTY, EMPTY_LISTS, TIMES, open_parts
from portal.errors import Forbidden, Invalid
from portal.i18n import WEEKDAYS
from portal.identity import Actor
from portal.packages import Draft, Listed
from portal.web import see_other

RowId = Annotated[int, Parameter(ge=1, le=2**63 - 1)]
Before = Annotated[int | None, Parameter(query="before", ge=1, le=2**63 - 1)]
Show = Annotated[Literal["", "archived"], Parameter(query="show")]
_MOST_TYPED, _MOST_TICKED = 300, 500
_LISTS = ("routers", "sell_day", "use_day")


class _Typed(msgspec.Struct, frozen=True):
    """A form's texts, and its boxes that were ticked, by name."""

    texts: Mapping[str, str]
    lists: Mapping[str, Sequence[str]]


@get("/packages", guards=[guards.at_merchant])
async def packages_list(
    request: AnyRequest, actor: Actor, clock: Clock, *, show: Show = "", before: Before = None
) -> Response[str]:
    """The packages on sale in the order customers see, or the archived ones."""
    frame, now = await frame_of(request, actor, here="packages"), clock.now()
    listed, older = await packages.on_sale_of(actor, now=now), None
    if show:
        listed, older = await packages.archived_of(actor, now=now, before=before)
    return page(
        request, frame, "dashboard/packages.html", packages=listed, show=show, older=older, before=before,
        may_change=packages.may_change(actor), words=words, hours=package_words.hours, form_key=codes.hex_token(16),
    )  # fmt: skip


@get("/packages/new", guards=[guards.at_merchant])
async def new_package(request: AnyRequest, actor: Actor, clock: Clock) -> Response[str]:
    """The form of a new one."""
    return await _form(request, actor, _Typed(EMPTY, EMPTY_LISTS), clock=clock)


@post("/packages", guards=[guards.at_merchant])
async def make(request: AnyRequest, actor: Actor, clock: Clock) -> Response[str] | Response[bytes]:
    """Make it; 422 with the form when something is wrong. The button Check only says what it would give."""
    typed = await _typed(request)
    if typed.texts.get("deed") == "check":
        return await _form(request, actor, typed, clock=clock, is_check=True)
    frame, once = await frame_of(request, actor, here="packages"), typed.texts.get("form_key") or codes.hex_token(16)
    try:
        await packages.make(actor, typed.texts, typed.lists, zone=frame.zone, form_key=once, now=clock.now())
    except Invalid as error:
        return await _form(request, actor, typed, clock=clock, error=error)
    return see_other(request, "/packages")


@post("/packages/check", guards=[guards.at_merchant], status_code=200)
async def check(request: AnyRequest, actor: Actor, clock: Clock) -> Response[str]:
    """What the form as it stands would give, as a part of its page."""
    _changing(actor)
    typed, frame = await _typed(request), await frame_of(request, actor, here="packages")
    said = await _said(frame, actor, typed, clock=clock)
    return part(request, frame, "dashboard/_package_words.html", **said)


@get("/packages/{sold_id:int}", guards=[guards.at_merchant])
async def package_page(request: AnyRequest, actor: Actor, clock: Clock, sold_id: RowId) -> Response[str]:
    """One of them: its form, filled in; for who may not change it, what it gives."""
    frame = await frame_of(request, actor, here="packages")
    found = await packages.page_of(actor, sold_id, now=clock.now())
    if packages.may_change(actor):
        return await _form(
            request, actor, _Typed(*packages.as_typed(found.draft, frame.zone)), clock=clock, package=found
        )
    said = _in_words(frame, found.draft, found.routers, clock=clock)
    return page(request, frame, "dashboard/package.html", package=found, words=words, **said)


@post("/packages/{sold_id:int}", guards=[guards.at_merchant])
async def rewrite(request: AnyRequest, actor: Actor, clock: Clock, sold_id: RowId) -> Response[str] | Response[bytes]:
    """Change it from now on. What was sold stays as it is."""
    frame, typed = await frame_of(request, actor, here="packages"), await _typed(request)
    found = await packages.page_of(actor, sold_id, now=clock.now())
    if typed.texts.get("deed") == "check":
        return await _form(request, actor, typed, clock=clock, package=found, is_check=True)
    try:
        await packages.rewrite(actor, sold_id, typed.texts, typed.lists, zone=frame.zone, now=clock.now())
    except Invalid as error:
        return await _form(request, actor, typed, clock=clock, package=found, error=error)
    return see_other(request, "/packages" if found.is_active else "/packages?show=archived")


@post("/packages/{sold_id:int}/copy", guards=[guards.at_merchant])
async def copy(request: AnyRequest, actor: Actor, clock: Clock, sold_id: RowId) -> Response[bytes]:
    """Make a copy, not on sale yet, and open it."""
    once = (await _typed(request)).texts.get("form_key") or codes.hex_token(16)
    copy_id = await packages.duplicate(actor, sold_id, form_key=once, now=clock.now())
    return see_other(request, f"/packages/{copy_id}")


@post("/packages/{sold_id:int}/archive", guards=[guards.at_merchant])
async def archive(request: AnyRequest, actor: Actor, clock: Clock, sold_id: RowId) -> Response[bytes]:
    """It is sold no longer."""
    await packages.archive(actor, sold_id, now=clock.now())
    return see_other(request, "/packages")


@post("/packages/{sold_id:int}/restore", guards=[guards.at_merchant])
async def restore(request: AnyRequest, actor: Actor, clock: Clock, sold_id: RowId) -> Response[bytes]:
    """It is sold again."""
    await packages.restore(actor, sold_id, now=clock.now())
    return see_other(request, "/packages")


@post("/packages/{sold_id:int}/up", guards=[guards.at_merchant])
async def move_up(request: AnyRequest, actor: Actor, clock: Clock, sold_id: RowId) -> Response[bytes]:
    """One place earlier."""
    await packages.move_up(actor, sold_id, now=clock.now())
    return see_other(request, "/packages")


@post("/packages/{sold_id:int}/down", guards=[guards.at_merchant])
async def move_down(request: AnyRequest, actor: Actor, clock: Clock, sold_id: RowId) -> Response[bytes]:
    """One place later."""
    await packages.move_down(actor, sold_id, now=clock.now())
    return see_other(request, "/packages")


async def _typed(request: AnyRequest) -> _Typed:
    sent = await request.form()
    texts = {name: text[:_MOST_TYPED] for name, text in sent.items() if isinstance(text, str) and name not in _LISTS}
    ticked = {
        name: [each[:20] for each in sent.getall(name, []) if isinstance(each, str)][:_MOST_TICKED] for name in _LISTS
    }
    return _Typed(texts, ticked)


def _changing(actor: Actor) -> None:
    if not packages.may_change(actor):
        raise Forbidden(packages.ONLY_MANAGERS)


async def _form(
    request: AnyRequest, actor: Actor, typed: _Typed, *, clock: Clock, package: Listed | None = None,
    error: Invalid | None = None, is_check: bool = False,
) -> Response[str]:  # fmt: skip
    """`is_check`: what is wrong is told like what is right, but nothing was to be kept."""
    _changing(actor)
    frame = await frame_of(request, actor, here="packages")
    is_new = package is None and error is None and not is_check
    said: dict[str, Any] = {"promise": [], "small": [], "advice": [], "wrong": {}}
    if not is_new:
        said = await _said(frame, actor, typed, clock=clock)
    context: dict[str, Any] = {
        **said, "typed": typed.texts, "lists": typed.lists, "package": package, "routers": await packages.routers_of(actor),
        "times": TIMES, "data_units": DATA, "clocks": CLOCKS, "weekdays": WEEKDAYS, "is_new": is_new,
        "shown": open_parts(typed.texts, typed.lists, said["wrong"]), "told": error.message if error and not error.fields else "",
        "form_key": typed.texts.get("form_key") or codes.hex_token(16),
    }  # fmt: skip
    if error:
        context["wrong"] = error.fields
    answer = page(request, frame, "dashboard/package_form.html", **context)
    answer.status_code = 422 if error else 200
    return answer


async def _said(frame: Frame, actor: Actor, typed: _Typed, *, clock: Clock) -> dict[str, Any]:
    """What the form says in plain words, or what keeps it from saying anything."""
    try:
        draft = packages.read(typed.texts, typed.lists, zone=frame.zone)
    except Invalid as error:
        return {"promise": [], "small": [], "advice": [], "wrong": error.fields}
    names = {place.id: place.name for place in await packages.routers_of(actor)}
    routers = [names[each] for each in draft.router_ids if each in names]
    return _in_words(frame, draft, routers, clock=clock)


def _in_words(frame: Frame, draft: Draft, routers: Sequence[str], *, clock: Clock) -> dict[str, Any]:
    assert frame.merchant is not None  # the guard stands before
    currency, language = frame.merchant.currency, frame.language
    return {
        "promise": package_words.promise(draft.terms, draft.price_cents, currency, language),
        "small": package_words.small_print(draft, routers, currency, language, zone=frame.zone),
        "advice": packages.advice(draft, now=clock.now()), "wrong": {},
    }  # fmt: skip


ROUTES = [
    packages_list, new_package, make, check, package_page, rewrite, copy, archive, restore, move_up, move_down,
]  # fmt: skip
