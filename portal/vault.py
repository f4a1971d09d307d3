"""Secrets at rest: AES-256-GCM bound to the row they stand in. Not for passwords of people: those are hashed.

Sealed bytes: version 1 | length of key id | key id | 12 bytes nonce | ciphertext and tag. The place (table, column,
row) and the header are authenticated, so a sealed value copied to another row or column, or altered, does not open.
"""

import hashlib
import hmac
import os
from collections.abc import Sequence

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from portal.codes import lookup_hash, lookup_hashes
from portal.errors import PortalError
from portal.msgid import N_

_VERSION = 1
_NONCE = 12
_TAG = 16

RowId = int | str
Keys = Sequence[tuple[str, bytes]]


class VaultError(PortalError):
    """A stored secret cannot be read; which one is in the log of whoever asked, never in the message."""

    default = N_("A stored secret cannot be read.")


class KeyMissing(VaultError):  # noqa: N818
    """Sealed with a key that is no longer in the list: put the old key back at the end of it."""

    default = N_("A stored secret was sealed with a key that is not in the list of keys.")


class Tampered(VaultError):  # noqa: N818
    """Altered, cut short, or moved from another row."""

    default = N_("A stored secret was altered or moved.")


class Vault:
    """Seals with the newest key, opens with any of the list. `keys` are (key id, 32 bytes), newest first."""

    def __init__(self, keys: Keys) -> None:
        if not keys:
            raise ValueError("the vault needs at least one key")
        for key_id, key in keys:
            if len(key) != 32 or not 1 <= len(key_id.encode()) <= 255:
                raise ValueError("a vault key has a short name and 32 bytes")
        if len({key_id for key_id, _ in keys}) != len(keys):
            raise ValueError("two vault keys have the same name")
        self._newest = keys[0][0]
        self._lookup_keys = [key for _, key in keys]
        # An own key per use, so the same secret may sign links and hash codes as well.
        self._ciphers = {key_id: AESGCM(hmac.digest(key, b"vocha vault 1", hashlib.sha256)) for key_id, key in keys}

    def seal(self, table: str, column: str, *, row_id: RowId, plaintext: str) -> bytes:
        """Encrypt text for one place. The row's id must be known already and never change."""
        key_id = self._newest.encode()
        header = bytes((_VERSION, len(key_id))) + key_id
        nonce = os.urandom(_NONCE)
        place = _place(header, table, column=column, row_id=row_id)
        return header + nonce + self._ciphers[self._newest].encrypt(nonce, plaintext.encode(), place)

    def seal_all(self, table: str, column: str, *, rows: Sequence[tuple[RowId, str]]) -> list[bytes]:
        """Encrypt a text for each of many rows of a column, as `seal` does: what all have in common is made once."""
        key_id = self._newest.encode()
        header = bytes((_VERSION, len(key_id))) + key_id
        before = _place(header, table, column=column)
        encrypt, nonces = self._ciphers[self._newest].encrypt, os.urandom(_NONCE * len(rows))
        sealed: list[bytes] = []
        for at, (row_id, text) in enumerate(rows):
            nonce = nonces[at * _NONCE : (at + 1) * _NONCE]
            sealed.append(header + nonce + encrypt(nonce, text.encode(), before + _part(str(row_id))))
        return sealed

    def open(self, table: str, column: str, *, row_id: RowId, sealed: bytes) -> str:
        """The text back; Tampered when altered or from another place, KeyMissing when its key is gone."""
        header, key_id = _header(sealed)
        cipher = self._ciphers.get(key_id)
        if cipher is None:
            raise KeyMissing
        nonce, body = sealed[len(header) : len(header) + _NONCE], sealed[len(header) + _NONCE :]
        if len(body) < _TAG:
            raise Tampered
        try:
            return cipher.decrypt(nonce, body, _place(header, table, column=column, row_id=row_id)).decode()
        except InvalidTag as error:
            raise Tampered from error

    def code_hash(self, code: str) -> bytes:
        """What a new voucher's code is found by: its HMAC under the newest key."""
        return lookup_hash(self._lookup_keys[0], code)

    def code_hash_all(self, codes: Sequence[str]) -> list[bytes]:
        """What many new codes are found by."""
        return lookup_hashes(self._lookup_keys[0], codes)

    def code_hashes(self, code: str) -> list[bytes]:
        """What an existing voucher's code may be stored as: its HMAC under each key of the list."""
        return [lookup_hash(key, code) for key in self._lookup_keys]

    def is_current(self, sealed: bytes) -> bool:
        """Whether the newest key sealed this; rotation opens and seals again what is not."""
        return _header(sealed)[1] == self._newest


def _header(sealed: bytes) -> tuple[bytes, str]:
    if len(sealed) < 2 or sealed[0] != _VERSION or len(sealed) < 2 + sealed[1]:
        raise Tampered
    header = sealed[: 2 + sealed[1]]
    try:
        return header, header[2:].decode()
    except UnicodeDecodeError as error:
        raise Tampered from error


def _place(header: bytes, table: str, *, column: str, row_id: RowId | None = None) -> bytes:
    """Each part carries its length: no two places ever spell the same bytes. Without a row it is how the places of a column begin."""
    place = header + _part(table) + _part(column)
    return place if row_id is None else place + _part(str(row_id))


def _part(text: str) -> bytes:
    encoded = text.encode()
    return len(encoded).to_bytes(4, "big") + encoded
