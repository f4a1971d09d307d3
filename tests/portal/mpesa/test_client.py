import json
import logging
from collections.abc import AsyncIterator, Iterator

import httpx
import pytest

from portal.clock import Clock
from portal.errors import MpesaBusy, MpesaConfig, MpesaError, MpesaPromptOpen, MpesaRefused, MpesaUnknown
from portal.mpesa.client import PUSH_PATH, QUERY_PATH, Daraja
from portal.mpesa.credentials import TokenSource
from portal.mpesa.result_codes import Meaning
from portal.mpesa.wire import TOKEN_PATH
from tests.portal.mpesa.fake import Answer, FakeDaraja, answer
from tests.portal.mpesa.samples import ACCEPTED, APP, CALLBACK_URL, SPIKE, refusal


@pytest.fixture
def fake() -> FakeDaraja:
    return FakeDaraja()


@pytest.fixture
async def daraja(fake: FakeDaraja) -> AsyncIterator[Daraja]:
    clock = Clock()
    async with httpx.AsyncClient(transport=httpx.MockTransport(fake.handle)) as http:
        yield Daraja(http, APP, tokens=TokenSource(clock), clock=clock)


async def push(daraja: Daraja) -> object:
    return await daraja.push(
        phone="254708374149", amount_cents=2500, reference="K7QM2XWP", description="1 hour", callback_url=CALLBACK_URL
    )


async def test_a_push_is_json_with_the_shared_token(daraja: Daraja, fake: FakeDaraja):
    fake.will(PUSH_PATH, answer(200, ACCEPTED))
    await push(daraja)
    await push(daraja)
    [token_request] = fake.asked(TOKEN_PATH)
    assert token_request.method == "GET"
    assert token_request.url.query == b"grant_type=client_credentials"
    assert token_request.headers["authorization"] == "Basic dGhlLWtleTp0aGUtc2VjcmV0"
    first, second = fake.asked(PUSH_PATH)
    assert first.method == "POST"
    assert first.headers["authorization"] == second.headers["authorization"] == "Bearer token-1"
    assert first.headers["content-type"] == "application/json"
    assert json.loads(first.content)["Amount"] == 25


@pytest.mark.parametrize("code", ["404.001.03", "401.002.01", "400.003.01", "401.003.01"])
async def test_a_dead_token_is_replaced_once_and_the_request_sent_again(daraja: Daraja, fake: FakeDaraja, code: str):
    dead = answer(int(code[:3]), refusal(code, "Invalid Access Token"))
    fake.will(PUSH_PATH, dead, answer(200, ACCEPTED))
    await push(daraja)
    assert [request.headers["authorization"] for request in fake.asked(PUSH_PATH)] == [
        "Bearer token-1",
        "Bearer token-2",
    ]


async def test_a_token_that_keeps_dying_is_a_setup_problem_and_not_a_loop(daraja: Daraja, fake: FakeDaraja):
    fake.will(PUSH_PATH, answer(404, refusal("404.001.03", "Invalid Access Token")))
    with pytest.raises(MpesaConfig, match="another system"):
        await push(daraja)
    assert len(fake.asked(PUSH_PATH)) == 2
    assert fake.issued == 2


async def test_a_missing_product_is_not_answered_with_a_new_token(daraja: Daraja, fake: FakeDaraja):
    fake.will(PUSH_PATH, answer(401, refusal("401.003.01", "no apiproduct match found")))
    with pytest.raises(MpesaConfig):
        await push(daraja)
    assert len(fake.asked(PUSH_PATH)) == 1


@pytest.mark.parametrize(
    ("given", "error"),
    [
        (answer(400, refusal("400.002.02", "Bad Request - Invalid Amount")), MpesaRefused),
        (answer(500, refusal("500.001.1001", "Wrong credentials")), MpesaConfig),
        (answer(500, refusal("500.001.1001", "Unable to lock subscriber")), MpesaPromptOpen),
        (answer(500, refusal("500.003.02", "System is busy")), MpesaBusy),
        (answer(500, refusal("500.003.1001", "Internal")), MpesaUnknown),
        (answer(503, b"<html>"), MpesaUnknown),
        (answer(302, ACCEPTED, location="https://elsewhere.example/"), MpesaUnknown),
        (answer(200, ACCEPTED[:40]), MpesaUnknown),
        (answer(200, b""), MpesaUnknown),
        (answer(200, b" " * 70_000 + ACCEPTED), MpesaUnknown),
        (httpx.ReadTimeout("slow"), MpesaUnknown),
        (httpx.ReadError("reset"), MpesaUnknown),
        (httpx.WriteError("reset"), MpesaUnknown),
        (httpx.RemoteProtocolError("closed"), MpesaUnknown),
        (httpx.ConnectError("refused"), MpesaBusy),
        (httpx.ConnectTimeout("slow"), MpesaBusy),
        (httpx.PoolTimeout("full"), MpesaBusy),
    ],
    ids=str,
)
async def test_a_push_that_went_wrong_is_sent_once_and_says_whether_it_may_have_been_carried_out(
    daraja: Daraja, fake: FakeDaraja, given: Answer, error: type[MpesaError]
):
    fake.will(PUSH_PATH, given)
    with pytest.raises(MpesaError) as caught:
        await push(daraja)
    assert type(caught.value) is error
    assert len(fake.asked(PUSH_PATH)) == 1


async def test_a_refusal_keeps_darajas_words(daraja: Daraja, fake: FakeDaraja):
    fake.will(PUSH_PATH, answer(400, refusal("400.002.02", "Bad Request - Invalid PhoneNumber")))
    with pytest.raises(MpesaRefused) as caught:
        await push(daraja)
    assert (caught.value.code, caught.value.provider_message) == ("400.002.02", "Bad Request - Invalid PhoneNumber")


async def test_a_busy_answer_says_when_to_come_back(daraja: Daraja, fake: FakeDaraja):
    fake.will(PUSH_PATH, answer(429, SPIKE, **{"Retry-After": "7"}))
    with pytest.raises(MpesaBusy) as caught:
        await push(daraja)
    assert caught.value.retry_after == 7


async def test_what_daraja_would_drop_is_not_sent_at_all(daraja: Daraja, fake: FakeDaraja):
    with pytest.raises(MpesaRefused, match="Amount"):
        await daraja.push(
            phone="254708374149", amount_cents=2550, reference="A", description="", callback_url=CALLBACK_URL
        )
    assert fake.requests == []


@pytest.mark.parametrize(
    ("given", "error"),
    [
        (answer(400), MpesaConfig),
        (answer(503, b"<html>"), MpesaBusy),
        (answer(429, SPIKE), MpesaBusy),
        (httpx.ReadTimeout("slow"), MpesaBusy),
        (httpx.ConnectError("refused"), MpesaBusy),
    ],
    ids=str,
)
async def test_without_a_token_the_push_was_not_sent_and_is_not_in_doubt(
    daraja: Daraja, fake: FakeDaraja, given: Answer, error: type[MpesaError]
):
    fake.will(TOKEN_PATH, given)
    with pytest.raises(MpesaError) as caught:
        await push(daraja)
    assert type(caught.value) is error
    assert fake.asked(PUSH_PATH) == []


@pytest.mark.parametrize("lost", [TimeoutError(), MpesaUnknown("", "the account is gone")], ids=str)
async def test_a_token_source_that_gives_up_leaves_the_push_out_of_doubt(fake: FakeDaraja, lost: Exception):
    class NoTokens(TokenSource):
        async def current(self, app: object, fetch: object) -> str:
            raise lost

    async with httpx.AsyncClient(transport=httpx.MockTransport(fake.handle)) as http:
        with pytest.raises(MpesaBusy):
            await push(Daraja(http, APP, tokens=NoTokens(Clock()), clock=Clock()))
    assert fake.requests == []


async def test_a_query_tells_the_outcome(daraja: Daraja, fake: FakeDaraja):
    fake.will(QUERY_PATH, answer(200, b'{"CheckoutRequestID":"ws_CO_1","ResultCode":"1032","ResultDesc":"cancelled"}'))
    found = await daraja.query("ws_CO_1")
    assert (found.meaning, found.result_code) == (Meaning.FAILED_RETRY, "1032")
    assert json.loads(fake.asked(QUERY_PATH)[0].content)["CheckoutRequestID"] == "ws_CO_1"


async def test_an_answer_about_another_request_is_not_taken(daraja: Daraja, fake: FakeDaraja):
    fake.will(QUERY_PATH, answer(200, b'{"CheckoutRequestID":"ws_CO_2","ResultCode":"0"}'))
    with pytest.raises(MpesaBusy):
        await daraja.query("ws_CO_1")


@pytest.mark.parametrize(
    "given", [httpx.ReadTimeout("slow"), httpx.ConnectError("no"), answer(503), answer(429, SPIKE)], ids=str
)
async def test_a_lost_query_only_means_asking_again(daraja: Daraja, fake: FakeDaraja, given: Answer):
    fake.will(QUERY_PATH, given)
    with pytest.raises(MpesaBusy):
        await daraja.query("ws_CO_1")


@pytest.fixture
def everything_logged(caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    with caplog.at_level(logging.DEBUG, logger="portal"):
        yield caplog


async def test_one_line_per_exchange_and_no_secret_in_any(
    daraja: Daraja, fake: FakeDaraja, everything_logged: pytest.LogCaptureFixture
):
    fake.will(PUSH_PATH, answer(404, refusal("404.001.03", "Invalid Access Token")), answer(200, ACCEPTED))
    await push(daraja)
    records = [record.__dict__ for record in everything_logged.records if record.name == "portal.mpesa.wire"]
    told = [(record["verb"], record["outcome"]) for record in records if "verb" in record]
    assert told == [("token", "200"), ("push", "404"), ("token", "200"), ("push", "200")]
    sent = json.loads(fake.asked(PUSH_PATH)[0].content)
    for secret in (
        APP.consumer_secret,
        APP.passkey,
        sent["Password"],
        "token-1",
        "dGhlLWtleTp0",
        "254708374149",
        CALLBACK_URL,
    ):
        assert secret not in repr(records)
