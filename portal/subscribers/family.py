"""A family's devices before the hotspot: who is in the list is let in without a code, while the account has access."""

from datetime import datetime

from portal import access_grants, limits
from portal.access_grants import Wish
from portal.db import atomic
from portal.devices import DeviceHint
from portal.routers import RouterView
from portal.terms import decode_terms
from portal.vault import Vault


async def knock(router: RouterView, device: DeviceHint, *, vault: Vault, now: datetime) -> bool:
    """Log a device in that is in the family of a subscriber of this router; False when it is in none, or was tried four times in
    five minutes. It proves itself by its MAC only, as `access_grants.knock` lets it, and nothing is told about it."""
    async with atomic() as tx:
        found = await tx.row(
            """SELECT s.merchant_id, s.voucher_id, v.terms FROM subscriber_devices d JOIN subscribers s ON s.id = d.subscriber_id
               JOIN vouchers v ON v.id = s.voucher_id
               WHERE d.merchant_id = $1 AND d.mac = $2 AND d.removed_at IS NULL AND s.router_id = $3
               AND s.status IN ('active', 'grace') AND v.status = 'in_use' AND v.expires_at > $4""",
            router.merchant_id,
            device.mac,
            router.id,
            now,
        )
    if found is None or not await limits.hit(f"knock:{router.id}:{device.mac}", limit=4, window_s=300, now=now):
        return False
    wish = Wish(
        merchant_id=found["merchant_id"], router_id=router.id, voucher_id=found["voucher_id"], mac=device.mac,
        ip=device.ip, terms=decode_terms(found["terms"]),
    )  # fmt: skip
    async with atomic() as tx:
        await access_grants.want(tx, wish, vault=vault, now=now)
    return True
