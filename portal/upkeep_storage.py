"""The data folder: what killed processes left there goes, what nobody knows stays and is told. Lists and papers are never stored:
they are made when somebody asks and streamed, so there are no old exports to clean."""

import shutil
import time
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path

from portal.backups.errors import Busy
from portal.backups.shelf import PART, SUFFIX, Shelf

#: What belongs in a data folder.
KNOWN = frozenset({"postgres", "secret.key", "spool", "backups", "drill"})
#: Something younger may be in use.
OLD_S = 86_400.0


@dataclass(frozen=True, slots=True)
class Tidied:
    """Paths that went, and those that nobody knows."""

    removed: list[Path] = field(default_factory=list[Path])
    unknown: list[Path] = field(default_factory=list[Path])


def tidy(data_dir: Path, shelf: Shelf, *, also_known: Collection[Path] = ()) -> Tidied:
    """Look through the data folder and the shelf of backups. Blocks; touches nothing younger than a day and nothing in use."""
    found = Tidied()
    known = {path.resolve() for path in (*also_known, shelf.folder)}
    before = time.time() - OLD_S
    for path in sorted(data_dir.iterdir()) if data_dir.is_dir() else []:
        if path.name.startswith(".secret.key.") and _is_older(path, before):
            path.unlink(missing_ok=True)
            found.removed.append(path)
        elif path.name not in KNOWN and path.resolve() not in known and not path.name.startswith(".secret.key."):
            found.unknown.append(path)
    for what in ("drill", "shelf"):
        try:
            _leftovers(what, data_dir, shelf, before=before, found=found)
        except Busy:  # whoever is at work tidies up after itself
            continue
    return found


def _leftovers(what: str, data_dir: Path, shelf: Shelf, *, before: float, found: Tidied) -> None:
    if not shelf.folder.is_dir():
        return
    halves = list(shelf.folder.glob(f"vocha-*{SUFFIX}{PART}"))
    with shelf.held(what):
        if what == "shelf":
            found.removed.extend(half for half in halves if not half.exists())
            return
        drill = data_dir / "drill"
        if drill.is_dir() and _is_older(drill, before):
            shutil.rmtree(drill)
            found.removed.append(drill)


def _is_older(path: Path, before: float) -> bool:
    try:
        return path.lstat().st_mtime < before
    except FileNotFoundError:
        return False
