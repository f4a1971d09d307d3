"""Buying with a promo: a checkout at the price that was shown, or a voucher at once where nothing is left to pay."""

from datetime import datetime

import msgspec

from portal import checkouts, faults, merchants
from portal.collecting import METHODS, MPESA, Collector, ask_for_money, collector
from portal.db import DB, atomic
from portal.devices import DeviceHint
from portal.merchants import MerchantView
from portal.packages import PackageView
from portal.promos.giving import give
from portal.promos.redeeming import Offer, keep, take, throttle_free
from portal.routers import RouterView
from portal.vault import Vault


class Buyer(msgspec.Struct, frozen=True, kw_only=True):
    """Who buys, and how. `phone` as typed; `form_key`: the same form posted twice is one purchase; `way`: see `checkouts.start`."""

    device: DeviceHint
    phone: str
    form_key: str
    language: str
    way: str = MPESA


async def buy(
    router: RouterView, package: PackageView, offer: Offer, buyer: Buyer, *, vault: Vault, now: datetime
) -> str:
    """Begin a purchase at the offer's price; the checkout's token. Price and terms are frozen, and the use is held.

    The same form twice, or the same device asking for the same again while its prompt is open, joins the first. Invalid with
    `phone`, or with `promo` when the offer no longer stands. TooMany: ceilings. Unavailable: nothing is sold, or asked for, now."""
    phone = "" if offer.is_free else checkouts.payer_of(buyer.phone, buyer.way)
    joined = await _same_again(router, package, offer, buyer, phone=phone, now=now)
    if joined:
        return joined
    merchant = await merchants.profile(router.merchant_id)
    checkouts.selling(router, merchant)
    by = None
    if offer.is_free:
        await throttle_free(router.id, buyer.device, now=now)
    else:
        by = await collector(router.merchant_id, buyer.way, now=now)
        await checkouts.throttle(router, buyer.device, phone=phone, now=now)
    token = await _open(router, package, offer, buyer, merchant=merchant, by=by, phone=phone, vault=vault, now=now)
    faults.reach("checkout.stored")
    return token


async def _same_again(
    router: RouterView, package: PackageView, offer: Offer, buyer: Buyer, *, phone: str, now: datetime
) -> str | None:
    return await DB.value(
        """SELECT c.token FROM checkouts c LEFT JOIN redemptions r ON r.checkout_id = c.id
           LEFT JOIN payments p ON p.checkout_id = c.id
           WHERE c.router_id = $1 AND (c.form_key = $2 OR (
             c.mac = $3 AND c.package_id = $4 AND c.phone = $5 AND r.promo_id = $6 AND c.created_at > $7
             AND p.method = $8 AND p.status IN ('created', 'submitting', 'pending', 'unknown')))
           ORDER BY c.id DESC LIMIT 1""",
        router.id,
        buyer.form_key,
        buyer.device.mac,
        package.id,
        phone,
        offer.promo_id,
        now - checkouts.SLOW_AFTER,
        METHODS.get(buyer.way, buyer.way),
    )


async def _open(
    router: RouterView, package: PackageView, offer: Offer, buyer: Buyer, *, merchant: MerchantView, by: Collector | None,
    phone: str, vault: Vault, now: datetime,
) -> str:  # fmt: skip
    """The checkout first: a form posted twice waits there for its first self. `by` None: nothing is to be paid."""
    device, frozen = buyer.device, msgspec.structs.replace(package, price_cents=offer.price_cents)
    async with atomic() as tx:
        checkout_id, token = await checkouts.insert(
            tx, router, frozen, merchant, phone=phone, device=device, form_key=buyer.form_key, language=buyer.language,
            now=now,
        )  # fmt: skip
        if checkout_id is None:
            return token
        await take(tx, offer, package, merchant_id=merchant.id, phone=phone, mac=device.mac, now=now)
        await keep(tx, offer, checkout_id, merchant_id=merchant.id, phone=phone, mac=device.mac, now=now)
        if by is None:
            await give(tx, offer, checkout_id, router=router, package=package, device=device, vault=vault, now=now)
        else:
            await ask_for_money(
                tx, checkout_id, by, price_cents=offer.price_cents, merchant=merchant, phone=phone, email="", now=now
            )
    return token


async def code_of(token: str) -> str:
    """The promo a checkout was begun with; "" for none."""
    return (
        await DB.value(
            """SELECT m.code FROM checkouts c JOIN redemptions r ON r.checkout_id = c.id JOIN promos m ON m.id = r.promo_id
               WHERE c.token = $1""",
            token,
        )
        or ""
    )


async def are_there_any(merchant_id: int, *, now: datetime) -> bool:
    """Whether a promo of the merchant's may be used now: only then do customers see that there are promo codes at all."""
    return await DB.value(
        """SELECT EXISTS (SELECT FROM promos WHERE merchant_id = $1 AND is_active AND archived_at IS NULL
                          AND starts_at <= $2 AND (ends_at IS NULL OR ends_at > $2))""",
        merchant_id,
        now,
    )
