"""Stretches of PPPoE sessions, for the sums by the hour. A session lasts for weeks and a router tells only its whole, so what it moved
is noted between looks, a row for each hour of the merchant's clock. Steps only; who is online is `portal.dialins`."""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from portal.db import Tx

_END = """UPDATE dialin_spans SET ended_at = seen_at WHERE dialin_id = ANY($1) AND ended_at IS NULL"""
#: The first look of the next hour begins the next stretch, where this one was seen last.
_GROW = """UPDATE dialin_spans n SET seen_at = $2, uptime_s = floor(extract(epoch FROM $2::timestamptz - n.started_at))::bigint,
  bytes_up = n.bytes_up + $3, bytes_down = n.bytes_down + $4
FROM merchants m WHERE m.id = n.merchant_id AND n.dialin_id = $1 AND n.ended_at IS NULL AND $2 >= n.seen_at
AND hour_of($2, m.timezone) = hour_of(n.started_at, m.timezone) RETURNING n.id"""
_BEGIN = """INSERT INTO dialin_spans (merchant_id, router_id, dialin_id, package_id, begins, started_at, seen_at, uptime_s, bytes_up,
  bytes_down)
SELECT d.merchant_id, d.router_id, d.id, s.package_id, $2, $3, $4, floor(extract(epoch FROM $4::timestamptz - $3))::bigint, $5, $6
FROM dialins d JOIN subscribers s ON s.id = d.subscriber_id WHERE d.id = $1"""


class Stretch(msgspec.Struct, frozen=True, kw_only=True):
    """What a look found of a session since the look before. `since`: when that was, or when the session began; `begins`: it is a
    session that was not seen before. Bytes: `up` is what the customer sent."""

    dialin_id: int
    since: datetime
    begins: bool
    up: int
    down: int


async def grow(tx: Tx, stretch: Stretch, *, now: datetime) -> None:
    """Note it: the open stretch goes on, or the next one begins."""
    if not stretch.begins and await tx.value(_GROW, stretch.dialin_id, now, stretch.up, stretch.down):
        return
    await end(tx, [stretch.dialin_id])
    since = min(stretch.since, now)
    await tx.execute(_BEGIN, stretch.dialin_id, int(stretch.begins), since, now, stretch.up, stretch.down)


async def end(tx: Tx, dialin_ids: Sequence[int]) -> None:
    """These sessions are over, as far as was seen."""
    await tx.execute(_END, list(dialin_ids))
