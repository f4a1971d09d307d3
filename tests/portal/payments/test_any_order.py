"""Any order of evidence by all roads, with repeats: nothing is lost, nothing is sold twice, and the books say so.

The machine keeps its own account of the money M-Pesa moved, and compares it with the ledger after every step."""

import asyncio
from collections.abc import Coroutine
from datetime import timedelta
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from portal import invariants
from portal.clock import Clock
from portal.db import DB
from portal.evidence import Outcome, Road
from portal.suspense import Choice, Decision, resolve_suspense
from portal.vault import Vault
from tests.emptying import empty_all
from tests.portal.payments.stall import Attempt, Stall, actor, receipt

ROADS = st.sampled_from([Road.C2B, Road.PULL, Road.STATUS, Road.STATEMENT])
CENTS = st.sampled_from([300, 700, 1000, 1000, 1000, 1040, 1500, 2500])
OPERATOR = actor(None, role=None, is_operator=True)


class AnyOrder(RuleBasedStateMachine):
    """Customers, callbacks, queries and people, in whatever order hypothesis likes."""

    attempts: Bundle[Attempt] = Bundle("attempts")
    references: Bundle[str] = Bundle("references")
    hands: Bundle[tuple[str, str, int]] = Bundle("hands")

    loop: asyncio.AbstractEventLoop
    vault: Vault

    def __init__(self) -> None:
        super().__init__()
        #: What M-Pesa moved, by receipt; and payments believed on a query's word that have none yet.
        self.moved: dict[str, int] = {}
        self.push_receipts: dict[int, str] = {}

    def do(self, work: Coroutine[Any, Any, Any]) -> Any:
        """Run on the tests' loop, which the pool belongs to."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(30)

    @initialize(policy=st.sampled_from(["extend", "credit", "refund"]), kind=st.sampled_from(["personal", "isp"]))
    def open(self, policy: str, kind: str) -> None:
        self.do(empty_all())
        self.clock = Clock()
        self.stall: Stall = self.do(Stall.opened(self.vault, self.clock, policy=policy, kind=kind))

    @rule(target=attempts)
    def tap_pay(self) -> Attempt:
        self.clock.shift(timedelta(minutes=10))  # past the ceilings for one device
        return self.do(self.stall.attempt())

    @rule(target=references)
    def make_voucher(self) -> str:
        return self.do(self.stall.voucher())[1]

    @rule(target=attempts, attempt=attempts)
    def push_again(self, attempt: Attempt) -> Attempt:
        return self.do(self.stall.second_push(attempt))

    @rule(attempt=attempts, cents=CENTS)
    def callback(self, attempt: Attempt, cents: int) -> None:
        code = self.push_receipts.setdefault(attempt.payment_id, receipt())
        cents = self.moved.setdefault(code, cents)
        self.do(self.stall.stk(attempt, code, cents=cents))

    @rule(attempt=attempts)
    def query(self, attempt: Attempt) -> None:
        """Says paid only of what was or will be paid in full: M-Pesa moves the price of a push or nothing."""
        code = self.push_receipts.setdefault(attempt.payment_id, receipt())
        if self.moved.setdefault(code, 1000) == 1000:
            self.do(self.stall.stk(attempt, None))

    @rule(attempt=attempts, final=st.booleans())
    def failure(self, attempt: Attempt, *, final: bool) -> None:
        self.do(self.stall.failed(attempt, outcome=Outcome.FAILED if final else Outcome.KEEP_WATCHING))

    @rule(target=hands, attempt=attempts, cents=CENTS, road=ROADS)
    def by_hand_for_attempt(self, attempt: Attempt, cents: int, road: Road) -> tuple[str, str, int]:
        return self._hand(attempt.reference, receipt(), cents, road)

    @rule(target=hands, reference=references, cents=CENTS, road=ROADS)
    def by_hand_for_voucher(self, reference: str, cents: int, road: Road) -> tuple[str, str, int]:
        return self._hand(reference, receipt(), cents, road)

    @rule(target=hands, reference=references, cents=CENTS)
    def by_hand_with_a_slip(self, reference: str, cents: int) -> tuple[str, str, int]:
        return self._hand(reference[:-1], receipt(), cents, Road.C2B)

    @rule(target=hands, cents=CENTS)
    def by_hand_for_nothing(self, cents: int) -> tuple[str, str, int]:
        return self._hand("", receipt(), cents, Road.C2B)

    @rule(hand=hands, road=ROADS)
    def told_again(self, hand: tuple[str, str, int], road: Road) -> None:
        self._hand(*hand, road)

    @rule(attempt=attempts, road=ROADS, has_reference=st.booleans())
    def push_told_by_hand_road(self, attempt: Attempt, road: Road, *, has_reference: bool) -> None:
        """The confirmation M-Pesa also sends for a push: same receipt, and no reference when it is a till."""
        code = self.push_receipts.setdefault(attempt.payment_id, receipt())
        cents = self.moved.setdefault(code, 1000)
        self._hand(attempt.reference if has_reference else "", code, cents, road)

    @rule(reference=references, cents=CENTS)
    def forged(self, reference: str, cents: int) -> None:
        self.do(self.stall.hand(reference, cents, is_trusted=False))

    @rule(decision=st.sampled_from([Decision.KEEP, Decision.REFUND, Decision.VOUCHER]), reference=references)
    def decide(self, decision: Decision, reference: str) -> None:
        self.do(self._decide(decision, reference))

    @rule(minutes=st.integers(1, 300))
    def wait(self, minutes: int) -> None:
        self.clock.shift(timedelta(minutes=minutes))

    @invariant()
    def the_books_are_right(self) -> None:
        assert self.do(invariants.breaches()) == []
        known, booked = self.do(self._totals())
        assert known <= set(self.moved)
        assert booked == sum(self.moved[code] for code in known) + self.do(self._believed())

    def _hand(self, reference: str, code: str, cents: int, road: Road) -> tuple[str, str, int]:
        self.moved.setdefault(code, cents)
        self.do(self.stall.hand(reference, cents, code, road=road))
        return reference, code, cents

    async def _decide(self, decision: Decision, reference: str) -> None:
        row = await DB.row("SELECT id, merchant_id FROM suspense WHERE status = 'open' ORDER BY id LIMIT 1")
        voucher = await DB.row("SELECT id, status FROM vouchers WHERE payment_reference = $1", reference)
        if row is None or voucher is None or (decision is Decision.VOUCHER and voucher["status"] == "expired"):
            return
        target = voucher["id"] if decision is Decision.VOUCHER else self.stall.merchant_id
        by = self.stall.owner if row["merchant_id"] else OPERATOR
        await resolve_suspense(by, row["id"], Choice(decision, target), vault=self.vault, now=self.clock.now())

    @staticmethod
    async def _totals() -> tuple[set[str], int]:
        rows = await DB.fetch("SELECT receipt FROM receipts")
        cleared = await DB.value(
            "SELECT coalesce(sum(amount_cents), 0)::bigint FROM ledger_entries WHERE account = 'mpesa_clearing'"
        )
        return {row["receipt"] for row in rows}, cleared

    @staticmethod
    async def _believed() -> int:
        """Payments a query knew as paid whose receipt has not come: each stands on clearing at its price."""
        return await DB.value(
            "SELECT coalesce(sum(amount_cents), 0)::bigint FROM payments WHERE status = 'paid' AND receipt IS NULL"
        )


async def test_any_order_of_evidence_by_all_roads_loses_and_doubles_nothing(db: str, vault: Vault) -> None:
    AnyOrder.loop, AnyOrder.vault = asyncio.get_running_loop(), vault
    await asyncio.to_thread(
        run_state_machine_as_test,
        AnyOrder,
        settings=settings(
            max_examples=12, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
