"""What differs between the rails: pages, signatures, keys of a merchant's own, wrong keys, refunds, lists."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import httpx
import pytest

from portal.airtel.client import AirtelRail
from portal.clock import Clock
from portal.config import Settings
from portal.db import DB
from portal.evidence import Outcome
from portal.paystack.messages import SIGNATURE_HEADER, sign
from portal.rails import accounts, asking
from portal.rails.interface import Attempt, Rail, Returned, Why
from portal.vault import Vault
from tests.portal.payments.stall import all_is_well, books, count
from tests.portal.rails.tills import Till, till_open


@pytest.fixture
async def airtel(db: str, settings: Settings, vault: Vault, clock: Clock) -> AsyncIterator[Till]:
    async with till_open("airtel", settings, vault, clock) as opened:
        yield opened
    await all_is_well()


@pytest.fixture
async def paystack(db: str, settings: Settings, vault: Vault, clock: Clock) -> AsyncIterator[Till]:
    async with till_open("paystack", settings, vault, clock) as opened:
        yield opened
    await all_is_well()


async def test_a_card_is_paid_on_the_providers_page_and_the_payer_comes_back(paystack: Till) -> None:
    payment = await paystack.bought()
    token = await DB.value("SELECT token FROM checkouts")
    async with httpx.AsyncClient(trust_env=False) as payer:
        assert "SIMULATOR" in (await payer.get(payment["pay_url"])).text
        back = await payer.post(payment["pay_url"], data={"card": "paid"})
    assert back.headers["location"].startswith(f"{paystack.portal}/w/{token}?")
    await paystack.sim.settled()
    assert await paystack.handle() == ["sold"]


async def test_a_payer_who_is_back_is_asked_about_at_once(paystack: Till) -> None:
    paystack.goes_wrong("lost")
    payment = await paystack.bought()
    await paystack.pay(payment)
    token = await DB.value("SELECT token FROM checkouts")
    await asking.came_back(token, now=paystack.clock.now())
    assert await paystack.ask() == ["sold"]


async def test_a_declined_card_may_be_followed_by_another_on_the_same_page(paystack: Till) -> None:
    payment = await paystack.bought()
    await paystack.refuse(payment)
    await paystack.handle()
    assert (await paystack.payment(payment["id"]))["result_code"] == Why.DECLINED
    await paystack.pay(payment)
    assert "sold" in await paystack.handle()


async def test_a_page_nobody_was_told_of_is_given_up_and_nothing_is_paid(paystack: Till) -> None:
    paystack.goes_wrong("answer_lost")
    made = await paystack.buy()
    assert await paystack.start(made["id"]) == "created"
    paystack.goes_wrong("answer_lost", value=False)
    await paystack.pass_time(31)
    assert await paystack.start(made["id"]) == "failed"
    assert (await paystack.payment(made["id"]))["result_code"] == Why.NOT_STARTED


async def test_one_changed_byte_breaks_a_webhooks_signature(paystack: Till) -> None:
    payment = await paystack.bought()
    body = b'{"event":"charge.success","data":{"id":77,"status":"success","amount":1000,"currency":"KES","reference":"%s"}}'
    raw = body % payment["account_reference"].encode()
    headers = {SIGNATURE_HEADER: sign(raw.replace(b"77", b"78"), paystack.sim.secret_key)}
    async with httpx.AsyncClient(trust_env=False) as forger:
        told = await forger.post(paystack.sim.webhook_url, content=raw, headers=headers)
    assert told.status_code == 200, "kept, and answered: whoever sent it learns nothing"
    assert await paystack.handle() == ["to_verify"]
    assert await count("events", "name = 'signature_wrong'") == 1
    assert await paystack.sold() == 0


async def test_a_success_of_another_currency_is_held(paystack: Till) -> None:
    payment = await paystack.bought()
    paystack.sim.transactions[payment["account_reference"]].currency = "USD"
    await paystack.pay(payment)
    assert await paystack.handle() == ["wrong_amount"]
    assert await paystack.sold() == 0
    assert await count("suspense", "status = 'open'") == 1


async def test_payments_of_other_programs_are_none_of_ours(paystack: Till) -> None:
    raw = b'{"event":"charge.success","data":{"id":9,"status":"success","amount":99900,"currency":"KES","reference":"shop-77"}}'
    async with httpx.AsyncClient(trust_env=False) as provider:
        await provider.post(
            paystack.sim.webhook_url, content=raw, headers={SIGNATURE_HEADER: sign(raw, paystack.sim.secret_key)}
        )
    assert await paystack.handle() == ["not_ours"]
    assert await books() == {}


async def test_an_unsigned_airtel_account_is_believed_only_after_asking(
    db: str, settings: Settings, vault: Vault, clock: Clock
) -> None:
    async with till_open("airtel", settings, vault, clock, signing_key="") as till:
        payment = await till.bought()
        await till.pay(payment)
        assert await till.handle() == ["to_verify"]
        assert await till.sold() == 0
        assert await till.ask() == ["sold"]
    await all_is_well()


@pytest.mark.parametrize("signs", ["object", "transaction"])
async def test_an_airtel_hash_is_known_over_either_form_of_the_message(airtel: Till, signs: str) -> None:
    airtel.sim.signs = signs
    await airtel.pay(await airtel.bought())
    assert await airtel.handle() == ["sold"]


async def test_airtel_asks_for_a_new_token_when_the_old_one_has_ended(airtel: Till) -> None:
    airtel.sim.token_s = 21
    await airtel.bought()
    rail: AirtelRail = await airtel.doors.for_account(airtel.account_id)
    airtel.sim._token.ends_at = airtel.clock.now() - timedelta(seconds=1)
    assert (await rail.query(Attempt(reference="NOSUCH", amount_cents=0, currency="KES"))).is_unknown


async def test_what_airtel_has_never_heard_of_stays_unknown(airtel: Till) -> None:
    made = await airtel.buy()
    await DB.fetch("UPDATE payments SET status = 'unknown', next_query_at = $1", airtel.clock.now())
    assert await airtel.ask() == ["open"]
    assert (await airtel.payment(made["id"]))["status"] == "unknown"


async def test_a_phone_that_does_not_answer_is_said_so(airtel: Till) -> None:
    payment = await airtel.bought()
    await airtel.pass_time(61)
    await airtel.handle()
    failed = await airtel.payment(payment["id"])
    assert (failed["status"], failed["result_code"]) == ("failed", Why.NO_ANSWER)
    assert failed["next_query_at"], "late money may still come: it is asked about again"


@pytest.mark.parametrize("rail", ["airtel", "paystack"])
async def test_wrong_keys_are_told_once_and_cleared_when_they_work(
    db: str, settings: Settings, vault: Vault, clock: Clock, rail: str
) -> None:
    async with till_open(rail, settings, vault, clock) as till:
        good = vault.seal("rail_accounts", "secret_sealed", row_id=till.account_id, plaintext="sk_test_wrong")
        was = await DB.value("SELECT secret_sealed FROM rail_accounts")
        await DB.fetch("UPDATE rail_accounts SET secret_sealed = $1", good)
        for _ in range(2):
            made = await till.buy()
            assert await till.start(made["id"]) == "failed"
            assert (await till.payment(made["id"]))["result_code"] == Why.SETUP
            await till.pass_time(100)
        assert await count("events", "name = 'rail_setup_wrong'") == 1
        await DB.fetch("UPDATE rail_accounts SET secret_sealed = $1", was)
        till.doors._made.clear()
        await till.bought()
        assert await count("events", "name = 'rail_setup_mended'") == 1


@pytest.mark.parametrize("rail", ["airtel", "paystack"])
async def test_money_at_a_merchants_own_account_is_the_merchants(
    db: str, settings: Settings, vault: Vault, clock: Clock, rail: str
) -> None:
    async with till_open(rail, settings, vault, clock, owned=True) as till:
        await till.pay(await till.bought())
        assert await till.handle() == ["sold"]
        assert await books() == {"own_clearing": 1000, "merchant_payable": -800, "commission": -200}
        assert [way.rail for way in await accounts.ways_to_pay(till.merchant_id)] == [rail]
    await all_is_well()


@pytest.mark.parametrize("rail", ["airtel", "paystack"])
async def test_money_given_back_is_given_back_once(
    db: str, settings: Settings, vault: Vault, clock: Clock, rail: str
) -> None:
    async with till_open(rail, settings, vault, clock) as till:
        payment = await till.bought()
        await till.pay(payment)
        await till.handle()
        receipt = (await till.payment(payment["id"]))["receipt"]
        door: Rail = await till.doors.for_account(till.account_id)
        asked: dict[str, Any] = {"amount_cents": 1000, "reference": payment["account_reference"], "reason": "Refund"}
        first = await door.refund(receipt, **asked)
        assert first.state in (Returned.DONE, Returned.UNDER_WAY)
        second = await door.refund(receipt, **asked)
        assert second.state in (Returned.DONE, Returned.REFUSED)
        assert len(till.sim.ledger.refunded) == 1
        assert (await door.refund("NOSUCH", **asked)).state is Returned.REFUSED


async def test_a_refund_whose_answer_is_lost_is_unknown(paystack: Till) -> None:
    payment = await paystack.bought()
    await paystack.pay(payment)
    door: Rail = await paystack.doors.for_account(paystack.account_id)
    paystack.goes_wrong("answer_lost")
    found = await door.refund(payment["account_reference"], amount_cents=1000, reference="", reason="Refund")
    assert found.state is Returned.UNKNOWN


async def test_paystack_lists_what_was_paid_and_airtel_says_that_it_lists_nothing(paystack: Till) -> None:
    since = paystack.clock.now() - timedelta(minutes=1)
    payment = await paystack.bought()
    await paystack.pay(payment)
    door: Rail = await paystack.doors.for_account(paystack.account_id)
    listed = await door.list_window(since, paystack.clock.now() + timedelta(minutes=1))
    assert [(one.reference, one.outcome, one.amount_cents) for one in listed] == [
        (payment["account_reference"], Outcome.PAID, 1000)
    ]
    async with httpx.AsyncClient() as http:
        lists_nothing = AirtelRail(http, None, base_url="", clock=paystack.clock)  # type: ignore[arg-type]
        with pytest.raises(LookupError):
            await lists_nothing.list_window(since, since)
