"""Which packages a phone is offered, at what price, and that nobody pays for other than what was seen."""

from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

import httpx
import pytest

from portal.clock import Clock
from portal.db import DB
from portal.vault import Vault
from tests import factories
from tests.portal.captive.conftest import Phone, hidden_fields

NAIROBI = ZoneInfo("Africa/Nairobi")


def until(clock: Clock, hour: int, minute: int = 0, *, weekday: int | None = None) -> None:
    """Let it be that hour where the shop is, today or later."""
    now = clock.now().astimezone(NAIROBI)
    then = datetime.combine(now.date(), time(hour, minute), NAIROBI)
    while then < now or weekday not in (None, then.weekday()):
        then += timedelta(days=1)
    clock.shift(then - now)


async def change(phone: Phone, package: int = 1, **columns: object) -> int:
    package_id = phone.shop.package_ids[package]
    settings = ", ".join(f"{name} = ${number}" for number, name in enumerate(columns, start=2))
    await DB.fetch(f"UPDATE packages SET {settings} WHERE id = $1", package_id, *columns.values())
    return package_id


async def shown(phone: Phone) -> str:
    return (await phone.arrive()).text


async def test_a_happy_hour_is_shown_in_its_hours_only(phone: Phone, clock: Clock) -> None:
    await change(phone, sell_from_min=13 * 60, sell_until_min=16 * 60, sell_days=0b0011111)
    until(clock, 12, 50, weekday=2)
    assert "1\u00a0day" not in await shown(phone)
    until(clock, 13)
    assert "1 day" in await shown(phone)
    until(clock, 14, weekday=5)
    assert "1 day" not in await shown(phone), "Saturday"


async def test_who_saw_a_package_may_finish_for_ten_minutes_and_is_told_afterwards(phone: Phone, clock: Clock) -> None:
    await change(phone, sell_from_min=13 * 60, sell_until_min=16 * 60)
    until(clock, 15, 58)
    form = await phone.form()
    clock.shift(timedelta(minutes=7))
    assert (await post(phone, form)).status_code == 303
    clock.shift(timedelta(minutes=8))
    answer = await post(phone, {**form, "form_key": "a" * 32})
    assert answer.status_code == 409
    assert "Not at this hour" in answer.text
    assert "every day, 13:00\u201316:00" in answer.text
    assert await DB.value("SELECT count(*) FROM checkouts") == 1


async def test_a_night_pass_is_sold_while_its_night_lasts(phone: Phone, clock: Clock) -> None:
    await change(phone, use_from_min=22 * 60, use_until_min=6 * 60)
    until(clock, 21, 59)
    assert "1 day" not in await shown(phone)
    until(clock, 22)
    page = await phone.browser.get(phone.buy_path(), params={"d": await phone.visit()})
    assert "Hours of use: every day, 22:00\u201306:00. It ends when they end." in page.text
    until(clock, 5, 55)
    assert "1 day" not in await shown(phone), "the night is over before anybody has paid"


async def test_a_package_is_shown_at_its_routers_only(phone: Phone, vault: Vault) -> None:
    other = await factories.router(vault, phone.shop.router.merchant_id, name="Branch")
    await change(phone, router_ids=[other.id])
    assert "1 day" not in await shown(phone)
    assert (await phone.browser.get(phone.buy_path(), params={"d": await phone.visit()})).status_code == 404
    await change(phone, router_ids=[phone.shop.router.id, other.id])
    assert "1 day" in await shown(phone)


async def test_a_promo_price_is_asked_from_its_first_moment_to_its_last(phone: Phone, clock: Clock) -> None:
    now = clock.now()
    await change(phone, promo_cents=4000, promo_from=now + timedelta(hours=1), promo_until=now + timedelta(hours=2))
    assert "KES\u00a040" not in await shown(phone)
    clock.shift(timedelta(minutes=61))
    page = await shown(phone)
    assert "<s>KES\u00a050</s>" in page
    assert "KES\u00a040" in page
    assert (await phone.buy()).status_code == 303
    assert await DB.value("SELECT amount_cents FROM payments ORDER BY id DESC LIMIT 1") == 4000
    clock.shift(timedelta(hours=1))
    assert "KES\u00a040" not in await shown(phone)


async def post(phone: Phone, form: dict[str, str], **fields: str) -> httpx.Response:
    return await phone.browser.post(phone.buy_path(), data={**form, "phone": "0712 345 678", **fields})


@pytest.mark.parametrize(
    "columns",
    [{"price_cents": 6000}, {"duration_s": 3600}, {"rate_down_kbps": 100}, {"devices": 2}, {"data_bytes": 10**8}],
)
async def test_what_changed_after_it_was_seen_is_shown_again_and_not_asked_for(
    phone: Phone, columns: dict[str, int]
) -> None:
    form = await phone.form()
    await change(phone, **columns)
    answer = await post(phone, form)
    assert answer.status_code == 409
    assert "This package has changed since you saw it." in answer.text
    assert 'value="0712 345 678"' in answer.text, "what was typed stays"
    assert await DB.value("SELECT count(*) FROM payments") == 0
    assert (await post(phone, hidden_fields(answer.text))).status_code == 303
    expected = columns.get("price_cents", 5000)
    assert await DB.value("SELECT amount_cents FROM payments") == expected


async def test_a_promo_that_ends_between_page_and_payment_is_told(phone: Phone, clock: Clock) -> None:
    await change(phone, promo_cents=4000, promo_until=clock.now() + timedelta(minutes=1))
    form = await phone.form()
    clock.shift(timedelta(minutes=2))
    answer = await post(phone, form)
    assert answer.status_code == 409
    assert "Pay KES\u00a050" in answer.text


async def test_a_form_posted_twice_is_one_purchase_even_when_the_price_changed_between(phone: Phone) -> None:
    form = await phone.form()
    first = await post(phone, form)
    await change(phone, price_cents=6000)
    second = await post(phone, form)
    assert second.headers["location"] == first.headers["location"]


async def test_an_edit_never_changes_what_was_sold(phone: Phone) -> None:
    await phone.buy()
    before = await DB.value("SELECT terms FROM checkouts")
    await change(phone, name="Other", price_cents=6000, duration_s=60, rate_down_kbps=1, devices=9, burst_down_kbps=2)
    assert await DB.value("SELECT terms FROM checkouts") == before
    assert await DB.value("SELECT price_cents FROM checkouts") == 5000


async def test_customers_read_the_name_in_their_language_and_the_description(phone: Phone) -> None:
    await change(phone, name="Siku nzima", name_en="All day", description="Up to midnight & beyond")
    english, swahili = await phone.arrive(l="en"), await phone.arrive(l="sw")
    assert "All day" in english.text
    assert "Siku nzima" in swahili.text
    assert "All day" not in swahili.text
    page = await phone.browser.get(phone.buy_path(), params={"d": await phone.visit()})
    assert "Up to midnight &amp; beyond" in page.text
    assert "For KES\u00a050, one device is online for 1\u00a0day from its first minute." in page.text
