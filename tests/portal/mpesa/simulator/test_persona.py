"""Who the simulator pretends to be, where its messages may go, and what it tells about itself."""

import asyncio
import signal
import sys
from pathlib import Path

import msgspec
import pytest
from cryptography import x509

from portal.mpesa.simulator import DarajaSimulator
from portal.mpesa.simulator.records import Push

from .conftest import PHONE, Caller, Merchant, becomes_true, error_of


async def test_strict_sandbox_rings_only_its_own_number(sim: DarajaSimulator, caller: Caller):
    await caller.http.post("/_sim/knobs", json={"preset": "strict_sandbox"})
    push = await caller.pushed()
    await sim.wait_settled()
    assert push.result_code == "E3008"
    assert caller.merchant.heard[0].message["ResultCode"] == "E3008"
    await caller.push(PhoneNumber="254708374149")
    assert (await sim.approve("254708374149")).result_code == "0"


async def test_public_address_is_routed_to_loopback(sim: DarajaSimulator, caller: Caller):
    sim.world.turn(callback_routes={"https://pay.example": caller.merchant.url})
    await caller.push(CallBackURL="https://pay.example/cb/abc?x=1")
    await sim.approve(PHONE)
    await sim.wait_settled()
    assert caller.merchant.heard[0].path == "/cb/abc?x=1"
    push: Push = sim.world.phone(PHONE).pushes[0]
    assert push.callback_url == "https://pay.example/cb/abc?x=1"


@pytest.mark.parametrize("url", ["https://pay.example.evil/cb", "https://pay.example/", "http://192.0.2.1/cb"])
async def test_nothing_leaves_loopback_without_being_told_to(sim: DarajaSimulator, caller: Caller, url: str):
    routes = {} if url.endswith("example/") else {"https://pay.example": caller.merchant.url}
    sim.world.turn(callback_routes=routes)
    await caller.register(ConfirmationURL=url)
    payment = sim.pay_by_hand(PHONE, "174379", amount=1, account="A")
    await sim.wait_settled()
    assert payment.deliveries[0].error == "refused: the target is not loopback and not in callback_hosts"
    assert not caller.merchant.heard


async def test_confirmations_come_from_the_foreign_address_too(sim: DarajaSimulator, caller: Caller):
    await caller.register()
    sim.world.turn(callback_source="foreign", foreign_address="127.0.0.77")
    sim.pay_by_hand(PHONE, "174379", amount=1, account="A")
    await sim.wait_settled()
    assert caller.merchant.heard[0].peer == "127.0.0.77"


async def test_ledger_tells_accounts_wallets_and_rows_after_a_mark(sim: DarajaSimulator, caller: Caller):
    for number in range(3):
        sim.pay_by_hand(PHONE, "174379", amount=number + 1, account=f"N{number}")
    told = (await caller.http.get("/_sim/ledger", params={"after": "1"})).json()
    assert [row["account_reference"] for row in told["rows"]] == ["N1", "N2"]
    assert (told["count"], told["total_cents"], told["wallets"]) == (3, 600, {PHONE: 499_400})
    assert told["accounts"][0]["utility_cents"] == 600
    assert error_of(await caller.http.get("/_sim/ledger", params={"after": "x"}))[0] == 400


async def test_account_is_changed_over_http_and_a_reset_undoes_it(sim: DarajaSimulator, caller: Caller):
    changed = await caller.http.post("/_sim/shortcode/174379", json={"utility_cents": 5, "working_cents": 7})
    assert (changed.json()["utility_cents"], changed.json()["working_cents"]) == (5, 7)
    assert error_of(await caller.http.post("/_sim/shortcode/1", json={}))[:2] == (404, "sim.no_shortcode")
    assert error_of(await caller.http.post("/_sim/shortcode/174379", json={"x": 1}))[:2] == (400, "sim.bad_request")
    await caller.register()
    sim.world.reset()
    shortcode = sim.world.shortcodes["174379"]
    assert (shortcode.balance_cents, shortcode.registration) == (0, None)


async def test_certificate_is_handed_out(caller: Caller):
    served = x509.load_pem_x509_certificate((await caller.http.get("/_sim/certificate")).content)
    assert served.not_valid_after_utc.year > 2040


async def test_command_plays_a_file_and_writes_every_exchange(merchant: Merchant, tmp_path: Path):
    scenario, log = tmp_path / "day.toml", tmp_path / "log.jsonl"
    scenario.write_text(
        f"""
seed = 5
[[shortcode]]
number = "174379"
confirmation_url = "{merchant.url}/confirm"
[[step]]
at = 0
pay = {{ phone = "{PHONE}", number = "174379", amount = 3, account = "VK7Q2" }}
"""
    )
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "portal.mpesa.simulator", "--port", "0", "--scenario", str(scenario), "--log", str(log),
        stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        assert process.stdout
        first = (await asyncio.wait_for(process.stdout.readline(), 30)).decode()
        assert first.startswith("Daraja SIMULATOR http://127.0.0.1:")
        await becomes_true(lambda: log.exists() and bool(log.read_bytes()), seconds=20)
    finally:
        process.send_signal(signal.SIGTERM)
        await process.communicate()
    assert process.returncode == 0
    (line,) = log.read_bytes().splitlines()
    assert msgspec.json.decode(line)["request"]["TransAmount"] == "3.00"
    assert merchant.heard[0].path == "/confirm"


async def test_command_tells_what_is_wrong_with_a_file(tmp_path: Path):
    (tmp_path / "day.toml").write_text("seed = 'x'")
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "portal.mpesa.simulator", "--scenario", str(tmp_path / "day.toml"),
        stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    _, told = await asyncio.wait_for(process.communicate(), 30)
    assert process.returncode == 2
    assert b"cannot use what was given" in told
