"""The drill: the newest backup is restored into a server of its own, proved, and thrown away. Only then it is a backup.

The house's own server is not touched: the drill's is the embedded one, in a folder below the data folder."""

import asyncio
import shutil
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from portal.backups.errors import BackupError, NotFit
from portal.backups.making import shelf_of
from portal.backups.manifest import Manifest
from portal.backups.proving import prove
from portal.backups.reading import restore_into, verify
from portal.clock import Clock
from portal.config import Settings
from portal.db import atomic
from portal.embedded_postgres import EmbeddedPostgres, EmbeddedPostgresError


@dataclass(frozen=True, slots=True)
class Drilled:
    """A drill that went well. `known` was wrong when the backup was made already."""

    path: Path
    manifest: Manifest
    restore_s: float
    prove_s: float
    known: list[str]


async def drill(settings: Settings, clock: Clock, *, which: str = "newest") -> Drilled:
    """Restore a backup for trial and prove it; a row says how it went. NotFit names what is not as it was; any other error of
    backups says why it could not be restored at all."""
    shelf, began = shelf_of(settings), clock.now()
    with shelf.held("drill"):
        path = shelf.find(which)
        try:
            drilled = await _try(path, settings)
        except (BackupError, EmbeddedPostgresError) as error:
            await _note(path.name, began, clock.now(), problems=str(error))
            raise
        await _note(path.name, began, clock.now(), drilled=drilled)
    return drilled


async def _try(path: Path, settings: Settings) -> Drilled:
    manifest = await verify(path, settings.secret_keys)
    async with scratch_server(settings.data_dir / "drill") as dsn:
        start = time.perf_counter()
        await restore_into(dsn, path, settings.secret_keys)
        restored = time.perf_counter()
        findings = await prove(dsn, settings.secret_keys, manifest)
        proved = time.perf_counter()
    if findings.problems:
        raise NotFit(
            "%(name)s was restored, but is not as it was: %(problems)s",
            params={"name": path.name, "problems": "; ".join(findings.problems)},
        )
    return Drilled(path, manifest, restored - start, proved - restored, findings.known)


@asynccontextmanager
async def scratch_server(folder: Path) -> AsyncGenerator[str]:
    """A server of its own in this folder, empty; both are gone afterwards."""
    await asyncio.to_thread(_throw_away, folder)
    server = EmbeddedPostgres(folder)
    await server.start_async()
    try:
        yield server.dsn
    finally:
        await server.stop_async()
        await asyncio.to_thread(_throw_away, folder)


def _throw_away(folder: Path) -> None:
    """What a drill leaves, this one or one that was killed: its server died with it."""
    if not folder.exists():
        return
    marker = folder / "cluster-is-elsewhere"
    if marker.exists():
        shutil.rmtree(marker.read_text(encoding="utf-8").strip(), ignore_errors=True)
    shutil.rmtree(folder)


async def _note(
    name: str, began: datetime, ended: datetime, *, drilled: Drilled | None = None, problems: str = ""
) -> None:
    async with atomic() as tx:
        await tx.execute(
            """INSERT INTO backup_drills (name, began_at, ended_at, is_good, rows_total, restore_ms, problems)
               VALUES ($1, $2, $3, $4, $5, $6, $7)""",
            name, began, ended, drilled is not None, drilled.manifest.holds.rows if drilled else 0,
            round(drilled.restore_s * 1000) if drilled else 0, problems,
        )  # fmt: skip
