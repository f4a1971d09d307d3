"""Money that came by itself, by any road: it finds its payment or voucher by the reference its payer typed, or waits in suspense."""

from datetime import datetime

import msgspec
from asyncpg import Record

from portal.agents import moneys
from portal.db import Tx
from portal.evidence import Inbound
from portal.ledger import Account, Entry
from portal.mpesa.questions import queue
from portal.payments import hold, matching, out_of_suspense, receipts, targets
from portal.payments.booking import method_of
from portal.payments.matching import Match
from portal.payments.outcomes import Settled, Taken
from portal.payments.receipts import Money
from portal.payments.receive import receive
from portal.states import E, move, note
from portal.vault import Vault

#: Rails a merchant may have keys of its own for, without an M-Pesa account.
_WITH_KEYS = frozenset({"airtel", "paystack"})


async def take(tx: Tx, inbound: Inbound, *, vault: Vault, now: datetime) -> Taken:
    """Take money in, once per receipt, inside the caller's transaction. Repeatable: a replay says KNOWN and changes nothing.

    An untrusted message credits nothing: it queues a question to the provider and says TO_VERIFY. ValueError: no receipt, or
    no amount; such a message is for a person to read."""
    if not inbound.receipt or inbound.amount_cents <= 0:
        raise ValueError("money without a receipt or an amount")
    rail = receipts.rail_of(inbound.road)
    known = await tx.row(
        "SELECT id, payment_id, amount_cents FROM receipts WHERE rail = $1 AND receipt = $2", rail, inbound.receipt
    )
    if not inbound.is_trusted:
        return await _to_verify(tx, inbound, known, now=now)
    account, owner = await receipts.clearing(tx, rail, inbound.account_id)
    if inbound.account_id is None and inbound.merchant_id is not None:
        owner = inbound.merchant_id
        account = Account.OWN_CLEARING if rail in _WITH_KEYS else account  # its own keys proved it
    match = Match() if known and known["payment_id"] else await matching.find(tx, inbound, owner=owner, now=now)
    payment = await _payment(tx, match, inbound, now=now)  # locked before the receipt, as by every road
    seen = await receipts.see(
        tx, rail=rail, receipt=inbound.receipt, amount_cents=inbound.amount_cents, currency=inbound.currency,
        road=inbound.road, merchant_id=owner, account_id=inbound.account_id, payment_id=None, typed=inbound.reference,
        phone=inbound.phone, payer_hint=inbound.payer_hint, payer_name=inbound.payer_name,
        happened_at=inbound.happened_at, now=now,
    )  # fmt: skip
    if not seen["is_new"] and seen["amount_cents"] != inbound.amount_cents:
        await _differs(tx, seen, inbound, now=now)
        return Taken(settled=Settled.RECEIPT_USED, payment_id=seen["payment_id"])
    if seen["payment_id"] is not None:
        return Taken(settled=Settled.KNOWN, payment_id=seen["payment_id"])
    paid = Money(
        road=inbound.road, rail=rail, amount_cents=seen["amount_cents"], currency=seen["currency"],
        receipt=seen["receipt"], receipt_id=seen["id"], account_id=inbound.account_id, phone=seen["phone"],
        payer_hint=seen["payer_hint"], source=Entry(account, seen["amount_cents"]),
    )  # fmt: skip
    return await _give(tx, seen, paid, payment, match, owner=owner, vault=vault, now=now)


async def _to_verify(tx: Tx, inbound: Inbound, known: Record | None, *, now: datetime) -> Taken:
    """Have the provider asked about money that may be made up; nothing is asked about what we have."""
    if known is not None:
        return Taken(settled=Settled.KNOWN, payment_id=known["payment_id"])
    if inbound.account_id is not None:
        await queue(
            tx, "status", account_id=inbound.account_id, about=inbound.receipt, by="untrusted", now=now, hurries=False
        )
    return Taken(settled=Settled.TO_VERIFY)


async def _give(
    tx: Tx, seen: Record, paid: Money, payment: Record | None, match: Match, *, owner: int | None, vault: Vault,
    now: datetime,
) -> Taken:  # fmt: skip
    """Give money whose receipt nobody owns yet to the payment it matches, out of suspense when it waited there."""
    waiting = None if seen["is_new"] else await out_of_suspense.open_row(tx, seen["id"])
    if not seen["is_new"] and (waiting is None or payment is None or not paid.is_whole):
        return Taken(settled=Settled.KNOWN, suspense_id=await _suspense_of(tx, seen["id"]))
    if waiting is not None:
        paid = msgspec.structs.replace(paid, source=out_of_suspense.source(waiting))
    if match.agent_id is not None and paid.is_whole:
        merchant_id = await moneys.arrived(
            tx, match.agent_id, paid.source, receipt=seen["receipt"], road=paid.road, currency=paid.currency, now=now
        )
        await receipts.given(tx, seen["id"], merchant_id=merchant_id)
        return Taken(settled=Settled.CREDITED)
    if payment is None:
        await hold.in_suspense(tx, paid, match.why, merchant_id=owner, now=now)
        return Taken(settled=Settled.SUSPENSE, suspense_id=await _suspense_of(tx, seen["id"]))
    settled = await receive(tx, await targets.load(tx, payment), paid, vault=vault, now=now)
    if settled not in out_of_suspense.STAYS:
        if waiting is not None:
            await out_of_suspense.close(tx, waiting, "attached", by=paid.road, now=now)
        await _linked(tx, match, payment, paid, now=now)
    booked = await tx.value("SELECT payment_id FROM receipts WHERE id = $1", seen["id"])
    return Taken(settled=settled, payment_id=booked, suspense_id=None if booked else await _suspense_of(tx, seen["id"]))


async def _payment(tx: Tx, match: Match, inbound: Inbound, *, now: datetime) -> Record | None:
    if match.payment_id is not None:
        return await tx.row("SELECT * FROM payments WHERE id = $1 FOR UPDATE", match.payment_id)
    if match.voucher_id is not None:
        return await targets.for_voucher(
            tx,
            match.voucher_id,
            method=method_of(inbound.road),
            phone=inbound.phone,
            account_id=inbound.account_id,
            now=now,
        )
    if match.subscriber_id is not None:
        return await targets.for_subscriber(
            tx, match.subscriber_id, method=method_of(inbound.road), amount_cents=inbound.amount_cents,
            phone=inbound.phone, account_id=inbound.account_id, now=now,
        )  # fmt: skip
    return None


async def _linked(tx: Tx, match: Match, payment: Record, paid: Money, *, now: datetime) -> None:
    if match.claim_id is not None:
        await move(tx, "claims", match.claim_id, E.LINK, at=now, actor=paid.road, closed_at=now, outcome="linked")
    if match.is_guess:
        await note(
            tx, "payments", payment["id"], "reference_guessed", merchant_id=payment["merchant_id"], at=now,
            actor=paid.road, data={"receipt": paid.receipt},
        )  # fmt: skip


async def _suspense_of(tx: Tx, receipt_id: int) -> int | None:
    return await tx.value("SELECT id FROM suspense WHERE receipt_id = $1 ORDER BY id DESC LIMIT 1", receipt_id)


async def _differs(tx: Tx, seen: Record, inbound: Inbound, *, now: datetime) -> None:
    """Two roads tell different amounts for one receipt: the first stands, and a person should look."""
    data = {"road": inbound.road, "receipt": inbound.receipt, "amount_cents": inbound.amount_cents}
    await note(
        tx, "receipts", seen["id"], "amount_differs", merchant_id=seen["merchant_id"], at=now, actor=inbound.road,
        data=data | {"first_cents": seen["amount_cents"]},
    )  # fmt: skip
