"""Receipts, invoices and credit notes: the list and its file, one to print, mark and send, and making them."""

from collections.abc import AsyncIterator
from datetime import date
from typing import Annotated, Any, Literal
from urllib.parse import quote
from zoneinfo import ZoneInfo

from litestar import Request, Response, get, post
from litestar.params import Parameter
from litestar.response import Stream

from portal import guards, spreadsheets
from portal.clock import Clock
from portal.config import Settings
from portal.controllers.dashboard.frame import Frame, frame_of
from portal.controllers.dashboard.money_tabs import money_page
from portal.controllers.dashboard.paper_words import FILTER_WORDS, KIND_WORDS, LINE_WORDS, WORDS
from portal.errors import Conflict, Invalid, PortalError
from portal.identity import Actor
from portal.invoices import bills, looks, receipts, rights, sending
from portal.invoices.papers import Kind, Paper
from portal.messages.kinds import SENTENCES
from portal.money import format_amount
from portal.msgid import N_
from portal.signing import Signer
from portal.timeline import sees_all
from portal.web import see_other

AnyRequest = Request[Any, Any, Any]
RowId = Annotated[int, Parameter(ge=1, le=2**63 - 1)]
Before = Annotated[int | None, Parameter(query="before", ge=1, le=2**63 - 1)]
Wish = Annotated[Literal["", "receipt", "invoice", "credit"], Parameter(query="kind")]
Month = Annotated[str, Parameter(query="month", max_length=7)]
Size = Annotated[Literal["a4", "mm80", "mm58"], Parameter(query="paper")]
Told = Annotated[bool, Parameter(query="sent")]
_HEAD = (
    N_("Issued"), N_("Number"), N_("Kind"), N_("Takes back from"), N_("Customer"), N_("For"), N_("Total"), N_("VAT"),
    N_("Without VAT"), N_("Currency"), N_("M-Pesa code"), N_("Control unit number"),
)  # fmt: skip


@get("/invoices", guards=[guards.at_merchant])
async def papers_page(
    request: AnyRequest, actor: Actor, kind: Wish = "", month: Month = "", before: Before = None
) -> Response[str]:
    """All of them, the newest first."""
    wanted = await looks.in_month(actor, _month(month), Kind(kind) if kind else None)
    found = await looks.latest(actor, wanted, before=before)
    frame = await frame_of(request, actor, here="sales")
    return money_page(
        request, frame, "dashboard/invoices.html", tab="invoices", found=found, chosen={"kind": kind, "month": month},
        filters=FILTER_WORDS, before=before, without=await bills.count_without(actor), most=bills.MOST_AT_ONCE,
        may_decide=sees_all(actor), **WORDS,
    )  # fmt: skip


@get("/invoices.csv", guards=[guards.at_merchant])
async def papers_file(request: AnyRequest, actor: Actor, kind: Wish = "", month: Month = "") -> Stream:
    """The same as a file, made while it is sent."""
    wanted = await looks.in_month(actor, _month(month), Kind(kind) if kind else None)
    frame = await frame_of(request, actor, here="sales")
    headers = {"content-disposition": 'attachment; filename="invoices.csv"', "cache-control": "no-store"}
    return Stream(_lines(actor, frame, wanted), media_type="text/csv", headers=headers)


def _month(text: str) -> date | None:
    """A month nobody can read does not count."""
    try:
        return date.fromisoformat(f"{text}-01")
    except ValueError:
        return None


async def _lines(actor: Actor, frame: Frame, wanted: looks.Wanted) -> AsyncIterator[str]:
    say = frame.language.gettext
    yield spreadsheets.MARK + spreadsheets.row([say(name) for name in _HEAD])
    async for paper in looks.every(actor, wanted):
        told, back = paper.content, -1 if paper.kind is Kind.CREDIT else 1
        cents = (paper.total_cents, paper.vat_cents, paper.total_cents - paper.vat_cents)
        issued = paper.issued_at.astimezone(ZoneInfo(told.zone))
        yield spreadsheets.row(
            [
                f"{issued:%Y-%m-%d %H:%M:%S}", paper.name, say(KIND_WORDS[paper.kind]), told.of, told.buyer_name or told.buyer,
                ", ".join(line.name or say(LINE_WORDS[line.what]) for line in told.lines),
                *(round(back * each / 100, 2) for each in cents), paper.currency,
                " ".join(way.code for way in told.ways if way.code), paper.control_number,
            ]
        )  # fmt: skip


@post("/invoices", guards=[guards.at_merchant])
async def make_all(request: AnyRequest, actor: Actor, clock: Clock) -> Response[Any]:
    """Make invoices for the bills that have none."""
    await bills.make_all(actor, now=clock.now())
    return see_other(request, "/invoices?kind=invoice")


@get("/invoices/{paper_id:int}", guards=[guards.at_merchant])
async def paper_page(
    request: AnyRequest, actor: Actor, paper_id: RowId, *, signer: Signer, paper: Size = "a4", sent: Told = False
) -> Response[str]:  # fmt: skip
    """One, to read and to print."""
    return await _paper(request, actor, paper_id, signer=signer, size=paper, is_sent=sent)


async def _paper(
    request: AnyRequest, actor: Actor, paper_id: int, *, signer: Signer, size: str = "a4",
    is_sent: bool = False, error: PortalError | None = None, typed: dict[str, str] | None = None,
) -> Response[str]:  # fmt: skip
    shown = await looks.one(actor, paper_id)
    standing = await looks.standing(shown)
    frame = await frame_of(request, actor, here="sales")
    link = _base(request) + sending.path(shown, signer)
    wrong = error.fields if isinstance(error, Invalid) else {}
    return money_page(
        request, frame, "dashboard/invoice.html", tab="invoices", logo="/prints/logo.png" if _has_logo(frame) else "",
        status=error.status_code if error else 200, paper=shown,
        standing=standing, size=size, link=link, is_sent=is_sent, was_sent=await sending.is_sent(shown), wrong=wrong,
        told=frame.language.say(error.message, error.params) if error and not wrong else "", base=f"/invoices/{shown.id}",
        typed=typed or {"control": shown.control_number}, may_make=rights.may_make(actor), may_mark=sees_all(actor),
        share=_share(frame, shown, link, standing.phone if sees_all(actor) else ""), **WORDS,
    )  # fmt: skip


def _has_logo(frame: Frame) -> bool:
    return frame.merchant is not None and bool(frame.merchant.look.logo)


def _base(request: AnyRequest) -> str:
    settings: Settings = request.app.state["settings"]
    return settings.base_url


def _share(frame: Frame, paper: Paper, link: str, phone: str) -> str:
    """A WhatsApp link with the message written out; whoever may not see the number chooses the customer there."""
    shop = frame.merchant.name if frame.merchant else ""
    amount = format_amount(paper.total_cents, paper.currency)
    sentence = frame.language.gettext(SENTENCES[sending.told_of(paper)])
    said = sentence % {"shop": shop, "number": paper.name, "amount": amount, "link": link}
    return f"https://wa.me/{phone}?text={quote(said, safe='')}"


@post("/invoices/{paper_id:int}/send", guards=[guards.at_merchant])
async def send(request: AnyRequest, actor: Actor, paper_id: RowId, *, clock: Clock, signer: Signer) -> Response[Any]:
    """Send the customer's link by SMS, once."""
    typed = await _typed(request, "phone")
    try:
        await sending.send(
            actor, paper_id, phone=typed["phone"], base_url=_base(request), signer=signer, now=clock.now()
        )
    except (Invalid, Conflict) as error:
        return await _paper(request, actor, paper_id, signer=signer, error=error, typed=typed)
    return see_other(request, f"/invoices/{paper_id}?sent=true")


@post("/invoices/{paper_id:int}/control", guards=[guards.at_merchant])
async def mark(request: AnyRequest, actor: Actor, paper_id: RowId, *, clock: Clock, signer: Signer) -> Response[Any]:
    """Write the control unit's number on it."""
    typed = await _typed(request, "control")
    try:
        await sending.mark(actor, paper_id, typed["control"], now=clock.now())
    except Invalid as error:
        return await _paper(request, actor, paper_id, signer=signer, error=error, typed=typed)
    return see_other(request, f"/invoices/{paper_id}")


async def _typed(request: AnyRequest, name: str) -> dict[str, str]:
    sent = (await request.form()).get(name, "")
    return {name: sent[:60] if isinstance(sent, str) else ""}


@get("/payments/{payment_id:int}/receipt", guards=[guards.at_merchant])
async def receipt_page(request: AnyRequest, actor: Actor, payment_id: RowId) -> Response[Any]:
    """On to the payment's receipt; where there is none yet, a button that makes it."""
    standing = await looks.of_payment(actor, payment_id)
    if standing.papers and not (standing.lacks_credit_note and rights.may_make(actor)):
        return see_other(request, f"/invoices/{standing.papers[0].id}")
    return await _none(request, actor, payment_id)


async def _none(
    request: AnyRequest, actor: Actor, payment_id: int, *, error: PortalError | None = None
) -> Response[str]:
    frame = await frame_of(request, actor, here="sales")
    return money_page(
        request, frame, "dashboard/receipt_new.html", tab="sales", status=error.status_code if error else 200,
        payment_id=payment_id, standing=await looks.of_payment(actor, payment_id), may_make=rights.may_make(actor),
        told=frame.language.say(error.message, error.params) if error else "",
    )  # fmt: skip


@post("/payments/{payment_id:int}/receipt", guards=[guards.at_merchant])
async def make_receipt(request: AnyRequest, actor: Actor, clock: Clock, payment_id: RowId) -> Response[Any]:
    """Make the receipt, and credit notes for what was given back."""
    try:
        made = await receipts.make(actor, payment_id, now=clock.now())
    except Conflict as error:
        return await _none(request, actor, payment_id, error=error)
    return see_other(request, f"/invoices/{made.id}")


@post("/invoices/bills/{bill_id:int}", guards=[guards.at_merchant])
async def make_invoice(request: AnyRequest, actor: Actor, clock: Clock, bill_id: RowId) -> Response[Any]:
    """Make the invoice of a subscriber's bill, and a credit note for what was taken off it since."""
    made = await bills.make(actor, bill_id, now=clock.now())
    return see_other(request, f"/invoices/{made.id}")


ROUTES = [
    papers_page, papers_file, make_all, paper_page, send, mark, receipt_page, make_receipt, make_invoice,
]  # fmt: skip
