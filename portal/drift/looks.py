"""Looks at drift: asked for in a row, done by the worker, told from the row. What is ours is mended by a complete pass; what
is not ours is touched only when a person has named that very row."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum

import msgspec
from asyncpg import Record

from portal.db import DB, Tx, atomic
from portal.drift.compare import FOREIGN, Finding, Kind
from portal.errors import Conflict, NotFound
from portal.identity import Actor
from portal.msgid import N_
from portal.routers import rights
from portal.routers.forms import PULL
from portal.states import RouterStatus, note
from portal.work import Work, defer

#: Looks kept of each router.
KEPT = 50
#: Every router that answers is looked at so often without being asked.
EVERY = timedelta(minutes=55)
#: So many of them begin in one round, a minute apart: a fleet is looked at evenly over the hour.
MOST_AT_ONCE = 40
#: A look asked for so long ago and not done was lost by the queue.
LOST_AFTER = timedelta(seconds=30)
_MOST_FINDINGS = 5000

BUSY = N_("We are looking at this router right now. Wait a moment and try again.")
PAUSED = N_("This router is paused: we leave it alone. Resume it first.")
INCOMPLETE = N_(
    "The router did not show us everything, so we draw no conclusions. Look at its checkup: our user may lack rights."
)
NOT_TAKEN_OFF = N_(
    "The router did not remove it: it is not as it was seen any more, or our script there is an older one. Look again, or paste a "
    "new setup script. With WinBox you find it under IP, Hotspot."
)
NOT_SEEN = N_("This was not on the router when we last looked. Look again first.")


class Wish(StrEnum):
    """What a look is for."""

    LOOK = "look"
    REPAIR = "repair"
    REMOVE = "remove"


class Target(msgspec.Struct, frozen=True):
    """The one row that is not ours and is to go."""

    kind: Kind
    who: str


class Look(msgspec.Struct, frozen=True, kw_only=True):
    """One look. `done_at` None: under way. `error`: why it could not be done, the router's or the network's text: untrusted."""

    id: int
    router_id: int
    wish: Wish
    target: Target | None
    asked_by: str
    asked_at: datetime
    done_at: datetime | None
    error: str
    before: list[Finding]
    after: list[Finding]

    @property
    def is_open(self) -> bool:
        """Whether it is still under way."""
        return self.done_at is None


_COLUMNS = "id, router_id, wish, target, asked_by, asked_at, done_at, error, before, after"


def _look(row: Record) -> Look:
    values = dict(row)
    target = msgspec.json.decode(values.pop("target"))
    before, after = (msgspec.json.decode(values.pop(name), type=list[Finding]) for name in ("before", "after"))
    wish = Wish(values.pop("wish"))
    return Look(
        **values,
        wish=wish,
        target=msgspec.convert(target, Target) if target else None,
        before=before,
        after=after,
    )


async def ask(actor: Actor, router_id: int, *, now: datetime) -> None:
    """Have a router looked at now. For owners and managers; one that is under way is enough."""
    async with atomic() as tx:
        row = await _own_and_awake(tx, actor, router_id)
        await _open(tx, row, Wish.LOOK, rights.named(actor), now=now)


async def repair(actor: Actor, router_id: int, *, now: datetime) -> None:
    """One click: ask for a complete pass over the router now, and note who did. For owners and managers; NotFound for a
    router of another merchant, Conflict while it is being looked at. Foreign rows stay as they are."""
    async with atomic() as tx:
        row = await _own_and_awake(tx, actor, router_id)
        if not await _open(tx, row, Wish.REPAIR, rights.named(actor), now=now):
            raise Conflict(BUSY)
        await note(
            tx, "routers", router_id, "repair", merchant_id=row["merchant_id"], at=now, actor=rights.named(actor)
        )


async def remove(actor: Actor, router_id: int, target: Target, *, now: datetime) -> None:
    """A person's word for one row that is not ours: it shall go. Conflict when the last look did not see it there."""
    async with atomic() as tx:
        row = await _own_and_awake(tx, actor, router_id)
        seen = await _last_good(tx, router_id)
        if target.kind not in FOREIGN or not seen or not any(_is(target, each) for each in seen.after):
            raise Conflict(NOT_SEEN)
        if not await _open(tx, row, Wish.REMOVE, rights.named(actor), now=now, target=target):
            raise Conflict(BUSY)
        data = {"kind": target.kind.value, "who": target.who}
        await note(
            tx, "routers", router_id, "foreign_removed", merchant_id=row["merchant_id"], at=now,
            actor=rights.named(actor), data=data,
        )  # fmt: skip


def _is(target: Target, finding: Finding) -> bool:
    return (finding.kind, finding.who) == (target.kind, target.who)


async def _own_and_awake(tx: Tx, actor: Actor, router_id: int) -> Record:
    row = await rights.own_to_change(tx, actor, router_id)
    if row["status"] == RouterStatus.PAUSED:
        raise Conflict(PAUSED)
    return row


async def _open(
    tx: Tx, router: Record, wish: Wish, asked_by: str, *, now: datetime, target: Target | None = None
) -> bool:
    """Note the wish and wake the worker; a router that asks us for work answers it by itself. False: a look at this router is
    under way already."""
    look_id = await tx.value(
        """INSERT INTO drift_looks (merchant_id, router_id, wish, target, asked_by, asked_at)
           VALUES ($1, $2, $3, $4::jsonb, $5, $6) ON CONFLICT (router_id) WHERE done_at IS NULL DO NOTHING RETURNING id""",
        router["merchant_id"],
        router["id"],
        wish.value,
        msgspec.json.encode(target or {}).decode(),
        asked_by,
        now,
    )
    if look_id is not None and router["way"] != PULL:
        await defer(tx, Work.LOOK_AT_DRIFT, look_id)
    return look_id is not None


async def _last_good(tx: Tx, router_id: int) -> Look | None:
    row = await tx.row(
        f"""SELECT {_COLUMNS} FROM drift_looks WHERE router_id = $1 AND done_at IS NOT NULL AND error = ''
            ORDER BY id DESC LIMIT 1""",
        router_id,
    )
    return _look(row) if row else None


async def under_way(look_id: int) -> Look | None:
    """A look the worker is to do; None when it is done."""
    row = await DB.row(f"SELECT {_COLUMNS} FROM drift_looks WHERE id = $1 AND done_at IS NULL", look_id)
    return _look(row) if row else None


async def open_at(router_id: int) -> Look | None:
    """The look at a router that is under way; None when there is none."""
    row = await DB.row(f"SELECT {_COLUMNS} FROM drift_looks WHERE router_id = $1 AND done_at IS NULL", router_id)
    return _look(row) if row else None


async def finish(
    look_id: int, *, before: Sequence[Finding] = (), after: Sequence[Finding] = (), error: str = "", now: datetime
) -> None:
    """Note what was found, or why nothing could be. The first to finish counts. Forgets all but the last fifty looks."""
    async with atomic() as tx:
        router_id = await tx.value(
            """UPDATE drift_looks SET done_at = greatest($2, asked_at), before = $3::jsonb, after = $4::jsonb, error = $5
               WHERE id = $1 AND done_at IS NULL RETURNING router_id""",
            look_id,
            now,
            stored(before),
            stored(after),
            error[:500],
        )
        await tx.execute(
            """DELETE FROM drift_looks WHERE router_id = $1 AND done_at IS NOT NULL AND id <= (
                 SELECT id FROM drift_looks WHERE router_id = $1 ORDER BY id DESC OFFSET $2 LIMIT 1)""",
            router_id,
            KEPT,
        )


def stored(findings: Sequence[Finding]) -> str:
    """As JSON that PostgreSQL takes: names come from the router and may hold anything, a NUL too."""
    some = list(findings)[:_MOST_FINDINGS]
    return msgspec.json.encode(
        [msgspec.structs.replace(each, who=each.who.replace("\0", "")[:120]) for each in some]
    ).decode()


async def due(*, actor: str, now: datetime) -> list[int]:
    """Looks to do now without being called: those the queue lost, and a new one for every router that answers and was not
    looked at for most of an hour."""
    async with atomic() as tx:
        await tx.execute(
            """INSERT INTO drift_looks (merchant_id, router_id, asked_by, asked_at)
               SELECT merchant_id, id, $1, $2 FROM routers r WHERE status = 'online' AND way <> 'pull'
               AND NOT EXISTS (SELECT FROM drift_looks d WHERE d.router_id = r.id AND d.asked_at > $3)
               ORDER BY id LIMIT $4 ON CONFLICT (router_id) WHERE done_at IS NULL DO NOTHING""",
            actor,
            now,
            now - EVERY,
            MOST_AT_ONCE,
        )
        rows = await tx.fetch(
            """SELECT d.id FROM drift_looks d JOIN routers r ON r.id = d.router_id WHERE d.done_at IS NULL AND r.way <> 'pull'
               AND (d.asked_by = $1 OR d.asked_at <= $2) ORDER BY d.id""",
            actor,
            now - LOST_AFTER,
        )
    return [row["id"] for row in rows]


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """What we know of a router's drift: the last look that saw it, the last one if it failed, and one under way."""

    good: Look | None = None
    failed: Look | None = None
    open: Look | None = None


async def standings(actor: Actor, router_id: int | None = None) -> dict[int, Standing]:
    """How the merchant's routers stand, or the one; routers never looked at are absent."""
    rows = await DB.fetch(
        f"""SELECT {_COLUMNS} FROM drift_looks WHERE id IN (
              SELECT max(id) FROM drift_looks WHERE merchant_id = $1 AND ($2::bigint IS NULL OR router_id = $2)
              GROUP BY router_id, done_at IS NULL, error = '')
            ORDER BY id DESC""",
        actor.at_merchant(),
        router_id,
    )
    looks: dict[int, list[Look]] = {}
    for row in rows:
        looks.setdefault(row["router_id"], []).append(_look(row))
    return {which: _standing(some) for which, some in looks.items()}


def _standing(looks: Sequence[Look]) -> Standing:
    under_way = next((look for look in looks if look.is_open), None)
    good = next((look for look in looks if not look.is_open and not look.error), None)
    failed = next((look for look in looks if not look.is_open and look.error), None)
    if good and failed and failed.id < good.id:
        failed = None
    return Standing(good=good, failed=failed, open=under_way)


async def target_seen(actor: Actor, router_id: int, target: Target) -> Finding:
    """The finding a person means, as the last look saw it; NotFound when it did not, or for what is ours."""
    good = (await standings(actor, router_id)).get(router_id, Standing()).good
    found = next((each for each in good.after if _is(target, each)), None) if good else None
    if found is None or found.kind not in FOREIGN:
        raise NotFound
    return found
