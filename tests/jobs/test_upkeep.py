"""Cleaning takes what is old and may go, leaves what is young or needed, and says what it does not know."""

import os
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from jobs import upkeep
from jobs.doors import Doors
from jobs.schedule import JOBS
from portal import upkeep_database, upkeep_logs, upkeep_reports, upkeep_storage
from portal.backups.shelf import Shelf
from portal.clock import Clock
from portal.config import Settings
from portal.config_backups import Backups, keep_days, retention
from portal.db import DB, atomic
from portal.house import doors_open
from portal.invariants import audit
from portal.states import note
from tests import factories
from tests.emptying import empty


@pytest.fixture
async def doors(db: str, settings: Settings, clock: Clock) -> AsyncIterator[Doors]:
    async with doors_open(settings, clock) as opened:
        yield opened


async def _clean(clock: Clock, **days: int) -> dict[str, int]:
    done = await upkeep_logs.clean(now=clock.now(), days=days, budget_s=60)
    assert (done.failed, done.is_whole) == ({}, True)
    return done.gone


async def _exchange(age: timedelta, payment: int, merchant: int, clock: Clock) -> None:
    await DB.fetch(
        "INSERT INTO exchanges (merchant_id, payment_id, verb, asked_at) VALUES ($1, $2, 'query', $3)",
        merchant, payment, clock.now() - age,
    )  # fmt: skip


async def test_each_log_loses_what_is_older_than_its_time(db: str, clock: Clock) -> None:
    merchant = await factories.merchant()
    payment = await factories.payment(merchant, status="failed")
    for days in (89, 91):
        await _exchange(timedelta(days=days), payment, merchant, clock)
    for number, (status, days) in enumerate([("done", 91), ("done", 89), ("running", 400), ("dead", 91)]):
        at = clock.now() - timedelta(days=days)
        await DB.fetch(
            "INSERT INTO job_runs (job, slot, asked_at, status) VALUES ('refunds', $1, $2, $3)",
            at + timedelta(seconds=number), at, status,
        )  # fmt: skip
    assert await _clean(clock) == {"exchanges": 1, "job_runs": 2}
    assert await _clean(clock) == {}
    assert await _clean(clock, job_runs=30) == {"job_runs": 1}
    assert await DB.value("SELECT status FROM job_runs") == "running"
    assert await DB.value("SELECT count(*) FROM payments") == 1


async def test_a_checkout_goes_only_when_nothing_came_of_it(db: str, clock: Clock, doors: Doors) -> None:
    merchant = await factories.merchant()
    router = await factories.router(doors.vault, merchant, api_port=1)
    package = await factories.package(merchant)
    old = clock.now() - timedelta(days=181)
    paid = await factories.checkout(router, package, created_at=old)
    await factories.payment(merchant, status="failed", checkout_id=paid)
    young = await factories.checkout(router, package, created_at=clock.now() - timedelta(days=179))
    await factories.checkout(router, package, created_at=old)
    assert await _clean(clock) == {"checkouts": 1}
    assert [row["id"] for row in await DB.fetch("SELECT id FROM checkouts ORDER BY id")] == [paid, young]


async def test_a_budget_of_no_time_cleans_nothing(db: str, clock: Clock) -> None:
    at = clock.now() - timedelta(days=200)
    await DB.fetch("INSERT INTO job_runs (job, slot, asked_at, status) VALUES ('refunds', $1, $1, 'done')", at)
    done = await upkeep_logs.clean(now=clock.now(), days={}, budget_s=0)
    assert (done.gone, done.is_whole) == ({}, False)


async def test_the_database_refuses_to_lose_young_rows(db: str, clock: Clock) -> None:
    merchant = await factories.merchant()
    payment = await factories.payment(merchant, status="failed")
    await _exchange(timedelta(days=89), payment, merchant, clock)
    with pytest.raises(Exception, match="append-only, and keeps its rows for 90 days"):
        await DB.fetch("DELETE FROM exchanges")
    with pytest.raises(Exception, match="append-only"):
        await DB.fetch("UPDATE exchanges SET verb = 'x'")
    clock.shift(timedelta(days=365))  # a clock that runs ahead makes nothing old
    assert "exchanges" not in await _clean(clock)


@asynccontextmanager
async def _unguarded(table: str) -> AsyncGenerator[None]:
    await DB.fetch(f"ALTER TABLE {table} DISABLE TRIGGER {table}_fixed")
    try:
        yield
    finally:
        await DB.fetch(f"ALTER TABLE {table} ENABLE TRIGGER {table}_fixed")


async def _history(merchant: int, clock: Clock, *, count: int, days_ago: int) -> None:
    """Events so old, sealed."""
    async with atomic() as tx:
        for _ in range(count):
            at = clock.now() - timedelta(days=days_ago)
            await note(tx, "merchants", merchant, "seen", merchant_id=merchant, at=at)
    await audit.seal()
    await audit.seal()
    async with _unguarded("event_seals"):
        await DB.fetch(
            "UPDATE event_seals SET created_at = $1 WHERE created_at > now() - interval '1 day'",
            clock.now() - timedelta(days=days_ago),
        )


async def test_the_history_goes_by_whole_sealed_ranges_and_the_seals_still_hold(db: str, clock: Clock) -> None:
    merchant = await factories.merchant()
    await _history(merchant, clock, count=5, days_ago=800)
    await _history(merchant, clock, count=4, days_ago=740)
    await _history(merchant, clock, count=3, days_ago=100)
    before = await DB.value("SELECT count(*) FROM events")
    assert before == 12
    assert await audit.broken(whole=True) == []
    assert await _clean(clock) == {"events": 9}
    assert await audit.broken(whole=True) == []
    told = await DB.fetch("SELECT data FROM events WHERE name = 'events_trimmed' ORDER BY id")
    assert len(told) == 2
    assert await _clean(clock, events=180) == {}


async def test_a_gap_in_the_history_is_still_noticed(db: str, clock: Clock) -> None:
    merchant = await factories.merchant()
    await _history(merchant, clock, count=5, days_ago=800)
    await _history(merchant, clock, count=4, days_ago=740)
    # Part of a range, and a whole one with another before it: both old enough for the table, neither is cleaning.
    first = await DB.value("SELECT min(id) FROM events")
    ids = [row["id"] for row in await DB.fetch("SELECT id FROM event_seals WHERE size > 0 ORDER BY id")]
    assert len(ids) == 2
    await DB.fetch("DELETE FROM events WHERE id > $1", first + 4)
    assert [line.split(":")[0] for line in await audit.broken(whole=True)] == [f"seal {ids[1]}"]
    await DB.fetch("DELETE FROM events WHERE id = $1", first)
    assert len(await audit.broken(whole=True)) == 2
    await empty("events", "event_seals")


async def test_a_young_range_that_is_gone_is_noticed(db: str, clock: Clock) -> None:
    merchant = await factories.merchant()
    await _history(merchant, clock, count=5, days_ago=100)
    async with _unguarded("events"):
        await DB.fetch("DELETE FROM events")
    assert len(await audit.broken(whole=True)) == 1
    await empty("events", "event_seals")


async def test_the_job_sweeps_sessions_and_limits_too(doors: Doors, clock: Clock) -> None:
    old = clock.now() - timedelta(days=3)
    user = await factories.user("a@shop.test", None)
    await DB.fetch("INSERT INTO limits (name, window_at, hits) VALUES ('old', $1, 1), ('new', $2, 1)", old, clock.now())
    await DB.fetch(
        """INSERT INTO user_sessions (token_hash, user_id, created_at, last_seen_at, expires_at)
           VALUES ('\\x01', $1, $2, $2, $2)""",
        user, old,
    )  # fmt: skip
    tally = await upkeep.clean_logs(doors)
    assert (tally.processed, tally.failed) == (2, 0)
    assert await DB.value("SELECT name FROM limits") == "new"


async def test_devices_nobody_saw_for_a_month_are_forgotten(doors: Doors, clock: Clock) -> None:
    merchant = await factories.merchant()
    for number, days in enumerate((31, 29)):
        at = clock.now() - timedelta(days=days)
        await DB.fetch(
            "INSERT INTO devices (merchant_id, mac, first_seen_at, last_seen_at) VALUES ($1, $2, $3, $3)",
            merchant, f"02:00:00:00:00:0{number}", at,
        )  # fmt: skip
    assert (await upkeep.clean_devices(doors)).processed == 1
    assert await DB.value("SELECT mac FROM devices") == "02:00:00:00:00:01"


def _aged(path: Path, *, days: float) -> Path:
    moment = path.stat().st_mtime - days * 86_400
    os.utime(path, (moment, moment))
    return path


async def test_leftovers_go_and_strange_files_stay(
    doors: Doors, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    data = settings.data_dir
    for name in ("backups", "spool", "postgres", "drill"):
        (data / name).mkdir()
    for name in (
        "secret.key",
        ".secret.key.0011",
        ".secret.key.0022",
        "holiday.jpg",
        "backups/vocha-20260101T000000Z.backup.part",
    ):
        (data / name).write_text("x")
    _aged(data / ".secret.key.0011", days=2)
    _aged(data / "drill", days=2)
    assert (await upkeep.clean_storage(doors)).processed == 3
    assert sorted(path.name for path in data.iterdir()) == [
        ".secret.key.0022", "backups", "holiday.jpg", "postgres", "secret.key", "spool",
    ]  # fmt: skip
    assert "left alone: holiday.jpg" in caplog.text
    assert (await upkeep.clean_storage(doors)).processed == 0


def test_a_drill_under_way_keeps_its_folder(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path / "backups")
    (tmp_path / "drill").mkdir()
    _aged(tmp_path / "drill", days=2)
    with shelf.held("drill"):
        assert upkeep_storage.tidy(tmp_path, shelf).removed == []
    assert upkeep_storage.tidy(tmp_path, shelf).removed == ["drill"]


async def test_bloated_indexes_are_made_anew_and_the_report_is_kept(db: str, doors: Doors, clock: Clock) -> None:
    await upkeep_database.maintain(now=clock.now(), budget_s=60, wasted=200_000)  # what earlier tests left swollen
    await DB.fetch("CREATE TABLE swollen (id bigint PRIMARY KEY)")
    try:
        await DB.fetch("INSERT INTO swollen SELECT generate_series(1, 40000)")
        await DB.fetch("DELETE FROM swollen WHERE id % 20 > 0")
        report = await upkeep_database.maintain(now=clock.now(), budget_s=60, wasted=200_000)
        assert [name for name, _, _ in report.rebuilt] == ["swollen_pkey"]
        _, before, after = report.rebuilt[0]
        assert after < before / 4
        again = await upkeep_database.maintain(now=clock.now(), budget_s=0, bloated=0, wasted=0)
        assert again.rebuilt == []
        assert "swollen_pkey" in again.left
    finally:
        await DB.fetch("DROP TABLE swollen")
    assert (await upkeep.maintain(doors)).failed == 0
    kept = await upkeep_reports.last(upkeep_reports.DatabaseReport)
    assert kept is not None
    assert kept.report.database_bytes > 1_000_000
    assert 0 < kept.report.xid_age < upkeep_database.OLD_XID
    assert await DB.value("SELECT count(*) FROM maintenance_reports WHERE is_good") == 4


async def test_the_jobs_do_what_the_words_say(doors: Doors, monkeypatch: pytest.MonkeyPatch) -> None:
    few = replace(doors, settings=replace(doors.settings, backups=Backups(keep_days={"job_runs": 30})))
    at = doors.clock.now() - timedelta(days=40)
    await DB.fetch("INSERT INTO job_runs (job, slot, asked_at, status) VALUES ('refunds', $1, $1, 'done')", at)
    assert (await JOBS["clean-logs"].run(few)).processed == 1
    tally = await JOBS["backup"].run(doors)
    assert tally.processed == await DB.value("SELECT rows_total FROM backups")
    assert list((doors.settings.data_dir / "backups").glob("vocha-*.backup"))


@pytest.mark.parametrize(
    "text", ["ledger_entries=1", "payments=90", "events=179", "exchanges=89", "events", "events=x"]
)
def test_nobody_sets_money_or_too_few_days(text: str) -> None:
    with pytest.raises(ValueError, match=r"(of these tables|days, like)"):
        keep_days(text)


def test_settings_are_read() -> None:
    assert keep_days("job_runs=30, events=3650") == {"job_runs": 30, "events": 3650}
    assert retention("3,0,1").days == 3
    for wrong in ("0,1,1", "7", "a,b,c", "7,-1,2"):
        with pytest.raises(ValueError, match="7,5,12"):
            retention(wrong)
