"""Reading a backup back: proving that a file is whole, and restoring it into an empty database."""

import asyncio
import contextlib
from collections.abc import Generator, Iterator
from pathlib import Path

import asyncpg
import msgspec

from portal import running
from portal.backups import programs
from portal.backups.errors import Damaged, NewerVersion, NotFit
from portal.backups.manifest import FORMAT, Manifest
from portal.backups.programs import programs_for
from portal.backups.sealing import Opener
from portal.secret_keys import SecretKeys


class Opened:
    """A backup open for reading: its manifest, and the archive in it."""

    def __init__(self, opener: Opener, name: str) -> None:
        try:
            self.manifest = msgspec.json.decode(opener.head, type=Manifest)
        except msgspec.DecodeError as error:
            raise Damaged("%(name)s has no manifest that can be read.", params={"name": name}) from error
        if self.manifest.format > FORMAT:
            raise NewerVersion(
                "%(name)s was made by a later version of Vocha: restore with that.", params={"name": name}
            )
        self.key_name = opener.key_name
        self._opener = opener

    def chunks(self) -> Iterator[bytes]:
        """The archive; raises Damaged at the latest where it ends."""
        return self._opener.chunks()


@contextlib.contextmanager
def opened(path: Path, keys: SecretKeys) -> Generator[Opened]:
    """Open a backup. KeyMissing, Damaged or NewerVersion say what is wrong with it."""
    with path.open("rb") as file:
        yield Opened(Opener(file, keys=dict(keys), name=path.name), path.name)


async def verify(path: Path, keys: SecretKeys) -> Manifest:
    """Read all of it; the manifest when nothing is missing or altered."""
    return await asyncio.to_thread(_verify, path, keys)


def _verify(path: Path, keys: SecretKeys) -> Manifest:
    with opened(path, keys) as backup:
        done = 0
        for chunk in backup.chunks():
            done += len(chunk)
            running.tell(done // 2**20, what="MiB")
        return backup.manifest


async def restore_into(dsn: str, path: Path, keys: SecretKeys) -> Manifest:
    """Restore into an empty database, all in one transaction: what is damaged leaves it empty."""
    connection = await asyncpg.connect(dsn)
    try:
        if await connection.fetchval(
            "SELECT EXISTS (SELECT FROM pg_class WHERE relnamespace = 'public'::regnamespace)"
        ):
            raise NotFit("The database to restore into is not empty. Make a new one: createdb NAME")
        server = int(await connection.fetchval("SHOW server_version_num")) // 10_000
    finally:
        await connection.close()
    with opened(path, keys) as backup:
        manifest = backup.manifest
        found = programs_for(max(server, manifest.program))
        process = await programs.start(
            found.program("pg_restore"), "--no-owner", "--no-privileges", "--exit-on-error", "--single-transaction",
            dsn=dsn, reads=True,
        )  # fmt: skip
        await _feed(process, backup.chunks())
    return manifest


async def _feed(process: asyncio.subprocess.Process, chunks: Iterator[bytes]) -> None:
    assert process.stdin is not None
    assert process.stderr is not None
    words = asyncio.create_task(process.stderr.read())
    done = 0
    try:
        # When pg_restore gives up, its own words say more than our broken pipe.
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            while chunk := await asyncio.to_thread(next, chunks, b""):
                process.stdin.write(chunk)
                await process.stdin.drain()
                done += len(chunk)
                running.tell(done // 2**20, what="MiB")
        process.stdin.close()
        if await process.wait():
            raise programs.failed("pg_restore", await words)
    finally:
        await programs.end(process)
        await asyncio.gather(words, return_exceptions=True)
