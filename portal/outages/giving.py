"""Outages: when a router was away, and the time its customers get back for it, by the merchant's choice.

While an outage lasts its vouchers are kept from expiring, and those that expired before anybody knew of it live again; when it
is over each has got exactly what it lost."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from asyncpg import Record

from portal import access_grants
from portal.db import DB, Tx, atomic
from portal.errors import NotFound
from portal.identity import Actor
from portal.outages.reviving import owed, revive_late, revive_running
from portal.outages.times import lost_s
from portal.routers.rights import changer, named

#: Shorter ones nobody notices: a phone bridges them itself.
SHORTEST = timedelta(seconds=60)
#: While an outage lasts, time is given so far ahead that nobody expires before the next look.
AHEAD = timedelta(seconds=150)
#: Vouchers of merchant $3 whose clock runs on router $2, and what each has got for outage $1.
_RUNNING = """SELECT v.id, coalesce(v.started_at, v.paid_at) AS started_at, coalesce(c.seconds, 0) AS given
FROM vouchers v LEFT JOIN outage_credits c ON c.voucher_id = v.id AND c.outage_id = $1
WHERE v.expires_at IS NOT NULL AND v.merchant_id = $3
AND (v.status = 'in_use' OR (v.status = 'paid' AND v.terms ->> 'clock_from' = 'purchase'))
AND $2 = (SELECT g.router_id FROM access_grants g WHERE g.voucher_id = v.id AND g.status IN ('wanted', 'present')
          ORDER BY g.id DESC LIMIT 1)"""


async def measure(*, now: datetime) -> None:
    """Note which routers have been lost and which are back. Level-based: what an earlier look missed, this one finds."""
    async with atomic() as tx:
        await began(tx, now=now)
        await tx.execute(
            """UPDATE router_outages o SET ended_at = greatest(o.began_at, least($1, coalesce(
                 (SELECT min(e.at) FROM events e WHERE e.entity = 'routers' AND e.entity_id = o.router_id AND e.was = 'offline'
                  AND e.became <> 'offline' AND e.at > o.began_at), $1)))
               FROM routers r WHERE r.id = o.router_id AND o.ended_at IS NULL AND r.status <> 'offline'""",
            now,
        )


async def began(tx: Tx, *, now: datetime, router_id: int | None = None) -> None:
    """Open an outage for every router (or this one) that is offline and has none, from the moment it last answered."""
    await tx.execute(
        """INSERT INTO router_outages (merchant_id, router_id, began_at)
           SELECT merchant_id, id, least(offline_since, $1) FROM routers
           WHERE status = 'offline' AND offline_since IS NOT NULL AND ($2::bigint IS NULL OR id = $2)
           ON CONFLICT (router_id) WHERE ended_at IS NULL DO NOTHING""",
        now,
        router_id,
    )


async def due(*, now: datetime) -> Sequence[int]:
    """Outages whose lost time is to be given back without being asked."""
    rows = await DB.fetch(
        """SELECT o.id FROM router_outages o JOIN merchants m ON m.id = o.merchant_id
           WHERE o.credited_at IS NULL AND m.outage_credit = 'auto' AND coalesce(o.ended_at, $1) - o.began_at >= $2 ORDER BY o.id""",
        now,
        SHORTEST,
    )
    return [row["id"] for row in rows]


async def give_back(outage_id: int, *, now: datetime, by: str) -> int:
    """Give the running vouchers of an outage what they lost: so far, while it lasts; exactly, once it is over. Safe to
    repeat: each voucher gets it once per outage. Returns how many vouchers have got time for it."""
    async with atomic() as tx:
        outage = await tx.row(
            "SELECT * FROM router_outages WHERE id = $1 AND credited_at IS NULL FOR UPDATE",
            outage_id,
        )
        if outage is None:
            return await tx.value("SELECT count(*) FROM outage_credits WHERE outage_id = $1", outage_id)
        is_over = outage["ended_at"] is not None
        until = outage["ended_at"] if is_over else now + AHEAD
        if is_over:
            await _extend(tx, outage, until=until, now=now)
            await revive_late(tx, outage, now=now, by=by)
            await _close(tx, outage, now=now, by=by)
        else:
            await revive_running(tx, outage, now=now, by=by)
            await _extend(tx, outage, until=until, now=now)
        return await tx.value("SELECT count(*) FROM outage_credits WHERE outage_id = $1 AND seconds > 0", outage_id)


async def foretell(outage_id: int, *, merchant_id: int) -> tuple[int, int]:
    """Whom giving an outage's time back would reach now: how many vouchers, and how many seconds in all."""
    outage = await DB.row(
        "SELECT id, router_id, merchant_id, began_at, ended_at FROM router_outages WHERE id = $1 AND merchant_id = $2",
        outage_id,
        merchant_id,
    )
    if outage is None or outage["ended_at"] is None:
        return 0, 0
    rows = await DB.fetch(_RUNNING, outage_id, outage["router_id"], merchant_id)
    lost = [lost_s(outage["began_at"], outage["ended_at"], started_at=row["started_at"]) - row["given"] for row in rows]
    given = [seconds for seconds in (*lost, *await owed(outage)) if seconds > 0]
    return len(given), sum(given)


async def _extend(tx: Tx, outage: Record, *, until: datetime, now: datetime) -> None:
    """Move the ends of the vouchers that were running on the router, by what they lost less what they have got already."""
    rows = await tx.fetch(
        f"{_RUNNING} ORDER BY v.id FOR UPDATE OF v", outage["id"], outage["router_id"], outage["merchant_id"]
    )
    lost = {row["id"]: lost_s(outage["began_at"], until, started_at=row["started_at"]) for row in rows}
    changed = [row["id"] for row in rows if lost[row["id"]] != row["given"]]
    if not changed:
        return
    await tx.execute(
        """WITH n AS (SELECT * FROM unnest($1::bigint[], $2::bigint[]) AS n (id, more))
           UPDATE vouchers v SET expires_at = v.expires_at + n.more * interval '1 second' FROM n WHERE v.id = n.id""",
        changed,
        [lost[row["id"]] - row["given"] for row in rows if row["id"] in set(changed)],
    )
    await tx.execute(
        """INSERT INTO outage_credits (merchant_id, outage_id, voucher_id, seconds, created_at)
           SELECT $1, $2, id, seconds, $3 FROM unnest($4::bigint[], $5::bigint[]) AS n (id, seconds)
           ON CONFLICT (outage_id, voucher_id) DO UPDATE SET seconds = excluded.seconds""",
        outage["merchant_id"],
        outage["id"],
        now,
        changed,
        [lost[voucher_id] for voucher_id in changed],
    )


async def _close(tx: Tx, outage: Record, *, now: datetime, by: str) -> None:
    """Write what each voucher got into its history, and let the router hear of the new ends."""
    await tx.execute(
        """INSERT INTO events (merchant_id, entity, entity_id, name, actor, data, at)
           SELECT c.merchant_id, 'vouchers', c.voucher_id, 'time_given_back', $2,
                  jsonb_build_object('outage', c.outage_id, 'seconds', c.seconds), $3
           FROM outage_credits c WHERE c.outage_id = $1 AND c.seconds > 0 ORDER BY c.voucher_id""",
        outage["id"],
        by,
        now,
    )
    await tx.execute(
        "UPDATE router_outages SET credited_at = $2, credited_by = $3 WHERE id = $1", outage["id"], now, by
    )
    await access_grants.wake_router(tx, outage["router_id"])


async def credit(actor: Actor, outage_id: int, *, now: datetime) -> int:
    """One click: give the time of an outage back now. For owners and managers; NotFound for another merchant's outage, and
    for one that lasts. Returns how many vouchers got time; a second click gives nothing more."""
    merchant_id = changer(actor)
    found = await DB.value(
        "SELECT id FROM router_outages WHERE id = $1 AND merchant_id = $2 AND ended_at IS NOT NULL",
        outage_id,
        merchant_id,
    )
    if found is None:
        raise NotFound
    return await give_back(outage_id, now=now, by=named(actor))
