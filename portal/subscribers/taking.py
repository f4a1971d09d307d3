"""Taking a subscriber's money: a request to a phone, by the shop or by the customer, and cash over the counter. Money by the
paybill comes by itself, see `portal.payments`."""

from datetime import datetime

from asyncpg import UniqueViolationError

from portal import limits, money, phones
from portal.checkouts import PUSHES_PER_PHONE
from portal.collecting import MPESA, ask_for_money, collector
from portal.db import DB, atomic
from portal.errors import Conflict, Invalid, NotFound, TooMany
from portal.evidence import Road
from portal.identity import Actor, Role
from portal.merchants import profile
from portal.msgid import N_
from portal.payments import targets
from portal.payments.counter import take_over_counter
from portal.subscribers import rights
from portal.vault import Vault

#: M-Pesa moves whole shillings, and at most so much in one payment.
MOST_CENTS = 25_000_000
WRITE_AMOUNT = N_("Write the amount in whole shillings, for example 1500.")
OLD_PAGE = N_("This page is too old. Open it again.")
OPEN_FIRST = N_("Open your drawer first: say how much change is in it.")
CLOSED = N_("This subscriber is closed.")
WAIT = N_("M-Pesa asks us to wait before we send another request.")
#: Requests for one subscriber, whoever asks and to whatever phone.
_PER_SUBSCRIBER = (4, 600)


def read_amount(text: str) -> int:
    """Cents of a typed amount; Invalid: no whole shillings, none at all, or more than M-Pesa moves."""
    try:
        cents = money.parse_amount(text.strip())
    except money.AmountError as error:
        raise Invalid({"amount": WRITE_AMOUNT}) from error
    if not 100 <= cents <= MOST_CENTS or cents % 100:
        raise Invalid({"amount": WRITE_AMOUNT})
    return cents


async def take_cash(
    actor: Actor, subscriber_id: int, amount: str, *, form_key: str, vault: Vault, now: datetime
) -> int:
    """Cash into the wallet, and into the actor's drawer when one is open, which cashiers must have; the payment's id. The same
    form again is the same payment. Forbidden, NotFound, Invalid, Conflict: closed, or no drawer."""
    merchant_id = rights.taking(actor)
    cents = read_amount(amount)
    if not form_key:
        raise Conflict(OLD_PAGE)
    once = f"wallet:{merchant_id}:{form_key[:40]}"
    try:
        async with atomic() as tx:
            status = await tx.value(
                "SELECT status FROM subscribers WHERE id = $1 AND merchant_id = $2", subscriber_id, merchant_id
            )
            if status is None:
                raise NotFound
            if status == "closed":
                raise Conflict(CLOSED)
            drawer = await tx.value(
                "SELECT id FROM floats WHERE merchant_id = $1 AND user_id = $2 AND status = 'open' FOR SHARE",
                merchant_id,
                actor.user_id,
            )
            if drawer is None and actor.role is Role.CASHIER:
                raise Conflict(OPEN_FIRST)
            payment = await targets.for_subscriber(
                tx, subscriber_id, method="cash", amount_cents=cents, phone=None, account_id=None, now=now
            )
            await tx.execute(
                "UPDATE payments SET form_key = $2, float_id = $3 WHERE id = $1", payment["id"], once, drawer
            )
            await take_over_counter(tx, payment, Road.CASH, by=actor, reason="", vault=vault, now=now)
            return payment["id"]
    except UniqueViolationError:
        return await _same(once)


async def ask_phone(
    merchant_id: int, subscriber_id: int, *, phone: str, amount: str, form_key: str, now: datetime
) -> int:
    """Ask a phone for money by M-Pesa, into the wallet; the payment's id. The same form again is the same request.

    Invalid: no such number or amount; NotFound; Conflict: closed; TooMany; Unavailable: M-Pesa takes none now."""
    cents = read_amount(amount)
    try:
        number = phones.parse_phone(phone)
    except phones.PhoneError as error:
        raise Invalid({"phone": str(error)}) from error
    if not form_key:
        raise Conflict(OLD_PAGE)
    once = f"wallet:{merchant_id}:{form_key[:40]}"
    if (known := await DB.value("SELECT id FROM payments WHERE form_key = $1", once)) is not None:
        return known
    status = await DB.value(
        "SELECT status FROM subscribers WHERE id = $1 AND merchant_id = $2", subscriber_id, merchant_id
    )
    if status is None:
        raise NotFound
    if status == "closed":
        raise Conflict(CLOSED)
    await _throttle(subscriber_id, number, now=now)
    by, merchant = await collector(merchant_id, MPESA, now=now), await profile(merchant_id)
    try:
        async with atomic() as tx:
            payment_id = await ask_for_money(
                tx, None, by, price_cents=cents, merchant=merchant, phone=number, email="", subscriber_id=subscriber_id,
                now=now,
            )  # fmt: skip
            await tx.execute("UPDATE payments SET form_key = $2 WHERE id = $1", payment_id, once)
            return payment_id
    except UniqueViolationError:
        return await _same(once)


async def _throttle(subscriber_id: int, phone: str, *, now: datetime) -> None:
    rules = [(f"push:phone:{phone}:{window_s}", most, window_s) for most, window_s in PUSHES_PER_PHONE]
    rules.append((f"push:subscriber:{subscriber_id}", *_PER_SUBSCRIBER))
    for name, most, window_s in rules:
        if not await limits.hit(name, limit=most, window_s=window_s, now=now):
            raise TooMany(WAIT, retry_after=min(window_s, 600))


async def _same(once: str) -> int:
    found = await DB.value("SELECT id FROM payments WHERE form_key = $1", once)
    if found is None:
        raise Conflict(OLD_PAGE)
    return found
