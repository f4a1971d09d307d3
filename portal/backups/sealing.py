"""The file format of backups: a sealed stream that is read from front to end, and in which nothing can be altered, left out, put
in another order, cut off or added without being noticed. Knows nothing of databases.

File: "VOCHABK1" | length of key id | key id | 16 bytes salt | frames. Frame: kind | length (4 bytes, big-endian) | AES-256-GCM
ciphertext and tag. The cipher's key is HKDF-SHA256 of the secret key and the salt; a nonce is the frame's number (8 bytes), three
zeros and its kind; everything before the frames is authenticated with each. Kinds: one HEAD, any number of DATA, one END, which
holds SHA-256 and length of all data. (The construction is STREAM: Hoang, Reyhanitabar, Rogaway, Vizár, 2015.)
"""

import hashlib
import os
from collections.abc import Iterator, Mapping
from typing import BinaryIO

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from portal.backups.errors import Damaged, KeyMissing, NewerVersion

CHUNK = 1024 * 1024
_MAGIC = b"VOCHABK"
_VERSION = b"1"
_SALT = 16
_TAG = 16
_HEAD, _DATA, _END = 0, 1, 2
_CUT = "%(name)s ends too early: it was not copied whole. Take another backup, or copy it again."
_ALTERED = "%(name)s is damaged or was altered. Take another backup."


class _End(msgspec.Struct, frozen=True):
    sha256: str
    size: int


def _cipher(key: bytes, salt: bytes) -> AESGCM:
    return AESGCM(HKDF(SHA256(), 32, salt, b"vocha backup 1").derive(key))


def _nonce(number: int, kind: int) -> bytes:
    return number.to_bytes(8, "big") + bytes((0, 0, 0, kind))


class Sealer:
    """Writes one stream: `head` at once, then `write`, then `end`. `digest` is SHA-256 of the file as written so far."""

    def __init__(self, file: BinaryIO, *, key_name: str, key: bytes, head: bytes) -> None:
        salt = os.urandom(_SALT)
        name = key_name.encode()
        self._file = file
        self._intro = _MAGIC + _VERSION + bytes((len(name),)) + name + salt
        self._cipher = _cipher(key, salt)
        self._number = 0
        self._inside = hashlib.sha256()
        self._outside = hashlib.sha256()
        self.inside_size = 0
        self.size = 0
        self._put(self._intro)
        self._frame(_HEAD, head)

    def write(self, data: bytes) -> None:
        """Add data: at most CHUNK bytes at a time."""
        self._inside.update(data)
        self.inside_size += len(data)
        self._frame(_DATA, data)

    def end(self) -> None:
        """Say that this was all; without it the file cannot be read."""
        self._frame(_END, msgspec.json.encode(_End(self._inside.hexdigest(), self.inside_size)))

    @property
    def digest(self) -> str:
        """SHA-256 of the file so far, hex."""
        return self._outside.hexdigest()

    def _frame(self, kind: int, data: bytes) -> None:
        if len(data) > CHUNK:
            raise ValueError(f"at most {CHUNK} bytes in a frame")
        sealed = self._cipher.encrypt(_nonce(self._number, kind), data, self._intro)
        self._number += 1
        self._put(bytes((kind,)) + len(sealed).to_bytes(4, "big") + sealed)

    def _put(self, data: bytes) -> None:
        self._file.write(data)
        self._outside.update(data)
        self.size += len(data)


class Opener:
    """Reads one stream. `head` is known at once; `chunks` yields the data, and raises at the end if anything was wrong.

    Data is authentic chunk by chunk, but complete only when `chunks` has ended: act on it only then, or undo."""

    def __init__(self, file: BinaryIO, *, keys: Mapping[str, bytes], name: str) -> None:
        self._file = file
        self._about = {"name": name}
        self._number = 0
        intro = file.read(len(_MAGIC) + 2)
        if len(intro) < len(_MAGIC) + 2 or not intro.startswith(_MAGIC):
            raise Damaged("%(name)s is no backup of Vocha, or its beginning is damaged.", params=self._about)
        if intro[len(_MAGIC) : len(_MAGIC) + 1] != _VERSION:
            raise NewerVersion("%(name)s was made by a later version of Vocha: restore with that.", params=self._about)
        rest = self._exactly(intro[-1] + _SALT)
        self.key_name = rest[:-_SALT].decode(errors="replace")
        if self.key_name not in keys:
            raise KeyMissing(
                "%(name)s is encrypted by the secret key “%(key)s”, which is not in the list. Put that key back at the end"
                " of PORTAL_SECRET_KEYS, or of secret.key.",
                params=self._about | {"key": self.key_name},
            )
        self._intro = intro + rest
        self._cipher = _cipher(keys[self.key_name], rest[-_SALT:])
        kind, self.head = self._frame()
        if kind != _HEAD:
            raise Damaged(_ALTERED, params=self._about)

    def chunks(self) -> Iterator[bytes]:
        """The data in pieces of at most CHUNK bytes."""
        digest, size = hashlib.sha256(), 0
        while True:
            kind, data = self._frame()
            if kind == _END:
                break
            if kind != _DATA:
                raise Damaged(_ALTERED, params=self._about)
            digest.update(data)
            size += len(data)
            yield data
        end = msgspec.json.decode(data, type=_End)
        if end != _End(digest.hexdigest(), size) or self._file.read(1):
            raise Damaged(_ALTERED, params=self._about)

    def _frame(self) -> tuple[int, bytes]:
        start = self._exactly(5)
        kind, length = start[0], int.from_bytes(start[1:], "big")
        if kind > _END or not _TAG <= length <= CHUNK + _TAG:
            raise Damaged(_ALTERED, params=self._about)
        sealed = self._exactly(length)
        try:
            data = self._cipher.decrypt(_nonce(self._number, kind), sealed, self._intro)
        except InvalidTag as error:
            if self._number == 0:
                raise KeyMissing(
                    "%(name)s cannot be opened: the secret key “%(key)s” here is another than the one it was made with, or"
                    " its beginning is damaged.",
                    params=self._about | {"key": self.key_name},
                ) from error
            raise Damaged(_ALTERED, params=self._about) from error
        self._number += 1
        return kind, data

    def _exactly(self, size: int) -> bytes:
        data = self._file.read(size)
        if len(data) < size:
            raise Damaged(_CUT, params=self._about)
        return data
