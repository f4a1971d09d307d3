"""Paying by hand and "I already paid" on the captive page: the same purchase, the exact rest, and answers that tell nothing."""

import re
from typing import Any

import httpx
import pytest

from portal import claims
from portal.clock import Clock
from portal.db import DB, atomic
from portal.evidence import Inbound, Road
from portal.payments import take
from portal.vault import Vault
from tests import factories
from tests.portal.captive.conftest import Phone
from tests.portal.captive.stages import Stage


async def pay(vault: Vault, clock: Clock, reference: str, cents: int, receipt: str, **more: Any) -> None:
    """Money comes by hand."""
    account = await DB.value("SELECT id FROM mpesa_accounts")
    values: dict[str, Any] = {"road": Road.C2B, "is_trusted": True, "account_id": account, "phone": None} | more
    async with atomic() as tx:
        await take(
            tx,
            Inbound(receipt=receipt, amount_cents=cents, reference=reference, **values),
            vault=vault,
            now=clock.now(),
        )


async def reference_of(token: str) -> str:
    return await DB.value(
        "SELECT p.account_reference FROM payments p JOIN checkouts c ON c.id = p.checkout_id WHERE c.token = $1", token
    )


async def test_the_page_tells_number_reference_and_amount(phone: Phone, stage: Stage) -> None:
    token = await stage.waiting(sent=True)
    page = await phone.browser.get(f"/w/{token}/hand")
    assert re.findall(r'class="p s">([^<]+)<', page.text) == ["174379", await reference_of(token)]
    assert "KES\u00a050" in page.text
    assert (await phone.browser.get(f"/w/{token}/hand/state")).text == "hand-5000"


async def test_a_till_is_named_as_one_and_asks_for_the_code(phone: Phone, stage: Stage) -> None:
    await DB.fetch("UPDATE mpesa_accounts SET transaction_type = 'CustomerBuyGoodsOnline', party_b = '5551234'")
    token = await stage.waiting(sent=True)
    page = (await phone.browser.get(f"/w/{token}/hand")).text
    assert re.findall(r'class="p s">([^<]+)<', page) == ["5551234"]
    assert await reference_of(token) not in page
    assert "I have paid: enter the M‑PESA code" in page


async def test_what_came_in_is_taken_off_and_the_rest_connects(
    phone: Phone, stage: Stage, vault: Vault, clock: Clock
) -> None:
    token = await stage.waiting(sent=True)
    before = (await phone.browser.get(f"/w/{token}/state")).text
    await pay(vault, clock, await reference_of(token), 4500, "SKL4H7A001")
    assert (await phone.browser.get(f"/w/{token}/state")).text != before
    assert "KES\u00a05 more" in (await phone.browser.get(f"/w/{token}")).text
    hand = (await phone.browser.get(f"/w/{token}/hand")).text
    assert "Pay <b>KES\u00a05</b> more" in hand
    assert (await phone.browser.get(f"/w/{token}/hand/state")).text == "hand-500"
    await pay(vault, clock, await reference_of(token), 500, "SKL4H7A002")
    assert (await phone.browser.get(f"/w/{token}/hand/state")).text == "paid"
    on = await phone.browser.get(f"/w/{token}/hand")
    assert (on.status_code, on.headers["location"]) == (303, f"/w/{token}")
    assert await DB.value("SELECT count(*) FROM vouchers") == 1


async def test_unknown_used_and_somebody_elses_codes_get_one_answer(
    phone: Phone, stage: Stage, vault: Vault, clock: Clock
) -> None:
    used = await stage.waiting(sent=True)
    await pay(vault, clock, await reference_of(used), 5000, "SKL4H7B001")
    await pay(vault, clock, "NANCY", 5000, "SKL4H7B002", phone="254700000126")
    token = await stage.waiting(sent=True)
    answers: list[httpx.Response] = []
    for code in ("SKL4H7B001", "SKL4H7B002", "SKL4H7B003"):
        answers.append(await phone.browser.post(f"/w/{token}/paid", data={"receipt": code}))
    assert {(each.status_code, each.headers["location"]) for each in answers} == {(303, f"/w/{token}/paid?sent=1")}
    pages = {(await phone.browser.get(each.headers["location"])).text for each in answers}
    assert len(pages) == 1
    assert (await phone.browser.get(f"/w/{token}/paid/state")).text == "looking"
    assert await DB.value("SELECT count(*) FROM vouchers") == 1


async def test_the_payers_own_lost_money_pays_at_once(phone: Phone, stage: Stage, vault: Vault, clock: Clock) -> None:
    token = await stage.waiting(sent=True)
    own = await DB.value("SELECT phone FROM checkouts WHERE token = $1", token)
    await pay(vault, clock, "NANCY", 5000, "SKL4H7C001", phone=own)
    sms = "skl4h7c001 confirmed. Ksh50.00 sent to SHOP for account NANCY on 20/11/26"
    answer = await phone.browser.post(f"/w/{token}/paid", data={"receipt": sms})
    assert (answer.status_code, answer.headers["location"]) == (303, f"/w/{token}")
    assert await DB.value("SELECT voucher_id IS NOT NULL FROM checkouts WHERE token = $1", token)


async def test_what_is_no_code_is_said_at_the_field_and_kept(phone: Phone, stage: Stage) -> None:
    token = await stage.waiting(sent=True)
    answer = await phone.browser.post(f"/w/{token}/paid", data={"receipt": "i paid <b>"})
    assert answer.status_code == 422
    assert 'aria-invalid="true"' in answer.text
    assert "i paid &lt;b&gt;</textarea>" in answer.text


async def test_codes_are_not_guessed_without_end(phone: Phone, stage: Stage) -> None:
    token = await stage.waiting(sent=True)
    for number in range(claims.TRIES_PER_CHECKOUT[0]):
        await phone.browser.post(f"/w/{token}/paid", data={"receipt": f"SKL4H7D00{number}"})
    answer = await phone.browser.post(f"/w/{token}/paid", data={"receipt": "SKL4H7D009"})
    assert answer.status_code == 429
    assert "Check the M‑PESA code while you wait." in answer.text


async def test_who_paid_elsewhere_opens_it_with_phone_and_code_only(
    phone: Phone, stage: Stage, vault: Vault, clock: Clock
) -> None:
    token = await stage.waiting(sent=True)
    await pay(vault, clock, await reference_of(token), 5000, "SKL4H7E001", phone=factories.PHONE)
    visit = await phone.visit()
    wrong = {"phone": "0700 000 126", "receipt": "SKL4H7E001"}, {"phone": "0712 345 678", "receipt": "SKL4H7E002"}
    pages: set[str] = set()
    for told in wrong:
        answer = await phone.browser.post(f"{phone.shop.path}/paid", data={"d": visit, **told})
        assert answer.status_code == 422
        pages.add(re.sub(r'value="[^"]*"|SKL4H7E00\d', "", answer.text))
    assert len(pages) == 1
    right = {"d": visit, "phone": "0712 345 678", "receipt": "SKL4H7E001"}
    answer = await phone.browser.post(f"{phone.shop.path}/paid", data=right)
    assert answer.status_code == 303
    assert answer.headers["location"].startswith(f"/w/{token}")


async def test_a_claim_without_the_signed_visit_does_nothing(phone: Phone) -> None:
    answer = await phone.browser.post(f"{phone.shop.path}/paid", data={"d": "x", "phone": "1", "receipt": "2"})
    assert answer.status_code == 400


@pytest.mark.parametrize("part", ["", "/hand", "/paid", "/state"])
async def test_a_token_nobody_has_is_not_there(phone: Phone, part: str) -> None:
    assert (await phone.browser.get(f"/w/{'f' * 64}{part}")).status_code == 404
