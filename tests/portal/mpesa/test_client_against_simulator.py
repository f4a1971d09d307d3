"""Our client and the Daraja simulator, both built from the same documentation, meet here over real HTTP."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import httpx
import pytest

from portal.clock import Clock
from portal.errors import MpesaBusy, MpesaConfig, MpesaError, MpesaPromptOpen, MpesaRefused, MpesaUnknown
from portal.mpesa.client import Daraja
from portal.mpesa.credentials import MpesaApp, TokenSource
from portal.mpesa.messages import PushAccepted, StkResult, read_callback
from portal.mpesa.result_codes import Meaning
from portal.mpesa.simulator.server import DarajaSimulator
from portal.mpesa.simulator.world import World, wait_until

PHONE = "254708374149"


class Inbox:
    """A merchant's callback address on loopback: keeps each body, answers 200."""

    def __init__(self) -> None:
        self.bodies: asyncio.Queue[bytes] = asyncio.Queue()
        self.url = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        length = next(int(line.split(":")[1]) for line in head.splitlines() if line.startswith("content-length:"))
        await self.bodies.put(await reader.readexactly(length))
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        writer.close()

    async def result(self) -> StkResult:
        found = read_callback(await asyncio.wait_for(self.bodies.get(), 5))
        assert isinstance(found, StkResult)
        return found


@pytest.fixture
async def inbox() -> AsyncIterator[Inbox]:
    inbox = Inbox()
    listening = await asyncio.start_server(inbox.serve, "127.0.0.1", 0)
    inbox.url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}/c/0f3a"
    yield inbox
    listening.close()
    await listening.wait_closed()


@pytest.fixture
def world() -> World:
    return World.sandbox()


@pytest.fixture
async def simulator(world: World) -> AsyncIterator[DarajaSimulator]:
    async with DarajaSimulator(world) as running:
        yield running


@pytest.fixture
def app(world: World, simulator: DarajaSimulator) -> MpesaApp:
    [known] = world.apps.values()
    code = next(iter(world.shortcodes.values()))
    return MpesaApp(
        environment="loopback",
        base_url=simulator.url,
        consumer_key=known.consumer_key,
        consumer_secret=known.consumer_secret,
        shortcode=code.number,
        passkey=code.passkey,
    )


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(trust_env=False) as client:
        yield client


@pytest.fixture
def daraja(http: httpx.AsyncClient, app: MpesaApp) -> Daraja:
    return client_for(http, app)


def client_for(http: httpx.AsyncClient, app: MpesaApp) -> Daraja:
    clock = Clock()
    return Daraja(http, app, tokens=TokenSource(clock), clock=clock, patience_s=3)


async def push(daraja: Daraja, inbox: Inbox, *, phone: str = PHONE, amount_cents: int = 2500) -> PushAccepted:
    return await daraja.push(
        phone=phone, amount_cents=amount_cents, reference="K7QM2XWP", description="1 hour", callback_url=inbox.url
    )


async def test_a_payer_types_the_pin_and_both_roads_say_paid(daraja: Daraja, inbox: Inbox, world: World):
    world.turn(auto_answer="pin", query_too_early_seconds=0)
    accepted = await push(daraja, inbox)
    result = await inbox.result()
    assert result.checkout_request_id == accepted.checkout_request_id
    assert result.merchant_request_id == accepted.merchant_request_id
    assert result.meaning is Meaning.PAID
    assert result.is_complete
    assert result.amount == Decimal(25)
    assert result.amount_cents == 2500
    assert result.phone == PHONE
    assert result.paid_at is not None
    assert abs(result.paid_at - datetime.now(UTC)) < timedelta(minutes=1)
    assert (await daraja.query(accepted.checkout_request_id)).meaning is Meaning.PAID


async def test_a_payer_cancels(daraja: Daraja, inbox: Inbox, world: World):
    world.turn(auto_answer="cancel")
    await push(daraja, inbox)
    result = await inbox.result()
    assert (result.result_code, result.meaning, result.receipt) == ("1032", Meaning.FAILED_RETRY, None)


async def test_nobody_answers_the_phone(daraja: Daraja, inbox: Inbox, world: World):
    await push(daraja, inbox)
    world.advance(27)
    result = await inbox.result()
    assert (result.result_code, result.meaning) == ("1037", Meaning.KEEP_WATCHING)


async def test_a_code_given_as_text_without_a_phone_is_understood(daraja: Daraja, inbox: Inbox, world: World):
    world.turn(auto_answer="pin", callback_text_code=True, callback_phone="absent", callback_balance="empty")
    await push(daraja, inbox)
    result = await inbox.result()
    assert result.is_complete
    assert result.phone is None


@pytest.mark.parametrize("spelling", ["404.001.03", "401.002.01", "400.003.01", "401.003.01"])
async def test_a_token_killed_by_another_system_is_replaced_once(
    daraja: Daraja, inbox: Inbox, world: World, spelling: str
):
    world.turn(token_error=spelling)
    await push(daraja, inbox)
    [known] = world.apps.values()
    world.issue_token(known)
    accepted = await push(daraja, inbox, phone="254712345678")
    assert accepted.checkout_request_id


async def test_eight_pushes_at_once_share_one_token(daraja: Daraja, inbox: Inbox, world: World):
    phones = [f"25471234560{n}" for n in range(8)]
    accepted = await asyncio.gather(*(push(daraja, inbox, phone=phone) for phone in phones))
    assert len({one.checkout_request_id for one in accepted}) == 8
    assert sum("/oauth/" in exchange.target for exchange in world.log) == 1


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"consumer_secret": "wrong"}, MpesaConfig),
        ({"passkey": "wrong"}, MpesaConfig),
        ({"shortcode": "999999"}, MpesaConfig),
    ],
)
async def test_wrong_credentials_are_a_setup_problem(
    http: httpx.AsyncClient, app: MpesaApp, inbox: Inbox, change: dict[str, str], error: type[MpesaError]
):
    with pytest.raises(error):
        await push(client_for(http, replace(app, **change)), inbox)


async def test_a_product_missing_on_the_app_is_a_setup_problem(daraja: Daraja, inbox: Inbox, world: World):
    world.turn(product_missing=True)
    with pytest.raises(MpesaConfig):
        await push(daraja, inbox)


async def test_a_second_push_meets_the_open_prompt(daraja: Daraja, inbox: Inbox):
    await push(daraja, inbox)
    with pytest.raises(MpesaPromptOpen):
        await push(daraja, inbox, amount_cents=5000)


async def test_a_callback_address_daraja_refuses_keeps_its_words(daraja: Daraja):
    with pytest.raises(MpesaRefused) as caught:
        await daraja.push(phone=PHONE, amount_cents=100, reference="A", description="", callback_url="https://<x>/c")
    assert "CallBackURL" in caught.value.provider_message


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ("busy", MpesaBusy),
        ("spike", MpesaBusy),
        ("quota", MpesaBusy),
        ("gateway_429", MpesaBusy),
        ("internal", MpesaUnknown),
        ("html_403", MpesaUnknown),
        ("html_503", MpesaUnknown),
        ("reset", MpesaUnknown),
        ("truncated", MpesaUnknown),
        ("empty", MpesaUnknown),
    ],
)
async def test_every_fault_of_a_push_tells_whether_money_may_move(
    daraja: Daraja, inbox: Inbox, world: World, fault: str, error: type[MpesaError]
):
    world.turn(push_fault=fault)
    with pytest.raises(MpesaError) as caught:
        await push(daraja, inbox)
    assert type(caught.value) is error
    if error is MpesaBusy:
        assert not world.pushes


@pytest.mark.parametrize("fault", ["hang", "drip"])
async def test_an_answer_that_does_not_come_in_time_leaves_the_push_in_doubt(
    http: httpx.AsyncClient, app: MpesaApp, inbox: Inbox, world: World, fault: str
):
    world.turn(push_fault=fault, hang_seconds=2)
    clock = Clock()
    with pytest.raises(MpesaUnknown):
        await push(Daraja(http, app, tokens=TokenSource(clock), clock=clock, patience_s=0.5), inbox)


async def test_a_lost_answer_is_made_good_by_the_callback(daraja: Daraja, inbox: Inbox, world: World):
    world.turn(push_fault="reset", push_fault_accepts=True, auto_answer="pin")
    with pytest.raises(MpesaUnknown):
        await push(daraja, inbox)
    assert (await inbox.result()).is_complete


async def test_the_callback_may_be_here_before_the_answer(daraja: Daraja, inbox: Inbox, world: World):
    world.turn(callback_before_response=True, auto_answer="pin")
    asked = asyncio.create_task(push(daraja, inbox))
    result = await inbox.result()
    assert (await asked).checkout_request_id == result.checkout_request_id


@pytest.mark.parametrize("shape", ["4999", "being_processed"])
async def test_a_query_while_the_phone_rings_says_pending(daraja: Daraja, inbox: Inbox, world: World, shape: str):
    world.turn(query_pending=shape, query_too_early_seconds=0)
    accepted = await push(daraja, inbox)
    assert (await daraja.query(accepted.checkout_request_id)).meaning is Meaning.PENDING


async def test_a_query_asked_too_early_says_pending(daraja: Daraja, inbox: Inbox):
    accepted = await push(daraja, inbox)
    assert (await daraja.query(accepted.checkout_request_id)).meaning is Meaning.PENDING


async def test_a_request_daraja_does_not_know_is_unknown_and_not_failed(daraja: Daraja):
    assert (await daraja.query("ws_CO_180920261803512708374149")).meaning is Meaning.UNKNOWN


async def test_the_query_limit_tells_when_to_come_back(daraja: Daraja, inbox: Inbox, world: World):
    accepted = await push(daraja, inbox)
    await daraja.query(accepted.checkout_request_id)
    with pytest.raises(MpesaBusy) as caught:
        await daraja.query(accepted.checkout_request_id)
    assert caught.value.retry_after == 12


async def test_a_lost_callback_is_made_good_by_the_query(daraja: Daraja, inbox: Inbox, world: World):
    world.turn(callback_lost=True, auto_answer="pin", query_too_early_seconds=0)
    accepted = await push(daraja, inbox)
    assert await wait_until(world, lambda: bool(world.ledger), seconds=5)
    assert (await daraja.query(accepted.checkout_request_id)).meaning is Meaning.PAID
    assert inbox.bodies.empty()
