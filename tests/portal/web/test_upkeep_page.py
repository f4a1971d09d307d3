"""The operator's page of upkeep: what was found, with the next step; merchants do not see it."""

from datetime import timedelta

import httpx

from portal import upkeep_reports
from portal.clock import Clock
from portal.upkeep_reports import DatabaseReport, LogsReport, StorageReport, StrangeFile
from tests.portal.web.conftest import Cast, sign_in

PAGE = "/operator/upkeep"


def _database(**found: object) -> DatabaseReport:
    nothing: dict[str, object] = {
        "database_bytes": 5_000_000, "xid_age": 9, "dead_rows": 0, "largest": [("events", 9)], "rebuilt": [], "left": [],
        "invalid": [], "problems": [],
    }  # fmt: skip
    return DatabaseReport(**nothing | found)  # pyright: ignore[reportArgumentType]


def _storage(clock: Clock, *names: str, free: int = 60) -> StorageReport:
    strange = [StrangeFile(name=name, bytes=10, changed_at=clock.now(), is_folder=False) for name in names]
    return StorageReport(folder="/srv/vocha", removed=["drill"], unknown=strange, disk_bytes=100, free_bytes=free)


async def test_before_anything_ran_the_page_says_so(client: httpx.AsyncClient, cast: Cast) -> None:
    await sign_in(client, cast.operator)
    text = (await client.get(PAGE)).text
    assert text.count("It has not run yet") == 3
    assert "No backup yet" in text
    assert "hotspot_sessions" in text


async def test_what_was_found_is_told_with_the_next_step(client: httpx.AsyncClient, cast: Cast, clock: Clock) -> None:
    await sign_in(client, cast.operator)
    for report in (
        _database(
            behind=[("events", 200_000, 7)],
            is_old=True,
            rebuilt=[("events_pkey", 9_000_000, 2_000_000)],
            left=["late_idx"],
        ),
        _storage(clock, "<b>holiday</b>.jpg", free=5),
        LogsReport(gone={"job_runs": 812}, failed={"messages": "TimeoutError"}, is_whole=False, seconds=3.2),
    ):
        await upkeep_reports.keep(report, is_good=False, now=clock.now())
    text = (await client.get(PAGE)).text
    for words in (
        "events is full of dead rows", "VACUUM FREEZE", "9.0 MB → 2.0 MB", "late_idx", "&lt;b&gt;holiday&lt;/b&gt;.jpg",
        "delete them", "The disk is nearly full", "812", "Their tables: messages", "Press Run now",
    ):  # fmt: skip
        assert words in text, words
    assert text.count("Needs a look") == 3


async def test_when_all_is_well_nothing_asks_for_a_look(client: httpx.AsyncClient, cast: Cast, clock: Clock) -> None:
    await sign_in(client, cast.operator)
    await upkeep_reports.keep(_storage(clock, "old.jpg"), is_good=False, now=clock.now() - timedelta(days=7))
    for report in (_database(), _storage(clock), LogsReport(gone={}, failed={}, is_whole=True, seconds=0.1)):
        await upkeep_reports.keep(report, is_good=True, now=clock.now())
    text = (await client.get(PAGE)).text
    assert "Needs a look" not in text
    assert "old.jpg" not in text
    assert text.count("In order") == 3


async def test_each_job_of_upkeep_leads_to_what_it_found(client: httpx.AsyncClient, cast: Cast) -> None:
    await sign_in(client, cast.operator)
    assert 'href="/operator/upkeep"' in (await client.get("/jobs")).text
    for job, place in (("clean-storage", "storage"), ("maintain-database", "database"), ("restore-drill", "backups")):
        assert f'href="{PAGE}#{place}"' in (await client.get(f"/jobs/{job}")).text
    assert PAGE not in (await client.get("/jobs/payouts")).text
