"""Vouchers to be paid by hand: handed out by their public references, released once they are paid. A small batch is made here at
once; every choice there is: `dashboard.batches`."""

from collections.abc import AsyncIterator
from typing import Annotated, Any

from litestar import Request, Response, get, post
from litestar.params import Parameter

from portal import batch_pages, batches, codes, guards, packages, spreadsheets
from portal.clock import Clock
from portal.controllers.dashboard.frame import frame_of
from portal.controllers.dashboard.money_tabs import money_page
from portal.controllers.dashboard.voucher_words import VOUCHER_WORDS
from portal.errors import Invalid
from portal.identity import Actor, Role
from portal.money import format_amount
from portal.msgid import N_
from portal.vault import Vault
from portal.web import see_other

AnyRequest = Request[Any, Any, Any]
RowId = Annotated[int, Parameter(ge=1, le=2**63 - 1)]
Before = Annotated[int | None, Parameter(query="before", ge=1, le=2**63 - 1)]
After = Annotated[int, Parameter(query="after", ge=0, le=2**63 - 1)]
_A_PAGE = 200
CHOOSE = N_("Choose a package.")
_SELLERS = (Role.OWNER, Role.MANAGER, Role.CASHIER)


@get("/references", guards=[guards.at_merchant])
async def references_list(request: AnyRequest, actor: Actor, clock: Clock, before: Before = None) -> Response[str]:
    """The batches made so far, and the form for another."""
    return await _list(request, actor, clock, before=before)


@post("/references", guards=[guards.at_merchant])
async def make(request: AnyRequest, actor: Actor, clock: Clock, *, vault: Vault) -> Response[str] | Response[bytes]:
    """Make a batch and go to it; 422 with the form when something is wrong."""
    sent = await request.form()
    typed = {name: str(sent.get(name, ""))[:120].strip() for name in ("package", "count", "note")}
    try:
        made = await batches.make(
            actor, _package(typed["package"]), count=_number(typed["count"]), note_text=typed["note"], vault=vault,
            now=clock.now(), form_key=str(sent.get("form_key", ""))[:40] or None,
        )  # fmt: skip
    except Invalid as error:
        return await _list(request, actor, clock, typed=typed, error=error)
    return see_other(request, f"/references/{made.id}")


@get("/references/{batch_id:int}", guards=[guards.at_merchant])
async def batch_page(
    request: AnyRequest, actor: Actor, clock: Clock, batch_id: RowId, after: After = 0
) -> Response[str]:
    """One batch: its references, and which of them are paid."""
    return await _batch(request, actor, clock, batch_id, after=after)


@get("/references/{batch_id:int}/print", guards=[guards.at_merchant])
async def batch_print(request: AnyRequest, actor: Actor, batch_id: RowId) -> Response[bytes]:
    """Where slips were printed; now references are printed as all cards are."""
    await batch_pages.batch(actor, batch_id)
    return see_other(request, f"/vouchers/batches/{batch_id}/print")


@get("/references/{batch_id:int}/file.csv", guards=[guards.at_merchant])
async def batch_file(request: AnyRequest, actor: Actor, batch_id: RowId) -> Response[str]:
    """The references as a file; never a code."""
    frame = await frame_of(request, actor, here="sales")
    batch, paybill = await batch_pages.batch(actor, batch_id), await batch_pages.paybill(actor.at_merchant())
    say = frame.language.gettext
    head = (N_("Paybill"), N_("Account number"), N_("Amount"), N_("Package"), N_("Status"))
    lines = [spreadsheets.MARK, spreadsheets.row([say(name) for name in head])]
    number = paybill.number if paybill else ""
    async for each in _all(actor, batch_id):
        price, status = f"{batch.price_cents / 100:.2f}", say(VOUCHER_WORDS[each.status][1])
        lines.append(spreadsheets.row([number, each.reference, price, batch.package, status]))
    headers = {"content-disposition": f'attachment; filename="references-{batch_id}.csv"', "cache-control": "no-store"}
    return Response("".join(lines), media_type="text/csv; charset=utf-8", headers=headers)


@post("/references/{batch_id:int}/code", guards=[guards.at_merchant], status_code=200)
async def show_code(request: AnyRequest, actor: Actor, clock: Clock, *, vault: Vault, batch_id: RowId) -> Response[str]:
    """A paid voucher's code on the shop's screen; it stands in no address, and each look is kept."""
    sent = str((await request.form()).get("voucher", ""))
    listed = await batch_pages.handed_out(actor, batch_id, after=max(0, _number(sent) - 1), most=1)
    shown = _number(sent) if [each.id for each in listed] == [_number(sent)] else 0
    code = await batches.reveal_code(actor, shown, vault=vault, now=clock.now())
    return await _batch(request, actor, clock, batch_id, shown=(shown, codes.print_code(code)))


async def _all(actor: Actor, batch_id: int) -> AsyncIterator[batch_pages.Handed]:
    after = 0
    while some := await batch_pages.handed_out(actor, batch_id, after=after):
        for each in some:
            yield each
        after = some[-1].id


def _number(text: str) -> int:
    """What was sent as a number; 0 for anything that is none."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else 0


def _package(text: str) -> int:
    if not _number(text):
        raise Invalid({"package": CHOOSE})
    return _number(text)


async def _batch(
    request: AnyRequest, actor: Actor, clock: Clock, batch_id: int, *, shown: tuple[int, str] | None = None, after: int = 0
) -> Response[str]:  # fmt: skip
    frame = await frame_of(request, actor, here="sales")
    listed = await batch_pages.handed_out(actor, batch_id, after=after, most=_A_PAGE + 1)
    return money_page(
        request, frame, "dashboard/references_batch.html", tab="references", batch=await batch_pages.batch(actor, batch_id),
        vouchers=listed[:_A_PAGE], after=after, more=listed[_A_PAGE - 1].id if len(listed) > _A_PAGE else None,
        paybill=await batch_pages.paybill(actor.at_merchant()),
        may_sell=actor.role in _SELLERS, shown=shown, now=clock.now(), voucher_words=VOUCHER_WORDS,
    )  # fmt: skip


async def _list(
    request: AnyRequest, actor: Actor, clock: Clock, *, before: int | None = None, typed: dict[str, str] | None = None,
    error: Invalid | None = None,
) -> Response[str]:  # fmt: skip
    frame = await frame_of(request, actor, here="sales")
    listed = await batch_pages.batches(actor, before=before)
    on_sale = await packages.on_sale(actor.at_merchant())
    currency = frame.merchant.currency if frame.merchant else "KES"
    return money_page(
        request, frame, "dashboard/references.html", tab="references", status=error.status_code if error else 200,
        batches=listed, older=listed[-1].id if len(listed) == batch_pages.PAGE_SIZE else None, before=before,
        may_make=actor.role in (Role.OWNER, Role.MANAGER), now=clock.now(),
        choices=[(each.id, f"{each.name}, {format_amount(each.price_cents, currency)}") for each in on_sale],
        typed=typed or {"package": "", "count": "10", "note": ""}, wrong=error.fields if error else {},
        paybill=await batch_pages.paybill(actor.at_merchant()), form_key=codes.hex_token(16),
    )  # fmt: skip


ROUTES = [references_list, make, batch_page, batch_print, batch_file, show_code]
