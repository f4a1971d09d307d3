"""Access grants: the wish that a device has access on a router until a time. Desired state; reconcile makes it true.

A grant is one hotspot user, with a random name and password nobody ever sees. Its voucher says until when."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from random import SystemRandom
from typing import Any

import msgspec
from asyncpg import Record

from portal import codes, devices, limits
from portal.db import DB, Tx, atomic
from portal.devices import DeviceHint, Proof
from portal.states import E, move_all
from portal.terms import Terms, decode_terms
from portal.vault import Vault
from portal.work import Work, defer_all

_RANDOM = SystemRandom()
_FIRST_WAIT_S, _LONGEST_WAIT_S, _PATIENT_WAIT_S = 1.0, 30.0, 300.0
#: So many leave a router in one go.
ENDINGS_AT_ONCE = 10_000
#: After so many tries it is not a hiccup: the phone has left, or a person must look.
_PATIENT_AFTER = 20


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """What `want` needs: which voucher gives which device access where, and on what terms."""

    merchant_id: int
    router_id: int
    voucher_id: int
    mac: str
    ip: str
    terms: Terms
    proof: Proof = Proof.BOUGHT


class Grant(msgspec.Struct, frozen=True, kw_only=True):
    """A grant with what its router must hold. `is_live`: its voucher may be used; `is_running`: its usage clock runs.

    `unseen_uptime_s` and `unseen_bytes` are used up already, but this router's counters do not show them: it forgot them, or
    they were used on another router."""

    id: int
    merchant_id: int
    router_id: int
    voucher_id: int
    status: str
    user_name: str
    password: str
    mac: str | None
    ip: str | None
    terms: Terms
    is_login_wanted: bool
    has_logged_in: bool
    is_live: bool
    is_running: bool
    expires_at: datetime | None
    used_uptime_s: int
    unseen_uptime_s: int
    unseen_bytes: int
    tries: int


_SELECT = """SELECT g.id, g.merchant_id, g.router_id, g.voucher_id, g.status, g.user_name, g.password_sealed, g.mac, g.ip, g.terms,
       g.login_wanted_at, g.logged_in_at, g.used_uptime_s, g.tries, v.status AS voucher_status, v.expires_at,
       greatest(g.forgotten_uptime_s, 0) + elsewhere.uptime_s AS unseen_uptime_s,
       greatest(g.forgotten_bytes, 0) + elsewhere.bytes AS unseen_bytes
FROM access_grants g JOIN vouchers v ON v.id = g.voucher_id
CROSS JOIN LATERAL (
  SELECT coalesce(sum(o.used_uptime_s), 0)::bigint AS uptime_s, coalesce(sum(o.used_bytes), 0)::bigint AS bytes
  FROM access_grants o WHERE o.voucher_id = g.voucher_id AND o.id <> g.id) elsewhere"""


async def want(tx: Tx, wish: Wish, *, vault: Vault, now: datetime) -> None:
    """Wish a device in: a new grant, or the old one with the device as it is now. Wakes the router's reconcile."""
    grant_id = await tx.value("SELECT nextval('access_grants_id_seq')")
    await tx.execute(
        """INSERT INTO access_grants (id, merchant_id, router_id, voucher_id, user_name, password_sealed, mac, ip, terms,
                                      login_wanted_at, next_try_at, created_at)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10, $10)
           ON CONFLICT (voucher_id, router_id) DO UPDATE
           SET mac = excluded.mac, ip = excluded.ip, login_wanted_at = excluded.login_wanted_at,
               next_try_at = excluded.next_try_at, tries = 0""",
        grant_id,
        wish.merchant_id,
        wish.router_id,
        wish.voucher_id,
        f"vocha-{codes.hex_token(8)}",
        vault.seal("access_grants", "password_sealed", row_id=grant_id, plaintext=codes.hex_token(16)),
        wish.mac,
        wish.ip,
        wish.terms.encode(),
        now,
    )
    await devices.held(
        tx, wish.merchant_id, wish.mac, voucher_id=wish.voucher_id, router_id=wish.router_id, proof=wish.proof, now=now
    )
    await wake_router(tx, wish.router_id)


async def knock(router_id: int, device: DeviceHint, *, now: datetime) -> bool:
    """A device stands before the router again. If it has time left there, log it in again; True while that is under way, False
    when there is nothing to do, or it was tried four times in five minutes: then it is shown the packages all the same.

    It proves itself by its MAC only, as RouterOS' own mac-cookie does: the device is let in, and nothing is told about it."""
    async with atomic() as tx:
        rows = await tx.fetch(
            """UPDATE access_grants g SET ip = $3, login_wanted_at = $4, next_try_at = $4, tries = 0
               FROM vouchers v
               WHERE v.id = g.voucher_id AND g.router_id = $1 AND g.mac = $2 AND g.status IN ('wanted', 'present')
               AND v.status IN ('paid', 'in_use') AND (v.expires_at IS NULL OR v.expires_at > $4)
               RETURNING g.id""",
            router_id,
            device.mac,
            device.ip,
            now,
        )
        if rows:
            await wake_router(tx, router_id)
    return bool(rows) and await limits.hit(f"knock:{router_id}:{device.mac}", limit=4, window_s=300, now=now)


async def end_for(tx: Tx, voucher_ids: Sequence[int], *, now: datetime, actor: str) -> list[int]:
    """End the grants of these vouchers and wake their routers. Returns the grants' ids."""
    rows = await tx.fetch(
        "SELECT id, router_id FROM access_grants WHERE voucher_id = ANY($1) AND status IN ('wanted', 'present') ORDER BY id",
        list(voucher_ids),
    )
    ended = await move_all(
        tx, "access_grants", [row["id"] for row in rows], E.END, at=now, actor=actor, next_try_at=now, tries=0
    )
    await wake_routers(tx, {row["router_id"] for row in rows})
    return ended


async def revive(tx: Tx, voucher_ids: Sequence[int], *, router_id: int, now: datetime, actor: str) -> None:
    """Want these vouchers' ended grants on a router again. Their devices log in by themselves or by standing before it."""
    rows = await tx.fetch(
        "SELECT id FROM access_grants WHERE voucher_id = ANY($1) AND router_id = $2 AND status IN ('ending', 'gone')",
        list(voucher_ids),
        router_id,
    )
    await _want_again(tx, [row["id"] for row in rows], now=now, actor=actor)
    await wake_router(tx, router_id)


async def _want_again(tx: Tx, ids: Sequence[int], *, now: datetime, actor: str) -> None:
    columns: dict[str, Any] = {"ended_at": None, "next_try_at": now, "tries": 0, "last_error": None}
    await move_all(tx, "access_grants", ids, E.REVIVE, at=now, actor=actor, **columns)


async def wake_router(tx: Tx, router_id: int) -> None:
    """Something about a router's grants changed: raise its generation and queue a reconcile."""
    await wake_routers(tx, [router_id])


async def wake_routers(tx: Tx, router_ids: Collection[int]) -> None:
    """The same for many at once: their rows are locked in order, so that two who wake the same ones do not wait for each other."""
    ids = sorted(router_ids)
    if ids:
        await tx.execute(
            """UPDATE routers r SET wanted_generation = r.wanted_generation + 1
               FROM (SELECT id FROM routers WHERE id = ANY($1) ORDER BY id FOR NO KEY UPDATE) n WHERE r.id = n.id""",
            ids,
        )
        await defer_all(tx, Work.RECONCILE_ROUTER, ids)


class Ending(msgspec.Struct, frozen=True, kw_only=True):
    """A grant whose user is to leave its router."""

    id: int
    user_name: str
    tries: int


async def endings_due(router_id: int, *, now: datetime, limit: int = ENDINGS_AT_ONCE) -> list[Ending]:
    """Grants of a router that are to end now; by the thousand, so without their terms and secrets."""
    rows = await DB.fetch(
        """SELECT id, user_name, tries FROM access_grants
           WHERE router_id = $1 AND next_try_at <= $2 AND status = 'ending' ORDER BY id LIMIT $3""",
        router_id,
        now,
        limit,
    )
    return [Ending(id=row["id"], user_name=row["user_name"], tries=row["tries"]) for row in rows]


async def is_any_due(router_id: int, *, now: datetime) -> bool:
    """Whether something is to be done for a router's grants now."""
    return await DB.value(
        """SELECT EXISTS (SELECT FROM access_grants WHERE router_id = $1 AND next_try_at <= $2
             AND (status IN ('wanted', 'ending') OR (status = 'present' AND login_wanted_at IS NOT NULL)))""",
        router_id,
        now,
    )


async def due(router_id: int, *, vault: Vault, now: datetime, limit: int = 500) -> list[Grant]:
    """Grants of a router whose device is to be let in now."""
    rows = await DB.fetch(
        f"""{_SELECT} WHERE g.router_id = $1 AND g.next_try_at <= $2
            AND (g.status = 'wanted' OR (g.status = 'present' AND g.login_wanted_at IS NOT NULL))
            ORDER BY g.id LIMIT $3""",
        router_id,
        now,
        limit,
    )
    return [_grant(row, vault) for row in rows]


async def all_of(router_id: int, *, vault: Vault) -> list[Grant]:
    """Every grant that is not gone: what a complete pass compares the router with."""
    rows = await DB.fetch(f"{_SELECT} WHERE g.router_id = $1 AND g.status <> 'gone' ORDER BY g.id", router_id)
    return [_grant(row, vault) for row in rows]


async def appeared(tx: Tx, grant_ids: Sequence[int], *, now: datetime, actor: str) -> None:
    """Their users stand on the router."""
    await move_all(tx, "access_grants", grant_ids, E.APPEAR, at=now, actor=actor, last_error=None)


async def logged_in(tx: Tx, grant_id: int, *, now: datetime) -> None:
    """The router confirmed the device's login."""
    await tx.execute(
        """UPDATE access_grants SET login_wanted_at = NULL, next_try_at = NULL, tries = 0, last_error = NULL,
                                    logged_in_at = coalesce(logged_in_at, $2) WHERE id = $1""",
        grant_id,
        now,
    )


async def left(tx: Tx, grant_ids: Sequence[int], *, now: datetime, actor: str) -> None:
    """The router was seen without them. A subscriber's that ended only to cut its sessions is wanted again at once."""
    await move_all(
        tx, "access_grants", grant_ids, E.LEAVE, at=now, actor=actor, ended_at=now, next_try_at=None, last_error=None
    )
    back = await tx.fetch(
        """SELECT g.id, g.router_id FROM access_grants g JOIN vouchers v ON v.id = g.voucher_id AND v.router_id = g.router_id
           JOIN subscribers s ON s.voucher_id = v.id AND s.status IN ('active', 'grace')
           WHERE g.id = ANY($1) AND g.status = 'gone' AND v.status = 'in_use' AND v.expires_at > $2 ORDER BY g.id""",
        list(grant_ids),
        now,
    )
    if back:
        await _want_again(tx, [row["id"] for row in back], now=now, actor=actor)
        await wake_routers(tx, {row["router_id"] for row in back})


async def failed(tx: Tx, grant: Grant | Ending, error: str, *, now: datetime) -> None:
    """An attempt failed: remember why, try again after 1, 2, 4 … 30 seconds, with jitter."""
    await failed_all(tx, [grant], error, now=now)


async def failed_all(tx: Tx, grants: Sequence[Grant | Ending], error: str, *, now: datetime) -> None:
    """The same attempt failed for all of these."""
    await tx.execute(
        """UPDATE access_grants g SET tries = g.tries + 1, last_error = $1, next_try_at = n.at
           FROM unnest($2::bigint[], $3::timestamptz[]) AS n (id, at) WHERE g.id = n.id AND g.status <> 'gone'""",
        error[:500],
        [grant.id for grant in grants],
        [now + wait_before(grant.tries + 1) for grant in grants],
    )


def wait_before(attempt: int) -> timedelta:
    """How long to wait before the next attempt: doubling from 1 s to 30 s, ± 20 % so that many do not come at once; 5 min
    once it has failed twenty times."""
    seconds = (
        _PATIENT_WAIT_S if attempt > _PATIENT_AFTER else min(_LONGEST_WAIT_S, _FIRST_WAIT_S * 2 ** min(attempt - 1, 10))
    )
    return timedelta(seconds=seconds * _RANDOM.uniform(0.8, 1.2))


def _grant(row: Record, vault: Vault) -> Grant:
    return Grant(
        id=row["id"],
        merchant_id=row["merchant_id"],
        router_id=row["router_id"],
        voucher_id=row["voucher_id"],
        status=row["status"],
        user_name=row["user_name"],
        password=vault.open("access_grants", "password_sealed", row_id=row["id"], sealed=row["password_sealed"]),
        mac=row["mac"],
        ip=row["ip"],
        terms=decode_terms(row["terms"]),
        is_login_wanted=row["login_wanted_at"] is not None,
        has_logged_in=row["logged_in_at"] is not None,
        is_live=row["voucher_status"] in ("paid", "in_use"),
        is_running=row["voucher_status"] == "in_use",
        expires_at=row["expires_at"],
        used_uptime_s=row["used_uptime_s"],
        unseen_uptime_s=row["unseen_uptime_s"],
        unseen_bytes=row["unseen_bytes"],
        tries=row["tries"],
    )
