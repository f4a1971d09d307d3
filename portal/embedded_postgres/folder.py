"""The data folder: what lies where, who holds it, and what the server says about itself. Starts no processes.

`<data_dir>/` has server.lock, server.log, tcp-password (only with a TCP port), cluster/ (PostgreSQL's own data) and
socket/. The lock is the truth about life: every postgres process inherits it, the kernel drops it with the last one,
so it is right after kill -9 and after a power cut, where the number in postmaster.pid may belong to anybody.
"""

import contextlib
import fcntl
import hashlib
import os
import stat
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from portal.embedded_postgres.errors import FolderUnusable
from portal.embedded_postgres.privileges import Account
from portal.embedded_postgres.relocation import moved_data

# sun_path holds 108 bytes on Linux and 104 on macOS, with the closing NUL; the name is /.s.PGSQL.<port>.lock at most.
_LONGEST_SOCKET_FOLDER = 103 - len("/.s.PGSQL.65535.lock")
_LARGEST_LOG = 5 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Note:
    """What the running server wrote into postmaster.pid (PostgreSQL source, miscadmin.h, LOCK_FILE_LINE_*)."""

    pid: int
    port: int
    socket_folder: Path
    tcp_address: str
    is_ready: bool


class Folder:
    """One data folder. `home` holds cluster/ and socket/; it is the folder itself unless the data had to move."""

    def __init__(self, data_dir: Path) -> None:
        self.path = data_dir.expanduser().absolute()
        self.home = self.path

    @property
    def cluster(self) -> Path:
        """PostgreSQL's own data directory."""
        return self.home / "cluster"

    @property
    def log(self) -> Path:
        """The server's messages, for people."""
        return self.path / "server.log"

    def prepare(self) -> None:
        """Make the folder and see that it can be used. Raises FolderUnusable with what to do about it."""
        try:
            self.path.mkdir(parents=True, exist_ok=True, mode=0o711 if os.geteuid() == 0 else 0o700)
            self.path = self.path.resolve()
            if os.geteuid() == 0 and self.path.stat().st_uid == 0:
                # Passing through is allowed: what matters inside is 0700 or 0600, and the server is not root.
                self.path.chmod(self.path.stat().st_mode | stat.S_IXUSR | stat.S_IXOTH)
            self.home = moved_data(self.path) or self.path
            with self._open_lock():
                pass
        except OSError as error:
            raise FolderUnusable(_what_to_do(self.path, error)) from error

    def try_lock(self) -> int | None:
        """The lock as an inheritable-by-request file descriptor, None while a server (or another start) holds it."""
        with self._open_lock() as file:
            try:
                fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return None
            except OSError as error:
                raise FolderUnusable(
                    f"{self.path} is on a file system without locks ({error.strerror}); name one on a local disk."
                ) from error
            return os.dup(file.fileno())  # the same lock: it lasts until the last copy is closed

    def written_by_major(self) -> int | None:
        """The major version of the data, None for a new folder. Raises FolderUnusable if cluster/ is something else."""
        if self.cluster.is_symlink():
            raise FolderUnusable(f"{self.cluster} is a link; name the real folder with --data-dir instead.")
        try:
            return int((self.cluster / "PG_VERSION").read_text(encoding="ascii"))
        except FileNotFoundError:
            if self.cluster.is_dir() and any(self.cluster.iterdir()):
                raise FolderUnusable(
                    f"{self.cluster} has files in it but is no PostgreSQL data; move it away or name another folder."
                ) from None
            return None
        except PermissionError as error:
            raise FolderUnusable(_what_to_do(self.cluster, error)) from error

    def socket_folder(self, account: Account) -> Path:
        """Make the folder of the socket, closed to everybody but the server's account (and root)."""
        folder = self.home / "socket"
        text = str(folder)
        if len(os.fsencode(folder)) > _LONGEST_SOCKET_FOLDER or any(c in text for c in ',"\n'):
            # The comma and the quote separate folders in PostgreSQL's setting and hosts in a connection URL.
            key = hashlib.sha256(os.fsencode(self.home)).hexdigest()[:12]
            folder = Path("/tmp") / f"vocha-pg-{account.owner_uid}-{key}"  # noqa: S108 - checked below
        with contextlib.suppress(FileExistsError):
            folder.mkdir(mode=0o700)
            if account.uid is not None:
                os.chown(folder, account.uid, account.gid or 0)
        seen = folder.lstat()
        if not stat.S_ISDIR(seen.st_mode):
            raise FolderUnusable(f"{folder} must be a folder of our own, but it is something else; remove it.")
        if seen.st_uid != account.owner_uid:
            if folder.parent != self.home:
                raise FolderUnusable(f"{folder} belongs to another user; remove it, or choose a shorter data folder.")
            os.chown(folder, account.owner_uid, account.gid or 0, follow_symlinks=False)
        folder.chmod(0o700)
        return folder

    def note(self) -> Note | None:
        """postmaster.pid as far as it is written; None when absent or half-written. It may be stale: ask the lock."""
        try:
            lines = (self.cluster / "postmaster.pid").read_text(encoding="utf-8").splitlines()
            return Note(
                pid=int(lines[0]),
                port=int(lines[3]),
                socket_folder=Path(lines[4]),
                tcp_address=lines[5].strip(),
                is_ready=lines[7].strip() == "ready",
            )
        except (OSError, IndexError, ValueError):
            return None

    def pid_in_file(self) -> int | None:
        """The number in the first line of postmaster.pid, whoever it belongs to today."""
        try:
            return abs(int((self.cluster / "postmaster.pid").read_text(encoding="utf-8").split("\n", 1)[0]))
        except (OSError, ValueError):
            return None

    def is_served_by(self, pid: int) -> bool:
        """Whether the process `pid` is a PostgreSQL server on this cluster: they work inside their data directory."""
        if sys.platform == "linux":
            try:
                return Path(f"/proc/{pid}/cwd").samefile(self.cluster)
            except OSError:
                return False
        command = subprocess.run(["ps", "-p", str(pid), "-o", "command="], capture_output=True, text=True, check=False)
        return "postgres" in command.stdout and str(self.cluster) in command.stdout

    def rotate_log(self) -> None:
        """Keep one old log, so that a box that restarts for years does not fill its disk."""
        if self.log.exists() and self.log.stat().st_size > _LARGEST_LOG:
            self.log.replace(self.log.with_suffix(".log.1"))

    def _open_lock(self) -> BinaryIO:
        return os.fdopen(os.open(self.path / "server.lock", os.O_RDWR | os.O_CREAT, 0o600), "r+b")


def _what_to_do(path: Path, error: OSError) -> str:
    if isinstance(error, PermissionError):
        try:
            owner = path.stat().st_uid
        except OSError:
            owner = None
        whose = f" It belongs to user number {owner}, and you are {os.geteuid()}." if owner is not None else ""
        return f"{path} cannot be written: permission denied.{whose} Start as its owner, or name another --data-dir."
    if isinstance(error, NotADirectoryError | FileExistsError):
        return f"{path} cannot be the data folder: a file of that name is in the way. Name another --data-dir."
    return f"{path} cannot be used as the data folder: {error.strerror}. Name a folder on a local, writable disk."
