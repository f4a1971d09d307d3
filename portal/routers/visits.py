"""Whose turn it is to visit a router, and how the visit went: leases, answers, misses, and the routers due for one."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from random import SystemRandom

from portal import codes
from portal.db import DB, Tx, atomic
from portal.routers.access import RouterAccess
from portal.states import E, move
from portal.work import Work, defer

#: Kept by renewing it: a worker that died holds a router up for no longer than this.
LEASE = timedelta(seconds=6)
#: A router that has not answered for this long is offline; before that it is late.
OFFLINE_AFTER = timedelta(seconds=20)
_WAITS_S = (2, 4, 8, 15, 30, 60)
_PATIENT_FROM = 3
_RANDOM = SystemRandom()


async def lease(router_id: int, *, now: datetime, asks: bool = False) -> str | None:
    """Take a router's one reconcile lease for six seconds; None: somebody else has it. Keep it with `renew`, give it back
    with `release`. `asks`: on behalf of a router that asks us; nobody else gets such a router's lease, for nobody dials it."""
    token = codes.hex_token(16)
    async with atomic() as tx:
        taken = await tx.value(
            """UPDATE routers SET lease_until = $2, lease_token = $3
               WHERE id = $1 AND status NOT IN ('paused', 'removed') AND (lease_until IS NULL OR lease_until < $4)
               AND (way = 'pull') = $5 RETURNING id""",
            router_id,
            now + LEASE,
            token,
            now,
            asks,
        )
    return token if taken else None


async def renew(router_id: int, token: str, *, now: datetime) -> bool:
    """Six seconds more. False: the lease ran out and somebody else may have it, so stop what was done under it."""
    async with atomic() as tx:
        kept = await tx.value(
            "UPDATE routers SET lease_until = $3 WHERE id = $1 AND lease_token = $2 RETURNING id",
            router_id,
            token,
            now + LEASE,
        )
    return kept is not None


async def release(router_id: int, token: str) -> bool:
    """Give the lease back. True when grants changed meanwhile and nobody looked: the caller goes again."""
    async with atomic() as tx:
        behind = await tx.value(
            """UPDATE routers SET lease_until = NULL, lease_token = NULL WHERE id = $1 AND lease_token = $2
               RETURNING wanted_generation > reconciled_generation AND next_try_at IS NULL""",
            router_id,
            token,
        )
    return bool(behind)


async def caught_up(tx: Tx, router_id: int, generation: int) -> None:
    """Everything wanted up to this generation was looked at."""
    await tx.execute(
        "UPDATE routers SET reconciled_generation = greatest(reconciled_generation, $2) WHERE id = $1",
        router_id,
        generation,
    )


async def answered(tx: Tx, router_id: int, *, now: datetime, **seen: object) -> bool:
    """The router answered; `seen` may hold board, version, serial, uptime_s. True when it was away before."""
    came_back = await move(
        tx, "routers", router_id, E.ANSWER, at=now, actor="job:sync-routers", offline_since=None, last_error=None
    )
    sets = "".join(f", {column} = ${number}" for number, column in enumerate(seen, start=3))
    await tx.execute(
        f"UPDATE routers SET last_seen_at = $2, next_try_at = NULL, tries = 0{sets} WHERE id = $1",
        router_id,
        now,
        *seen.values(),
    )
    if came_back and await _is_page_out_of_date(tx, router_id):
        await defer(tx, Work.CHECK_ROUTER, router_id)
    return came_back


async def _is_page_out_of_date(tx: Tx, router_id: int) -> bool:
    """Whether the doctor's last look did not get through to the router's settings: its page says so still. One that was never
    looked at can wait for the daily round, so that a fleet that comes back together is not looked at all at once."""
    return bool(
        await tx.value(
            "SELECT facts = '{}' FROM router_checks WHERE router_id = $1 ORDER BY id DESC LIMIT 1", router_id
        )
    )


async def missed(tx: Tx, router: RouterAccess, error: str, *, is_no_hiccup: bool = False, now: datetime) -> None:
    """The router did not answer: late at first, offline when it stays away; tried again after 2 s … 1 min, ± 20 %.

    `is_no_hiccup`: it answered, but wrongly (nonsense without end, no such password), and will again: the first wait is 15 s."""
    step = router.tries + (_PATIENT_FROM if is_no_hiccup else 0)
    wait = _WAITS_S[min(step, len(_WAITS_S) - 1)] * _RANDOM.uniform(0.8, 1.2)
    await tx.execute(
        """UPDATE routers SET tries = tries + 1, last_error = $2, next_try_at = $3,
                              offline_since = coalesce(offline_since, last_seen_at, $4) WHERE id = $1""",
        router.id,
        error[:500],
        now + timedelta(seconds=wait),
        now,
    )
    last_seen = await tx.value("SELECT last_seen_at FROM routers WHERE id = $1", router.id)
    is_gone = last_seen is None or now - last_seen >= OFFLINE_AFTER or router.tries >= 1
    await move(
        tx,
        "routers",
        router.id,
        E.DROP if is_gone else E.MISS,
        at=now,
        actor="job:sync-routers",
        data={"error": error[:200]},
    )


async def to_sync(*, now: datetime) -> Sequence[int]:
    """Routers a sync should visit now: not paused, and not waiting after a failure; those that answered last time first."""
    rows = await DB.fetch(
        """SELECT id FROM routers WHERE status NOT IN ('paused', 'removed') AND way <> 'pull'
           AND (next_try_at IS NULL OR next_try_at <= $1) ORDER BY tries > 0, id""",
        now,
    )
    return [row["id"] for row in rows]


async def to_wake(*, now: datetime) -> Sequence[int]:
    """Routers with grants that are due, or away and due for another try: what a lost wake-up would have left lying."""
    rows = await DB.fetch(
        """SELECT r.id FROM routers r WHERE r.status NOT IN ('paused', 'removed') AND r.way <> 'pull'
           AND (r.lease_until IS NULL OR r.lease_until < $1)
           AND (r.next_try_at IS NULL OR r.next_try_at <= $1)
           AND (r.next_try_at IS NOT NULL OR EXISTS (
                  SELECT FROM access_grants g WHERE g.router_id = r.id AND g.next_try_at <= $1
                  AND (g.status IN ('wanted', 'ending') OR (g.status = 'present' AND g.login_wanted_at IS NOT NULL))))
           ORDER BY r.id""",
        now,
    )
    return [row["id"] for row in rows]
