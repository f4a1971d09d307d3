"""Invoices of subscribers' bills, and credit notes for what of a bill was cut or dropped after its invoice was made."""

from datetime import datetime

from asyncpg import Record

from portal import phones
from portal.db import DB, Tx, atomic
from portal.errors import Conflict, NotFound
from portal.identity import Actor
from portal.invoices import rights, taxes, vat
from portal.invoices.papers import COLUMNS, About, Content, Kind, Line, Paper, keep, of_row
from portal.invoices.receipts import left_of, seller_of
from portal.invoices.taxes import Taxes
from portal.msgid import N_
from portal.routers.rights import named

NOTHING = N_("This bill asks for nothing, so there is no invoice.")
#: Invoices one tap makes at most: each has a transaction of its own, since the next number waits for the one before.
MOST_AT_ONCE = 500

_BILL = """
SELECT b.*, CASE WHEN b.status = 'dropped' THEN 0 ELSE b.amount_cents - b.returned_cents END AS stands_cents, s.name AS buyer_name,
       s.phone, s.account_number, m.name AS shop, m.help_phone, m.timezone
FROM subscriber_bills b JOIN subscribers s ON s.id = b.subscriber_id JOIN merchants m ON m.id = b.merchant_id
WHERE b.id = $1 FOR UPDATE OF b"""
_WITHOUT = """
FROM subscriber_bills b WHERE merchant_id = $1 AND status IN ('due', 'paid') AND amount_cents > returned_cents
AND NOT EXISTS (SELECT FROM papers WHERE bill_id = b.id)"""


async def make(actor: Actor, bill_id: int, *, now: datetime) -> Paper:
    """The invoice of a bill, made now if there is none yet, and a credit note for what was taken off it since.

    For sellers. NotFound: no such bill of the actor's; Conflict: it asks for nothing. Repeatable."""
    merchant_id = rights.maker(actor)
    if merchant_id != await DB.value("SELECT merchant_id FROM subscriber_bills WHERE id = $1", bill_id):
        raise NotFound
    return await made(bill_id, by=named(actor), now=now)


async def made(bill_id: int, *, by: str, now: datetime) -> Paper:
    """The same for whoever holds the bill's signed link."""
    async with atomic() as tx:
        row = await tx.row(_BILL, bill_id)
        if row is None:
            raise NotFound
        terms = await taxes.in_force(tx, row["merchant_id"])
        found = await tx.row(f"SELECT {COLUMNS} FROM papers WHERE bill_id = $1 AND kind = 'invoice'", bill_id)
        if found is None:
            return await _invoice(tx, row, terms, by=by, now=now)
        paper = of_row(found)
        await _credit_note(tx, row, paper, terms, by=by, now=now)
    return paper


async def count_without(actor: Actor) -> int:
    """Bills without an invoice, counted up to what one tap makes."""
    return await DB.value(f"SELECT count(*) FROM (SELECT {_WITHOUT} LIMIT {MOST_AT_ONCE}) b", actor.at_merchant())


async def make_all(actor: Actor, *, now: datetime) -> int:
    """Make invoices for bills without one, the oldest first, up to MOST_AT_ONCE; how many. For owners and managers."""
    merchant_id = rights.decider(actor)
    rows = await DB.fetch(f"SELECT b.id {_WITHOUT} ORDER BY b.id LIMIT {MOST_AT_ONCE}", merchant_id)
    for row in rows:
        await made(row["id"], by=named(actor), now=now)
    return len(rows)


async def _invoice(tx: Tx, row: Record, terms: Taxes, *, by: str, now: datetime) -> Paper:
    cents: int = row["stands_cents"]
    if cents <= 0:
        raise Conflict(NOTHING)
    content = Content(
        seller=seller_of(row, terms), lines=[_line(row, cents, vat.inside(cents, terms.vat_bp))], vat_bp=terms.vat_bp,
        zone=row["timezone"], buyer=phones.mask(row["phone"]) if row["phone"] else "", buyer_name=row["buyer_name"],
        account=row["account_number"], paid_at=row["paid_at"], due_at=row["due_at"], footer=terms.footer,
    )  # fmt: skip
    about = About(merchant_id=row["merchant_id"], currency=row["currency"], bill_id=row["id"])
    return await keep(tx, Kind.INVOICE, content, about, taxes=terms, actor=by, now=now)


async def _credit_note(tx: Tx, row: Record, paper: Paper, terms: Taxes, *, by: str, now: datetime) -> None:
    left, left_vat = await left_of(tx, paper)
    back = left - row["stands_cents"]
    if back <= 0:
        return
    tax = vat.taken_back(back, paper.content.vat_bp, left_cents=left, left_vat_cents=left_vat)
    content = Content(
        seller=seller_of(row, terms), lines=[_line(row, back, tax)], vat_bp=paper.content.vat_bp, zone=row["timezone"],
        buyer=paper.content.buyer, buyer_name=paper.content.buyer_name, account=paper.content.account, of=paper.name,
        footer=terms.footer,
    )  # fmt: skip
    part: int = await tx.value("SELECT count(*) + 1 FROM papers WHERE of_id = $1", paper.id)
    about = About(
        merchant_id=row["merchant_id"], currency=row["currency"], bill_id=row["id"], of_id=paper.id, part=part
    )
    await keep(tx, Kind.CREDIT, content, about, taxes=terms, actor=by, now=now)


def _line(row: Record, cents: int, tax: int) -> Line:
    return Line(
        what="bill", name=row["package_name"], cents=cents, vat_cents=tax, starts_on=row["starts_on"].isoformat(),
        ends_on=row["ends_on"].isoformat(),
    )  # fmt: skip
