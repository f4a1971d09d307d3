import pytest

from portal.mpesa.simulator import Action, DarajaSimulator
from portal.mpesa.simulator.prompts import prompt_text
from portal.mpesa.simulator.records import DEFAULT_BALANCE_CENTS

from .conftest import PHONE, Caller, error_of


async def test_prompt_names_amount_shop_and_account(sim: DarajaSimulator, caller: Caller):
    await caller.push()
    push = await sim.wait_prompt(PHONE)
    assert prompt_text(push) == "Do you want to pay KES 25.00 to KILIMANI CORNER Account no. VK7Q2? Enter M-PESA PIN"


async def test_right_pin_debits_the_wallet_and_issues_a_receipt(sim: DarajaSimulator, caller: Caller):
    await caller.push()
    push = await sim.approve(PHONE)
    phone = sim.world.phone(PHONE)
    assert push.result_code == "0"
    assert phone.balance_cents == DEFAULT_BALANCE_CENTS - 2500
    (row,) = sim.world.ledger
    assert (row.receipt, row.amount_cents, row.account_reference) == (push.receipt, 2500, "VK7Q2")
    assert phone.messages[-1].text.startswith(
        f"{push.receipt} Confirmed. Ksh25.00 sent to KILIMANI CORNER for account VK7Q2"
    )


async def test_wallets_and_shortcodes_together_keep_every_cent(sim: DarajaSimulator, caller: Caller):
    sim.world.turn(repeat_rule="off")
    for amount in (10, 20, 6000, 30):
        await caller.push(Amount=amount)
        await sim.approve(PHONE)
    spent = DEFAULT_BALANCE_CENTS - sim.world.phone(PHONE).balance_cents
    assert spent == sum(row.amount_cents for row in sim.world.ledger) == 6000
    assert sim.world.shortcodes["174379"].balance_cents == 6000
    assert len({row.receipt for row in sim.world.ledger}) == 3


async def test_cancel_is_1032_and_costs_nothing(sim: DarajaSimulator, caller: Caller):
    await caller.push()
    assert (await sim.cancel(PHONE)).result_code == "1032"
    assert sim.world.phone(PHONE).balance_cents == DEFAULT_BALANCE_CENTS
    assert not sim.world.ledger


async def test_third_wrong_pin_locks_the_wallet(sim: DarajaSimulator, caller: Caller):
    codes: list[str | None] = []
    for amount in (1, 2, 3, 4):
        await caller.push(Amount=amount)
        codes.append((await sim.approve(PHONE, pin="0000" if amount < 4 else "1234")).result_code)
    assert codes == ["2001", "2001", "8006", "8006"]
    sim.do(PHONE, Action.UNLOCK)
    await caller.push(Amount=5)
    assert (await sim.approve(PHONE)).result_code == "0"


async def test_right_pin_forgets_earlier_wrong_ones(sim: DarajaSimulator, caller: Caller):
    codes: list[str | None] = []
    for amount, pin in enumerate(("0000", "0000", "1234", "0000"), start=1):
        await caller.push(Amount=amount)
        codes.append((await sim.approve(PHONE, pin=pin)).result_code)
    assert codes == ["2001", "2001", "0", "2001"]


async def test_low_balance_is_1_and_the_wallet_stays_as_it_was(sim: DarajaSimulator, caller: Caller):
    await caller.push(Amount=5001)
    assert (await sim.approve(PHONE)).result_code == "1"
    assert sim.world.phone(PHONE).balance_cents == DEFAULT_BALANCE_CENTS


async def test_no_money_empties_the_wallet_and_ends_with_1(sim: DarajaSimulator, caller: Caller):
    push = await caller.pushed()
    await sim.wait_prompt(PHONE)
    sim.do(PHONE, "no_money")
    assert push.result_code == "1"
    assert sim.world.phone(PHONE).balance_cents == 0


@pytest.mark.parametrize(("preset_seconds", "code"), [(26, "1037"), (60, "1037"), (26, "1019")])
async def test_ignored_prompt_ends_after_the_preset(
    sim: DarajaSimulator, caller: Caller, preset_seconds: int, code: str
):
    sim.world.turn(no_answer_seconds=preset_seconds, no_answer_result=code)
    await caller.push()
    push = await sim.ignore(PHONE)
    sim.world.advance(preset_seconds - 1)
    assert push.result_code is None
    sim.world.advance(1)
    assert push.result_code == code


async def test_phone_that_is_off_shows_nothing_and_ends_with_1037(sim: DarajaSimulator, caller: Caller):
    sim.do(PHONE, "off")
    push = await caller.pushed()
    with pytest.raises(TimeoutError):
        await sim.wait_prompt(PHONE, timeout=0.05)
    sim.world.advance(26)
    assert push.result_code == "1037"


async def test_switching_off_takes_the_prompt_away(sim: DarajaSimulator, caller: Caller):
    push = await caller.pushed()
    await sim.wait_prompt(PHONE)
    assert sim.do(PHONE, "off").prompt is None
    assert sim.do(PHONE, "on").prompt is None
    assert push.result_code is None


async def test_long_reference_is_accepted_but_never_rings(sim: DarajaSimulator, caller: Caller):
    push = await caller.pushed(AccountReference="A" * 13)
    with pytest.raises(TimeoutError):
        await sim.wait_prompt(PHONE, timeout=0.05)
    sim.world.advance(26)
    assert push.result_code == "1037"


async def test_reference_of_twelve_rings(sim: DarajaSimulator, caller: Caller):
    await caller.push(AccountReference="A" * 12)
    assert await sim.wait_prompt(PHONE)


async def test_prompt_over_182_characters_is_1025(sim: DarajaSimulator, caller: Caller):
    sim.world.shortcodes["174379"].name = "X" * 130
    push = await caller.pushed()
    await sim.wait_delivered(push)
    assert push.result_code == "1025"


async def test_same_amount_within_two_minutes_is_17(sim: DarajaSimulator, caller: Caller):
    await caller.push()
    await sim.approve(PHONE)
    sim.world.advance(119)
    push = await caller.pushed()
    await sim.wait_delivered(push)
    assert (push.result_code, push.has_rung) == ("17", False)


async def test_same_amount_after_two_minutes_rings(sim: DarajaSimulator, caller: Caller):
    await caller.push()
    await sim.approve(PHONE)
    sim.world.advance(120)
    await caller.push()
    assert (await sim.approve(PHONE)).result_code == "0"


@pytest.mark.parametrize(("rule", "rings"), [("initiated", False), ("paid", True), ("off", True)])
async def test_retry_after_cancel_depends_on_the_repeat_rule(
    sim: DarajaSimulator, caller: Caller, rule: str, rings: bool
):
    sim.world.turn(repeat_rule=rule)
    await caller.push()
    await sim.cancel(PHONE)
    push = await caller.pushed()
    await (sim.wait_prompt(PHONE) if rings else sim.wait_delivered(push))
    assert push.has_rung is rings


async def test_refused_repeat_does_not_prolong_the_block(sim: DarajaSimulator, caller: Caller):
    await caller.push()
    await sim.approve(PHONE)
    sim.world.advance(100)
    await sim.wait_delivered(await caller.pushed())
    sim.world.advance(20)
    await caller.push()
    assert await sim.wait_prompt(PHONE)


@pytest.mark.parametrize(
    ("changes", "code"),
    [({"PartyB": "999999"}, "SFC_IC0003"), ({"TransactionType": "CustomerBuyGoodsOnline"}, "2028")],
)
async def test_wrong_pairing_fails_without_a_prompt(
    sim: DarajaSimulator, caller: Caller, changes: dict[str, str], code: str
):
    push = await caller.pushed(**changes)
    await sim.wait_delivered(push)
    assert (push.result_code, push.has_rung) == (code, False)


async def test_till_is_paid_through_its_head_office_number(sim: DarajaSimulator, caller: Caller):
    head_office = sim.world.shortcodes.pop("174379")
    sim.world.add_shortcode("174379", passkey=head_office.passkey, name="DUKA", till="512345")
    await caller.push(TransactionType="CustomerBuyGoodsOnline", PartyB="512345")
    assert (await sim.approve(PHONE)).result_code == "0"


@pytest.mark.parametrize("code", ["26", "9999", "E3008", "0"])
async def test_forced_result_comes_without_a_prompt(sim: DarajaSimulator, caller: Caller, code: str):
    sim.world.turn(force_result=code)
    push = await caller.pushed()
    await sim.wait_delivered(push)
    assert (push.result_code, push.has_rung) == (code, False)


async def test_prompt_waits_for_its_delay(sim: DarajaSimulator, caller: Caller):
    sim.world.turn(prompt_after_seconds=3)
    await caller.push()
    assert sim.world.phone(PHONE).prompt is None
    sim.world.advance(3)
    assert sim.world.phone(PHONE).prompt is not None


async def test_auto_answer_approves_after_its_seconds(sim: DarajaSimulator, caller: Caller):
    await caller.http.post(f"/_sim/phone/{PHONE}/auto", json={"action": "pin", "after": 4})
    push = await caller.pushed()
    await sim.wait_prompt(PHONE)
    sim.world.advance(3.9)
    assert push.result_code is None
    sim.world.advance(0.1)
    assert push.result_code == "0"


async def test_auto_answer_is_for_the_prompt_it_was_meant_for(sim: DarajaSimulator, caller: Caller):
    await caller.http.post(f"/_sim/phone/{PHONE}/auto", json={"action": "pin", "after": 4})
    await caller.push(Amount=1)
    await sim.cancel(PHONE)
    sim.world.advance(2)
    second = await caller.pushed(Amount=2)
    await sim.wait_prompt(PHONE)
    sim.world.advance(2)
    assert second.result_code is None
    sim.world.advance(2)
    assert second.result_code == "0"


async def test_auto_answer_of_all_phones_can_be_overruled_by_one(sim: DarajaSimulator, caller: Caller):
    sim.world.turn(auto_answer="pin")
    await caller.http.post(f"/_sim/phone/{PHONE}/auto", json={"action": "cancel"})
    ours, other = await caller.pushed(), await caller.pushed(PhoneNumber="254110000000")
    await sim.wait_delivered(ours)
    await sim.wait_delivered(other)
    assert (ours.result_code, other.result_code) == ("1032", "0")


async def test_late_pin_pays_after_the_failure_was_told(sim: DarajaSimulator, caller: Caller):
    push = await caller.pushed()
    await sim.wait_prompt(PHONE)
    sim.world.advance(26)
    await sim.wait_delivered(push)
    sim.do(PHONE, "late_pin")
    await sim.wait_delivered(push, count=2)
    assert [delivery.result_code for delivery in push.deliveries] == ["1037", "0"]
    assert len(sim.world.ledger) == 1


async def test_answer_without_a_prompt_is_409(caller: Caller):
    for action in ("pin", "cancel", "ignore", "wrong_pin", "late_pin"):
        refused = await caller.http.post(f"/_sim/phone/{PHONE}/answer", json={"action": action})
        assert error_of(refused)[0] == 409
