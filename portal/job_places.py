"""Taking a job's place for a run, keeping it by signs of life, and giving it back with what came of the run.

A place is taken by counting its fence up. Whoever was taken for dead finds a higher number there and can write nothing more:
not its end, not a sign of life, and no effect that `running.hold` guards. Locks go place first, run second, everywhere."""

from dataclasses import dataclass
from datetime import timedelta

from portal import alerts
from portal.db import DB, Tx, atomic
from portal.job_runs import DEAD_AFTER, FAILED_ALERT, SILENT_ALERT, WAKE_AGAIN, RunStatus, subject
from portal.running import Running
from portal.states import note
from portal.work import Work, defer

_OPEN = ("queued", "running", "retry")


@dataclass(frozen=True, slots=True)
class Ended:
    """What came of a try. `retry_in`: it is tried again then; None: this is the end of the run."""

    status: RunStatus
    processed: int = 0
    failed: int = 0
    error: str | None = None
    retry_in: timedelta | None = None


async def name_of(run_id: int) -> str | None:
    """The job of a run that is not over yet; None for one that is, or never was."""
    return await DB.value("SELECT job FROM job_runs WHERE id = $1 AND status = ANY($2)", run_id, list(_OPEN))


async def take(run_id: int, *, host: str, max_tries: int) -> Running | None:
    """Begin a try of this run. None: it is over, not due, or its place is held by a living holder (which wakes it, or covers
    it, at its end). A run whose workers died `max_tries` times is given up."""
    async with atomic() as tx:
        place = await _free_place(tx, run_id)
        if place is None:
            return None
        run = await tx.row(
            """SELECT job, key, status, attempts FROM job_runs WHERE id = $1 AND (status IN ('queued', 'running')
               OR status = 'retry' AND next_try_at <= clock_timestamp() + interval '5 seconds') FOR UPDATE""",
            run_id,
        )
        if run is None:
            return None
        if run["status"] == "running" and run["attempts"] >= max_tries:
            words = f"its worker died, {run['attempts']} times"
            await _write_end(tx, run_id, Ended(RunStatus.DEAD, error=words))
            await _tell_failure(tx, run["job"], run["key"], run_id, words)
            return None
        fence = await tx.value(
            """UPDATE job_places SET fence = fence + 1, run_id = $2, beat_at = clock_timestamp() WHERE id = $1
               RETURNING fence""",
            place,
            run_id,
        )
        await tx.execute(
            """UPDATE job_runs SET status = 'running', fence = $2, host = $3, attempts = attempts + 1, ended_at = NULL,
               started_at = clock_timestamp(), next_try_at = NULL, error = NULL, progress_done = 0, progress_total = NULL
               WHERE id = $1""",
            run_id,
            fence,
            host[:80],
        )
        return Running(run_id, run["job"], run["key"], fence, attempts=run["attempts"] + 1)


async def _free_place(tx: Tx, run_id: int) -> int | None:
    """Lock the run's place if nobody alive holds it. Looked at before it is locked: a fenced transaction may hold it long."""
    is_free = f"(p.run_id IS NULL OR p.beat_at < clock_timestamp() - {DEAD_AFTER})"
    look = f"""SELECT p.id, {is_free} AS is_free FROM job_runs r JOIN job_places p ON p.job = r.job AND p.key = r.key
               WHERE r.id = $1"""
    place = await tx.row(look, run_id)
    if place is None:
        await tx.execute(
            """INSERT INTO job_places (job, key, known_at) SELECT job, key, clock_timestamp() FROM job_runs WHERE id = $1
               ON CONFLICT DO NOTHING""",
            run_id,
        )
        place = await tx.row(look, run_id)
    if place is None or not place["is_free"]:
        return None
    return await tx.value(f"SELECT id FROM job_places p WHERE id = $1 AND {is_free} FOR UPDATE", place["id"])


async def beat(run: Running) -> bool:
    """Give a sign of life and write down what progress was told. False: the place is another's now."""
    run.has_news, has_news = False, run.has_news
    row = await DB.row(
        """UPDATE job_places SET beat_at = clock_timestamp() WHERE job = $1 AND key = $2 AND fence = $3 AND run_id = $4
           RETURNING id""",
        run.job,
        run.key,
        run.fence,
        run.run_id,
    )
    if row is not None and has_news:
        await write_progress(run)
    return row is not None


async def write_progress(run: Running) -> None:
    """Write what was told last on the run's row, if the row is still this try's."""
    await DB.row(
        """UPDATE job_runs SET progress_done = $3, progress_total = $4, progress_what = $5
           WHERE id = $1 AND fence = $2 AND status = 'running' RETURNING id""",
        run.run_id,
        run.fence,
        run.done,
        run.total,
        run.what,
    )


async def give_back(run: Running, ended: Ended | None) -> bool:
    """Leave the place and write what came of the try; None: it was broken off unfinished, and waits again without its being
    counted. A run that is done did the work of all that were asked for before it began. The newest that still waits is woken.
    False: the place was another's already, and nothing is written. Repeatable."""
    async with atomic() as tx:
        place = await tx.value(
            """SELECT id FROM job_places WHERE job = $1 AND key = $2 AND fence = $3 AND run_id = $4 FOR UPDATE""",
            run.job,
            run.key,
            run.fence,
            run.run_id,
        )
        if place is None:
            return False
        await tx.execute("UPDATE job_places SET run_id = NULL, beat_at = NULL WHERE id = $1", place)
        if ended is None:
            await tx.execute(
                """UPDATE job_runs SET status = 'queued', attempts = greatest(attempts - 1, 0), next_try_at = clock_timestamp()
                   WHERE id = $1 AND fence = $2""",
                run.run_id,
                run.fence,
            )
            return True
        await _write_end(tx, run.run_id, ended, run=run)
        if ended.status is RunStatus.DONE:
            await _note_done(tx, run)
        elif ended.status in (RunStatus.FAILED, RunStatus.DEAD):
            await _tell_failure(tx, run.job, run.key, run.run_id, ended.error or "")
        await _wake_next(tx, run)
        return True


async def _write_end(tx: Tx, run_id: int, ended: Ended, *, run: Running | None = None) -> None:
    await tx.execute(
        """UPDATE job_runs SET status = $2, processed = $3, failed = $4, error = $5, ended_at = clock_timestamp(),
           next_try_at = clock_timestamp() + $6::interval, progress_done = coalesce($7, progress_done),
           progress_total = coalesce($8, progress_total), progress_what = coalesce($9, progress_what) WHERE id = $1""",
        run_id,
        ended.status.value,
        ended.processed,
        ended.failed,
        ended.error,
        ended.retry_in,
        run.done if run else None,
        run.total if run else None,
        run.what if run else None,
    )


async def _note_done(tx: Tx, run: Running) -> None:
    """Cover what was asked for before this try began, and end what was told of the job's silence or failure."""
    await tx.execute(
        """UPDATE job_runs r SET status = 'done', covered_by = $1, ended_at = clock_timestamp(), next_try_at = NULL
           FROM (SELECT job, key, fence, started_at FROM job_runs WHERE id = $1) mine
           WHERE r.job = mine.job AND r.key = mine.key AND r.id <> $1 AND coalesce(r.ended_at, r.asked_at) <= mine.started_at
           AND (r.status IN ('queued', 'retry') OR r.status = 'running' AND r.fence < mine.fence)""",
        run.run_id,
    )
    await tx.execute(
        "UPDATE job_places SET last_done_at = clock_timestamp() WHERE job = $1 AND key = ANY($2)",
        run.job,
        sorted({run.key, ""}),
    )
    now = await tx.value("SELECT clock_timestamp()")
    await alerts.end(tx, FAILED_ALERT, subject(run.job, run.key), now=now)
    await alerts.end(tx, SILENT_ALERT, run.job, now=now)


async def done_by_hand(job: str, actor: str) -> None:
    """A person did by hand what a job does, and it went well: it counts for the job's age, and ends what was told of its silence
    or failure. No run is written down; the history says who did it."""
    async with atomic() as tx:
        now = await tx.value("SELECT clock_timestamp()")
        place = await tx.value(
            """INSERT INTO job_places (job, known_at, last_done_at) VALUES ($1, $2, $2)
               ON CONFLICT (job, key) DO UPDATE SET last_done_at = excluded.last_done_at RETURNING id""",
            job,
            now,
        )
        await note(
            tx, "job_places", place, "job_done_by_hand", merchant_id=None, at=now, actor=actor, data={"job": job}
        )
        await alerts.end(tx, FAILED_ALERT, job, now=now)
        await alerts.end(tx, SILENT_ALERT, job, now=now)


async def _wake_next(tx: Tx, run: Running) -> None:
    waiting = await tx.value(
        f"""UPDATE job_runs SET next_try_at = clock_timestamp() + {WAKE_AGAIN} WHERE status = 'queued' AND id =
            (SELECT id FROM job_runs WHERE job = $1 AND key = $2 AND status = 'queued' ORDER BY id DESC LIMIT 1) RETURNING id""",
        run.job,
        run.key,
    )
    if waiting is not None:
        await defer(tx, Work.RUN_JOB, waiting)


async def _tell_failure(tx: Tx, job: str, key: str, run_id: int, error: str) -> None:
    now = await tx.value("SELECT clock_timestamp()")
    await alerts.begin(tx, FAILED_ALERT, subject(job, key), now=now, data={"run": run_id, "error": error[:200]})
