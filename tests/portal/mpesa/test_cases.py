"""The fault cases of the door, each as a promise. Numbers are those of the list of faults; 35, 36 and 46 stand in
test_tokens and test_verbs_against_simulator."""

import base64
import dataclasses
import json
import os
import time
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from portal import payments
from portal.captive.failures import FAILURES, Next, failure
from portal.clock import Clock
from portal.config import Settings
from portal.db import DB
from portal.mpesa.client import PUSH_PATH, QUERY_PATH
from portal.mpesa.doors import MpesaDoors
from portal.mpesa.fields import timestamp
from portal.payments.enquire import Question
from portal.vault import Vault
from tests import factories
from tests.portal.mpesa.fake import Answer, FakeDaraja, answer
from tests.portal.mpesa.samples import ACCEPTED, SPIKE, refusal


@pytest.fixture
def fake() -> FakeDaraja:
    return FakeDaraja()


@pytest.fixture
async def doors(db: str, fake: FakeDaraja, settings: Settings, vault: Vault, clock: Clock) -> AsyncIterator[MpesaDoors]:
    live = dataclasses.replace(settings, mpesa_callback_base="https://wifi.example.co.ke")
    async with httpx.AsyncClient(transport=httpx.MockTransport(fake.handle)) as http:
        yield MpesaDoors(http, live, vault=vault, clock=clock)


async def attempt(vault: Vault, *, status: str = "created", **columns: object) -> int:
    merchant = await factories.merchant()
    account = await factories.mpesa_account(vault)
    now = datetime.now(UTC)
    return await factories.payment(
        merchant, status=status, account_id=account, next_try_at=now, created_at=now, **columns
    )


async def row() -> dict[str, object]:
    """The one payment there is: no fault may make a second."""
    [only] = await DB.fetch("SELECT * FROM payments")
    return dict(only)


@pytest.mark.parametrize(
    "busy",
    [
        answer(500, refusal("500.003.02", "System is busy. Please try again in few minutes.")),
        answer(429, SPIKE),
        answer(500, refusal("500.002.1001", "Service is currently under maintenance. Please try again later")),
        httpx.ConnectError("refused"),
    ],
    ids=str,
)
async def test_a_busy_mpesa_gets_the_same_attempt_again_and_no_second_one(
    doors: MpesaDoors, fake: FakeDaraja, vault: Vault, clock: Clock, busy: Answer
) -> None:
    """Case 9."""
    payment = await attempt(vault)
    fake.will(PUSH_PATH, busy, answer(200, ACCEPTED))
    assert await payments.push(payment, doors, now=clock.now()) == "created"
    waiting = await row()
    assert waiting["next_try_at"] > clock.now()  # type: ignore[operator]
    assert await payments.to_push(now=clock.now()) == [], "not before it is due"
    clock.shift(timedelta(seconds=31))
    assert await payments.to_push(now=clock.now()) == [payment]
    assert await payments.push(payment, doors, now=clock.now()) == "pending"
    references = {json.loads(request.content)["AccountReference"] for request in fake.asked(PUSH_PATH)}
    assert references == {(await row())["account_reference"]}
    assert (await row())["tries"] == 2


@pytest.mark.parametrize(
    "lost", [httpx.ReadTimeout("nothing"), httpx.RemoteProtocolError("reset"), answer(200, b"")], ids=str
)
async def test_a_lost_answer_is_unknown_and_never_pushed_again(
    doors: MpesaDoors, fake: FakeDaraja, vault: Vault, clock: Clock, lost: Answer
) -> None:
    """Case 8: the payer may be typing the PIN. Not by the sweep, not a minute later, not by whoever is woken again."""
    payment = await attempt(vault)
    fake.will(PUSH_PATH, lost, answer(200, ACCEPTED))
    assert await payments.push(payment, doors, now=clock.now()) == "unknown"
    clock.shift(timedelta(minutes=1))
    assert await payments.to_push(now=clock.now()) == []
    assert await payments.push(payment, doors, now=clock.now()) == "not waiting"
    await payments.find_stranded(now=clock.now())
    assert (await row())["status"] == "unknown"
    assert len(fake.asked(PUSH_PATH)) == 1


async def test_an_open_prompt_is_shown_and_no_second_push_is_sent(
    doors: MpesaDoors, fake: FakeDaraja, vault: Vault, clock: Clock
) -> None:
    """Case 10."""
    payment = await attempt(vault)
    fake.will(
        PUSH_PATH,
        answer(500, refusal("500.001.1001", "Unable to lock subscriber, a transaction is already in process")),
    )
    await payments.push(payment, doors, now=clock.now())
    assert await payments.push(payment, doors, now=clock.now()) == "not waiting"
    assert len(fake.asked(PUSH_PATH)) == 1
    told = failure(str((await row())["result_code"]))
    assert "Answer" in told.advice
    assert told.next is Next.LATER


@pytest.mark.parametrize(
    "not_yet",
    [
        answer(
            200, b'{"ResponseCode":"0","ResultCode":"4999","ResultDesc":"The transaction is still under processing"}'
        ),
        answer(500, refusal("500.001.1001", "The transaction is being processed")),
        answer(400, refusal("400.002.02", "Bad Request - Invalid CheckoutRequestID")),
    ],
    ids=["4999", "being processed", "too early"],
)
async def test_not_yet_in_any_shape_leaves_the_payment_waiting(
    doors: MpesaDoors, fake: FakeDaraja, vault: Vault, clock: Clock, not_yet: httpx.Response
) -> None:
    """Case 18."""
    payment = await attempt(vault, status="pending", checkout_request_id="ws_CO_1", next_query_at=clock.now())
    fake.will(QUERY_PATH, not_yet)
    [question] = await payments.to_enquire(now=clock.now())
    await payments.enquire(question, doors, vault=vault, now=clock.now())
    found = await row()
    assert (found["id"], found["status"]) == (payment, "pending")
    assert found["next_query_at"] is not None


async def test_an_id_mpesa_does_not_find_is_never_failed_by_itself(
    doors: MpesaDoors, fake: FakeDaraja, vault: Vault, clock: Clock
) -> None:
    """Case 19."""
    payment = await attempt(vault, status="pending", checkout_request_id="ws_CO_1", next_query_at=clock.now())
    account = int(str((await row())["account_id"]))
    fake.will(QUERY_PATH, answer(500, refusal("500.001.1001", "The transaction does not Exist")))
    for _ in range(12):
        await payments.enquire(Question(payment, account, "ws_CO_1"), doors, vault=vault, now=clock.now())
        clock.shift(timedelta(minutes=30))
    assert (await row())["status"] in {"pending", "unknown"}


@pytest.mark.parametrize(
    ("status", "code", "said"),
    [
        (500, "500.001.1001", "Wrong credentials"),
        (500, "500.001.1001", "Merchant does not exist"),
        (401, "401.003.01", "Invalid API call as no apiproduct match found"),
        (404, "404.001.01", "Resource not found"),
    ],
)
async def test_a_wrong_setup_is_told_to_the_admin_once_and_customers_are_sent_elsewhere(
    doors: MpesaDoors, fake: FakeDaraja, vault: Vault, clock: Clock, status: int, code: str, said: str
) -> None:
    """Case 37: one request per customer and no more; told once; what customers read does not ask them to try again."""
    payment = await attempt(vault)
    fake.will(PUSH_PATH, answer(status, refusal(code, said)))
    assert await payments.push(payment, doors, now=clock.now()) == "failed"
    assert (await payments.to_push(now=clock.now() + timedelta(hours=1))) == []
    second = await factories.payment(
        int(str((await row())["merchant_id"])), account_id=(await row())["account_id"], next_try_at=clock.now()
    )
    await payments.push(second, doors, now=clock.now())
    assert len(fake.asked(PUSH_PATH)) == 2, "one for each customer"
    assert fake.issued == 1, "no new token for a wrong set-up"
    assert await DB.value("SELECT count(*) FROM events WHERE name = 'mpesa_setup_wrong'") == 1
    account = await DB.row("SELECT trouble_verb, trouble_code, trouble_text FROM mpesa_accounts")
    assert account is not None
    assert (account["trouble_verb"], account["trouble_code"]) == ("push", code)
    assert account["trouble_text"].endswith(".")
    assert FAILURES[code].next is Next.CALL
    fake.will(PUSH_PATH, answer(200, ACCEPTED))
    third = await factories.payment(
        int(str(await DB.value("SELECT min(merchant_id) FROM payments"))),
        account_id=await DB.value("SELECT min(id) FROM mpesa_accounts"), next_try_at=clock.now(),
    )  # fmt: skip
    await payments.push(third, doors, now=clock.now())
    assert await DB.value("SELECT trouble_at FROM mpesa_accounts") is None


@pytest.fixture(params=["UTC", "Africa/Nairobi", "America/Los_Angeles"])
def host_zone(request: pytest.FixtureRequest) -> Iterator[None]:
    before = os.environ.get("TZ")
    os.environ["TZ"] = request.param
    time.tzset()
    yield
    os.environ.pop("TZ")
    if before is not None:
        os.environ["TZ"] = before
    time.tzset()


@pytest.mark.usefixtures("host_zone")
def test_a_timestamp_is_nairobis_whatever_zone_the_host_is_in() -> None:
    """Case 39."""
    assert timestamp(datetime(2026, 11, 20, 21, 30, 5, tzinfo=UTC)) == "20261121003005"
    assert timestamp(datetime.fromisoformat("2026-11-20T13:30:05-08:00")) == "20261121003005"


@pytest.mark.parametrize("skew", [timedelta(minutes=-5), timedelta(minutes=5)])
async def test_a_clock_that_is_off_by_five_minutes_stamps_password_and_body_alike(
    doors: MpesaDoors, fake: FakeDaraja, vault: Vault, clock: Clock, skew: timedelta
) -> None:
    """Case 39: one source of time; the token's end is counted by the same clock that was told its life."""
    clock.shift(skew)
    payment = await attempt(vault)
    fake.will(PUSH_PATH, answer(200, ACCEPTED))
    assert await payments.push(payment, doors, now=clock.now()) == "pending"
    body = json.loads(fake.asked(PUSH_PATH)[0].content)
    stamped = datetime.strptime(body["Timestamp"], "%Y%m%d%H%M%S").replace(tzinfo=UTC) - timedelta(hours=3)
    assert abs(stamped - clock.now()) < timedelta(minutes=1)
    decoded = base64.b64decode(body["Password"]).decode()
    assert decoded.endswith(body["Timestamp"])
    clock.shift(timedelta(minutes=50))
    await (await doors.for_account(int(str((await row())["account_id"])))).ensure_token()
    assert fake.issued == 1, "still good by the same clock"
