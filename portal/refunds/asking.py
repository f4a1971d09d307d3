"""Asking for a refund of a payment: what can be given back and how, booked at once, approved at once by whoever may."""

from datetime import datetime
from enum import StrEnum

import msgspec
from asyncpg import Record

from portal import payers, phones
from portal.db import Tx, atomic
from portal.errors import Conflict, Forbidden, Invalid, NotFound
from portal.identity import Actor
from portal.ledger import Entry
from portal.msgid import N_
from portal.payments import targets
from portal.payments.refunds import Wanted, row_of
from portal.refunds import access, books, carrying, rights
from portal.refunds.books import Pool
from portal.refunds.rights import Asked, Say
from portal.states import E, move, note

ALREADY = N_("This payment is being given back already, or was.")
NOT_PAID = N_("Only what was paid can be given back.")
NO_RECEIPT = N_("We do not have the receipt of this payment yet. It comes by itself; try again in some minutes.")
WHY = N_("Write why: who asked for it, and what went wrong.")
AMOUNT = N_("Write an amount in whole shillings, less than the price.")
HOW = N_("Choose how the money goes back.")
WHAT = N_("Choose what is given back.")
PHONE = N_("Write the customer's M-Pesa number.")
OTHER_PHONE = N_("This is not the number that paid. Only the owner can send the money to another one.")
LEAST_B2C_CENTS = 1000
TOO_LITTLE = N_("M-Pesa sends 10 shillings or more. Give it back in cash, or keep it for the customer.")


class Scope(StrEnum):
    """How much of the money."""

    WHOLE = "whole"  # all of it; the voucher is taken back
    PART = "part"  # some of the price; the voucher stays
    EXTRA = "extra"  # what was paid too much; the voucher stays


class Road(StrEnum):
    """How it goes back."""

    REVERSAL = "reversal"  # the rail it came by takes the payment back, whole
    B2C = "b2c"  # M-Pesa sends money to a phone
    CREDIT = "credit"  # kept for the customer at this merchant
    CASH = "cash"  # over the counter, by hand


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody asks for. `amount_cents` only of a part; `phone` as typed, empty: the number that paid; `ends_use`: the
    voucher may be taken back although it was used."""

    scope: Scope
    road: Road
    why: str
    amount_cents: int = 0
    phone: str = ""
    ends_use: bool = False


class Offer(msgspec.Struct, frozen=True, kw_only=True):
    """What a payment's page may offer: cents by scope (0: not), the roads there are, and whether the voucher was used."""

    payment_id: int
    receipt: str
    rail: str
    currency: str
    phone: str
    cents: dict[Scope, int]
    roads: list[Road]
    is_used: bool


async def offers(actor: Actor, payment_id: int) -> Offer:
    """What can be given back of a payment, and how. NotFound; Forbidden; Conflict: nothing can."""
    async with atomic() as tx:
        found = await _found(tx, actor, payment_id)
        voucher = await access.bought(tx, payment_id)
        pool = found.pool
        cents = {Scope.WHOLE: pool.sold_cents + pool.kept_cents, Scope.PART: pool.sold_cents, Scope.EXTRA: 0}
        cents[Scope.EXTRA] = pool.kept_cents if pool.sold_cents else 0
        return Offer(
            payment_id=payment_id, receipt=found.receipt["receipt"], rail=found.receipt["rail"],
            currency=found.payment["currency"], phone=found.phone, cents=cents, roads=_roads(found),
            is_used=bool(voucher and voucher["started_at"]),
        )  # fmt: skip


async def request(actor: Actor, payment_id: int, wish: Wish, *, now: datetime) -> int:
    """Ask for a refund; its id. The money is booked as on its way back; whoever may approves with it, below the limit.

    NotFound; Forbidden; Invalid; Conflict: on its way already, used, paid out, or the voucher was used."""
    by = f"user:{actor.user_id}"
    async with atomic() as tx:
        found = await _found(tx, actor, payment_id)
        if len(wish.why.strip()) < 3:
            raise Invalid({"why": WHY})
        entries = await _entries(tx, found, wish)
        cents = sum(entry.cents for entry in entries)
        _check_road(found, wish, cents=cents)
        phone = _phone(actor, found, wish)
        if wish.scope is Scope.WHOLE:
            await access.unused(tx, payment_id, ends_use=wish.ends_use)
        wanted = Wanted(
            receipt_id=found.receipt["id"], merchant_id=found.payment["merchant_id"], payment_id=payment_id,
            amount_cents=cents, currency=found.payment["currency"], by=by, why=wish.why.strip(), scope=wish.scope,
            road=wish.road, phone=phone, ends_use=wish.ends_use,
        )  # fmt: skip
        row = await row_of(tx, wanted, now=now)
        if row is None:
            raise Conflict(ALREADY)
        await _covered(tx, found, wish, entries)
        await books.take_out(tx, row, entries, receipt=found.receipt["receipt"], now=now)
        data = {"receipt": found.receipt["receipt"], "amount_cents": cents, "why": row["why"], "road": wish.road}
        if wish.scope is Scope.WHOLE:
            await move(tx, "payments", payment_id, E.REFUND, at=now, actor=by, data=data)
        await note(tx, "refunds", row["id"], "wanted", merchant_id=row["merchant_id"], at=now, actor=by, data=data)
        await approve_at_once(tx, actor, row, now=now)
        return row["id"]


async def _covered(tx: Tx, found: "_Found", wish: Wish, entries: list[Entry]) -> None:
    """Conflict when the money is not there any more, or not in the account it would leave."""
    merchant_id = found.payment["merchant_id"]
    leaves_us = not found.is_own_account and wish.road is not Road.CASH
    await books.covered(tx, entries, merchant_id=merchant_id, is_ours=leaves_us)
    if leaves_us and found.payment["subscriber_id"] is not None and wish.road is not Road.CREDIT:
        await books.still_here(tx, merchant_id)


class _Found(msgspec.Struct, frozen=True, kw_only=True):
    payment: Record
    receipt: Record
    pool: Pool
    phone: str
    is_alone: bool
    is_own_account: bool


async def _found(tx: Tx, actor: Actor, payment_id: int) -> _Found:
    """The payment, locked, with its money; it must be paid, and nothing of it on its way back."""
    payment = await tx.row(
        "SELECT * FROM payments WHERE id = $1 AND merchant_id = $2 FOR UPDATE", payment_id, actor.at_merchant()
    )
    if payment is None:
        raise NotFound
    if not rights.may_ask(actor):
        raise Forbidden(rights.NOT_ASKING)
    if payment["status"] in ("refund_pending", "refunded"):
        raise Conflict(ALREADY)
    if payment["status"] != "paid":
        raise Conflict(NOT_PAID)
    if await tx.value("SELECT id FROM refunds WHERE payment_id = $1 AND status <> 'dropped'", payment_id):
        raise Conflict(ALREADY)
    came = await tx.fetch(
        """SELECT r.*, coalesce(a.merchant_id, b.merchant_id) AS owner_id, b.id AS rail_account_id FROM receipts r
           JOIN payments p ON p.id = r.payment_id LEFT JOIN mpesa_accounts a ON a.id = r.account_id
           LEFT JOIN rail_accounts b ON b.id = p.rail_account_id AND b.rail = r.rail
           WHERE r.payment_id = $1 ORDER BY r.id FOR UPDATE OF r""",
        payment_id,
    )
    if not came:
        raise Conflict(NO_RECEIPT)
    pool = await books.pool_of(tx, payment_id)
    if not pool.sold_cents + pool.kept_cents:
        raise Conflict(books.NOTHING)
    last = came[-1]
    phone = next((row["phone"] for row in reversed(came) if row["phone"]), None) or payment["phone"] or ""
    return _Found(
        payment=payment, receipt=last, pool=pool, phone=phone, is_alone=len(came) == 1,
        is_own_account=last["rail"] in ("cash", "manual") or last["owner_id"] is not None,
    )  # fmt: skip


def _roads(found: _Found) -> list[Road]:
    """How this money can go back at all."""
    is_mpesa = found.receipt["rail"] == "mpesa" and found.receipt["account_id"] is not None
    has_account = is_mpesa or found.receipt["rail_account_id"] is not None
    roads = [Road.REVERSAL] if has_account and found.is_alone else []
    return roads + ([Road.B2C] if is_mpesa else []) + [Road.CREDIT, Road.CASH]


async def _entries(tx: Tx, found: _Found, wish: Wish) -> list[Entry]:
    match wish.scope:
        case Scope.WHOLE:
            return books.whole(found.pool)
        case Scope.EXTRA:
            if not found.pool.kept_cents or not found.pool.sold_cents:
                raise Invalid({"scope": WHAT})
            return books.kept(found.pool)
        case Scope.PART:
            if not 0 < wish.amount_cents < found.pool.sold_cents or wish.amount_cents % 100:
                raise Invalid({"amount": AMOUNT})
            target = await targets.load(tx, found.payment)
            return books.part(wish.amount_cents, target.commission_bp)


def _check_road(found: _Found, wish: Wish, *, cents: int) -> None:
    if wish.road not in _roads(found):
        raise Invalid({"road": HOW})
    # A payment is taken back whole; what was booked elsewhere of it cannot come along.
    if wish.road is Road.REVERSAL and cents != found.receipt["amount_cents"]:
        raise Invalid({"road": HOW})
    if wish.road is Road.B2C and cents < LEAST_B2C_CENTS:
        raise Invalid({"road": TOO_LITTLE})
    if wish.road is Road.CREDIT and wish.scope is Scope.EXTRA:
        raise Invalid({"road": HOW})  # it is the customer's credit already


def _phone(actor: Actor, found: _Found, wish: Wish) -> str:
    """Whose number it goes to, E.164 digits; the payer's unless another one is typed."""
    if wish.road not in (Road.B2C, Road.CREDIT):
        return ""
    if not wish.phone.strip():
        if not found.phone:
            raise Invalid({"phone": PHONE})
        return found.phone
    try:
        phone = phones.parse_phone(wish.phone)
    except phones.PhoneError as error:
        raise Invalid({"phone": str(error)}) from error
    agrees = payers.agrees(phone, found.phone or None, found.receipt["payer_hint"])
    if agrees is False and actor.role != "owner":
        raise Invalid({"phone": OTHER_PHONE})
    return phone


async def approve_at_once(tx: Tx, actor: Actor, row: Record, *, now: datetime) -> None:
    """Who may approve alone has done so by asking; everybody else's request waits."""
    asked = Asked(merchant_id=row["merchant_id"], cents=row["amount_cents"], wanted_by=row["wanted_by"])
    try:
        may = await rights.judge(tx, actor, asked) is Say.YES
    except Forbidden:
        may = False
    if may:
        await carrying.approved(tx, row, by=row["wanted_by"], now=now)
