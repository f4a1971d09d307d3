"""The rest of our client against the Daraja simulator, each built from the documentation without looking at the other."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import httpx
import pytest

from portal.clock import Clock
from portal.errors import MpesaAlready, MpesaUnknown
from portal.mpesa import c2b
from portal.mpesa.client import Daraja
from portal.mpesa.credentials import Initiator, MpesaApp, TokenSource
from portal.mpesa.initiated import ResultUrls
from portal.mpesa.initiator_codes import Verb, Verdict
from portal.mpesa.result_facts import balances_of, payout_of, reversal_of, transaction_of
from portal.mpesa.results import Result, read_result
from portal.mpesa.simulator import (
    CERTIFICATE_FILE,
    DEFAULT_INITIATOR,
    DEFAULT_INITIATOR_PASSWORD,
    DarajaSimulator,
    World,
)
from portal.mpesa.simulator.hand_payments import pay_by_hand
from tests.portal.mpesa.test_client_against_simulator import PHONE, Inbox, inbox

__all__ = ["inbox"]  # a fixture of the file beside


@pytest.fixture
def world() -> World:
    return World.sandbox(clock=Clock(), seed=11)


@pytest.fixture
async def simulator(world: World) -> AsyncIterator[DarajaSimulator]:
    async with DarajaSimulator(world) as running:
        yield running


@pytest.fixture
async def daraja(simulator: DarajaSimulator) -> AsyncIterator[Daraja]:
    async with httpx.AsyncClient(trust_env=False) as http:
        yield client(http, simulator)


def client(
    http: httpx.AsyncClient, simulator: DarajaSimulator, *, password: str = DEFAULT_INITIATOR_PASSWORD
) -> Daraja:
    [known] = simulator.world.apps.values()
    code = next(iter(simulator.world.shortcodes.values()))
    app = MpesaApp(
        environment="loopback",
        base_url=simulator.url,
        consumer_key=known.consumer_key,
        consumer_secret=known.consumer_secret,
        shortcode=code.number,
        passkey=code.passkey,
        initiator=Initiator(name=DEFAULT_INITIATOR, password=password, certificate=CERTIFICATE_FILE.read_text()),
    )
    return Daraja(http, app, tokens=TokenSource(Clock()), clock=Clock(), patience_s=3)


def urls(inbox: Inbox) -> ResultUrls:
    return ResultUrls(result=f"{inbox.url}/result", timeout=f"{inbox.url}/timeout")


async def told(inbox: Inbox, verb: Verb) -> Result:
    found = read_result(await asyncio.wait_for(inbox.bodies.get(), 5), verb=verb)
    assert isinstance(found, Result)
    return found


async def paid_by_hand(daraja: Daraja, world: World, inbox: Inbox, *, amount: int = 50) -> c2b.Confirmation:
    await daraja.register_urls(confirmation_url=f"{inbox.url}/paid", validation_url=f"{inbox.url}/check")
    code = next(iter(world.shortcodes.values()))
    pay_by_hand(world, PHONE, code.number, amount=amount, account=" k7qm 2xwp ")
    found = c2b.read_confirmation(await asyncio.wait_for(inbox.bodies.get(), 5))
    assert isinstance(found, c2b.Confirmation)
    return found


async def test_a_payment_by_hand_is_announced_with_its_reference_as_typed(daraja: Daraja, world: World, inbox: Inbox):
    found = await paid_by_hand(daraja, world, inbox)
    assert (found.amount_cents, found.shortcode) == (5000, next(iter(world.shortcodes)))
    assert found.reference.replace(" ", "").upper() == "K7QM2XWP"
    assert found.payer.kind == "masked"
    assert found.payer.fits(PHONE) is True
    assert found.receipt in world.rows


async def test_production_takes_addresses_once(daraja: Daraja, world: World):
    world.turn(c2b_rules="production")
    ours = {
        "confirmation_url": "https://wifi.example.co.ke/cb/0f3a/paid",
        "validation_url": "https://wifi.example.co.ke/cb/0f3a/check",
    }
    await daraja.register_urls(**ours)
    with pytest.raises(MpesaAlready, match="URL Management"):
        await daraja.register_urls(**ours)


async def test_the_sandbox_makes_up_a_payment(daraja: Daraja, world: World, inbox: Inbox):
    await daraja.register_urls(confirmation_url=f"{inbox.url}/paid", validation_url=f"{inbox.url}/check")
    await daraja.simulate_payment(phone=PHONE, amount_cents=2500, reference="K7QM2XWP")
    found = c2b.read_confirmation(await asyncio.wait_for(inbox.bodies.get(), 5))
    assert isinstance(found, c2b.Confirmation)
    assert (found.amount_cents, found.reference) == (2500, "K7QM2XWP")


@pytest.mark.parametrize("reference_item", ["object", "array"])
async def test_a_status_names_the_payment(daraja: Daraja, world: World, inbox: Inbox, reference_item: str):
    world.turn(reference_item=reference_item)
    paid = await paid_by_hand(daraja, world, inbox)
    ack = await daraja.ask_status(paid.receipt, urls=urls(inbox))
    result = await told(inbox, Verb.STATUS)
    assert result.conversation_id == ack.conversation_id
    found = transaction_of(result)
    assert (found.receipt, found.amount_cents, found.is_completed) == (paid.receipt, 5000, True)
    assert found.is_paid_to((next(iter(world.shortcodes)),))
    assert found.debit[0].payer.text == PHONE


async def test_a_status_that_names_both_sides_alike_proves_no_payment_to_us(daraja: Daraja, world: World, inbox: Inbox):
    world.turn(result_duplicate_keys=True)
    paid = await paid_by_hand(daraja, world, inbox)
    await daraja.ask_status(paid.receipt, urls=urls(inbox))
    found = transaction_of(await told(inbox, Verb.STATUS))
    assert not found.is_paid_to((next(iter(world.shortcodes)),))


async def test_a_payment_is_given_back_once(daraja: Daraja, world: World, inbox: Inbox):
    paid = await paid_by_hand(daraja, world, inbox)
    await daraja.reverse(paid.receipt, amount_cents=5000, urls=urls(inbox))
    first = await told(inbox, Verb.REVERSAL)
    assert first.verdict is Verdict.DONE
    assert reversal_of(first).original_receipt == paid.receipt
    assert reversal_of(first).receipt not in {None, paid.receipt}
    await daraja.reverse(paid.receipt, amount_cents=5000, urls=urls(inbox))
    again = await told(inbox, Verb.REVERSAL)
    assert (again.verdict, again.result_code) == (Verdict.ALREADY, "R000001")


async def test_a_receipt_nobody_knows_cannot_be_given_back(daraja: Daraja, inbox: Inbox):
    await daraja.reverse("UKK0000000", amount_cents=5000, urls=urls(inbox))
    result = await told(inbox, Verb.REVERSAL)
    assert (result.verdict, result.result_code, result.parameters) == (Verdict.FAILED, "R000002", ())


async def test_a_payout_whose_answer_was_lost_is_sent_again_and_paid_once(daraja: Daraja, world: World, inbox: Inbox):
    """Case 46: the acknowledgement is lost; the same id again is a duplicate, which means accepted."""
    await paid_by_hand(daraja, world, inbox, amount=5000)
    world.turn(command_fault="reset")
    with pytest.raises(MpesaUnknown):
        await daraja.pay_out("payout-17", phone=PHONE, amount_cents=150_000, urls=urls(inbox))
    world.turn(command_fault="none")
    ack = await daraja.pay_out("payout-17", phone=PHONE, amount_cents=150_000, urls=urls(inbox))
    assert (ack.is_repeat, ack.originator_conversation_id) == (True, "payout-17")
    found = payout_of(await told(inbox, Verb.B2C))
    assert (found.amount, found.receiver.number) == (1500, PHONE)
    await asyncio.sleep(0.1)
    assert inbox.bodies.empty(), "one payout, one result"
    await daraja.ask_status("payout-17", urls=urls(inbox))
    assert transaction_of(await told(inbox, Verb.STATUS)).receipt == found.receipt


async def test_balances_are_those_of_the_simulated_books(daraja: Daraja, world: World, inbox: Inbox):
    await paid_by_hand(daraja, world, inbox)
    await daraja.ask_balance(urls=urls(inbox))
    result = await told(inbox, Verb.BALANCE)
    utility = next(row for row in balances_of(result) if row.account == "Utility Account")
    assert (utility.currency, utility.available_cents) == ("KES", next(iter(world.shortcodes.values())).balance_cents)


async def test_a_wrong_initiator_is_our_setup_and_locks_after_three_tries(simulator: DarajaSimulator, inbox: Inbox):
    codes: list[str] = []
    async with httpx.AsyncClient(trust_env=False) as http:
        daraja = client(http, simulator, password="not the password")
        for _ in range(4):
            await daraja.ask_balance(urls=urls(inbox))
            result = await told(inbox, Verb.BALANCE)
            assert result.verdict is Verdict.SETUP
            codes.append(result.result_code)
    assert codes[0] == "2001"
    assert codes[-1] == "8006"


async def test_pull_lists_what_was_paid_page_by_page(daraja: Daraja, world: World, inbox: Inbox):
    paid = await paid_by_hand(daraja, world, inbox)
    world.turn(pull_page_size=1)
    again = pay_by_hand(world, "254711000111", paid.shortcode, amount=20, account="OTHER")
    assert again is not None
    await asyncio.wait_for(inbox.bodies.get(), 5)
    assert not (await daraja.register_pull(number="254722000000", callback_url=inbox.url)).is_repeat
    now = Clock().now()
    rows, offset = [], 0
    while offset is not None:
        page = await daraja.pull(since=now - timedelta(hours=1), until=now + timedelta(minutes=5), offset=offset)
        rows += page.rows
        assert page.unreadable == 0
        offset = page.next_offset
    assert [(row.amount_cents, row.payer.text) for row in rows] == [(5000, PHONE), (2000, "254711000111")]
    assert rows[0].receipt == paid.receipt


async def test_an_empty_pull_is_an_empty_page(daraja: Daraja, inbox: Inbox):
    await daraja.register_pull(number="254722000000", callback_url=inbox.url)
    now = Clock().now()
    page = await daraja.pull(since=now - timedelta(hours=1), until=now)
    assert (page.rows, page.next_offset) == ((), None)


async def test_a_dynamic_qr_is_a_picture(daraja: Daraja):
    assert (await daraja.qr_code(name="Kilimani Corner", reference="K7QM2XWP", amount_cents=5000)).png
