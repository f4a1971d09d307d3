"""The demo shop's vouchers in stock: cards for a market stall, two of them spoilt, and references to be paid by M-Pesa. Made by the
verbs the pages use."""

from datetime import datetime

from portal import batches, voucher_deeds
from portal.batches import BatchKind
from portal.db import DB
from portal.demo.owner import find_owner
from portal.vault import Vault


async def lay_in(vault: Vault, *, now: datetime) -> None:
    """Two batches, once: nothing when any was made before, or the shop is not the demo's any more."""
    owner = await find_owner()
    if owner is None or await DB.value("SELECT EXISTS (SELECT FROM batches WHERE merchant_id = $1)", owner.merchant_id):
        return
    packages = await DB.fetch(
        """SELECT id FROM packages WHERE merchant_id = $1 AND is_active AND period = 'once' AND price_cents > 0
           ORDER BY position LIMIT 3""",
        owner.merchant_id,
    )
    if len(packages) < 3:
        return
    cards = await batches.make(
        owner, packages[2]["id"], count=120, note_text="Market stall, Mary", vault=vault, now=now, kind=BatchKind.CASH,
        prefix="SOKO",
    )  # fmt: skip
    await batches.make(
        owner, packages[1]["id"], count=40, note_text="Barber's counter", vault=vault, now=now, kind=BatchKind.REFERENCE
    )
    spoilt = await DB.fetch("SELECT id FROM vouchers WHERE batch_id = $1 ORDER BY id LIMIT 2", cards.id)
    for voucher in spoilt:
        await voucher_deeds.revoke(owner, voucher["id"], why="Spoilt in the printer", now=now)
