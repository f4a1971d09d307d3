"""Reports of weeks and months that are over: made once, kept as they stood, and sent to the merchant's people.

A week is due on Monday, a month on its first, at 04:00 where the merchant is. Periods missed while we were away are made later,
oldest first, so that none is missing among those kept; only the latest is sent, and only within three days."""

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import msgspec

from portal import running
from portal.db import DB, Tx, atomic
from portal.i18n import NAMES, SOURCE, language
from portal.messages import Channel, Letter, Told, write
from portal.messages.people import ways_of
from portal.money import format_amount
from portal.reports import files, hours, letters
from portal.reports.periods import Figures, Kind, Span, figures, span_of

DUE_AT = time(4)
#: Older than this, a report is kept but no longer sent.
SENT_WITHIN = timedelta(days=3)
#: So many missed periods are made later, at most.
CATCH_UP = {Kind.WEEK: 8, Kind.MONTH: 12}
_TOLD = {Kind.WEEK: Told.SHOP_WEEK, Kind.MONTH: Told.SHOP_MONTH}


class Due(msgspec.Struct, frozen=True, kw_only=True):
    """A report to be made. `is_told`: the merchant's people want to hear of it, and it is not too late."""

    merchant_id: int
    shop: str
    zone: str
    currency: str
    language: str
    span: Span
    is_told: bool


_LAST = """SELECT m.id, m.name, m.timezone, m.currency, m.language, m.created_at,
       (SELECT max(starts_on) FROM reports r WHERE r.merchant_id = m.id AND r.kind = $1) AS last,
       coalesce((SELECT CASE WHEN $1 = 'week' THEN weekly ELSE monthly END FROM report_choices c WHERE c.merchant_id = m.id), true)
         AS is_wanted
FROM merchants m WHERE m.is_active ORDER BY m.id"""


async def due(kind: Kind, *, now: datetime) -> list[Due]:
    """Every report of a kind that is to be made now, each merchant's oldest first."""
    found: list[Due] = []
    for row in await DB.fetch(_LAST, kind.value):
        zone = ZoneInfo(row["timezone"])
        newest, since = _newest(kind, zone, now=now)
        for span in missing(newest, last=row["last"], began=row["created_at"].astimezone(zone).date()):
            found.append(
                Due(
                    merchant_id=row["id"], shop=row["name"], zone=row["timezone"], currency=row["currency"],
                    language=row["language"], span=span,
                    is_told=row["is_wanted"] and span == newest and now - since <= SENT_WITHIN,
                )
            )  # fmt: skip
    return found


def _newest(kind: Kind, zone: ZoneInfo, *, now: datetime) -> tuple[Span, datetime]:
    """The latest period whose report is due, and since when."""
    span = span_of(kind, now.astimezone(zone).date()).before
    since = datetime.combine(span.following.first, DUE_AT, zone)
    if since > now:
        span = span.before
        since = datetime.combine(span.following.first, DUE_AT, zone)
    return span, since


def missing(newest: Span, *, last: date | None, began: date) -> list[Span]:
    """The periods from after `last` (or from the merchant's beginning) to the newest, oldest first. Pure."""
    found: list[Span] = []
    span = newest
    while len(found) < CATCH_UP[newest.kind] and span.last >= began and (last is None or span.first > last):
        found.append(span)
        span = span.before
    return found[::-1]


async def make(wanted: Due, *, base_url: str, now: datetime) -> bool:
    """Make one report, keep it, and write the messages about it. False: it was made before. Safe to repeat."""
    await hours.count(wanted.merchant_id, now=now)
    zone, span = ZoneInfo(wanted.zone), wanted.span
    found = await figures(wanted.merchant_id, span, zone=zone, currency=wanted.currency)
    async with atomic() as tx:
        await running.hold(tx)
        report_id = await tx.value(
            """INSERT INTO reports (merchant_id, kind, starts_on, ends_on, zone, currency, data, created_at)
               VALUES ($1, $2, $3, $4, $5, $6, $7::jsonb, $8) ON CONFLICT DO NOTHING RETURNING id""",
            wanted.merchant_id,
            span.kind.value,
            span.first,
            span.last,
            wanted.zone,
            wanted.currency,
            msgspec.json.encode(found).decode(),
            now,
        )
        if report_id is None:
            return False
        if wanted.is_told and not found.is_empty:
            await _tell(tx, wanted, found, address=f"{base_url}/reports/{report_id}", now=now)
    return True


async def _tell(tx: Tx, wanted: Due, found: Figures, *, address: str, now: datetime) -> None:
    """By mail with all of it, and by Telegram and webhook in a sentence; by SMS, which costs, only where there is nothing else."""
    spoken = language(wanted.language if wanted.language in NAMES else SOURCE)
    letter = letters.of_period(found, wanted.span, shop=wanted.shop, language=spoken, address=address)
    name, figures = files.name_of(wanted.span), files.text_of(found, wanted.span)
    letter = msgspec.structs.replace(letter, file_name=name, file_text=figures)
    change = letters.compared(found, wanted.span.kind, spoken)
    params: dict[str, object] = {
        "period": letters.title_of(wanted.span, spoken), "amount": format_amount(found.cents, found.currency),
        "sold": found.sold, "compared": f", {change}" if change else "",
    }  # fmt: skip
    ways: Sequence[Channel] = [Channel(way.channel) for way in await ways_of(tx, wanted.merchant_id)]
    channels = [way for way in dict.fromkeys(ways) if way is not Channel.SMS] or list(dict.fromkeys(ways))
    for channel in channels:
        await _write(tx, wanted, channel, params, letter if channel is Channel.EMAIL else None, now=now)


async def _write(
    tx: Tx, wanted: Due, channel: Channel, params: dict[str, object], letter: Letter | None, *, now: datetime
) -> None:
    once = f"{wanted.merchant_id}:{wanted.span.first}:{channel}"
    await write(
        tx, _TOLD[wanted.span.kind], once, merchant_id=wanted.merchant_id, phone=None, params=params, now=now,
        channel=channel, letter=letter,
    )  # fmt: skip
