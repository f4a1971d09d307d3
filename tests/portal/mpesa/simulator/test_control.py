import asyncio
import signal
import socket
import sys
from datetime import UTC, datetime, timedelta
from random import Random

import httpx
import pytest

from portal.mpesa.simulator import DEFAULT_KEY, DEFAULT_SECRET, DarajaSimulator, Knobs, World, ids
from portal.mpesa.simulator.clock import Agenda

from .conftest import PHONE, Caller, Merchant, StoppedClock, becomes_true, error_of


async def test_knobs_are_read_and_turned_over_http(caller: Caller):
    assert (await caller.http.get("/_sim/knobs")).json()["no_answer_seconds"] == 26
    turned = await caller.http.post("/_sim/knobs", json={"callback_lost": True})
    assert turned.json()["callback_lost"] is True
    assert caller.world.knobs == Knobs(callback_lost=True)


async def test_preset_resets_every_knob(caller: Caller):
    caller.world.turn(callback_lost=True)
    await caller.http.post("/_sim/knobs", json={"preset": "production", "callback_copies": 2})
    assert caller.world.knobs == Knobs(no_answer_seconds=60, c2b_rules="production", callback_copies=2)


@pytest.mark.parametrize(
    "change",
    [{"nonsense": 1}, {"push_fault": "fire"}, {"callback_copies": 0}, {"no_answer_seconds": -1}, {"preset": "x"}],
)
async def test_wrong_knob_is_refused_and_changes_nothing(caller: Caller, change: dict[str, object]):
    refused = await caller.http.post("/_sim/knobs", json={"callback_lost": True} | change)
    assert error_of(refused)[:2] == (400, "sim.bad_request")
    assert caller.world.knobs == Knobs()


async def test_clock_moves_forward_and_does_what_is_due(sim: DarajaSimulator, caller: Caller):
    push = await caller.pushed()
    moved = await caller.http.post("/_sim/clock", json={"advance": 26})
    assert datetime.fromisoformat(moved.json()["now"]) == StoppedClock().now() + timedelta(seconds=26)
    assert push.result_code == "1037"


async def test_clock_does_not_go_back(caller: Caller):
    assert error_of(await caller.http.post("/_sim/clock", json={"advance": -1}))[0] == 400


async def test_jump_of_the_injected_clock_is_noticed():
    class Jumping:
        moment = datetime(2026, 11, 20, tzinfo=UTC)

        def now(self) -> datetime:
            return self.moment

    clock = Jumping()
    async with DarajaSimulator(World.sandbox(clock=clock)) as sim:
        due: list[str] = []
        sim.world.after(3600, lambda: due.append("done"))
        await asyncio.sleep(0.05)
        assert not due
        clock.moment += timedelta(hours=1)
        await becomes_true(lambda: bool(due))


async def test_ledger_lists_what_was_paid_whatever_was_heard(sim: DarajaSimulator, caller: Caller):
    sim.world.turn(callback_lost=True)
    await caller.push()
    push = await sim.approve(PHONE)
    ledger = (await caller.http.get("/_sim/ledger")).json()
    assert (ledger["total_cents"], ledger["by_shortcode"]) == (2500, {"174379": 2500})
    assert ledger["rows"][0]["receipt"] == push.receipt


async def test_log_shows_exchanges_both_ways_without_secrets(sim: DarajaSimulator, caller: Caller):
    push = await caller.pushed()
    await sim.approve(PHONE)
    await sim.wait_delivered(push)
    answer = await caller.http.get("/_sim/log")
    assert [(row["direction"], row["status"]) for row in answer.json()] == [("in", 200), ("in", 200), ("out", 200)]
    assert answer.json()[1]["request"]["AccountReference"] == "VK7Q2"
    assert caller.stamp()["Password"] not in answer.text
    assert caller.bearer not in answer.text


async def test_log_is_a_ring(caller: Caller):
    caller.world.log = type(caller.world.log)(maxlen=3)
    for _ in range(5):
        await caller.token()
    assert len(caller.world.log) == 3


async def test_world_survives_a_restart_of_its_server(own_sim: DarajaSimulator, merchant: Merchant):
    async with httpx.AsyncClient(base_url=own_sim.url, trust_env=False, verify=False) as http:
        push = await Caller(http, own_sim.world, merchant).pushed()
    await own_sim.stop()
    await own_sim.start()
    await own_sim.approve(PHONE)
    await own_sim.wait_delivered(push)
    assert len(merchant.heard) == 1


async def test_reset_forgets_all_but_apps_and_shortcodes(sim: DarajaSimulator, caller: Caller):
    await caller.push()
    await sim.approve(PHONE)
    sim.world.advance(60)
    sim.world.turn(callback_lost=True)
    assert (await caller.http.post("/_sim/reset")).status_code == 200
    assert (sim.world.ledger, sim.world.phones, sim.world.knobs) == ([], {}, Knobs())
    assert sim.world.shortcodes["174379"].balance_cents == 0
    assert sim.world.clock.now() == StoppedClock().now()
    assert (await caller.token()).status_code == 200


async def test_answers_leave_without_waiting_for_more(own_sim: DarajaSimulator):
    """Without TCP_NODELAY each answer in two pieces costs 40 ms."""
    _, writer = await asyncio.open_connection("127.0.0.1", int(own_sim.url.rsplit(":", 1)[1]))
    server = own_sim._server
    assert server
    await becomes_true(lambda: bool(server.server_state.connections))
    (connection,) = server.server_state.connections
    sock = connection.transport.get_extra_info("socket")
    assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
    writer.close()
    await writer.wait_closed()


async def test_second_start_is_refused(sim: DarajaSimulator):
    with pytest.raises(RuntimeError):
        await sim.start()


async def test_taken_port_is_an_os_error(sim: DarajaSimulator):
    other = DarajaSimulator(World.sandbox())
    with pytest.raises(OSError):
        await other.start(port=int(sim.url.rsplit(":", 1)[1]))
    await other.stop()


def test_same_seed_gives_the_same_ids():
    worlds = [World.sandbox(clock=StoppedClock(), seed=3) for _ in range(2)]
    assert worlds[0].new_receipt() == worlds[1].new_receipt()
    assert worlds[0].new_request_id() == worlds[1].new_request_id()


def test_receipts_have_ten_characters_a_day_prefix_and_no_twins():
    moment = datetime(2026, 11, 20, 22, 0, tzinfo=UTC)
    receipts = {ids.receipt(moment, serial) for serial in range(20_000)}
    assert len(receipts) == 20_000
    far_apart = {ids.receipt(moment, high * 36**6) for high in range(36)}
    assert len(far_apart) == 36
    # 22:00 UTC on the 20th is the 21st in Nairobi: U 2026, K November, L the 21st.
    assert {receipt[:3] for receipt in receipts} == {"UKL"}
    assert all(len(receipt) == 10 and receipt.isalnum() and receipt == receipt.upper() for receipt in receipts)


@pytest.mark.parametrize(
    ("day", "prefix"),
    [(datetime(2024, 7, 6, tzinfo=UTC), "SG6"), (datetime(2019, 12, 19, tzinfo=UTC), "NLJ")],
)
def test_receipt_prefix_matches_dated_samples_of_the_documentation(day: datetime, prefix: str):
    assert ids.receipt(day, 1).startswith(prefix)


def test_checkout_request_id_matches_the_observed_sample():
    moment = datetime(2026, 9, 18, 15, 3, 51, 2_000, tzinfo=UTC)
    assert ids.checkout_request_id(moment, "254708374149") == "ws_CO_180920261803512708374149"


def test_request_ids_differ_by_their_serial():
    made = {ids.request_id(Random(1), serial) for serial in range(100)}
    assert len(made) == 100


def test_agenda_runs_in_order_and_also_what_is_added_meanwhile():
    start, done = datetime(2026, 1, 1, tzinfo=UTC), list[str]()
    agenda = Agenda()

    def first() -> None:
        done.append("first")
        agenda.add(start, lambda: done.append("added"))

    agenda.add(start + timedelta(seconds=2), lambda: done.append("later"))
    agenda.add(start + timedelta(seconds=1), first)
    assert agenda.run_due(start + timedelta(seconds=1)) == 2
    assert done == ["first", "added"]
    assert agenda.next_due_at() == start + timedelta(seconds=2)


async def test_command_serves_until_a_signal():
    command = [sys.executable, "-m", "portal.mpesa.simulator", "--port", "0", "--name", "DUKA"]
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    assert process.stdout
    try:
        line = (await asyncio.wait_for(process.stdout.readline(), 10)).decode()
        url = line.rsplit(" ", 1)[1].strip()
        async with httpx.AsyncClient(base_url=url, trust_env=False) as http:
            params = {"grant_type": "client_credentials"}
            answer = await http.get("/oauth/v1/generate", params=params, auth=(DEFAULT_KEY, DEFAULT_SECRET))
        assert answer.status_code == 200
    finally:
        process.send_signal(signal.SIGTERM)
        await asyncio.wait_for(process.communicate(), 5)
    assert process.returncode == 0
