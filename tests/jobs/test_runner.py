"""Runs of jobs: one at a time, fenced, tried again, taken over, and everything on their rows."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta

import pytest

from jobs import runner
from jobs.doors import Doors
from jobs.runner import delay
from jobs.schedule import JOBS, Job, latest_slot
from jobs.tally import Tally
from portal import job_places, job_runs, running
from portal.clock import Clock
from portal.config import Settings
from portal.db import DB, atomic
from portal.errors import Conflict, NotFound, Unavailable
from portal.house import doors_open
from portal.job_places import Ended
from portal.job_runs import RunStatus, Source
from portal.running import PlaceLost, Running

SLOT = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
WAITS_FOR_THE_PLACE = """SELECT count(*) FROM pg_stat_activity
                         WHERE wait_event_type = 'Lock' AND query LIKE '%FROM job_places p WHERE id%FOR UPDATE'"""
LONG_AGO = "clock_timestamp() - interval '1 minute'"


@pytest.fixture
async def doors(db: str, settings: Settings, clock: Clock) -> AsyncIterator[Doors]:
    async with doors_open(settings, clock) as opened:
        yield opened


class Shift:
    """A job a test holds in its hand: each run says it is there and waits to be let go."""

    def __init__(self, **more: object) -> None:
        self.begun = asyncio.Semaphore(0)
        self.go = asyncio.Event()
        self.runs: list[Running] = []
        fields: dict[str, object] = {"timeout_s": 30, "overdue_s": 60, **more}
        self.job = Job("shift", self._work, {"second": "0"}, **fields)  # pyright: ignore[reportArgumentType]

    async def _work(self, _: Doors) -> Tally:
        mine = running.current()
        assert mine is not None
        self.runs.append(mine)
        self.begun.release()
        await self.go.wait()
        return Tally(processed=3, failed=1)

    async def request(self, minutes: int = 0, key: str = "", source: Source = Source.CLOCK) -> int:
        slot = SLOT + timedelta(minutes=minutes)
        run_id = await runner.request(self.job, slot, key=key, source=source, by="user:7")
        assert run_id is not None
        return run_id

    async def run(self, run_id: int, doors: Doors) -> Ended | None:
        return await runner.run(run_id, doors, jobs={"shift": self.job})

    async def begin(self, run_id: int, doors: Doors) -> "asyncio.Task[Ended | None]":
        task = asyncio.create_task(self.run(run_id, doors))
        async with asyncio.timeout(5):
            await self.begun.acquire()
        return task


def failing(error: Exception, **more: object) -> Shift:
    shift = Shift(**more)

    async def work(_: Doors) -> Tally:
        raise error

    object.__setattr__(shift.job, "run", work)
    return shift


async def row(run_id: int) -> dict[str, object]:
    found = await DB.row("SELECT * FROM job_runs WHERE id = $1", run_id)
    assert found is not None
    return dict(found)


async def status(run_id: int) -> object:
    return (await row(run_id))["status"]


async def silence() -> None:
    """Let every holder's last sign of life be a minute old."""
    await DB.fetch(f"UPDATE job_places SET beat_at = {LONG_AGO}")


async def open_alerts() -> list[tuple[str, str]]:
    found = await DB.fetch("SELECT kind, subject FROM alerts WHERE status = 'open' ORDER BY id")
    return [(alert["kind"], alert["subject"]) for alert in found]


async def test_a_run_keeps_what_came_of_it(doors: Doors) -> None:
    shift = Shift()
    shift.go.set()
    run_id = await shift.request()
    ended = await shift.run(run_id, doors)
    assert ended == Ended(RunStatus.DONE, processed=3, failed=1)
    kept = await row(run_id)
    assert (kept["status"], kept["processed"], kept["failed"], kept["attempts"]) == ("done", 3, 1, 1)
    assert (kept["host"], kept["error"], kept["source"]) == (runner.HOST, None, "clock")
    assert await shift.run(run_id, doors) is None, "once"
    assert len(shift.runs) == 1


async def test_a_slot_has_one_run_whoever_asks(doors: Doors) -> None:
    shift = Shift()
    asked = await asyncio.gather(*(runner.request(shift.job, SLOT) for _ in range(5)))
    assert sum(run_id is not None for run_id in asked) == 1


async def test_one_run_at_a_time_per_job_and_key(doors: Doors) -> None:
    shift = Shift()
    first, other = await shift.request(), await shift.request(key="north")
    task = await shift.begin(first, doors)
    second = await shift.request(1)
    assert await shift.run(second, doors) is None
    assert await shift.run(first, doors) is None, "nor the same run twice"
    another = await shift.begin(other, doors)
    assert [run.key for run in shift.runs] == ["", "north"]
    shift.go.set()
    await asyncio.gather(task, another)
    assert await status(second) == "queued", "asked for later than the first began: its rows may be new"


async def test_a_run_covers_those_asked_for_before_it_began_and_no_others(doors: Doors) -> None:
    shift = Shift()
    missed, newest, elsewhere = await shift.request(), await shift.request(1), await shift.request(key="north")
    task = await shift.begin(newest, doors)
    later = await shift.request(2)
    shift.go.set()
    await task
    kept = await row(missed)
    assert (kept["status"], kept["covered_by"], kept["processed"]) == ("done", newest, 0)
    assert (await status(later), await status(elsewhere)) == ("queued", "queued")
    assert (await shift.run(later, doors)) is not None


async def test_a_run_that_fails_covers_nothing(doors: Doors) -> None:
    shift = failing(ValueError("no"))
    missed, newest = await shift.request(), await shift.request(1)
    await shift.run(newest, doors)
    assert await status(missed) == "queued"


async def test_the_run_of_a_dead_worker_is_taken_over_and_the_dead_can_write_nothing(doors: Doors) -> None:
    shift = Shift()
    run_id = await shift.request()
    slow = await job_places.take(run_id, host="slow:1", max_tries=5)
    assert slow is not None
    assert await job_places.take(run_id, host="quick:2", max_tries=5) is None, "it lives"
    await silence()
    quick = await job_places.take(run_id, host="quick:2", max_tries=5)
    assert quick is not None
    assert quick.fence > slow.fence
    assert not await job_places.beat(slow)
    assert not await job_places.give_back(slow, Ended(RunStatus.DONE, processed=99))
    with running.under_way(slow), pytest.raises(PlaceLost):
        async with atomic() as tx:
            await running.hold(tx)
    slow.done, slow.has_news = 50, True
    await job_places.write_progress(slow)
    assert ((await row(run_id))["status"], (await row(run_id))["progress_done"]) == ("running", 0)
    assert await job_places.beat(quick)
    assert await job_places.give_back(quick, Ended(RunStatus.DONE, processed=1))
    kept = await row(run_id)
    assert (kept["status"], kept["processed"], kept["attempts"], kept["host"]) == ("done", 1, 2, "quick:2")


async def test_another_run_of_the_job_takes_the_place_of_a_dead_one_too(doors: Doors) -> None:
    shift = Shift()
    dead, following = await shift.request(), await shift.request(1)
    slow = await job_places.take(dead, host="slow:1", max_tries=5)
    assert slow is not None
    await silence()
    shift.go.set()
    assert (await shift.run(following, doors)) is not None
    assert not await job_places.beat(slow)
    assert (await row(dead))["covered_by"] == following, "it was asked for before, so its work is done"


async def test_nobody_takes_the_place_while_a_fenced_transaction_is_open(doors: Doors) -> None:
    shift = Shift()
    first, second = await shift.request(), await shift.request(1)
    slow = await job_places.take(first, host="slow:1", max_tries=5)
    assert slow is not None
    with running.under_way(slow):
        async with atomic() as tx:
            await running.hold(tx)
            async with asyncio.timeout(2):
                assert await job_places.beat(slow), "its own signs of life go on"
            await silence()
            taking = asyncio.create_task(_apart(lambda: job_places.take(second, host="quick:2", max_tries=5)))
            async with asyncio.timeout(10):
                while not taking.done() and not await DB.value(WAITS_FOR_THE_PLACE):  # noqa: ASYNC110
                    await asyncio.sleep(0.01)
            assert not taking.done(), "it waits for our end"
    assert await taking is not None


async def _apart(work: Callable[[], Awaitable[Running | None]]) -> Running | None:
    """In a transaction of its own, not in that of the task that made this one."""
    DB.current_transaction.set(None)
    return await work()


async def test_a_run_whose_place_was_lost_is_cut_off(doors: Doors, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner, "_LOOK_EVERY_S", 0.02)
    monkeypatch.setattr(runner, "BEAT_EVERY_S", 0.02)
    shift = Shift()
    run_id = await shift.request()
    task = await shift.begin(run_id, doors)
    await silence()
    await DB.fetch("UPDATE job_places SET fence = fence + 1, run_id = NULL")
    async with asyncio.timeout(5):
        assert await task is None
    assert await status(run_id) == "running", "whoever took the place writes its end"


async def test_progress_is_on_the_row_while_it_runs_and_watched(doors: Doors, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner, "_LOOK_EVERY_S", 0.02)
    seen: list[tuple[int, int | None]] = []
    is_seen = asyncio.Event()

    async def work(_: Doors) -> Tally:
        running.tell(1, total=4, what="vouchers")
        running.advance(2)
        await is_seen.wait()
        return Tally(processed=4)

    def watch(run: Running) -> None:
        seen.append((run.done, run.total))

    job = Job("shift", work, {"second": "0"}, timeout_s=30, overdue_s=60)
    run_id = await runner.request(job, SLOT)
    assert run_id is not None
    task = asyncio.create_task(runner.run(run_id, doors, jobs={"shift": job}, watch=watch))
    async with asyncio.timeout(5):
        while (kept := await row(run_id))["progress_done"] != 3:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    assert (kept["status"], kept["progress_total"], kept["progress_what"]) == ("running", 4, "vouchers")
    is_seen.set()
    await task
    assert seen[-1] == (3, 4)


def test_progress_outside_a_run_is_nobodys() -> None:
    running.tell(1, total=2)
    running.advance()
    assert running.current() is None


async def test_what_is_temporary_is_tried_again_later_and_then_dead(doors: Doors) -> None:
    shift = failing(Unavailable("the gateway is busy"), max_tries=3, retry_s=10)
    run_id = await shift.request()
    for attempt, least in ((1, 5), (2, 10)):
        ended = await shift.run(run_id, doors)
        assert ended is not None
        assert ended.status is RunStatus.RETRY
        kept = await row(run_id)
        wait = kept["next_try_at"] - datetime.now(UTC)  # pyright: ignore[reportOperatorIssue]
        assert timedelta(seconds=least - 1) < wait < timedelta(seconds=3 * least + 1)
        assert (kept["attempts"], kept["error"]) == (attempt, "Unavailable: the gateway is busy")
        assert await shift.run(run_id, doors) is None, "not before its time"
        await DB.fetch(f"UPDATE job_runs SET next_try_at = {LONG_AGO}")
    assert await open_alerts() == []
    await shift.run(run_id, doors)
    assert await status(run_id) == "dead"
    assert await open_alerts() == [("job_failed", "shift")]


def test_delays_double_and_stop_at_an_hour_and_spread() -> None:
    job = Shift(retry_s=10).job
    assert all(timedelta(seconds=20) <= delay(job, 3) <= timedelta(seconds=60) for _ in range(100))
    assert all(timedelta(minutes=30) <= delay(job, 30) <= timedelta(minutes=90) for _ in range(100))
    assert len({delay(job, 3) for _ in range(20)}) > 10


async def test_a_mistake_is_not_tried_again_and_is_told_until_a_run_ends_well(doors: Doors) -> None:
    wrong = failing(KeyError("nothing"))
    run_id = await wrong.request()
    ended = await wrong.run(run_id, doors)
    assert ended is not None
    assert (ended.status, ended.error) == (RunStatus.FAILED, "KeyError: 'nothing'")
    assert await open_alerts() == [("job_failed", "shift")]
    right = Shift()
    right.go.set()
    await right.run(await right.request(1), doors)
    assert await open_alerts() == []


async def test_a_run_that_takes_too_long_is_broken_off_and_tried_again(doors: Doors) -> None:
    shift = Shift(timeout_s=0.05)
    run_id = await shift.request()
    ended = await shift.run(run_id, doors)
    assert ended is not None
    assert (ended.status, ended.error) == (RunStatus.RETRY, "it took longer than 0.05 s")
    assert shift.runs
    assert await DB.value("SELECT run_id FROM job_places WHERE job = 'shift'") is None


async def test_a_run_given_up_is_retried_from_its_first_try_by_a_person(doors: Doors) -> None:
    shift = failing(Unavailable(), max_tries=1)
    run_id = await shift.request()
    await shift.run(run_id, doors)
    assert await status(run_id) == "dead"
    await job_runs.retry(run_id, "user:7")
    assert ((await row(run_id))["status"], (await row(run_id))["attempts"]) == ("queued", 0)
    with pytest.raises(Conflict):
        await job_runs.retry(run_id, "user:7")
    await shift.run(run_id, doors)
    await job_runs.discard(run_id, "user:8")
    assert await status(run_id) == "discarded"
    assert await shift.run(run_id, doors) is None
    told = await DB.fetch("SELECT name, actor FROM events WHERE entity = 'job_runs' ORDER BY id")
    assert [tuple(event) for event in told] == [("run_retried", "user:7"), ("run_discarded", "user:8")]
    with pytest.raises(NotFound):
        await job_runs.retry(run_id + 1000, "user:7")


async def test_a_discarded_failure_is_told_no_more(doors: Doors) -> None:
    shift = failing(ValueError("no"))
    one, two = await shift.request(), await shift.request(1)
    await shift.run(one, doors)
    await shift.run(two, doors)
    await job_runs.discard(one, "user:7")
    assert await open_alerts() == [("job_failed", "shift")], "the other still waits for a person"
    await job_runs.discard(two, "user:7")
    assert await open_alerts() == []


async def test_a_running_run_is_neither_retried_nor_discarded(doors: Doors) -> None:
    shift = Shift()
    run_id = await shift.request()
    task = await shift.begin(run_id, doors)
    for verb in (job_runs.retry, job_runs.discard):
        with pytest.raises(Conflict):
            await verb(run_id, "user:7")
    shift.go.set()
    await task


async def test_a_paused_job_has_no_slots_but_a_person_may_run_it(doors: Doors) -> None:
    shift = Shift()
    shift.go.set()
    assert await job_runs.pause("shift", "user:7", why="the router is being moved")
    assert not await job_runs.pause("shift", "user:8")
    for source in (Source.CLOCK, Source.CRON, Source.START):
        assert await runner.request(shift.job, SLOT, source=source) is None
    assert await shift.run(await shift.request(source=Source.HAND), doors) is not None
    assert await job_runs.resume("shift", "user:8")
    assert not await job_runs.resume("shift", "user:8")
    assert await runner.request(shift.job, SLOT + timedelta(minutes=1)) is not None
    told = await DB.fetch("SELECT name, actor FROM events ORDER BY id")
    assert [tuple(event) for event in told] == [
        ("job_paused", "user:7"), ("run_requested", "user:7"), ("job_resumed", "user:8"),
    ]  # fmt: skip


async def test_a_slot_missed_while_all_were_down_runs_once_at_start(doors: Doors) -> None:
    now = datetime(2026, 11, 20, 9, 0, 7, tzinfo=UTC)
    await runner.request_missed(now - timedelta(days=10))  # more than a week: some jobs are weekly
    before = await DB.value("SELECT count(*) FROM job_runs")
    assert before == len(JOBS)
    for _ in range(3):  # three workers
        await runner.request_missed(now)
    assert await DB.value("SELECT count(*) FROM job_runs") == 2 * len(JOBS), "the latest slot only, and once"
    close = JOBS["daily-close"]
    slots = await DB.fetch("SELECT slot FROM job_runs WHERE job = $1 AND source = 'start' ORDER BY slot", close.name)
    assert slots[-1]["slot"] == latest_slot(close, now) == datetime(2026, 11, 20, 8, 10, tzinfo=UTC)


async def test_a_new_house_has_missed_nothing(doors: Doors) -> None:
    await job_runs.know(list(JOBS))
    await runner.request_missed(datetime.now(UTC) - timedelta(seconds=1))
    assert await DB.value("SELECT count(*) FROM job_runs") == 0
    await runner.request_missed(datetime.now(UTC) + timedelta(days=8))
    assert await DB.value("SELECT count(*) FROM job_runs") == len(JOBS)


async def test_a_slot_after_which_the_job_ran_well_is_not_missed_though_its_row_is_cleaned_away(doors: Doors) -> None:
    shift = Shift()
    shift.go.set()
    await shift.run(await shift.request(), doors)
    await DB.fetch("DELETE FROM job_runs")
    assert await job_runs.request("shift", SLOT, source=Source.START) is None
    later = datetime.now(UTC) + timedelta(hours=1)
    assert await job_runs.request("shift", later, source=Source.START) is not None


@pytest.mark.parametrize(
    ("cron", "slot"),
    [
        ({"second": "*/15"}, datetime(2026, 11, 20, 9, 0, 0, tzinfo=UTC)),
        ({"minute": "10"}, datetime(2026, 11, 20, 8, 10, tzinfo=UTC)),
        ({"day_of_week": "sun", "hour": "2"}, datetime(2026, 11, 15, 2, 0, tzinfo=UTC)),
        ({"day": "1", "hour": "4"}, datetime(2026, 11, 1, 4, 0, tzinfo=UTC)),
        ({"month": "1", "day": "31"}, datetime(2026, 1, 31, 0, 0, tzinfo=UTC)),
    ],
)
def test_the_latest_slot_is_the_last_one_that_was_due(cron: dict[str, str], slot: datetime) -> None:
    job = Job("any", JOBS["refunds"].run, cron, timeout_s=1, overdue_s=1)
    assert latest_slot(job, SLOT + timedelta(seconds=7)) == slot
    assert latest_slot(job, slot) == slot
