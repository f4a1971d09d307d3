"""The shop's own programs in the demo: a till that is told what happens, and a ledger that is out of order."""

from datetime import datetime

from portal.config import Settings
from portal.db import DB
from portal.demo.cast import OWNER
from portal.gateways.simulator.post_office import HOOKS
from portal.identity import Actor, Role
from portal.vault import Vault
from portal.webhooks import endpoints, kinds

_TILL = [name for name in kinds.KINDS if name.startswith(("voucher.", "payment.", "router."))]
_PROGRAMS = {"till": ("Till at the counter", _TILL), "broken": ("Bookkeeping, out of order", ["payment.paid"])}


async def introduce(settings: Settings, vault: Vault, *, url: str, now: datetime) -> None:
    """Enter their addresses, and change them where they listen at another port than last time."""
    owner = await _owner()
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


async def _owner() -> Actor:
    row = await DB.row(
        """SELECT u.id, u.name, u.email, m.merchant_id FROM users u JOIN memberships m ON m.user_id = u.id
           WHERE u.email = $1 ORDER BY m.id LIMIT 1""",
        OWNER.email,
    )
    if row is None:
        raise LookupError("the demo's shop has no owner")
    return Actor(
        user_id=row["id"], merchant_id=row["merchant_id"], role=Role.OWNER, is_operator=False, name=row["name"],
        email=row["email"],
    )  # fmt: skip
