"""Vouchers whose time ran out while their router was away: before anybody knew of it, or while its owner was not asked yet.

They had paid for minutes they could not use, so they live again for as long as they had left."""

from collections.abc import Sequence
from datetime import datetime

from asyncpg import Record

from portal import access_grants
from portal.db import DB, Tx
from portal.outages.times import lost_s
from portal.states import E, move_all

#: Vouchers of merchant $3 whose clock ran out between $4 and $5, that were last let in on router $2, and what each has got for
#: outage $1.
_RUN_OUT = """SELECT v.id, v.started_at, coalesce(v.started_at, v.paid_at) AS counted_from,
       v.expires_at - coalesce(c.seconds, 0) * interval '1 second' AS ran_out_at
FROM vouchers v LEFT JOIN outage_credits c ON c.voucher_id = v.id AND c.outage_id = $1
WHERE v.merchant_id = $3 AND v.status = 'expired' AND v.ended_why IN ('usage', 'purchase')
AND v.ended_at > $4 AND v.expires_at > $4 AND v.expires_at <= $5
AND $2 = (SELECT g.router_id FROM access_grants g WHERE g.voucher_id = v.id ORDER BY g.id DESC LIMIT 1)
ORDER BY v.id"""


async def owed(outage: Record) -> list[int]:
    """Seconds that each voucher had left when it ran out in this outage, which is over."""
    rows = await DB.fetch(_RUN_OUT, *_of(outage), outage["ended_at"])
    return [seconds for row in rows if (seconds := _left(outage, row)) > 0]


def _of(outage: Record) -> tuple[int, int, int, datetime]:
    return outage["id"], outage["router_id"], outage["merchant_id"], outage["began_at"]


def _left(outage: Record, row: Record) -> int:
    return lost_s(outage["began_at"], row["ran_out_at"], started_at=row["counted_from"])


async def revive_running(tx: Tx, outage: Record, *, now: datetime, by: str) -> None:
    """The outage lasts: bring back those that expired in it as if they had not. Their time is still to be given."""
    await _revive(tx, outage, await tx.fetch(f"{_RUN_OUT} FOR UPDATE OF v", *_of(outage), now), now=now, by=by)


async def revive_late(tx: Tx, outage: Record, *, now: datetime, by: str) -> None:
    """The outage is over: give those that expired in it what they had left when it began, from now on."""
    rows = await tx.fetch(f"{_RUN_OUT} FOR UPDATE OF v", *_of(outage), outage["ended_at"])
    left = {row["id"]: seconds for row in rows if (seconds := _left(outage, row)) > 0}
    if not left:
        return
    await _revive(tx, outage, [row for row in rows if row["id"] in left], now=now, by=by)
    await tx.execute(
        """UPDATE vouchers v SET expires_at = $1::timestamptz + n.seconds * interval '1 second'
           FROM unnest($2::bigint[], $3::bigint[]) AS n (id, seconds) WHERE v.id = n.id""",
        now,
        list(left),
        list(left.values()),
    )
    await tx.execute(
        """INSERT INTO outage_credits (merchant_id, outage_id, voucher_id, seconds, created_at)
           SELECT $1, $2, id, seconds, $3 FROM unnest($4::bigint[], $5::bigint[]) AS n (id, seconds)
           ON CONFLICT (outage_id, voucher_id) DO UPDATE SET seconds = excluded.seconds""",
        outage["merchant_id"],
        outage["id"],
        now,
        list(left),
        list(left.values()),
    )


async def _revive(tx: Tx, outage: Record, rows: Sequence[Record], *, now: datetime, by: str) -> None:
    for event, ids in (
        (E.REVIVE, [row["id"] for row in rows if row["started_at"] is not None]),
        (E.REVIVE_UNUSED, [row["id"] for row in rows if row["started_at"] is None]),
    ):
        if ids:
            await move_all(
                tx,
                "vouchers",
                ids,
                event,
                at=now,
                actor=by,
                data={"outage": outage["id"]},
                ended_at=None,
                ended_why=None,
            )
    if rows:
        await access_grants.revive(tx, [row["id"] for row in rows], router_id=outage["router_id"], now=now, actor=by)
