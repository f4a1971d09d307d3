"""Using a promo: what it would make of a price, and taking it for a checkout, inside the transaction that makes the checkout.

`quote` looks without a lock and says what is to be paid; `take` looks again with the promo's row locked, so that however many come
at once, no more use it than may; `keep` writes the use down. How a use stands is read from its checkout, never written."""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any

import msgspec
from asyncpg import Record

from portal import limits
from portal.db import DB, Tx
from portal.devices import DeviceHint
from portal.errors import Invalid, TooMany
from portal.msgid import N_
from portal.packages import PackageView
from portal.promos.prices import fold, price_after

#: A payment nobody heard of any more holds its use for so long; money that came in part holds it until it is decided about.
HELD_FOR = timedelta(minutes=30)
#: Looks at promo codes: per device and router, and per router, for a MAC is free to forge.
TRIES_PER_DEVICE = (10, 60)
TRIES_PER_DEVICE_HOUR = (60, 3600)
TRIES_PER_ROUTER = (120, 60)
#: Free vouchers: per device and day, and per router and hour. Nobody's number is proved there, so numbers alone bound nothing.
FREE_PER_DEVICE = (2, 86_400)
FREE_PER_ROUTER = (30, 3600)

NO_SUCH = N_("This promo code does not work. Check it, or pay without it.")
NOT_FOR_THIS = N_("This promo code is not for this package. Choose another package, or pay without it.")
IS_OVER = N_("This promo code is over. Pay without it.")
USED_UP = N_("This promo code is used up. Pay without it.")
USED_BY_YOU = N_(
    "This promo code was used with this number already, or a payment with it is under way. Pay without it."
)
CHANGED = N_("The price has changed. Look at it, then pay.")
TOO_MANY = N_("Too many promo codes were tried. Wait a minute, or pay without one.")
TOO_MANY_FREE = N_("No more free packages are given out here now. Try again later, or choose another package.")


class Offer(msgspec.Struct, frozen=True, kw_only=True):
    """A promo applied to a package: `price_cents` is to be paid, `full_cents` is what it costs without."""

    promo_id: int
    code: str
    full_cents: int
    price_cents: int

    @property
    def is_free(self) -> bool:
        """Whether nothing is to be paid at all."""
        return self.price_cents == 0

    @property
    def off_cents(self) -> int:
        """What the promo takes off."""
        return self.full_cents - self.price_cents


#: A use stands while its checkout is paid, given, or may still be paid. `$2`: payments from before then are not waited for.
STANDS = """(c.voucher_id IS NOT NULL OR EXISTS (
    SELECT FROM payments p WHERE p.checkout_id = c.id AND (p.status IN ('paid', 'refund_pending', 'refunded')
    OR (p.status <> 'failed' AND (p.created_at > $2 OR p.received_cents > 0)))))"""
_FIND = "SELECT * FROM promos WHERE merchant_id = $1 AND code = $2 AND archived_at IS NULL"
_USES = f"""SELECT count(*) FROM redemptions r JOIN checkouts c ON c.id = r.checkout_id
WHERE r.promo_id = $1 AND NOT r.is_final AND {STANDS}"""
_BY_CUSTOMER = f"""SELECT count(*) FROM redemptions r JOIN checkouts c ON c.id = r.checkout_id
WHERE r.promo_id = $1 AND ((r.phone = $3 AND ($5::varchar IS NULL OR r.mac = $5)) OR r.mac = $4) AND {STANDS}"""
#: Whether a number was ever paid from at this device: told by M-Pesa, or by who had its PIN asked for.
_IS_PAYERS = """SELECT EXISTS (
  SELECT FROM routers t JOIN checkouts c ON c.router_id = t.id AND c.mac = $3 AND c.phone = $2
  JOIN payments p ON p.checkout_id = c.id JOIN receipts m ON m.payment_id = p.id
  WHERE t.merchant_id = $1
  AND (m.phone = $2 OR (coalesce(m.phone, '') = '' AND (m.rail = 'airtel' OR m.roads LIKE 'stk%'))))"""

Value = Callable[..., Awaitable[Any]]


async def quote(
    router_id: int, merchant_id: int, package: PackageView, typed: str, *, device: DeviceHint, phone: str, now: datetime
) -> Offer:
    """What a typed promo code makes of a package's price. `phone`: digits with country code, "" if not known yet.

    Invalid with `promo`: why it does not work here. TooMany: codes are being guessed. Nothing is held by asking."""
    await _throttle(router_id, device, now=now)
    code = fold(typed)
    promo = await DB.row(_FIND, merchant_id, code) if code else None
    if promo is None:
        raise Invalid({"promo": NO_SUCH})
    offer = _offer(promo, package, now=now)
    await _within_limits(DB.value, promo, offer, phone=phone, mac=device.mac, now=now)
    return offer


async def take(
    tx: Tx, offer: Offer, package: PackageView, *, merchant_id: int, phone: str, mac: str, now: datetime
) -> None:
    """Lock the promo and see that the offer still stands; the lock holds until the caller's transaction ends.

    Invalid with `promo`: it was used up, stopped or changed since it was quoted. Write the use down with `keep`."""
    promo = await tx.row(f"{_FIND} FOR NO KEY UPDATE", merchant_id, offer.code)
    if promo is None:
        raise Invalid({"promo": NO_SUCH})
    if _offer(promo, package, now=now) != offer:
        raise Invalid({"promo": CHANGED})
    await _within_limits(tx.value, promo, offer, phone=phone, mac=mac, now=now)


async def keep(
    tx: Tx, offer: Offer, checkout_id: int, *, merchant_id: int, phone: str, mac: str, now: datetime
) -> None:
    """Write the use down for the checkout whose price it made. After `take`, in the same transaction."""
    await tx.execute(
        """INSERT INTO redemptions (promo_id, merchant_id, checkout_id, phone, mac, price_cents, off_cents, created_at)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8)""",
        offer.promo_id,
        merchant_id,
        checkout_id,
        phone,
        mac,
        offer.full_cents,
        offer.off_cents,
        now,
    )


async def throttle_free(router_id: int, device: DeviceHint, *, now: datetime) -> None:
    """Count a free voucher that is about to be given; TooMany beyond what one device or one router gives out."""
    rules = ((f"free:{router_id}:{device.mac}", FREE_PER_DEVICE), (f"free:{router_id}", FREE_PER_ROUTER))
    for name, (most, window_s) in rules:
        if not await limits.hit(name, limit=most, window_s=window_s, now=now):
            raise TooMany(TOO_MANY_FREE, retry_after=min(window_s, 3600))


async def _throttle(router_id: int, device: DeviceHint, *, now: datetime) -> None:
    rules = (
        (f"promo:{router_id}", TRIES_PER_ROUTER),
        (f"promo:{router_id}:{device.mac}", TRIES_PER_DEVICE),
        (f"promo-hour:{router_id}:{device.mac}", TRIES_PER_DEVICE_HOUR),
    )
    for name, (most, window_s) in rules:
        if not await limits.hit(name, limit=most, window_s=window_s, now=now):
            raise TooMany(TOO_MANY, retry_after=60)


def _offer(promo: Record, package: PackageView, *, now: datetime) -> Offer:
    """The offer, by all that needs no counting; Invalid otherwise."""
    price = price_after(package.price_cents, percent=promo["percent"], amount_cents=promo["amount_cents"])
    refusal = _refusal(promo, package, now=now)
    if refusal is None and price >= package.price_cents:  # already at the least there is to pay
        refusal = NOT_FOR_THIS
    if refusal is not None:
        raise Invalid({"promo": refusal})
    return Offer(promo_id=promo["id"], code=promo["code"], full_cents=package.price_cents, price_cents=price)


def _refusal(promo: Record, package: PackageView, *, now: datetime) -> str | None:
    if not promo["is_active"] or now < promo["starts_at"]:  # what has not begun is not there yet
        return NO_SUCH
    if promo["ends_at"] is not None and now >= promo["ends_at"]:
        return IS_OVER
    if promo["package_ids"] and package.id not in promo["package_ids"]:
        return NOT_FOR_THIS
    return NOT_FOR_THIS if package.price_cents < promo["least_price_cents"] else None


async def _within_limits(value: Value, promo: Record, offer: Offer, *, phone: str, mac: str, now: datetime) -> None:
    """A number is proved by paying from it. Where nothing is paid, or no number is told, the device counts too.

    Whoever types a number it never paid from is not told whether that number used the code: its own uses count, no others."""
    waited_since = now - HELD_FOR
    most = promo["most_uses"]
    if most is not None and promo["final_uses"] + await value(_USES, promo["id"], waited_since) >= most:
        raise Invalid({"promo": USED_UP})
    if promo["most_per_customer"] is None:
        return
    counted_mac = mac if offer.is_free or not phone else None
    only_mac = None if phone and await value(_IS_PAYERS, promo["merchant_id"], phone, mac) else mac
    used = await value(_BY_CUSTOMER, promo["id"], waited_since, phone or None, counted_mac, only_mac)
    if used >= promo["most_per_customer"]:
        raise Invalid({"promo": USED_BY_YOU})
