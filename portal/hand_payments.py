"""Paying a checkout by hand: the business number, the account number and the exact amount that still completes it. Reads only.

The request's own reference is the account number: whichever of the two is paid, it is the same purchase."""

import msgspec

from portal.db import DB


class ByHand(msgspec.Struct, frozen=True, kw_only=True):
    """How a checkout is paid from M-Pesa's own menu. `is_till`: no account number can be typed there, so the M-Pesa code has to
    be told afterwards. `held_cents`: what came in for it so far and is kept."""

    number: str
    is_till: bool
    reference: str
    rest_cents: int
    held_cents: int


_HOW = """
SELECT a.party_b, a.transaction_type, p.account_reference, p.amount_cents,
       coalesce((SELECT -sum(e.amount_cents) FROM credits c JOIN ledger_entries e ON e.credit_id = c.id
                 WHERE c.merchant_id = p.merchant_id AND c.holder = 'ref:' || p.account_reference), 0)::bigint AS held
FROM checkouts o
JOIN LATERAL (SELECT * FROM payments p WHERE p.checkout_id = o.id ORDER BY p.status = 'paid' DESC, p.id DESC LIMIT 1) p ON true
JOIN mpesa_accounts a ON a.id = p.account_id
WHERE o.token = $1 AND o.voucher_id IS NULL AND p.status NOT IN ('paid', 'refund_pending', 'refunded')"""


async def of_checkout(token: str) -> ByHand | None:
    """How this checkout can be paid by hand; None when it is paid for, or not sold by M-Pesa."""
    row = await DB.row(_HOW, token)
    if row is None:
        return None
    return ByHand(
        number=row["party_b"], is_till=row["transaction_type"] == "CustomerBuyGoodsOnline",
        reference=row["account_reference"], rest_cents=max(0, row["amount_cents"] - row["held"]), held_cents=row["held"],
    )  # fmt: skip
