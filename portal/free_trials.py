"""Free trials: packages whose price is nothing. No payment and no number: a device gets one a day, a router gives out so many a day.

What a device is, is a guess: its MAC, and the MACs it was recognised under before. Whoever makes up a new one gets another trial;
the router's number for the day is what bounds that. Days are the merchant's. Counted in the transaction that gives, so that what
failed does not count, and whoever taps twice is given once."""

from collections.abc import Iterable
from datetime import datetime
from zoneinfo import ZoneInfo

from portal import access_grants, checkouts, limits, merchants, packages, vouchers
from portal.access_grants import Wish
from portal.db import Tx, atomic
from portal.devices import DeviceHint
from portal.errors import Conflict, NotFound
from portal.merchants import MerchantView
from portal.msgid import N_
from portal.packages import PackageView
from portal.routers import RouterView
from portal.states import note
from portal.vault import Vault

HAD_ONE = N_("This device has had its free time today. Choose a package, or come back tomorrow.")
ALL_GIVEN = N_("All free time of today is given out here. Choose a package, or come back tomorrow.")
#: Counters are named by the day; they are swept away long after they mean anything.
_WINDOW_S = 3 * 86_400


async def take(
    router: RouterView, package_id: int, *, device: DeviceHint, form_key: str, language: str, vault: Vault, now: datetime,
    seen: str = "",
) -> str:  # fmt: skip
    """Give a free package to a device; the token of its page. The same form twice is one.

    NotFound, NotNow, Changed: see packages.to_give. Conflict: it had one today, or all are given out. Unavailable: nothing is given
    here now."""
    package = await packages.to_give(router.id, router.merchant_id, package_id, now=now, seen=seen)
    if package.price_cents:
        raise NotFound
    merchant = await merchants.profile(router.merchant_id)
    checkouts.selling(router, merchant)
    async with atomic() as tx:
        refusal = await _refusal(tx, router, package, device, now=now)
        if refusal is not None:
            before = await tx.value(
                "SELECT token FROM checkouts WHERE form_key = $1 AND router_id = $2", form_key, router.id
            )
            if before is None:
                raise Conflict(refusal)
            return before
        checkout_id, token = await checkouts.insert(
            tx, router, package, merchant, phone="", device=device, form_key=form_key, language=language, now=now
        )
        if checkout_id is not None:
            await _give(tx, checkout_id, router, package, merchant, device=device, vault=vault, now=now)
    return token


async def _refusal(
    tx: Tx, router: RouterView, package: PackageView, device: DeviceHint, *, now: datetime
) -> str | None:
    """Why not; else it is counted. The rows of the counters are locked until the end of the transaction, in one order for all."""
    day = now.astimezone(ZoneInfo(package.zone)).date()
    for mac in sorted(await _macs(tx, router.merchant_id, device.mac)):
        if not await limits.take(tx, f"trial:{router.merchant_id}:{mac}:{day}", limit=1, window_s=_WINDOW_S, now=now):
            return HAD_ONE
    name = f"trials:{router.id}:{package.id}:{day}"
    if not await limits.take(tx, name, limit=package.trials_a_day, window_s=_WINDOW_S, now=now):
        return ALL_GIVEN
    return None


async def _macs(tx: Tx, merchant_id: int, mac: str) -> Iterable[str]:
    rows = await tx.fetch(
        """SELECT o.mac FROM devices d JOIN devices o ON o.merchant_id = d.merchant_id
             AND coalesce(o.same_as_id, o.id) = coalesce(d.same_as_id, d.id)
           WHERE d.merchant_id = $1 AND d.mac = $2""",
        merchant_id,
        mac,
    )
    return {mac, *(row["mac"] for row in rows)}


async def _give(
    tx: Tx, checkout_id: int, router: RouterView, package: PackageView, merchant: MerchantView, *, device: DeviceHint,
    vault: Vault, now: datetime,
) -> None:  # fmt: skip
    issued = await vouchers.issue_paid(
        tx, package.terms, merchant_id=merchant.id, package_id=package.id, router_id=router.id, price_cents=0, vault=vault,
        now=now,
    )  # fmt: skip
    await tx.execute("UPDATE checkouts SET voucher_id = $2 WHERE id = $1", checkout_id, issued.id)
    wish = Wish(
        merchant_id=merchant.id, router_id=router.id, voucher_id=issued.id, mac=device.mac, ip=device.ip,
        terms=package.terms,
    )  # fmt: skip
    await access_grants.want(tx, wish, vault=vault, now=now)
    await note(tx, "vouchers", issued.id, "given_as_trial", merchant_id=merchant.id, at=now)
