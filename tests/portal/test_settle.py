"""Settling: what each piece of evidence does to the money, whatever order it comes in."""

import asyncio
from dataclasses import dataclass
from random import Random

import msgspec
import pytest

from portal import checkouts, payments
from portal.clock import Clock
from portal.db import DB
from portal.devices import hint
from portal.evidence import Evidence, Outcome
from portal.payments import Settled
from portal.vault import Vault
from tests import factories


@dataclass(frozen=True)
class Sale:
    """A checkout whose push was accepted, and how to settle it."""

    vault: Vault
    clock: Clock
    payment_id: int
    token: str

    def paid(
        self, receipt: str | None = "SKL4H7T2QX", amount_cents: int | None = 1000, road: str = "stk_callback"
    ) -> Evidence:
        return Evidence(
            road=road, payment_id=self.payment_id, outcome=Outcome.PAID, result_code="0", receipt=receipt,
            amount_cents=amount_cents, checkout_request_id=None,
        )  # fmt: skip

    def failed(self, code: str = "1032", outcome: Outcome = Outcome.FAILED) -> Evidence:
        return Evidence(road="stk_callback", payment_id=self.payment_id, outcome=outcome, result_code=code)

    async def settle(self, evidence: Evidence) -> Settled:
        return await payments.settle(evidence, vault=self.vault, now=self.clock.now())

    async def status(self) -> str:
        return await DB.value("SELECT status FROM payments WHERE id = $1", self.payment_id)


async def open_sale(vault: Vault, clock: Clock, *, kind: str = "personal", number: int = 0) -> Sale:
    merchant = await factories.merchant(kind=kind)
    await factories.mpesa_account(vault)
    router = await factories.router(vault, merchant)
    package = await factories.package(merchant)
    token = await checkouts.start(
        router,
        package,
        phone=f"07123456{number:02}",
        device=hint("02:11:22:33:44:55", "10.5.50.7"),
        form_key=f"{number:032}",
        language="en",
        now=clock.now(),
    )
    payment_id = await DB.value(
        "UPDATE payments SET status = 'pending', checkout_request_id = $1 WHERE status = 'created' RETURNING id",
        f"ws_CO_{number}",
    )
    return Sale(vault, clock, payment_id, token)


@pytest.fixture
async def sale(db: str, vault: Vault, clock: Clock) -> Sale:
    return await open_sale(vault, clock)


async def books() -> dict[str, int]:
    rows = await DB.fetch("SELECT account, sum(amount_cents)::bigint AS total FROM ledger_entries GROUP BY account")
    return {row["account"]: row["total"] for row in rows}


async def sold() -> tuple[int, int, int]:
    """Vouchers, grants, sale postings."""
    row = await DB.row(
        """SELECT (SELECT count(*) FROM vouchers) AS v, (SELECT count(*) FROM access_grants) AS g,
                  (SELECT count(*) FROM ledger_postings WHERE kind = 'sale') AS p"""
    )
    assert row is not None
    return row["v"], row["g"], row["p"]


async def test_five_callbacks_at_once_sell_once(sale: Sale) -> None:
    outcomes = await asyncio.gather(*(sale.settle(sale.paid()) for _ in range(5)))
    assert sorted(outcomes) == ["known"] * 4 + ["sold"]
    assert await sold() == (1, 1, 1)
    assert await books() == {"mpesa_clearing": 1000, "merchant_payable": -800, "commission": -200}


async def test_an_isp_pays_no_commission(db: str, vault: Vault, clock: Clock) -> None:
    sale = await open_sale(vault, clock, kind="isp")
    await sale.settle(sale.paid())
    assert await books() == {"mpesa_clearing": 1000, "merchant_payable": -1000}


async def test_late_success_wins_over_failure(sale: Sale) -> None:
    assert await sale.settle(sale.failed("1037", Outcome.KEEP_WATCHING)) == "failed"
    assert await DB.value("SELECT next_query_at FROM payments") is not None, "late money is still looked for"
    assert await sale.settle(sale.paid()) == "sold"
    assert await sale.status() == "paid"


async def test_failure_after_success_changes_nothing(sale: Sale) -> None:
    await sale.settle(sale.paid())
    assert await sale.settle(sale.failed()) == "known"
    assert await sale.status() == "paid"
    assert await sold() == (1, 1, 1)


async def test_paid_by_query_then_the_receipt_is_added_without_a_second_sale(sale: Sale) -> None:
    assert await sale.settle(sale.paid(receipt=None, amount_cents=None, road="stk_query")) == "sold"
    assert await sale.settle(sale.paid()) == "receipt_added"
    assert await DB.value("SELECT receipt FROM payments") == "SKL4H7T2QX"
    assert await sold() == (1, 1, 1)


async def test_an_unknown_code_decides_nothing(sale: Sale) -> None:
    assert await sale.settle(sale.failed("7777", Outcome.OPEN)) == "open"
    assert await sale.status() == "pending"


async def test_a_fraction_of_a_shilling_grants_nothing_and_loses_nothing(sale: Sale) -> None:
    assert await sale.settle(sale.paid(amount_cents=1040)) == "wrong_amount"
    assert await sold() == (0, 0, 0)
    assert await books() == {"mpesa_clearing": 1040, "suspense": -1040}
    view = await checkouts.look(sale.token, vault=sale.vault, now=sale.clock.now())
    assert (view.state, view.received_cents) == ("mismatch", 1040)
    assert await sale.settle(sale.paid(amount_cents=1040)) == "known"
    assert await books() == {"mpesa_clearing": 1040, "suspense": -1040}, "a replay books nothing again"


async def test_too_little_grants_nothing_and_is_kept_for_the_rest_to_come(sale: Sale) -> None:
    assert await sale.settle(sale.paid(amount_cents=500)) == "underpaid"
    assert await sold() == (0, 0, 0)
    assert await books() == {"mpesa_clearing": 500, "customer_credit": -500}
    view = await checkouts.look(sale.token, vault=sale.vault, now=sale.clock.now())
    assert (view.state, view.received_cents) == ("mismatch", 500)
    assert await sale.settle(sale.paid(amount_cents=500)) == "known"
    assert await books() == {"mpesa_clearing": 500, "customer_credit": -500}, "a replay books nothing again"


async def test_evidence_of_another_request_is_not_believed(sale: Sale) -> None:
    assert await DB.value("SELECT checkout_request_id FROM payments") == "ws_CO_0"
    other = msgspec.structs.replace(sale.paid(), checkout_request_id="ws_CO_2")
    assert await sale.settle(other) == "wrong_request"
    assert await sold() == (0, 0, 0)


async def test_a_receipt_pays_one_payment_only(sale: Sale) -> None:
    await sale.settle(sale.paid())
    merchant = await DB.value("SELECT merchant_id FROM payments")
    second = await factories.payment(merchant, status="pending")
    evidence = msgspec.structs.replace(sale.paid(), payment_id=second, checkout_request_id=None)
    assert await sale.settle(evidence) == "receipt_used"
    assert await DB.value("SELECT status FROM payments WHERE id = $1", second) == "pending"


async def test_a_second_payment_of_one_checkout_adds_a_second_hour(sale: Sale) -> None:
    await sale.settle(sale.paid())
    row = await DB.row("SELECT merchant_id, checkout_id FROM payments")
    assert row is not None
    second = await factories.payment(row["merchant_id"], status="failed", checkout_id=row["checkout_id"])
    evidence = msgspec.structs.replace(sale.paid(receipt="SKL4ZZZZZZ"), payment_id=second, checkout_request_id=None)
    assert await sale.settle(evidence) == "extended"
    assert await sold() == (1, 1, 2)
    assert await DB.value("SELECT terms ->> 'duration_s' FROM vouchers") == "7200"
    assert await books() == {"mpesa_clearing": 2000, "merchant_payable": -1600, "commission": -400}


async def test_the_price_is_the_one_of_the_moment_of_buying(sale: Sale) -> None:
    await DB.fetch("UPDATE packages SET price_cents = 9900, duration_s = 60, is_active = false")
    assert await sale.settle(sale.paid()) == "sold"
    terms = await DB.value("SELECT terms->>'duration_s' FROM vouchers")
    assert (await DB.value("SELECT price_cents FROM vouchers"), terms) == (1000, "3600")


def _orders() -> list[list[str]]:
    kinds = ["paid", "query", "cancelled", "silent", "unknown", "short", "second_receipt"]
    dice = Random(20261120)
    return [[dice.choice(kinds) for _ in range(dice.randint(2, 7))] for _ in range(40)]


async def _books_of(payment_id: int) -> tuple[int, int, int]:
    """Of one payment's checkout: sales, the sum of all entries, and what stands on clearing."""
    row = await DB.row(
        """SELECT count(DISTINCT p.id) FILTER (WHERE p.kind = 'sale') AS sales, coalesce(sum(e.amount_cents), 0)::bigint AS sum,
                  coalesce(sum(e.amount_cents) FILTER (WHERE e.account = 'mpesa_clearing'), 0)::bigint AS clearing
           FROM ledger_postings p JOIN ledger_entries e ON e.posting_id = p.id
           JOIN payments y ON y.id = p.payment_id WHERE y.checkout_id = (SELECT checkout_id FROM payments WHERE id = $1)""",
        payment_id,
    )
    assert row is not None
    return row["sales"], row["sum"], row["clearing"]


async def test_any_order_of_evidence_sells_at_most_once_and_balances(db: str, vault: Vault, clock: Clock) -> None:
    for number, moves in enumerate(_orders()):
        sale = await open_sale(vault, clock, number=number)
        evidence = {
            "paid": sale.paid(receipt=f"PAID{number}"),
            "query": sale.paid(receipt=None, amount_cents=None, road="stk_query"),
            "cancelled": sale.failed(),
            "silent": sale.failed("1037", Outcome.KEEP_WATCHING),
            "unknown": sale.failed("7777", Outcome.OPEN),
            "short": sale.paid(receipt=f"SHORT{number}", amount_cents=300),
            "second_receipt": sale.paid(receipt=f"SECOND{number}"),
        }
        for move in moves:
            await sale.settle(evidence[move])
        # Every shilling M-Pesa reported by receipt stands on clearing exactly once; a query alone reports its price.
        by_receipt = 1000 * len({"paid", "second_receipt"} & set(moves)) + 300 * ("short" in moves)
        # A query after a callback with a receipt speaks of the same money.
        first = next((move for move in moves if move in ("paid", "second_receipt", "short", "query")), None)
        by_query = 1000 if first == "query" and not {"paid", "second_receipt"} & set(moves) else 0
        sales = max(len({"paid", "second_receipt"} & set(moves)), int(first == "query"))
        assert await _books_of(sale.payment_id) == (sales, 0, by_receipt + by_query), moves


async def test_the_ledger_refuses_what_does_not_balance(sale: Sale) -> None:
    await sale.settle(sale.paid())
    posting = await DB.value("SELECT id FROM ledger_postings")
    merchant = await DB.value("SELECT merchant_id FROM payments")
    with pytest.raises(Exception, match="does not balance"):
        await DB.fetch(
            "INSERT INTO ledger_entries (posting_id, merchant_id, account, amount_cents) VALUES ($1, $2, 'suspense', 5)",
            posting,
            merchant,
        )
    with pytest.raises(Exception, match="append-only"):
        await DB.fetch("UPDATE ledger_entries SET amount_cents = 1")
    with pytest.raises(Exception, match="append-only"):
        await DB.fetch("DELETE FROM events")
