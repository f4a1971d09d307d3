"""Receipts of payments, and credit notes of their refunds: made when somebody first asks for one, from what the ledger says."""

from datetime import datetime

from asyncpg import Record

from portal import phones
from portal.db import DB, Tx, atomic
from portal.errors import Conflict, NotFound
from portal.identity import Actor
from portal.invoices import rights, taxes, vat
from portal.invoices.papers import COLUMNS, About, Content, Kind, Line, Paper, Seller, Way, keep, of_row
from portal.invoices.taxes import Taxes
from portal.msgid import N_
from portal.refunds import books
from portal.routers.rights import named

NOTHING = N_("Nothing was paid here, so there is no receipt.")
#: Statuses of a payment that was paid, whatever became of it since.
_PAID = ("paid", "refund_pending", "refunded")
#: Whose receipt says something to who paid.
_TELLING = ("mpesa", "airtel", "paystack")

_PAYMENT = """
SELECT p.id, p.merchant_id, p.status, p.method, p.currency, p.phone, p.receipt, p.account_reference, p.paid_at, p.subscriber_id,
       coalesce(c.terms, v.terms) ->> 'name' AS package, m.name AS shop, m.help_phone, m.timezone,
       coalesce(s.account_number, '') AS account, coalesce(s.name, '') AS buyer_name
FROM payments p JOIN merchants m ON m.id = p.merchant_id LEFT JOIN checkouts c ON c.id = p.checkout_id
LEFT JOIN vouchers v ON v.id = coalesce(p.voucher_id, c.voucher_id) LEFT JOIN subscribers s ON s.id = p.subscriber_id
WHERE p.id = $1 FOR UPDATE OF p"""

#: What the payment's money became, refunds apart; what an agent owes and earns for it is not the customer's business.
_BECAME = """
SELECT e.account, e.credit_id, sum(e.amount_cents)::bigint AS cents, max(l.id) AS up_to
FROM ledger_postings l JOIN ledger_entries e ON e.posting_id = l.id LEFT JOIN ledger_postings o ON o.id = l.reverses_id
WHERE l.payment_id = $1 AND coalesce(o.kind, l.kind) NOT IN ('refund', 'refund_done', 'agent_sale')
GROUP BY e.account, e.credit_id"""


async def make(actor: Actor, payment_id: int, *, now: datetime) -> Paper:
    """The receipt of a payment, made now if there is none yet, and a credit note for each refund that is done.

    For sellers. NotFound: no such payment of the actor's; Conflict: nothing was paid. Repeatable: asked again it is the same one."""
    merchant_id = rights.maker(actor)
    owner = await DB.value("SELECT merchant_id FROM payments WHERE id = $1", payment_id)
    if owner != merchant_id:
        raise NotFound
    return await made(payment_id, by=named(actor), now=now)


async def made(payment_id: int, *, by: str, now: datetime) -> Paper:
    """The same for whoever holds the payment's signed link."""
    async with atomic() as tx:
        row = await tx.row(_PAYMENT, payment_id)
        if row is None:
            raise NotFound
        terms = await taxes.in_force(tx, row["merchant_id"])
        found = await tx.row(f"SELECT {COLUMNS} FROM papers WHERE payment_id = $1 AND kind = 'receipt'", payment_id)
        paper = of_row(found) if found else await _receipt(tx, row, terms, by=by, now=now)
        await _credit_notes(tx, row, paper, terms, by=by, now=now)
    return paper


async def _receipt(tx: Tx, row: Record, terms: Taxes, *, by: str, now: datetime) -> Paper:
    if row["status"] not in _PAID:
        raise Conflict(NOTHING)
    became = await tx.fetch(_BECAME, row["id"])
    sold = -sum(each["cents"] for each in became if each["account"] in ("merchant_payable", "commission"))
    kept = -sum(
        each["cents"] for each in became if each["account"] in ("customer_credit", "refunds") and each["cents"] < 0
    )
    earlier = sum(each["cents"] for each in became if each["account"] == "customer_credit" and each["cents"] > 0)
    lines = lines_of(sold, kept, terms.vat_bp, name=row["package"] or "", is_wallet=row["subscriber_id"] is not None)
    if not lines:
        raise Conflict(NOTHING)
    content = Content(
        seller=seller_of(row, terms), lines=lines, vat_bp=terms.vat_bp if sold else 0, zone=row["timezone"],
        ways=await _ways(tx, row, earlier=earlier, total=sold + kept),
        buyer=phones.mask(row["phone"]) if row["phone"] else "", buyer_name=row["buyer_name"], account=row["account"],
        reference=row["account_reference"], paid_at=row["paid_at"], footer=terms.footer,
    )  # fmt: skip
    about = About(
        merchant_id=row["merchant_id"], currency=row["currency"], payment_id=row["id"],
        up_to=max(each["up_to"] for each in became),
    )  # fmt: skip
    return await keep(tx, Kind.RECEIPT, content, about, taxes=terms, actor=by, now=now)


def lines_of(sold: int, kept: int, vat_bp: int, *, name: str, is_wallet: bool) -> list[Line]:
    """What was sold, with the VAT in it, and what was only taken into keeping."""
    lines = [Line(what="package", name=name, cents=sold, vat_cents=vat.inside(sold, vat_bp))] if sold > 0 else []
    return [*lines, Line(what="wallet" if is_wallet else "kept", cents=kept)] if kept > 0 else lines


async def _ways(tx: Tx, row: Record, *, earlier: int, total: int) -> list[Way]:
    """How the money came: each receipt, what had been kept from before, and what is known by word only."""
    found = await tx.fetch(
        "SELECT rail, receipt, amount_cents FROM receipts WHERE payment_id = $1 ORDER BY id", row["id"]
    )
    ways = [
        Way(
            rail=each["rail"],
            code=each["receipt"] if each["rail"] in _TELLING else "",
            cents=each["amount_cents"],
        )
        for each in found
        if each["rail"] != "credit"
    ]
    earlier = min(max(earlier, total - sum(way.cents for way in ways)), total) if earlier else 0
    if not ways and total > earlier:
        rail: str = "mpesa" if row["method"] in ("stk", "c2b") else row["method"]
        ways = [Way(rail=rail, code=(row["receipt"] or "") if rail in _TELLING else "", cents=total - earlier)]
    return [*ways, Way(rail="kept", code="", cents=earlier)] if earlier else ways


def seller_of(row: Record, terms: Taxes) -> Seller:
    """Who sells, as it says of itself now. `row` has `shop` and `help_phone`."""
    return Seller(
        shop=row["shop"], legal_name=terms.legal_name or row["shop"], pin=terms.pin, address=terms.address,
        phone=phones.written(row["help_phone"]) if row["help_phone"] else "",
    )  # fmt: skip


async def _credit_notes(tx: Tx, row: Record, paper: Paper, terms: Taxes, *, by: str, now: datetime) -> None:
    """One for each refund that is done and has none. The payment is locked."""
    refunds = await tx.fetch(
        """SELECT * FROM refunds r WHERE payment_id = $1 AND status = 'done'
           AND NOT EXISTS (SELECT FROM papers WHERE refund_id = r.id) ORDER BY id""",
        row["id"],
    )
    for refund in refunds:
        content = await _credit(tx, row, paper, terms, refund)
        part: int = await tx.value(
            "SELECT count(*) + 1 FROM papers WHERE payment_id = $1 AND kind = 'credit'", row["id"]
        )
        about = About(
            merchant_id=row["merchant_id"], currency=row["currency"], payment_id=row["id"], refund_id=refund["id"],
            of_id=paper.id, part=part,
        )  # fmt: skip
        await keep(tx, Kind.CREDIT, content, about, taxes=terms, actor=by, now=now)


async def _credit(tx: Tx, row: Record, paper: Paper, terms: Taxes, refund: Record) -> Content:
    """What a refund takes back: of the sale with its VAT at the rate of the receipt, and of what was kept."""
    posting, _ = await books.posting_of(tx, refund)
    sold: int = await tx.value(
        """SELECT coalesce(sum(amount_cents), 0)::bigint FROM ledger_entries
           WHERE posting_id = $1 AND account IN ('merchant_payable', 'commission')""",
        posting,
    )
    left, left_vat = await left_of(tx, paper)
    back = max(0, min(sold, left))
    tax = vat.taken_back(back, paper.content.vat_bp, left_cents=left, left_vat_cents=left_vat)
    name = next((line.name for line in paper.content.lines if line.what == "package"), "")
    lines = [Line(what="package", name=name, cents=back, vat_cents=tax)] if back else []
    if refund["amount_cents"] > back:
        lines.append(
            Line(what="wallet" if row["subscriber_id"] is not None else "kept", cents=refund["amount_cents"] - back)
        )
    return Content(
        seller=seller_of(row, terms), lines=lines, vat_bp=paper.content.vat_bp if back else 0, zone=row["timezone"],
        buyer=paper.content.buyer, buyer_name=paper.content.buyer_name, account=paper.content.account,
        reference=paper.content.reference, paid_at=refund["done_at"], of=paper.name, footer=terms.footer,
        ways=[Way(rail=refund["road"], code=refund["receipt_back"] or "", cents=refund["amount_cents"])],
    )  # fmt: skip


async def left_of(tx: Tx, paper: Paper) -> tuple[int, int]:
    """What still stands of what a paper sold, and of the VAT in it: less what its credit notes took back."""
    sold = [line for line in paper.content.lines if line.what in ("package", "bill")]
    cents, tax = sum(line.cents for line in sold), sum(line.vat_cents for line in sold)
    row = await tx.row(
        """SELECT coalesce(sum((line ->> 'cents')::bigint), 0)::bigint AS cents,
                  coalesce(sum((line ->> 'vat_cents')::bigint), 0)::bigint AS vat
           FROM papers p, jsonb_array_elements(p.content -> 'lines') AS line
           WHERE p.of_id = $1 AND line ->> 'what' IN ('package', 'bill')""",
        paper.id,
    )
    assert row is not None  # sums
    return cents - row["cents"], tax - row["vat"]
