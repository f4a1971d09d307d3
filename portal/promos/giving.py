"""A package for nothing: a checkout whose promo took the whole price off becomes a voucher at once. No payment, no posting."""

from datetime import datetime

from portal import access_grants, vouchers
from portal.access_grants import Wish
from portal.db import Tx
from portal.devices import DeviceHint
from portal.packages import PackageView
from portal.promos.redeeming import Offer
from portal.routers import RouterView
from portal.states import note
from portal.vault import Vault


async def give(
    tx: Tx, offer: Offer, checkout_id: int, *, router: RouterView, package: PackageView, device: DeviceHint, vault: Vault,
    now: datetime,
) -> int:  # fmt: skip
    """Make the voucher of a free checkout and let its device in; the voucher's id. After `take` and `keep`."""
    if not offer.is_free:
        raise ValueError("something is to be paid for this checkout")
    issued = await vouchers.issue_paid(
        tx, package.terms, merchant_id=router.merchant_id, package_id=package.id, router_id=router.id, price_cents=0,
        vault=vault, now=now,
    )  # fmt: skip
    await tx.execute("UPDATE checkouts SET voucher_id = $2 WHERE id = $1", checkout_id, issued.id)
    wish = Wish(
        merchant_id=router.merchant_id, router_id=router.id, voucher_id=issued.id, mac=device.mac, ip=device.ip,
        terms=package.terms,
    )  # fmt: skip
    await access_grants.want(tx, wish, vault=vault, now=now)
    await note(
        tx, "vouchers", issued.id, "given_free", merchant_id=router.merchant_id, at=now,
        data={"promo": offer.code, "price_cents": offer.full_cents},
    )  # fmt: skip
    return issued.id
