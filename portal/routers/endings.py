"""How people were taken off a router, day by day: told on its page, so that a router that keeps people on is seen."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec

from portal.db import DB
from portal.identity import Actor

DAYS = 7


class Day(msgspec.Struct, frozen=True, kw_only=True):
    """A day of the merchant's: `taken_off` are users we took off the router, `sessions` how often somebody went offline there,
    for whatever reason."""

    day: date
    taken_off: int
    sessions: int


class Endings(msgspec.Struct, frozen=True, kw_only=True):
    """The last week, the latest day first. `waiting` are to go and have not been taken off yet, `refused` of them were tried."""

    days: Sequence[Day]
    waiting: int
    refused: int

    @property
    def taken_off(self) -> int:
        """How many in all."""
        return sum(each.taken_off for each in self.days)


async def endings_of(actor: Actor, router_id: int, *, zone: ZoneInfo, now: datetime) -> Endings:
    """The week that ends today, in the merchant's days; all zero for another merchant's router."""
    today = now.astimezone(zone).date()
    first = datetime.combine(today - timedelta(days=DAYS - 1), datetime.min.time(), zone)
    left = await DB.fetch(
        """SELECT (ended_at AT TIME ZONE $4)::date AS day, count(*) AS number FROM access_grants
           WHERE router_id = $1 AND merchant_id = $2 AND status = 'gone' AND ended_at >= $3 GROUP BY 1""",
        router_id,
        actor.at_merchant(),
        first,
        zone.key,
    )
    offline = await DB.fetch(
        """SELECT (ended_at AT TIME ZONE $4)::date AS day, count(*) AS number FROM hotspot_sessions
           WHERE merchant_id = $2 AND seen_at >= $3::timestamptz - interval '1 hour' AND router_id = $1 AND ended_at >= $3 GROUP BY 1""",
        router_id,
        actor.at_merchant(),
        first,
        zone.key,
    )
    by_day = {row["day"]: row["number"] for row in left}, {row["day"]: row["number"] for row in offline}
    days = (today - timedelta(days=back) for back in range(DAYS))
    waiting = await DB.row(
        """SELECT count(*) AS number, count(*) FILTER (WHERE tries > 0) AS refused FROM access_grants
           WHERE router_id = $1 AND merchant_id = $2 AND status = 'ending'""",
        router_id,
        actor.at_merchant(),
    )
    return Endings(
        days=[Day(day=day, taken_off=by_day[0].get(day, 0), sessions=by_day[1].get(day, 0)) for day in days],
        waiting=waiting["number"] if waiting else 0,
        refused=waiting["refused"] if waiting else 0,
    )
