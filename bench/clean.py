"""Cleaning a million old rows of a log with its guard, while others write to it; limit: one bare DELETE of the same rows. Beside it what
dropping a monthly partition of them takes, and what partitions cost those who read."""

import asyncio
import tempfile
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

from bench import house
from bench.result import Result, quantile
from portal import upkeep_logs
from portal.clock import Clock
from portal.db import DB
from tests import factories

_ROWS, _QUICK = 1_000_000, 100_000
BAR = {"ratio": 6.0, "longest_wait_s": 1.0}
#: Of few rows the look through all the other tables is the larger part.
_QUICK_BAR = {"ratio": 15.0, "longest_wait_s": 1.0}
_PROBE_EVERY_S = 0.005
#: A year and a month of them, as `hotspot_sessions` would have.
_MONTHS = 14
_LOOKS = 2_000
_FILL = """INSERT INTO {table} (merchant_id, payment_id, verb, asked_at, took_ms, http_status, code, said)
SELECT $1, n, 'query', now() - make_interval(days => $3) - n * interval '1 s', 300, 200, '0', 'The service request is processed.'
FROM generate_series(1, $2::bigint) n"""
_ADD = """INSERT INTO {table} (merchant_id, payment_id, verb, asked_at, said) VALUES ($1, $2, 'push', now(), '')"""


async def run(quick: bool) -> Result:
    """Clean as the job does; then delete barely; then drop."""
    rows = _QUICK if quick else _ROWS
    with tempfile.TemporaryDirectory(prefix="vocha-bench-") as folder:
        async with house.database(Path(folder)):
            merchant = await factories.merchant()
            payment = await factories.payment(merchant, status="failed")
            figures: dict[str, float | int] = {"rows": rows}
            await _fill("exchanges", merchant, rows, days=120)
            await _fill("exchanges", merchant, rows // 5, days=0)
            async with _measured("clean", "exchanges", (merchant, payment), figures):
                report = await upkeep_logs.clean(now=Clock().now(), days={}, budget_s=1200)
            assert report.gone == {"exchanges": rows}, report
            await _vacuum("clean", "exchanges", figures)
            limit = await _bare(merchant, payment, rows, figures)
            await _partitions(merchant, payment, rows, figures)
            await _reads(merchant, figures)
    ratio = round(figures["clean_s"] / limit["delete_s"], 2)
    bar = _QUICK_BAR if quick else BAR
    ok = ratio <= bar["ratio"] and figures["clean_longest_wait_s"] <= bar["longest_wait_s"]
    return Result("clean", figures, limit, ratio, bar, ok)


async def _fill(table: str, merchant: int, rows: int, *, days: int) -> None:
    async with DB.opened.acquire() as connection, connection.transaction():
        await connection.execute("SET LOCAL session_replication_role = replica")  # payments are not what is measured
        await connection.execute(_FILL.format(table=table), merchant, rows, days, timeout=600)
    await DB.opened.execute("CHECKPOINT", timeout=600)


@asynccontextmanager
async def _measured(
    name: str, table: str, whose: tuple[int, int], figures: dict[str, float | int]
) -> AsyncGenerator[None]:
    """Seconds, WAL and how long those waited who added rows meanwhile."""
    waits: list[float] = []
    adding = asyncio.create_task(_add(table, whose, waits))
    await asyncio.sleep(0.2)
    since, began = await DB.value("SELECT pg_current_wal_lsn()"), time.perf_counter()
    try:
        yield
        figures[f"{name}_s"] = round(time.perf_counter() - began, 3)
    finally:
        adding.cancel()
    wal = await DB.value("SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), $1)", since)
    figures[f"{name}_wal_mib"] = round(float(wal) / 2**20, 1)
    figures[f"{name}_p99_wait_ms"] = round(1000 * quantile(waits, 0.99), 1)
    figures[f"{name}_longest_wait_s"] = round(max(waits), 3)


async def _add(table: str, whose: tuple[int, int], waits: list[float]) -> None:
    connection = await DB.connect()
    try:
        while True:
            began = time.perf_counter()
            await connection.execute(_ADD.format(table=table), *whose)
            waits.append(time.perf_counter() - began)
            await asyncio.sleep(_PROBE_EVERY_S)
    finally:
        connection.terminate()


async def _vacuum(name: str, table: str, figures: dict[str, float | int]) -> None:
    """What autovacuum does afterwards; the size stays, the room in it is used again."""
    began = time.perf_counter()
    await DB.opened.execute(f"VACUUM {table}", timeout=600)
    figures[f"{name}_vacuum_s"] = round(time.perf_counter() - began, 3)
    size = await DB.value("SELECT pg_total_relation_size(to_regclass($1))", table)
    figures[f"{name}_left_mib"] = round(size / 2**20, 1)


async def _bare(merchant: int, payment: int, rows: int, figures: dict[str, float | int]) -> dict[str, float | int]:
    await DB.opened.execute("CREATE TABLE bare (LIKE exchanges INCLUDING ALL)")
    await _fill("bare", merchant, rows, days=120)
    await _fill("bare", merchant, rows // 5, days=0)
    async with _measured("delete", "bare", (merchant, payment), figures):
        await DB.opened.execute("DELETE FROM bare WHERE asked_at < now() - interval '90 days'", timeout=600)
    return {"delete_s": figures.pop("delete_s"), "delete_wal_mib": figures.pop("delete_wal_mib")}


async def _partitions(merchant: int, payment: int, rows: int, figures: dict[str, float | int]) -> None:
    """The same rows, the old ones in a partition of their own, which is detached without a lock that stops anybody, and dropped."""
    await DB.opened.execute(
        """CREATE TABLE parted (LIKE exchanges INCLUDING DEFAULTS) PARTITION BY RANGE (asked_at);
           ALTER TABLE parted ADD PRIMARY KEY (id, asked_at); CREATE INDEX ON parted (payment_id)"""
    )
    for name, since, until in (
        ("old", "-infinity", "now() - interval '90 days'"),
        ("young", "now() - interval '90 days'", "infinity"),
    ):
        bounds = [
            await DB.value(f"SELECT date_trunc('day', {each})::text" if "now" in each else f"SELECT '{each}'")
            for each in (since, until)
        ]
        await DB.opened.execute(
            f"CREATE TABLE parted_{name} PARTITION OF parted FOR VALUES FROM ('{bounds[0]}') TO ('{bounds[1]}')"
        )
    await _fill("parted", merchant, rows, days=120)
    await _fill("parted", merchant, rows // 5, days=0)
    async with _measured("drop", "parted", (merchant, payment), figures):
        connection = await DB.connect()
        try:
            await connection.execute("ALTER TABLE parted DETACH PARTITION parted_old CONCURRENTLY")
            await connection.execute("DROP TABLE parted_old")
        finally:
            await connection.close()


async def _reads(merchant: int, figures: dict[str, float | int]) -> None:
    """Reading a payment's rows out of one table, and out of partitions by the month, none of which the question names."""
    await DB.opened.execute(
        """CREATE TABLE whole (LIKE exchanges INCLUDING ALL);
           CREATE TABLE months (LIKE exchanges INCLUDING DEFAULTS) PARTITION BY RANGE (asked_at);
           ALTER TABLE months ADD PRIMARY KEY (id, asked_at); CREATE INDEX ON months (payment_id)"""
    )
    today = datetime.now(UTC).date()
    for month in range(_MONTHS):
        first = await DB.value("SELECT date_trunc('month', $1::date) - make_interval(months => $2)", today, month - 1)
        await DB.opened.execute(
            f"CREATE TABLE months_{month} PARTITION OF months FOR VALUES FROM ('{first}') TO ('{first}'::timestamptz + interval '1 month')"
        )
    for table in ("whole", "months"):
        for month in range(_MONTHS - 1):
            await _fill(table, merchant, 10_000, days=30 * month)
        await DB.opened.execute(f"ANALYZE {table}")
    for table in ("whole", "months"):
        figures[f"read_{table}_us"] = round(1e6 * await _read(table, range(1, _LOOKS)))
        figures[f"add_{table}_us"] = round(1e6 * await _write(table, merchant))


async def _read(table: str, ids: Sequence[int]) -> float:
    connection = await DB.connect()
    try:
        look = await connection.prepare(f"SELECT * FROM {table} WHERE payment_id = $1 ORDER BY id")
        for one in ids[:50]:
            await look.fetch(one)
        began = time.perf_counter()
        for one in ids:
            await look.fetch(one)
        return (time.perf_counter() - began) / len(ids)
    finally:
        await connection.close()


async def _write(table: str, merchant: int) -> float:
    connection = await DB.connect()
    try:
        add = await connection.prepare(_ADD.format(table=table))
        await connection.execute("SET session_replication_role = replica")
        began = time.perf_counter()
        async with connection.transaction():
            for one in range(_LOOKS):
                await add.fetch(merchant, one)
        return (time.perf_counter() - began) / _LOOKS
    finally:
        await connection.close()
