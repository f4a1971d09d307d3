"""Two payers for one device at a time: two phones, or one whose first request seemed lost. The second money is a second receipt
for the same thing, so that two periods do not run beside each other. What it then does is the merchant's policy (`again`)."""

from datetime import datetime

from asyncpg import Record

from portal.db import Tx
from portal.payments.targets import Target


async def bought_meanwhile(tx: Tx, target: Target, *, now: datetime) -> Record | None:
    """The live voucher of the same package that was bought for the checkout's device since the checkout began, locked. None: this
    money is the first, or the device had bought before: then somebody wants another one.

    Of two settled at once one waits here for the other."""
    checkout = target.checkout
    if checkout is None or target.voucher is not None:
        return None
    device = f"device:{checkout['router_id']}:{checkout['mac']}"
    await tx.execute("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", device)
    return await tx.row(
        """SELECT v.* FROM checkouts c JOIN vouchers v ON v.id = c.voucher_id
           WHERE c.router_id = $1 AND c.mac = $2 AND c.package_id = $3 AND c.id <> $4 AND v.paid_at >= $5
           AND v.status IN ('paid', 'in_use') AND (v.expires_at IS NULL OR v.expires_at > $6)
           ORDER BY c.id LIMIT 1 FOR UPDATE OF v""",
        checkout["router_id"],
        checkout["mac"],
        checkout["package_id"],
        checkout["id"],
        checkout["created_at"],
        now,
    )
