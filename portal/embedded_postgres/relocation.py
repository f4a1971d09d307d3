"""The last resort of root without user namespaces: keeps programs or data where another account can reach them.

The place is $PORTAL_PG_HOME, or /var/lib/vocha-postgres. Moved data is remembered by a small file in the folder the
operator named, so that the same data is found again even when a later start could do without the move.
"""

import hashlib
import os
import shutil
from pathlib import Path

from portal.embedded_postgres.binaries import Binaries
from portal.embedded_postgres.errors import FolderUnusable

MARKER = "cluster-is-elsewhere"
_NOT_NEEDED = shutil.ignore_patterns("include", "*.a", "pkgconfig", "*.tmp")


def moved_data(data_dir: Path) -> Path | None:
    """Where the data of `data_dir` was moved to by an earlier start, None if it lies in the folder itself."""
    try:
        return Path((data_dir / MARKER).read_text(encoding="utf-8").strip())
    except FileNotFoundError:
        return None


def move_data(data_dir: Path) -> Path:
    """Make and remember a reachable folder for the (not yet existing) cluster of `data_dir`.

    Raises FolderUnusable if the cluster exists already: live data is never moved behind the operator's back.
    """
    if (data_dir / "cluster").exists():
        raise FolderUnusable(
            f"No account except root can reach {data_dir}, and PostgreSQL refuses to run as root. Move that folder to "
            "a place that others may enter, for example below /var/lib, and name it with --data-dir."
        )
    target = _base() / f"data-{hashlib.sha256(os.fsencode(data_dir)).hexdigest()[:12]}"
    target.mkdir(mode=0o711, exist_ok=True)
    (data_dir / MARKER).write_text(f"{target}\n", encoding="utf-8")
    return target


def copy_binaries(binaries: Binaries) -> Binaries:
    """A reachable copy of the programs, made once per build of them (about 35 MB)."""
    prefix = binaries.folder.parent
    package = prefix.parent
    target = _base() / f"programs-{binaries.major}-{binaries.folder.stat().st_mtime_ns:x}"
    if not target.exists():
        draft = target.with_name(f"{target.name}.{os.getpid()}")
        shutil.copytree(prefix, draft / package.name / prefix.name, symlinks=True, ignore=_NOT_NEEDED)
        # A wheel's programs look for their libraries beside the package, by a relative path.
        libraries = package.parent / f"{package.name}.libs"
        if libraries.is_dir():
            shutil.copytree(libraries, draft / libraries.name, symlinks=True)
        for folder in (draft, *(path for path in draft.rglob("*") if path.is_dir() and not path.is_symlink())):
            folder.chmod(0o755)
        try:
            draft.rename(target)
        except OSError:
            shutil.rmtree(draft)  # another start was quicker; anything else shows in the next line
            target.stat()
    return Binaries(target / package.name / prefix.name / "bin", binaries.major)


def _base() -> Path:
    base = Path(os.environ.get("PORTAL_PG_HOME", "/var/lib/vocha-postgres"))
    try:
        base.mkdir(mode=0o755, parents=True, exist_ok=True)
    except OSError as error:
        raise FolderUnusable(
            f"The server's files must be kept in {base}, but it cannot be made ({error.strerror}). "
            "Start Vocha as an ordinary user, or set PORTAL_PG_HOME to a folder that others may enter."
        ) from error
    return base
