"""Pages of figures: every plot with words and a table, days by address, files that spreadsheets add up, in both languages; the home's
first steps, search and what is being made; as many statements for a full shop as for an empty one."""

import csv
import io
import re
from datetime import timedelta
from typing import Any

import httpx
import pytest

from portal.db import DB
from tests import factories
from tests.portal.web import rows
from tests.portal.web.conftest import Cast, sign_in
from tests.portal.web.test_home import NOW, clock

__all__ = ["clock"]

PAGES = (
    "/home",
    "/reports/sales",
    "/reports/sales?days=1",
    "/reports/sales?days=365",
    "/figures",
    "/search?q=0712345678",
    "/vouchers",
)


async def a_past(cast: Cast) -> None:
    for days in (0, 1, 8, 40, 380):
        await rows.payment(cast.router, cast.package_id, at=NOW - timedelta(days=days, minutes=3), cents=5000)
    await rows.payment(cast.router, cast.package_id, at=NOW - timedelta(hours=2), cents=2000, method="cash")


@pytest.fixture
async def owner(client: httpx.AsyncClient, cast: Cast) -> httpx.AsyncClient:
    await a_past(cast)
    await sign_in(client, cast.owner)
    return client


async def test_figures_say_in_words_what_the_plots_show(owner: httpx.AsyncClient) -> None:
    page = re.sub(r"\s+", " ", (await owner.get("/reports/sales?days=7")).text)
    for words in (
        "14 Nov – 20 Nov 2026", "compared with 7 Nov – 13 Nov 2026", "KES 120", "▲ 140%", "before: 1", "Main shop",
        "Customers by themselves", "M‑PESA request", "Cash", 'role="img" aria-label="Takings: KES 120 in all; KES 50 in the time before."',
        "Most on Thursday from 14:00: KES 50.", "As a table",
    ):  # fmt: skip
        assert words in page, words
    assert page.count("<svg viewBox=") >= 2
    assert page.count('class="as-table"') == 2


async def test_days_stand_in_the_address(owner: httpx.AsyncClient) -> None:
    page = (await owner.get("/reports/sales?since=2026-11-19&until=2026-11-19")).text
    assert "Thursday 19 November 2026" in page
    assert 'value="2026-11-19"' in page
    assert "/reports/sales.csv?what=time&amp;since=2026-11-19&amp;until=2026-11-19" in page


@pytest.mark.parametrize(
    "query", ["since=2026-11-19&until=2026-11-01", "since=tomorrow", "until=2031-01-01&since=2030-01-01"]
)
async def test_days_that_are_none_are_told_and_kept(owner: httpx.AsyncClient, query: str) -> None:
    answer = await owner.get(f"/reports/sales?{query}")
    assert answer.status_code == 422
    assert "Choose a first and a last day" in answer.text
    assert f'value="{query.partition("since=")[2].partition("&")[0]}" aria-invalid="true"' in answer.text


async def test_days_without_sales_are_empty_not_broken(owner: httpx.AsyncClient) -> None:
    page = await owner.get("/reports/sales?since=2024-02-29")
    assert page.status_code == 200
    assert "No sales in these days" in page.text


@pytest.mark.parametrize("what", ["time", "packages", "routers", "sellers", "ways", "heat"])
async def test_each_plot_is_a_file_that_adds_up(owner: httpx.AsyncClient, what: str) -> None:
    answer = await owner.get(f"/reports/sales.csv?what={what}&days=14")
    assert answer.headers["content-disposition"] == f'attachment; filename="{what}-2026-11-07-2026-11-20.csv"'
    lines = list(csv.reader(io.StringIO(answer.text.removeprefix("\ufeff"))))
    if what == "heat":
        assert (len(lines), len(lines[0])) == (8, 25)
    else:
        assert sum(float(line[2]) for line in lines[1:]) == 170.0


async def test_a_formula_in_a_name_stays_text(owner: httpx.AsyncClient) -> None:
    await DB.fetch("UPDATE packages SET name = '=HYPERLINK(\"x\")'")
    answer = await owner.get("/reports/sales.csv?what=packages")
    assert "'=HYPERLINK" in answer.text


@pytest.mark.parametrize("query", ["days=2", "days=x", "what=all"])
async def test_odd_figures_are_refused(owner: httpx.AsyncClient, query: str) -> None:
    assert (await owner.get(f"/reports/sales.csv?{query}")).status_code == 400


async def test_key_figures_say_what_each_means(owner: httpx.AsyncClient) -> None:
    page = (await owner.get("/figures")).text
    for words in (
        "Vouchers made", "Conversion rate", "Takings", "Active sessions", "Payment success rate", "100\u00a0%", "Good, above 95 %",
        "Callback success rate", "not known yet", "Router sync success",
    ):  # fmt: skip
        assert words in page, words


async def test_a_year_on_the_home_is_twelve_months(owner: httpx.AsyncClient) -> None:
    page = (await owner.get("/home?days=365")).text
    assert "Sales per month, last 12 months" in page
    assert page.count("<rect") == 12


async def test_first_steps_are_a_checklist_until_the_first_sale(client: httpx.AsyncClient, db: str) -> None:
    merchant = await factories.merchant("Empty", kind="isp")
    await rows.person("new@empty.test", merchant)
    await factories.package(merchant)
    await sign_in(client, "new@empty.test")
    page = (await client.get("/home")).text
    assert "1 of 5" in page
    assert 'href="/routers/new" aria-label="Begin: Add your router"' in page
    assert page.count(">Begin<") == 1


async def test_who_sells_has_no_first_steps(owner: httpx.AsyncClient) -> None:
    assert 'id="firsts"' not in (await owner.get("/home")).text


async def test_vouchers_in_the_making_are_told_and_their_end(owner: httpx.AsyncClient, cast: Cast) -> None:
    batch = await DB.value(
        """INSERT INTO batches (merchant_id, package_id, size, made, terms, price_cents, code_length, created_at)
           VALUES ($1, $2, 1000, 642, '{"name": "1 day"}', 5000, 8, $3) RETURNING id""",
        cast.merchant_id, cast.package_id, NOW,
    )  # fmt: skip
    page = (await owner.get("/home")).text
    for words in ("Making 1,000 vouchers", "64%", "642 of 1,000", f"/home/making?last={batch}"):
        assert words in page, words
    await DB.fetch("UPDATE batches SET made = 1000, done_at = $1", NOW)
    part = (await owner.get(f"/home/making?last={batch}", headers={"hx-request": "true"})).text
    assert "1,000 vouchers are ready" in part
    assert "hx-get" not in part
    assert 'id="making"' not in (await owner.get("/home")).text


async def test_a_rivals_batch_is_not_there(owner: httpx.AsyncClient, cast: Cast) -> None:
    batch = await DB.value(
        "INSERT INTO batches (merchant_id, package_id, size, made, created_at, done_at) VALUES ($1, $2, 1, 1, $3, $3) RETURNING id",
        cast.rival_id, cast.rival_package_id, NOW,
    )  # fmt: skip
    assert (await owner.get(f"/home/making?last={batch}")).status_code == 404


async def test_cashiers_see_no_payouts_and_are_led_to_selling(client: httpx.AsyncClient, cast: Cast) -> None:
    await a_past(cast)
    await sign_in(client, cast.cashier)
    page = (await client.get("/home")).text
    assert "Commission today" in page
    assert "/vouchers/new" not in page
    assert 'href="/payouts"' not in page


@pytest.mark.parametrize("path", PAGES)
async def test_a_page_asks_as_often_for_many_rows_as_for_few(
    client: httpx.AsyncClient, cast: Cast, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    await a_past(cast)
    await sign_in(client, cast.owner)
    await client.get(path)  # brings the sums up to now
    few = await _statements(client, path, monkeypatch)
    for n in range(60):
        await rows.payment(
            cast.router, cast.package_id, at=NOW - timedelta(minutes=n), phone="254712345678", receipt=f"MANY{n:06d}"
        )
    await factories.package(cast.merchant_id, name="Another")
    await client.get(path)
    assert await _statements(client, path, monkeypatch) == few


async def _statements(client: httpx.AsyncClient, path: str, monkeypatch: pytest.MonkeyPatch) -> int:
    count = 0

    def counted(method: Any) -> Any:
        async def asked(*args: Any) -> Any:
            nonlocal count
            count += 1
            return await method(*args)

        return asked

    with monkeypatch.context() as patched:
        for name in ("fetch", "row", "value"):
            patched.setattr(DB, name, counted(getattr(DB, name)))
        assert (await client.get(path)).status_code == 200
    return count


@pytest.mark.parametrize("path", PAGES[:5])
async def test_figures_speak_swahili(owner: httpx.AsyncClient, path: str) -> None:
    page = (await owner.get(f"{path}{'&' if '?' in path else '?'}l=sw")).text
    assert '<html lang="sw">' in page
    for words in ("Takings", "Key figures", "Sales", "As a table", "Most sold", "Payment success", "compared with"):
        assert f">{words}" not in page, words
