"""The merchant's home: true figures, parts that look the same alone and inside, both languages, nothing of others."""

import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import httpx
import pytest
from litestar import Litestar
from litestar.routes import HTTPRoute

from portal import ledger, reports, sales
from portal.clock import Clock
from portal.db import DB, atomic
from portal.identity import Actor, Role
from portal.sales import SaleState
from portal.vault import Vault
from tests import factories
from tests.portal.web import rows
from tests.portal.web.conftest import Cast, browser, sign_in

NAIROBI = ZoneInfo("Africa/Nairobi")
#: A Friday afternoon in Nairobi, three hours ahead of UTC.
NOW = datetime(2026, 11, 20, 11, 12, tzinfo=UTC)
PARTS = ("figures", "days", "sales", "routers")


@pytest.fixture
def clock() -> Clock:
    """Stands close enough to NOW: it runs on, but slower than anything here counts."""
    return Clock(NOW - datetime.now(UTC))


def actor(merchant_id: int) -> Actor:
    return Actor(user_id=1, merchant_id=merchant_id, role=Role.OWNER, is_operator=False, name="A", email="a@b.test")


async def figures(cast: Cast) -> reports.Figures:
    return await reports.figures(actor(cast.merchant_id), zone=NAIROBI, now=NOW)


async def test_takings_are_todays_paid_sales_by_the_merchants_midnight(cast: Cast) -> None:
    for minutes, cents in ((5, 5000), (60, 1000), (14 * 60 + 11, 300)):  # the last one a minute after midnight
        await rows.payment(cast.router, cast.package_id, at=NOW - timedelta(minutes=minutes), cents=cents)
    await rows.payment(
        cast.router, cast.package_id, at=NOW - timedelta(hours=14, minutes=13), cents=70_000
    )  # yesterday
    await rows.payment(cast.router, cast.package_id, at=NOW, status="failed")
    await rows.payment(cast.router, cast.package_id, at=NOW, status="pending")
    await rows.payment(cast.rival_router, cast.rival_package_id, at=NOW, cents=999_900)
    found = await figures(cast)
    assert (found.today_cents, found.sold) == (6300, 3)
    assert found.by_hour_cents == [300, *[0] * 12, 1000, 5000]


async def test_today_is_compared_with_the_same_weekday_up_to_the_same_time(cast: Cast) -> None:
    week = timedelta(days=7)
    await rows.payment(cast.router, cast.package_id, at=NOW - timedelta(minutes=5), cents=6000)
    await rows.payment(cast.router, cast.package_id, at=NOW - week - timedelta(minutes=1), cents=5000)
    await rows.payment(cast.router, cast.package_id, at=NOW - week + timedelta(minutes=1), cents=40_000)
    found = await figures(cast)
    assert (found.last_week_cents, found.change_percent) == (5000, 20)


async def test_nothing_last_week_is_no_percentage(cast: Cast) -> None:
    await rows.payment(cast.router, cast.package_id, at=NOW)
    assert (await figures(cast)).change_percent is None


async def test_what_is_owed_is_the_ledgers_balance(cast: Cast) -> None:
    for days in (0, 1, 40):
        await rows.payment(cast.router, cast.package_id, at=NOW - timedelta(days=days), cents=10_000)
    async with atomic() as tx:
        await ledger.post(
            tx, "payout", {"merchant_payable": 9000, "payouts": -9000}, merchant_id=cast.merchant_id, payment_id=None,
            receipt="PAYOUT1", currency="KES", now=NOW,
        )  # fmt: skip
    found = await figures(cast)
    assert (found.owed_cents, found.commission_cents) == (24_000 - 9000, 2000)
    assert found.owed_cents == -await ledger.balance(cast.merchant_id, "merchant_payable")


async def test_money_that_bought_nothing_is_not_takings(cast: Cast) -> None:
    twice = await rows.payment(cast.router, cast.package_id, at=NOW, status="pending")
    await DB.fetch("UPDATE payments SET status = 'paid', paid_at = $2, received_cents = 5000 WHERE id = $1", twice, NOW)
    found = await figures(cast)
    assert (found.today_cents, found.sold) == (0, 0)
    listed = await sales.latest(actor(cast.merchant_id), now=NOW)
    assert listed.sales[0].state == SaleState.EXTRA


async def test_online_counts_sessions_on_routers_that_answer(cast: Cast, vault: Vault) -> None:
    away = await factories.router(vault, cast.merchant_id, name="Away", status="offline", offline_since=NOW)
    for router in (cast.router, cast.router, away):
        paid = await rows.payment(router, cast.package_id, at=NOW)
        await rows.access(paid, vault, at=NOW)
    left = await rows.payment(cast.router, cast.package_id, at=NOW)
    await rows.access(left, vault, at=NOW, is_open=False)
    found = await figures(cast)
    assert (found.online, found.in_use) == (2, 4)


async def test_bars_have_every_day_and_end_today(cast: Cast) -> None:
    await rows.payment(cast.router, cast.package_id, at=NOW - timedelta(days=13), cents=100)
    await rows.payment(cast.router, cast.package_id, at=NOW - timedelta(days=14), cents=7700)
    await rows.payment(cast.router, cast.package_id, at=NOW, cents=5000)
    days = await reports.takings_per_day(actor(cast.merchant_id), days=14, zone=NAIROBI, now=NOW)
    assert [day.day.day for day in days] == list(range(7, 21))
    assert [day.cents for day in days] == [100, *[0] * 12, 5000]


async def test_unpaid_sales_say_why(cast: Cast) -> None:
    cases = (
        ("created", None, "sending"), ("submitting", None, "sending"), ("pending", None, "waiting"),
        ("unknown", None, "no_answer"), ("failed", "1032", "cancelled"), ("failed", "1", "no_money"),
        ("failed", "2001", "wrong_pin"), ("failed", "1037", "not_reached"), ("failed", "9999", "failed"),
        ("failed", None, "failed"), ("refund_pending", "0", "refunding"), ("refunded", "0", "refunded"),
    )  # fmt: skip
    for status, code, _ in cases:
        await rows.payment(cast.router, cast.package_id, at=NOW, status=status, result_code=code)
    listed = (await sales.latest(actor(cast.merchant_id), now=NOW)).sales
    assert [sale.state for sale in reversed(listed)] == [state for _, _, state in cases]


async def test_another_amount_is_told_apart(cast: Cast) -> None:
    await rows.payment(cast.router, cast.package_id, at=NOW, status="unknown", cents=5000, received_cents=4000)
    sale = (await sales.latest(actor(cast.merchant_id), now=NOW)).sales[0]
    assert (sale.state, sale.cents) == (SaleState.MISMATCH, 4000)


async def test_paid_sales_say_how_the_customer_is_doing(cast: Cast, vault: Vault) -> None:
    away = await factories.router(vault, cast.merchant_id, name="Away", status="offline")
    cases = (
        ("in_use", True, True, cast.router, 600, "connected"), ("in_use", False, True, cast.router, 600, "away"),
        ("paid", False, False, cast.router, 5, "connecting"), ("paid", False, False, cast.router, 600, "not_online"),
        ("paid", False, False, away, 5, "router_offline"), ("expired", False, True, cast.router, 9000, "over"),
        ("revoked", False, True, cast.router, 600, "revoked"),
    )  # fmt: skip
    for voucher, is_open, has_login, router, age_s, _ in cases:
        at = NOW - timedelta(seconds=age_s)
        paid = await rows.payment(router, cast.package_id, at=at)
        await rows.access(paid, vault, at=at, voucher=voucher, is_open=is_open, has_login=has_login)
    listed = (await sales.latest(actor(cast.merchant_id), now=NOW)).sales
    assert [sale.state for sale in reversed(listed)] == [case[-1] for case in cases]


async def test_sales_page_by_page_lose_and_repeat_nothing(cast: Cast) -> None:
    ids = [await rows.payment(cast.router, cast.package_id, at=NOW) for _ in range(7)]
    seen: list[int] = []
    before = None
    while True:
        found = await sales.latest(actor(cast.merchant_id), now=NOW, most=3, before=before)
        seen += [sale.id for sale in found.sales]
        before = found.older
        if before is None:
            break
    assert seen == ids[::-1]


async def _full_day(cast: Cast, vault: Vault) -> None:
    await factories.router(
        vault, cast.merchant_id, name="Mama Njeri", status="offline", offline_since=NOW - timedelta(minutes=18),
        last_seen_at=NOW - timedelta(minutes=18),
    )  # fmt: skip
    await rows.payment(cast.router, cast.package_id, at=NOW - timedelta(minutes=9), status="failed", result_code="1032")
    paid = await rows.payment(
        cast.router, cast.package_id, at=NOW - timedelta(minutes=5), receipt="SKL4H7T2QX", name="3 hours"
    )
    await rows.access(paid, vault, at=NOW)
    await rows.payment(cast.rival_router, cast.rival_package_id, at=NOW, receipt="RIVAL00001", phone="254799999999")


@pytest.mark.parametrize("language", ["en", "sw"])
async def test_parts_look_the_same_alone_and_in_their_page(
    client: httpx.AsyncClient, cast: Cast, vault: Vault, language: str
) -> None:
    await _full_day(cast, vault)
    await sign_in(client, cast.owner)
    page = (await client.get(f"/home?l={language}")).text
    for part in PARTS:
        alone = await client.get(f"/home/{part}?l={language}", headers={"hx-request": "true"})
        assert alone.headers["vary"] == "HX-Request"
        text = alone.text.strip()
        assert text.startswith(("<div", "<section"))
        assert text.count(f'id="{part}"') == 1
        assert text in page


async def test_the_home_shows_the_day_in_words(client: httpx.AsyncClient, cast: Cast, vault: Vault) -> None:
    await _full_day(cast, vault)
    await sign_in(client, cast.owner)
    page = re.sub(r"\s+", " ", (await client.get("/home")).text)
    for words in (
        "Friday 20 November", "Mama Njeri has been offline for 18\u00a0minutes.".replace("\u00a0", " "),
        "The other router works.", "KES 50", "Cancelled", "Connected", "SKL4H7T2QX", "3 hours",
        "Highest: KES 50 on 20 Nov.", "1 M‑PESA", "Offline 18 min", "after 20% commission", 'aria-current="page"',
    ):  # fmt: skip
        assert words in page, words
    assert "0712 ••• 678" in page
    assert "712345678" not in page


async def test_the_home_speaks_swahili(client: httpx.AsyncClient, cast: Cast, vault: Vault) -> None:
    await _full_day(cast, vault)
    await sign_in(client, cast.owner)
    token = (await client.get("/account")).text.split('name="_csrf" value="')[1].split('"')[0]
    await client.post("/account/language", data={"_csrf": token, "language": "sw"})
    page = (await client.get("/home")).text
    assert '<html lang="sw">' in page
    for words in ("Mauzo ya leo", "Ijumaa 20 Novemba", "Imeghairiwa", "Ruta"):
        assert words in page
    for words in ("Sales today", "Recent", "Online now", "Cancelled"):
        assert words not in page


async def test_an_empty_home_says_what_comes_next(client: httpx.AsyncClient, db: str) -> None:
    await rows.person("new@empty.test", await factories.merchant("Empty", kind="isp"))
    await sign_in(client, "new@empty.test")
    page = (await client.get("/home")).text
    for words in ("No sales yet", "No router yet", "no commission", "No sales in the last 14 days."):
        assert words in page
    assert (await client.get("/sales")).status_code == 200
    assert (await client.get("/routers")).status_code == 200


async def test_nobody_sees_another_merchants_rows(
    app: Litestar, client: httpx.AsyncClient, cast: Cast, vault: Vault
) -> None:
    await _full_day(cast, vault)
    ours = re.compile(
        r"Kilimani|Mama Njeri|Main shop|SKL4H7T2QX|\b0712(?: (?!345 678)|\d{6}\b)"
    )  # the number forms give as an example is nobody's
    theirs = re.compile(r"Rival|RIVAL00001|\b0799(?: |\d{6}\b)")
    paths = [route.path for route in app.routes if isinstance(route, HTTPRoute) and "{" not in route.path]
    async with browser(app) as rival:
        await sign_in(rival, cast.rival)
        await sign_in(client, cast.owner)
        for path in paths:
            assert not ours.search((await rival.get(path)).text), path
            assert not theirs.search((await client.get(path)).text), path


async def test_the_operators_page_is_not_there_for_others(app: Litestar, cast: Cast) -> None:
    for email in (cast.owner, cast.cashier, cast.rival):
        async with browser(app) as client:
            await sign_in(client, email)
            assert (await client.get("/operator")).status_code == 404


async def test_a_lost_membership_ends_what_one_sees(client: httpx.AsyncClient, cast: Cast) -> None:
    await sign_in(client, cast.cashier)
    assert (await client.get("/home")).status_code == 200
    await DB.fetch("DELETE FROM memberships WHERE role = 'cashier'")
    assert (await client.get("/home")).status_code == 404


async def test_odd_queries_are_refused_in_plain_words(client: httpx.AsyncClient, cast: Cast) -> None:
    await sign_in(client, cast.owner)
    for query in ("/home?days=15", "/home?days=x", "/home?days=-1", "/sales?before=0", "/sales?before=-3",
                  "/sales?before=x", f"/sales?before={2**63}"):  # fmt: skip
        answer = await client.get(query)
        assert answer.status_code == 400, query
        assert "Reference " in answer.text


async def test_names_are_text_never_markup(client: httpx.AsyncClient, cast: Cast, vault: Vault) -> None:
    canary = "<img src=x onerror=alert(1)>\"'"
    await DB.fetch("UPDATE merchants SET name = $1", canary)
    await DB.fetch("UPDATE routers SET name = $1, board = $1, status = 'offline', offline_since = $2", canary, NOW)
    await DB.fetch("UPDATE users SET name = $1", canary)
    await rows.payment(cast.router, cast.package_id, at=NOW, name=canary, receipt="<b>")
    await sign_in(client, cast.owner)
    for path in ("/home", "/sales", "/routers", "/account"):
        page = (await client.get(path)).text
        assert "<img" not in page, path
        assert "&lt;img" in page, path
