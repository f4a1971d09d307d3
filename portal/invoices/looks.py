"""Papers as people see them: one, those about one thing, the list and its file. Reads only."""

from collections.abc import AsyncIterator
from datetime import date, datetime
from zoneinfo import ZoneInfo

import msgspec

from portal.db import DB
from portal.errors import NotFound
from portal.identity import Actor
from portal.invoices.papers import COLUMNS, Kind, Paper, of_row
from portal.merchants import profile

PAGE_SIZE = 50
_BATCH = 500
_LATEST = 2**63 - 1


class Listed(msgspec.Struct, frozen=True, kw_only=True):
    """A page of the list, the newest first; `older` is where the next begins, None on the last."""

    papers: list[Paper]
    older: int | None


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """Which papers: of a kind, and issued from `since` until before `until`."""

    kind: Kind | None = None
    since: datetime | None = None
    until: datetime | None = None


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """What a paper is about, as it is now: whether it can have one, whose phone it is, a bill's status."""

    papers: list[Paper]
    is_paid: bool
    phone: str
    refunded_cents: int
    subscriber_id: int | None
    bill_status: str = ""

    @property
    def lacks_credit_note(self) -> bool:
        """Whether money went back that no credit note tells."""
        told = sum(paper.total_cents for paper in self.papers if paper.kind is Kind.CREDIT)
        return bool(self.papers) and self.refunded_cents > told


async def one(actor: Actor, paper_id: int) -> Paper:
    """One of the actor's merchant; NotFound otherwise."""
    row = await DB.row(
        f"SELECT {COLUMNS} FROM papers WHERE id = $1 AND merchant_id = $2", paper_id, actor.at_merchant()
    )
    if row is None:
        raise NotFound
    return of_row(row)


async def standing(paper: Paper) -> Standing:
    """What a paper, seen already, is about."""
    if paper.payment_id is not None:
        return await _payment(paper.payment_id, paper.merchant_id)
    assert paper.bill_id is not None  # the database says that one of them is there
    return await of_bill(paper.bill_id)


async def of_payment(actor: Actor, payment_id: int) -> Standing:
    """The papers about a payment of the actor's merchant, a receipt first; NotFound otherwise."""
    return await _payment(payment_id, actor.at_merchant())


async def _payment(payment_id: int, merchant_id: int) -> Standing:
    row = await DB.row(
        """SELECT status, phone, subscriber_id, (SELECT coalesce(sum(amount_cents), 0)::bigint FROM refunds
             WHERE payment_id = p.id AND status = 'done') AS refunded
           FROM payments p WHERE id = $1 AND merchant_id = $2""",
        payment_id,
        merchant_id,
    )
    if row is None:
        raise NotFound
    rows = await DB.fetch(f"SELECT {COLUMNS} FROM papers WHERE payment_id = $1 ORDER BY id", payment_id)
    return Standing(
        papers=[of_row(each) for each in rows], is_paid=row["status"] in ("paid", "refund_pending", "refunded"),
        phone=row["phone"], refunded_cents=row["refunded"], subscriber_id=row["subscriber_id"],
    )  # fmt: skip


async def of_bill(bill_id: int) -> Standing:
    """The papers about a bill, the invoice first, for who may see it."""
    row = await DB.row(
        """SELECT b.status, s.phone, b.subscriber_id,
                  CASE WHEN b.status = 'dropped' THEN 0 ELSE b.amount_cents - b.returned_cents END AS stands
           FROM subscriber_bills b JOIN subscribers s ON s.id = b.subscriber_id WHERE b.id = $1""",
        bill_id,
    )
    if row is None:
        raise NotFound
    rows = await DB.fetch(f"SELECT {COLUMNS} FROM papers WHERE bill_id = $1 ORDER BY id", bill_id)
    papers = [of_row(each) for each in rows]
    return Standing(
        papers=papers, is_paid=True, phone=row["phone"], subscriber_id=row["subscriber_id"], bill_status=row["status"],
        refunded_cents=papers[0].total_cents - row["stands"] if papers else 0,
    )  # fmt: skip


async def latest(actor: Actor, wanted: Wanted, *, before: int | None = None, most: int = PAGE_SIZE) -> Listed:
    """The merchant's papers, those below the id `before`."""
    rows = await DB.fetch(
        f"""SELECT {COLUMNS} FROM papers WHERE merchant_id = $1 AND id < $2 AND ($4::text IS NULL OR kind = $4)
            AND ($5::timestamptz IS NULL OR issued_at >= $5) AND ($6::timestamptz IS NULL OR issued_at < $6)
            ORDER BY id DESC LIMIT $3""",
        actor.at_merchant(),
        before or _LATEST,
        most + 1,
        wanted.kind.value if wanted.kind else None,
        wanted.since,
        wanted.until,
    )
    papers = [of_row(row) for row in rows[:most]]
    return Listed(papers=papers, older=papers[-1].id if len(rows) > most else None)


async def every(actor: Actor, wanted: Wanted) -> AsyncIterator[Paper]:
    """All of them, the newest first."""
    before: int | None = None
    while True:
        found = await latest(actor, wanted, before=before, most=_BATCH)
        for paper in found.papers:
            yield paper
        if (before := found.older) is None:
            return


async def in_month(actor: Actor, month: date | None, kind: Kind | None) -> Wanted:
    """What was issued in a month of the merchant's own days; None: whenever."""
    if month is None:
        return Wanted(kind=kind)
    begin, end = bounds(month, ZoneInfo((await profile(actor.at_merchant())).timezone))
    return Wanted(kind=kind, since=begin, until=end)


def bounds(month: date, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """When a month begins and ends where the merchant is."""
    begin = datetime(month.year, month.month, 1, tzinfo=zone)
    return begin, datetime(month.year + month.month // 12, month.month % 12 + 1, 1, tzinfo=zone)
