"""Our books beside M-Pesa's, row by row: what came in, what was given for it, and where the two differ."""

from collections import Counter, defaultdict
from dataclasses import dataclass, field

from bench.chaos.stage import Stage
from portal import invariants
from portal.patience import patiently

#: One row per checkout: what we booked for it, and what it got. A second receipt makes a payment of its own at the same checkout.
_OURS = """
SELECT c.id, min(p.account_reference) FILTER (WHERE p.submitted_at IS NOT NULL OR p.id = first.id) AS reference,
       c.price_cents, c.voucher_id IS NOT NULL AS has_voucher,
       count(*) FILTER (WHERE p.status = 'paid') AS paid,
       (SELECT count(*) FROM access_grants g WHERE g.voucher_id = c.voucher_id) AS grants,
       coalesce(sum(b.booked), 0)::bigint AS booked, coalesce(sum(b.sales), 0)::bigint AS sales
FROM checkouts c JOIN payments p ON p.checkout_id = c.id
JOIN LATERAL (SELECT id FROM payments f WHERE f.checkout_id = c.id ORDER BY id LIMIT 1) first ON true
LEFT JOIN LATERAL (
  SELECT sum(e.amount_cents) FILTER (WHERE e.account LIKE '%clearing') AS booked,
         count(DISTINCT l.id) FILTER (WHERE l.kind = 'sale' AND NOT EXISTS (
           SELECT FROM ledger_postings o WHERE o.reverses_id = l.id)) AS sales
  FROM ledger_postings l JOIN ledger_entries e ON e.posting_id = l.id WHERE l.payment_id = p.id) b ON true
GROUP BY c.id"""

#: What is still under way.
_OPEN = """
SELECT (SELECT count(*) FROM payments WHERE status IN ('created', 'submitting', 'pending')) AS payments,
       (SELECT count(*) FROM callbacks WHERE handled_at IS NULL) AS callbacks,
       (SELECT count(*) FROM callbacks c JOIN payments p ON p.id = c.payment_id
        WHERE c.verdict IN ('waiting', 'lent') AND p.checkout_request_id IS NOT NULL) AS unproved"""


@dataclass
class Verdict:
    """How the two sets of books differ. `lost` and `double` name references; both must be empty."""

    rows: int = 0
    matched: int = 0
    lost: list[str] = field(default_factory=list[str])
    double: list[str] = field(default_factory=list[str])
    odd: list[str] = field(default_factory=list[str])
    imbalance_cents: int = 0
    clearing_off_cents: int = 0
    vouchers_off: int = 0
    breaches: list[str] = field(default_factory=list[str])

    @property
    def is_clean(self) -> bool:
        """Whether not a cent and not a voucher is off."""
        off = (self.lost, self.double, self.odd, self.imbalance_cents, self.clearing_off_cents, self.vouchers_off)
        return not any((*off, self.breaches))


async def still_open(stage: Stage) -> dict[str, int]:
    """How much is not settled yet, also money M-Pesa took and we have not booked."""
    row = (await stage.ask(_OPEN))[0]
    found = {name: int(str(value)) for name, value in row.items()}
    booked = await stage.ask(
        "SELECT coalesce(sum(amount_cents), 0)::bigint AS cents FROM ledger_entries WHERE account LIKE '%clearing'"
    )
    taken = sum(row.amount_cents for row in stage.daraja.world.ledger)
    return found | {"shillings": abs(taken - int(str(booked[0]["cents"]))) // 100}


async def compare(stage: Stage) -> Verdict:
    """Every checkout of ours with every row of M-Pesa's ledger, and every receipt of theirs with ours."""
    verdict = Verdict()
    taken: defaultdict[str, int] = defaultdict(int)
    for row in stage.daraja.world.ledger:
        taken[row.account_reference] += row.amount_cents
        verdict.rows += 1
    known: set[str] = set()
    for ours in await stage.ask(_OURS):
        reference = str(ours["reference"])
        known.add(reference)
        judge(verdict, reference, ours, taken.get(reference, 0))
    verdict.lost += [f"{reference}: not known at all" for reference in taken if reference not in known]
    await _receipts(stage, verdict)
    await _sums(stage, verdict, sum(taken.values()))
    return verdict


def judge(verdict: Verdict, reference: str, ours: dict[str, object], taken: int) -> None:
    """Put one checkout of ours where it belongs, by what M-Pesa took for its reference."""
    price, booked, sales, paid = (int(str(ours[name])) for name in ("price_cents", "booked", "sales", "paid"))
    told = f"{reference}: M-Pesa took {taken}, booked {booked}, price {price}, sales {sales}, voucher {ours['has_voucher']}"
    due = 1 if taken >= price else 0
    if booked < taken or sales < due:
        verdict.lost.append(told)
    elif booked > taken or sales > due:
        verdict.double.append(told)
    elif due and not (ours["has_voucher"] and paid >= 1 and ours["grants"] == 1):
        verdict.odd.append(f"{told}, paid {paid}, grants {ours['grants']}")
    else:
        verdict.matched += 1


async def _receipts(stage: Stage, verdict: Verdict) -> None:
    """A payment by hand is known by its receipt; one by a prompt may be known by M-Pesa's word alone, then without one."""
    ours = {
        str(row["receipt"]): int(str(row["amount_cents"]))
        for row in await stage.ask("SELECT receipt, amount_cents FROM receipts WHERE rail = 'mpesa'")
    }
    theirs = {row.receipt: row for row in stage.daraja.world.ledger}
    verdict.odd += [f"receipt {receipt} is none of M-Pesa's" for receipt in ours if receipt not in theirs]
    for receipt, row in theirs.items():
        if row.kind == "c2b" and receipt not in ours:
            verdict.lost.append(f"receipt {receipt} of a payment by hand")
        elif ours.get(receipt, row.amount_cents) != row.amount_cents:
            verdict.odd.append(f"receipt {receipt} with another amount")


async def _sums(stage: Stage, verdict: Verdict, taken: int) -> None:
    rows = await stage.ask("SELECT account, sum(amount_cents)::bigint AS cents FROM ledger_entries GROUP BY account")
    sums = Counter({str(row["account"]): int(str(row["cents"])) for row in rows})
    verdict.imbalance_cents = sum(sums.values())
    verdict.clearing_off_cents = sum(cents for name, cents in sums.items() if name.endswith("clearing")) - taken
    counts = (
        await stage.ask(
            """SELECT (SELECT count(*) FROM vouchers) AS vouchers,
                      (SELECT count(*) FROM checkouts WHERE voucher_id IS NOT NULL) AS sold"""
        )
    )[0]
    verdict.vouchers_off = int(str(counts["vouchers"])) - int(str(counts["sold"]))
    found = await patiently(invariants.breaches, within_s=60)
    verdict.breaches = [f"{breach.invariant}: {', '.join(breach.rows[:5])}" for breach in found]
