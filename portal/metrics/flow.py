"""What happened since this process was first asked, counted from rows as they are added: only what is new is read.

Two processes that are asked count the same rows each: have one of them scraped, or do not add them up."""

from collections import Counter
from datetime import datetime, timedelta

from portal.db import DB
from portal.meters import Histogram, Labels

#: A run's end is read this much later, since transactions do not end in the order of their moments.
_SETTLED = timedelta(seconds=5)

_EVENTS = """
SELECT entity, coalesce(was, '') AS was, name, coalesce(became, '') AS became, count(*) AS times FROM events
WHERE id > $1 AND id <= $2 AND entity IN ('payments', 'messages') GROUP BY 1, 2, 3, 4"""
_TO_ONLINE = """
SELECT extract(epoch FROM e.at - v.paid_at)::float8 AS seconds FROM events e JOIN vouchers v ON v.id = e.entity_id
WHERE e.id > $1 AND e.id <= $2 AND e.entity = 'vouchers' AND e.name = 'start' AND v.paid_at <= e.at
AND EXISTS (SELECT FROM checkouts c WHERE c.voucher_id = v.id)"""
_LATENESS = """
SELECT extract(epoch FROM e.at - v.expires_at)::float8 AS seconds FROM events e
JOIN access_grants g ON g.id = e.entity_id JOIN vouchers v ON v.id = g.voucher_id
WHERE e.id > $1 AND e.id <= $2 AND e.entity = 'access_grants' AND e.name = 'leave' AND v.status = 'expired'
AND v.ended_why IN ('usage', 'purchase', 'activation') AND v.expires_at <= e.at"""
_CALLBACKS = """
SELECT coalesce(outcome, 'waiting') AS result, is_trusted, extract(epoch FROM handled_at - received_at)::float8 AS seconds
FROM callbacks WHERE id > $1 AND id <= $2"""
_RUNS = """
SELECT job, CASE WHEN covered_by IS NULL THEN status ELSE 'covered' END AS outcome, count(*) AS times FROM job_runs
WHERE ended_at > $1 AND ended_at <= $2 GROUP BY 1, 2"""


class Flow:
    """Counters and histograms of one process; `read` before showing them. A row is counted at the second `read` after it was
    written, so that a transaction that ends late is not passed over."""

    def __init__(self) -> None:
        self.intents: Counter[Labels] = Counter()
        self.pushes: Counter[Labels] = Counter()
        self.messages: Counter[Labels] = Counter()
        self.callbacks: Counter[Labels] = Counter()
        self.runs: Counter[Labels] = Counter()
        self.settle = Histogram()
        self.to_online = Histogram()
        self.lateness = Histogram()
        #: By table: read up to here, and seen up to there.
        self._marks: dict[str, tuple[int, int]] = {}
        self._runs_until: datetime | None = None

    async def read(self) -> None:
        """Count what is new."""
        await self._read_events(*await self._span("events"))
        low, high = await self._span("payments")
        if high > low:
            self.intents[("created",)] += await DB.value(
                "SELECT count(*) FROM payments WHERE id > $1 AND id <= $2", low, high
            )
        low, high = await self._span("callbacks")
        for row in await DB.fetch(_CALLBACKS, low, high) if high > low else ():
            self.callbacks[(row["result"], "yes" if row["is_trusted"] else "no")] += 1
            if row["seconds"] is not None:
                self.settle.add(row["seconds"])
        await self._read_runs()

    async def _span(self, table: str) -> tuple[int, int]:
        top = await DB.value(f"SELECT coalesce(max(id), 0) FROM {table}")
        low, high = self._marks.get(table, (top, top))
        self._marks[table] = (high, top)
        return low, high

    async def _read_events(self, low: int, high: int) -> None:
        if high <= low:
            return
        for row in await DB.fetch(_EVENTS, low, high):
            if row["entity"] == "messages":
                if row["became"] in ("sent", "failed", "unknown", "dropped"):
                    self.messages[(row["became"],)] += row["times"]
                continue
            if row["became"]:
                self.intents[(row["became"],)] += row["times"]
            if row["was"] == "submitting":
                self.pushes[(row["name"],)] += row["times"]
        self.to_online.add_all([row["seconds"] for row in await DB.fetch(_TO_ONLINE, low, high)])
        self.lateness.add_all([row["seconds"] for row in await DB.fetch(_LATENESS, low, high)])

    async def _read_runs(self) -> None:
        until = await DB.value("SELECT clock_timestamp()") - _SETTLED
        since, self._runs_until = self._runs_until, until
        if since is None:
            return
        for row in await DB.fetch(_RUNS, since, until):
            self.runs[(row["job"], row["outcome"])] += row["times"]
