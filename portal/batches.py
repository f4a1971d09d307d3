"""Batches: vouchers made together and handed out by their payment references; and showing a sold voucher's code to the shop."""

from datetime import datetime

import msgspec

from portal import packages, vouchers
from portal.db import Tx, atomic
from portal.errors import Conflict, Forbidden, Invalid, NotFound
from portal.identity import Actor, Role
from portal.msgid import N_
from portal.states import note
from portal.vault import Vault

#: One transaction makes them all; more are made in several batches.
LARGEST = 1000
ONLY_MANAGERS = N_("Only the owner or a manager can make vouchers.")
HOW_MANY = N_("Make between 1 and 1,000 vouchers at a time.")
NOT_SELLING = N_("You may look, but not hand out codes. Ask the owner.")
NOT_PAID = N_("This voucher is not paid for. Take the money first.")


class Made(msgspec.Struct, frozen=True):
    """A batch just made: its row, and the public payment references to hand out."""

    id: int
    references: list[str]


async def make(
    actor: Actor,
    package_id: int,
    *,
    count: int,
    note_text: str,
    vault: Vault,
    now: datetime,
    form_key: str | None = None,
) -> Made:
    """Make unsold vouchers of a package at its price of today. The same form again is the same batch. For owners and managers;
    Invalid: how many."""
    merchant_id = actor.at_merchant()
    if actor.role not in (Role.OWNER, Role.MANAGER):
        raise Forbidden(ONLY_MANAGERS)
    if not 1 <= count <= LARGEST:
        raise Invalid({"count": HOW_MANY})
    package = await packages.one_on_sale(merchant_id, package_id)
    once = f"{merchant_id}:{form_key}"[:64] if form_key else None
    async with atomic() as tx:
        batch_id = await tx.value(
            """INSERT INTO batches (merchant_id, package_id, size, note, created_by, created_at, form_key)
               VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (form_key) DO NOTHING RETURNING id""",
            merchant_id,
            package_id,
            count,
            note_text[:120],
            actor.user_id,
            now,
            once,
        )
        if batch_id is None:  # a second tap: the first one's batch
            return await _made(tx, await tx.value("SELECT id FROM batches WHERE form_key = $1", once))
        await vouchers.issue_unsold(
            tx, package.terms, merchant_id=merchant_id, package_id=package_id, price_cents=package.price_cents,
            count=count, batch_id=batch_id, vault=vault, now=now,
        )  # fmt: skip
        await note(
            tx, "batches", batch_id, "made", merchant_id=merchant_id, at=now, actor=f"user:{actor.user_id}",
            data={"count": count, "package": package.name},
        )  # fmt: skip
        return await _made(tx, batch_id)


async def _made(tx: Tx, batch_id: int) -> Made:
    rows = await tx.fetch("SELECT payment_reference FROM vouchers WHERE batch_id = $1 ORDER BY id", batch_id)
    return Made(batch_id, [row["payment_reference"] for row in rows])


async def reveal_code(actor: Actor, voucher_id: int, *, vault: Vault, now: datetime) -> str:
    """A paid voucher's secret code, for the shop to give to who paid; each look is kept. For who may sell.

    NotFound: another merchant's; Conflict: nobody paid for it yet, or it was taken back."""
    merchant_id = actor.at_merchant()
    if actor.role not in (Role.OWNER, Role.MANAGER, Role.CASHIER):
        raise Forbidden(NOT_SELLING)
    async with atomic() as tx:
        row = await tx.row(
            "SELECT status, code_sealed FROM vouchers WHERE id = $1 AND merchant_id = $2", voucher_id, merchant_id
        )
        if row is None:
            raise NotFound
        if row["status"] not in ("paid", "in_use"):
            raise Conflict(NOT_PAID)
        await note(
            tx, "vouchers", voucher_id, "code_shown", merchant_id=merchant_id, at=now, actor=f"user:{actor.user_id}"
        )
    return vault.open("vouchers", "code_sealed", row_id=voucher_id, sealed=row["code_sealed"])
