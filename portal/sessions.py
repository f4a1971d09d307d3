"""Sessions: what was seen active on a router: begun by a confirmed login, ended by complete reads only.

A failed read never ends anybody. What their use adds up to is counted in `portal.usage`."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

import msgspec

from portal import devices
from portal.db import Tx

#: A session that began more than this after we last saw one of the same device is another one.
SLACK = timedelta(seconds=30)


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """One active session of a user of ours, as the router told it. Bytes from the device's point of view."""

    user_name: str
    mac: str
    ip: str
    uptime_s: int
    bytes_up: int
    bytes_down: int


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """A session that is open in our rows, as it was last seen."""

    id: int
    grant_id: int
    mac: str
    seen_at: datetime
    uptime_s: int
    bytes_up: int
    bytes_down: int


class Matched(NamedTuple):
    """A read against our rows, each by grant: known sessions that went on, new ones, and known ones that are gone."""

    grown: list[tuple[Known, Seen]]
    begun: list[tuple[int, Seen]]
    ended: list[Known]


class Tail(NamedTuple):
    """What a session did after we last saw it, learned from its user's counters."""

    uptime_s: int
    bytes_up: int
    bytes_down: int


async def open_on(tx: Tx, router_id: int) -> list[Known]:
    """The sessions of a router that are open in our rows."""
    rows = await tx.fetch(
        """SELECT id, grant_id, mac, seen_at, uptime_s, bytes_up, bytes_down FROM hotspot_sessions
           WHERE router_id = $1 AND ended_at IS NULL ORDER BY id""",
        router_id,
    )
    return [Known(**dict(row)) for row in rows]


def match(
    known: Sequence[Known], seen: Sequence[tuple[int, Seen]], *, now: datetime, has_rebooted: bool = False
) -> Matched:
    """Which session is which: the same device under the same grant, unless a count fell or it began after we last saw it. No
    session outlives a reboot (MikroTik manual, HotSpot active)."""
    waiting = {} if has_rebooted else {(each.grant_id, each.mac): each for each in known}
    matched = Matched([], [], [])
    for grant_id, session in seen:
        before = waiting.get((grant_id, session.mac))
        if before is not None and _is_same(before, session, now):
            del waiting[grant_id, session.mac]
            matched.grown.append((before, session))
        else:
            matched.begun.append((grant_id, session))
    going_on = {before.id for before, _ in matched.grown}
    matched.ended.extend(each for each in known if each.id not in going_on)
    return matched


def _is_same(before: Known, session: Seen, now: datetime) -> bool:
    is_fallen = (
        session.uptime_s < before.uptime_s
        or session.bytes_up < before.bytes_up
        or session.bytes_down < before.bytes_down
    )
    return not is_fallen and now - timedelta(seconds=session.uptime_s) <= before.seen_at + SLACK


async def write(
    tx: Tx, router_id: int, matched: Matched, *, merchant_id: int, tails: dict[int, Tail], now: datetime
) -> None:
    """Put a matched read into the rows, five statements whatever its size. `tails` by session, for those that ended."""
    if matched.grown:
        await tx.execute(
            """UPDATE hotspot_sessions s SET seen_at = $1, uptime_s = n.uptime_s, bytes_up = n.up, bytes_down = n.down, ip = n.ip
               FROM unnest($2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::text[]) AS n (id, uptime_s, up, down, ip)
               WHERE s.id = n.id""",
            now,
            [before.id for before, _ in matched.grown],
            *_counts([session for _, session in matched.grown]),
            [session.ip for _, session in matched.grown],
        )
    if matched.begun:
        begun = [session for _, session in matched.begun]
        await tx.execute(
            """INSERT INTO hotspot_sessions (merchant_id, router_id, grant_id, mac, ip, started_at, seen_at, uptime_s, bytes_up,
                                             bytes_down)
               SELECT $1, $2, grant_id, mac, ip, $3::timestamptz - uptime_s * interval '1 second', $3, uptime_s, up, down
               FROM unnest($4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[], $8::text[], $9::text[])
                 AS n (grant_id, uptime_s, up, down, mac, ip)""",
            merchant_id,
            router_id,
            now,
            [grant_id for grant_id, _ in matched.begun],
            *_counts(begun),
            [session.mac for session in begun],
            [session.ip for session in begun],
        )
    if moved := {session.mac for _, session in matched.begun} | {each.mac for each in matched.ended}:
        await devices.sighted(tx, merchant_id, router_id, moved, now=now)
    if matched.ended:
        ends = [tails.get(each.id, Tail(0, 0, 0)) for each in matched.ended]
        await tx.execute(
            """UPDATE hotspot_sessions s SET ended_at = $1, uptime_s = s.uptime_s + n.uptime_s, bytes_up = s.bytes_up + n.up,
                                             bytes_down = s.bytes_down + n.down
               FROM unnest($2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[]) AS n (id, uptime_s, up, down)
               WHERE s.id = n.id""",
            now,
            [each.id for each in matched.ended],
            *_counts(ends),
        )


def _counts(rows: Sequence[Seen | Tail]) -> tuple[list[int], list[int], list[int]]:
    return [row.uptime_s for row in rows], [row.bytes_up for row in rows], [row.bytes_down for row in rows]


async def began(tx: Tx, grant_id: int, merchant_id: int, *, router_id: int, mac: str, ip: str, now: datetime) -> None:
    """The router confirmed a login: a session is open, unless it is noted already. The next complete read fills it in."""
    await tx.execute(
        """INSERT INTO hotspot_sessions (merchant_id, router_id, grant_id, mac, ip, started_at, seen_at)
           SELECT $1, $2, $3, $4::text, $5, $6, $6
           WHERE NOT EXISTS (SELECT FROM hotspot_sessions WHERE grant_id = $3 AND mac = $4::text AND ended_at IS NULL)""",
        merchant_id,
        router_id,
        grant_id,
        mac,
        ip,
        now,
    )
