"""A month's statement: what changed of what we owe a merchant, by day and reason, from one balance to the next."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

import msgspec

from portal.db import DB
from portal.errors import Invalid
from portal.identity import Actor
from portal.ledger import OWED_ACCOUNTS
from portal.merchants import profile
from portal.msgid import N_
from portal.payouts import rights

NO_MONTH = N_("There is no such month.")


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """A day's postings of one reason; `cents` signed: what is owed grows or shrinks. `balance_cents` after it."""

    day: date
    kind: str
    count: int
    cents: int
    balance_cents: int


class Statement(msgspec.Struct, frozen=True, kw_only=True):
    """A month's: `opening_cents` and the lines make `closing_cents`."""

    month: date
    opening_cents: int
    lines: list[Line]
    closing_cents: int


_ACCOUNTS = f"e.account IN {OWED_ACCOUNTS}"
_LINES = f"""
SELECT (l.created_at AT TIME ZONE $4)::date AS day, coalesce(o.kind || '_back', l.kind) AS kind, count(DISTINCT l.id) AS count,
       -sum(e.amount_cents)::bigint AS cents
FROM ledger_postings l JOIN ledger_entries e ON e.posting_id = l.id LEFT JOIN ledger_postings o ON o.id = l.reverses_id
WHERE e.merchant_id = $1 AND {_ACCOUNTS} AND l.created_at >= $2 AND l.created_at < $3
GROUP BY 1, 2 HAVING sum(e.amount_cents) <> 0 ORDER BY 1, min(l.id)"""


async def statement(actor: Actor, month: str) -> Statement:
    """The statement of "2026-11", in the merchant's own days. Invalid: no month."""
    merchant_id = rights.reader(actor)
    zone = ZoneInfo((await profile(merchant_id)).timezone)
    first = _month(month)
    begin = datetime(first.year, first.month, 1, tzinfo=zone)
    end = datetime(first.year + first.month // 12, first.month % 12 + 1, 1, tzinfo=zone)
    opening: int = await DB.value(
        f"""SELECT coalesce(-sum(e.amount_cents), 0)::bigint FROM ledger_entries e JOIN ledger_postings l ON l.id = e.posting_id
            WHERE e.merchant_id = $1 AND {_ACCOUNTS} AND l.created_at < $2""",
        merchant_id,
        begin,
    )
    lines: list[Line] = []
    balance = opening
    for row in await DB.fetch(_LINES, merchant_id, begin, end, zone.key):
        balance += row["cents"]
        lines.append(
            Line(day=row["day"], kind=row["kind"], count=row["count"], cents=row["cents"], balance_cents=balance)
        )
    return Statement(month=first, opening_cents=opening, lines=lines, closing_cents=balance)


async def months_of(actor: Actor, *, now: datetime) -> list[date]:
    """The months that have something to show, the newest first; this one always."""
    merchant_id = rights.reader(actor)
    zone = (await profile(merchant_id)).timezone
    here = now.astimezone(ZoneInfo(zone)).date().replace(day=1)
    began = await DB.value(
        "SELECT (min(created_at) AT TIME ZONE $2)::date FROM ledger_postings WHERE merchant_id = $1", merchant_id, zone
    )
    first = (began or here).replace(day=1)
    count = (here.year - first.year) * 12 + here.month - first.month
    return [_back(here, by) for by in range(max(0, count) + 1)][:36]


def _back(month: date, by: int) -> date:
    number = month.year * 12 + month.month - 1 - by
    return date(number // 12, number % 12 + 1, 1)


def _month(text: str) -> date:
    try:
        return date.fromisoformat(f"{text}-01")
    except ValueError as error:
        raise Invalid({"month": NO_MONTH}) from error
