"""The processes `bench slots` plays with and kills: a clock that asks for virtual slots, a worker that runs their jobs.

`python -m bench.slot_players clock|worker JOBS SLOTS`, the database's DSN in BENCH_DSN."""

import asyncio
import os
import random
import sys
import tempfile
from datetime import UTC, datetime, timedelta

from jobs import runner, worker
from jobs.doors import Doors
from jobs.schedule import JOBS, Job
from jobs.tally import Tally
from jobs.worker import Worker
from portal import job_runs, running
from portal.clock import Clock
from portal.config import Settings
from portal.db import DB, atomic
from portal.house import doors_open
from portal.patience import patiently
from portal.work import Work

#: So much real time between two virtual minutes: the clocks are not to be through before the workers have begun.
MINUTE_S = 0.05
START = datetime(2030, 1, 1, tzinfo=UTC)
TABLES = (
    "CREATE TABLE bench_now (at timestamptz NOT NULL)",
    "CREATE TABLE bench_slots (job text, slot timestamptz, done_at timestamptz, PRIMARY KEY (job, slot))",
    "CREATE INDEX bench_slots_due ON bench_slots (job, slot) WHERE done_at IS NULL",
    # On purpose without any unique key: a doubled effect must show.
    "CREATE TABLE bench_effects (job text, slot timestamptz, run_id bigint, fence bigint, pid int)",
)


def names(jobs: int) -> list[str]:
    """The virtual jobs."""
    return [f"virtual-{number:02}" for number in range(jobs)]


def slot(number: int) -> datetime:
    """The virtual moment of a slot: one a minute."""
    return START + timedelta(minutes=number)


async def work(_: Doors) -> Tally:
    """What a careful job does: pick what is due, take a moment (here it may be killed, or frozen and taken for dead), and act
    inside its fence. What it acts on it does not look at again: only the fence keeps two from doing the same."""
    me = running.current()
    assert me is not None
    due = await DB.fetch(
        """SELECT slot FROM bench_slots WHERE job = $1 AND done_at IS NULL AND slot <= (SELECT at FROM bench_now)
           ORDER BY slot LIMIT 2000""",
        me.job,
    )
    slots = [row["slot"] for row in due]
    running.tell(0, total=len(slots), what="slots")
    await asyncio.sleep(random.uniform(0.1, 0.4))
    async with atomic() as tx:
        await running.hold(tx)
        await tx.execute(
            "INSERT INTO bench_effects SELECT $1, s, $2, $3, $4 FROM unnest($5::timestamptz[]) s",
            me.job, me.run_id, me.fence, os.getpid(), slots,
        )  # fmt: skip
        await tx.execute(
            "UPDATE bench_slots SET done_at = clock_timestamp() WHERE job = $1 AND slot = ANY($2)", me.job, slots
        )
    running.tell(len(slots))
    return Tally(processed=len(slots))


def virtual(jobs: int) -> dict[str, Job]:
    """The jobs, on a clock that never ticks in the time of a run."""
    yearly = {"month": "1", "day": "1"}
    return {
        name: Job(name, work, yearly, timeout_s=60, overdue_s=10**9, max_tries=50, retry_s=0.5) for name in names(jobs)
    }


async def play_clock(jobs: int, slots: int) -> None:
    """Ask for every slot of every job, from where virtual time stands, moving it along."""
    at = await DB.value("SELECT at FROM bench_now")
    number = max(0, int((at - START) / timedelta(minutes=1)) - 2)
    every = names(jobs)
    while number < slots:
        moment = slot(number)
        asked = [(name, moment) for name in every]
        await patiently(lambda asked=asked: job_runs.request_all(asked), within_s=30)
        await DB.fetch("UPDATE bench_now SET at = greatest(at, $1) WHERE at < $1", moment)
        number += 1
        await asyncio.sleep(MINUTE_S)


async def play_worker(jobs: int) -> None:
    """The worker of the house, with these jobs instead of the house's."""
    JOBS.clear()
    JOBS.update(virtual(jobs))
    worker.HANDLERS.clear()
    worker.HANDLERS[Work.RUN_JOB] = runner.run
    worker.LOOKS.clear()
    worker.LOOKS["runs of jobs"] = runner.sweep
    with tempfile.TemporaryDirectory() as folder:
        env = {"PORTAL_DATA_DIR": folder, "PORTAL_DATABASE_URL": os.environ["BENCH_DSN"]}
        settings = Settings.from_env(env | {"PORTAL_SECRET_KEYS": "bench:" + bytes(32).hex()})
        async with doors_open(settings, Clock()) as doors:
            await Worker(doors, concurrency=20).run()


async def main() -> None:
    """Play the part the command line names."""
    part, jobs, slots = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    DB.configure(os.environ["BENCH_DSN"])
    await DB.open(min_size=1, max_size=8)
    await (play_clock(jobs, slots) if part == "clock" else play_worker(jobs))
    await DB.close()


if __name__ == "__main__":
    asyncio.run(main())
