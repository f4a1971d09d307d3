"""Claims: "I already paid". A customer names an M-Pesa code or pastes the SMS. A claim is never money: it links to money we have,
or asks M-Pesa about it; and it says the same whatever it found, until the device is paid for."""

from datetime import datetime

import msgspec
from asyncpg import Record

from portal import limits, payers, phones, vouchers
from portal.db import DB, Tx, atomic
from portal.devices import DeviceHint
from portal.errors import Invalid, NotFound, TooMany
from portal.mpesa import sms_text
from portal.mpesa.questions import queue
from portal.msgid import N_
from portal.payments import out_of_suspense, targets
from portal.payments.receipts import Money
from portal.payments.receive import receive
from portal.routers import RouterView
from portal.states import E, move, note
from portal.vault import Vault

TRIES_PER_CHECKOUT = (5, 600)
TRIES_PER_ROUTER = (60, 600)
NO_CODE = N_("Type the 10 letters and digits of the M-Pesa code, or paste the whole SMS.")
NOT_PROVED = N_("This M-Pesa code and phone number do not open anything here. Check both, or ask at the counter.")
TOO_MANY = N_("Too many codes were tried. Wait ten minutes and try again.")


class Claimed(msgspec.Struct, frozen=True):
    """The answer to a claim: the checkout is paid for, or the payment is still looked for."""

    is_paid: bool


async def claim_by_receipt(token: str, pasted: str, *, vault: Vault, now: datetime) -> Claimed:
    """A customer says that a payment was for this checkout. Safe to repeat.

    Money in suspense is given to the checkout when the payer M-Pesa told may be the checkout's phone; else a person decides.
    Invalid: no code in it. NotFound: no such checkout. TooMany."""
    await _throttle(token, now=now)
    receipt = _receipt(pasted)
    async with atomic() as tx:
        checkout = await tx.row("SELECT * FROM checkouts WHERE token = $1", token)
        if checkout is None:
            raise NotFound
        if checkout["voucher_id"] is not None:
            return Claimed(is_paid=True)
        claim_id = await _note_claim(tx, checkout, receipt, now=now)
        payment = await tx.row(
            "SELECT * FROM payments WHERE checkout_id = $1 ORDER BY id DESC LIMIT 1 FOR UPDATE", checkout["id"]
        )
        if payment is None:
            return Claimed(is_paid=False)
        known = await tx.row("SELECT * FROM receipts WHERE rail = 'mpesa' AND receipt = $1 FOR UPDATE", receipt)
        if known is None:
            if payment["account_id"] is not None:
                await queue(
                    tx, "status", account_id=payment["account_id"], about=receipt, by="claim", now=now, hurries=False
                )
        elif known["payment_id"] is not None:
            await move(tx, "claims", claim_id, E.REFUSE, at=now, actor="customer", closed_at=now, outcome="used")
        else:
            await _link(tx, claim_id, checkout, payment, known, vault=vault, now=now)
        paid = await tx.value("SELECT voucher_id IS NOT NULL FROM checkouts WHERE id = $1", checkout["id"])
        return Claimed(is_paid=paid)


async def _throttle(token: str, *, now: datetime) -> None:
    router_id = await DB.value("SELECT router_id FROM checkouts WHERE token = $1", token)
    if router_id is None:
        raise NotFound
    rules = ((f"claim:{token}", TRIES_PER_CHECKOUT), (f"claim-router:{router_id}", TRIES_PER_ROUTER))
    for name, (most, window_s) in rules:
        if not await limits.hit(name, limit=most, window_s=window_s, now=now):
            raise TooMany(TOO_MANY, retry_after=window_s)


def _receipt(pasted: str) -> str:
    read = sms_text.read(pasted)
    if read is None:
        raise Invalid({"receipt": NO_CODE})
    return read.receipt


async def _note_claim(tx: Tx, checkout: Record, receipt: str, *, now: datetime) -> int:
    """The claim's row: one per checkout and receipt, however often it is made."""
    return await tx.value(
        """INSERT INTO claims (merchant_id, checkout_id, receipt, created_at) VALUES ($1, $2, $3, $4)
           ON CONFLICT (checkout_id, receipt) DO UPDATE SET receipt = excluded.receipt RETURNING id""",
        checkout["merchant_id"],
        checkout["id"],
        receipt,
        now,
    )


async def _link(
    tx: Tx, claim_id: int, checkout: Record, payment: Record, known: Record, *, vault: Vault, now: datetime
) -> None:
    """Give suspended money to the checkout that claims it, if the payer may be the same and it came in where this shop sells."""
    waiting = await out_of_suspense.open_row(tx, known["id"])
    is_ours = known["merchant_id"] in (None, checkout["merchant_id"])
    if waiting is None or not is_ours or not payers.agrees(checkout["phone"], known["phone"], known["payer_hint"]):
        return
    paid = Money(
        road="claim", rail="mpesa", amount_cents=known["amount_cents"], currency=known["currency"],
        receipt=known["receipt"], receipt_id=known["id"], account_id=known["account_id"], phone=checkout["phone"],
        payer_hint=known["payer_hint"], source=out_of_suspense.source(waiting),
    )  # fmt: skip
    settled = await receive(tx, await targets.load(tx, payment), paid, vault=vault, now=now)
    if settled not in out_of_suspense.STAYS:
        await out_of_suspense.close(tx, waiting, "attached", by="customer", now=now)
        await move(tx, "claims", claim_id, E.LINK, at=now, actor="customer", closed_at=now, outcome=str(settled))


async def release_by_receipt(
    router: RouterView, device: DeviceHint, *, phone: str, pasted: str, vault: Vault, now: datetime
) -> str:
    """Let a device in on a voucher that was paid for by hand, for whoever knows the payer's number and the M-Pesa code; the
    token of its page. Guesses are counted like typed voucher codes, and every wrong one gets the same words."""
    await vouchers.throttle(router, device, now=now)
    receipt = _receipt(pasted)
    try:
        payer = phones.parse_phone(phone)
    except phones.PhoneError as error:
        raise Invalid({"phone": str(error)}) from error
    async with atomic() as tx:
        row = await tx.row(
            """SELECT p.voucher_id, r.phone, r.payer_hint FROM receipts r JOIN payments p ON p.id = r.payment_id
               WHERE r.rail = 'mpesa' AND r.receipt = $1 AND p.merchant_id = $2 AND p.status = 'paid'""",
            receipt,
            router.merchant_id,
        )
        token = None
        if row is not None and row["voucher_id"] and payers.agrees(payer, row["phone"], row["payer_hint"]):
            token = await vouchers.let_in(tx, row["voucher_id"], router, device, vault=vault, now=now)
        if token is None or row is None:
            raise Invalid({"receipt": NOT_PROVED})
        await note(
            tx, "vouchers", row["voucher_id"], "released", merchant_id=router.merchant_id, at=now, actor="customer",
            data={"receipt": receipt},
        )  # fmt: skip
        return token
