"""The second face of a virtual phone: paying by hand, messages to copy, two languages."""

import re

import pytest

from portal.mpesa.simulator import DarajaSimulator

from .conftest import PHONE, Caller


async def typed(caller: Caller, **changes: str) -> tuple[int, str, str]:
    fields = {"number": "174379", "account": "VK7Q2", "amount": "25", "pin": "1234"} | changes
    answer = await caller.http.post(f"/_sim/phone/{PHONE}/pay", data=fields)
    return answer.status_code, answer.headers.get("location", ""), answer.text


async def test_menu_page_knows_the_businesses_and_never_reloads(sim: DarajaSimulator, caller: Caller):
    sim.world.add_shortcode("600997", passkey="x", name="<i>TILL</i>", till="522533")
    page = (await caller.http.get(f"/_sim/phone/{PHONE}/pay")).text
    assert "174379" in page
    assert "522533" in page
    assert "<i>TILL" not in page
    assert "http-equiv" not in page
    assert "<strong>SIMULATOR</strong>" in page


async def test_form_pays_and_returns_to_the_phone(sim: DarajaSimulator, caller: Caller):
    await caller.register()
    assert (await typed(caller, account=" vk7q2"))[:2] == (303, f"/_sim/phone/{PHONE}")
    await sim.wait_settled()
    assert caller.merchant.heard[0].json["BillRefNumber"] == " vk7q2"
    assert sim.world.phone(PHONE).balance_cents == 497_500


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"number": "999999"}, "not known"),
        ({"amount": "ten"}, "amount must be"),
        ({"amount": "10.5"}, "amount must be"),
        ({"account": ""}, "account number"),
        ({"pin": ""}, "wrong PIN"),
        ({"amount": "9000"}, "enough money"),
    ],
)
async def test_form_tells_what_is_wrong_and_keeps_what_was_typed(
    sim: DarajaSimulator, caller: Caller, change: dict[str, str], told: str
):
    status, _, page = await typed(caller, **change)
    assert status == 422
    assert told in page
    for name, value in ({"number": "174379", "account": "VK7Q2"} | change).items():
        if name in ("number", "account"):
            assert re.search(rf'name="{name}"[^>]*value="{value}"', page)
    assert 'value="1234"' not in page
    assert not sim.world.ledger


async def test_payment_in_validation_shows_on_the_phone(sim: DarajaSimulator, caller: Caller):
    await caller.register()
    sim.world.shortcodes["174379"].validates = True
    caller.merchant.delay_seconds = 0.2
    await typed(caller)
    waiting = (await caller.http.get(f"/_sim/phone/{PHONE}")).text
    assert "waiting for the business to accept" in waiting
    await sim.wait_settled()
    assert "waiting for the business" not in (await caller.http.get(f"/_sim/phone/{PHONE}")).text


async def test_message_can_be_copied_as_it_was_sent(sim: DarajaSimulator, caller: Caller):
    payment = sim.pay_by_hand(PHONE, "174379", amount=1_250, account="VK7Q2")
    page = (await caller.http.get(f"/_sim/phone/{PHONE}")).text
    expected = (
        f"{payment.receipt} Confirmed. Ksh1,250.00 sent to KILIMANI CORNER for account VK7Q2 on 20/11/26 at 12:30 PM "
        "New M-PESA balance is Ksh3,750.00. Transaction cost, Ksh0.00. "
        "Amount you can transact within the day is 498,750.00."
    )
    assert sim.world.phone(PHONE).messages[-1].text == expected
    assert f'<p class="copy">{expected}</p>' in page


async def test_till_message_is_paid_to(sim: DarajaSimulator):
    sim.world.add_shortcode("600997", passkey="x", name="CORNER TILL", till="522533")
    payment = sim.pay_by_hand(PHONE, "522533", amount=40)
    text = sim.world.phone(PHONE).messages[-1].text
    assert text.startswith(f"{payment.receipt} Confirmed. Ksh40.00 paid to CORNER TILL. on 20/11/26 at 12:30 PM.")


async def test_messages_come_in_swahili_once_chosen(sim: DarajaSimulator, caller: Caller):
    switched = await caller.http.post(f"/_sim/phone/{PHONE}/language", data={"language": "sw"})
    assert switched.status_code == 303
    payment = sim.pay_by_hand(PHONE, "174379", amount=25, account="VK7Q2")
    text = sim.world.phone(PHONE).messages[-1].text
    assert text.startswith(f"{payment.receipt} Imethibitishwa. Ksh25.00 imetumwa kwa KILIMANI CORNER kwa akaunti VK7Q2")
    refused = await caller.http.post(f"/_sim/phone/{PHONE}/language", data={"language": "fr"})
    assert refused.status_code == 400
    assert sim.world.phone(PHONE).language == "sw"


async def test_owner_is_the_same_for_the_same_number(sim: DarajaSimulator, caller: Caller):
    first = (await caller.http.get(f"/_sim/phone/{PHONE}.json")).json()["owner"]
    sim.world.reset()
    assert (await caller.http.get(f"/_sim/phone/{PHONE}.json")).json()["owner"] == first == "NJOROGE WAFULA"
