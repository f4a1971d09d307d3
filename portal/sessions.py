"""Sessions: what was seen active on a router: begun by a confirmed login, ended by complete reads only.

A failed read never ends anybody.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec

from portal.db import Tx


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """One active session of a user of ours, as the router told it. Bytes from the device's point of view."""

    user_name: str
    mac: str
    ip: str
    uptime_s: int
    bytes_up: int
    bytes_down: int


async def record(tx: Tx, router_id: int, seen: Sequence[Seen], *, now: datetime) -> int:
    """Note every session of a complete read: new ones begin, known ones grow, missing ones have ended. Returns how many are open."""
    grants = {
        row["user_name"]: row
        for row in await tx.fetch(
            "SELECT id, merchant_id, user_name FROM access_grants WHERE router_id = $1 AND status <> 'gone'", router_id
        )
    }
    open_rows = {
        (row["grant_id"], row["mac"]): row
        for row in await tx.fetch(
            "SELECT id, grant_id, mac, uptime_s FROM hotspot_sessions WHERE router_id = $1 AND ended_at IS NULL",
            router_id,
        )
    }
    still: list[int] = []
    for session in seen:
        grant = grants.get(session.user_name)
        if grant is None:
            continue
        known = open_rows.get((grant["id"], session.mac))
        if known is not None and known["uptime_s"] <= session.uptime_s:
            await _grow(tx, known["id"], session, now=now)
            still.append(known["id"])
        else:
            still.append(
                await _begin(tx, grant["id"], grant["merchant_id"], router_id=router_id, session=session, now=now)
            )
    gone = [row["id"] for row in open_rows.values() if row["id"] not in still]
    await tx.execute("UPDATE hotspot_sessions SET ended_at = $2 WHERE id = ANY($1)", gone, now)
    await _count_usage(tx, router_id)
    return len(still)


async def began(tx: Tx, grant_id: int, merchant_id: int, *, router_id: int, mac: str, ip: str, now: datetime) -> None:
    """The router confirmed a login: a session is open, unless it is noted already. The next complete read fills it in."""
    is_open = await tx.value(
        "SELECT true FROM hotspot_sessions WHERE grant_id = $1 AND mac = $2 AND ended_at IS NULL", grant_id, mac
    )
    if not is_open:
        session = Seen(user_name="", mac=mac, ip=ip, uptime_s=0, bytes_up=0, bytes_down=0)
        await _begin(tx, grant_id, merchant_id, router_id=router_id, session=session, now=now)


async def _grow(tx: Tx, session_id: int, session: Seen, *, now: datetime) -> None:
    await tx.execute(
        "UPDATE hotspot_sessions SET seen_at = $2, uptime_s = $3, bytes_up = $4, bytes_down = $5, ip = $6 WHERE id = $1",
        session_id,
        now,
        session.uptime_s,
        session.bytes_up,
        session.bytes_down,
        session.ip,
    )


async def _begin(tx: Tx, grant_id: int, merchant_id: int, *, router_id: int, session: Seen, now: datetime) -> int:
    return await tx.value(
        """INSERT INTO hotspot_sessions (merchant_id, router_id, grant_id, mac, ip, started_at, seen_at, uptime_s, bytes_up, bytes_down)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) RETURNING id""",
        merchant_id,
        router_id,
        grant_id,
        session.mac,
        session.ip,
        now - timedelta(seconds=session.uptime_s),
        now,
        session.uptime_s,
        session.bytes_up,
        session.bytes_down,
    )


async def _count_usage(tx: Tx, router_id: int) -> None:
    await tx.execute(
        """UPDATE access_grants g SET used_uptime_s = s.uptime_s, used_bytes = s.bytes
           FROM (SELECT grant_id, sum(uptime_s)::bigint AS uptime_s, sum(bytes_up + bytes_down)::bigint AS bytes
                 FROM hotspot_sessions WHERE router_id = $1 GROUP BY grant_id) s
           WHERE g.id = s.grant_id AND g.status <> 'gone' AND (g.used_uptime_s, g.used_bytes) IS DISTINCT FROM (s.uptime_s, s.bytes)""",
        router_id,
    )
