"""How the house does, for machines that watch it: whether workers live, which jobs are silent, how the last runs went.

Not the alerts of merchants and not the pages; nothing here names a merchant, a phone or an amount."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import msgspec

from portal import alerts
from portal.db import DB, atomic
from portal.job_runs import FAILED_ALERT, SILENT_ALERT

#: A worker whose last sign is older may be dead.
WORKER_SILENT_S = 30.0
_FORGOTTEN = "interval '1 day'"


@dataclass(frozen=True, slots=True)
class Expected:
    """What is expected of a job: a run that ended well at least every `overdue_s` seconds."""

    name: str
    overdue_s: int
    is_critical: bool = False


class Silence(msgspec.Struct, frozen=True, kw_only=True):
    """A job without a good end for too long. `since`: the last one, or when runs were first expected."""

    job: str
    is_critical: bool
    since: datetime
    seconds: int


class Issue(msgspec.Struct, frozen=True, kw_only=True):
    """Something a person should look at; `what` is a sentence."""

    kind: str
    job: str
    is_critical: bool
    what: str


class LastRun(msgspec.Struct, frozen=True, kw_only=True):
    """How a job's last run went. Times in UTC, seconds."""

    job: str
    status: str
    slot: datetime
    started_at: datetime | None
    seconds: float | None
    processed: int
    failed: int


class CronHealth(msgspec.Struct, frozen=True, kw_only=True):
    """`status` is healthy, degraded (look when you can) or unhealthy (a critical job is silent or given up, or no worker lives)."""

    status: str
    at: datetime
    workers: int
    paused: list[str]
    issues: list[Issue]
    last_runs: list[LastRun]


async def beat(name: str, *, began: datetime) -> None:
    """A worker's sign of life. Those silent for a day are forgotten."""
    async with atomic() as tx:
        await tx.execute(
            """INSERT INTO job_workers (name, started_at, beat_at) VALUES ($1, $2, clock_timestamp())
               ON CONFLICT (name) DO UPDATE SET beat_at = excluded.beat_at""",
            name,
            began,
        )
        await tx.execute(f"DELETE FROM job_workers WHERE beat_at < clock_timestamp() - {_FORGOTTEN}")


async def silent_worker_s() -> float | None:
    """Seconds since any worker's last sign of life; None: there has been none for a day."""
    seconds = await DB.value("SELECT extract(epoch FROM clock_timestamp() - max(beat_at)) FROM job_workers")
    return None if seconds is None else float(seconds)


async def silences(expected: Sequence[Expected]) -> list[Silence]:
    """The jobs overdue now. One that is paused, or that no worker has been told of yet, is not."""
    rows = await DB.fetch(
        """SELECT e.job, e.is_critical, s.since, extract(epoch FROM clock_timestamp() - s.since)::bigint AS seconds
           FROM unnest($1::text[], $2::bigint[], $3::bool[]) AS e(job, overdue_s, is_critical)
           JOIN job_places p ON p.job = e.job AND p.key = '' AND p.paused_at IS NULL,
           LATERAL (SELECT greatest(p.known_at, p.last_done_at) AS since) s
           WHERE s.since < clock_timestamp() - make_interval(secs => e.overdue_s) ORDER BY e.job""",
        [job.name for job in expected],
        [job.overdue_s for job in expected],
        [job.is_critical for job in expected],
    )
    return [Silence(**dict(row)) for row in rows]


async def watch(expected: Sequence[Expected]) -> int:
    """Open an alert for each overdue job, once; it ends when the job has run well (or is paused). Returns how many are overdue."""
    found = await silences(expected)
    told = {alert.subject for alert in await alerts.open_now(SILENT_ALERT)}
    missing = {silence.job: silence for silence in found}
    if missing.keys() == told:
        return len(found)
    async with atomic() as tx:
        now = await tx.value("SELECT clock_timestamp()")
        for job in sorted(missing.keys() - told):
            since = missing[job].since.isoformat(timespec="seconds")
            await alerts.begin(tx, SILENT_ALERT, job, now=now, data={"since": since})
        for job in sorted(told - missing.keys()):
            await alerts.end(tx, SILENT_ALERT, job, now=now)
    return len(found)


async def cron(expected: Sequence[Expected]) -> CronHealth:
    """The whole answer about jobs, in five short questions. Names of jobs only."""
    issues = [
        Issue(
            kind="overdue", job=s.job, is_critical=s.is_critical, what=f"{s.job} has not ended well for {s.seconds} s"
        )
        for s in await silences(expected)
    ]
    critical = {job.name for job in expected if job.is_critical}
    for alert in await alerts.open_now(FAILED_ALERT):
        job = alert.subject.split(" ")[0]
        is_critical = job in critical
        issues.append(Issue(kind="failed", job=job, is_critical=is_critical, what=f"{job} failed and was given up"))
    workers = await DB.value(
        "SELECT count(*) FROM job_workers WHERE beat_at > clock_timestamp() - make_interval(secs => $1)",
        WORKER_SILENT_S,
    )
    if not workers:
        issues.append(Issue(kind="no_worker", job="", is_critical=True, what="no worker gives a sign of life"))
    paused = await DB.fetch("SELECT job FROM job_places WHERE key = '' AND paused_at IS NOT NULL ORDER BY job")
    status = "unhealthy" if any(issue.is_critical for issue in issues) else "degraded" if issues else "healthy"
    return CronHealth(
        status=status,
        at=await DB.value("SELECT clock_timestamp()"),
        workers=workers,
        paused=[row["job"] for row in paused],
        issues=issues,
        last_runs=await _last_runs(expected),
    )


async def _last_runs(expected: Sequence[Expected]) -> list[LastRun]:
    rows = await DB.fetch(
        """SELECT r.job, r.status, r.slot, r.started_at, extract(epoch FROM r.ended_at - r.started_at)::float8 AS seconds,
                  r.processed, r.failed
           FROM unnest($1::text[]) WITH ORDINALITY AS e(job, place),
           LATERAL (SELECT * FROM job_runs WHERE job = e.job AND started_at IS NOT NULL ORDER BY started_at DESC LIMIT 1) r
           ORDER BY e.place""",
        [job.name for job in expected],
    )
    return [LastRun(**dict(row)) for row in rows]
