"""What pages show of a merchant's routers: state, people online, our users, history, and how the last day went."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec

from portal.db import DB
from portal.identity import Actor
from portal.routers.rights import own
from portal.states import RouterStatus

#: The strip: so many pieces of so long each, the last one runs now.
PIECES, PIECE = 48, timedelta(minutes=30)
_SHOWN = 100
#: Worse hides better within a piece.
_BADNESS = {"none": 0, "ok": 1, "off": 2, "warn": 3, "bad": 4}
_TONES = {
    RouterStatus.ONLINE: "ok",
    RouterStatus.LATE: "warn",
    RouterStatus.OFFLINE: "bad",
    RouterStatus.PAUSED: "off",
    RouterStatus.NEW: "none",
}


class RouterPage(msgspec.Struct, frozen=True, kw_only=True):
    """A router as its own page shows it. `asks_every_s` counts where `way` is pull.
    `last_error` is the router's or the network's text: untrusted."""

    id: int
    name: str
    status: str
    way: str
    host: str
    port: int
    user: str
    tls_pin: str
    board: str
    version: str
    serial: str
    online: int
    last_seen_at: datetime | None
    offline_since: datetime | None
    reconciled_at: datetime | None
    last_error: str
    is_set_up: bool
    asks_every_s: int


class LiveSession(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody online now. Bytes from the device's point of view; `ends_at` None: not by the clock."""

    mac: str
    ip: str
    package: str
    voucher_id: int
    reference: str
    started_at: datetime
    bytes_up: int
    bytes_down: int
    ends_at: datetime | None


class GrantLine(msgspec.Struct, frozen=True, kw_only=True):
    """A user of ours on the router, or on the way there or off."""

    status: str
    package: str
    voucher_id: int
    reference: str
    mac: str | None
    is_online: bool
    expires_at: datetime | None
    last_error: str | None


class Happening(msgspec.Struct, frozen=True, kw_only=True):
    """One line of a router's history. `by`: the name of whoever did it, "" for ourselves."""

    id: int
    name: str
    was: str | None
    became: str | None
    at: datetime
    by: str


async def page_of(actor: Actor, router_id: int) -> RouterPage:
    """One router; NotFound for a stranger."""
    row = await own(actor, router_id)
    online = await DB.value(
        "SELECT count(*) FROM hotspot_sessions WHERE router_id = $1 AND ended_at IS NULL", router_id
    )
    answers = row["status"] in (RouterStatus.ONLINE, RouterStatus.LATE)
    return RouterPage(
        id=row["id"], name=row["name"], status=row["status"], way=row["way"], host=row["api_host"],
        port=row["api_port"], user=row["api_user"], tls_pin=row["api_tls_pin"], board=row["board"],
        version=row["version"], serial=row["serial"], online=online if answers else 0,
        last_seen_at=row["last_seen_at"], offline_since=row["offline_since"], reconciled_at=row["reconciled_at"],
        last_error=row["last_error"] or "", is_set_up=row["last_seen_at"] is not None,
        asks_every_s=row["pull_interval_s"],
    )  # fmt: skip


async def online_on(actor: Actor, router_id: int) -> list[LiveSession]:
    """Who is online, the newest first, a hundred at most. The caller shows the router, so it is the actor's."""
    rows = await DB.fetch(
        """SELECT s.mac, s.ip, coalesce(g.terms->>'name', '') AS package, v.id AS voucher_id,
                  v.payment_reference AS reference, s.started_at,
                  s.bytes_up, s.bytes_down, v.expires_at AS ends_at
           FROM hotspot_sessions s JOIN access_grants g ON g.id = s.grant_id JOIN vouchers v ON v.id = g.voucher_id
           WHERE s.router_id = $1 AND s.merchant_id = $2 AND s.ended_at IS NULL
           ORDER BY s.started_at DESC, s.id DESC LIMIT $3""",
        router_id,
        actor.at_merchant(),
        _SHOWN,
    )
    return [LiveSession(**dict(row)) for row in rows]


async def users_on(actor: Actor, router_id: int) -> list[GrantLine]:
    """Users of ours that the router holds or shall hold, those in trouble first, a hundred at most."""
    rows = await DB.fetch(
        """SELECT g.status, coalesce(g.terms->>'name', '') AS package, v.id AS voucher_id,
                  v.payment_reference AS reference, g.mac,
                  EXISTS (SELECT FROM hotspot_sessions s WHERE s.grant_id = g.id AND s.ended_at IS NULL) AS is_online,
                  v.expires_at, g.last_error
           FROM access_grants g JOIN vouchers v ON v.id = g.voucher_id
           WHERE g.router_id = $1 AND g.merchant_id = $2 AND g.status <> 'gone'
           ORDER BY g.last_error IS NULL, g.status = 'present', g.id DESC LIMIT $3""",
        router_id,
        actor.at_merchant(),
        _SHOWN,
    )
    return [GrantLine(**dict(row)) for row in rows]


async def history_of(actor: Actor, router_id: int, *, before: int | None = None, most: int = 20) -> list[Happening]:
    """What happened to a router, newest first; the next page is `before` the last one's id."""
    rows = await DB.fetch(
        """SELECT e.id, e.name, e.was, e.became, e.at, coalesce(u.name, '') AS by
           FROM events e LEFT JOIN users u ON e.actor = 'user:' || u.id
           WHERE e.entity = 'routers' AND e.entity_id = $1 AND e.merchant_id = $2 AND e.id < $3
           ORDER BY e.id DESC LIMIT $4""",
        router_id,
        actor.at_merchant(),
        before or 2**63 - 1,
        most,
    )
    return [Happening(**dict(row)) for row in rows]


async def strips(actor: Actor, *, now: datetime) -> dict[int, list[str]]:
    """The last 24 hours of every router of the merchant: 48 tones (ok, warn, bad, off, none), oldest first."""
    since = now - PIECES * PIECE
    routers = await DB.fetch(
        "SELECT id, status, created_at, offline_since FROM routers WHERE merchant_id = $1 AND status <> 'removed'",
        actor.at_merchant(),
    )
    moves: dict[int, list[tuple[datetime, str, str]]] = {row["id"]: [] for row in routers}
    for row in await DB.fetch(
        """SELECT entity_id, at, was, became FROM events WHERE merchant_id = $1 AND entity = 'routers' AND at > $2
           AND became IS NOT NULL AND was IS DISTINCT FROM became ORDER BY id""",
        actor.at_merchant(),
        since,
    ):
        if row["entity_id"] in moves:
            moves[row["entity_id"]].append((row["at"], row["was"], row["became"]))
    for row in routers:  # offline since before its events are kept, or moved by hand
        if row["status"] == RouterStatus.OFFLINE and row["offline_since"] and not moves[row["id"]]:
            moves[row["id"]].append((max(since, row["offline_since"]), RouterStatus.ONLINE, RouterStatus.OFFLINE))
    return {
        row["id"]: strip(moves[row["id"]], status=row["status"], born_at=row["created_at"], now=now) for row in routers
    }


def strip(moves: Sequence[tuple[datetime, str, str]], *, status: str, born_at: datetime, now: datetime) -> list[str]:
    """Pieces of half an hour, each in the worst tone it saw. `moves`: (when, was, became), oldest first. Pure."""
    tones = ["none"] * PIECES
    start = now - PIECES * PIECE
    began, current = max(start, born_at), moves[0][1] if moves else status
    for at, became in [*((at, became) for at, _, became in moves), (now, status)]:
        if at > began:
            first, last = int((began - start) / PIECE), min(PIECES - 1, int((at - start) / PIECE))
            tone = _TONES.get(RouterStatus(current), "none")
            for piece in range(first, last + 1):
                tones[piece] = max(tones[piece], tone, key=_BADNESS.__getitem__)
            began = at
        current = became
    return tones
