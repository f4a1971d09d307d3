"""Scenario files, chances and the seed: the same file twice is the same day twice."""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from portal.mpesa.simulator import DarajaSimulator, play, read_scenario

from .conftest import PHONE, Caller, error_of

DAY = """
seed = 11
[knobs]
callback_late_seconds = 30
callback_chances = { lost = 0.2, copied = 0.2, late = 0.2, corrupt = 0.1, forged = 0.1 }
auto_chances = { pin = 0.7, cancel = 0.2, wrong_pin = 0.1 }
repeat_rule = "off"

[[shortcode]]
number = "174379"
utility = 500
validates = true
confirmation_url = "URL/confirm"
validation_url = "URL/validate"

[[phone]]
number = "254712345678"
balance = 100
language = "sw"

[[step]]
at = 10
every = 7
times = 5
pay = { phone = "254712345678", number = "174379", amount = 15, account = "VK7Q2" }

[[step]]
at = 12
do = { phone = "254712345678", action = "cancel" }

[[step]]
at = 60
turn = { callback_hold = true }

[[step]]
at = 61
pay = { phone = "254110345678", number = "174379", amount = 9, account = "late" }

[[step]]
at = 90
release = "reversed"
"""


def day(caller: Caller, seed: int = 11) -> str:
    caller.merchant.replies["/validate"] = b'{"ResultCode":0,"ResultDesc":"Accepted"}'
    return DAY.replace("URL", caller.merchant.url).replace("seed = 11", f"seed = {seed}")


async def lived(sim: DarajaSimulator, caller: Caller, text: str) -> tuple[list[Any], list[Any]]:
    """Play it, with twelve pushes of a merchant in between; the log and the ledger."""
    play(sim.world, read_scenario(text))
    caller.bearer = ""
    for number in range(12):
        await caller.push(Amount=number + 1, PhoneNumber=f"2547900000{number:02}")
        await sim.skip(3)
    await sim.skip(200)
    log = (await caller.http.get("/_sim/log")).json()
    return log, (await caller.http.get("/_sim/ledger")).json()["rows"]


async def test_same_seed_gives_the_same_log_and_ledger(sim: DarajaSimulator, caller: Caller):
    first, first_ledger = await lived(sim, caller, day(caller))
    second, second_ledger = await lived(sim, caller, day(caller))
    other, _ = await lived(sim, caller, day(caller, seed=12))
    assert len(first) > 40
    assert first == second
    assert first_ledger == second_ledger
    assert first != other
    moments = [row["at"][14:19] for row in first_ledger if row["account_reference"] == "VK7Q2" and row["kind"] == "c2b"]
    assert moments == ["30:25", "30:32", "30:39", "30:46", "30:53"]
    notes = {exchange["note"] for exchange in first}
    assert "step at 12 s: no prompt shows on this phone" in notes


async def test_every_chance_happens_and_no_money_is_invented(sim: DarajaSimulator, caller: Caller):
    sim.world.turn(
        repeat_rule="off",
        auto_answer="pin",
        callback_chances={"lost": 0.2, "copied": 0.2, "late": 0.2, "corrupt": 0.2, "forged": 0.1},
    )
    pushes = [await caller.pushed(Amount=1, PhoneNumber=f"2547900000{number:02}") for number in range(60)]
    await sim.skip(100)
    told = [[delivery.error or delivery.status for delivery in push.deliveries] for push in pushes]
    receipts = {push.receipt for push in pushes}
    bodies = [heard.body for heard in caller.merchant.heard]
    broken = [body for body in bodies if not _is_json(body)]
    forged = [
        heard
        for heard in caller.merchant.heard
        if _is_json(heard.body) and heard.items["MpesaReceiptNumber"] not in receipts
    ]
    assert sum(one == ["lost by the callback_lost knob"] for one in told) > 3
    assert sum(len(one) > 2 for one in told) > 3
    assert len(broken) > 3
    assert len(forged) > 1
    assert {heard.peer for heard in forged} == {"127.0.0.66"}
    assert len(sim.world.ledger) == 60
    assert sum(row.amount_cents for row in sim.world.ledger) == 6_000


def _is_json(body: bytes) -> bool:
    try:
        json.loads(body)
    except ValueError:
        return False
    return True


async def test_phone_uses_its_answers_up_in_turn(sim: DarajaSimulator, caller: Caller):
    play(
        sim.world,
        read_scenario(f'seed = 1\n[[phone]]\nnumber = "{PHONE}"\nanswers = ["cancel", "wrong_pin"]\nauto = "pin"\n'),
    )
    caller.bearer = ""
    codes: list[str | None] = []
    for amount in (1, 2, 3, 4):
        push = await caller.pushed(Amount=amount)
        await sim.wait_settled()
        codes.append(push.result_code)
    assert codes == ["1032", "2001", "0", "0"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "seed = 'x'",
        "seed = 1\nunknown = 2",
        "seed = 1\n[knobs]\nnonsense = 1",
        "seed = 1\npreset = 'mars'",
        "seed = 1\n[[step]]\nat = 1",
        "seed = 1\n[[step]]\nat = 1\nrelease = 'in_order'\nturn = {}",
        "seed = 1\n[[step]]\nat = 1\nturn = { nonsense = 1 }",
        "seed = 1\n[[step]]\nat = -1\nrelease = 'in_order'",
        "seed = 1\n[[",
    ],
)
async def test_wrong_file_is_refused_before_anything_happens(sim: DarajaSimulator, caller: Caller, text: str):
    sim.pay_by_hand(PHONE, "174379", amount=1, account="A")
    with pytest.raises(msgspec.MsgspecError):
        read_scenario(text)
    refused = await caller.http.post("/_sim/scenario", content=text.encode())
    assert error_of(refused)[:2] == (400, "sim.bad_request")
    assert len(sim.world.ledger) == 1


async def test_new_shortcode_needs_a_name_and_a_passkey(caller: Caller):
    refused = await caller.http.post("/_sim/scenario", content=b"seed = 1\n[[shortcode]]\nnumber = '600100'\n")
    assert error_of(refused)[:2] == (400, "sim.bad_request")


async def test_file_of_the_documentation_can_be_played(sim: DarajaSimulator, caller: Caller):
    page = (Path(__file__).parents[4] / "docs" / "daraja-simulator.md").read_text()
    text = page.split("```toml\n")[1].split("```")[0]
    answer = await caller.http.post("/_sim/scenario", content=text.encode())
    assert answer.json()["steps"] > 0
    await sim.skip(600)
    assert sim.world.ledger
