"""Vouchers: made, sold, let in, started, ended. The code is secret: looked up by its HMAC, kept sealed for showing.

Who types a code: `portal.voucher_entry`."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from asyncpg import Record

from portal import access_grants, codes, limits, voucher_making
from portal.access_grants import Wish
from portal.db import DB, Tx, atomic
from portal.devices import DeviceHint, Proof
from portal.errors import Conflict, Invalid, TooMany
from portal.msgid import N_
from portal.routers import RouterView
from portal.states import E, move, move_all, note
from portal.terms import Terms, decode_terms
from portal.vault import Vault
from portal.voucher_making import Issued, Lot

#: Tries to type a code: per device and router, and per router (facts: a MAC is free to forge, so only the router's cap counts).
TRIES_PER_DEVICE = (5, 60)
TRIES_PER_DEVICE_HOUR = (20, 3600)
TRIES_PER_ROUTER = (60, 60)


OTHER_HOURS = N_("This voucher works at certain hours only, and not now. It keeps until then.")


class Elsewhere(Conflict):
    """A voucher's batch is for other routers. Said only to whoever has proved to hold it."""

    default = N_("This code is for another place. Ask where you bought it.")


async def issue_paid(
    tx: Tx,
    terms: Terms,
    *,
    merchant_id: int,
    package_id: int,
    router_id: int | None,
    price_cents: int,
    vault: Vault,
    now: datetime,
) -> Issued:
    """Make one voucher that is paid for."""
    lot = Lot(
        merchant_id=merchant_id, package_id=package_id, router_id=router_id, price_cents=price_cents, terms=terms, paid_at=now,
        made_at=now, code_length=await voucher_making.code_length(tx, merchant_id, more=1),
    )  # fmt: skip
    return (await voucher_making.make(tx, lot, 1, vault=vault))[0]


async def issue_unsold(
    tx: Tx,
    terms: Terms,
    *,
    merchant_id: int,
    package_id: int,
    price_cents: int,
    count: int,
    batch_id: int | None,
    vault: Vault,
    now: datetime,
) -> list[Issued]:
    """Make vouchers that wait to be paid for, each with a public payment reference."""
    lot = Lot(
        merchant_id=merchant_id, package_id=package_id, price_cents=price_cents, terms=terms, batch_id=batch_id, made_at=now,
        code_length=await voucher_making.code_length(tx, merchant_id, more=count),
    )  # fmt: skip
    return await voucher_making.make(tx, lot, count, vault=vault)


async def sell(tx: Tx, voucher_id: int, *, at: datetime, actor: str) -> bool:
    """An unsold voucher is paid for: its code works from now on. False: it was sold before, or has ended."""
    stored = await tx.value("SELECT terms FROM vouchers WHERE id = $1 FOR UPDATE", voucher_id)
    ends = decode_terms(stored).unused_deadline(paid_at=at)
    return await move(tx, "vouchers", voucher_id, E.SELL, at=at, actor=actor, paid_at=at, expires_at=ends)


async def extend(
    tx: Tx, voucher_id: int, more: Terms, *, now: datetime, actor: str, data: Mapping[str, object] | None = None
) -> bool:
    """Add another period of `more` to a paid voucher: its time, limits and end grow. False: it has ended, or is not sold.
    `data`: what else its history should say."""
    row = await tx.row(
        "SELECT merchant_id, status, terms, expires_at FROM vouchers WHERE id = $1 FOR UPDATE", voucher_id
    )
    if row is None or row["status"] not in ("paid", "in_use"):
        return False
    terms, ends = decode_terms(row["terms"]), row["expires_at"]
    if ends is not None and ends <= now:  # over, and only not yet noticed
        return False
    grown = terms.plus(more)
    if row["status"] == "in_use" or terms.clock_from == "purchase":
        ends = ends + timedelta(seconds=more.duration_s) if ends else None
    elif ends is not None:
        ends = max(ends, more.unused_deadline(paid_at=now) or ends)
    await tx.execute("UPDATE vouchers SET terms = $2, expires_at = $3 WHERE id = $1", voucher_id, grown.encode(), ends)
    routers = await tx.fetch(
        """UPDATE access_grants SET terms = $2 WHERE voucher_id = $1 AND status IN ('wanted', 'present')
           RETURNING router_id""",
        voucher_id,
        grown.encode(),
    )
    for router_id in sorted({grant["router_id"] for grant in routers}):
        await access_grants.wake_router(tx, router_id)
    await note(
        tx, "vouchers", voucher_id, "extended", merchant_id=row["merchant_id"], at=now, actor=actor,
        data={"seconds": more.duration_s, **(data or {})},
    )  # fmt: skip
    return True


async def let_in(
    tx: Tx, voucher_id: int, router: RouterView, device: DeviceHint, *, vault: Vault, now: datetime
) -> str | None:
    """Wish a device in on a voucher somebody has proved to hold; the token of its page. None: it is not sold, or has ended;
    Elsewhere: its batch is for other routers. Invalid: it works at other hours, and was never used."""
    row = await tx.row(
        """SELECT v.package_id, v.terms, v.price_cents, v.status, b.router_ids FROM vouchers v LEFT JOIN batches b ON b.id = v.batch_id
           WHERE v.id = $1 AND v.merchant_id = $2 AND v.status IN ('paid', 'in_use') FOR UPDATE OF v""",
        voucher_id,
        router.merchant_id,
    )
    if row is None:
        return None
    if row["router_ids"] and router.id not in row["router_ids"]:
        raise Elsewhere
    terms = decode_terms(row["terms"])
    if row["status"] == "paid" and not terms.works_at(now):
        raise Invalid({"code": OTHER_HOURS, "receipt": OTHER_HOURS})
    wish = Wish(
        merchant_id=router.merchant_id, router_id=router.id, voucher_id=voucher_id, mac=device.mac, ip=device.ip,
        terms=terms, proof=Proof.CODE,
    )  # fmt: skip
    await access_grants.want(tx, wish, vault=vault, now=now)
    return await _page_of(tx, voucher_id, router, device, row=row, now=now)


async def _page_of(
    tx: Tx, voucher_id: int, router: RouterView, device: DeviceHint, *, row: Record, now: datetime
) -> str:
    found = await tx.value("SELECT token FROM checkouts WHERE voucher_id = $1", voucher_id)
    if found:
        await tx.execute(
            "UPDATE checkouts SET mac = $2, ip = $3 WHERE voucher_id = $1", voucher_id, device.mac, device.ip
        )
        return found
    token = codes.hex_token(32)
    await tx.execute(
        """INSERT INTO checkouts (merchant_id, router_id, package_id, voucher_id, token, form_key, phone, mac, ip, price_cents,
                                  commission_bp, terms, created_at)
           VALUES ($1, $2, $3, $4, $5, $5, '', $6, $7, $8, 0, $9, $10)""",
        router.merchant_id,
        router.id,
        row["package_id"],
        voucher_id,
        token,
        device.mac,
        device.ip,
        row["price_cents"],
        row["terms"],
        now,
    )
    return token


async def throttle(router: RouterView, device: DeviceHint, *, now: datetime) -> None:
    """Count a try to prove a voucher by typing; TooMany beyond the limits."""
    rules = (
        (f"redeem:{router.id}", TRIES_PER_ROUTER),
        (f"redeem:{router.id}:{device.mac}", TRIES_PER_DEVICE),
        (f"redeem-hour:{router.id}:{device.mac}", TRIES_PER_DEVICE_HOUR),
    )
    for name, (most, window_s) in rules:
        if not await limits.hit(name, limit=most, window_s=window_s, now=now):
            raise TooMany(N_("Too many codes were tried here. Wait a minute and try again."), retry_after=60)


async def start(tx: Tx, voucher_id: int, *, at: datetime, actor: str) -> bool:
    """The first confirmed login: the usage clock runs from now. False: it ran already, or the voucher has ended."""
    row = await tx.row("SELECT terms, paid_at FROM vouchers WHERE id = $1 FOR UPDATE", voucher_id)
    if row is None:
        return False
    ends = decode_terms(row["terms"]).usage_deadline(paid_at=row["paid_at"], started_at=at)
    return await move(tx, "vouchers", voucher_id, E.START, at=at, actor=actor, started_at=at, expires_at=ends)


async def due(*, now: datetime, limit: int = 2500) -> list[int]:
    """Ids of live vouchers whose time is over, the longest overdue first."""
    rows = await DB.fetch(
        """SELECT id FROM vouchers WHERE status IN ('unsold', 'paid', 'in_use') AND expires_at <= $1
           ORDER BY expires_at LIMIT $2""",
        now,
        limit,
    )
    return [row["id"] for row in rows]


async def next_due_at() -> datetime | None:
    """When the next live voucher expires."""
    return await DB.value("SELECT min(expires_at) FROM vouchers WHERE status IN ('unsold', 'paid', 'in_use')")


async def expire(voucher_ids: Sequence[int], *, now: datetime, actor: str) -> list[int]:
    """End these vouchers, if their time is over, and their grants with them. Safe to repeat; returns the ids that ended."""
    async with atomic() as tx:
        over = await tx.fetch(
            """SELECT id, status FROM vouchers WHERE id = ANY($1) AND expires_at <= $2
               AND status IN ('unsold', 'paid', 'in_use') ORDER BY id FOR UPDATE SKIP LOCKED""",
            list(voucher_ids),
            now,
        )
        ended: list[int] = []
        for status, why in (("unsold", "activation"), ("paid", "purchase"), ("in_use", "usage")):
            ids = [row["id"] for row in over if row["status"] == status]
            if ids:
                ended += await move_all(
                    tx, "vouchers", ids, E.EXPIRE, at=now, actor=actor, data={"why": why}, ended_at=now, ended_why=why
                )
        await access_grants.end_for(tx, ended, now=now, actor=actor)
        return sorted(ended)
