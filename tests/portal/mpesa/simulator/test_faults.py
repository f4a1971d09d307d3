import asyncio
import time

import httpx
import pytest

from portal.mpesa.simulator import DarajaSimulator, create_simulator

from .conftest import PHONE, Caller, Merchant, becomes_true, error_of


@pytest.mark.parametrize(
    ("fault", "code"),
    [("busy", "500.003.02"), ("spike", "500.003.02"), ("quota", "500.003.03"), ("internal", "500.003.1001")],
)
async def test_refusing_fault_has_its_code_and_no_payment(caller: Caller, fault: str, code: str):
    caller.world.turn(push_fault=fault)
    assert error_of(await caller.push())[:2] == (500, code)
    assert not caller.world.pushes


async def test_gateway_429_has_no_error_code(caller: Caller):
    caller.world.turn(push_fault="gateway_429")
    answer = await caller.push()
    assert answer.status_code == 429
    assert list(answer.json()) == ["fault"]


@pytest.mark.parametrize(("fault", "status"), [("html_403", 403), ("html_503", 503)])
async def test_html_fault_is_a_page(caller: Caller, fault: str, status: int):
    caller.world.turn(push_fault=fault)
    answer = await caller.push()
    assert (answer.status_code, answer.headers["content-type"]) == (status, "text/html; charset=utf-8")
    assert answer.text.startswith("<html>")


async def test_reset_comes_after_accepting_and_the_payment_goes_on(sim: DarajaSimulator, caller: Caller):
    sim.world.turn(push_fault="reset")
    with pytest.raises(httpx.ReadError):
        await caller.push()
    push = await sim.approve(PHONE)
    await sim.wait_delivered(push)
    assert caller.merchant.heard[0].message["ResultCode"] == 0
    assert len(sim.world.ledger) == 1


async def test_reset_is_noted_in_the_log_without_a_status(sim: DarajaSimulator, caller: Caller):
    sim.world.turn(push_fault="reset")
    with pytest.raises(httpx.ReadError):
        await caller.push()
    await becomes_true(lambda: sim.world.log[-1].target.endswith("processrequest"))
    assert (sim.world.log[-1].status, sim.world.log[-1].note) == (None, "connection reset")


async def test_hang_outlasts_the_client_and_the_payment_goes_on(sim: DarajaSimulator, caller: Caller):
    sim.world.turn(push_fault="hang", hang_seconds=20)
    await caller.token()
    caller.http.timeout = httpx.Timeout(0.1)
    with pytest.raises(httpx.ReadTimeout):
        await caller.push()
    assert (await sim.approve(PHONE)).result_code == "0"


async def test_hanging_answer_does_not_hold_up_the_stop(own_sim: DarajaSimulator, merchant: Merchant):
    own_sim.world.turn(push_fault="hang", hang_seconds=20)
    async with httpx.AsyncClient(base_url=own_sim.url, trust_env=False, verify=False, timeout=15) as http:
        pushing = asyncio.create_task(Caller(http, own_sim.world, merchant).push())
        await own_sim.wait_prompt(PHONE)
        started = time.monotonic()
        await own_sim.stop()
        assert time.monotonic() - started < 1.5
        assert (await pushing).json()["ResponseCode"] == "0"


async def test_hang_answers_in_the_end(caller: Caller):
    caller.world.turn(push_fault="hang", hang_seconds=0.05)
    assert (await caller.push()).json()["ResponseCode"] == "0"


async def test_truncated_answer_is_half_a_json(sim: DarajaSimulator, caller: Caller):
    sim.world.turn(push_fault="truncated")
    answer = await caller.push()
    assert answer.status_code == 200
    with pytest.raises(ValueError):
        answer.json()
    assert (await sim.approve(PHONE)).result_code == "0"


async def test_empty_answer_is_a_200_without_a_body(caller: Caller):
    caller.world.turn(push_fault="empty")
    answer = await caller.push()
    assert (answer.status_code, answer.content) == (200, b"")
    assert len(caller.world.pushes) == 1


async def test_drip_sends_the_whole_answer_slowly(caller: Caller):
    caller.world.turn(push_fault="drip", hang_seconds=0.3)
    caller.http.timeout = httpx.Timeout(0.2)
    started = time.monotonic()
    assert (await caller.push()).json()["ResponseCode"] == "0"
    assert time.monotonic() - started >= 0.3


async def test_fault_ends_after_its_times(caller: Caller):
    caller.world.turn(push_fault="busy", push_fault_times=2)
    assert [(await caller.push()).status_code for _ in range(3)] == [500, 500, 200]
    assert caller.world.knobs.push_fault == "none"


@pytest.mark.parametrize(("fault", "accepts", "pushes"), [("html_503", True, 1), ("truncated", False, 0)])
async def test_whether_the_payment_goes_on_can_be_set(caller: Caller, fault: str, accepts: bool, pushes: int):
    caller.world.turn(push_fault=fault, push_fault_accepts=accepts)
    await caller.push()
    assert len(caller.world.pushes) == pushes


async def test_oauth_can_be_down(caller: Caller):
    caller.world.turn(oauth_fault="busy")
    assert error_of(await caller.token())[1] == "500.003.02"


async def test_reset_without_a_socket_raises(sim: DarajaSimulator, caller: Caller):
    sim.world.turn(oauth_fault="reset")
    transport = httpx.ASGITransport(create_simulator(sim.world))  # pyright: ignore[reportArgumentType]
    async with httpx.AsyncClient(transport=transport, base_url="http://daraja") as caller.http:
        with pytest.raises(ConnectionResetError):
            await caller.token()
