"""What went out stands in the day with M-Pesa's own receipt, whatever it was sent for; and balances are asked for at a day's end."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from portal import passwords, payouts, refunds, suspense
from portal.clock import Clock
from portal.config import Settings
from portal.db import DB, atomic
from portal.mpesa.simulator import SANDBOX_SHORTCODE
from portal.reconciliation import closes, movements
from portal.reconciliation.movements import Movement
from portal.suspense import Choice, Decision
from portal.vault import Vault
from tests import factories
from tests.portal.payments.stall import actor
from tests.portal.payouts.conftest import WORD
from tests.portal.payouts.test_paying import number
from tests.portal.refunds.till import PAYER, Till, till_open, wish


@pytest.fixture
async def till(db: str, settings: Settings, vault: Vault, clock: Clock) -> AsyncIterator[Till]:
    async with till_open(settings, vault, clock, price_cents=10_000, refund_limit_cents=50_000) as opened:
        hashed = await passwords.hash_password(WORD)
        await DB.fetch("UPDATE users SET password_hash = $2 WHERE id = $1", opened.owner.user_id, hashed)
        yield opened


async def ours(till: Till) -> list[Movement]:
    day = timedelta(days=1)
    async with atomic() as tx:
        now = till.clock.now()
        return await movements.ours(tx, till.stall.account_id, None, since=now - day, until=now + day)


async def test_money_refunded_out_of_suspense_is_known_by_the_reversals_receipt(till: Till) -> None:
    paid = till.daraja.pay_by_hand(PAYER, SANDBOX_SHORTCODE, amount=70, account="NOBODY")
    taken = await till.stall.hand("NOBODY", 7000, paid.receipt)
    assert taken.suspense_id is not None
    operator = actor(None, role=None, is_operator=True)
    await suspense.resolve_suspense(
        operator, taken.suspense_id, Choice(Decision.REFUND), vault=till.stall.vault, now=till.clock.now()
    )
    await till.turn(3)
    [sent] = till.out("reversal")
    assert sorted(await ours(till), key=lambda each: each.cents) == [
        Movement(receipt=sent.receipt, cents=-7000, kind="out"),
        Movement(receipt=paid.receipt, cents=7000, kind="in"),
    ]


async def test_refunds_and_payouts_are_known_by_what_sent_them(till: Till) -> None:
    await number(till)
    first, _ = await till.sale(cents=10_000)
    await till.sale(cents=10_000)
    await refunds.request(till.owner, first.payment_id, wish(), now=till.clock.now())
    await payouts.ask(till.owner, amount_cents=3000, form_key="k", now=till.clock.now())
    await till.turn(3)
    out = {each.receipt: each.cents for each in await ours(till) if each.kind == "out"}
    assert out == {till.out("reversal")[0].receipt: -10_000, till.out("b2c")[0].receipt: -3000}


async def test_balances_are_asked_for_once_where_a_day_has_just_ended(till: Till, vault: Vault) -> None:
    await factories.mpesa_account(vault, shortcode="600999")  # no API user: cannot be asked
    midnight = datetime(2026, 11, 23, 21, 0, tzinfo=UTC)  # in Nairobi
    expected = ((-30, 0), (10, 1), (15, 1), (59, 1), (61, 1), (24 * 60 + 5, 2))
    for minutes, asked in expected:
        await closes.ask_balances(now=midnight + timedelta(minutes=minutes))
        assert await DB.value("SELECT count(*) FROM mpesa_enquiries WHERE kind = 'balance'") == asked, minutes
    assert await DB.value("SELECT count(DISTINCT account_id) FROM mpesa_enquiries") == 1


async def test_a_balance_too_late_for_its_day_is_not_asked_for(till: Till) -> None:
    assert await closes.ask_balances(now=datetime(2026, 11, 24, 9, 0, tzinfo=UTC)) == 0
