"""The questions behind the invariants: each selects texts that name the rows that break it; no row, all is well. SQL only.

A look every few minutes reads what is live and the newest rows; a whole look, once a night, reads everything. `{payments}`
and the like stand for the lowest id to look at, `$1` for now."""

#: Tables a look may read from their newest rows on, by the name the questions use.
BOUNDED = ("payments", "ledger_postings", "receipts", "vouchers", "checkouts")

QUESTIONS: dict[str, str] = {
    "I1 a sale without its voucher": """
        SELECT 'payment ' || p.id FROM ledger_postings l JOIN payments p ON p.id = l.payment_id
        LEFT JOIN checkouts c ON c.id = p.checkout_id
        WHERE l.id >= {ledger_postings} AND l.kind = 'sale' AND coalesce(p.voucher_id, c.voucher_id) IS NULL""",
    "I1 a voucher sold twice": """
        SELECT 'voucher ' || v.id FROM payments p JOIN vouchers v ON v.id = p.voucher_id
        JOIN ledger_postings l ON l.payment_id = p.id AND l.kind = 'sale'
        WHERE p.id >= {payments} AND NOT EXISTS (SELECT FROM ledger_postings o WHERE o.reverses_id = l.id)
        GROUP BY v.id HAVING count(*) > 1 AND count(*) > 1 + (SELECT count(*) FROM events e
          WHERE e.entity = 'vouchers' AND e.entity_id = v.id AND e.name = 'extended')""",
    "I1 a paid payment without a sale": """
        SELECT 'payment ' || p.id FROM payments p WHERE p.id >= {payments} AND p.status = 'paid'
        AND NOT EXISTS (SELECT FROM ledger_postings l WHERE l.payment_id = p.id)""",
    "I1 a checkout's voucher that nobody paid": """
        SELECT 'checkout ' || c.id FROM checkouts c WHERE c.id >= {checkouts} AND c.voucher_id IS NOT NULL
        AND EXISTS (SELECT FROM payments p WHERE p.checkout_id = c.id)
        AND NOT EXISTS (SELECT FROM payments p WHERE p.checkout_id = c.id
                        AND p.status IN ('paid', 'refund_pending', 'refunded'))""",
    "I2 a posting that does not balance": """
        SELECT 'posting ' || posting_id FROM ledger_entries WHERE posting_id >= {ledger_postings}
        GROUP BY posting_id, currency HAVING sum(amount_cents) <> 0""",
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
    "I2 payouts are not what is on its way": """
        SELECT 'merchant ' || merchant_id FROM (
          SELECT merchant_id, amount_cents FROM ledger_entries WHERE account = 'payouts'
          UNION ALL SELECT merchant_id, amount_cents FROM payouts WHERE status NOT IN ('done', 'dropped')) both_sides
        GROUP BY merchant_id HAVING sum(amount_cents) <> 0""",
    "I2 an agent's sale that is on nobody's account": """
        SELECT 'payment ' || p.id FROM payments p JOIN vouchers v ON v.id = p.voucher_id
        WHERE p.id >= {payments} AND p.method = 'cash' AND p.float_id IS NULL AND v.allotment_id IS NOT NULL
        AND EXISTS (SELECT FROM ledger_postings l WHERE l.payment_id = p.id AND l.kind = 'sale')
        AND NOT EXISTS (SELECT FROM ledger_postings l WHERE l.payment_id = p.id AND l.kind = 'agent_sale')""",
    "I2 agents' money is not what was written down": """
        SELECT 'agent ' || agent_id FROM (
          SELECT e.agent_id, e.amount_cents FROM ledger_entries e JOIN ledger_postings l ON l.id = e.posting_id
          WHERE e.agent_id IS NOT NULL AND e.account = 'agents' AND l.kind = 'agent_money'
          UNION ALL SELECT agent_id, amount_cents FROM agent_moneys) both_sides
        GROUP BY agent_id HAVING sum(amount_cents) <> 0""",
    "I3 a receipt that was not booked once": """
        SELECT 'receipt ' || r.id FROM receipts r WHERE r.id >= {receipts} AND r.roads <> 'before' AND r.rail <> 'credit'
          AND r.amount_cents IS DISTINCT FROM (
          SELECT sum(e.amount_cents) FROM ledger_postings l JOIN ledger_entries e ON e.posting_id = l.id
          LEFT JOIN payments p ON p.id = l.payment_id
          WHERE (e.account LIKE '%clearing' OR e.account = 'cash') AND e.amount_cents > 0
          AND NOT EXISTS (SELECT FROM ledger_postings o WHERE o.reverses_id = l.id)
          AND l.kind IN ('sale', 'part_payment', 'suspense', 'extra_payment', 'refund', 'wallet', 'agent_money')
          AND l.id IN (SELECT id FROM ledger_postings WHERE receipt = r.receipt
                       UNION ALL SELECT id FROM ledger_postings WHERE payment_id = r.payment_id AND receipt IS NULL)
          AND (l.receipt = r.receipt OR p.receipt = r.receipt))
          AND NOT EXISTS (SELECT FROM ledger_postings l WHERE l.receipt = r.receipt AND l.kind = 'resolution'
                          AND l.note = 'the receipt of a payment known before')""",
    "I3 two payments with one receipt": """
        SELECT 'receipt ' || p.receipt FROM payments p WHERE p.id >= {payments} AND p.receipt IS NOT NULL
        AND EXISTS (SELECT FROM payments o WHERE o.receipt = p.receipt AND o.id < p.id
                    AND (o.method IN ('stk', 'c2b') AND p.method IN ('stk', 'c2b') OR o.method = p.method))""",
    "I4 a voucher in use without a cause": """
        SELECT 'voucher ' || v.id FROM vouchers v WHERE v.status IN ('paid', 'in_use') AND v.id >= {vouchers}
        AND NOT EXISTS (SELECT FROM subscribers s WHERE s.voucher_id = v.id)
        AND NOT EXISTS (SELECT FROM imported_codes i WHERE i.voucher_id = v.id)
        AND NOT EXISTS (SELECT FROM payments p WHERE p.voucher_id = v.id AND p.status IN ('paid', 'refund_pending', 'refunded'))
        AND NOT EXISTS (SELECT FROM checkouts c JOIN payments p ON p.checkout_id = c.id
                        WHERE c.voucher_id = v.id AND p.status IN ('paid', 'refund_pending', 'refunded'))
        AND NOT EXISTS (SELECT FROM checkouts c JOIN redemptions d ON d.checkout_id = c.id
                        WHERE c.voucher_id = v.id AND d.off_cents = d.price_cents)
        AND NOT (v.price_cents = 0 AND EXISTS (SELECT FROM events e WHERE e.entity = 'vouchers' AND e.entity_id = v.id
                                               AND e.name = 'given_as_trial'))""",
    "I5 a voucher in use that no router is to let in": """
        SELECT 'voucher ' || v.id FROM vouchers v WHERE v.status = 'in_use' AND (v.expires_at IS NULL OR v.expires_at > $1::timestamptz)
        AND NOT EXISTS (SELECT FROM access_grants g WHERE g.voucher_id = v.id AND (g.status IN ('wanted', 'present')
          OR g.status = 'ending' AND EXISTS (SELECT FROM subscribers s JOIN subscriber_devices d ON d.subscriber_id = s.id
                                             WHERE s.voucher_id = v.id AND d.removed_at IS NOT NULL)))""",
    "I5 a checkout sold and nobody to let in": """
        SELECT 'checkout ' || c.id FROM checkouts c JOIN vouchers v ON v.id = c.voucher_id
        WHERE c.id >= {checkouts} AND v.status IN ('paid', 'in_use') AND (v.expires_at IS NULL OR v.expires_at > $1::timestamptz)
        AND NOT EXISTS (SELECT FROM access_grants g WHERE g.voucher_id = v.id)""",
    "I6 work held by somebody who gives no sign": """
        SELECT 'queue ' || id FROM pgqueuer WHERE status = 'picked' AND heartbeat < now() - interval '60 seconds'
        UNION ALL SELECT 'run ' || id FROM job_runs
        WHERE status = 'running' AND started_at < now() - interval '45 minutes' AND NOT EXISTS (
          SELECT FROM job_places p WHERE p.run_id = job_runs.id AND p.beat_at > now() - interval '60 seconds')""",
    "I7 a callback nobody handled for a minute": """
        SELECT 'callback ' || id FROM callbacks WHERE handled_at IS NULL AND received_at < $1::timestamptz - interval '60 seconds'
        AND verdict IS NULL""",
}
