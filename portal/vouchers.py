"""Vouchers: made, redeemed, started, ended. The code is secret: looked up by its HMAC, kept sealed for showing."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import msgspec
from asyncpg import Record

from portal import access_grants, codes, limits, meters
from portal.access_grants import Wish
from portal.db import DB, Tx, atomic
from portal.devices import DeviceHint, Proof
from portal.errors import Invalid, TooMany
from portal.msgid import N_
from portal.routers import RouterView
from portal.states import E, move, move_all, note
from portal.terms import Terms, decode_terms
from portal.vault import Vault

#: Tries to type a code: per device and router, and per router (facts: a MAC is free to forge, so only the router's cap counts).
TRIES_PER_DEVICE = (5, 60)
TRIES_PER_DEVICE_HOUR = (20, 3600)
TRIES_PER_ROUTER = (60, 60)
WRONG_CODE = N_("This code does not work. Check it, or ask where you bought it.")


class Issued(msgspec.Struct, frozen=True):
    """A voucher just made: its row and its secret code in canonical form."""

    id: int
    code: str


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
    length = await _code_length(tx, merchant_id, more=1)
    columns = {"merchant_id": merchant_id, "package_id": package_id, "router_id": router_id, "price_cents": price_cents}
    dates = {"status": "paid", "paid_at": now, "expires_at": terms.unused_deadline(paid_at=now)}
    return await _insert(tx, terms, columns | dates, length=length, vault=vault, now=now)


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
    length = await _code_length(tx, merchant_id, more=count)
    columns = {"merchant_id": merchant_id, "package_id": package_id, "batch_id": batch_id, "price_cents": price_cents}
    dates = {"status": "unsold", "expires_at": terms.first_deadline(made_at=now)}
    return [await _insert(tx, terms, columns | dates, length=length, vault=vault, now=now) for _ in range(count)]


async def _code_length(tx: Tx, merchant_id: int, *, more: int) -> int:
    live = await tx.value(
        "SELECT count(*) FROM vouchers WHERE merchant_id = $1 AND status IN ('unsold', 'paid', 'in_use')", merchant_id
    )
    routers = await tx.value("SELECT count(*) FROM routers WHERE merchant_id = $1", merchant_id)
    return codes.code_length(live + more, routers)


async def _insert(
    tx: Tx, terms: Terms, columns: Mapping[str, object], *, length: int, vault: Vault, now: datetime
) -> Issued:
    names = "".join(f", {name}" for name in columns)
    marks = "".join(f", ${number}" for number in range(7, 7 + len(columns)))
    while True:
        code = codes.voucher_code(length)
        voucher_id = await tx.value("SELECT nextval('vouchers_id_seq')")
        made = await tx.value(
            f"""INSERT INTO vouchers (id, code_hash, code_sealed, payment_reference, terms, created_at{names})
                VALUES ($1, $2, $3, $4, $5, $6{marks}) ON CONFLICT DO NOTHING RETURNING id""",
            voucher_id,
            vault.code_hash(code),
            vault.seal("vouchers", "code_sealed", row_id=voucher_id, plaintext=code),
            codes.payment_reference(),
            terms.encode(),
            now,
            *columns.values(),
        )
        if made is not None:
            return Issued(voucher_id, code)


async def sell(tx: Tx, voucher_id: int, *, at: datetime, actor: str) -> bool:
    """An unsold voucher is paid for: its code works from now on. False: it was sold before, or has ended."""
    stored = await tx.value("SELECT terms FROM vouchers WHERE id = $1 FOR UPDATE", voucher_id)
    ends = decode_terms(stored).unused_deadline(paid_at=at)
    return await move(tx, "vouchers", voucher_id, E.SELL, at=at, actor=actor, paid_at=at, expires_at=ends)


async def extend(tx: Tx, voucher_id: int, more: Terms, *, now: datetime, actor: str) -> bool:
    """Add another period of `more` to a paid voucher: its time, limits and end grow. False: it has ended, or is not sold."""
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
        data={"seconds": more.duration_s},
    )  # fmt: skip
    return True


async def redeem(router: RouterView, code: str, device: DeviceHint, *, vault: Vault, now: datetime) -> str:
    """Give a device access by a typed code; returns the token of the voucher's page.

    Wrong, used up and foreign codes get the same words and cost the same look-ups; TooMany when a limit is reached."""
    try:
        await throttle(router, device, now=now)
        folded = codes.fold_code(code)
    except TooMany:
        meters.refuse_redeeming("too_many")
        raise
    except codes.CodeError as error:
        meters.refuse_redeeming("malformed")
        raise Invalid({"code": str(error)}) from error
    async with atomic() as tx:
        found = await tx.row(
            """SELECT id, status FROM vouchers WHERE merchant_id = $1 AND code_hash = ANY($2)
               ORDER BY status IN ('paid', 'in_use') DESC, id DESC LIMIT 1""",
            router.merchant_id,
            vault.code_hashes(folded),
        )
        token = None
        if found is not None and found["status"] in ("paid", "in_use"):
            token = await let_in(tx, found["id"], router, device, vault=vault, now=now)
        if token is None:
            meters.refuse_redeeming(_why_refused(found))
            raise Invalid({"code": WRONG_CODE})
        return token


def _why_refused(found: Record | None) -> str:
    """For our counts only: `ended` is also what ended between two look-ups."""
    if found is None:
        return "unknown"
    return found["status"] if found["status"] in ("unsold", "revoked") else "ended"


async def let_in(
    tx: Tx, voucher_id: int, router: RouterView, device: DeviceHint, *, vault: Vault, now: datetime
) -> str | None:
    """Wish a device in on a voucher somebody has proved to hold; the token of its page. None: it is not sold, or has ended."""
    row = await tx.row(
        """SELECT package_id, terms, price_cents FROM vouchers
           WHERE id = $1 AND merchant_id = $2 AND status IN ('paid', 'in_use') FOR UPDATE""",
        voucher_id,
        router.merchant_id,
    )
    if row is None:
        return None
    wish = Wish(
        merchant_id=router.merchant_id, router_id=router.id, voucher_id=voucher_id, mac=device.mac, ip=device.ip,
        terms=decode_terms(row["terms"]), proof=Proof.CODE,
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
