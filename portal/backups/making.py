"""Making a backup: pg_dump in one snapshot, sealed chunk by chunk as it comes, under its name only when all of it is on the disk."""

import asyncio
import contextlib
import errno
import os
import shlex
import shutil
from collections.abc import AsyncGenerator, Generator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO

import msgspec

from portal import running
from portal.backups import programs
from portal.backups.errors import AfterwardsFailed, BackupError, Busy, DiskFull
from portal.backups.manifest import Manifest, holdings
from portal.backups.programs import Programs, programs_for
from portal.backups.sealing import CHUNK, Sealer
from portal.backups.shelf import PART, Retention, Shelf, sync_folder
from portal.clock import Clock
from portal.config import Settings
from portal.db import DB, atomic

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_HOOK_S = 3600.0


@dataclass(frozen=True, slots=True)
class Made:
    """A backup that stands. `dump_bytes` is the archive inside; `removed` is what retention took away after it."""

    path: Path
    manifest: Manifest
    size_bytes: int
    dump_bytes: int
    sha256: str
    removed: list[Path]


def shelf_of(settings: Settings) -> Shelf:
    """Where this house keeps its backups."""
    return Shelf(settings.backups.folder or settings.data_dir / "backups")


async def make(settings: Settings, clock: Clock) -> Made:
    """Back the open database up, take away what retention no longer keeps, bring the file elsewhere if settings say so."""
    shelf, (key_name, key) = shelf_of(settings), settings.secret_keys[0]
    with shelf.held():
        path = shelf.folder / shelf.name_for(clock.now())
        if path.exists():
            raise Busy("A backup of this very second exists already.")
        async with _snapshot() as (connection, snapshot):
            server = int(await connection.fetchval("SHOW server_version_num")) // 10_000
            found = programs_for(server)
            manifest = Manifest(
                made_at=clock.now().astimezone(UTC),
                server=server,
                program=found.major,
                holds=await holdings(connection),
            )
            size = await connection.fetchval("SELECT pg_database_size(current_database())")
            running.tell(0, total=size // 2**20, what="MiB")
            with _new_file(path) as file:
                sealer = Sealer(file, key_name=key_name, key=key, head=msgspec.json.encode(manifest))
                await _dump(found, snapshot, sealer)
                sealer.end()
        made = Made(path, manifest, sealer.size, sealer.inside_size, sealer.digest, [])
        await _note(made, key_name, clock.now())
        made.removed.extend(await _prune(shelf, settings.backups.retention, clock.now()))
    await _bring_elsewhere(path, settings)
    return made


@contextlib.asynccontextmanager
async def _snapshot() -> AsyncGenerator[tuple[Any, str]]:
    """A transaction that sees one moment, and the name by which pg_dump sees the same."""
    connection = await DB.connect()
    try:
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            yield connection, await connection.fetchval("SELECT pg_export_snapshot()")
    finally:
        await connection.close()


async def _dump(found: Programs, snapshot: str, sealer: Sealer) -> None:
    process = await programs.start(
        found.program("pg_dump"), "--format=custom", "--compress=4", "--no-owner", "--no-privileges",
        f"--snapshot={snapshot}", dsn=str(DB.config["dsn"]), writes=True,
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stderr is not None
    words = asyncio.create_task(process.stderr.read())
    try:
        while chunk := await _whole_chunk(process.stdout):
            await asyncio.to_thread(sealer.write, chunk)  # the cipher and the disk take their time
            running.tell(sealer.inside_size // 2**20)
        if await process.wait():
            raise programs.failed("pg_dump", await words)
    finally:
        await programs.end(process)
        await asyncio.gather(words, return_exceptions=True)


async def _whole_chunk(stream: asyncio.StreamReader) -> bytes:
    try:
        return await stream.readexactly(CHUNK)
    except asyncio.IncompleteReadError as error:
        return error.partial


@contextlib.contextmanager
def _new_file(path: Path) -> Generator[BinaryIO]:
    """A file that gets its name only when it is whole and on the disk. What goes wrong leaves nothing behind."""
    part = path.with_name(path.name + PART)
    try:
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        part.rename(path)
        sync_folder(path.parent)
    except OSError as error:
        if error.errno not in _FULL:
            raise
        free = shutil.disk_usage(path.parent).free // 2**20
        raise DiskFull(
            "There is no room for the backup in %(folder)s (%(free)s MiB free): %(why)s. Older backups are as they were. Make"
            " room, keep fewer (PORTAL_BACKUP_KEEP), or name another folder (PORTAL_BACKUP_DIR).",
            params={"folder": path.parent, "free": free, "why": error.strerror},
        ) from error
    finally:
        part.unlink(missing_ok=True)


async def _note(made: Made, key_name: str, now: datetime) -> None:
    async with atomic() as tx:
        await tx.execute(
            """INSERT INTO backups (name, made_at, ended_at, size_bytes, rows_total, sha256, key_name)
               VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (name) DO NOTHING""",
            made.path.name, made.manifest.made_at, now, made.size_bytes, made.manifest.holds.rows, made.sha256, key_name,
        )  # fmt: skip


async def _prune(shelf: Shelf, retention: Retention, now: datetime) -> list[Path]:
    gone = shelf.prune(retention)
    async with atomic() as tx:
        await tx.execute(
            "UPDATE backups SET removed_at = $2 WHERE name = ANY($1) AND removed_at IS NULL",
            [p.name for p in gone],
            now,
        )
    return gone


async def _bring_elsewhere(path: Path, settings: Settings) -> None:
    folder, command = settings.backups.copy_folder, settings.backups.command
    if folder is not None:
        try:
            await asyncio.to_thread(_copy, path, folder)
            Shelf(folder).prune(settings.backups.retention)
        except (OSError, BackupError) as error:
            raise AfterwardsFailed(
                "The backup %(name)s is made, but could not be copied to %(folder)s: %(why)s",
                params={"name": path.name, "folder": folder, "why": error},
            ) from error
    if command:
        await _run_hook(command, path)


def _copy(path: Path, folder: Path) -> None:
    # The folder must be there: one that is not mounted would else be filled on the wrong disk.
    with _new_file(folder / path.name) as target, path.open("rb") as source:
        shutil.copyfileobj(source, target, CHUNK)


async def _run_hook(command: str, path: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        *shlex.split(command), str(path), stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        async with asyncio.timeout(_HOOK_S):
            _, said = await process.communicate()
    finally:
        await programs.end(process)
    if process.returncode:
        raise AfterwardsFailed(
            "The backup %(name)s is made, but PORTAL_BACKUP_COMMAND ended with status %(status)s: %(said)s",
            params={
                "name": path.name,
                "status": process.returncode,
                "said": said.decode(errors="replace").strip()[-500:],
            },
        )
