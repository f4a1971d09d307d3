"""A backup is made whole or not at all, and says what went wrong."""

import asyncio
import hashlib
import os
import resource
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from portal.backups import making, programs, reading
from portal.backups.errors import AfterwardsFailed, BackupError, Busy, DiskFull, DumpFailed, NoPrograms
from portal.backups.making import make, shelf_of
from portal.backups.programs import Programs
from portal.clock import Clock
from portal.config import Settings
from portal.config_backups import Backups
from portal.db import DB


async def test_a_backup_counts_every_row_and_can_be_read(shop: int, settings: Settings, clock: Clock) -> None:
    made = await make(settings, clock)
    assert made.path.parent == settings.data_dir / "backups"
    assert stat.S_IMODE(made.path.stat().st_mode) == 0o600
    assert made.manifest.holds.tables["events"] == 50
    assert made.manifest.holds.tables["merchants"] == 1
    assert made.manifest.holds.stamp.startswith("vocha ")
    assert made.size_bytes == made.path.stat().st_size
    assert made.sha256 == hashlib.sha256(made.path.read_bytes()).hexdigest()
    assert await reading.verify(made.path, settings.secret_keys) == made.manifest
    row = await DB.row("SELECT name, rows_total, sha256, key_name, removed_at FROM backups")
    assert row
    assert tuple(row) == (made.path.name, made.manifest.holds.rows, made.sha256, "test", None)


async def test_nothing_of_the_rows_stands_in_the_file(shop: int, settings: Settings, clock: Clock) -> None:
    made = await make(settings, clock)
    stored = made.path.read_bytes()
    for secret in (b"Kilimani", b"CREATE TABLE", b"merchants", b"PGDMP", b"made_at", settings.secret_keys[0][1]):
        assert secret not in stored


async def test_counts_and_dump_are_of_one_moment(
    shop: int, settings: Settings, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = programs.start

    async def late(*args: str, **options: object) -> asyncio.subprocess.Process:
        await DB.fetch("DELETE FROM packages")  # after the counting, before the dump
        return await start(*args, **options)  # pyright: ignore[reportArgumentType]

    monkeypatch.setattr(programs, "start", late)
    made = await make(settings, clock)
    assert made.manifest.holds.tables["packages"] == 1
    with reading.opened(made.path, settings.secret_keys) as backup:
        archive = b"".join(backup.chunks())
    pg_restore = programs.programs_for(made.manifest.program).program("pg_restore")
    done = subprocess.run(  # noqa: ASYNC221
        [pg_restore, "--data-only", "--table=packages", "--file=-"], input=archive, capture_output=True, check=True
    )
    assert b"1 hour" in done.stdout


@pytest.fixture
def small_files() -> Iterator[None]:
    """No file may grow above 4 KiB, as on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


async def test_a_full_disk_is_told_and_older_backups_stay(
    shop: int, settings: Settings, clock: Clock, request: pytest.FixtureRequest
) -> None:
    older = await make(settings, clock)
    clock.shift(timedelta(days=1))
    request.getfixturevalue("small_files")
    with pytest.raises(DiskFull, match=r"no room .* MiB free.*Older backups are as they were"):
        await make(settings, clock)
    assert [path.name for path in older.path.parent.iterdir() if not path.name.startswith(".")] == [older.path.name]
    assert await reading.verify(older.path, settings.secret_keys) == older.manifest


_KILLED = """
import asyncio, os, signal, sys
from portal.backups import making
from portal.clock import Clock
from portal.config import Settings
from portal.db import DB
from portal.migrations import migrate

async def go():
    settings = Settings.from_env(os.environ)
    DB.configure(settings.database_url)
    await DB.open(min_size=1, max_size=2)
    making.Sealer.end = lambda self: (self._file.flush(), os.kill(os.getpid(), signal.SIGKILL))
    await making.make(settings, Clock())

asyncio.run(go())
"""


async def test_killed_in_the_middle_it_leaves_no_backup_and_the_next_one_tidies(
    shop: int, settings: Settings, clock: Clock, migrated: str
) -> None:
    env = os.environ | {
        "PORTAL_DATABASE_URL": migrated,
        "PORTAL_DATA_DIR": str(settings.data_dir),
        "PORTAL_SECRET_KEYS": "test:" + bytes(range(32)).hex(),
    }
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", _KILLED, env=env)
    assert await process.wait() == -signal.SIGKILL
    shelf = shelf_of(settings)
    halves = list(shelf.folder.glob("*.part"))
    assert len(halves) == 1
    assert halves[0].stat().st_size > 0
    assert shelf.all() == []
    made = await make(settings, clock)
    assert [kept.path for kept in shelf.all()] == [made.path]
    assert not list(shelf.folder.glob("*.part"))


async def test_two_at_once_are_refused(shop: int, settings: Settings, clock: Clock) -> None:
    with shelf_of(settings).held(), pytest.raises(Busy, match="under way"):
        await make(settings, clock)


async def test_retention_takes_the_old_away_and_says_so_in_the_row(shop: int, settings: Settings, clock: Clock) -> None:
    few = replace(settings, backups=Backups(retention=making.Retention(1, 0, 0)))
    first = await make(few, clock)
    clock.shift(timedelta(days=1))
    second = await make(few, clock)
    assert second.removed == [first.path]
    assert [kept.path for kept in shelf_of(few).all()] == [second.path]
    gone = await DB.fetch("SELECT name FROM backups WHERE removed_at IS NOT NULL")
    assert [row["name"] for row in gone] == [first.path.name]


async def test_it_is_copied_elsewhere_and_the_command_gets_its_path(
    shop: int, settings: Settings, clock: Clock, tmp_path: Path
) -> None:
    (tmp_path / "usb").mkdir()
    script = "import sys,shutil; shutil.copy(sys.argv[-1], sys.argv[1])"
    command = f"{sys.executable} -c '{script}' {tmp_path}/hooked"
    both = replace(settings, backups=Backups(copy_folder=tmp_path / "usb", command=command))
    made = await make(both, clock)
    stored = made.path.read_bytes()
    assert (tmp_path / "usb" / made.path.name).read_bytes() == stored
    assert (tmp_path / "hooked").read_bytes() == stored


@pytest.mark.parametrize(
    ("where", "words"),
    [
        (Backups(copy_folder=Path("/nowhere/usb")), "could not be copied to /nowhere/usb"),
        (Backups(command=f"{sys.executable} -c 'import sys; sys.exit(\"no network\")'"), "status 1: no network"),
    ],
)
async def test_what_fails_afterwards_leaves_the_backup_and_is_told(
    shop: int, settings: Settings, clock: Clock, where: Backups, words: str
) -> None:
    with pytest.raises(AfterwardsFailed, match=words):
        await make(replace(settings, backups=where), clock)
    assert len(shelf_of(settings).all()) == 1


async def test_what_pg_dump_says_is_told(
    shop: int, settings: Settings, clock: Clock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = tmp_path / "pg_dump"
    script.write_text("#!/bin/sh\nhead -c 3000000 /dev/zero\necho 'pg_dump: error: the server went away' >&2\nexit 1\n")
    script.chmod(0o755)

    def broken(_major: int) -> Programs:
        return Programs(tmp_path, 99)

    monkeypatch.setattr(making, "programs_for", broken)
    with pytest.raises(DumpFailed, match="pg_dump failed: pg_dump: error: the server went away"):
        await make(settings, clock)
    assert list(shelf_of(settings).folder.glob("vocha*")) == []
    assert await DB.value("SELECT count(*) FROM backups") == 0


def test_no_programs_for_a_server_of_the_future() -> None:
    with pytest.raises(NoPrograms, match=r"PostgreSQL 99, .* postgresql-client-99"):
        programs.programs_for(99)


async def test_a_folder_that_cannot_be_used_is_told(shop: int, settings: Settings, clock: Clock) -> None:
    (settings.data_dir / "file").write_text("")
    wrong = replace(settings, backups=Backups(folder=settings.data_dir / "file"))
    with pytest.raises(BackupError, match=r"cannot be used for backups.*PORTAL_BACKUP_DIR"):
        await make(wrong, clock)


def test_passwords_are_no_arguments() -> None:
    address, env = programs.connecting("postgresql://vocha:p%40ss@db.test:5432/shop?sslmode=require")
    assert address == "postgresql://vocha@db.test:5432/shop?sslmode=require"
    assert env["PGPASSWORD"] == "p@ss"
    address, env = programs.connecting("postgresql:///shop?host=/run&password=x")
    assert (address, env["PGPASSWORD"]) == ("postgresql:///shop?host=%2Frun", "x")
    assert "PGPASSWORD" not in programs.connecting("postgresql://vocha@/shop?host=/run")[1]
