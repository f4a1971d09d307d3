"""The demo's own folder: marked as ours, so that it may be thrown away, and what a second start remembers."""

import fcntl
import os
import shutil
from collections.abc import Mapping
from pathlib import Path

import msgspec

from portal.embedded_postgres.relocation import moved_data
from portal.serving import listen

MARKER = ".vocha-demo"
_MEMORY = "demo.json"
_WORDS = "The Vocha demo keeps its data in this folder and may delete all of it.\n"


class FolderRefused(OSError):  # noqa: N818
    """The folder holds something that is not ours."""


class Memory(msgspec.Struct, kw_only=True):
    """What stays over a restart: ports by name, how far the clock was pushed, which routers are off."""

    ports: dict[str, int] = {}
    offset_s: float = 0.0
    off: list[str] | None = None


def default_folder(env: Mapping[str, str]) -> Path:
    """`$XDG_DATA_HOME/vocha-demo`, or `~/.local/share/vocha-demo`."""
    base = env.get("XDG_DATA_HOME", "")
    return (Path(base) if base.startswith("/") else Path.home() / ".local/share") / "vocha-demo"


class DemoFolder:
    """A folder with our marker in it, held by one demo at a time. FolderRefused: it has other things in it, or a demo
    that runs. Give it back with `close`."""

    def __init__(self, path: Path, *, is_fresh: bool = False) -> None:
        self.path = path.expanduser().absolute()
        self._refuse_strange()
        self.path.mkdir(parents=True, exist_ok=True)
        self._lock = self._hold()
        if is_fresh:
            self._throw_away()
        self.memory = self._recall()

    def close(self) -> None:
        """Let another demo have the folder."""
        os.close(self._lock)

    def _refuse_strange(self) -> None:
        if self.path.exists() and not self.path.is_dir():
            raise FolderRefused(f"{self.path} is not a folder. Name another one with --data-dir.")
        if self.path.exists() and any(self.path.iterdir()) and not (self.path / MARKER).exists():
            raise FolderRefused(f"{self.path} holds something else. Name another folder with --data-dir.")

    def _hold(self) -> int:
        """The marker, locked: the kernel gives the lock back when we end, however we end."""
        lock = os.open(self.path / MARKER, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            os.close(lock)
            raise FolderRefused(f"A demo is running on {self.path}. End it first, or name another folder.") from error
        os.ftruncate(lock, 0)
        os.write(lock, _WORDS.encode())
        return lock

    def _throw_away(self) -> None:
        """Everything but the marker, which is our lock; the database too where root had to keep it elsewhere."""
        elsewhere = moved_data(self.path)
        if elsewhere is not None and elsewhere.name.startswith("data-"):
            shutil.rmtree(elsewhere, ignore_errors=True)
        for entry in self.path.iterdir():
            if entry.is_dir() and not entry.is_symlink():
                shutil.rmtree(entry)
            elif entry.name != MARKER:
                entry.unlink()

    def _recall(self) -> Memory:
        try:
            return msgspec.json.decode((self.path / _MEMORY).read_bytes(), type=Memory)
        except (FileNotFoundError, msgspec.MsgspecError):
            return Memory()  # a first start, or a file cut short: nothing in it is worth stopping for

    def remember(self) -> None:
        """Write the memory down."""
        draft = self.path / f"{_MEMORY}.{os.getpid()}"
        draft.write_bytes(msgspec.json.encode(self.memory))
        draft.replace(self.path / _MEMORY)

    def port(self, name: str) -> int:
        """The port this name had last time if it is free now, else 0 (any)."""
        known = self.memory.ports.get(name, 0)
        return known if known and is_free(known) else 0


def is_free(port: int) -> bool:
    """Whether one may listen on this port of 127.0.0.1."""
    try:
        listen("127.0.0.1", port).close()
    except OSError:
        return False
    return True
