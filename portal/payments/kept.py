"""Money kept for the payer's number, as a part of a price. Frozen on the payment when it is asked for, taken only when that number
pays the rest itself: its owner's PIN is the proof, so whoever types a stranger's number neither sees nor spends what is kept.

A request asks for one shilling at least, since without a request nothing would be proved. See portal.credit_purchases."""

from asyncpg import Record

from portal import customer_credits, payers
from portal.customer_credits import Credit
from portal.db import Tx
from portal.payments.receipts import Money
from portal.payments.targets import Target

#: M-Pesa asks for whole shillings, and for one at least.
STEP_CENTS = 100
#: Only the number a push went to can answer it.
_BY_PIN = frozenset({"stk_callback", "stk_query"})
_HASH_LENGTH = 64


def share(kept_cents: int, *, price_cents: int) -> int:
    """How much of what is kept may count towards a price: whole shillings, and one is left to be paid."""
    return max(0, min(kept_cents, price_cents - STEP_CENTS)) // STEP_CENTS * STEP_CENTS


def asked_cents(payment: Record) -> int:
    """What the payer is asked for: the price, less what is kept for the payer's number and was asked to count."""
    return payment["amount_cents"] - (payment["credit_cents"] or 0)


async def proved(tx: Tx, target: Target, paid: Money) -> Credit:
    """What counts towards the price beside this money, locked; nothing unless it is the number's own."""
    payment = target.payment
    if not payment["credit_cents"] or not _is_by_number(payment["phone"], paid):
        return Credit(0, 0)
    there = await customer_credits.found_for(tx, target.merchant_id, customer_credits.of_phone(payment["phone"]))
    return Credit(there.id, min(there.cents, payment["credit_cents"])) if there else Credit(0, 0)


def _is_by_number(phone: str, paid: Money) -> bool:
    """Answered by PIN, or told in full or by hash. A masked number fits a thousand others and proves nothing."""
    is_exact = paid.phone is not None or len(paid.payer_hint) == _HASH_LENGTH
    return paid.road in _BY_PIN or (is_exact and payers.agrees(phone, paid.phone, paid.payer_hint) is True)


async def came_before(tx: Tx, payment: Record, receipt: str | None) -> Record | None:
    """The receipt of a push's own money that another road told first, when nobody yet vouched for the payer: it waits as a part
    payment. `receipt` None: a query, which names none."""
    if not payment["credit_cents"]:
        return None
    return await tx.row(
        """SELECT * FROM receipts WHERE payment_id = $1 AND rail = 'mpesa' AND amount_cents = $2
           AND ($3::text IS NULL OR receipt = $3) ORDER BY id LIMIT 1""",
        payment["id"],
        asked_cents(payment),
        receipt,
    )
