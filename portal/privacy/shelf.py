"""The folder of copies: each is sealed for its row in pieces (AES-GCM, portal.vault), as a whole shop does not fit into memory.
A piece that is altered, missing or in another's place is noticed; so is a cut end. All of it blocks: call it in a thread."""

import os
import secrets
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import BinaryIO

from portal.config import Settings
from portal.vault import Tampered, Vault

FOLDER = "copies"
_PIECE = 256 * 1024
_LENGTH = 4


class Writing:
    """A file that seals what is written into it; nothing stands under its name before `finish`."""

    def __init__(self, settings: Settings, vault: Vault, copy_id: int) -> None:
        folder = settings.data_dir / FOLDER
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._vault, self._id, self._number, self.size = vault, copy_id, 0, 0
        self._waiting = bytearray()
        self._path, self._half = path_of(settings, copy_id), folder / f"copy-{copy_id}.{secrets.token_hex(6)}.part"
        self._file: BinaryIO = os.fdopen(os.open(self._half, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")

    def write(self, data: bytes) -> int:
        """Take some bytes; whole pieces go to the disk."""
        self._waiting += data
        self.size += len(data)
        while len(self._waiting) >= _PIECE:
            self._seal(bytes(self._waiting[:_PIECE]), is_last=False)
            del self._waiting[:_PIECE]
        return len(data)

    def flush(self) -> None:
        """Nothing: pieces are written when they are full."""

    def finish(self) -> None:
        """Seal the rest and give the file its name."""
        self._seal(bytes(self._waiting), is_last=True)
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        self._half.replace(self._path)

    def drop(self) -> None:
        """Give it up."""
        self._file.close()
        self._half.unlink(missing_ok=True)

    def _seal(self, piece: bytes, *, is_last: bool) -> None:
        place = _place(self._id, self._number, is_last=is_last)
        # The vault seals text: latin-1 is a byte a letter.
        sealed = self._vault.seal("shop_copies", "file", row_id=place, plaintext=piece.decode("latin-1"))
        self._file.write((len(sealed) * 2 + is_last).to_bytes(_LENGTH, "big") + sealed)
        self._number += 1


def pieces(settings: Settings, vault: Vault, copy_id: int) -> Iterator[bytes]:
    """What was written, piece by piece. FileNotFoundError: it is gone. VaultError: it was altered or cut, or its key is gone."""
    with path_of(settings, copy_id).open("rb") as file:
        number, is_last = 0, False
        while not is_last:
            head = file.read(_LENGTH)
            length, is_last = divmod(int.from_bytes(head, "big"), 2)
            sealed = file.read(length)
            if len(head) < _LENGTH or len(sealed) < length:
                raise Tampered
            place = _place(copy_id, number, is_last=bool(is_last))
            yield vault.open("shop_copies", "file", row_id=place, sealed=sealed).encode("latin-1")
            number += 1


def drop(settings: Settings, copy_ids: Collection[int]) -> None:
    """Take files away; one that is not there is as good."""
    for copy_id in copy_ids:
        path_of(settings, copy_id).unlink(missing_ok=True)


def strays(settings: Settings, known: Collection[int], *, before: float) -> list[Path]:
    """Files older than `before` (seconds since 1970) of none of the copies in `known`: what killed processes left."""
    names, folder = {path_of(settings, copy_id).name for copy_id in known}, settings.data_dir / FOLDER
    found = sorted(folder.iterdir()) if folder.is_dir() else []
    return [path for path in found if path.name not in names and path.stat().st_mtime < before]


def path_of(settings: Settings, copy_id: int) -> Path:
    """Where a finished one lies."""
    return settings.data_dir / FOLDER / f"copy-{copy_id}.sealed"


def _place(copy_id: int, number: int, *, is_last: bool) -> str:
    return f"{copy_id}:{number}:{'end' if is_last else 'more'}"
