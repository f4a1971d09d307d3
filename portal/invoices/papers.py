"""Papers as values, and keeping a new one: its number is given in the transaction that keeps it, so none is lost or given twice."""

from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from asyncpg import Record

from portal.db import Tx
from portal.invoices.taxes import Taxes
from portal.states import note


class Kind(StrEnum):
    """The database knows the same list. Each has numbers of its own."""

    RECEIPT = "receipt"
    INVOICE = "invoice"
    CREDIT = "credit"


class Seller(msgspec.Struct, frozen=True, kw_only=True):
    """Who sold, as it said of itself then; `phone` is its number for help."""

    shop: str
    legal_name: str
    pin: str
    address: str
    phone: str


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """`what`: "package" (a thing's name is in `name`), "bill" (from `starts_on` until before `ends_on`), "wallet" (money into an
    account) or "kept" (paid too much). Only the first two are sold, and have VAT inside."""

    what: str
    cents: int
    vat_cents: int = 0
    name: str = ""
    starts_on: str = ""
    ends_on: str = ""

    @property
    def days(self) -> str:
        """ "01/11/2026 – 30/11/2026", the last day it covers too; "" where there are none."""
        if not self.starts_on:
            return ""
        first, over = date.fromisoformat(self.starts_on), date.fromisoformat(self.ends_on)
        return f"{first:%d/%m/%Y} – {max(first, over - timedelta(days=1)):%d/%m/%Y}"


class Way(msgspec.Struct, frozen=True, kw_only=True):
    """How money came: a rail, its receipt ("" for cash), cents. "kept": money that was kept from before."""

    rail: str
    code: str
    cents: int


class Content(msgspec.Struct, frozen=True, kw_only=True):
    """What a paper says, frozen. `buyer` is a masked phone number, `account` a subscriber's number, `of` what a credit note takes
    back from."""

    seller: Seller
    lines: list[Line]
    vat_bp: int
    zone: str
    ways: list[Way] = []
    buyer: str = ""
    buyer_name: str = ""
    account: str = ""
    reference: str = ""
    paid_at: datetime | None = None
    due_at: datetime | None = None
    of: str = ""
    why: str = ""
    footer: str = ""

    @property
    def here(self) -> ZoneInfo:
        """Where the seller is: its days and hours stand on the paper."""
        return ZoneInfo(self.zone)

    @property
    def total_cents(self) -> int:
        """The sum of the lines."""
        return sum(line.cents for line in self.lines)

    @property
    def vat_cents(self) -> int:
        """The VAT inside, the sum of the lines'."""
        return sum(line.vat_cents for line in self.lines)


class Paper(msgspec.Struct, frozen=True, kw_only=True):
    """One that was given. `name` is its number as people read it."""

    id: int
    merchant_id: int
    kind: Kind
    name: str
    payment_id: int | None
    bill_id: int | None
    of_id: int | None
    total_cents: int
    vat_cents: int
    currency: str
    content: Content
    control_number: str
    issued_at: datetime


COLUMNS = ", ".join(Paper.__struct_fields__)


def of_row(row: Record) -> Paper:
    """The paper of a row with COLUMNS."""
    values: dict[str, Any] = {name: row[name] for name in Paper.__struct_fields__}
    values |= {"kind": Kind(row["kind"]), "content": msgspec.json.decode(row["content"], type=Content)}
    return Paper(**values)


class About(msgspec.Struct, frozen=True, kw_only=True):
    """What a paper is about: a payment or a bill, and of a credit note the refund, if there is one, and the paper it takes from."""

    merchant_id: int
    currency: str
    payment_id: int | None = None
    bill_id: int | None = None
    refund_id: int | None = None
    of_id: int | None = None
    part: int = 1
    up_to: int | None = None


_NEXT = """INSERT INTO paper_counters (merchant_id, kind, year, last) VALUES ($1, $2, $3, 1)
           ON CONFLICT (merchant_id, kind, year) DO UPDATE SET last = paper_counters.last + 1 RETURNING last"""
_KEEP = f"""
INSERT INTO papers (merchant_id, kind, year, serial, name, payment_id, bill_id, refund_id, of_id, part, up_to, total_cents, vat_cents,
                    currency, content, issued_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15::jsonb, $16) RETURNING {COLUMNS}"""


async def keep(
    tx: Tx, kind: Kind, content: Content, about: About, *, taxes: Taxes, actor: str, now: datetime
) -> Paper:  # fmt: skip
    """Give a paper its number and keep it. Whoever calls has locked what it is about and knows that there is none yet."""
    year = now.astimezone(ZoneInfo(content.zone)).year
    prefix = {Kind.RECEIPT: taxes.receipt_prefix, Kind.INVOICE: taxes.invoice_prefix, Kind.CREDIT: taxes.credit_prefix}
    serial: int = await tx.value(_NEXT, about.merchant_id, kind.value, year)
    row = await tx.row(
        _KEEP,
        about.merchant_id,
        kind.value,
        year,
        serial,
        f"{prefix[kind]}-{year}-{serial:05d}",
        about.payment_id,
        about.bill_id,
        about.refund_id,
        about.of_id,
        about.part,
        about.up_to,
        content.total_cents,
        content.vat_cents,
        about.currency,
        msgspec.json.encode(content).decode(),
        now,
    )
    assert row is not None  # an INSERT with RETURNING
    paper = of_row(row)
    data: dict[str, Any] = {"number": paper.name, "cents": paper.total_cents}
    await note(tx, "papers", paper.id, f"{kind}_made", merchant_id=about.merchant_id, at=now, actor=actor, data=data)
    return paper
