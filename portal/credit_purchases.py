"""Buying on the captive page with money kept for a phone number: what an overpayment left, or a refund as credit.

Anybody can type anybody's number, so a number alone shows and spends nothing. Two proofs are taken, and no page tells how much is
kept. *The PIN*: the request to the phone asks for what is missing, one shilling at least, and only when it is paid does the rest
come out of what is kept (`payments.kept`). *An M-Pesa code*: whoever names one of the number's own payments here of the last 90
days has had M-Pesa's SMS; then what is kept may pay for everything, without a request. Tries are counted per device, router and
number; a wrong code, a number nothing is kept for and another's code get the same words. The number is told by SMS.
A code by SMS was left out: it costs the shop for every try of a stranger, and reaches nobody whose phone is out of reach."""

import hashlib
from datetime import datetime, timedelta

from portal import checkouts, customer_credits, limits, merchants, messages, packages, phones, vouchers
from portal.customer_credits import Credit
from portal.db import DB, Tx, atomic
from portal.devices import DeviceHint
from portal.errors import Invalid, TooMany
from portal.ledger import Account, Entry
from portal.merchants import MerchantView
from portal.messages import Told
from portal.money import format_amount
from portal.mpesa import sms_text
from portal.msgid import N_
from portal.packages import PackageView
from portal.payments import receipts, targets
from portal.payments.receipts import Money
from portal.payments.receive import receive
from portal.routers import RouterView
from portal.states import note
from portal.vault import Vault

#: Wrong codes for one number, at any of a merchant's routers.
TRIES_PER_NUMBER = (6, 3600)
PROVES_FOR = timedelta(days=90)
NO_CODE = N_("Type the 10 letters and digits of the M-Pesa code, or paste the whole SMS.")
NOT_PROVED = N_("This M-Pesa code and phone number do not open anything here. Check both, or ask at the counter.")
TOO_MANY = N_("Too many codes were tried. Wait an hour, or leave the code empty.")
RAIL = "credit"


async def buy(
    router: RouterView, package_id: int, *, phone: str, pasted: str, device: DeviceHint, form_key: str, language: str,
    vault: Vault, now: datetime, seen: str = "",
) -> str:  # fmt: skip
    """Buy with what is kept for a number; the checkout's token. With a code that proves the number, at once when it covers the
    price; else a request goes to the phone for what is missing. The same form twice is one purchase.

    Invalid: number or code; of the package: see packages.to_sell; TooMany; Unavailable: nothing is sold, or requested, now."""
    payer = _payer(phone)
    if pasted.strip():
        code = _code(pasted)
        await _throttle(router, device, payer=payer, now=now)
        await _prove(router.merchant_id, payer, code, now=now)
        package = await packages.to_sell(router.id, router.merchant_id, package_id, seen=seen, now=now)
        merchant = await merchants.profile(router.merchant_id)
        checkouts.selling(router, merchant)
        token = await _at_once(
            router, package, merchant, payer=payer, code=code, device=device, form_key=form_key, language=language,
            vault=vault, now=now,
        )  # fmt: skip
        if token is not None:
            return token
    return await checkouts.start(
        router, package_id, phone=phone, device=device, form_key=form_key, language=language, uses_kept=True, seen=seen,
        now=now,
    )  # fmt: skip


def _payer(phone: str) -> str:
    try:
        return phones.parse_phone(phone)
    except phones.PhoneError as error:
        raise Invalid({"phone": str(error)}) from error


def _code(pasted: str) -> str:
    read = sms_text.read(pasted)
    if read is None:
        raise Invalid({"receipt": NO_CODE})
    return read.receipt


async def _throttle(router: RouterView, device: DeviceHint, *, payer: str, now: datetime) -> None:
    await vouchers.throttle(router, device, now=now)
    most, window_s = TRIES_PER_NUMBER
    if not await limits.hit(f"kept:{router.merchant_id}:{payer}", limit=most, window_s=window_s, now=now):
        raise TooMany(TOO_MANY, retry_after=window_s)


async def _prove(merchant_id: int, payer: str, code: str, *, now: datetime) -> None:
    """Invalid unless the code is of a payment of exactly this number to this merchant. A masked number is not exact."""
    is_own = await DB.value(
        """SELECT EXISTS (SELECT FROM receipts WHERE rail = 'mpesa' AND receipt = $2 AND merchant_id = $1 AND created_at > $5
                          AND (phone = $3 OR lower(payer_hint) = $4))""",
        merchant_id,
        code,
        payer,
        hashlib.sha256(payer.encode()).hexdigest(),
        now - PROVES_FOR,
    )
    if not is_own:
        raise Invalid({"receipt": NOT_PROVED})


async def _at_once(
    router: RouterView, package: PackageView, merchant: MerchantView, *, payer: str, code: str, device: DeviceHint,
    form_key: str, language: str, vault: Vault, now: datetime,
) -> str | None:  # fmt: skip
    """Sell for what is kept alone; None when that is less than the price."""
    async with atomic() as tx:
        there = await customer_credits.found_for(tx, merchant.id, customer_credits.of_phone(payer))
        known = await tx.value(
            "SELECT token FROM checkouts WHERE form_key = $1 AND router_id = $2", form_key, router.id
        )
        if known is not None or there is None or there.cents < package.price_cents:
            return known
        checkout_id, token = await checkouts.insert(
            tx, router, package, merchant, phone=payer, device=device, form_key=form_key, language=language, now=now
        )
        if checkout_id is not None:
            await _pay(tx, checkout_id, there, merchant=merchant, payer=payer, code=code, vault=vault, now=now)
        return token


async def _pay(
    tx: Tx,
    checkout_id: int,
    there: Credit,
    *,
    merchant: MerchantView,
    payer: str,
    code: str,
    vault: Vault,
    now: datetime,
) -> None:
    checkout = await tx.row("SELECT * FROM checkouts WHERE id = $1", checkout_id)
    assert checkout is not None  # made a moment ago
    price = checkout["price_cents"]
    payment = await targets.new_payment(
        tx, merchant_id=merchant.id, method="credit", amount_cents=price, currency=merchant.currency, phone=payer,
        checkout_id=checkout_id, commission=checkout["commission_bp"], now=now,
    )  # fmt: skip
    paid = await from_credit(tx, payment["id"], there, cents=price, currency=merchant.currency, payer=payer, now=now)
    await receive(tx, await targets.load(tx, payment), paid, vault=vault, now=now)
    data = {"kept_cents": price, "road": RAIL, "proof": code}
    await note(
        tx, "payments", payment["id"], "credit_used", merchant_id=merchant.id, at=now, actor="customer", data=data
    )
    params = {"shop": merchant.name, "amount": format_amount(price, merchant.currency)}
    await messages.write(
        tx, Told.CREDIT_USED, f"payment:{payment['id']}", merchant_id=merchant.id, phone=payer, params=params, now=now
    )


async def from_credit(
    tx: Tx, payment_id: int, there: Credit, *, cents: int, currency: str, payer: str | None, now: datetime
) -> Money:
    """A part of a customer's credit as money a payment can take, with a receipt of ours, so that it can be given back by it."""
    name = f"CREDIT-{payment_id}"
    merchant_id = await tx.value("SELECT merchant_id FROM payments WHERE id = $1", payment_id)
    seen = await receipts.see(
        tx, rail=RAIL, receipt=name, amount_cents=cents, currency=currency, road=RAIL, merchant_id=merchant_id,
        account_id=None, payment_id=payment_id, phone=payer, now=now,
    )  # fmt: skip
    return Money(
        road=RAIL, rail=RAIL, amount_cents=cents, currency=currency, receipt=name, receipt_id=seen["id"], account_id=None,
        phone=payer, payer_hint="", source=Entry(Account.CUSTOMER_CREDIT, cents, there.id), is_decided=True,
    )  # fmt: skip
