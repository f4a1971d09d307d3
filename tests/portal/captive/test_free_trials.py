"""Free trials: once a device and day, so many a router and day, and no payment anywhere."""

import asyncio
from datetime import timedelta

import httpx
import pytest

from portal import invariants
from portal.clock import Clock
from portal.db import DB
from portal.vault import Vault
from tests import factories
from tests.portal.captive.conftest import MAC, Phone, hidden_fields


@pytest.fixture
async def trial(phone: Phone) -> int:
    """A quarter of an hour for nothing, three a day."""
    return await factories.package(
        phone.shop.router.merchant_id, name="Try it", price_cents=0, duration_s=900, rate_down_kbps=1000, trials_a_day=3,
        position=9,
    )  # fmt: skip


async def form(phone: Phone, trial: int, mac: str = MAC) -> dict[str, str]:
    page = await phone.browser.get(f"{phone.shop.path}/buy/{trial}/free", params={"d": await phone.visit(mac=mac)})
    assert page.status_code == 200
    return hidden_fields(page.text)


async def take(phone: Phone, trial: int, mac: str = MAC) -> httpx.Response:
    return await phone.browser.post(f"{phone.shop.path}/buy/{trial}/free", data=await form(phone, trial, mac))


def mac(number: int) -> str:
    return f"02:00:00:00:00:{number:02X}"


async def test_a_trial_lets_a_device_in_without_money_or_number(phone: Phone, trial: int) -> None:
    page = (await phone.arrive()).text
    assert f"/buy/{trial}/free" in page
    assert "Free" in page
    answer = await take(phone, trial)
    assert answer.status_code == 303
    assert "/w/" in answer.headers["location"]
    row = await DB.row(
        "SELECT v.status, v.price_cents, g.mac FROM vouchers v JOIN access_grants g ON g.voucher_id = v.id"
    )
    assert row is not None
    assert tuple(row) == ("paid", 0, MAC)
    assert await DB.value("SELECT count(*) FROM payments") == 0
    assert await DB.value("SELECT count(*) FROM ledger_postings") == 0
    assert await DB.value("SELECT count(*) FROM events WHERE name = 'given_as_trial'") == 1


async def test_a_device_gets_one_a_day(phone: Phone, trial: int, clock: Clock) -> None:
    await take(phone, trial)
    again = await take(phone, trial)
    assert again.status_code == 409
    assert "This device has had its free time today." in again.text
    assert await DB.value("SELECT count(*) FROM vouchers") == 1
    clock.shift(timedelta(days=1))
    assert (await take(phone, trial)).status_code == 303


async def test_another_trial_of_the_same_shop_is_a_second_one(phone: Phone, trial: int) -> None:
    other = await factories.package(phone.shop.router.merchant_id, name="Taste", price_cents=0, duration_s=600)
    await take(phone, trial)
    assert (await take(phone, other)).status_code == 409


async def test_a_device_known_under_another_mac_gets_no_second(phone: Phone, trial: int) -> None:
    await take(phone, trial, mac(1))
    await DB.fetch(
        """INSERT INTO devices (merchant_id, mac, same_as_id) SELECT merchant_id, $1, id FROM devices WHERE mac = $2""",
        mac(2),
        mac(1),
    )
    assert (await take(phone, trial, mac(2))).status_code == 409
    assert (await take(phone, trial, mac(3))).status_code == 303


async def test_a_router_gives_out_so_many_a_day(phone: Phone, trial: int, vault: Vault) -> None:
    codes = [(await take(phone, trial, mac(number))).status_code for number in range(4)]
    assert codes == [303, 303, 303, 409]
    again = await take(phone, trial, mac(9))
    assert "All free time of today is given out here." in again.text


async def test_many_devices_at_once_get_no_more_than_there_are(phone: Phone, trial: int) -> None:
    forms = [await form(phone, trial, mac(number)) for number in range(12)]
    path = f"{phone.shop.path}/buy/{trial}/free"
    answers = await asyncio.gather(*(phone.browser.post(path, data=each) for each in forms))
    assert sorted(answer.status_code for answer in answers) == [303] * 3 + [409] * 9
    assert await DB.value("SELECT count(*) FROM vouchers") == 3


async def test_a_double_tap_is_one_trial_and_both_lead_to_it(phone: Phone, trial: int) -> None:
    fields = await form(phone, trial)
    path = f"{phone.shop.path}/buy/{trial}/free"
    answers = await asyncio.gather(*(phone.browser.post(path, data=fields) for _ in range(3)))
    assert [answer.status_code for answer in answers] == [303] * 3
    assert len({answer.headers["location"] for answer in answers}) == 1
    assert await DB.value("SELECT count(*) FROM vouchers") == 1


async def test_a_trial_cannot_be_bought_and_what_costs_cannot_be_tried(phone: Phone, trial: int) -> None:
    sold = phone.shop.package_ids[1]
    visit = await phone.visit()
    for path in (f"/buy/{trial}", f"/buy/{trial}/promo", f"/buy/{trial}/kept", f"/buy/{sold}/free"):
        assert (await phone.browser.get(phone.shop.path + path, params={"d": visit})).status_code == 404, path
    fields = await form(phone, trial)
    assert (await phone.browser.post(f"{phone.shop.path}/buy/{sold}/free", data=fields)).status_code == 404
    bought = await phone.browser.post(f"{phone.shop.path}/buy/{trial}", data={**fields, "phone": "0712345678"})
    assert bought.status_code == 404


async def test_a_trial_needs_a_visit_of_this_site(phone: Phone, trial: int) -> None:
    fields = await form(phone, trial)
    path = f"{phone.shop.path}/buy/{trial}/free"
    assert (await phone.browser.post(path, data={**fields, "d": "x" * 40})).status_code == 400
    assert (await phone.browser.post(path, data={**fields, "form_key": ""})).status_code == 400
    assert await DB.value("SELECT count(*) FROM vouchers") == 0


async def test_a_trial_that_became_dear_is_shown_again(phone: Phone, trial: int) -> None:
    fields = await form(phone, trial)
    await DB.fetch("UPDATE packages SET duration_s = 60 WHERE id = $1", trial)
    answer = await phone.browser.post(f"{phone.shop.path}/buy/{trial}/free", data=fields)
    assert answer.status_code == 409
    assert await DB.value("SELECT count(*) FROM vouchers") == 0
    await DB.fetch("UPDATE packages SET price_cents = 500 WHERE id = $1", trial)
    assert (await phone.browser.post(f"{phone.shop.path}/buy/{trial}/free", data=fields)).status_code == 404


async def test_a_trial_is_a_cause_the_invariants_know(phone: Phone, trial: int, clock: Clock) -> None:
    await take(phone, trial)
    assert await invariants.breaches(now=clock.now()) == []
    await DB.fetch("UPDATE vouchers SET price_cents = 500")
    [breach] = await invariants.breaches(now=clock.now())
    assert breach.invariant == "I4 a voucher in use without a cause"
