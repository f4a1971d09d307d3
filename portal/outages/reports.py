"""Outages as pages tell them: how long each router was away, who got how much time back, and what waits for a word."""

from datetime import datetime, timedelta

import msgspec

from portal.db import DB
from portal.errors import NotFound
from portal.identity import Actor
from portal.outages.giving import SHORTEST


class Outage(msgspec.Struct, frozen=True, kw_only=True):
    """One outage of a router: from when to when (None: it lasts); how many vouchers got time back, how many seconds in all, and
    whose click it was, "" for our own doing."""

    id: int
    router_id: int
    router: str
    began_at: datetime
    ended_at: datetime | None
    credited_at: datetime | None
    credited_by: str
    credited_vouchers: int
    credited_s: int


class Credit(msgspec.Struct, frozen=True, kw_only=True):
    """What one voucher got for an outage, in seconds."""

    id: int
    voucher_id: int
    reference: str
    package: str
    status: str
    seconds: int


class Downtime(msgspec.Struct, frozen=True, kw_only=True):
    """How often and how long a router was away within a period."""

    router_id: int
    router: str
    outages: int
    seconds: int
    share: float


_OUTAGES = """SELECT o.id, o.router_id, r.name AS router, o.began_at, o.ended_at, o.credited_at, coalesce(u.name, '') AS credited_by,
       c.vouchers AS credited_vouchers, c.seconds AS credited_s
FROM router_outages o JOIN routers r ON r.id = o.router_id LEFT JOIN users u ON o.credited_by = 'user:' || u.id
CROSS JOIN LATERAL (
  SELECT count(*) AS vouchers, coalesce(sum(seconds), 0)::bigint AS seconds
  FROM outage_credits WHERE outage_id = o.id AND seconds > 0) c
WHERE o.merchant_id = $1 AND (o.ended_at IS NULL OR o.ended_at - o.began_at >= $2)"""


async def of_merchant(
    actor: Actor, *, router_id: int | None = None, before: int | None = None, most: int = 20
) -> list[Outage]:
    """The merchant's outages of a minute and more, or one router's, the latest first; the next page is `before` the last id."""
    rows = await DB.fetch(
        f"{_OUTAGES} AND ($3::bigint IS NULL OR o.router_id = $3) AND o.id < $4 ORDER BY o.id DESC LIMIT $5",
        actor.at_merchant(),
        SHORTEST,
        router_id,
        before or 2**63 - 1,
        most,
    )
    return [Outage(**dict(row)) for row in rows]


async def of_router(actor: Actor, router_id: int, *, limit: int = 20) -> list[Outage]:
    """A router's outages, the latest first; none for another merchant's router."""
    return await of_merchant(actor, router_id=router_id, most=limit)


async def one(actor: Actor, outage_id: int) -> Outage:
    """One outage; NotFound for another merchant's."""
    row = await DB.row(f"{_OUTAGES} AND o.id = $3", actor.at_merchant(), SHORTEST, outage_id)
    if row is None:
        raise NotFound
    return Outage(**dict(row))


async def credits_of(actor: Actor, outage_id: int, *, after: int | None = None, most: int = 50) -> list[Credit]:
    """Who got how much for an outage; the next page is `after` the last one's id."""
    rows = await DB.fetch(
        """SELECT c.id, c.voucher_id, v.payment_reference AS reference, coalesce(v.terms ->> 'name', '') AS package, v.status,
                  c.seconds
           FROM outage_credits c JOIN vouchers v ON v.id = c.voucher_id
           WHERE c.outage_id = $1 AND c.merchant_id = $2 AND c.seconds > 0 AND c.id > $3 ORDER BY c.id LIMIT $4""",
        outage_id,
        actor.at_merchant(),
        after or 0,
        most,
    )
    return [Credit(**dict(row)) for row in rows]


async def downtimes(actor: Actor, *, days: int, now: datetime) -> list[Downtime]:
    """How long each of the merchant's routers was away in the last days, the worst first. The share is of the time it is
    ours."""
    rows = await DB.fetch(
        """SELECT r.id AS router_id, r.name AS router, count(o.id) AS outages,
                  coalesce(extract(epoch FROM sum(coalesce(o.ended_at, $2) - greatest(o.began_at, $3))), 0)::bigint AS seconds,
                  extract(epoch FROM $2 - greatest(r.created_at, $3))::float8 AS of_seconds
           FROM routers r LEFT JOIN router_outages o ON o.router_id = r.id AND coalesce(o.ended_at, $2) > $3
                AND coalesce(o.ended_at, $2) - o.began_at >= $4
           WHERE r.merchant_id = $1 AND r.status <> 'removed' GROUP BY r.id
           ORDER BY seconds DESC, r.name, r.id""",
        actor.at_merchant(),
        now,
        now - timedelta(days=days),
        SHORTEST,
    )
    return [
        Downtime(
            router_id=row["router_id"],
            router=row["router"],
            outages=row["outages"],
            seconds=row["seconds"],
            share=min(1.0, row["seconds"] / max(1.0, row["of_seconds"])),
        )
        for row in rows
    ]


async def waiting(actor: Actor) -> int:
    """How many outages wait for a person's word: the merchant wants to be asked, and nobody was."""
    return await DB.value(
        """SELECT count(*) FROM router_outages o JOIN merchants m ON m.id = o.merchant_id
           WHERE o.merchant_id = $1 AND m.outage_credit = 'ask' AND o.credited_at IS NULL
           AND o.ended_at - o.began_at >= $2""",
        actor.at_merchant(),
        SHORTEST,
    )
