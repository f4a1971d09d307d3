"""Packages as the shop's people see and change them: forms without JavaScript, plain words, order, copies, the archive."""

import re
from collections.abc import AsyncIterator

import httpx
import pytest
from litestar import Litestar

from portal.db import DB
from portal.vault import Vault
from tests import factories
from tests.portal.web.conftest import Cast, browser, form_token, sign_in

WEEK = [str(day) for day in range(7)]
FORM = {
    "name": "Night pass", "price": "30", "length": "8", "length_unit": "hour", "devices": "1", "clock": "first_use",
    "purchase_days": "30", "where": "all", "sell_day": WEEK, "use_day": WEEK, "trials_a_day": "50",
}  # fmt: skip


@pytest.fixture
async def owner(app: Litestar, cast: Cast) -> AsyncIterator[httpx.AsyncClient]:
    async with browser(app) as client:
        await sign_in(client, cast.owner)
        yield client


async def post(client: httpx.AsyncClient, path: str, **fields: object) -> httpx.Response:
    return await client.post(path, data={"_csrf": await form_token(client, "/account"), **fields})


async def newest() -> dict[str, object]:
    return dict(await DB.row("SELECT * FROM packages ORDER BY id DESC LIMIT 1") or {})


async def test_a_package_is_made_as_it_was_typed(owner: httpx.AsyncClient, cast: Cast) -> None:
    more = {
        "down": "4", "up": "1.5", "burst_down": "8", "threshold_down": "3", "burst_time": "16", "uptime": "6",
        "uptime_unit": "hour", "data": "1.5", "data_unit": "GB", "sell_from": "20:00", "sell_until": "04:30",
        "sell_day": ["4", "5"], "use_from": "22:00", "use_until": "06:00", "where": "some", "routers": [str(cast.router.id)],
        "promo": "20", "promo_until": "2027-01-01T00:00", "description": "  For  the night. ", "name_sw": "Usiku",
        "activation_days": "90",
    }  # fmt: skip
    answer = await post(owner, "/packages", **{**FORM, **more})
    assert (answer.status_code, answer.headers["location"]) == (303, "/packages")
    made = await newest()
    expected = {
        "name": "Night pass", "name_sw": "Usiku", "price_cents": 3000, "duration_s": 28_800, "uptime_s": 21_600,
        "data_bytes": 1_610_612_736, "rate_down_kbps": 4000, "rate_up_kbps": 1500, "burst_down_kbps": 8000,
        "threshold_down_kbps": 3000, "burst_time_s": 16, "sell_days": 0b110000, "sell_from_min": 1200, "sell_until_min": 270,
        "use_from_min": 1320, "use_until_min": 360, "router_ids": [cast.router.id], "promo_cents": 2000,
        "description": "For the night.", "activation_days": 90, "purchase_days": 30, "is_active": True,
    }  # fmt: skip
    assert {name: made[name] for name in expected} == expected
    page = await owner.get(f"/packages/{made['id']}")
    for text in ('value="1.5"', 'value="20:00"', 'value="2027-01-01T00:00"', "For the night."):
        assert text in page.text


async def test_saving_what_was_opened_changes_nothing(owner: httpx.AsyncClient, cast: Cast) -> None:
    await post(owner, "/packages", **FORM, down="2.5", use_from="22:00", use_until="06:00", data="300", data_unit="MB")
    before = await newest()
    page = (await owner.get(f"/packages/{before['id']}")).text
    fields = dict(re.findall(r'<input[^>]*? name="(\w+)"[^>]*? value="([^"]*)"', page))
    units = dict(re.findall(r'<select name="(\w+)".*?<option value="(\w+)" selected', page, re.DOTALL))
    again = {**fields, **units, "clock": "first_use", "where": "all", "sell_day": WEEK, "use_day": WEEK}
    assert (await post(owner, f"/packages/{before['id']}", **{**again, "_csrf": fields["_csrf"]})).status_code == 303
    assert await newest() == before
    assert not await DB.value("SELECT count(*) FROM events WHERE entity = 'packages' AND name = 'changed'")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", " "), ("name", "x" * 61), ("name", "a\u202eb"), ("price", ""), ("price", "-5"), ("price", "25.50"),
        ("price", "9" * 30), ("price", "1e9"), ("length", "0"), ("length", "-1"), ("length", "9" * 20), ("length", "1.5"),
        ("length", "99999"), ("uptime", "0"), ("data", "0"), ("data", "9" * 9), ("down", "0"), ("down", "20000"),
        ("down", "-1"), ("devices", "0"), ("devices", "101"), ("devices", ""), ("clock", "never"), ("purchase_days", "0"),
        ("activation_days", "9999"), ("burst_down", "5"), ("burst_time", "0"), ("sell_from", "25:00"), ("sell_until", "x"),
        ("use_from", "22:00"), ("promo", "30"), ("promo", "0"), ("promo_until", "2027-02-30T10:00"),
        ("description", "d" * 201), ("trials_a_day", "0"), ("name_sw", "y" * 61), ("threshold_up", "1"),
    ],
)  # fmt: skip
async def test_what_is_wrong_is_named_and_kept(owner: httpx.AsyncClient, cast: Cast, field: str, value: str) -> None:
    answer = await post(owner, "/packages", **{**FORM, field: value})
    assert answer.status_code == 422
    named = {"use_from": "use_until"}.get(field, field)
    assert f'href="#{named}"' in answer.text, "the summary names the field"
    assert f'id="{named}"' in answer.text
    if field not in ("clock",) and value.strip():
        assert value in answer.text, "what was typed stays"
    assert await DB.value("SELECT count(*) FROM packages WHERE merchant_id = $1", cast.merchant_id) == 1


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"down": "5", "burst_down": "5"}, "burst_down"),
        ({"down": "5", "burst_down": "9", "threshold_down": "6"}, "threshold_down"),
        ({"use_from": "22:00", "use_until": "06:00", "clock": "purchase"}, "clock"),
        ({"promo": "20"}, "promo_until"),
        ({"promo": "20", "promo_from": "2027-01-02T00:00", "promo_until": "2027-01-01T00:00"}, "promo_until"),
        ({"where": "some"}, "routers"),
        ({"sell_day": []}, "sell_day"),
    ],
)
async def test_what_cannot_go_together_is_refused(
    owner: httpx.AsyncClient, cast: Cast, fields: dict[str, object], named: str
) -> None:
    answer = await post(owner, "/packages", **{**FORM, **fields})
    assert answer.status_code == 422
    assert f'href="#{named}"' in answer.text


async def test_another_merchants_router_cannot_be_chosen(owner: httpx.AsyncClient, cast: Cast) -> None:
    answer = await post(owner, "/packages", **{**FORM, "where": "some", "routers": [str(cast.rival_router.id)]})
    assert answer.status_code == 422
    assert "Choose from your routers." in answer.text


async def test_the_words_come_with_check_and_without_javascript(owner: httpx.AsyncClient, cast: Cast) -> None:
    sentence = "For KES\u00a030, one device is online for 8\u00a0hours from its first minute."
    whole = await post(owner, "/packages", **FORM, deed="check", uptime="9", uptime_unit="hour")
    part = await post(owner, "/packages/check", **FORM)
    for answer in (whole, part):
        assert answer.status_code == 200
        assert sentence in answer.text
        assert "If it is not used within 30 days after payment, it ends." in answer.text
    assert "it never counts" in whole.text
    assert part.text.lstrip().startswith("<div")
    assert await DB.value("SELECT count(*) FROM packages WHERE merchant_id = $1", cast.merchant_id) == 1
    unready = await post(owner, "/packages/check", **{**FORM, "price": "x"})
    assert "Fill in the form" in unready.text


async def test_the_same_form_twice_is_one_package(owner: httpx.AsyncClient, cast: Cast) -> None:
    for _ in range(2):
        await post(owner, "/packages", **FORM, form_key="a" * 32)
        await post(owner, f"/packages/{cast.package_id}/copy", form_key="b" * 32)
    assert await DB.value("SELECT count(*) FROM packages WHERE merchant_id = $1", cast.merchant_id) == 3


async def test_the_order_is_moved_by_buttons(owner: httpx.AsyncClient, cast: Cast) -> None:
    second = await factories.package(cast.merchant_id, name="Second", price_cents=2000)
    third = await factories.package(cast.merchant_id, name="Third", price_cents=3000)

    async def order() -> list[int]:
        return [int(found) for found in re.findall(r'href="/packages/(\d+)"', (await owner.get("/packages")).text)]

    assert await order() == [cast.package_id, second, third]
    await post(owner, f"/packages/{third}/up")
    assert await order() == [cast.package_id, third, second]
    await post(owner, f"/packages/{cast.package_id}/down")
    assert await order() == [third, cast.package_id, second]
    await post(owner, f"/packages/{third}/up")
    assert await order() == [third, cast.package_id, second], "the first stays the first"


async def test_a_package_goes_to_the_archive_and_comes_back(owner: httpx.AsyncClient, cast: Cast) -> None:
    path = f"/packages/{cast.package_id}"
    await post(owner, f"{path}/archive")
    assert path not in (await owner.get("/packages")).text
    assert path in (await owner.get("/packages?show=archived")).text
    await post(owner, f"{path}/archive")
    await post(owner, f"{path}/restore")
    assert path in (await owner.get("/packages")).text
    told = await DB.fetch("SELECT name FROM events WHERE entity = 'packages' ORDER BY id")
    assert [row["name"] for row in told] == ["archived", "restored"]


async def test_a_copy_is_not_sold_before_somebody_says_so(owner: httpx.AsyncClient, cast: Cast) -> None:
    answer = await post(owner, f"/packages/{cast.package_id}/copy")
    copy = await newest()
    assert answer.headers["location"] == f"/packages/{copy['id']}"
    assert (copy["is_active"], copy["name"], copy["price_cents"]) == (False, "1 hour (2)", 1000)


async def test_sixty_packages_are_enough(owner: httpx.AsyncClient, cast: Cast) -> None:
    await DB.fetch(
        """INSERT INTO packages (merchant_id, name, price_cents, duration_s)
           SELECT $1, 'P' || n, 100, 3600 FROM generate_series(1, 59) AS n""",
        cast.merchant_id,
    )
    assert (await post(owner, "/packages", **FORM)).status_code == 409


async def test_names_of_any_script_are_shown_as_text(owner: httpx.AsyncClient, cast: Cast) -> None:
    for name in ("🌙 Usiku", "ليلة كاملة", "<img src=x onerror=alert(1)>", "=1+1"):
        assert (await post(owner, "/packages", **{**FORM, "name": name})).status_code == 303
    page = (await owner.get("/packages")).text
    assert "🌙 Usiku" in page
    assert "ليلة كاملة" in page
    assert "<img src=x" not in page


async def test_a_cashier_reads_what_a_package_gives_and_changes_nothing(app: Litestar, cast: Cast) -> None:
    async with browser(app) as cashier:
        await sign_in(cashier, cast.cashier)
        page = await cashier.get(f"/packages/{cast.package_id}")
        assert "one device is online for 1\u00a0hour" in page.text
        assert "<form" not in page.text.split("<main", 1)[1].split("</main>")[0]
        assert (await post(cashier, f"/packages/{cast.package_id}", **FORM)).status_code == 403


async def test_changing_a_package_changes_nothing_that_was_sold(
    owner: httpx.AsyncClient, cast: Cast, vault: Vault
) -> None:
    voucher = await factories.voucher(vault, cast.merchant_id, cast.package_id, status="in_use")
    await factories.grant(vault, cast.merchant_id, cast.router.id, voucher)
    sold = "SELECT v.terms::text, v.price_cents, v.expires_at, g.terms::text FROM vouchers v JOIN access_grants g ON g.voucher_id = v.id"
    before = await DB.row(sold)
    changed = {
        **FORM,
        "price": "99",
        "length": "1",
        "down": "1",
        "devices": "9",
        "use_from": "22:00",
        "use_until": "06:00",
    }
    assert (await post(owner, f"/packages/{cast.package_id}", **changed)).status_code == 303
    assert await DB.value("SELECT price_cents FROM packages WHERE id = $1", cast.package_id) == 9900
    assert await DB.row(sold) == before
    told = await DB.value("SELECT data->'price_cents' FROM events WHERE entity = 'packages' AND name = 'changed'")
    assert told == '{"to": 9900, "from": 1000}'
