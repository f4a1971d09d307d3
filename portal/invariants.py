"""What must always be true of money, asked of the rows themselves: each question answers with the rows that break it. Reads only.

I1 what is paid for has its voucher, I2 the ledger balances, I3 a receipt counts once, I4 what may be used has a cause."""

import msgspec

from portal.db import DB

#: Each selects a text that names what is wrong; no row: all is well.
QUESTIONS: dict[str, str] = {
    "I1 a sale without its voucher": """
        SELECT 'payment ' || p.id FROM payments p JOIN ledger_postings l ON l.payment_id = p.id AND l.kind = 'sale'
        LEFT JOIN checkouts c ON c.id = p.checkout_id WHERE coalesce(p.voucher_id, c.voucher_id) IS NULL""",
    "I1 a voucher sold twice": """
        SELECT 'voucher ' || v.id FROM vouchers v JOIN payments p ON p.voucher_id = v.id
        JOIN ledger_postings l ON l.payment_id = p.id AND l.kind = 'sale'
        WHERE NOT EXISTS (SELECT FROM ledger_postings o WHERE o.reverses_id = l.id)
        GROUP BY v.id HAVING count(*) > 1 + (SELECT count(*) FROM events e WHERE e.entity = 'vouchers'
                                             AND e.entity_id = v.id AND e.name = 'extended')""",
    "I2 a posting that does not balance": """
        SELECT 'posting ' || posting_id FROM ledger_entries GROUP BY posting_id, currency HAVING sum(amount_cents) <> 0""",
    "I2 a customer's account below zero": """
        SELECT 'credit ' || credit_id FROM ledger_entries WHERE credit_id IS NOT NULL
        GROUP BY credit_id HAVING sum(amount_cents) > 0""",
    "I2 suspense is not what waits": """
        SELECT 'merchant ' || coalesce(merchant_id::text, 'none') FROM (
          SELECT merchant_id, amount_cents FROM ledger_entries WHERE account = 'suspense'
          UNION ALL SELECT merchant_id, amount_cents FROM suspense WHERE status = 'open') both_sides
        GROUP BY merchant_id HAVING sum(amount_cents) <> 0""",
    "I2 refunds are not what goes back": """
        SELECT 'refunds' FROM (SELECT coalesce(-sum(amount_cents), 0) AS booked FROM ledger_entries WHERE account = 'refunds') b,
          (SELECT coalesce(sum(amount_cents), 0) AS wanted FROM refunds WHERE status NOT IN ('done', 'dropped')) w
        WHERE b.booked <> w.wanted""",
    "I3 a receipt that was not booked once": """
        SELECT 'receipt ' || r.id FROM receipts r WHERE r.roads <> 'before' AND r.amount_cents IS DISTINCT FROM (
          SELECT sum(e.amount_cents) FROM ledger_postings l JOIN ledger_entries e ON e.posting_id = l.id
          LEFT JOIN payments p ON p.id = l.payment_id
          WHERE (e.account LIKE '%clearing' OR e.account = 'cash') AND e.amount_cents > 0
          AND NOT EXISTS (SELECT FROM ledger_postings o WHERE o.reverses_id = l.id)
          AND l.kind IN ('sale', 'part_payment', 'suspense', 'extra_payment', 'refund')
          AND (l.receipt = r.receipt OR (l.receipt IS NULL AND l.payment_id = r.payment_id AND p.receipt = r.receipt)))
          AND NOT EXISTS (SELECT FROM ledger_postings l WHERE l.receipt = r.receipt AND l.kind = 'resolution'
                          AND l.note = 'the receipt of a payment known before')""",
    "I3 two payments with one receipt": """
        SELECT 'receipt ' || receipt FROM payments WHERE receipt IS NOT NULL GROUP BY receipt HAVING count(*) > 1""",
    "I4 a voucher in use without a cause": """
        SELECT 'voucher ' || v.id FROM vouchers v WHERE v.status IN ('paid', 'in_use') AND NOT EXISTS (
          SELECT FROM payments p LEFT JOIN checkouts c ON c.id = p.checkout_id
          WHERE p.status IN ('paid', 'refund_pending', 'refunded') AND v.id IN (p.voucher_id, c.voucher_id))""",
}


class Breach(msgspec.Struct, frozen=True):
    """An invariant that is broken, and by which rows."""

    invariant: str
    rows: list[str]


async def breaches() -> list[Breach]:
    """Every invariant that is broken now; empty when money is as it should be."""
    found: list[Breach] = []
    for name, question in QUESTIONS.items():
        rows = await DB.fetch(question)
        if rows:
            found.append(Breach(name, [row[0] for row in rows]))
    return found
