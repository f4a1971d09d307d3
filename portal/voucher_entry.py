"""Typing a voucher's code at a router: who holds a code is let in. A printed card that nobody wrote down as sold is sold by that."""

from datetime import datetime

from asyncpg import Record

from portal import codes, meters, vouchers
from portal.db import DB, Tx, atomic
from portal.devices import DeviceHint
from portal.errors import Invalid, TooMany
from portal.imports import entering
from portal.msgid import N_
from portal.payments.counter import sell_card
from portal.routers import RouterView
from portal.vault import Vault

WRONG_CODE = N_("This code does not work. Check it, or ask where you bought it.")
_FIND = """
SELECT v.id, v.status, v.expires_at, coalesce(b.kind, '') AS kind, coalesce(b.router_ids, '{}') AS router_ids
FROM vouchers v LEFT JOIN batches b ON b.id = v.batch_id
WHERE v.merchant_id = $1 AND v.code_hash = ANY($2) ORDER BY v.status IN ('paid', 'in_use') DESC, v.id DESC LIMIT 1
FOR UPDATE OF v"""


async def redeem(router: RouterView, code: str, device: DeviceHint, *, vault: Vault, now: datetime) -> str:
    """Give a device access by a typed code, with or without the prefix printed before it; the token of the voucher's page.

    Invalid: wrong, used up and foreign codes get the same words and cost the same look-ups; a right one for another place says so.
    TooMany when a limit is reached."""
    try:
        await vouchers.throttle(router, device, now=now)
    except TooMany:
        meters.refuse_redeeming("too_many")
        raise
    hashes = await _hashes(router, code, vault=vault, now=now)
    async with atomic() as tx:
        found = await tx.row(_FIND, router.merchant_id, hashes)
        token = None
        if found is not None:
            token = await _let_in(tx, found, router, device, vault=vault, now=now)
        if token is None:
            meters.refuse_redeeming(_why_refused(found))
            raise Invalid({"code": WRONG_CODE})
        return token


async def _hashes(router: RouterView, typed: str, *, vault: Vault, now: datetime) -> list[bytes]:
    """What the voucher meant may be found by: a code of ours, or one brought from another system."""
    try:
        folded = codes.fold_prefixed(typed, await prefixes(router.merchant_id))
    except codes.CodeError as error:
        brought = await entering.code_hashes(router.merchant_id, router.id, typed, vault=vault, now=now)
        if not brought:
            meters.refuse_redeeming("malformed")
            raise Invalid({"code": str(error)}) from error
        return [*brought]
    return [*vault.code_hashes(folded), *await entering.find(router.merchant_id, typed, vault=vault)]


async def prefixes(merchant_id: int) -> list[str]:
    """What the merchant has had printed before codes."""
    rows = await DB.fetch("SELECT DISTINCT prefix FROM batches WHERE merchant_id = $1 AND prefix <> ''", merchant_id)
    return [row["prefix"] for row in rows]


async def _let_in(
    tx: Tx, found: Record, router: RouterView, device: DeviceHint, *, vault: Vault, now: datetime
) -> str | None:
    is_card = found["status"] == "unsold" and found["kind"] == "cash"
    is_over = found["expires_at"] is not None and found["expires_at"] <= now
    if found["status"] not in ("paid", "in_use") and not (is_card and not is_over):
        return None
    if found["router_ids"] and router.id not in found["router_ids"]:
        meters.refuse_redeeming("elsewhere")
        raise Invalid({"code": vouchers.Elsewhere.default})
    if is_card and not await sell_card(tx, router.merchant_id, found["id"], vault=vault, now=now):
        return None
    return await vouchers.let_in(tx, found["id"], router, device, vault=vault, now=now)


def _why_refused(found: Record | None) -> str:
    """For our counts only: `ended` is also what ended between two look-ups."""
    if found is None:
        return "unknown"
    return found["status"] if found["status"] in ("unsold", "revoked") else "ended"
