"""A subscriber's access: on a hotspot a voucher of its own with a grant, by PPPoE a user name and password that the router reads
with `dialins`. Steps only: they make access follow the account, and wake the routers it is about."""

from collections.abc import Sequence
from datetime import datetime

from portal import access_grants, codes, vouchers
from portal.db import Tx
from portal.states import E, move_all
from portal.subscribers.accounts import Held
from portal.terms import Terms
from portal.vault import Vault


async def open_hotspot(
    tx: Tx, terms: Terms, *, merchant_id: int, router_id: int, package_id: int, vault: Vault, now: datetime, actor: str
) -> int:
    """A voucher in use and its grant, for no device yet: the family's phones come by its code. Returns the voucher's id; until
    when it may be used is said by `follow`."""
    issued = await vouchers.issue_paid(
        tx, terms, merchant_id=merchant_id, package_id=package_id, router_id=router_id, price_cents=0, vault=vault,
        now=now,
    )  # fmt: skip
    await vouchers.start(tx, issued.id, at=now, actor=actor)
    await _grant(tx, issued.id, terms, merchant_id=merchant_id, router_id=router_id, vault=vault, now=now)
    return issued.id


async def _grant(
    tx: Tx, voucher_id: int, terms: Terms, *, merchant_id: int, router_id: int, vault: Vault, now: datetime
) -> None:
    """A grant nobody logs in by yet: its user stands ready on the router."""
    grant_id = await tx.value("SELECT nextval('access_grants_id_seq')")
    await tx.execute(
        """INSERT INTO access_grants (id, merchant_id, router_id, voucher_id, user_name, password_sealed, terms, next_try_at,
                                      created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8)""",
        grant_id,
        merchant_id,
        router_id,
        voucher_id,
        f"vocha-{codes.hex_token(8)}",
        vault.seal("access_grants", "password_sealed", row_id=grant_id, plaintext=codes.hex_token(16)),
        terms.encode(),
        now,
    )
    await access_grants.wake_router(tx, router_id)


async def cut_sessions(tx: Tx, voucher_id: int, *, vault: Vault, now: datetime, actor: str) -> None:
    """Log everybody out who is in by this voucher, with the router's cookies and the password of before. The grant comes back by
    itself (`access_grants.left`), and whoever still belongs is let in when next standing before the hotspot."""
    rows = await tx.fetch(
        "SELECT id FROM access_grants WHERE voucher_id = $1 AND status IN ('wanted', 'present') ORDER BY id", voucher_id
    )
    for row in rows:
        fresh = vault.seal("access_grants", "password_sealed", row_id=row["id"], plaintext=codes.hex_token(16))
        await tx.execute(
            """UPDATE access_grants SET password_sealed = $2, mac = NULL, ip = NULL, login_wanted_at = NULL WHERE id = $1""",
            row["id"],
            fresh,
        )
    await access_grants.end_for(tx, [voucher_id], now=now, actor=actor)


async def move_to(
    tx: Tx, voucher_id: int, terms: Terms, router_id: int, *, merchant_id: int, has_access: bool, vault: Vault,
    now: datetime, actor: str,
) -> None:  # fmt: skip
    """A hotspot subscriber's access on another router: its grants elsewhere end, and there is one there, ended
    too while it is shut out."""
    await tx.execute("UPDATE vouchers SET router_id = $2 WHERE id = $1", voucher_id, router_id)
    elsewhere = await tx.fetch(
        """SELECT id, router_id FROM access_grants WHERE voucher_id = $1 AND router_id <> $2
           AND status IN ('wanted', 'present') ORDER BY id""",
        voucher_id,
        router_id,
    )
    ids = [row["id"] for row in elsewhere]
    await move_all(tx, "access_grants", ids, E.END, at=now, actor=actor, next_try_at=now, tries=0)
    await access_grants.wake_routers(tx, {row["router_id"] for row in elsewhere})
    known = await tx.value(
        "SELECT EXISTS (SELECT FROM access_grants WHERE voucher_id = $1 AND router_id = $2)", voucher_id, router_id
    )
    if not known:
        await _grant(tx, voucher_id, terms, merchant_id=merchant_id, router_id=router_id, vault=vault, now=now)
    elif has_access:
        await access_grants.revive(tx, [voucher_id], router_id=router_id, now=now, actor=actor)
    if not has_access:  # there is one to bring back when it is let in again
        await access_grants.end_for(tx, [voucher_id], now=now, actor=actor)


async def follow(tx: Tx, helds: Sequence[Held], *, now: datetime, actor: str) -> None:
    """Let those in whose account says so, and the others not; as fast as their package is. Wakes routers that must change."""
    changed = [held for held in helds if _differs(held)]
    hotspot = [held for held in changed if held.row["voucher_id"] is not None]
    await _let_in(tx, [held for held in hotspot if held.account.has_access], now=now, actor=actor)
    await _shut_out(tx, [held for held in hotspot if not held.account.has_access], now=now, actor=actor)
    for router_id in sorted({held.row["router_id"] for held in changed if held.row["voucher_id"] is None}):
        await access_grants.wake_router(tx, router_id)


def _differs(held: Held) -> bool:
    row, account = held.row, held.account
    had = row["status"] in ("active", "grace")
    return (
        had != account.has_access
        or row["package_id"] != account.offer.id
        or (account.status == "closed" and row["status"] != "closed")
        or (held.row["voucher_id"] is not None and row["access_until"] != account.access_until)
    )


async def _let_in(tx: Tx, helds: Sequence[Held], *, now: datetime, actor: str) -> None:
    ids = [held.row["voucher_id"] for held in helds]
    if not ids:
        return
    # One that the clock of vouchers ended a moment ago comes back; one in use stays as it is.
    await move_all(tx, "vouchers", ids, E.REVIVE, at=now, actor=actor, ended_at=None, ended_why=None)
    await tx.execute(
        """UPDATE vouchers v SET expires_at = n.until, terms = s.terms, package_id = s.package_id
           FROM unnest($1::bigint[], $2::timestamptz[]) AS n (id, until) JOIN subscribers s ON s.voucher_id = n.id
           WHERE v.id = n.id""",
        ids,
        [held.account.access_until for held in helds],
    )
    await tx.execute(
        """UPDATE access_grants g SET terms = v.terms FROM vouchers v
           WHERE v.id = g.voucher_id AND v.id = ANY($1) AND g.terms <> v.terms""",
        ids,
    )
    for router_id in sorted({held.row["router_id"] for held in helds}):
        there = [held.row["voucher_id"] for held in helds if held.row["router_id"] == router_id]
        await access_grants.revive(tx, there, router_id=router_id, now=now, actor=actor)


async def _shut_out(tx: Tx, helds: Sequence[Held], *, now: datetime, actor: str) -> None:
    ids = [held.row["voucher_id"] for held in helds]
    if not ids:
        return
    await tx.execute("UPDATE vouchers SET expires_at = least(expires_at, $2) WHERE id = ANY($1)", ids, now)
    await move_all(
        tx, "vouchers", ids, E.EXPIRE, at=now, actor=actor, data={"why": "usage"}, ended_at=now, ended_why="usage"
    )
    await access_grants.end_for(tx, ids, now=now, actor=actor)
