"""Usage: what each voucher has really used, whatever its router remembers; vouchers that have used up what they bought, and
sessions that somebody ended at the router.

Ours is the ledger: a router's counters only ever add to it. Only complete reads come here; a failed read changes nothing."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta

import msgspec

from portal import access_grants, sessions
from portal.counting import Book, Use, advance
from portal.db import Tx, atomic
from portal.sessions import Known, Matched, Seen, Tail
from portal.states import E, move_all

#: More early ends in one read than this share of its sessions (and more than one) are not a person's doing: nobody is ended.
MOST_EARLY_ENDS = 0.2
#: So much less uptime than time passed means that the router was started in between.
REBOOT_SLACK = timedelta(seconds=60)


class UserRow(msgspec.Struct, frozen=True, kw_only=True):
    """A hotspot user of ours: what its ended sessions used, bytes from the device's point of view; `is_spent`: a limit of
    the router's own is reached."""

    uptime_s: int = 0
    bytes_up: int = 0
    bytes_down: int = 0
    is_disabled: bool = False
    is_spent: bool = False

    @property
    def use(self) -> Use:
        """Its counters as one."""
        return Use(self.uptime_s, self.bytes_up + self.bytes_down)


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """What one complete read of a router saw: active sessions, our users' rows by name, the MACs of the devices there.
    `uptime_s`: since the router was started."""

    sessions: Sequence[Seen]
    users: Mapping[str, UserRow]
    devices: Collection[str]
    uptime_s: int


class Recorded(msgspec.Struct, frozen=True):
    """How many sessions are open now, and the vouchers whose session somebody ended at the router."""

    open: int
    ended_early: list[int]


class _Grant(msgspec.Struct, frozen=True, kw_only=True):
    id: int
    merchant_id: int
    voucher_id: int
    user_name: str
    status: str
    used_uptime_s: int
    used_bytes: int
    router_uptime_s: int
    router_bytes_up: int
    router_bytes_down: int
    forgotten_uptime_s: int
    forgotten_bytes: int

    @property
    def book(self) -> Book:
        """Its numbers, to go on counting from."""
        return Book(
            used=Use(self.used_uptime_s, self.used_bytes),
            router=Use(self.router_uptime_s, self.router_bytes_up + self.router_bytes_down),
            forgotten=Use(self.forgotten_uptime_s, self.forgotten_bytes),
        )


_GRANTS = """SELECT id, merchant_id, voucher_id, user_name, status, used_uptime_s, used_bytes, router_uptime_s, router_bytes_up,
       router_bytes_down, forgotten_uptime_s, forgotten_bytes
FROM access_grants WHERE router_id = $1 AND status <> 'gone' ORDER BY id"""

#: Locked in order first, like everything that changes many grants.
_WRITE = """WITH n AS (
  SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[], $8::bigint[])
    AS n (id, used_s, used, router_s, up, down, forgotten_s, forgotten)
), locked AS (
  SELECT id FROM access_grants WHERE id = ANY($1) ORDER BY id FOR UPDATE
)
UPDATE access_grants g SET used_uptime_s = n.used_s, used_bytes = n.used, router_uptime_s = n.router_s, router_bytes_up = n.up,
       router_bytes_down = n.down, forgotten_uptime_s = n.forgotten_s, forgotten_bytes = n.forgotten
FROM n JOIN locked USING (id) WHERE g.id = n.id"""

_NOTE_ENDS = """INSERT INTO events (merchant_id, entity, entity_id, name, actor, data, at)
SELECT merchant_id, 'vouchers', voucher_id, 'session_ended', $1, data::jsonb, $2
FROM unnest($3::bigint[], $4::bigint[], $5::text[]) AS n (merchant_id, voucher_id, data)"""


async def record(tx: Tx, router_id: int, reading: Reading, *, now: datetime, actor: str) -> Recorded:
    """Note a complete read: new sessions begin, known ones grow, missing ones have ended; every grant's use is counted on.

    A session that somebody ended at the router becomes an event of its voucher. Nobody loses access here."""
    grants = [_Grant(**dict(row)) for row in await tx.fetch(_GRANTS, router_id)]
    if not grants:
        return Recorded(0, [])
    by_name = {grant.user_name: grant.id for grant in grants}
    known = await sessions.open_on(tx, router_id)
    seen = [(by_name[each.user_name], each) for each in reading.sessions if each.user_name in by_name]
    has_rebooted = await _has_rebooted(tx, router_id, known, reading, now=now)
    matched = sessions.match(known, seen, now=now, has_rebooted=has_rebooted)
    tails = await _count(tx, grants, matched, reading)
    await sessions.write(tx, router_id, matched, merchant_id=grants[0].merchant_id, tails=tails, now=now)
    early = [] if has_rebooted else _ended_early(grants, matched, reading)
    await _note(tx, early, now=now, actor=actor)
    is_believed = bool(seen) and len(early) <= max(1, MOST_EARLY_ENDS * len(known))
    return Recorded(len(seen), [grant.voucher_id for grant, _, _ in early] if is_believed else [])


async def _has_rebooted(tx: Tx, router_id: int, known: Sequence[Known], reading: Reading, *, now: datetime) -> bool:
    """Whether the router was started since the last read: its uptime fell, or is much less than the time since then."""
    before = await tx.value("SELECT uptime_s FROM routers WHERE id = $1", router_id)
    await tx.execute("UPDATE routers SET uptime_s = $2 WHERE id = $1", router_id, reading.uptime_s)
    last_seen_at = max((each.seen_at for each in known), default=now)
    return (before is not None and reading.uptime_s < before) or (
        timedelta(seconds=reading.uptime_s) + REBOOT_SLACK < now - last_seen_at
    )


async def _count(tx: Tx, grants: Sequence[_Grant], matched: Matched, reading: Reading) -> dict[int, Tail]:
    """Count every grant's use on; returns what ended sessions did after they were last seen."""
    grown, begun, ended = _by_grant(matched)
    changed: list[tuple[int, ...]] = []
    tails: dict[int, Tail] = {}
    for grant in grants:
        row = reading.users.get(grant.user_name, UserRow())
        book = advance(
            grant.book,
            row=row.use,
            grown=[_use(each) for each in grown[grant.id]],
            begun=[_use(each) for each in begun[grant.id]],
            ended=[_use(each) for each in ended[grant.id]],
        )
        if len(ended[grant.id]) == 1:
            tails[ended[grant.id][0].id] = _tail(grant, row, ended[grant.id][0])
        router = (row.uptime_s, row.bytes_up, row.bytes_down)
        if book != grant.book or router != (grant.router_uptime_s, grant.router_bytes_up, grant.router_bytes_down):
            changed.append((grant.id, *book.used, *router, *book.forgotten))
    if changed:
        await tx.execute(_WRITE, *(list(column) for column in zip(*changed, strict=True)))
    return tails


_Sessions = defaultdict[int, list[Seen]]


def _by_grant(matched: Matched) -> tuple[_Sessions, _Sessions, defaultdict[int, list[Known]]]:
    grown, begun, ended = _Sessions(list), _Sessions(list), defaultdict[int, list[Known]](list)
    for before, session in matched.grown:
        grown[before.grant_id].append(session)
    for grant_id, session in matched.begun:
        begun[grant_id].append(session)
    for before in matched.ended:
        ended[before.grant_id].append(before)
    return grown, begun, ended


def _use(session: Seen | Known) -> Use:
    return Use(session.uptime_s, session.bytes_up + session.bytes_down)


def _tail(grant: _Grant, row: UserRow, ended: Known) -> Tail:
    """What the user row grew by, less what we had seen of the session: nothing when the router forgot it."""
    return Tail(
        max(0, row.uptime_s - grant.router_uptime_s - ended.uptime_s),
        max(0, row.bytes_up - grant.router_bytes_up - ended.bytes_up),
        max(0, row.bytes_down - grant.router_bytes_down - ended.bytes_down),
    )


def _ended_early(grants: Sequence[_Grant], matched: Matched, reading: Reading) -> list[tuple[_Grant, Known, str]]:
    """Sessions that somebody ended at the router, and how: the user was removed or disabled, or the session ended although
    its device is there and has time left. A reboot, a device that walked away or moved to another address is nobody's doing."""
    online = {before.grant_id for before, _ in matched.grown} | {grant_id for grant_id, _ in matched.begun}
    by_id = {grant.id: grant for grant in grants if grant.status == "present" and grant.id not in online}
    found: list[tuple[_Grant, Known, str]] = []
    for before in matched.ended:
        grant = by_id.get(before.grant_id)
        if grant is None:
            continue
        row = reading.users.get(grant.user_name)
        if row is None:
            found.append((grant, before, "removed"))
        elif row.is_disabled:
            found.append((grant, before, "disabled"))
        elif before.mac in reading.devices and not row.is_spent:
            found.append((grant, before, "ended"))
    return found


async def _note(tx: Tx, early: Sequence[tuple[_Grant, Known, str]], *, now: datetime, actor: str) -> None:
    if early:
        await tx.execute(
            _NOTE_ENDS,
            actor,
            now,
            [grant.merchant_id for grant, _, _ in early],
            [grant.voucher_id for grant, _, _ in early],
            [
                msgspec.json.encode({"why": why, "session": before.id, "uptime_s": before.uptime_s}).decode()
                for _, before, why in early
            ],
        )


_SPENT = """SELECT v.id, CASE WHEN used.uptime_s >= (v.terms ->> 'uptime_s')::bigint - 1 THEN 'uptime' ELSE 'data' END AS why
FROM vouchers v
JOIN LATERAL (SELECT sum(g.used_uptime_s) AS uptime_s, sum(g.used_bytes) AS bytes FROM access_grants g WHERE g.voucher_id = v.id)
  used ON true
WHERE v.status = 'in_use' AND (v.terms ? 'uptime_s' OR v.terms ? 'data_bytes')
  AND v.id IN (SELECT voucher_id FROM access_grants WHERE router_id = $1 AND status <> 'gone')
  AND (used.uptime_s >= (v.terms ->> 'uptime_s')::bigint - 1 OR used.bytes >= (v.terms ->> 'data_bytes')::bigint)
ORDER BY v.id FOR UPDATE OF v SKIP LOCKED"""

_EARLY = """SELECT v.id FROM vouchers v JOIN merchants m ON m.id = v.merchant_id
WHERE v.id = ANY($1) AND v.status = 'in_use' AND m.early_end = 'end' ORDER BY v.id FOR UPDATE OF v SKIP LOCKED"""


async def end_over(router_id: int, recorded: Recorded, *, now: datetime, actor: str) -> list[int]:
    """End the vouchers on a router that have used up their connected time or data; and, where their merchant chose so, those
    whose session was ended at the router. Their grants end with them. Safe to repeat; returns the ids that ended."""
    async with atomic() as tx:
        spent = await tx.fetch(_SPENT, router_id)
        early = await tx.fetch(_EARLY, recorded.ended_early) if recorded.ended_early else []
        over = {row["id"]: "router_sync" for row in early} | {row["id"]: row["why"] for row in spent}
        ended: list[int] = []
        for why in ("uptime", "data", "router_sync"):
            ids = [voucher_id for voucher_id, reason in sorted(over.items()) if reason == why]
            if ids:
                ended += await move_all(
                    tx, "vouchers", ids, E.EXPIRE, at=now, actor=actor, data={"why": why}, ended_at=now, ended_why=why
                )
        if ended:
            await access_grants.end_for(tx, ended, now=now, actor=actor)
    return sorted(ended)
