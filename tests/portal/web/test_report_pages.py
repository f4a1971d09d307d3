"""Reports on pages: their figures in words, page by page, nobody else's, in both languages; and the settings."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import msgspec
import pytest
from litestar import Litestar

from portal.clock import Clock
from portal.db import DB
from portal.reports import making
from portal.reports.periods import Kind
from tests.portal.web import rows
from tests.portal.web.conftest import Cast, browser, sign_in
from tests.portal.web.report_rows import main
from tests.portal.web.test_routers import owner, post

__all__ = ["owner"]

#: A Friday afternoon in Nairobi.
NOW = datetime(2026, 11, 20, 11, 12, tzinfo=UTC)
LOOKS = ("/reports", "/reports/now", "/reports/{p}")
FORM = "/settings/reports"
FIELDS = {"weekly": "yes", "morning_at": "07:15"}


@pytest.fixture
def clock() -> Clock:
    """Stands close enough to NOW: it runs on, but slower than anything here counts."""
    return Clock(NOW - datetime.now(UTC))


@pytest.fixture
async def report(cast: Cast) -> int:
    """October of a merchant who sold; its id."""
    await DB.fetch("UPDATE merchants SET created_at = '2026-10-01' WHERE id = $1", cast.merchant_id)
    for days, cents in ((20, 5000), (25, 70_000), (60, 10_000), (2, 3000)):
        await rows.payment(cast.router, cast.package_id, at=NOW - timedelta(days=days), cents=cents)
    for wanted in await making.due(Kind.MONTH, now=NOW):
        if wanted.merchant_id == cast.merchant_id:
            await making.make(wanted, base_url="http://portal.test", now=NOW)
    return await DB.value("SELECT id FROM reports WHERE merchant_id = $1", cast.merchant_id)


async def test_a_report_tells_the_month_in_figures(owner: httpx.AsyncClient, report: int) -> None:
    page = await owner.get(f"/reports/{report}")
    told = main(page)
    for words in (
        "October 2026", "KES 750", "650% more than the month before", "before: 1", "1 hour", "KES 100",
        "Takings by day: KES 750 in all; KES 100 in the period before.", "31 Oct: KES 50", "Main shop", "Owed to you at its end",
    ):  # fmt: skip
        assert words in told, words
    assert told.count("<rect") == 31 + 24
    assert "KES 30" not in told, "November's sale is not October's"


async def test_the_present_month_goes_up_to_now(owner: httpx.AsyncClient, report: int) -> None:
    told = main(await owner.get("/reports/now"))
    for words in ("November 2026", "so far", "KES 30", "before: 0"):
        assert words in told, words
    assert told.count("<rect") == 20 + 24
    assert "This week so far" in main(await owner.get("/reports"))
    assert "16 Nov – 22 Nov 2026" in main(await owner.get("/reports/now?kind=week"))


async def test_the_list_goes_page_by_page_and_by_kind(owner: httpx.AsyncClient, cast: Cast, report: int) -> None:
    await DB.fetch(
        """INSERT INTO reports (merchant_id, kind, starts_on, ends_on, zone, data)
           SELECT merchant_id, 'week', starts_on - n * 7, starts_on - n * 7 + 6, zone, data FROM reports, generate_series(1, 30) n
           WHERE id = $1""",
        report,
    )
    seen: list[str] = []
    path = "/reports"
    for _ in range(3):
        page = (await owner.get(path)).text
        seen += re.findall(r'href="/reports/(\d+)"', page)
        found = re.search(r'href="(/reports\?before=\d+)"', page)
        if found is None:
            break
        path = found[1]
    assert [int(each) for each in seen] == list(range(report + 30, report - 1, -1))
    months = (await owner.get("/reports?kind=month")).text
    assert re.findall(r'href="/reports/(\d+)"', months) == [str(report)]


@pytest.mark.parametrize("query", ["?kind=year", "?before=0", f"?before={2**63}", "?before=x"])
async def test_odd_queries_are_refused(owner: httpx.AsyncClient, query: str) -> None:
    assert (await owner.get(f"/reports{query}")).status_code == 400


async def test_an_empty_list_says_what_comes(owner: httpx.AsyncClient) -> None:
    assert "No report yet" in main(await owner.get("/reports"))
    for kind in ("week", "month"):
        assert "Nothing was sold." in main(await owner.get(f"/reports/now?kind={kind}"))


async def test_strangers_find_nothing(app: Litestar, cast: Cast, report: int) -> None:
    async with browser(app) as rival:
        await sign_in(rival, cast.rival)
        assert (await rival.get(f"/reports/{report}")).status_code == 404
        for path in ("/reports", "/reports/now"):
            assert not re.search("KES.750|KES.30|October|Main shop", (await rival.get(path)).text), path


async def test_cashiers_look_and_change_nothing(app: Litestar, cast: Cast, report: int) -> None:
    async with browser(app) as client:
        await sign_in(client, cast.cashier)
        for path in LOOKS:
            assert (await client.get(path.format(p=report))).status_code == 200, path
        assert FORM not in (await client.get("/reports")).text
        assert (await client.get(FORM)).status_code == 403
        assert (await post(client, FORM, **FIELDS)).status_code == 403
    assert await DB.value("SELECT count(*) FROM report_choices") == 0


async def test_what_is_told_is_chosen_and_kept_in_the_history(owner: httpx.AsyncClient) -> None:
    before = (await owner.get(FORM)).text
    assert (before.count(" checked"), 'value="08:00"' in before) == (3, True)
    answer = await post(owner, FORM, **FIELDS)
    assert answer.headers["location"] == f"{FORM}?saved=true"
    row = await DB.row("SELECT morning, morning_at, weekly, monthly FROM report_choices")
    assert tuple(row or ()) == (False, 7 * 60 + 15, True, False)
    after = (await owner.get(f"{FORM}?saved=true")).text
    assert (after.count(" checked"), 'value="07:15"' in after, "Saved." in after) == (1, True, True)
    data: dict[str, Any] = msgspec.json.decode(await DB.value("SELECT data FROM events WHERE name = 'reports_chosen'"))
    assert data == {"morning": False, "morning_at": 435, "weekly": True, "monthly": False}


@pytest.mark.parametrize("typed", ["", "soon", "12:00", "23:10", "25:00", "7"])
async def test_a_time_that_is_no_morning_is_refused_with_what_was_typed(owner: httpx.AsyncClient, typed: str) -> None:
    answer = await post(owner, FORM, morning="yes", morning_at=typed)
    assert answer.status_code == 422
    assert 'aria-invalid="true"' in answer.text
    assert await DB.value("SELECT count(*) FROM report_choices") == 0


async def test_the_pages_speak_swahili(owner: httpx.AsyncClient, report: int) -> None:
    for path in ("/reports", f"/reports/{report}", "/reports/now?kind=week", FORM):
        text = main(await owner.get(path, headers={"accept-language": "sw"}))
        for words in ("Takings", "Reports", "so far", "What we tell you", "before:", "more than", "Owed", "week"):
            assert words not in re.sub(r"<[^>]+>", " ", text), (path, words)


async def test_names_are_text_never_markup(owner: httpx.AsyncClient, cast: Cast) -> None:
    canary = "<img src=x onerror=alert(1)>\"'"
    await DB.fetch("UPDATE packages SET name = $1", canary)
    await DB.fetch("UPDATE routers SET name = $1", canary)
    await rows.payment(cast.router, cast.package_id, at=NOW - timedelta(hours=1))
    page = (await owner.get("/reports/now")).text
    assert "<img" not in page
    assert page.count("&lt;img") >= 2
