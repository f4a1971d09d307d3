"""The folder backups stand in: their names, which are there, which may go, and that one process at a time works on it."""

import contextlib
import fcntl
import os
import re
from collections.abc import Generator, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from portal.backups.errors import BackupError, Busy, NothingThere

SUFFIX = ".backup"
PART = ".part"
_NAME = re.compile(r"vocha-(\d{8}T\d{6})Z\.backup")
_MOMENT = "%Y%m%dT%H%M%S"


@dataclass(frozen=True, slots=True)
class Kept:
    """A backup on the shelf; `made_at` is in its name."""

    path: Path
    made_at: datetime
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Retention:
    """Of how many days, weeks (Monday to Sunday) and months (UTC) the newest backup is kept; the newest of all always is."""

    days: int = 7
    weeks: int = 5
    months: int = 12


class Shelf:
    """One folder of backups; made, for its owner only, when first used."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def name_for(self, moment: datetime) -> str:
        """The name of the backup that shows this moment."""
        return f"vocha-{moment.astimezone(UTC):{_MOMENT}}Z{SUFFIX}"

    def all(self) -> list[Kept]:
        """The backups there are, the newest first. Files with other names are not ours and are not seen."""
        found: list[Kept] = []
        for path in self.folder.glob(f"vocha-*{SUFFIX}"):
            if named := _NAME.fullmatch(path.name):
                with contextlib.suppress(FileNotFoundError):
                    found.append(
                        Kept(path, datetime.strptime(named[1], _MOMENT).replace(tzinfo=UTC), path.stat().st_size)
                    )
        return sorted(found, key=lambda kept: kept.made_at, reverse=True)

    def find(self, which: str) -> Path:
        """A backup by "newest", by its name on the shelf, or by any path. NothingThere says what there is."""
        if which == "newest":
            kept = self.all()
            if not kept:
                raise NothingThere(
                    "There is no backup in %(folder)s yet. Make one: vocha backup now", params={"folder": self.folder}
                )
            return kept[0].path
        for path in (self.folder / which, Path(which)):
            if path.is_file():
                return path
        raise NothingThere("There is no backup %(which)s. See: vocha backup list", params={"which": which})

    def prune(self, retention: Retention) -> list[Path]:
        """Take away what is not to be kept any more; returns which."""
        kept = self.all()
        stay = to_keep([one.made_at for one in kept], retention)
        gone = [one.path for one in kept if one.made_at not in stay]
        for path in gone:
            path.unlink(missing_ok=True)
        if gone:
            sync_folder(self.folder)
        return gone

    @contextlib.contextmanager
    def held(self, what: str = "shelf") -> Generator[None]:
        """Work on it alone, over all processes of this machine; Busy when another does. Halves that killed makers left go."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            handle = os.open(self.folder / f".{what}.lock", os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise BackupError(
                "%(folder)s cannot be used for backups: %(why)s. Set PORTAL_BACKUP_DIR to a folder that Vocha may write.",
                params={"folder": self.folder, "why": error.strerror},
            ) from error
        try:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise Busy("Another backup, drill or restore is under way. Wait until it has ended.") from error
            if what == "shelf":
                for half in self.folder.glob(f"vocha-*{SUFFIX}{PART}"):
                    half.unlink(missing_ok=True)
            yield
        finally:
            os.close(handle)


def to_keep(moments: Iterable[datetime], retention: Retention) -> set[datetime]:
    """Which of the backups of these moments stay: of the newest so many days, weeks and months that have any, the newest each."""
    ordered = sorted(moments, reverse=True)
    stay = set(ordered[:1])
    for form, most in (("%Y-%m-%d", retention.days), ("%G-%V", retention.weeks), ("%Y-%m", retention.months)):
        newest: dict[str, datetime] = {}
        for moment in ordered:
            newest.setdefault(moment.astimezone(UTC).strftime(form), moment)
        stay.update(list(newest.values())[:most])
    return stay


def sync_folder(folder: Path) -> None:
    """Have the disk keep the names in a folder, as fsync does for a file's contents."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
