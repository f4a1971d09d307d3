"""Giving back what is left in a subscriber's wallet. The money came by many payments; the refund stands under the newest receipt that
was not given back yet, and has the whole amount, so that the limit for two people is not walked around in parts."""

from datetime import datetime

import msgspec
from asyncpg import Record

from portal import payers, phones
from portal.db import Tx, atomic
from portal.errors import Conflict, Forbidden, Invalid, NotFound
from portal.identity import Actor
from portal.ledger import Account, Entry
from portal.msgid import N_
from portal.payments.refunds import Wanted, row_of
from portal.refunds import books, rights
from portal.refunds.asking import (
    ALREADY,
    HOW,
    LEAST_B2C_CENTS,
    NO_RECEIPT,
    OTHER_PHONE,
    PHONE,
    TOO_LITTLE,
    WHY,
    Road,
    approve_at_once,
)
from portal.states import note

EMPTY = N_("There is nothing in the wallet.")
NONE_LEFT = N_(
    "Every payment into this wallet was given back before, so nothing can be sent under its receipt. What is left can be used."
)
NOT_BY_MPESA = N_("Nothing came in by M-Pesa that was not given back yet. Give it back in cash.")
TOO_MUCH = N_("M-Pesa sends 250,000 shillings at most. Give it back in cash.")
SCOPE = "wallet"
_MOST_B2C_CENTS = 25_000_000
_NEWEST = """
SELECT r.*, coalesce(a.merchant_id, b.merchant_id) AS owner_id FROM payments p JOIN receipts r ON r.payment_id = p.id
LEFT JOIN mpesa_accounts a ON a.id = r.account_id LEFT JOIN rail_accounts b ON b.id = p.rail_account_id AND b.rail = r.rail
WHERE p.subscriber_id = $1 AND p.status = 'paid' AND ($2 OR (r.rail = 'mpesa' AND r.account_id IS NOT NULL))
AND NOT EXISTS (SELECT FROM refunds f WHERE f.receipt_id = r.id AND f.status <> 'dropped')
AND NOT EXISTS (SELECT FROM refunds f WHERE f.payment_id = p.id AND f.status <> 'dropped')
ORDER BY r.id DESC LIMIT 1 FOR UPDATE OF p, r"""


class Rest(msgspec.Struct, frozen=True, kw_only=True):
    """How a wallet's rest is to go back: "b2c" to `phone` as typed (empty: the customer's own), or "cash"; and why."""

    road: str
    why: str
    phone: str = ""


async def give_back(actor: Actor, subscriber_id: int, rest: Rest, *, now: datetime) -> int:
    """Ask for all of a wallet to go back to its customer, open or closed; the refund's id. The wallet is empty from now on; whoever
    may approves with it, below the limit.

    NotFound; Forbidden; Invalid: no reason, road or number; Conflict: empty, on its way, or not covered by what the shop has."""
    by = f"user:{actor.user_id}"
    async with atomic() as tx:
        one = await _subscriber(tx, actor, subscriber_id)
        if len(rest.why.strip()) < 3:
            raise Invalid({"refund_why": WHY})
        if rest.road not in (Road.B2C, Road.CASH):
            raise Invalid({"road": HOW})
        receipt = await _receipt(tx, subscriber_id, rest.road)
        cents = await _cents(tx, one["credit_id"], rest.road)
        phone = _phone(actor, one, receipt, rest) if rest.road == Road.B2C else ""
        if rest.road == Road.B2C and receipt["owner_id"] is None:
            await books.still_here(tx, one["merchant_id"])
        wanted = Wanted(
            receipt_id=receipt["id"], merchant_id=one["merchant_id"], payment_id=receipt["payment_id"],
            amount_cents=cents, currency=one["currency"], by=by, why=rest.why.strip(), scope=SCOPE, road=rest.road,
            phone=phone,
        )  # fmt: skip
        row = await row_of(tx, wanted, now=now)
        if row is None:
            raise Conflict(ALREADY)
        entries = [Entry(Account.CUSTOMER_CREDIT, cents, one["credit_id"])]
        await books.take_out(tx, row, entries, receipt=receipt["receipt"], now=now)
        data = {"receipt": receipt["receipt"], "amount_cents": cents, "why": row["why"], "road": rest.road}
        await note(tx, "refunds", row["id"], "wanted", merchant_id=one["merchant_id"], at=now, actor=by, data=data)
        await note(
            tx, "subscribers", subscriber_id, "wallet_given_back", merchant_id=one["merchant_id"], at=now, actor=by,
            data={"refund": row["id"], "amount_cents": cents},
        )  # fmt: skip
        await approve_at_once(tx, actor, row, now=now)
        return row["id"]


async def _subscriber(tx: Tx, actor: Actor, subscriber_id: int) -> Record:
    one = await tx.row(
        """SELECT s.credit_id, s.merchant_id, s.phone, m.currency FROM subscribers s JOIN merchants m ON m.id = s.merchant_id
           WHERE s.id = $1 AND s.merchant_id = $2""",
        subscriber_id,
        actor.at_merchant(),
    )
    if one is None:
        raise NotFound
    if not rights.may_ask(actor):
        raise Forbidden(rights.NOT_ASKING)
    return one


async def _receipt(tx: Tx, subscriber_id: int, road: str) -> Record:
    """The newest receipt that can carry it, locked with its payment."""
    found = await tx.row(_NEWEST, subscriber_id, road == Road.CASH)
    if found is not None:
        return found
    if road == Road.B2C:
        raise Conflict(NOT_BY_MPESA)
    paid = await tx.value(
        """SELECT EXISTS (SELECT FROM payments p JOIN receipts r ON r.payment_id = p.id WHERE p.subscriber_id = $1)""",
        subscriber_id,
    )
    raise Conflict(NONE_LEFT if paid else NO_RECEIPT)


async def _cents(tx: Tx, credit_id: int, road: str) -> int:
    """What is in the wallet, which stays locked; by M-Pesa whole shillings only."""
    await tx.execute("SELECT FROM credits WHERE id = $1 FOR UPDATE", credit_id)
    cents = await tx.value(
        "SELECT coalesce(-sum(amount_cents), 0)::bigint FROM ledger_entries WHERE credit_id = $1", credit_id
    )
    if cents <= 0:
        raise Conflict(EMPTY)
    if road == Road.CASH:
        return cents
    if cents < LEAST_B2C_CENTS:
        raise Conflict(TOO_LITTLE)
    if cents > _MOST_B2C_CENTS:
        raise Conflict(TOO_MUCH)
    return cents - cents % 100


def _phone(actor: Actor, one: Record, receipt: Record, rest: Rest) -> str:
    """Whose number it goes to, E.164 digits. Another one than paid only by the owner's word."""
    typed = rest.phone.strip() or one["phone"] or receipt["phone"] or ""
    if not typed:
        raise Invalid({"refund_phone": PHONE})
    try:
        phone = phones.parse_phone(typed)
    except phones.PhoneError as error:
        raise Invalid({"refund_phone": str(error)}) from error
    if payers.agrees(phone, receipt["phone"], receipt["payer_hint"]) is False and actor.role != "owner":
        raise Invalid({"refund_phone": OTHER_PHONE})
    return phone
