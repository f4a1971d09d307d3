from portal.mpesa.simulator import DarajaSimulator

from .conftest import PHONE, Caller, error_of


async def finished(sim: DarajaSimulator, caller: Caller) -> str:
    push = await caller.pushed()
    await sim.approve(PHONE)
    await sim.wait_delivered(push)
    return push.checkout_request_id


async def test_paid_push_is_text_zero_without_receipt_or_amount(sim: DarajaSimulator, caller: Caller):
    answer = await caller.query(await finished(sim, caller))
    assert answer.status_code == 200
    body = answer.json()
    assert body["ResultCode"] == "0"
    assert set(body) == {
        "ResponseCode", "ResponseDescription", "MerchantRequestID", "CheckoutRequestID", "ResultCode", "ResultDesc",
    }  # fmt: skip
    assert sim.world.ledger[0].receipt not in answer.text


async def test_pending_push_is_4999(sim: DarajaSimulator, caller: Caller):
    push = await caller.pushed()
    sim.world.advance(2)
    answer = await caller.query(push.checkout_request_id)
    assert (answer.status_code, answer.json()["ResultCode"]) == (200, "4999")


async def test_query_too_early_is_an_invalid_id(sim: DarajaSimulator, caller: Caller):
    push = await caller.pushed()
    sim.world.advance(1.9)
    refused = await caller.query(push.checkout_request_id)
    assert error_of(refused) == (400, "400.002.02", "Bad Request - Invalid CheckoutRequestID")


async def test_pending_push_can_be_a_500_being_processed(sim: DarajaSimulator, caller: Caller):
    sim.world.turn(query_pending="being_processed", query_too_early_seconds=0)
    push = await caller.pushed()
    refused = await caller.query(push.checkout_request_id)
    assert error_of(refused) == (500, "500.001.1001", "The transaction is being processed")


async def test_mixed_pending_shows_both_shapes(sim: DarajaSimulator, caller: Caller):
    sim.world.turn(query_pending="mixed", query_too_early_seconds=0, query_per_minute=None)
    push = await caller.pushed()
    assert [(await caller.query(push.checkout_request_id)).status_code for _ in range(4)] == [200, 500, 200, 500]


async def test_unknown_id_does_not_exist(caller: Caller):
    refused = await caller.query("ws_CO_1")
    assert error_of(refused) == (500, "500.001.1001", "The transaction does not Exist")


async def test_push_of_another_shortcode_does_not_exist(sim: DarajaSimulator, caller: Caller):
    checkout_request_id = await finished(sim, caller)
    sim.world.pushes[checkout_request_id].shortcode = sim.world.add_shortcode("600100", passkey="x", name="OTHER")
    assert error_of(await caller.query(checkout_request_id))[2] == "The transaction does not Exist"


async def test_missing_id_and_wrong_password_are_refused(caller: Caller):
    assert error_of(await caller.query(""))[2] == "Bad Request - Invalid CheckoutRequestID"
    caller.world.turn(query_per_minute=None)
    assert error_of(await caller.query("ws_CO_1", Password="MTIz"))[2] == "Wrong credentials"


async def test_limiter_lets_one_query_through_each_twelve_seconds(sim: DarajaSimulator, caller: Caller):
    checkout_request_id = await finished(sim, caller)
    seen: list[int] = []
    for seconds in (0, 0, 11.9, 0.1, 0, 600, 0):
        sim.world.advance(seconds)
        seen.append((await caller.query(checkout_request_id)).status_code)
    assert seen == [200, 429, 429, 200, 429, 200, 429]


async def test_limiter_answers_with_the_gateways_own_body(sim: DarajaSimulator, caller: Caller):
    checkout_request_id = await finished(sim, caller)
    await caller.query(checkout_request_id)
    refused = await caller.query(checkout_request_id)
    assert refused.json() == {
        "fault": {
            "faultstring": "Spike arrest violation. Allowed rate : MessageRate{messagesPerPeriod=5, "
            "periodInMicroseconds=60000000, maxBurstMessageCount=1.0}",
            "detail": {"errorcode": "policies.ratelimit.SpikeArrestViolation"},
        }
    }
    assert "retry-after" not in refused.headers


async def test_limiter_can_be_switched_off_and_widened(sim: DarajaSimulator, caller: Caller):
    checkout_request_id = await finished(sim, caller)
    sim.world.turn(query_per_minute=None)
    assert {(await caller.query(checkout_request_id)).status_code for _ in range(10)} == {200}
    sim.world.turn(query_per_minute=5, query_burst=3, retry_after_header=True)
    caller.bearer = ""
    answers = [await caller.query(checkout_request_id) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert answers[-1].headers["retry-after"] == "12"


async def test_result_is_there_when_the_callback_was_lost(sim: DarajaSimulator, caller: Caller):
    sim.world.turn(callback_lost=True)
    assert (await caller.query(await finished(sim, caller))).json()["ResultCode"] == "0"
    assert not caller.merchant.heard


async def test_1037_is_told_in_other_words_than_in_the_callback(sim: DarajaSimulator, caller: Caller):
    push = await caller.pushed()
    sim.world.advance(26)
    await sim.wait_delivered(push)
    answer = (await caller.query(push.checkout_request_id)).json()
    told = caller.merchant.heard[0].message
    assert (answer["ResultCode"], told["ResultCode"]) == ("1037", 1037)
    assert answer["ResultDesc"] != told["ResultDesc"]


async def test_query_can_be_down(caller: Caller):
    caller.world.turn(query_fault="html_503")
    answer = await caller.query("ws_CO_1")
    assert (answer.status_code, answer.headers["content-type"]) == (503, "text/html; charset=utf-8")
