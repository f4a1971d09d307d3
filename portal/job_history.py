"""What ran: how every job stands, its runs, its troubles, and the last slots as a picture. Reads only.

Runs are the platform's, not a merchant's: their errors may name anybody's rows. A merchant is told what jobs did to his own."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec
from asyncpg import Record

from portal.db import DB
from portal.errors import NotFound
from portal.identity import Actor
from portal.job_runs import RunStatus

PAGE_SIZE = 50
TROUBLES = 10
ENDED = ("done", "failed", "dead", "discarded")
#: Runs the percentile looks back on, and a merchant's events looked through.
_LOOKED_AT, _EVENTS = 200, 20_000


class RunView(msgspec.Struct, frozen=True, kw_only=True):
    """One run. `requested_by` is "user:7", "cron" or such; `by` the person's name, "" for none. `done` of `total` (None: nobody
    knows how many) `what` is its progress."""

    id: int
    job: str
    key: str
    slot: datetime
    source: str
    requested_by: str
    by: str
    status: str
    asked_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    next_try_at: datetime | None
    processed: int
    failed: int
    attempts: int
    done: int
    total: int | None
    what: str
    covered_by: int | None
    host: str
    error: str

    @property
    def seconds(self) -> float | None:
        """How long its last try took; None while it runs or when it never ran."""
        if self.started_at is None or self.ended_at is None:
            return None
        return max(0.0, (self.ended_at - self.started_at).total_seconds())

    @property
    def percent(self) -> int | None:
        """How far it is, 0 to 100; None when nobody knows."""
        return min(100, 100 * self.done // self.total) if self.total else None

    @property
    def is_open(self) -> bool:
        """Whether it may still change by itself."""
        return self.status not in ENDED


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """How one job stands. `last` is its newest run whose last try ended, `under_way` one that runs or waits to; `p95_s` is
    of its last good runs."""

    last: RunView | None = None
    under_way: RunView | None = None
    last_done_at: datetime | None = None
    known_at: datetime | None = None
    paused_at: datetime | None = None
    paused_by: str = ""
    paused_why: str = ""
    p95_s: float | None = None
    troubles: int = 0


class Deed(msgspec.Struct, frozen=True, kw_only=True):
    """What a job did to a merchant's rows lately: how many events, the newest when."""

    count: int
    at: datetime


_RUN = """
SELECT r.*, coalesce(u.name, '') AS by FROM job_runs r LEFT JOIN users u ON 'user:' || u.id = r.requested_by"""


def _run(row: Record) -> RunView:
    return RunView(
        done=row["progress_done"], total=row["progress_total"], what=row["progress_what"], error=row["error"] or "",
        **{name: row[name] for name in _PLAIN},
    )  # fmt: skip


_PLAIN = tuple(field for field in RunView.__struct_fields__ if field not in ("done", "total", "what", "error"))

_STANDINGS = f"""
SELECT n.name, p.known_at, p.last_done_at, p.paused_at, p.paused_why, coalesce(u.name, p.paused_by, '') AS paused_by,
       l.id AS last_id, g.id AS open_id, s.p95, t.troubles
FROM unnest($1::text[]) AS n(name)
LEFT JOIN job_places p ON p.job = n.name AND p.key = ''
LEFT JOIN users u ON 'user:' || u.id = p.paused_by
LEFT JOIN LATERAL (SELECT id FROM job_runs WHERE job = n.name AND started_at IS NOT NULL AND covered_by IS NULL
                   AND status NOT IN ('queued', 'running') ORDER BY started_at DESC LIMIT 1) l ON true
LEFT JOIN LATERAL (SELECT id FROM job_runs WHERE job = n.name AND status IN ('queued', 'running')
                   ORDER BY status DESC, id DESC LIMIT 1) g ON true
LEFT JOIN LATERAL (SELECT percentile_cont(0.95) WITHIN GROUP (ORDER BY extract(epoch FROM ended_at - started_at)) AS p95
                   FROM (SELECT started_at, ended_at FROM job_runs
                         WHERE job = n.name AND status = 'done' AND covered_by IS NULL AND started_at IS NOT NULL
                         ORDER BY started_at DESC LIMIT {_LOOKED_AT}) recent) s ON true
LEFT JOIN (SELECT job, count(*) AS troubles FROM job_runs WHERE status IN ('failed', 'dead') GROUP BY job) t ON t.job = n.name"""


async def standings(names: Sequence[str]) -> Mapping[str, Standing]:
    """How each of these jobs stands; one that never ran has an empty standing."""
    rows = await DB.fetch(_STANDINGS, list(names))
    wanted = {row[name] for row in rows for name in ("last_id", "open_id")} - {None}
    runs = {row["id"]: _run(row) for row in await DB.fetch(f"{_RUN} WHERE r.id = ANY($1)", list(wanted))}
    return {
        row["name"]: Standing(
            last=runs.get(row["last_id"]), under_way=runs.get(row["open_id"]), last_done_at=row["last_done_at"],
            known_at=row["known_at"], paused_at=row["paused_at"], paused_by=row["paused_by"],
            paused_why=row["paused_why"] or "", p95_s=row["p95"], troubles=row["troubles"] or 0,
        )
        for row in rows
    }  # fmt: skip


class Filter(msgspec.Struct, frozen=True, kw_only=True):
    """Which runs to list; "" and None: any."""

    job: str = ""
    statuses: tuple[str, ...] = ()
    source: str = ""
    since: datetime | None = None
    before: int | None = None


async def history(wanted: Filter, *, most: int = PAGE_SIZE) -> list[RunView]:
    """Runs, those asked for last first. `before` is the id of the last one of the page before."""
    # Written out, not passed: only so can the planner see that the few open ones have an index of their own.
    statuses = ", ".join(f"'{RunStatus(status).value}'" for status in wanted.statuses)
    rows = await DB.fetch(
        f"""{_RUN} WHERE r.id < $1 {"AND r.job = $2" if wanted.job else "AND $2 = ''"}
            {f"AND r.status IN ({statuses})" if statuses else ""}
            AND ($3 = '' OR r.source = $3) AND ($4::timestamptz IS NULL OR r.slot >= $4) ORDER BY r.id DESC LIMIT $5""",
        wanted.before or 2**63 - 1, wanted.job, wanted.source, wanted.since, most,
    )  # fmt: skip
    return [_run(row) for row in rows]


class Trouble(msgspec.Struct, frozen=True, kw_only=True):
    """A run that failed, with what came since: `is_over` when the job has run well after it."""

    run: RunView
    is_over: bool


_TROUBLES = """
SELECT r.*, coalesce(u.name, '') AS by, coalesce(p.last_done_at > r.ended_at, false) AS is_over
FROM (SELECT * FROM job_runs WHERE status IN ('failed', 'dead') UNION ALL SELECT * FROM job_runs WHERE status = 'retry') r
LEFT JOIN users u ON 'user:' || u.id = r.requested_by LEFT JOIN job_places p ON p.job = r.job AND p.key = r.key
WHERE r.id < $1 AND (NOT $2 OR p.last_done_at > r.ended_at) ORDER BY r.id DESC LIMIT $3"""


async def troubles(*, before: int | None = None) -> list[Trouble]:
    """Runs in which a person may have a say, and those that will be tried again: the newest first, a page of them."""
    rows = await DB.fetch(_TROUBLES, before or 2**63 - 1, False, TROUBLES)
    return [Trouble(run=_run(row), is_over=row["is_over"]) for row in rows]


async def over(*, most: int = 500) -> list[int]:
    """The runs that failed, of jobs that have run well since: nothing is lost by leaving them undone."""
    rows = await DB.fetch(_TROUBLES, 2**63 - 1, True, most)
    return [row["id"] for row in rows if row["status"] != "retry"]


async def run_of(run_id: int, job: str) -> RunView:
    """One run of this job; NotFound when there is none."""
    row = await DB.row(f"{_RUN} WHERE r.id = $1 AND r.job = $2", run_id, job)
    if row is None:
        raise NotFound
    return _run(row)


async def run_of_slot(job: str, slot: datetime) -> RunView | None:
    """The run of a whole job in this slot; None when nobody asked for one."""
    row = await DB.row(f"{_RUN} WHERE r.job = $1 AND r.key = '' AND r.slot = $2", job, slot)
    return _run(row) if row else None


_TONES = ("none", "ok", "warn", "bad")
_MAP = """
SELECT job, width_bucket(extract(epoch FROM slot), extract(epoch FROM $2::timestamptz), extract(epoch FROM $3::timestamptz), $4) AS piece,
       max(CASE WHEN status IN ('failed', 'dead') THEN 3 WHEN failed > 0 OR status IN ('retry', 'discarded') THEN 2
                WHEN status IN ('done', 'running') THEN 1 ELSE 0 END) AS worst
FROM job_runs WHERE job = ANY($1) AND started_at >= $2 AND slot >= $2 AND slot < $3 GROUP BY 1, 2"""


async def heat(names: Sequence[str], *, since: datetime, until: datetime, pieces: int) -> Mapping[str, list[str]]:
    """The slots between two moments, cut into `pieces`: per job the worst tone in each, "none" where no slot was."""
    found = {name: ["none"] * pieces for name in names}
    for row in await DB.fetch(_MAP, list(names), since, until, pieces):
        found[row["job"]][row["piece"] - 1] = _TONES[row["worst"]]
    return found


async def durations(job: str, *, most: int = 60) -> list[RunView]:
    """The newest runs that came to an end, the oldest of them first: for a chart."""
    rows = await DB.fetch(
        f"""{_RUN} WHERE r.job = $1 AND r.started_at IS NOT NULL AND r.ended_at IS NOT NULL AND r.covered_by IS NULL
            ORDER BY r.started_at DESC LIMIT $2""",
        job,
        most,
    )
    return [_run(row) for row in reversed(rows)]


async def deeds(actor: Actor, *, now: datetime, hours: int = 24) -> Mapping[str, Deed]:
    """What jobs did to the merchant's own rows in the last hours, by name of the job."""
    rows = await DB.fetch(
        """SELECT substr(actor, 5) AS job, count(*) AS count, max(at) AS at
           FROM (SELECT actor, at FROM events WHERE merchant_id = $1 ORDER BY id DESC LIMIT $2) newest
           WHERE actor LIKE 'job:%' AND at > $3 GROUP BY 1""",
        actor.at_merchant(), _EVENTS, now - timedelta(hours=hours),
    )  # fmt: skip
    return {row["job"]: Deed(count=row["count"], at=row["at"]) for row in rows}


def encode(run: RunView) -> dict[str, Any]:
    """A run as machines read it; nothing of any merchant's but what an error says."""
    plain = msgspec.to_builtins(run)
    return {name: value for name, value in plain.items() if name not in ("requested_by", "by", "host")}
