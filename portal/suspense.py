"""Suspense: money that is nobody's yet, and a person's decision what it is for. How money gets there is payments' business.

Owners and managers decide about their merchant's; the operator, looking at no merchant, about the platform's."""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum

import msgspec
from asyncpg import Record

from portal import customer_credits, ledger, money, packages, payers, phones, vouchers
from portal.db import DB, Tx, atomic
from portal.errors import Conflict, Forbidden, Invalid, NotFound
from portal.identity import Actor, Role
from portal.ledger import Account, Entry, Kind
from portal.msgid import N_
from portal.packages import PackageView
from portal.payments import out_of_suspense, receipts, refunds, targets
from portal.payments.outcomes import Settled
from portal.payments.receipts import Money
from portal.payments.receive import receive
from portal.vault import Vault

PAGE_SIZE = 50
ONLY_MANAGERS = N_("Only the owner or a manager can decide about money.")
ALREADY = N_("Somebody has decided about this money already.")
OVER = N_("This voucher has ended. Choose another one, keep the money for the customer, or send it back.")
TOO_DEAR = N_("This package costs more than what came in. Choose another one.")
NOTHING_ASKED = N_("Nothing was ever asked for there. Choose another one.")


class Decision(StrEnum):
    """What suspended money may become."""

    VOUCHER = "voucher"  # pays for a voucher
    CHECKOUT = "checkout"  # pays for a checkout
    PACKAGE = "package"  # pays for a new voucher of a package
    CREDIT = "credit"  # kept for a customer, by phone number
    KEEP = "keep"  # the merchant's own, say a gift or an old debt
    REFUND = "refund"  # back to the payer


_ATTACHING = frozenset({Decision.VOUCHER, Decision.CHECKOUT, Decision.PACKAGE})


class Choice(msgspec.Struct, frozen=True):
    """A decision and what it names: a voucher's, checkout's or package's id, a phone number, a merchant's id for the platform's
    money. A new voucher's code goes by SMS to `phone`, or to the payer when M-Pesa told the number."""

    decision: Decision
    target_id: int | None = None
    phone: str = ""
    note: str = ""


class Item(msgspec.Struct, frozen=True, kw_only=True):
    """A line of the list of suspense. `payer` is masked; `claims` are checkouts whose customers say it is theirs."""

    id: int
    at: datetime
    cents: int
    currency: str
    why: str
    status: str
    resolution: str | None
    receipt: str
    typed: str
    payer: str
    payer_name: str
    claims: list[int]
    resolved_by: str
    resolved_at: datetime | None
    note: str


_LIST = """
SELECT s.id, s.created_at, s.amount_cents, s.currency, s.why, s.status, s.resolution, s.resolved_at, s.note, r.receipt,
       coalesce(u.name, s.resolved_by) AS resolved_by, r.typed, r.phone,
       r.payer_hint, r.payer_name,
       ARRAY(SELECT c.checkout_id FROM claims c WHERE c.receipt = r.receipt AND c.status = 'open'
             AND (s.merchant_id IS NULL OR c.merchant_id = s.merchant_id) ORDER BY c.id) AS claims
FROM suspense s JOIN receipts r ON r.id = s.receipt_id LEFT JOIN users u ON s.resolved_by = 'user:' || u.id
WHERE s.merchant_id IS NOT DISTINCT FROM $1 AND s.id < $2 AND ($3 OR s.status = 'open') AND ($5::bigint[] IS NULL OR s.id = ANY($5))
ORDER BY s.id DESC LIMIT $4"""


async def items(
    actor: Actor, *, most: int = PAGE_SIZE, before: int | None = None, with_resolved: bool = False
) -> list[Item]:
    """Money that waits, the newest first, from below the id `before` on; on demand what was decided too."""
    rows = await DB.fetch(_LIST, _whose(actor), before or 2**63 - 1, with_resolved, most, None)
    return [_item(row) for row in rows]


async def some(actor: Actor, ids: Sequence[int]) -> list[Item]:
    """These, decided or not; ids of others are passed over."""
    rows = await DB.fetch(_LIST, _whose(actor), 2**63 - 1, True, PAGE_SIZE, list(ids)) if ids else []
    return [_item(row) for row in rows]


async def one(actor: Actor, suspense_id: int) -> Item:
    """One of them; NotFound for another merchant's."""
    found = await some(actor, [suspense_id])
    if not found:
        raise NotFound
    return found[0]


def _item(row: Record) -> Item:
    return Item(
        id=row["id"], at=row["created_at"], cents=row["amount_cents"], currency=row["currency"], why=row["why"],
        status=row["status"], resolution=row["resolution"], receipt=row["receipt"], typed=row["typed"],
        payer=phones.mask(row["phone"]) if row["phone"] else payers.shown(row["payer_hint"]),
        payer_name=row["payer_name"], claims=list(row["claims"]), resolved_by=row["resolved_by"] or "",
        resolved_at=row["resolved_at"], note=row["note"],
    )  # fmt: skip


async def resolve_suspense(actor: Actor, suspense_id: int, choice: Choice, *, vault: Vault, now: datetime) -> Settled:
    """Carry out a person's decision about suspended money, whole and once; the events say who and why.

    Forbidden, NotFound; Conflict: decided already; Invalid: what was chosen cannot take it."""
    by = f"user:{actor.user_id}"
    package = await _package(choice, now=now)
    async with atomic() as tx:
        row = await _own(tx, actor, suspense_id)
        # Locked in the order of every road: the payment, then the receipt's money.
        payment = None
        if package is not None:
            payment = await _new_sale(tx, row, package, choice=choice, vault=vault, now=now)
        elif choice.decision in _ATTACHING:
            payment = await _payment(tx, row, choice, now=now)
        if await out_of_suspense.open_row(tx, row["receipt_id"]) is None:
            raise Conflict(ALREADY)
        match choice.decision:
            case Decision.VOUCHER | Decision.CHECKOUT | Decision.PACKAGE:
                assert payment is not None
                settled = await _attach(tx, row, payment, choice, by=by, vault=vault, now=now)
                resolution = "attached"
            case Decision.CREDIT:
                settled, resolution = await _credit(tx, row, choice, now=now), "credited"
            case Decision.KEEP:
                settled, resolution = await _keep(tx, row, choice, now=now), "kept"
            case Decision.REFUND:
                settled, resolution = await _refund(tx, row, choice, by=by, now=now), "refund"
        if not await out_of_suspense.close(tx, row, resolution, by=by, now=now, note=choice.note):
            raise Conflict(ALREADY)
        return settled


def _whose(actor: Actor) -> int | None:
    if actor.merchant_id is None and not actor.is_operator:
        raise NotFound
    return actor.merchant_id


async def _own(tx: Tx, actor: Actor, suspense_id: int) -> Record:
    row = await tx.row(
        """SELECT s.*, r.receipt, r.rail, r.account_id, r.phone, r.payer_hint, r.roads FROM suspense s
           JOIN receipts r ON r.id = s.receipt_id
           WHERE s.id = $1 AND s.merchant_id IS NOT DISTINCT FROM $2""",
        suspense_id,
        _whose(actor),
    )
    if row is None:
        raise NotFound
    if actor.merchant_id is not None and actor.role not in (Role.OWNER, Role.MANAGER):
        raise Forbidden(ONLY_MANAGERS)
    if row["status"] != "open":
        raise Conflict(ALREADY)
    return row


async def _attach(
    tx: Tx, row: Record, payment: Record, choice: Choice, *, by: str, vault: Vault, now: datetime
) -> Settled:
    paid = Money(
        road=by, rail=row["rail"], amount_cents=row["amount_cents"], currency=row["currency"], receipt=row["receipt"],
        receipt_id=row["receipt_id"], account_id=row["account_id"], phone=row["phone"], payer_hint=row["payer_hint"],
        source=out_of_suspense.source(row), reason=choice.note, is_decided=True,
    )  # fmt: skip
    settled = await receive(tx, await targets.load(tx, payment), paid, vault=vault, now=now)
    if settled in out_of_suspense.STAYS:
        raise Invalid({"target": OVER})
    return settled


async def _payment(tx: Tx, row: Record, choice: Choice, *, now: datetime) -> Record:
    """The payment to give it to. A merchant's money may only go to the merchant's own; the platform's to anybody's."""
    table = "vouchers" if choice.decision is Decision.VOUCHER else "checkouts"
    found = await tx.row(f"SELECT id, merchant_id FROM {table} WHERE id = $1", choice.target_id)
    if found is None or (row["merchant_id"] is not None and found["merchant_id"] != row["merchant_id"]):
        raise NotFound
    if choice.decision is Decision.VOUCHER:
        return await targets.for_voucher(
            tx, found["id"], method="c2b", phone=row["phone"], account_id=row["account_id"], now=now
        )
    payment = await tx.row(
        "SELECT * FROM payments WHERE checkout_id = $1 ORDER BY status = 'paid' DESC, id DESC LIMIT 1 FOR UPDATE",
        found["id"],
    )
    if payment is None:
        raise Invalid({"target": NOTHING_ASKED})
    return payment


async def _package(choice: Choice, *, now: datetime) -> PackageView | None:
    """The package a new voucher is to be of; read before the transaction, which has one connection only."""
    if choice.decision is not Decision.PACKAGE:
        return None
    owner = await DB.value("SELECT merchant_id FROM packages WHERE id = $1", choice.target_id)
    if owner is None or choice.target_id is None:
        raise NotFound
    return await packages.one_on_sale(owner, choice.target_id, now=now)


async def _new_sale(
    tx: Tx, row: Record, package: PackageView, *, choice: Choice, vault: Vault, now: datetime
) -> Record:
    """A voucher of the chosen package, made now, and the payment that buys it; its price must be covered."""
    owner = await tx.value("SELECT merchant_id FROM packages WHERE id = $1", package.id)
    if row["merchant_id"] not in (None, owner):
        raise NotFound
    if package.price_cents > row["amount_cents"]:
        raise Invalid({"target": TOO_DEAR})
    made = await vouchers.issue_unsold(
        tx, package.terms, merchant_id=owner, package_id=package.id, price_cents=package.price_cents, count=1,
        batch_id=None, vault=vault, now=now,
    )  # fmt: skip
    phone = row["phone"] or (_parsed(choice.phone) if choice.phone.strip() else None)
    return await targets.for_voucher(tx, made[0].id, method="c2b", phone=phone, account_id=row["account_id"], now=now)


def _parsed(phone: str) -> str:
    try:
        return phones.parse_phone(phone)
    except phones.PhoneError as error:
        raise Invalid({"phone": str(error)}) from error


async def _credit(tx: Tx, row: Record, choice: Choice, *, now: datetime) -> Settled:
    phone = _parsed(choice.phone)
    merchant_id = await _merchant(tx, row, choice)
    credit = await customer_credits.opened(tx, merchant_id, customer_credits.of_phone(phone), now=now)
    to = Entry(Account.CUSTOMER_CREDIT, -row["amount_cents"], credit.id)
    await _book(tx, row, [to], merchant_id=merchant_id, now=now)
    return Settled.CREDITED


async def _keep(tx: Tx, row: Record, choice: Choice, *, now: datetime) -> Settled:
    """The merchant's own money now; our commission is taken from it as from any sale."""
    merchant_id = await _merchant(tx, row, choice)
    fee, rest = money.split(row["amount_cents"], await targets.commission_bp(tx, merchant_id))
    to = [Entry(Account.MERCHANT_PAYABLE, -rest), Entry(Account.COMMISSION, -fee)]
    await _book(tx, row, to, merchant_id=merchant_id, now=now)
    return Settled.KEPT


async def _merchant(tx: Tx, row: Record, choice: Choice) -> int:
    """Whose it becomes: the merchant at whose account it came in, or the one the operator names."""
    if row["merchant_id"] is not None:
        return row["merchant_id"]
    if await tx.value("SELECT id FROM merchants WHERE id = $1", choice.target_id) is None:
        raise NotFound
    assert choice.target_id is not None
    return choice.target_id


async def _book(tx: Tx, row: Record, to: list[Entry], *, merchant_id: int, now: datetime) -> None:
    await receipts.given(tx, row["receipt_id"], merchant_id=merchant_id)
    await ledger.book(
        tx, Kind.RESOLUTION, [out_of_suspense.source(row), *to], merchant_id=merchant_id, payment_id=None,
        receipt=row["receipt"], currency=row["currency"], now=now,
    )  # fmt: skip


async def _refund(tx: Tx, row: Record, choice: Choice, *, by: str, now: datetime) -> Settled:
    wanted = await refunds.want(
        tx, row["receipt_id"], out_of_suspense.source(row), amount_cents=row["amount_cents"],
        merchant_id=row["merchant_id"], payment_id=None, currency=row["currency"], by=by,
        why=choice.note or "from suspense", now=now, suspense_id=row["id"],
    )  # fmt: skip
    if wanted is None:
        raise Conflict(ALREADY)
    return Settled.REFUNDING
