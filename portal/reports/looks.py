"""Reports that were kept, as pages show them."""

from datetime import datetime
from zoneinfo import ZoneInfo

import msgspec
from asyncpg import Record

from portal.db import DB
from portal.errors import NotFound
from portal.identity import Actor
from portal.reports import hours
from portal.reports.periods import Figures, Kind, Span, figures, span_of

PAGE = 25
_COLUMNS = "id, kind, starts_on, ends_on, data, created_at"


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """A report as it stood; `id` 0 is of a period that still lasts."""

    id: int
    span: Span
    figures: Figures
    created_at: datetime


async def kept(actor: Actor, *, kind: Kind | None = None, before: int | None = None, most: int = PAGE) -> list[Report]:
    """The merchant's reports, the newest first; the next page is `before` the last one's id."""
    rows = await DB.fetch(
        f"""SELECT {_COLUMNS} FROM reports WHERE merchant_id = $1 AND id < $2 AND ($3::text IS NULL OR kind = $3)
            ORDER BY id DESC LIMIT $4""",
        actor.at_merchant(),
        before or 2**63 - 1,
        kind.value if kind else None,
        most,
    )
    return [_report(row) for row in rows]


async def one(actor: Actor, report_id: int) -> Report:
    """One of them; NotFound for another merchant's."""
    row = await DB.row(
        f"SELECT {_COLUMNS} FROM reports WHERE merchant_id = $1 AND id = $2", actor.at_merchant(), report_id
    )
    if row is None:
        raise NotFound
    return _report(row)


async def so_far(actor: Actor, kind: Kind, *, zone: ZoneInfo, currency: str, now: datetime) -> Report:
    """This week or month up to now, from sums brought up to now."""
    merchant_id = actor.at_merchant()
    await hours.count(merchant_id, now=now)
    span = span_of(kind, now.astimezone(zone).date())
    found = await figures(merchant_id, span, zone=zone, currency=currency, now=now)
    return Report(id=0, span=span, figures=found, created_at=now)


def _report(row: Record) -> Report:
    return Report(
        id=row["id"], span=Span(Kind(row["kind"]), row["starts_on"], row["ends_on"]),
        figures=msgspec.json.decode(row["data"], type=Figures), created_at=row["created_at"],
    )  # fmt: skip
