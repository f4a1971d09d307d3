"""The shop's own programs in the demo: a till that is told what happens, and a ledger that is out of order."""

from datetime import datetime

from portal.config import Settings
from portal.db import DB
from portal.demo.owner import the_owner
from portal.gateways.simulator.post_office import HOOKS
from portal.vault import Vault
from portal.webhooks import endpoints, kinds

_TILL = [name for name in kinds.KINDS if name.startswith(("voucher.", "payment.", "router."))]
_PROGRAMS = {"till": ("Till at the counter", _TILL), "broken": ("Bookkeeping, out of order", ["payment.paid"])}


async def introduce(settings: Settings, vault: Vault, *, url: str, now: datetime) -> None:
    """Enter their addresses, and change them where they listen at another port than last time."""
    owner = await the_owner()
    known = {
        row["note"]: row
        for row in await DB.fetch(
            "SELECT id, note, url FROM webhook_endpoints WHERE merchant_id = $1 AND ended_at IS NULL", owner.merchant_id
        )
    }
    for name, (note, hears) in _PROGRAMS.items():
        address, row = f"{url}{HOOKS}/{name}", known.get(note)
        if row is None:
            webhook_id = await endpoints.add(
                owner, address, chosen=hears, note_text=note, form_key=name, settings=settings, vault=vault, now=now
            )
            await endpoints.test(owner, webhook_id, now=now)
        elif row["url"] != address:
            await endpoints.change(owner, row["id"], address, chosen=hears, note_text=note, settings=settings, now=now)
