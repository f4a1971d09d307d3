"""Restoring for real: the world outside went on after the backup was made, so what was restored must first learn of it.

The backup goes into a database of its own beside ours, is proved and prepared there, and takes ours' place by name only at the
end: until then nothing has happened, and what we had stays under another name. Preparing: what goes outside (money, messages) is
paused, routers are left alone so that who paid since stays online, callbacks that wait on the disk are taken in, and M-Pesa's list of
the last 48 hours is asked for. A person lets go again: docs/backups.md says how."""

import contextlib
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import asyncpg

from portal import callbacks, job_runs
from portal.backups import programs
from portal.backups.errors import BackupError, InUse, NotFit
from portal.backups.making import shelf_of
from portal.backups.manifest import Manifest
from portal.backups.proving import prove
from portal.backups.reading import restore_into, verify
from portal.callbacks import Drained
from portal.clock import Clock
from portal.config import Settings
from portal.db import DB, atomic
from portal.reconciliation import pulling
from portal.spool import Spool
from portal.states import E, move_all

ACTOR = "restore"
#: What must not go out a second time: it may have gone out after the backup was made.
HELD_JOBS = ("payouts", "refunds", "send-messages", "send-webhooks", "bill-subscribers", "disconnect-expired")
_AT_WORK = "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = $1 AND backend_type = 'client backend')"
_IN_USE = (
    "Somebody is connected to the database. Stop every vocha up, serve and work, and whatever else uses it, and try again."
    " Nothing was changed."
)


@dataclass(frozen=True, slots=True)
class Rewound:
    """What was done. `old_name`: the database that was replaced is kept under this name. `pulls`: looks at M-Pesa's list asked for."""

    manifest: Manifest
    old_name: str
    known: list[str]
    paused_routers: int
    drained: Drained
    pulls: int


async def restore(settings: Settings, clock: Clock, path: Path) -> Rewound:
    """Replace the database `DB` is configured for (and not open on) by a backup. Nobody may be connected to it: InUse.

    Needs the right to create databases. Whatever fails leaves everything as it was."""
    home = str(DB.config["dsn"])
    stamp = f"{clock.now():%Y%m%d_%H%M%S}"
    with shelf_of(settings).held("drill"):
        manifest = await verify(path, settings.secret_keys)
        async with _connected(programs.named(home, "postgres")) as admin:
            name = urlsplit(home).path.lstrip("/")
            fresh, kept = f"{name[:40]}_new_{stamp}", f"{name[:40]}_until_{stamp}"
            await _nobody_works(admin, name)
            await _create(admin, fresh)
            try:
                known, paused, pulls = await _build(programs.named(home, fresh), path, settings, now=clock.now())
                await _swap(admin, name, fresh=fresh, kept=kept)
            except BaseException:
                await admin.execute(f'DROP DATABASE IF EXISTS "{fresh}" WITH (FORCE)')
                raise
            finally:
                DB.configure(home)
        # Only now: what is taken off the disk must be in the database that stays.
        async with _open_on(home):
            drained = await callbacks.drain(Spool(settings.spool_dir, most_bytes=settings.spool_most_bytes), clock)
    return Rewound(manifest, kept, known, paused, drained, pulls)


@contextlib.asynccontextmanager
async def _connected(dsn: str) -> AsyncGenerator[Any]:
    connection = await asyncpg.connect(dsn)
    try:
        yield connection
    finally:
        await connection.close()


@contextlib.asynccontextmanager
async def _open_on(dsn: str) -> AsyncGenerator[None]:
    DB.configure(dsn)
    await DB.open(min_size=1, max_size=2)
    try:
        yield
    finally:
        await DB.close()


async def _build(dsn: str, path: Path, settings: Settings, *, now: datetime) -> tuple[list[str], int, int]:
    """Restore into an empty database, prove it and prepare it; what was wrong before, routers paused, looks asked for."""
    manifest = await restore_into(dsn, path, settings.secret_keys)
    findings = await prove(dsn, settings.secret_keys, manifest)
    if findings.problems:
        raise NotFit("The backup is not what it was: %(what)s", params={"what": "; ".join(findings.problems)})
    async with _open_on(dsn):
        return findings.known, *await _prepare(now, manifest.made_at)


async def _nobody_works(admin: Any, name: str) -> None:
    if await admin.fetchval(_AT_WORK, name):
        raise InUse(_IN_USE)


async def _create(admin: Any, name: str) -> None:
    try:
        await admin.execute(f'CREATE DATABASE "{name}" TEMPLATE template0')
    except asyncpg.InsufficientPrivilegeError as error:
        raise BackupError(
            "This account may not create databases. As the server's administrator: ALTER ROLE … CREATEDB. Nothing was"
            " changed."
        ) from error


async def _prepare(now: datetime, made_at: datetime) -> tuple[int, int]:
    for job in HELD_JOBS:
        await job_runs.pause(
            job, ACTOR, why=f"restored from the backup of {made_at:%Y-%m-%d %H:%M} UTC: see docs/backups.md"
        )
    async with atomic() as tx:
        await tx.execute("TRUNCATE pgqueuer")  # wake-ups only; what is due is found by its row
        await tx.execute("UPDATE routers SET lease_until = NULL, lease_token = NULL WHERE lease_token IS NOT NULL")
        ids = [row["id"] for row in await tx.fetch("SELECT id FROM routers WHERE status NOT IN ('paused', 'removed')")]
        paused = await move_all(tx, "routers", ids, E.PAUSE, at=now, actor=ACTOR, offline_since=None)
        accounts = await tx.fetch("SELECT id FROM mpesa_accounts WHERE pull_registered_at IS NOT NULL ORDER BY id")
        wishes = [await pulling.want(tx, row["id"], why="restore", asked_by=ACTOR, now=now) for row in accounts]
    return len(paused), len(wishes) - wishes.count(None)


async def _swap(admin: Any, name: str, *, fresh: str, kept: str) -> None:
    """The fresh database gets the name, in one step. Somebody who connected in the meantime keeps the old one from moving."""
    try:
        async with admin.transaction():
            await admin.execute(f'ALTER DATABASE "{name}" RENAME TO "{kept}"')
            await admin.execute(f'ALTER DATABASE "{fresh}" RENAME TO "{name}"')
    except asyncpg.ObjectInUseError as error:
        raise InUse(_IN_USE) from error
