"""The runbook of docs/backups.md: back to a backup, in the right order, with what happened since taken in and nothing sent twice."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import asyncpg
import pytest

from portal.backups import programs, rewinding
from portal.backups.errors import Damaged, InUse
from portal.backups.making import make
from portal.backups.rewinding import restore
from portal.callbacks import CallbackRoad, Message
from portal.callbacks.spooled import to_record
from portal.clock import Clock
from portal.config import Settings
from portal.db import DB
from portal.spool import Spool
from portal.vault import Vault
from tests import factories


@pytest.fixture
async def lost(db: str) -> AsyncIterator[str]:
    """A database of the house that has lost everything, and nobody works in."""
    await DB.fetch("CREATE DATABASE lost_house TEMPLATE template0")
    yield programs.named(db, "lost_house")
    for row in await DB.fetch("SELECT datname FROM pg_database WHERE datname LIKE 'lost\\_house%'"):
        await DB.fetch(f'DROP DATABASE "{row[0]}" WITH (FORCE)')


async def _names() -> list[str]:
    rows = await DB.fetch("SELECT datname FROM pg_database WHERE datname LIKE 'lost\\_house%' ORDER BY 1")
    return [row[0] for row in rows]


async def test_the_runbook(shop: int, settings: Settings, clock: Clock, vault: Vault, lost: str) -> None:
    account = await factories.mpesa_account(vault)
    await DB.fetch("UPDATE mpesa_accounts SET pull_registered_at = now()")
    made = await make(settings, clock)
    spool = Spool(settings.spool_dir)
    spool.append([to_record(_late_callback(clock))])
    spool.release()
    env = os.environ | {
        "PORTAL_DATABASE_URL": lost,
        "PORTAL_DATA_DIR": str(settings.data_dir),
        "PORTAL_SECRET_KEYS": "test:" + bytes(range(32)).hex(),
        "PORTAL_LOG_LEVEL": "error",
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", "from portal.cli import main; main()", "restore", made.path.name, "--yes", env=env,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    said = (await process.communicate())[0].decode()
    assert process.returncode == 0, said
    assert f"{made.path.name} shows" in said
    assert "1 to no address that was restored. 1 M-Pesa accounts are asked" in said, said
    assert "and 1 routers." in said
    names = await _names()
    assert len(names) == 2
    assert names[0] == "lost_house"
    assert names[1].startswith("lost_house_until_")
    restored = await asyncpg.connect(lost)
    try:
        assert await restored.fetchval("SELECT count(*) FROM events WHERE name = 'seen'") == 50
        assert await restored.fetchval("SELECT status FROM routers") == "paused"
        paused = await restored.fetch("SELECT job FROM job_places WHERE paused_at IS NOT NULL ORDER BY job")
        assert sorted(row[0] for row in paused) == sorted(rewinding.HELD_JOBS)
        wish = await restored.fetchrow("SELECT account_id, why, status FROM comparisons")
        assert wish is not None
        assert tuple(wish) == (account, "restore", "running")
    finally:
        await restored.close()
    assert spool.depth().files == 0


def _late_callback(clock: Clock) -> Message:
    return Message.of(CallbackRoad.STK, "0" * 32, b"{}", source="127.0.0.1", is_trusted=True, now=clock.now())


async def test_nothing_is_replaced_while_somebody_works(shop: int, settings: Settings, clock: Clock, lost: str) -> None:
    made = await make(settings, clock)
    worker = await asyncpg.connect(lost)
    home = str(DB.config["dsn"])
    DB.configure(lost)
    try:
        with pytest.raises(InUse, match=r"Stop every vocha up.*Nothing was changed"):
            await restore(settings, clock, made.path)
    finally:
        DB.configure(home)
        await worker.close()
    assert await _names() == ["lost_house"]


async def test_a_damaged_backup_or_a_missing_key_changes_nothing(
    shop: int, settings: Settings, clock: Clock, lost: str
) -> None:
    newer = replace(settings, secret_keys=(("newer", bytes(32)), *settings.secret_keys))
    made = await make(newer, clock)
    without = replace(settings, secret_keys=(("newer", bytes(32)),))
    clock.shift(timedelta(seconds=1))
    home = str(DB.config["dsn"])
    DB.configure(lost)
    try:
        with pytest.raises(rewinding.NotFit, match="“test” is not in the list"):
            await restore(without, clock, made.path)
        made.path.write_bytes(made.path.read_bytes()[:-1])
        with pytest.raises(Damaged):
            await restore(newer, clock, made.path)
    finally:
        DB.configure(home)
    assert await _names() == ["lost_house"]
