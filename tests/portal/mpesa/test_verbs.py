"""Every verb of the client but push and query: what it sends, and what a lost answer means for it."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta

import httpx
import pytest

from portal.clock import Clock
from portal.errors import MpesaAlready, MpesaBusy, MpesaConfig, MpesaError, MpesaRefused, MpesaUnknown
from portal.mpesa import initiated, pull, qr, sentences
from portal.mpesa.client import SIMULATE_PATH, Daraja
from portal.mpesa.credentials import TokenSource
from portal.mpesa.initiator_codes import Verb
from tests.portal.mpesa.envelopes import ACK, URLS, certificate, signing_app
from tests.portal.mpesa.fake import Answer, FakeDaraja, answer
from tests.portal.mpesa.samples import SPIKE, refusal

PAID_URL, CHECK_URL = "https://wifi.example.co.ke/cb/0f3a/paid", "https://wifi.example.co.ke/cb/0f3a/check"
REGISTER_PATH = "/mpesa/c2b/v2/registerurl"
NOW = Clock().now()
PEM, _ = certificate(starts=NOW - timedelta(days=1), ends=NOW + timedelta(days=2))

Call = Callable[[Daraja], Awaitable[object]]


def register(daraja: Daraja) -> Awaitable[object]:
    return daraja.register_urls(confirmation_url=PAID_URL, validation_url=CHECK_URL)


def reverse(daraja: Daraja) -> Awaitable[object]:
    return daraja.reverse("UKK41H7QZD", amount_cents=5000, urls=URLS)


def pay_out(daraja: Daraja) -> Awaitable[object]:
    return daraja.pay_out("payout-17", phone="254708374149", amount_cents=150_000, urls=URLS)


def look(daraja: Daraja) -> Awaitable[object]:
    return daraja.pull(since=NOW - timedelta(hours=1), until=NOW, offset=0)


MOVES: dict[str, Call] = {initiated.PATHS[Verb.REVERSAL]: reverse, initiated.PATHS[Verb.B2C]: pay_out}
LOOKS: dict[str, Call] = {
    REGISTER_PATH: register,
    SIMULATE_PATH: lambda daraja: daraja.simulate_payment(phone="254708374149", amount_cents=100, reference="A"),
    initiated.PATHS[Verb.STATUS]: lambda daraja: daraja.ask_status("UKK41H7QZD", urls=URLS),
    initiated.PATHS[Verb.BALANCE]: lambda daraja: daraja.ask_balance(urls=URLS),
    pull.REGISTER_PATH: lambda daraja: daraja.register_pull(number="254722000000", callback_url=PAID_URL),
    pull.QUERY_PATH: look,
    qr.PATH: lambda daraja: daraja.qr_code(name="Shop", reference="K7QM2XWP", amount_cents=5000),
}
LOST: list[Answer] = [
    httpx.ReadTimeout("slow"), httpx.ReadError("reset"), httpx.RemoteProtocolError("closed"), answer(503, b"<html>"),
    answer(200), answer(500, refusal("500.003.1001", "Internal Server Error")), answer(302, ACK, location="https://x.example/"),
]  # fmt: skip


@pytest.fixture
def fake() -> FakeDaraja:
    return FakeDaraja()


@pytest.fixture
async def daraja(fake: FakeDaraja) -> AsyncIterator[Daraja]:
    async with httpx.AsyncClient(transport=httpx.MockTransport(fake.handle)) as http:
        yield Daraja(http, signing_app(PEM), tokens=TokenSource(Clock()), clock=Clock())


@pytest.mark.parametrize("lost", LOST, ids=str)
@pytest.mark.parametrize("path", MOVES)
async def test_what_may_have_moved_money_is_unknown_when_its_answer_is_lost(
    daraja: Daraja, fake: FakeDaraja, path: str, lost: Answer
):
    fake.will(path, lost)
    with pytest.raises(MpesaUnknown):
        await MOVES[path](daraja)
    assert len(fake.asked(path)) == 1, "it is never sent twice"


@pytest.mark.parametrize("lost", LOST, ids=str)
@pytest.mark.parametrize("path", LOOKS)
async def test_what_moves_nothing_may_be_asked_again_when_its_answer_is_lost(
    daraja: Daraja, fake: FakeDaraja, path: str, lost: Answer
):
    fake.will(path, lost)
    with pytest.raises(MpesaBusy) as caught:
        await LOOKS[path](daraja)
    assert not caught.value.permanent


@pytest.mark.parametrize("given", [httpx.ConnectError("no"), httpx.PoolTimeout("full"), answer(429, SPIKE)], ids=str)
@pytest.mark.parametrize("path", [*MOVES, *LOOKS])
async def test_what_was_never_taken_is_busy_for_every_verb(daraja: Daraja, fake: FakeDaraja, path: str, given: Answer):
    fake.will(path, given)
    with pytest.raises(MpesaBusy):
        await (MOVES | LOOKS)[path](daraja)


@pytest.mark.parametrize("code", ["404.001.03", "401.002.01", "400.003.01", "401.003.01", "401.001"])
@pytest.mark.parametrize("path", [*MOVES, *LOOKS])
async def test_each_spelling_of_a_dead_token_is_mended_once_for_every_verb(
    daraja: Daraja, fake: FakeDaraja, path: str, code: str
):
    fake.will(path, answer(int(code[:3]), refusal(code, "Invalid Access Token")))
    with pytest.raises(MpesaConfig) as caught:
        await (MOVES | LOOKS)[path](daraja)
    tokens = [request.headers["authorization"] for request in fake.asked(path)]
    assert tokens == ["Bearer token-1", "Bearer token-2"]
    assert caught.value.message == sentences.CONTESTED


@pytest.mark.parametrize("path", [*MOVES, *LOOKS])
async def test_a_product_the_app_lacks_costs_no_token(daraja: Daraja, fake: FakeDaraja, path: str):
    fake.will(path, answer(401, refusal("401.003.01", "Invalid API call as no apiproduct match found")))
    with pytest.raises(MpesaConfig, match="add the product"):
        await (MOVES | LOOKS)[path](daraja)
    assert (len(fake.asked(path)), fake.issued) == (1, 1)


async def test_addresses_are_registered_with_the_version_of_the_app(fake: FakeDaraja):
    taken = b'{"OriginatorCoversationID":"7619-1","ResponseCode":"0","ResponseDescription":"success"}'
    fake.will("/mpesa/c2b/v1/registerurl", answer(200, taken))
    async with httpx.AsyncClient(transport=httpx.MockTransport(fake.handle)) as http:
        await register(Daraja(http, signing_app(PEM, c2b_version="v1"), tokens=TokenSource(Clock()), clock=Clock()))
    [request] = fake.asked("/mpesa/c2b/v1/registerurl")
    assert json.loads(request.content)["ConfirmationURL"] == PAID_URL


@pytest.mark.parametrize(
    ("said", "next_step"),
    [
        ("Urls are already registered", "URL Management"),
        ("Duplicate notification info, SP ID is 1", "apisupport@safaricom"),
    ],
)
async def test_addresses_are_taken_only_once_and_the_next_step_is_told(
    daraja: Daraja, fake: FakeDaraja, said: str, next_step: str
):
    fake.will(REGISTER_PATH, answer(500, refusal("500.003.1001", said)))
    with pytest.raises(MpesaAlready) as caught:
        await register(daraja)
    assert next_step in caught.value.message
    assert caught.value.permanent


async def test_a_reversal_without_the_role_says_who_gives_it(daraja: Daraja, fake: FakeDaraja):
    fake.will(initiated.PATHS[Verb.REVERSAL], answer(200, b'{"ResponseCode":"21","ResponseDescription":"not allowed"}'))
    with pytest.raises(MpesaConfig, match="business administrator"):
        await reverse(daraja)


async def test_a_missing_or_ended_certificate_stops_the_request_before_it_is_sent(fake: FakeDaraja):
    late = Clock()
    late.shift(timedelta(days=3))
    async with httpx.AsyncClient(transport=httpx.MockTransport(fake.handle)) as http:
        for app, clock in ((signing_app(PEM), late), (signing_app(""), Clock())):
            with pytest.raises(MpesaConfig):
                await reverse(Daraja(http, app, tokens=TokenSource(clock), clock=clock))
    assert fake.requests == []


async def test_a_big_page_of_pull_is_read_whole(daraja: Daraja, fake: FakeDaraja):
    row = {"transactionId": "UKK41H7QZD", "amount": "50.00", "billreference": "x" * 40, "organizationname": "y" * 400}
    fake.will(pull.QUERY_PATH, answer(200, json.dumps({"ResponseCode": "1000", "Response": [[row] * 400]}).encode()))
    found = await look(daraja)
    assert isinstance(found, pull.PullPage)
    assert (len(found.rows), found.next_offset) == (400, 400)


async def test_a_refused_field_keeps_darajas_words_for_the_log_and_ours_for_people(daraja: Daraja, fake: FakeDaraja):
    fake.will(initiated.PATHS[Verb.B2C], answer(400, refusal("400.002.02", "Bad Request - Invalid InitiatorName")))
    with pytest.raises(MpesaRefused) as caught:
        await pay_out(daraja)
    assert "Invalid InitiatorName" in str(caught.value)
    assert "InitiatorName" not in caught.value.message


class Ledger:
    """A watch that writes down what it is told."""

    def __init__(self) -> None:
        self.told: list[str] = []

    async def trouble(self, verb: str, error: MpesaConfig) -> None:
        self.told.append(f"{verb}: {error.code}")

    async def fine(self, verb: str) -> None:
        self.told.append(f"{verb}: fine")


async def test_whoever_watches_the_account_hears_of_a_wrong_setup_and_of_success(fake: FakeDaraja):
    ledger = Ledger()
    wrong = answer(404, refusal("404.002.01", "Resource not found"))
    fake.will(initiated.PATHS[Verb.B2C], wrong, answer(503), answer(200, ACK))
    async with httpx.AsyncClient(transport=httpx.MockTransport(fake.handle)) as http:
        daraja = Daraja(http, signing_app(PEM), tokens=TokenSource(Clock()), clock=Clock(), watch=ledger)
        for _ in range(2):
            with pytest.raises(MpesaError):
                await pay_out(daraja)
        await pay_out(daraja)
    assert ledger.told == ["b2c: 404.002.01", "b2c: fine"]


async def test_a_wrong_key_is_told_to_whoever_watches(fake: FakeDaraja):
    ledger = Ledger()
    fake.will("/oauth/v1/generate", answer(400))
    async with httpx.AsyncClient(transport=httpx.MockTransport(fake.handle)) as http:
        daraja = Daraja(http, signing_app(PEM), tokens=TokenSource(Clock()), clock=Clock(), watch=ledger)
        with pytest.raises(MpesaConfig, match="consumer key"):
            await daraja.ensure_token()
        with pytest.raises(MpesaConfig, match="consumer key"):
            await reverse(daraja)
    assert ledger.told == ["token: HTTP 400", "reversal: HTTP 400"]
