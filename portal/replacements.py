"""A voucher instead of a refund: what a payment brought is given back to its customer as another voucher, of any package of the
shop's. All in one transaction, under the same row that stands for a refund (one per money received), so it is never both.

The money goes the way of a refund to the customer's credit, and buys from there; a dearer package wants the missing cash now, of a
cheaper one the rest stays the customer's or is handed out."""

from datetime import datetime
from enum import StrEnum

import msgspec
from asyncpg import Record

from portal import credit_purchases, customer_credits, ledger, packages, payers, phones, vouchers
from portal.confirming import is_confirmed
from portal.customer_credits import Credit
from portal.db import Tx, atomic
from portal.errors import Conflict, Forbidden, Invalid, NotFound
from portal.identity import Actor, Role
from portal.ledger import Account, Entry, Kind
from portal.msgid import N_
from portal.packages import PackageView
from portal.payments import receipts, targets
from portal.payments.outcomes import Settled
from portal.payments.receipts import Money
from portal.payments.receive import receive
from portal.payments.refunds import Wanted, row_of
from portal.refunds import access, books, carrying, rights
from portal.refunds.asking import ALREADY, NO_RECEIPT, NOT_PAID, OTHER_PHONE, WHY
from portal.refunds.rights import Asked, Say
from portal.states import E, move, note
from portal.vault import Vault

PACKAGE = N_("Choose a package.")
REST = N_("Choose what becomes of the difference.")
TAKE = N_("This package costs more than what was paid. Take the difference in cash, and choose cash here.")
PHONE = N_("Write the customer's phone number: the difference is kept for it.")
PASSWORD = N_("Confirm with your password.")
TOO_MUCH = N_(
    "This is more cash than you may give back alone. Keep the difference for the customer, or ask for a refund."
)


class Rest(StrEnum):
    """What becomes of the difference."""

    CREDIT = "credit"  # of a cheaper package: kept for the customer's number
    CASH = "cash"  # handed out, or, of a dearer one, taken now


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """What is given. `phone` as typed, empty: the number that paid; `ends_use`: the old voucher may end although it was used."""

    package_id: int
    rest: Rest
    why: str
    phone: str = ""
    ends_use: bool = False
    password: str = ""


class Offer(msgspec.Struct, frozen=True, kw_only=True):
    """What a form shows: the worth of what was paid, whether the number that paid is known, and whether the voucher was used."""

    payment_id: int
    receipt: str
    cents: int
    currency: str
    phone: str
    is_used: bool


class Given(msgspec.Struct, frozen=True, kw_only=True):
    """What was made: the row that stands for the refund, and the voucher."""

    refund_id: int
    voucher_id: int


class _Old(msgspec.Struct, frozen=True, kw_only=True):
    payment: Record
    receipt: Record
    pool: books.Pool
    phone: str

    @property
    def cents(self) -> int:
        return self.pool.sold_cents + self.pool.kept_cents


async def offer(actor: Actor, payment_id: int) -> Offer:
    """What there is to give for. NotFound; Forbidden; Conflict: nothing, or it is on its way back."""
    async with atomic() as tx:
        old = await _old(tx, actor, payment_id)
        voucher = await access.bought(tx, payment_id)
        return Offer(
            payment_id=payment_id, receipt=old.receipt["receipt"], cents=old.cents, currency=old.payment["currency"],
            phone=old.phone, is_used=bool(voucher and voucher["started_at"]),
        )  # fmt: skip


async def give(actor: Actor, payment_id: int, choice: Choice, *, vault: Vault, now: datetime) -> Given:
    """Take back what was bought and give another voucher for it, whole and once. For owners and managers; cash that leaves the
    drawer counts against the limit of refunds, above which an owner's password is needed.

    NotFound; Forbidden; Invalid; Conflict: given back before, spent, or the voucher was used."""
    merchant_id, by = actor.at_merchant(), f"user:{actor.user_id}"
    rights.decider(actor)
    if len(choice.why.strip()) < 3:
        raise Invalid({"why": WHY})
    package = await _package(merchant_id, choice.package_id)
    confirmed = await is_confirmed(actor, choice.password, now=now)
    async with atomic() as tx:
        old = await _old(tx, actor, payment_id)
        phone = _phone(choice, old)
        over = old.cents - package.price_cents
        if over > 0 and choice.rest is Rest.CREDIT:
            _check_keeper(actor, old, phone)
        if over > 0 and choice.rest is Rest.CASH:
            await _may_hand_out(tx, actor, merchant_id, cents=over, confirmed=confirmed)
        if over < 0 and choice.rest is not Rest.CASH:
            raise Invalid({"rest": TAKE})
        made = await vouchers.issue_unsold(
            tx, package.terms, merchant_id=merchant_id, package_id=package.id, price_cents=package.price_cents, count=1,
            batch_id=None, vault=vault, now=now,
        )  # fmt: skip
        voucher_id = made[0].id
        payment = await targets.for_voucher(
            tx, voucher_id, method="credit", phone=phone or None, account_id=None, now=now
        )
        target = await targets.load(tx, payment)
        holder = target.holder(phone or None)
        refund_id, credit = await _back(tx, old, holder, choice=choice, phone=phone, by=by, now=now)
        await _sell(tx, target.payment, credit, holder, cents=old.cents, by=by, vault=vault, now=now)
        if over > 0 and choice.rest is Rest.CASH:
            await _hand_out(tx, payment, credit, cents=over, now=now)
        data = {"instead_of": payment_id, "voucher_id": voucher_id, "rest_cents": over, "rest": choice.rest.value}
        for table, row_id in (("vouchers", voucher_id), ("refunds", refund_id)):
            await note(tx, table, row_id, "given_instead", merchant_id=merchant_id, at=now, actor=by, data=data)
        return Given(refund_id=refund_id, voucher_id=voucher_id)


async def _package(merchant_id: int, package_id: int) -> PackageView:
    try:
        return await packages.one_on_sale(merchant_id, package_id)
    except NotFound as error:
        raise Invalid({"package_id": PACKAGE}) from error


async def _old(tx: Tx, actor: Actor, payment_id: int) -> _Old:
    """The payment, locked, with its money and what that became."""
    payment = await tx.row(
        "SELECT * FROM payments WHERE id = $1 AND merchant_id = $2 FOR UPDATE", payment_id, actor.at_merchant()
    )
    if payment is None:
        raise NotFound
    rights.decider(actor)
    if payment["status"] in ("refund_pending", "refunded"):
        raise Conflict(ALREADY)
    if payment["status"] != "paid":
        raise Conflict(NOT_PAID)
    came = await tx.fetch("SELECT * FROM receipts WHERE payment_id = $1 ORDER BY id FOR UPDATE", payment_id)
    if not came:
        raise Conflict(NO_RECEIPT)
    pool = await books.pool_of(tx, payment_id)
    if not pool.sold_cents + pool.kept_cents:
        raise Conflict(books.NOTHING)
    phone = next((row["phone"] for row in reversed(came) if row["phone"]), None) or payment["phone"] or ""
    return _Old(payment=payment, receipt=came[-1], pool=pool, phone=phone)


def _phone(choice: Choice, old: _Old) -> str:
    if not choice.phone.strip():
        return old.phone
    try:
        return phones.parse_phone(choice.phone)
    except phones.PhoneError as error:
        raise Invalid({"phone": str(error)}) from error


def _check_keeper(actor: Actor, old: _Old, phone: str) -> None:
    """Money kept for another number than the one that paid is money given to somebody else: the owner's to decide, as with refunds."""
    if not phone:
        raise Invalid({"phone": PHONE})
    agrees = payers.agrees(phone, old.phone or None, old.receipt["payer_hint"])
    if agrees is False and actor.role is not Role.OWNER:
        raise Invalid({"phone": OTHER_PHONE})


async def _may_hand_out(tx: Tx, actor: Actor, merchant_id: int, *, cents: int, confirmed: bool) -> None:
    """Cash out of the drawer is money given back: the same limit, and no second person to wait for."""
    asked = Asked(merchant_id=merchant_id, cents=cents, wanted_by=f"user:{actor.user_id}")
    try:
        needs = await rights.judge(tx, actor, asked)
    except Forbidden as error:
        raise Invalid({"rest": TOO_MUCH}) from error
    if needs is Say.PASSWORD and not confirmed:
        raise Invalid({"password": PASSWORD})


async def _back(
    tx: Tx, old: _Old, holder: str, *, choice: Choice, phone: str, by: str, now: datetime
) -> tuple[int, Credit]:
    """Take the old voucher and its sale back; the money is the customer's for a moment. Its refund's id and that account."""
    payment, merchant_id = old.payment, old.payment["merchant_id"]
    wanted = Wanted(
        receipt_id=old.receipt["id"], merchant_id=merchant_id, payment_id=payment["id"], amount_cents=old.cents,
        currency=payment["currency"], by=by, why=choice.why.strip(), road="voucher", phone=phone, ends_use=choice.ends_use,
    )  # fmt: skip
    row = await row_of(tx, wanted, now=now)
    if row is None:
        raise Conflict(ALREADY)
    entries = books.whole(old.pool)
    await books.covered(tx, entries, merchant_id=merchant_id, is_ours=False)
    await books.take_out(tx, row, entries, receipt=old.receipt["receipt"], now=now)
    data = {"receipt": old.receipt["receipt"], "amount_cents": old.cents, "why": row["why"], "road": "voucher"}
    await move(tx, "payments", payment["id"], E.REFUND, at=now, actor=by, data=data)
    await note(tx, "refunds", row["id"], "wanted", merchant_id=merchant_id, at=now, actor=by, data=data)
    await access.take_back(tx, payment["id"], ends_use=choice.ends_use, now=now, actor=by)
    await move(tx, "refunds", row["id"], E.APPROVE, at=now, actor=by, approved_by=by, approved_at=now)
    credit = await customer_credits.opened(tx, merchant_id, holder, now=now)
    if not await carrying.finish(tx, row, Entry(Account.CUSTOMER_CREDIT, -old.cents, credit.id), by=by, now=now):
        raise Conflict(ALREADY)
    return row["id"], credit


async def _sell(
    tx: Tx, payment: Record, credit: Credit, holder: str, *, cents: int, by: str, vault: Vault, now: datetime
) -> None:
    """Sell the new voucher: out of the credit alone, or out of all of it and the missing cash."""
    price, missing = payment["amount_cents"], payment["amount_cents"] - cents
    if missing <= 0:
        paid = await credit_purchases.from_credit(
            tx, payment["id"], credit, cents=price, currency=payment["currency"], payer=None, now=now
        )
    else:
        target = await targets.load(tx, payment)
        towards = customer_credits.of_reference(target.reference)
        if holder != towards:
            held = await customer_credits.opened(tx, target.merchant_id, towards, now=now)
            between = [
                Entry(Account.CUSTOMER_CREDIT, cents, credit.id),
                Entry(Account.CUSTOMER_CREDIT, -cents, held.id),
            ]
            await _book(tx, payment, between, name=f"instead:{payment['id']}", now=now)
        paid = await _cash(tx, payment, cents=missing, by=by, now=now)
    settled = await receive(tx, await targets.load(tx, payment), paid, vault=vault, now=now)
    if settled is not Settled.SOLD:
        raise RuntimeError(f"a voucher made a moment ago could not be sold: {settled}")


async def _cash(tx: Tx, payment: Record, *, cents: int, by: str, now: datetime) -> Money:
    name = f"CASH-{payment['id']}"
    seen = await receipts.see(
        tx, rail="cash", receipt=name, amount_cents=cents, currency=payment["currency"], road="cash",
        merchant_id=payment["merchant_id"], account_id=None, payment_id=payment["id"], now=now,
    )  # fmt: skip
    return Money(
        road="cash", rail="cash", amount_cents=cents, currency=payment["currency"], receipt=name, receipt_id=seen["id"],
        account_id=None, phone=None, payer_hint="", source=Entry(Account.CASH, cents), reason=by, is_decided=True,
    )  # fmt: skip


async def _hand_out(tx: Tx, payment: Record, credit: Credit, *, cents: int, now: datetime) -> None:
    entries = [Entry(Account.CUSTOMER_CREDIT, cents, credit.id), Entry(Account.CASH, -cents)]
    await _book(tx, payment, entries, name=f"handed:{payment['id']}", now=now)


async def _book(tx: Tx, payment: Record, entries: list[Entry], *, name: str, now: datetime) -> None:
    await ledger.book(
        tx, Kind.CREDIT_USE, entries, merchant_id=payment["merchant_id"], payment_id=payment["id"], receipt=name,
        currency=payment["currency"], now=now,
    )  # fmt: skip
