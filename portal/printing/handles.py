"""What a card's square calls the shop: short, in capitals, and not to be guessed, so that nobody counts the platform's merchants.

The merchant's number in base 31 and six characters that only our keys can make (HMAC-SHA256, 29 bits). Cards stay good as long as
the key they were printed under is in the list. Pure."""

import hashlib
import hmac
from collections.abc import Sequence

from portal.codes import ALPHABET

Keys = Sequence[tuple[str, bytes]]
_PROOF = 6
_LONGEST = 20


def handle_of(merchant_id: int, keys: Keys) -> str:
    """The shop's name on cards printed today."""
    return _digits(merchant_id) + _proof(merchant_id, keys[0][1])


def merchant_of(handle: str, keys: Keys) -> int | None:
    """The merchant a handle names, however it is written; None for one we did not make."""
    plain = handle.upper()
    if not _PROOF < len(plain) <= _LONGEST or any(char not in ALPHABET for char in plain):
        return None
    merchant_id = 0
    for char in plain[:-_PROOF]:
        merchant_id = merchant_id * len(ALPHABET) + ALPHABET.index(char)
    # Every key is tried, with no early exit: time tells nothing about which one signed.
    known = sum(hmac.compare_digest(plain[-_PROOF:], _proof(merchant_id, key)) for _, key in keys)
    return merchant_id if known and merchant_id < 2**63 else None


def _digits(number: int) -> str:
    found = ""
    while number or not found:
        number, digit = divmod(number, len(ALPHABET))
        found = ALPHABET[digit] + found
    return found


def _proof(merchant_id: int, key: bytes) -> str:
    own_key = hmac.digest(key, b"vocha shop handle 1", hashlib.sha256)
    number = int.from_bytes(hmac.digest(own_key, str(merchant_id).encode(), hashlib.sha256)[:8], "big")
    return _digits(number).rjust(_PROOF, ALPHABET[0])[-_PROOF:]
