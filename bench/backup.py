"""A backup of a million rows of history, its proof and its restore, beside pg_dump and pg_restore alone on the same rows.

The bar: making a backup takes at most 1.6 times as long as `pg_dump --format=custom --compress=4` into a file in the same run. What
is compared is the dump, the counting, the cipher and the fsync against the dump alone; the drill's own server is in its figure."""

import asyncio
import subprocess
import tempfile
import time
from datetime import timedelta
from pathlib import Path

from bench import house
from bench.result import Result
from portal.backups import making, programs, reading
from portal.backups.drills import drill, scratch_server
from portal.clock import Clock
from portal.config import Settings
from portal.db import DB
from portal.invariants import audit

_ROWS, _QUICK = 1_000_000, 200_000
_BAR = 1.6
_FILL = """INSERT INTO events (merchant_id, entity, entity_id, name, was, became, actor, data, at)
SELECT NULL, 'payments', n, 'confirmed', 'pending', 'paid', 'mpesa',
  jsonb_build_object('receipt', upper(substr(md5(n::text), 1, 10)), 'amount_cents', n % 90 * 100), now() - n * interval '1 s'
FROM generate_series(1, $1::bigint) n"""


async def run(quick: bool) -> Result:
    """Fill, dump plainly, back up, verify, drill."""
    rows = _QUICK if quick else _ROWS
    with tempfile.TemporaryDirectory(prefix="vocha-bench-") as name:
        folder = Path(name)
        async with house.database(folder / "postgres") as dsn:
            await DB.opened.execute(_FILL, rows, timeout=600)
            await audit.seal()
            await DB.opened.execute("CHECKPOINT")
            settings = Settings.from_env(
                {
                    "PORTAL_DATABASE_URL": dsn,
                    "PORTAL_DATA_DIR": str(folder),
                    "PORTAL_SECRET_KEYS": f"bench:{house.KEY.hex()}",
                }
            )
            return await _measure(settings, dsn, rows)


async def _measure(settings: Settings, dsn: str, rows: int) -> Result:
    plain = settings.data_dir / "plain.dump"
    found = programs.programs_for(int(await DB.value("SHOW server_version_num")) // 10_000)
    address, env = programs.connecting(dsn)
    dump = [found.program("pg_dump"), "--format=custom", "--compress=4", f"--file={plain}", f"--dbname={address}"]
    plain_s, backup_s = float("inf"), float("inf")
    clock = Clock()
    for number in range(2):  # the better of two each, in turns: others work on this machine too
        clock.shift(timedelta(minutes=number))  # a name holds the second
        began = time.perf_counter()
        await asyncio.to_thread(subprocess.run, dump, env=env, check=True)
        plain_s = min(plain_s, time.perf_counter() - began)
        began = time.perf_counter()
        await making.make(settings, clock)
        backup_s = min(backup_s, time.perf_counter() - began)
    newest = making.shelf_of(settings).find("newest")
    began = time.perf_counter()
    await reading.verify(newest, settings.secret_keys)
    verify_s = time.perf_counter() - began
    began = time.perf_counter()
    drilled = await drill(settings, clock)
    drill_s = time.perf_counter() - began
    ratio = round(backup_s / plain_s, 2)
    return Result(
        bench="backup",
        figures={
            "rows": rows,
            "database_mib": round(await DB.value("SELECT pg_database_size(current_database())") / 2**20, 1),
            "backup_s": round(backup_s, 2),
            "backup_mib": round(newest.stat().st_size / 2**20, 1),
            "rows_per_s": round(rows / backup_s),
            "verify_s": round(verify_s, 2),
            "restore_s": round(drilled.restore_s, 2),
            "prove_s": round(drilled.prove_s, 2),
            "drill_s": round(drill_s, 2),
        },
        limit={
            "pg_dump_s": round(plain_s, 2),
            "pg_restore_s": round(await _plain_restore(found, plain), 2),
            "dump_mib": round(plain.stat().st_size / 2**20, 1),
        },
        ratio=ratio,
        bar={"ratio": _BAR},
        ok=ratio <= _BAR,
    )


async def _plain_restore(found: programs.Programs, plain: Path) -> float:
    async with scratch_server(plain.parent / "drill") as dsn:
        address, env = programs.connecting(dsn)
        command = [found.program("pg_restore"), "--no-owner", "--single-transaction", f"--dbname={address}", str(plain)]
        began = time.perf_counter()
        await asyncio.to_thread(subprocess.run, command, env=env, check=True)
        return time.perf_counter() - began
