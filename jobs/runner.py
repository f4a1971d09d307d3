"""Runs one job once: one at a time over all processes, with a time limit, and everything about it on its row."""

import asyncio
import logging
import socket
from datetime import datetime

from jobs.doors import Doors
from jobs.schedule import JOBS, Job
from jobs.tally import Tally
from portal.db import DB, atomic
from portal.work import Work, defer

log = logging.getLogger(__name__)

HOST = socket.gethostname()


async def request(job: Job, slot: datetime) -> int | None:
    """Ask for a run in this slot; None: the slot has its run already, whoever asked first."""
    async with atomic() as tx:
        run_id = await tx.value(
            "INSERT INTO job_runs (job, slot) VALUES ($1, $2) ON CONFLICT (job, key, slot) DO NOTHING RETURNING id",
            job.name,
            slot,
        )
        if run_id is not None:
            await defer(tx, Work.RUN_JOB, run_id)
        return run_id


async def run(run_id: int, doors: Doors) -> Tally | None:
    """Carry out a requested run. None: it is done, or another run of the job is under way and covers it."""
    name = await DB.value("SELECT job FROM job_runs WHERE id = $1 AND status IN ('queued', 'running')", run_id)
    if name is None:
        return None
    job = JOBS[name]
    if not await _begin(run_id, job):
        return None
    try:
        async with asyncio.timeout(job.timeout_s):
            tally = await job.run(doors)
    except Exception as error:
        await _end(run_id, "failed", Tally(failed=1), error=f"{type(error).__name__}: {error}")
        log.exception("job failed", extra={"job": name, "run": run_id})
        raise
    await _end(run_id, "done", tally, error=None)
    log.info("job done", extra={"job": name, "run": run_id, "processed": tally.processed, "failed": tally.failed})
    return tally


async def _begin(run_id: int, job: Job) -> bool:
    """Take the job's one place. A run whose time limit is long past was killed: it no longer counts."""
    async with atomic() as tx:
        await tx.execute("SELECT pg_advisory_xact_lock(hashtext($1))", f"job:{job.name}")
        busy = await tx.value(
            """SELECT id FROM job_runs WHERE job = $1 AND status = 'running' AND id <> $2
               AND started_at > clock_timestamp() - make_interval(secs => $3)""",
            job.name,
            run_id,
            job.timeout_s + 10,
        )
        await tx.execute(
            """UPDATE job_runs SET status = CASE WHEN $2 THEN 'done' ELSE 'running' END, host = $3, error = $4,
               attempts = attempts + 1, started_at = clock_timestamp(), ended_at = CASE WHEN $2 THEN clock_timestamp() END
               WHERE id = $1""",
            run_id,
            busy is not None,
            HOST,
            f"run {busy} was under way" if busy else None,
        )
        return busy is None


async def _end(run_id: int, status: str, tally: Tally, *, error: str | None) -> None:
    async with atomic() as tx:
        await tx.execute(
            """UPDATE job_runs SET status = $2, ended_at = clock_timestamp(), processed = $3, failed = $4, error = $5
               WHERE id = $1""",
            run_id,
            status,
            tally.processed,
            tally.failed,
            error,
        )
