"""People's data: the owner's page to take along all the shop has, and to show, save or erase what is kept of one customer.

Numbers stand in no address: they come by forms."""

import asyncio
from collections.abc import AsyncGenerator, Iterator
from typing import Annotated, Any

from litestar import Request, Response, get, post
from litestar.params import Parameter
from litestar.response import Stream

from portal import codes, guards
from portal.clock import Clock
from portal.controllers.dashboard.frame import frame_of, page
from portal.errors import Conflict, Invalid, PortalError
from portal.exports.names import attachment, file_name
from portal.identity import Actor
from portal.phones import written
from portal.privacy import copies, customers, erasing, shelf
from portal.vault import Vault
from portal.web import see_other

AnyRequest = Request[Any, Any, Any]
RowId = Annotated[int, Parameter(ge=1, le=2**63 - 1)]
Erased = Annotated[bool, Parameter(query="erased")]
_PATH = "/settings/data"
_GUARDS = [guards.at_merchant, guards.fresh]
_PAGE = {"page": _PATH}


@get(_PATH, guards=_GUARDS)
async def data_page(request: AnyRequest, actor: Actor, clock: Clock, erased: Erased = False) -> Response[str]:
    """Copies made so far, and the box for a customer's number."""
    return await _data(request, actor, clock, is_erased=erased)


@post(f"{_PATH}/copies", guards=_GUARDS, opt=_PAGE)
async def ask_copy(request: AnyRequest, actor: Actor, clock: Clock) -> Response[Any]:
    """Have a copy made."""
    typed, frame = await _typed(request), await frame_of(request, actor, here="settings")
    try:
        await copies.ask(
            actor, has_codes=typed["codes"] == "yes", language=frame.language.code, now=clock.now(), form_key=typed["form_key"] or None
        )  # fmt: skip
    except Conflict as wrong:
        return await _data(request, actor, clock, wrong=wrong)
    return see_other(request, _PATH)


@get(f"{_PATH}/copies/{{copy_id:int}}/shop.zip", guards=_GUARDS, opt=_PAGE)
async def copy_file(request: AnyRequest, actor: Actor, copy_id: RowId, *, clock: Clock, vault: Vault) -> Stream:
    """The zip; each fetch is written down."""
    settings, frame = guards.settings_of(request), await frame_of(request, actor, here="settings")
    await copies.fetch(actor, copy_id, settings=settings, now=clock.now())
    assert frame.merchant is not None
    name = file_name("all-data", frame.merchant.name, clock.now().astimezone(frame.zone).date(), "zip")
    sent = _sent(shelf.pieces(settings, vault, copy_id))
    return Stream(sent, media_type="application/zip", headers=attachment(name))


@post(f"{_PATH}/customer", guards=_GUARDS, opt=_PAGE, status_code=200)
async def customer_page(request: AnyRequest, actor: Actor, clock: Clock) -> Response[str]:
    """What is kept of a number, and whether it can be erased."""
    return await _customer(request, actor, clock)


@post(f"{_PATH}/customer/file", guards=_GUARDS, opt=_PAGE, status_code=200)
async def customer_file(request: AnyRequest, actor: Actor, clock: Clock) -> Response[Any]:
    """All of it as a file."""
    merchant_id, typed = copies.owner(actor), await _typed(request)
    try:
        person = await customers.person_of(merchant_id, customers.parsed(typed["phone"]))
    except Invalid as wrong:
        return await _data(request, actor, clock, typed=typed, wrong=wrong)
    await erasing.note_saved(actor, person, now=clock.now())
    name = file_name("customer", "", clock.now().date(), "csv")
    return Response(await customers.file(person), media_type="text/csv; charset=utf-8", headers=attachment(name))


@post(f"{_PATH}/customer/erase", guards=_GUARDS, opt=_PAGE)
async def erase_customer(request: AnyRequest, actor: Actor, *, clock: Clock, vault: Vault) -> Response[Any]:
    """Erase; the number is typed a second time."""
    typed = await _typed(request)
    try:
        await erasing.erase(actor, typed["phone"], typed["again"], vault=vault, now=clock.now())
    except (Invalid, Conflict) as wrong:
        return await _customer(request, actor, clock, wrong=wrong)
    return see_other(request, f"{_PATH}?erased=true")


async def _typed(request: AnyRequest) -> dict[str, str]:
    sent = await request.form()
    return {name: str(sent.get(name, ""))[:64] for name in ("phone", "again", "codes", "form_key")}


async def _data(
    request: AnyRequest, actor: Actor, clock: Clock, *, typed: dict[str, str] | None = None, wrong: PortalError | None = None,
    is_erased: bool = False,
) -> Response[str]:  # fmt: skip
    made, frame = await copies.mine(actor), await frame_of(request, actor, here="settings")
    answer = page(
        request, frame, "dashboard/privacy.html", copies=made, typed=typed or {}, wrong=_fields(wrong), trouble=_words(wrong),
        is_erased=is_erased, now=clock.now(), form_key=codes.hex_token(16),
    )  # fmt: skip
    answer.status_code = wrong.status_code if wrong else 200
    return answer


async def _customer(
    request: AnyRequest, actor: Actor, clock: Clock, *, wrong: PortalError | None = None
) -> Response[str]:
    merchant_id, typed = copies.owner(actor), await _typed(request)
    try:
        person = await customers.person_of(merchant_id, customers.parsed(typed["phone"]))
    except Invalid as error:
        return await _data(request, actor, clock, typed=typed, wrong=error)
    frame = await frame_of(request, actor, here="settings")
    answer = page(
        request, frame, "dashboard/privacy_customer.html", number=written(person.phone), typed=typed, counts=await customers.counts(person),
        kinds=customers.KINDS, hindrances=await customers.hindrances(person), wrong=_fields(wrong), trouble=_words(wrong),
    )  # fmt: skip
    answer.status_code = wrong.status_code if wrong else 200
    return answer


def _fields(wrong: PortalError | None) -> dict[str, str]:
    return dict(wrong.fields) if isinstance(wrong, Invalid) else {}


def _words(wrong: PortalError | None) -> str:
    return "" if wrong is None or isinstance(wrong, Invalid) else str(wrong)


async def _sent(pieces: Iterator[bytes]) -> AsyncGenerator[bytes]:
    while piece := await asyncio.to_thread(next, pieces, b""):
        yield piece


ROUTES = [data_page, ask_copy, copy_file, customer_page, customer_file, erase_customer]
