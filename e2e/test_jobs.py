"""Jobs in a browser: the operator runs one now and watches it end, with and without scripts; axe finds nothing on any of the pages."""

import re
from datetime import timedelta

import pytest
from playwright.async_api import ViewportSize, expect

from e2e.browsers import DESK, PHONE
from e2e.conftest import Desks, owner_of
from e2e.pages import Dashboard
from e2e.test_accessibility import LANGUAGES, look
from jobs.schedule import JOBS
from portal import alerts, job_runs, upkeep_reports
from portal.clock import Clock
from portal.db import DB, atomic
from portal.upkeep_reports import LogsReport, StorageReport, StrangeFile
from tests.flows.world import Shop
from tests.portal.web import rows
from tests.portal.web.test_jobs import made

OPERATOR = "olive@vocha.test"


async def operators(dashboard: Dashboard) -> Dashboard:
    """The operator, signed in here."""
    await rows.person(OPERATOR, None, name="Olive M.", is_operator=True)
    await dashboard.sign_in(OPERATOR, rows.PASSWORD)
    await dashboard.page.wait_for_url("**/operator")
    return dashboard


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no-scripts"])
async def test_the_operator_runs_a_job_now_and_sees_it_end(desks: Desks, shop: Shop, scripts: bool) -> None:
    page = (await operators(await desks.open(shop, viewport=PHONE, scripts=scripts))).page
    await page.get_by_role("link", name="Jobs").last.click()
    await page.get_by_role("link", name="Closing the day").first.click()
    await page.get_by_role("button", name="Run now").click()
    last = page.locator("#job-standing div").filter(has_text="Last run")
    part = page.locator("#job-standing")
    while not scripts and await part.get_attribute("hx-trigger"):
        await page.wait_for_timeout(250)
        await page.reload()
    await expect(part).not_to_have_attribute("hx-trigger", re.compile("."))
    await expect(last).to_contain_text("Done")
    await page.reload()
    await expect(page.get_by_role("listitem").filter(has_text="by hand, Olive M.")).to_contain_text("Done")


async def a_day_of_runs(clock: Clock) -> None:
    """Every state a job and a run can be in, and hours enough for a picture."""
    now = clock.now()
    hour = now.replace(minute=0, second=0, microsecond=0)
    for place, name in enumerate(JOBS):
        for hours in range(1, 24, 1 + place % 3):
            status = "failed" if (hours + place) % 11 == 0 else "done"
            await made(name, status, at=hour - timedelta(hours=hours), processed=hours, failed=hours % 9 == 0)
    await made(
        "payouts", "retry", error="MpesaBusy: M-Pesa is busy. Try again in a moment. (500.003.02 busy)", attempts=2
    )
    await made("refunds", "dead", error="Unavailable: the database does not answer", attempts=5)
    await made("daily-close", "running", progress_done=120, progress_total=500, progress_what="days")
    user = await DB.value("SELECT id FROM users WHERE is_operator")
    await job_runs.pause("doctor-routers", f"user:{user}", why="the fibre is cut until Monday")
    for name, ago in (("expire-vouchers", 20), ("sync-routers", 90_000)):
        await DB.fetch(
            "INSERT INTO job_places (job, known_at, last_done_at) VALUES ($1, $2, $2)",
            name,
            now - timedelta(seconds=ago),
        )
    strange = StrangeFile(name="صور-" + "wedding" * 12 + ".zip", bytes=3_000_000, changed_at=now, is_folder=False)
    for report in (
        StorageReport(folder="/srv/vocha", removed=[], unknown=[strange], disk_bytes=100, free_bytes=5),
        LogsReport(gone={"comparison_lines": 812}, failed={"messages": "TimeoutError"}, is_whole=False, seconds=3.2),
    ):
        await upkeep_reports.keep(report, is_good=False, now=now)
    async with atomic() as tx:
        await alerts.begin(tx, "job_failed", "refunds", now=now)
        await alerts.begin(tx, "job_silent", "sync-routers", now=now)


@pytest.mark.parametrize("viewport", [PHONE, DESK], ids=["360", "1280"])
@pytest.mark.parametrize("language", LANGUAGES)
async def test_axe_finds_nothing_on_pages_of_jobs(
    desks: Desks, standing_shop: Shop, clock: Clock, viewport: ViewportSize, language: str
) -> None:
    dashboard = await operators(await desks.open(standing_shop, viewport=viewport, locale=f"{language}-KE"))
    page, found = dashboard.page, list[str]()
    for name, path in (
        ("empty", "/jobs"),
        ("one-empty", "/jobs/expire-vouchers"),
        ("upkeep-empty", "/operator/upkeep"),
    ):
        await page.goto(path)
        found += await look(page, f"jobs-{name}", language)
    await a_day_of_runs(clock)
    for name, path in (
        ("all", "/jobs"), ("one", "/jobs/expire-vouchers"), ("failed", "/jobs/refunds?only=troubled"),
        ("running", "/jobs/daily-close"), ("paused", "/jobs/doctor-routers"), ("operator", "/operator"),
        ("upkeep", "/operator/upkeep"),
    ):  # fmt: skip
        await page.goto(path)
        found += await look(page, f"jobs-{name}", language)
    await page.goto("/jobs/expire-vouchers")
    await page.locator("summary").click()
    await page.locator("details button").click()
    await page.wait_for_selector("[role=alert]")
    found += await look(page, "jobs-pause-error", language)
    await page.goto("/account")
    await page.locator("form[action='/sign-out'] button").click()
    owner = await owner_of(standing_shop)
    async with atomic() as tx:
        await alerts.begin(tx, "sms_cap", "x", now=clock.now(), merchant_id=standing_shop.merchant_id)
    await dashboard.sign_in(owner.email, owner.password)
    for path in ("jobs", "home"):
        await page.goto(f"/{path}")
        found += await look(page, f"jobs-shop-{path}", language)
    assert not found, "\n".join(found)
