"""Over the counter: cash a cashier takes, and payments an owner vouches for. By people of the merchant, never by a message."""

from collections.abc import Awaitable, Callable
from datetime import datetime

import msgspec
from asyncpg import Record

from portal import packages, vouchers
from portal.db import Tx, atomic
from portal.errors import Conflict, Forbidden, Invalid, NotFound
from portal.evidence import Road
from portal.identity import Actor, Role
from portal.ledger import CLEARING, Entry
from portal.msgid import N_
from portal.packages import PackageView
from portal.payments import receipts, targets
from portal.payments.booking import PAID
from portal.payments.outcomes import Settled
from portal.payments.receipts import Money
from portal.payments.receive import receive
from portal.states import note
from portal.vault import Vault

_SELLERS = frozenset({Role.OWNER, Role.MANAGER, Role.CASHIER})
NOT_SELLING = N_("You may look, but not sell. Ask the owner.")
ONLY_OWNER = N_("Only the owner can mark something as paid.")
WHY = N_("Write why it counts as paid: who paid, when and how.")
SOLD_BEFORE = N_("This was paid for already.")
WITH_AGENT = N_("An agent has this card. Take it back from the agent before you sell it yourself.")


#: A step of the caller's in the same transaction, such as saying into whose drawer the cash went; it gets the payment's id.
Within = Callable[[Tx, int], Awaitable[None]]


class Sold(msgspec.Struct, frozen=True):
    """A sale over the counter: the payment, and the voucher whose code the customer gets."""

    payment_id: int
    voucher_id: int


async def sell_cash(
    actor: Actor, *, vault: Vault, now: datetime, voucher_id: int | None = None, package_id: int | None = None,
    within: Within | None = None,
) -> Sold:  # fmt: skip
    """Sell an unsold voucher, or a new one of a package, for cash at its full price. For owners, managers and cashiers.

    Forbidden; NotFound: another merchant's; Conflict: sold before. ValueError: neither or both are named."""
    if (voucher_id is None) == (package_id is None):
        raise ValueError("a cash sale is of one voucher or one package")
    merchant_id = actor.at_merchant()
    if actor.role not in _SELLERS:
        raise Forbidden(NOT_SELLING)
    package = await packages.one_on_sale(merchant_id, package_id, now=now) if package_id is not None else None
    async with atomic() as tx:
        if package is not None:
            voucher_id = await _new_voucher(tx, merchant_id, package, vault=vault, now=now)
        payment = await _payment_of(tx, merchant_id, voucher_id, road=Road.CASH, now=now)
        if await tx.value("SELECT allotment_id IS NOT NULL FROM vouchers WHERE id = $1", voucher_id):
            raise Conflict(WITH_AGENT)  # its cash would be the agent's debt, and lie in the drawer
        await take_over_counter(tx, payment, Road.CASH, by=actor, reason="", vault=vault, now=now)
        if within is not None:
            await within(tx, payment["id"])
        return Sold(payment["id"], payment["voucher_id"])


async def mark_paid_by_hand(
    actor: Actor,
    *,
    reason: str,
    vault: Vault,
    now: datetime,
    voucher_id: int | None = None,
    payment_id: int | None = None,
) -> Sold:
    """The owner says that a voucher or a payment was paid in a way nobody can prove here. The reason is kept for good.

    Forbidden, NotFound, Conflict: paid already, Invalid: no reason."""
    merchant_id = actor.at_merchant()
    if actor.role is not Role.OWNER:
        raise Forbidden(ONLY_OWNER)
    if len(reason.strip()) < 5:
        raise Invalid({"reason": WHY})
    async with atomic() as tx:
        if payment_id is None:
            payment = await _payment_of(tx, merchant_id, voucher_id, road=Road.MANUAL, now=now)
        else:
            payment = await tx.row(
                "SELECT * FROM payments WHERE id = $1 AND merchant_id = $2 FOR UPDATE", payment_id, merchant_id
            )
        if payment is None:
            raise NotFound
        if payment["status"] in PAID:
            raise Conflict(SOLD_BEFORE)
        await take_over_counter(tx, payment, Road.MANUAL, by=actor, reason=reason.strip()[:200], vault=vault, now=now)
        bought = await tx.value("SELECT voucher_id FROM payments WHERE id = $1", payment["id"])
        return Sold(payment["id"], bought)


async def _new_voucher(tx: Tx, merchant_id: int, package: PackageView, *, vault: Vault, now: datetime) -> int:
    issued = await vouchers.issue_unsold(
        tx, package.terms, merchant_id=merchant_id, package_id=package.id, price_cents=package.price_cents, count=1,
        batch_id=None, vault=vault, now=now,
    )  # fmt: skip
    return issued[0].id


async def _payment_of(tx: Tx, merchant_id: int, voucher_id: int | None, *, road: Road, now: datetime) -> Record:
    found = await tx.row(
        "SELECT status FROM vouchers WHERE id = $1 AND merchant_id = $2 FOR UPDATE", voucher_id, merchant_id
    )
    if found is None or voucher_id is None:
        raise NotFound
    if found["status"] != "unsold":
        raise Conflict(SOLD_BEFORE)
    return await targets.for_voucher(tx, voucher_id, method=road.value, phone=None, account_id=None, now=now)


async def sell_card(tx: Tx, merchant_id: int, voucher_id: int, *, vault: Vault, now: datetime) -> bool:
    """The first use of a printed card that nobody wrote down as sold: its cash was taken when it was handed out, and is booked now,
    into nobody's drawer. False: it is not unsold any more."""
    try:
        payment = await _payment_of(tx, merchant_id, voucher_id, road=Road.CASH, now=now)
    except Conflict:
        return False
    await _take(tx, payment, Road.CASH, by="customer", reason="", vault=vault, now=now)
    return True


async def take_over_counter(
    tx: Tx, payment: Record, road: Road, *, by: Actor, reason: str, vault: Vault, now: datetime
) -> None:
    """Take the price over the counter, in the caller's transaction. What was paid before towards it becomes the customer's
    credit; a subscriber's goes into the wallet. Conflict: it was paid for already."""
    await _take(tx, payment, road, by=f"user:{by.user_id}", reason=reason, vault=vault, now=now)


async def _take(tx: Tx, payment: Record, road: Road, *, by: str, reason: str, vault: Vault, now: datetime) -> None:
    target = await targets.load(tx, payment)
    name, amount = f"{road.upper()}-{payment['id']}", target.price_cents
    rail = receipts.rail_of(road)
    seen = await receipts.see(
        tx, rail=rail, receipt=name, amount_cents=amount, currency=payment["currency"], road=road,
        merchant_id=target.merchant_id, account_id=None, payment_id=payment["id"], now=now,
    )  # fmt: skip
    paid = Money(
        road=road, rail=rail, amount_cents=amount, currency=payment["currency"], receipt=name, receipt_id=seen["id"],
        account_id=None, phone=None, payer_hint="", source=Entry(CLEARING[rail], amount), reason=reason, is_decided=True,
    )  # fmt: skip
    settled = await receive(tx, target, paid, vault=vault, now=now)
    if settled is not (Settled.SOLD if payment["subscriber_id"] is None else Settled.CREDITED):
        raise Conflict(SOLD_BEFORE)
    await note(
        tx, "payments", payment["id"], f"taken_by_{road}", merchant_id=target.merchant_id, at=now,
        actor=by, data={"amount_cents": amount, "reason": reason},
    )  # fmt: skip
