"""Signed, expiring, URL-safe tokens: the captive page keeps its state in one, as it sets no cookie. Pure.

Signed, not encrypted: whoever holds the link can read it, nobody can alter it. Nothing here is single-use.
Token: base64url of 16 bytes of HMAC-SHA256 | 4 bytes issue time (Unix seconds) | JSON. The purpose is mixed into the
key, so a token for one thing never passes for another.
"""

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import cast

from portal.errors import PortalError
from portal.msgid import N_

Keys = Sequence[tuple[str, bytes]]
Payload = Mapping[str, str | int | bool | None]

_MAC = 16
_HEAD = _MAC + 4
_LONGEST = 4096
#: How far our own clocks may disagree before a token from the future is refused.
_SKEW = timedelta(minutes=5)


class TokenError(PortalError):
    default = N_("This link does not work. Open the Wi-Fi page again.")
    status_code = 400


class Forged(TokenError):  # noqa: N818
    """Not signed by us for this purpose, or cut short on the way."""


class Expired(TokenError):  # noqa: N818
    """Truly ours, but too old."""

    default = N_("This link is too old. Open the Wi-Fi page again.")
    status_code = 410


class Signer:
    """Signs with the newest key, accepts any of the list. `keys` are (key id, 32 bytes), newest first."""

    def __init__(self, keys: Keys) -> None:
        if not keys or any(len(key) < 32 for _, key in keys):
            raise ValueError("signing needs at least one key of 32 bytes")
        self._keys = [key for _, key in keys]

    def sign(self, purpose: str, payload: Payload, *, now: datetime) -> str:
        """A token of 27 characters plus 4/3 of the payload's JSON; ValueError when it would be too long for a URL."""
        text = json.dumps(dict(payload), separators=(",", ":"))
        body = int(now.timestamp()).to_bytes(4, "big") + text.encode()
        token = base64.urlsafe_b64encode(_mac(self._keys[0], purpose, body=body) + body).rstrip(b"=").decode()
        if len(token) > _LONGEST:
            raise ValueError("this payload is too long for a link")
        return token

    def read(
        self, purpose: str, token: str, *, max_age: timedelta, now: datetime
    ) -> dict[str, str | int | bool | None]:
        """The payload; Forged unless we signed it for this purpose, Expired when older than `max_age`."""
        raw = _decode(token)
        mac, body = raw[:_MAC], raw[_MAC:]
        # Every key is tried, with no early exit: time tells nothing about which one signed.
        if sum(hmac.compare_digest(mac, _mac(key, purpose, body=body)) for key in self._keys) == 0:
            raise Forged
        age = timedelta(seconds=int(now.timestamp()) - int.from_bytes(body[:4], "big"))
        if not -_SKEW <= age <= max_age:
            raise Expired
        return cast("dict[str, str | int | bool | None]", json.loads(body[4:]))


def _mac(key: bytes, purpose: str, *, body: bytes) -> bytes:
    own_key = hmac.digest(key, b"vocha link 1 " + purpose.encode(), hashlib.sha256)
    return hmac.digest(own_key, body, hashlib.sha256)[:_MAC]


def _decode(token: str) -> bytes:
    if not token or len(token) > _LONGEST:
        raise Forged
    try:
        raw = base64.b64decode(token.encode("ascii") + b"=" * (-len(token) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, UnicodeEncodeError) as error:
        raise Forged from error
    # Base64 leaves spare bits at the end: one token shall have one spelling.
    if len(raw) < _HEAD or base64.urlsafe_b64encode(raw).rstrip(b"=").decode() != token:
        raise Forged
    return raw
