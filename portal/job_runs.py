"""Runs of jobs as rows: asking for one, pausing a job, trying again what was given up, and looking for what waits.

Not the clock, not the code of any job, not the taking of places (see job_places), not the pages (job history)."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum

import asyncpg

from portal import alerts
from portal.db import DB, Tx, atomic
from portal.errors import Conflict, NotFound
from portal.msgid import N_
from portal.states import note
from portal.work import Work, defer, defer_all

TABLE = "job_runs"
FAILED_ALERT = "job_failed"
SILENT_ALERT = "job_silent"
#: A holder of a place that gave no sign for this long is dead, and its work is taken over. In SQL's words.
DEAD_AFTER = "interval '8 seconds'"
#: So long after a wake-up the sweep wakes again, should nobody have come.
WAKE_AGAIN = "interval '5 seconds'"


class Source(StrEnum):
    """Who asks for a run."""

    CLOCK = "clock"
    CRON = "cron"
    HAND = "hand"
    START = "start"


class RunStatus(StrEnum):
    """Where a run stands. `failed`: trying again is useless; `dead`: tried as often as the job allows."""

    QUEUED = "queued"
    RUNNING = "running"
    RETRY = "retry"
    DONE = "done"
    FAILED = "failed"
    DEAD = "dead"
    DISCARDED = "discarded"


_REQUEST = f"""
WITH waiting AS (
  SELECT DISTINCT job FROM job_runs WHERE job = ANY($1) AND key = $3 AND status = 'queued'
), made AS (
  INSERT INTO job_runs (job, key, slot, source, requested_by, asked_at, next_try_at)
  SELECT a.job, $3, a.slot, $4::varchar, $5, clock_timestamp(), clock_timestamp() + {WAKE_AGAIN}
  FROM unnest($1::varchar[], $2::timestamptz[]) AS a(job, slot) WHERE $4 = 'hand' OR NOT EXISTS
  (SELECT FROM job_places p WHERE p.job = a.job AND p.key = ''
   AND (p.paused_at IS NOT NULL OR $4 = 'start' AND greatest(p.last_done_at, p.first_seen_at) >= a.slot))
  ORDER BY a.job, a.slot ON CONFLICT (job, key, slot) DO NOTHING RETURNING id, job
)
SELECT id, job, job IN (SELECT job FROM waiting) AS is_expected FROM made ORDER BY id"""


async def request(
    job: str, slot: datetime, *, key: str = "", source: Source = Source.CLOCK, by: str = ""
) -> int | None:
    """Ask for the run of a slot; its id. None: the slot has its run already, whoever asked first, or the job is paused (only
    a person's request, Source.HAND, passes a pause). `by` names who asked, as in events: "user:7", "cron"."""
    made = await request_all([(job, slot)], key=key, source=source, by=by)
    return made[0] if made else None


async def request_all(
    slots: Sequence[tuple[str, datetime]], *, key: str = "", source: Source = Source.CLOCK, by: str = ""
) -> list[int]:
    """The same for many slots, (job, moment) each, in one statement: the ids of the runs that are new. Source.START asks only for
    slots since which no run of the job ended well, even where the slot's own row has been cleaned away, and for none from before
    the job was known here: a new house has missed nothing."""
    async with atomic() as tx:
        rows = await tx.fetch(
            _REQUEST, [job for job, _ in slots], [slot for _, slot in slots], key, source.value, by[:60]
        )
        # Where one waits already, its wake-up is this one's too: it covers what was asked for before it begins, and wakes,
        # at its end, what was asked for later.
        wake = {row["job"]: row["id"] for row in rows if not row["is_expected"]}
        if wake:
            await defer_all(tx, Work.RUN_JOB, sorted(wake.values()))
        if source in (Source.HAND, Source.CRON):
            for row in rows:
                await note(
                    tx, TABLE, row["id"], "run_requested", merchant_id=None, at=await _now(tx), actor=by or source.value,
                    data={"job": row["job"], "key": key},
                )  # fmt: skip
        return [row["id"] for row in rows]


async def wake_waiting() -> int:
    """Wake what nobody is at: runs whose wake-up was lost, whose next try is due, whose worker died. Of several that wait for
    one place the newest, since it covers the others. Returns how many were woken."""
    async with atomic() as tx:
        rows = await tx.fetch(
            f"""WITH free AS (
                 SELECT DISTINCT ON (r.job, r.key) r.id FROM job_runs r
                 LEFT JOIN job_places p ON p.job = r.job AND p.key = r.key
                 WHERE r.status IN ('queued', 'running', 'retry')
                 AND (p.run_id IS NULL OR p.beat_at < clock_timestamp() - {DEAD_AFTER})
                 AND (r.next_try_at IS NULL OR r.next_try_at <= clock_timestamp())
                 ORDER BY r.job, r.key, r.id DESC)
               UPDATE job_runs r SET next_try_at = clock_timestamp() + {WAKE_AGAIN} FROM free
               WHERE r.id = free.id AND r.status IN ('queued', 'running', 'retry')
               AND (r.next_try_at IS NULL OR r.next_try_at <= clock_timestamp()) RETURNING r.id"""
        )
        if rows:
            await defer_all(tx, Work.RUN_JOB, [row["id"] for row in rows])
        return len(rows)


async def retry(run_id: int, actor: str) -> None:
    """Try a failed, dead or discarded run again, from its first try. Conflict: it waits, runs or is done."""
    await _decide(run_id, RunStatus.QUEUED, "run_retried", ("failed", "dead", "discarded"), actor=actor)


async def discard(run_id: int, actor: str) -> None:
    """Leave a run undone for good: one that failed or is dead, or still waits. Conflict: it runs or is done."""
    await _decide(run_id, RunStatus.DISCARDED, "run_discarded", ("failed", "dead", "retry", "queued"), actor=actor)


async def _decide(run_id: int, status: RunStatus, event: str, leaves: tuple[str, ...], *, actor: str) -> None:
    async with atomic() as tx:
        row = await tx.row(
            "SELECT job, key, status, clock_timestamp() AS now FROM job_runs WHERE id = $1 FOR UPDATE", run_id
        )
        if row is None:
            raise NotFound()
        if row["status"] not in leaves:
            raise Conflict(N_("This run goes on or has ended in the meantime. Look at it again."))
        is_again = status is RunStatus.QUEUED
        await tx.execute(
            f"""UPDATE job_runs SET status = $2, attempts = CASE WHEN $3 THEN 0 ELSE attempts END,
               asked_at = CASE WHEN $3 THEN clock_timestamp() ELSE asked_at END,
               next_try_at = CASE WHEN $3 THEN clock_timestamp() + {WAKE_AGAIN} END WHERE id = $1""",
            run_id,
            status.value,
            is_again,
        )
        told = {"job": row["job"], "key": row["key"], "was": row["status"]}
        await note(tx, TABLE, run_id, event, merchant_id=None, at=row["now"], actor=actor, data=told)
        if is_again:
            await defer(tx, Work.RUN_JOB, run_id)
            return
        left = await tx.value(
            "SELECT 1 FROM job_runs WHERE job = $1 AND key = $2 AND status IN ('failed', 'dead') LIMIT 1",
            row["job"],
            row["key"],
        )
        if left is None:
            await alerts.end(tx, FAILED_ALERT, subject(row["job"], row["key"]), now=row["now"])


def subject(job: str, key: str) -> str:
    """What an alert about a run is about."""
    return f"{job} {key}".strip()


async def _now(tx: Tx) -> datetime:
    return await tx.value("SELECT clock_timestamp()")


async def know(jobs: list[str]) -> None:
    """Expect runs of these jobs from now on, as far as they are new."""
    await DB.fetch(
        "INSERT INTO job_places (job, known_at) SELECT j, clock_timestamp() FROM unnest($1::text[]) j ON CONFLICT DO NOTHING",
        jobs,
    )


async def pause(job: str, actor: str, *, why: str = "") -> bool:
    """Have the clock leave a job out until `resume`; a run under way ends as it would. False: it is paused already."""
    async with atomic() as tx:
        row = await tx.row(
            """INSERT INTO job_places AS p (job, known_at, paused_at, paused_by, paused_why)
               VALUES ($1, clock_timestamp(), clock_timestamp(), $2, $3) ON CONFLICT (job, key) DO UPDATE
               SET paused_at = excluded.paused_at, paused_by = excluded.paused_by, paused_why = excluded.paused_why
               WHERE p.paused_at IS NULL RETURNING id, paused_at AS at""",
            job,
            actor[:60],
            why[:300],
        )
        return await _note_place(tx, row, "job_paused", actor=actor, data={"job": job, "why": why[:300]})


async def resume(job: str, actor: str) -> bool:
    """Let the clock have it again: what was missed is made up for by the next run. False: it was not paused."""
    async with atomic() as tx:
        row = await tx.row(
            """UPDATE job_places SET paused_at = NULL, paused_by = '', paused_why = NULL, known_at = clock_timestamp()
               WHERE job = $1 AND key = '' AND paused_at IS NOT NULL RETURNING id, known_at AS at""",
            job,
        )
        return await _note_place(tx, row, "job_resumed", actor=actor, data={"job": job})


async def _note_place(tx: Tx, row: asyncpg.Record | None, event: str, *, actor: str, data: Mapping[str, str]) -> bool:
    if row is None:
        return False
    await note(tx, "job_places", row["id"], event, merchant_id=None, at=row["at"], actor=actor, data=data)
    return True


async def is_paused(job: str) -> bool:
    """Whether somebody paused it: then the looks that do the same between its slots leave it, too."""
    return await DB.value(
        "SELECT EXISTS (SELECT FROM job_places WHERE job = $1 AND key = '' AND paused_at IS NOT NULL)", job
    )
