"""The spool: messages kept on the disk while PostgreSQL is away. One fsync per batch; drained by whoever has the database again.

A file belongs to the process that writes it for as long as it holds its lock (flock, which dies with the process); what nobody
holds may be drained. Not a queue: a message may be read twice, and order means nothing. What messages say is not known here.
"""

import fcntl
import logging
import os
import struct
import threading
import time
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from portal import faults
from portal.errors import Unavailable

log = logging.getLogger(__name__)

MOST_BYTES = 512 * 1024 * 1024
#: A file is closed at this size, so that draining starts with the next one open.
SEGMENT_BYTES = 4 * 1024 * 1024
_MARK = b"\xf5VS1"
#: mark, length of the record, CRC-32 of the record; then the record.
_HEAD = struct.Struct(">4sII")
_MOST_RECORD = 1024 * 1024
#: A file made and never begun: its maker died in between.
_STALE_S = 60.0


class SpoolError(Unavailable):
    """The message is not on the disk: full, not writable, or over the limit. `reason` is for logs."""

    def __init__(self, reason: str = "The spool does not take the message.") -> None:
        super().__init__()
        self.reason = reason

    def __str__(self) -> str:
        return self.reason


@dataclass(frozen=True, slots=True)
class Depth:
    """What lies in the spool: files with messages, their bytes, and files with what could not be read."""

    files: int
    size: int
    aside: int


class Segment:
    """One file, ours to drain. `records` are whole; what was not is `spoilt`, and is kept aside when the file goes."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self.path = path
        self._descriptor = descriptor
        self.records, self.spoilt = read_frames(path.read_bytes())

    def remove(self, *, aside: Sequence[bytes] = ()) -> None:
        """Everything is in the database: the file goes. What was spoilt, and `aside`, stays in a file for a person."""
        left = [self.spoilt, *(frame(record) for record in aside)]
        if any(left):
            _write_whole(self.path.with_suffix(".aside"), b"".join(left))
        self.path.unlink(missing_ok=True)
        _sync_folder(self.path.parent)
        self.close()

    def close(self) -> None:
        """Let go of the file."""
        os.close(self._descriptor)


class Spool:
    """One folder; any number of processes of this machine may share it. Methods block: call them in a thread."""

    def __init__(self, folder: Path, *, most_bytes: int = MOST_BYTES) -> None:
        self.folder = folder
        self.most_bytes = most_bytes
        self._guard = threading.Lock()
        self._descriptor: int | None = None
        self._size = 0

    def append(self, records: Sequence[bytes]) -> None:
        """Put all of these on the disk: on return they outlive a power cut. SpoolError: none of them is promised."""
        data = b"".join(frame(record) for record in records)
        with self._guard:
            try:
                if self.depth().size + len(data) > self.most_bytes:
                    raise SpoolError(f"the spool holds its {self.most_bytes} bytes")
                self._append(data)
            except OSError as error:
                self._abandon()
                raise SpoolError(f"the spool cannot be written: {error.strerror or error}") from error

    def _append(self, data: bytes) -> None:
        if self._descriptor is None:
            self._descriptor, self._size = self._begin(), 0
        _write_all(self._descriptor, data)
        faults.reach("spool.appended")
        os.fsync(self._descriptor)
        faults.reach("spool.synced")
        self._size += len(data)
        if self._size >= SEGMENT_BYTES:
            self._close()

    def _begin(self) -> int:
        """A new file, locked before anybody can see it by a name that is drained."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = self.folder / f"{time.time_ns():020d}-{os.getpid()}.draft"
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            draft.rename(draft.with_suffix(".spool"))
            _sync_folder(self.folder)
        except OSError:
            os.close(descriptor)
            raise
        return descriptor

    def _abandon(self) -> None:
        """After a failed write or fsync nothing more is written to this file: what it holds by then is not known. It is cut
        back to what was promised; where even that fails, a message may be drained that was answered 503: once, as any other."""
        if self._descriptor is not None:
            try:
                os.ftruncate(self._descriptor, self._size)
            except OSError:
                log.exception("a spool file could not be cut back")
            self._close()

    def release(self) -> None:
        """Close the file being written, so that it may be drained."""
        with self._guard:
            self._close()

    def _close(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def claim(self) -> Iterator[Segment]:
        """Every file nobody is writing or draining, the oldest first, locked. The caller removes or closes each."""
        for path in self.files():
            descriptor = _locked(path)
            if descriptor is not None:
                yield Segment(path, descriptor)
        for draft in self.folder.glob("*.draft"):
            _drop_stale(draft)

    def files(self) -> list[Path]:
        """Every file with messages, the oldest first; one may be gone a moment later."""
        return sorted(self.folder.glob("*.spool"))

    def depth(self) -> Depth:
        """How much lies here."""
        sizes = [size for path in self.files() if (size := _size(path)) is not None]
        return Depth(len(sizes), sum(sizes), len(list(self.folder.glob("*.aside"))))

    def trouble(self) -> str | None:
        """Why a message could not be kept here now; None when it could. Writes and removes a small file."""
        probe = self.folder / f".{os.getpid()}-{threading.get_ident()}.probe"
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            _write_whole(probe, b"\0" * 4096)
            probe.unlink()
        except OSError as error:
            return f"the spool cannot be written: {error.strerror or error}"
        return "the spool is full" if self.depth().size >= self.most_bytes else None


def frame(record: bytes) -> bytes:
    """A record as it stands in a file."""
    return _HEAD.pack(_MARK, len(record), zlib.crc32(record)) + record


def read_frames(data: bytes) -> tuple[list[bytes], bytes]:
    """The whole records in a file, and the bytes that are none: a tail torn by a crash, or what a bad disk spoilt. Pure.

    A spoilt record is stepped over by its length. Nothing is searched for: a body could hold what looks like a record."""
    records: list[bytes] = []
    spoilt: list[bytes] = []
    at = 0
    while len(data) - at >= _HEAD.size:
        mark, length, check = _HEAD.unpack_from(data, at)
        ends = at + _HEAD.size + length
        if mark != _MARK or length > _MOST_RECORD or ends > len(data):
            break
        record = data[at + _HEAD.size : ends]
        if zlib.crc32(record) == check:
            records.append(record)
        else:
            spoilt.append(data[at:ends])
        at = ends
    return records, b"".join([*spoilt, data[at:]])


def _locked(path: Path) -> int | None:
    """The file, locked; None when somebody has it, or it was drained in between."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if path.stat().st_ino == os.fstat(descriptor).st_ino:
            return descriptor
    except (BlockingIOError, FileNotFoundError):
        pass
    os.close(descriptor)
    return None


def _drop_stale(draft: Path) -> None:
    try:
        if time.time() - draft.stat().st_mtime > _STALE_S:
            draft.unlink()
    except FileNotFoundError:  # it was begun, or another process dropped it
        return


def _size(path: Path) -> int | None:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return None


def _write_all(descriptor: int, data: bytes) -> None:
    left = memoryview(data)
    while left:
        left = left[os.write(descriptor, left) :]


def _write_whole(path: Path, data: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        _write_all(descriptor, data)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    """A new or a removed name outlives a power cut only once its folder is on the disk."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
