import re

import pytest

from portal.mpesa.simulator import DarajaSimulator

from .conftest import PHONE, Caller, error_of


async def page(caller: Caller, path: str = f"/_sim/phone/{PHONE}") -> str:
    answer = await caller.http.get(path)
    assert answer.status_code == 200
    return answer.text


async def test_idle_page_looks_again_every_two_seconds(caller: Caller):
    text = await page(caller)
    assert f'content="2;url=/_sim/phone/{PHONE}"' in text
    assert "No payment request" in text
    assert "SIMULATOR" in text
    assert "KES\u00a05,000.00" in text
    assert "<script" not in text


async def test_page_shows_the_prompt_and_does_not_reload_while_typing(sim: DarajaSimulator, caller: Caller):
    await caller.push()
    await sim.wait_prompt(PHONE)
    text = await page(caller)
    question = "Do you want to pay KES\u00a025.00 to KILIMANI CORNER Account no. VK7Q2? Enter M\u2011PESA PIN"
    assert question in text
    # 26 s to the timeout, rounded up, and one more.
    assert f'content="28;url=/_sim/phone/{PHONE}"' in text


async def test_pin_typed_in_the_form_pays_and_shows_the_receipt(sim: DarajaSimulator, caller: Caller):
    await caller.push()
    await sim.wait_prompt(PHONE)
    answer = await caller.http.post(f"/_sim/phone/{PHONE}/answer", data={"action": "pin", "pin": "1234"})
    assert (answer.status_code, answer.headers["location"]) == (303, f"/_sim/phone/{PHONE}")
    text = await page(caller)
    assert sim.world.ledger[0].receipt in text
    assert "KES\u00a04,975.00" in text


@pytest.mark.parametrize(("action", "code"), [("cancel", "1032"), ("no_money", "1"), ("ignore", None), ("off", None)])
async def test_every_button_does_what_it_says(sim: DarajaSimulator, caller: Caller, action: str, code: str | None):
    push = await caller.pushed()
    await sim.wait_prompt(PHONE)
    assert f'value="{action}"' in await page(caller)
    answer = await caller.http.post(f"/_sim/phone/{PHONE}/answer", data={"action": action, "pin": ""})
    assert answer.status_code == 303
    assert push.result_code == code
    assert sim.world.phone(PHONE).prompt is None


async def test_answer_by_form_after_the_timeout_tells_so(caller: Caller):
    answer = await caller.http.post(f"/_sim/phone/{PHONE}/answer", data={"action": "pin", "pin": "1234"})
    assert answer.status_code == 303
    assert "That request is no longer open." in await page(caller, answer.headers["location"])


async def test_page_may_be_framed_and_runs_nothing(caller: Caller):
    answer = await caller.http.get(f"/_sim/phone/{PHONE}")
    policy = answer.headers["content-security-policy"]
    assert "frame-ancestors" not in policy
    assert "x-frame-options" not in answer.headers
    assert policy.startswith("default-src 'none'")
    style = re.search(r'href="(/_sim/[^"]+\.css)"', answer.text)
    assert style
    assert (await caller.http.get(style[1])).headers["content-type"].startswith("text/css")


async def test_business_name_is_escaped(sim: DarajaSimulator, caller: Caller):
    sim.world.shortcodes["174379"].name = "<b>SHOP</b>"
    await caller.push()
    await sim.wait_prompt(PHONE)
    assert "<b>SHOP" not in await page(caller)


async def test_json_twin_tells_prompt_balance_and_pushes(sim: DarajaSimulator, caller: Caller):
    push = await caller.pushed()
    await sim.wait_prompt(PHONE)
    phone = (await caller.http.get(f"/_sim/phone/{PHONE}.json")).json()
    assert phone["prompt"]["checkout_request_id"] == push.checkout_request_id
    assert phone["prompt"]["text"].endswith("Enter M-PESA PIN")
    assert (phone["balance_cents"], phone["is_busy"], phone["is_on"]) == (500_000, True, True)
    answered = await caller.http.post(f"/_sim/phone/{PHONE}/answer", json={"action": "pin", "pin": "1234"})
    assert answered.json()["pushes"][0]["result_code"] == "0"
    assert answered.json()["messages"][0]["receipt"] == push.receipt


@pytest.mark.parametrize("action", ["wrong_pin", "pin"])
async def test_wrong_pin_by_json_is_2001(sim: DarajaSimulator, caller: Caller, action: str):
    push = await caller.pushed()
    await sim.wait_prompt(PHONE)
    await caller.http.post(f"/_sim/phone/{PHONE}/answer", json={"action": action, "pin": "9999"})
    assert push.result_code == "2001"


@pytest.mark.parametrize("body", [b"{", b'{"action":"dance"}', b'{"action":"pin","pn":"1"}', b"[]"])
async def test_unreadable_action_is_refused(caller: Caller, body: bytes):
    headers = {"Content-Type": "application/json"}
    refused = await caller.http.post(f"/_sim/phone/{PHONE}/answer", content=body, headers=headers)
    assert error_of(refused)[:2] == (400, "sim.bad_request")


@pytest.mark.parametrize("number", ["123", "254812345678", "255712345678", "abc"])
async def test_number_that_is_no_kenyan_mobile_has_no_phone(caller: Caller, number: str):
    assert error_of(await caller.http.get(f"/_sim/phone/{number}"))[:2] == (404, "sim.no_phone")
    assert not caller.world.phones


async def test_index_lists_phones_and_opens_one_by_any_spelling(sim: DarajaSimulator, caller: Caller):
    assert "No phone yet" in await page(caller, "/_sim/phones")
    opened = await caller.http.get("/_sim/phones", params={"number": "0712 345-678"})
    assert (opened.status_code, opened.headers["location"]) == (303, f"/_sim/phone/{PHONE}")
    assert f'href="/_sim/phone/{PHONE}"' in await page(caller, "/_sim/phones")
