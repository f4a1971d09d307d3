"""What nobody is at is found and woken: lost wake-ups, tries that are due, and the work of dead workers."""

import asyncio
from datetime import timedelta

import pytest

from jobs import runner
from jobs.doors import Doors
from jobs.tally import Tally
from portal import job_places, job_runs, running
from portal.db import DB
from tests.jobs.test_runner import LONG_AGO, SLOT, Shift, doors, open_alerts, row, silence, status

__all__ = ["doors"]


async def woken() -> list[int]:
    """Whom the queue would wake, since it was last asked."""
    found = await DB.fetch("DELETE FROM pgqueuer RETURNING payload")
    return sorted(int(job["payload"]) for job in found)


async def test_a_lost_wake_up_is_made_up_for(doors: Doors) -> None:
    shift = Shift()
    run_id = await shift.request()
    assert await woken() == [run_id], "the queue's own"
    assert await job_runs.wake_waiting() == 0, "it may still be on its way"
    await DB.fetch(f"UPDATE job_runs SET next_try_at = {LONG_AGO}")
    assert await job_runs.wake_waiting() == 1
    assert await job_runs.wake_waiting() == 0, "woken just now, by this worker or another"
    assert await woken() == [run_id]


async def test_of_several_that_wait_the_newest_is_woken_and_of_each_key(doors: Doors) -> None:
    shift = Shift()
    waiting = [await shift.request(minutes) for minutes in range(3)]
    north = await shift.request(key="north")
    await woken()
    await DB.fetch(f"UPDATE job_runs SET next_try_at = {LONG_AGO}")
    assert await job_runs.wake_waiting() == 2
    assert await woken() == [waiting[-1], north]


async def test_nobody_is_woken_while_the_place_is_held_and_the_newest_at_its_end(doors: Doors) -> None:
    shift = Shift()
    task = await shift.begin(await shift.request(), doors)
    later = [await shift.request(minutes) for minutes in (1, 2)]
    await woken()
    await DB.fetch(f"UPDATE job_runs SET next_try_at = {LONG_AGO} WHERE status = 'queued'")
    assert await job_runs.wake_waiting() == 0
    shift.go.set()
    await task
    assert await woken() == [later[-1]]


async def test_the_work_of_a_dead_worker_is_woken_for_the_living(doors: Doors) -> None:
    shift = Shift()
    run_id = await shift.request()
    assert await job_places.take(run_id, host="dead:1", max_tries=5) is not None
    await woken()
    assert await job_runs.wake_waiting() == 0, "it gave a sign of life just now"
    await silence()
    assert await job_runs.wake_waiting() == 1
    assert await woken() == [run_id]
    shift.go.set()
    assert await shift.run(run_id, doors) is not None
    assert (await row(run_id))["attempts"] == 2


async def test_a_run_that_kills_its_workers_is_given_up(doors: Doors) -> None:
    shift = Shift(max_tries=2)
    run_id = await shift.request()
    for _ in range(2):
        assert await job_places.take(run_id, host="dead:1", max_tries=2) is not None
        await silence()
    assert await shift.run(run_id, doors) is None
    kept = await row(run_id)
    assert (kept["status"], kept["error"]) == ("dead", "its worker died, 2 times")
    assert await open_alerts() == [("job_failed", "shift")]
    assert await job_runs.wake_waiting() == 0
    assert not shift.runs


async def test_a_worker_that_stops_gives_its_run_back_at_once(doors: Doors) -> None:
    shift = Shift()
    run_id = await shift.request()
    task = await shift.begin(run_id, doors)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    kept = await row(run_id)
    assert (kept["status"], kept["attempts"]) == ("queued", 0)
    await woken()
    assert await job_runs.wake_waiting() == 1
    assert await woken() == [run_id]


async def test_a_try_that_is_due_is_woken_and_not_before(doors: Doors) -> None:
    shift = Shift()
    run_id = await shift.request()
    await woken()
    await DB.fetch("UPDATE job_runs SET status = 'retry', next_try_at = clock_timestamp() + interval '10 s'")
    assert await job_runs.wake_waiting() == 0
    await DB.fetch("UPDATE job_runs SET next_try_at = clock_timestamp()")
    assert await job_runs.wake_waiting() == 1
    shift.go.set()
    assert await shift.run(run_id, doors) is not None


async def test_a_run_of_a_job_that_is_no_more_fails_in_words(doors: Doors) -> None:
    run_id = await job_runs.request("gone", SLOT)
    assert run_id is not None
    await runner.run(run_id, doors)
    assert ((await row(run_id))["status"], (await row(run_id))["error"]) == ("failed", "this version has no such job")


async def test_runs_end_in_any_order_without_standing_in_each_others_way(doors: Doors) -> None:
    """Many workers at the same few places: every run is over at the end, and no two were at one place at a time."""
    at_work: dict[str, int] = {}
    most: list[int] = []
    shift = Shift()

    async def work(_: Doors) -> Tally:
        key = job_key()
        at_work[key] = at_work.get(key, 0) + 1
        most.append(at_work[key])
        await asyncio.sleep(0.003)
        at_work[key] -= 1
        return Tally(processed=1)

    object.__setattr__(shift.job, "run", work)
    for minute in range(12):
        for key in ("a", "b", "c"):
            await runner.request(shift.job, SLOT + timedelta(minutes=minute), key=key)

    async def worker() -> None:
        for _ in range(200):
            rows = await DB.fetch(
                "SELECT id FROM job_runs WHERE status IN ('queued','retry') ORDER BY random() LIMIT 1"
            )
            if not rows:
                return
            await shift.run(rows[0]["id"], doors)

    async with asyncio.timeout(20):
        await asyncio.gather(*(worker() for _ in range(6)))
    assert set(most) == {1}
    assert await DB.value("SELECT count(*) FROM job_runs WHERE status <> 'done'") == 0
    assert await status(1) == "done"


def job_key() -> str:
    mine = running.current()
    assert mine is not None
    return mine.key
