"""Signatures as Standard Webhooks 1.0 says: v1 is base64 of HMAC-SHA256 over "id.timestamp.body", by the bytes behind `whsec_`. Pure."""

import base64
import binascii
import hashlib
import hmac
import secrets
from collections.abc import Mapping, Sequence

PREFIX = "whsec_"
_BYTES = 32


def new_secret() -> str:
    """A secret of 256 bits, as receivers are given it."""
    return PREFIX + base64.b64encode(secrets.token_bytes(_BYTES)).decode()


def sign(secret: str, message_id: str, *, at_s: int, body: bytes) -> str:
    """ "v1,…" for a body sent at a moment, in seconds since 1970. ValueError: no secret."""
    key = _key(secret)
    signed = f"{message_id}.{at_s}.".encode() + body
    return "v1," + base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()


def headers(keys: Sequence[str], message_id: str, *, at_s: int, body: bytes) -> dict[str, str]:
    """What goes with a message: its id, when it was sent, and a signature by each secret that counts now, the newest first."""
    return {
        "Content-Type": "application/json",
        "webhook-id": message_id,
        "webhook-timestamp": str(at_s),
        "webhook-signature": " ".join(sign(key, message_id, at_s=at_s, body=body) for key in keys),
    }


def is_right(secret: str, told: Mapping[str, str], body: bytes, *, now_s: int, skew_s: int = 300) -> bool:
    """Whether a message was signed with this secret within five minutes of now: what a receiver does. Keys of `told` in small letters."""
    try:
        at_s = int(told["webhook-timestamp"])
        right = sign(secret, told["webhook-id"], at_s=at_s, body=body)
    except (KeyError, ValueError):
        return False
    given = told.get("webhook-signature", "").split()
    return abs(now_s - at_s) <= skew_s and any(hmac.compare_digest(one, right) for one in given)


def _key(secret: str) -> bytes:
    if not secret.startswith(PREFIX):
        raise ValueError("a secret begins with whsec_")
    try:
        return base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except binascii.Error as error:
        raise ValueError("not base64 behind whsec_") from error
