"""Runs a job: one at a time per job and key over all processes, fenced, with a time limit, signs of life, tries and their
delays, and everything about it on its row. The rows themselves: portal.job_runs and portal.job_places."""

import asyncio
import logging
import os
import random
import socket
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta

from jobs.doors import Doors
from jobs.schedule import JOBS, Job, latest_slot
from jobs.tally import Tally
from jobs.troubles import is_temporary, words
from portal import job_places, job_runs
from portal.job_places import Ended
from portal.job_runs import RunStatus, Source
from portal.patience import LOST_DATABASE, patiently
from portal.running import PlaceLost, Running, under_way

log = logging.getLogger(__name__)

HOST = f"{socket.gethostname()}:{os.getpid()}"
#: Signs of life go out so often; progress is written with them, or within a second when there is news.
BEAT_EVERY_S = 2.0
_LOOK_EVERY_S = 1.0
_LONGEST_DELAY_S = 3600.0
#: So long a lost database is waited for to write a run's end; after that the run is taken over and done again.
_PATIENCE_S = 6.0

Watch = Callable[[Running], None]


async def request(
    job: Job, slot: datetime, *, key: str = "", source: Source = Source.CLOCK, by: str = ""
) -> int | None:
    """Ask for a run in this slot; None: the slot has its run already, or the job is paused."""
    return await job_runs.request(job.name, slot, key=key, source=source, by=by)


async def request_missed(now: datetime) -> None:
    """At start, and each minute as the net under the ticks: ask for each job's latest slot. One that nobody ran, because all
    were down or the database was, runs once, however many were missed: jobs do whatever is due."""
    await job_runs.request_all([(job.name, latest_slot(job, now)) for job in JOBS.values()], source=Source.START)


async def run(run_id: int, doors: Doors, *, jobs: Mapping[str, Job] = JOBS, watch: Watch | None = None) -> Ended | None:
    """Carry out a requested run. None: it is over, waits for its next try, or another run holds the place and covers or wakes
    it. `watch` is called about each second with what the run told of its progress. Errors of the job end on the row, not here."""
    name = await job_places.name_of(run_id)
    if name is None:
        return None
    job = jobs.get(name)
    held = await job_places.take(run_id, host=HOST, max_tries=job.max_tries if job else 1)
    if held is None:
        return None
    if job is None:
        ended = Ended(RunStatus.FAILED, failed=1, error="this version has no such job")
        await job_places.give_back(held, ended)
        return ended
    if doors.pings is not None:
        doors.pings.started(name)
    try:
        ended = await _try(job, held, doors, watch=watch)
    except asyncio.CancelledError:
        # The worker stops. Another takes it up at once, instead of after the silence of a dead one.
        await asyncio.shield(_leave(held))
        raise
    return await _write_end(job, held, ended, doors)


async def _try(job: Job, held: Running, doors: Doors, *, watch: Watch | None) -> Ended:
    try:
        tally = await _beating(job, held, doors, watch=watch)
    except PlaceLost:
        return Ended(RunStatus.RETRY, retry_in=timedelta(0))  # the fence sees to it that this is never written
    except TimeoutError as error:
        said = words(error) if str(error) else f"it took longer than {job.timeout_s} s"
        return _failed(job, held, said, is_again=True)
    except Exception as error:
        log.exception("job failed", extra={"job": job.name, "run": held.run_id})
        return _failed(job, held, words(error), is_again=is_temporary(error))
    return Ended(RunStatus.DONE, processed=tally.processed, failed=tally.failed)


async def _beating(job: Job, held: Running, doors: Doors, *, watch: Watch | None) -> Tally:
    """Run the job's function within its time, with signs of life meanwhile; PlaceLost cuts it off."""
    with under_way(held):
        work = asyncio.ensure_future(job.run(doors))
    life = asyncio.create_task(_keep_alive(held, watch))
    try:
        async with asyncio.timeout(job.timeout_s):
            await asyncio.wait((work, life), return_when=asyncio.FIRST_COMPLETED)
        if not work.done():
            await life  # it ends only by raising
        return await work
    finally:
        for task in (work, life):
            task.cancel()
        await asyncio.gather(work, life, return_exceptions=True)


async def _keep_alive(held: Running, watch: Watch | None) -> None:
    waited = 0.0
    while True:
        await asyncio.sleep(_LOOK_EVERY_S)
        waited += _LOOK_EVERY_S
        if watch is not None:
            watch(held)
        if not held.has_news and waited < BEAT_EVERY_S:
            continue
        waited = 0.0
        try:
            is_ours = await job_places.beat(held)
        except (*LOST_DATABASE, TimeoutError):
            continue  # nobody can take it over either; when it is back, the next beat finds out
        if not is_ours:
            raise PlaceLost()


def _failed(job: Job, held: Running, said: str, *, is_again: bool) -> Ended:
    if not is_again:
        return Ended(RunStatus.FAILED, failed=1, error=said)
    if held.attempts >= job.max_tries:
        return Ended(RunStatus.DEAD, failed=1, error=said)
    return Ended(RunStatus.RETRY, failed=1, error=said, retry_in=delay(job, held.attempts))


def delay(job: Job, attempts: int) -> timedelta:
    """How long to wait after so many tries: twice as long each time, an hour at most, give or take half, so that many that
    failed together do not come back together."""
    seconds = min(job.retry_s * 2.0 ** (attempts - 1), _LONGEST_DELAY_S)
    return timedelta(seconds=seconds * random.uniform(0.5, 1.5))  # noqa: S311  (spreads load, keeps no secret)


async def _write_end(job: Job, held: Running, ended: Ended, doors: Doors) -> Ended | None:
    told = {"job": job.name, "run": held.run_id, "processed": ended.processed, "failed": ended.failed}
    if not await patiently(lambda: job_places.give_back(held, ended), within_s=_PATIENCE_S):
        log.warning("job taken over by another", extra=told)
        return None
    log.log(
        logging.INFO if ended.status is RunStatus.DONE else logging.WARNING,
        "job %s",
        ended.status.value,
        extra={**told, "error": ended.error},
    )
    if doors.pings is not None:
        doors.pings.ended(job.name, error=ended.error, is_done=ended.status is RunStatus.DONE)
    return ended


async def _leave(held: Running) -> None:
    try:
        await job_places.give_back(held, None)
    except (*LOST_DATABASE, TimeoutError) as error:
        log.warning("place not given back; its silence will tell", extra={"run": held.run_id, "error": repr(error)})


async def look_for_missed(_: Doors) -> None:
    """The net: slots whose tick found no database."""
    await request_missed(datetime.now(UTC))


async def sweep(_: Doors) -> None:
    """Wake runs whose wake-up was lost, whose next try is due, or whose worker died."""
    woken = await job_runs.wake_waiting()
    if woken:
        log.info("runs woken", extra={"runs": woken})
