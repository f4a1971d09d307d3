"""By which way a checkout's money is asked for: the account that takes it, and the payment that asks. Nothing is sent from here."""

from datetime import datetime

import msgspec

from portal import codes
from portal.db import DB, Tx
from portal.errors import Invalid, Unavailable
from portal.merchants import MerchantView
from portal.msgid import N_
from portal.payments import pace
from portal.rails.accounts import ways_to_pay
from portal.work import Work, defer

MPESA = "mpesa"
#: The ways whose payers must name a number: a request goes to it.
RINGS = frozenset({"mpesa", "airtel"})
METHODS = {MPESA: "stk"}
_MOST_EMAIL = 120
WRITE_EMAIL = N_("Write your e-mail address, like amina@example.com, or leave it empty.")


class Collector(msgspec.Struct, frozen=True, kw_only=True):
    """The account that takes the money: an M-Pesa account, or one of another rail."""

    way: str
    account_id: int | None
    rail_account_id: int | None

    @property
    def method(self) -> str:
        """How payments name this way."""
        return METHODS.get(self.way, self.way)


async def collector(merchant_id: int, way: str, *, now: datetime) -> Collector:
    """Who takes money this way; Unavailable when nobody does, or none can be taken now."""
    if way == MPESA:
        return await _by_mpesa(merchant_id, now=now)
    for offered in await ways_to_pay(merchant_id):
        if offered.rail == way:
            return Collector(way=way, account_id=None, rail_account_id=offered.account_id)
    raise Unavailable(N_("This way to pay is not set up here. Choose another one."))


async def _by_mpesa(merchant_id: int, *, now: datetime) -> Collector:
    if await pace.is_away(merchant_id, now=now):
        raise Unavailable(N_("M-Pesa does not answer right now. Payments are paused so that you do not lose money."))
    account_id = await DB.value(
        """SELECT id FROM mpesa_accounts WHERE merchant_id = $1 OR merchant_id IS NULL
           ORDER BY merchant_id NULLS LAST, id DESC LIMIT 1""",
        merchant_id,
    )
    if account_id is None:
        raise Unavailable(N_("Paying by M-Pesa is not set up here yet. Ask at the counter."))
    return Collector(way=MPESA, account_id=account_id, rail_account_id=None)


def read_email(typed: str) -> str:
    """An address for the provider's receipt, or none; Invalid for what is no address."""
    email = typed.strip()
    name, _, host = email.rpartition("@")
    is_plain = email.isascii() and email.isprintable() and " " not in email
    if email and not (name and "." in host.strip(".") and is_plain and len(email) <= _MOST_EMAIL):
        raise Invalid({"email": WRITE_EMAIL})
    return email


async def ask_for_money(
    tx: Tx,
    checkout_id: int | None,
    by: Collector,
    *,
    price_cents: int,
    merchant: MerchantView,
    phone: str,
    email: str,
    now: datetime,
    credit_cents: int | None = None,
    subscriber_id: int | None = None,
    voucher_id: int | None = None,
) -> int:
    """Make the payment of a checkout, of a voucher that waits to be sold, or into a subscriber's wallet, and queue its sending, in
    the transaction that makes the checkout; the payment's id. `credit_cents`: see payments.kept."""
    while True:
        payment_id = await tx.value(
            """INSERT INTO payments (merchant_id, checkout_id, account_id, rail_account_id, method, amount_cents, currency, phone,
                                     email, account_reference, callback_token, credit_cents, subscriber_id, voucher_id, created_at,
                                     next_try_at)
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $15) ON CONFLICT DO NOTHING RETURNING id""",
            merchant.id,
            checkout_id,
            by.account_id,
            by.rail_account_id,
            by.method,
            price_cents,
            merchant.currency,
            phone,
            email,
            codes.payment_reference(),
            codes.hex_token(32),
            credit_cents,
            subscriber_id,
            voucher_id,
            now,
        )
        if payment_id is not None:
            work = Work.PUSH_PAYMENT if by.rail_account_id is None else Work.START_RAIL
            await defer(tx, work, payment_id)
            return payment_id
