import asyncio
from typing import Any

import pytest

from portal.mpesa.simulator import DarajaSimulator, Knobs, World, prompts
from portal.mpesa.simulator.delivery import is_allowed
from portal.mpesa.simulator.records import Push

from .conftest import OTHER_PHONE, PHONE, Caller, StoppedClock, becomes_true


async def paid(sim: DarajaSimulator, caller: Caller, **changes: Any) -> None:
    push = await caller.pushed(**changes)
    await sim.approve(PHONE)
    await sim.wait_delivered(push)


async def test_success_has_the_documented_body_and_types(sim: DarajaSimulator, caller: Caller):
    await paid(sim, caller)
    (heard,) = caller.merchant.heard
    push = sim.world.phone(PHONE).pushes[0]
    assert heard.message["MerchantRequestID"] == push.merchant_request_id
    assert heard.message["CheckoutRequestID"] == push.checkout_request_id
    assert heard.message["ResultCode"] == 0
    assert heard.message["ResultDesc"] == "The service request is processed successfully."
    assert b'"Value":25.00' in heard.body
    assert isinstance(heard.items["Amount"], float)
    assert heard.items["TransactionDate"] == 20261120123015
    assert heard.items["PhoneNumber"] == 254712345678
    assert heard.items["MpesaReceiptNumber"] == push.receipt


async def test_failure_has_no_metadata(sim: DarajaSimulator, caller: Caller):
    push = await caller.pushed()
    await sim.cancel(PHONE)
    await sim.wait_delivered(push)
    (heard,) = caller.merchant.heard
    assert (heard.message["ResultCode"], heard.message["ResultDesc"]) == (1032, "Request cancelled by user.")
    assert "CallbackMetadata" not in heard.message


async def test_callback_carries_the_shortcode_header_and_the_exact_path(sim: DarajaSimulator, caller: Caller):
    path = "/c/%41b%2Fc//x/../y?a=%20b&A="
    await paid(sim, caller, CallBackURL=caller.merchant.url + path)
    (heard,) = caller.merchant.heard
    assert heard.request_line == f"POST {path} HTTP/1.1"
    assert "Businessshortcode: 174379" in heard.headers
    assert "Content-Type: application/json;charset=UTF-8" in heard.headers


@pytest.mark.parametrize("status", ["500 Oops", "404 Not Found", "302 Found\r\nLocation: /elsewhere"])
async def test_callback_is_sent_once_whatever_the_answer(sim: DarajaSimulator, caller: Caller, status: str):
    caller.merchant.answers = [f"HTTP/1.1 {status}\r\nContent-Length: 0\r\n".encode()]
    await paid(sim, caller)
    sim.world.advance(3600)
    await asyncio.sleep(0.05)
    assert len(caller.merchant.heard) == 1


async def test_callback_to_a_dead_merchant_is_lost(sim: DarajaSimulator, caller: Caller):
    push = await caller.pushed(CallBackURL="http://127.0.0.1:1/x")
    await sim.approve(PHONE)
    await sim.wait_delivered(push)
    assert [(delivery.status, delivery.error) for delivery in push.deliveries] == [(None, "ConnectError")]
    assert push.result_code == "0"


async def test_slow_merchant_is_given_up_after_the_timeout(sim: DarajaSimulator, caller: Caller):
    sim.world.turn(callback_timeout_seconds=0.05)
    caller.merchant.hold = asyncio.Event()
    await paid(sim, caller)
    assert sim.world.phone(PHONE).pushes[0].deliveries[0].error == "timeout"


async def test_lost_callback_never_arrives(sim: DarajaSimulator, caller: Caller):
    sim.world.turn(callback_lost=True)
    await paid(sim, caller)
    sim.world.advance(3600)
    await asyncio.sleep(0.05)
    assert not caller.merchant.heard
    assert len(sim.world.ledger) == 1


async def test_delayed_callback_waits_for_the_clock(sim: DarajaSimulator, caller: Caller):
    sim.world.turn(callback_delay_seconds=1200)
    push = await caller.pushed()
    await sim.approve(PHONE)
    sim.world.advance(1199)
    await asyncio.sleep(0.05)
    assert not caller.merchant.heard
    sim.world.advance(1)
    await sim.wait_delivered(push)
    assert caller.merchant.heard[0].items["TransactionDate"] == 20261120123015


async def test_copies_are_identical_and_sent_in_parallel(sim: DarajaSimulator, caller: Caller):
    sim.world.turn(callback_copies=5)
    caller.merchant.hold = asyncio.Event()
    push = await caller.pushed()
    await sim.approve(PHONE)
    await becomes_true(lambda: caller.merchant.most_at_once == 5)
    caller.merchant.hold.set()
    await sim.wait_delivered(push, count=5)
    assert len({heard.body for heard in caller.merchant.heard}) == 1


async def test_long_queue_of_callbacks_loses_none_to_its_own_waiting(sim: DarajaSimulator, caller: Caller):
    sim.world.turn(callback_copies=300, callback_timeout_seconds=1)
    caller.merchant.delay_seconds = 0.25
    push = await caller.pushed()
    await sim.approve(PHONE)
    await sim.wait_delivered(push, count=300)
    assert {delivery.error for delivery in push.deliveries} == {None}


async def test_retries_stop_at_the_first_2xx(sim: DarajaSimulator, caller: Caller):
    sim.world.turn(callback_retries=3, callback_retry_seconds=10)
    caller.merchant.answers = [b"HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n"]
    await paid(sim, caller)
    push = sim.world.phone(PHONE).pushes[0]
    sim.world.advance(10)
    await sim.wait_delivered(push, count=2)
    sim.world.advance(60)
    await asyncio.sleep(0.05)
    assert [delivery.status for delivery in push.deliveries] == [500, 200]


async def test_callback_can_come_before_the_response(sim: DarajaSimulator, caller: Caller):
    sim.world.turn(callback_before_response=True)
    caller.merchant.hold = asyncio.Event()
    answer = asyncio.create_task(caller.push())
    await sim.approve(PHONE)
    await becomes_true(lambda: bool(caller.merchant.heard))
    assert not answer.done()
    caller.merchant.hold.set()
    assert (await answer).json()["CheckoutRequestID"] == caller.merchant.heard[0].message["CheckoutRequestID"]


async def test_held_callbacks_can_be_released_in_reverse(sim: DarajaSimulator, caller: Caller):
    sim.world.turn(callback_hold=True)
    pushes: list[Push] = []
    for amount in (1, 2):
        pushes.append(await caller.pushed(Amount=amount))
        await sim.cancel(PHONE)
    await asyncio.sleep(0.05)
    assert not caller.merchant.heard
    sim.world.turn(callback_hold=False)
    answer = await caller.http.post("/_sim/callbacks/release", json={"reversed": True})
    assert answer.json() == {"released": 2}
    for push in pushes:
        await sim.wait_delivered(push)
    assert {heard.message["CheckoutRequestID"] for heard in caller.merchant.heard} == {
        push.checkout_request_id for push in pushes
    }


async def test_amount_can_be_told_wrong_while_the_wallet_pays_right(sim: DarajaSimulator, caller: Caller):
    sim.world.turn(callback_amount=10.4)
    await paid(sim, caller)
    assert caller.merchant.heard[0].items["Amount"] == 10.4
    assert sim.world.ledger[0].amount_cents == 2500


@pytest.mark.parametrize(
    ("knob", "expected"), [("full", 254712345678), ("masked", "25471****678"), ("absent", "nothing")]
)
async def test_phone_is_told_as_the_knob_says(sim: DarajaSimulator, caller: Caller, knob: str, expected: object):
    sim.world.turn(callback_phone=knob)
    await paid(sim, caller)
    assert caller.merchant.heard[0].items.get("PhoneNumber", "nothing") == expected


async def test_result_code_can_be_text(sim: DarajaSimulator, caller: Caller):
    sim.world.turn(callback_text_code=True)
    await paid(sim, caller)
    assert caller.merchant.heard[0].message["ResultCode"] == "0"


async def test_code_with_letters_is_always_text(sim: DarajaSimulator, caller: Caller):
    push = await caller.pushed(PartyB="999999")
    await sim.wait_delivered(push)
    assert caller.merchant.heard[0].message["ResultCode"] == "SFC_IC0003"


@pytest.mark.parametrize(("knob", "has_item", "value"), [("absent", 0, None), ("empty", 1, None), ("value", 1, 25.0)])
async def test_balance_item_is_as_the_knob_says(
    sim: DarajaSimulator, caller: Caller, knob: str, has_item: int, value: float | None
):
    sim.world.turn(callback_balance=knob)
    await paid(sim, caller)
    items = [item for item in caller.merchant.heard[0].message["CallbackMetadata"]["Item"] if item["Name"] == "Balance"]
    assert len(items) == has_item
    assert all(item.get("Value") == value for item in items)


async def test_items_come_in_more_than_one_order(sim: DarajaSimulator, caller: Caller):
    sim.world.turn(callback_balance="absent")
    for amount in range(1, 7):
        await paid(sim, caller, Amount=amount)
    orders = {
        tuple(item["Name"] for item in heard.message["CallbackMetadata"]["Item"]) for heard in caller.merchant.heard
    }
    assert len(orders) > 1


async def test_foreign_source_sends_from_another_loopback_address(sim: DarajaSimulator, caller: Caller):
    await paid(sim, caller)
    sim.world.turn(callback_source="foreign")
    await paid(sim, caller, Amount=26)
    assert [heard.peer for heard in caller.merchant.heard] == ["127.0.0.1", "127.0.0.66"]


async def test_target_outside_loopback_is_refused(sim: DarajaSimulator, caller: Caller):
    await paid(sim, caller, CallBackURL="http://192.0.2.1/x")
    (delivery,) = sim.world.phone(PHONE).pushes[0].deliveries
    assert delivery.status is None
    assert (delivery.error or "").startswith("refused")


@pytest.mark.parametrize(
    ("url", "hosts", "allowed"),
    [
        ("http://127.0.0.1:8000/x", (), True),
        ("http://127.9.9.9/x", (), True),
        ("http://[::1]:8000/x", (), True),
        ("http://localhost/x", (), True),
        ("https://shop.localhost/x", (), True),
        ("https://shop.example/x", (), False),
        ("https://shop.example/x", ("shop.example",), True),
        ("http://127.0.0.1.shop.example/x", (), False),
        ("http://127.0.0.1@shop.example/x", (), False),
        ("http://10.0.0.1/x", (), False),
    ],
)
def test_only_loopback_and_named_hosts_are_targets(url: str, hosts: tuple[str, ...], allowed: bool):
    assert is_allowed(url, hosts) is allowed


def accepted(world: World, msisdn: str = PHONE) -> Push:
    return prompts.accept(
        world,
        world.shortcodes["174379"],
        transaction_type="CustomerPayBillOnline",
        party_b="174379",
        msisdn=msisdn,
        amount=25,
        account_reference="VK7Q2",
        callback_url="http://127.0.0.1:1/",
    )


def test_callback_waits_until_the_http_answer_is_out():
    world = World.sandbox(clock=StoppedClock(), knobs=Knobs(auto_answer="pin"))
    push = accepted(world)
    world.run_due()
    assert (push.result_code, len(world.outbox)) == ("0", 0)
    prompts.acknowledge(world, push)
    prompts.acknowledge(world, push)
    assert len(world.outbox) == 1


@pytest.mark.parametrize(("is_reversed", "order"), [(False, [0, 1]), (True, [1, 0])])
def test_held_callbacks_leave_in_the_order_asked_for(is_reversed: bool, order: list[int]):
    world = World.sandbox(clock=StoppedClock(), knobs=Knobs(auto_answer="pin", callback_hold=True))
    pushes = [accepted(world, PHONE), accepted(world, OTHER_PHONE)]
    world.run_due()
    assert world.release_held(is_reversed=is_reversed) == 2
    assert [pushes.index(callback.push) for callback in world.outbox] == order


async def test_callback_follows_its_answer_however_fast_the_payer(sim: DarajaSimulator, caller: Caller):
    sim.world.turn(auto_answer="pin")
    for amount in range(1, 6):
        push = await caller.pushed(Amount=amount, PhoneNumber=f"25471234560{amount}")
        await sim.wait_delivered(push)
    log = [(exchange.direction, exchange.target) for exchange in sim.world.log if "oauth" not in exchange.target]
    assert [direction for direction, _ in log] == ["in", "out"] * 5
