"""The data folder: what killed processes left there goes, what nobody knows stays and is told. Lists are never stored, but made
while they are sent; PDFs of vouchers stay a day in `exports` (portal.printing.runs)."""

import shutil
import time
from collections.abc import Collection
from datetime import UTC, datetime
from pathlib import Path

from portal.backups.errors import Busy
from portal.backups.shelf import PART, SUFFIX, Shelf
from portal.upkeep_reports import StorageReport, StrangeFile

#: What belongs in a data folder.
KNOWN = frozenset(
    {
        "postgres",
        "secret.key",
        "spool",
        "backups",
        "drill",
        "exports",
        "imports",
        "copies",
        ".vocha-demo",
        "demo.json",
        "demo.log",
    }
)  # the last are the demo's
#: Something younger may be in use.
OLD_S = 86_400.0


#: A folder of somebody's photographs is told of once, not file by file; neither is a whole disk of names.
_NAMED = 100


def tidy(data_dir: Path, shelf: Shelf, *, also_known: Collection[Path] = ()) -> StorageReport:
    """Look through the data folder and the shelf of backups. Blocks; touches nothing younger than a day and nothing in use."""
    removed, unknown = list[str](), list[StrangeFile]()
    known = {path.resolve() for path in (*also_known, shelf.folder)}
    before = time.time() - OLD_S
    for path in sorted(data_dir.iterdir()) if data_dir.is_dir() else []:
        if path.name.startswith(".secret.key.") and _is_older(path, before):
            path.unlink(missing_ok=True)
            removed.append(path.name)
        elif path.name not in KNOWN and path.resolve() not in known and not path.name.startswith(".secret.key."):
            unknown += _strange(path)
    for what in ("drill", "shelf"):
        try:
            removed += _leftovers(what, data_dir, shelf, before=before)
        except Busy:  # whoever is at work tidies up after itself
            continue
    disk = shutil.disk_usage(data_dir if data_dir.is_dir() else data_dir.anchor)
    return StorageReport(
        folder=str(data_dir), removed=removed, unknown=unknown[:_NAMED], more=max(0, len(unknown) - _NAMED),
        disk_bytes=disk.total, free_bytes=disk.free,
    )  # fmt: skip


def _strange(path: Path) -> list[StrangeFile]:
    try:
        found = path.lstat()
    except FileNotFoundError:
        return []
    name = path.name.encode(errors="replace").decode()  # a name need not be text
    at = datetime.fromtimestamp(found.st_mtime, UTC)
    return [StrangeFile(name=name, bytes=found.st_size, changed_at=at, is_folder=path.is_dir())]


def _leftovers(what: str, data_dir: Path, shelf: Shelf, *, before: float) -> list[str]:
    if not shelf.folder.is_dir():
        return []
    halves = list(shelf.folder.glob(f"vocha-*{SUFFIX}{PART}"))
    with shelf.held(what):
        if what == "shelf":
            return [half.name for half in halves if not half.exists()]
        drill = data_dir / "drill"
        if not (drill.is_dir() and _is_older(drill, before)):
            return []
        shutil.rmtree(drill)
        return [drill.name]


def _is_older(path: Path, before: float) -> bool:
    try:
        return path.lstat().st_mtime < before
    except FileNotFoundError:
        return False
