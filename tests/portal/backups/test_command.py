"""`vocha backup now` as a command: what it makes counts for the backup's age, as the nightly one does."""

import asyncio
import os
import sys
from datetime import UTC, datetime
from pathlib import Path

from portal import alerts, health, job_places, job_runs
from portal.db import DB, atomic
from portal.health import Expected
from portal.job_runs import FAILED_ALERT, SILENT_ALERT

ROOT = Path(__file__).resolve().parents[3]
EXPECTED = [Expected("backup", overdue_s=93_600)]


async def overdue() -> None:
    """A backup is overdue, and the last one failed; both were told."""
    await job_runs.know(["backup"])
    await DB.fetch("UPDATE job_places SET known_at = now() - interval '3 days'")
    await health.watch(EXPECTED)
    async with atomic() as tx:
        await alerts.begin(tx, FAILED_ALERT, "backup", now=datetime.now(UTC))


async def open_alerts() -> list[str]:
    return [each.subject for kind in (SILENT_ALERT, FAILED_ALERT) for each in await alerts.open_now(kind)]


async def test_a_backup_by_hand_ends_the_alarm_about_its_age(shop: int, migrated: str, tmp_path: Path) -> None:
    await overdue()
    assert await open_alerts() == ["backup", "backup"]
    env = {
        "PATH": os.environ["PATH"], "PORTAL_DATABASE_URL": migrated, "PORTAL_DATA_DIR": str(tmp_path),
        "PORTAL_SECRET_KEYS": "test:" + bytes(range(32)).hex(), "PORTAL_BASE_URL": "http://portal.test",
    }  # fmt: skip
    command = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "portal.cli", "backup", "now", cwd=ROOT, env=env, stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    said, _ = await command.communicate()
    assert command.returncode == 0, said.decode()
    assert await open_alerts() == []
    assert await health.silences(EXPECTED) == []
    event = await DB.row("SELECT name, actor FROM events WHERE entity = 'job_places'")
    assert event
    assert tuple(event) == ("job_done_by_hand", "command")


async def test_a_drill_by_hand_counts_in_a_house_that_never_had_the_job(db: str) -> None:
    await job_places.done_by_hand("restore-drill", "command")
    age = await DB.value("SELECT extract(epoch FROM clock_timestamp() - last_done_at)::int FROM job_places")
    assert age <= 5
