"""Where the next page of a list begins: an opaque text, signed, good only for the list and the filters it came from."""

import hashlib
from datetime import UTC, datetime, timedelta

import msgspec

from portal.errors import Invalid
from portal.msgid import N_
from portal.signing import Signer, TokenError

MOST = 200
USUAL = 50
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_PURPOSE = "api cursor"
_GOOD_FOR = timedelta(days=7)


class After(msgspec.Struct, frozen=True):
    """The last row of the page before: when it was made, in microseconds since 1970, and its id."""

    at_us: int
    id: int


#: Before every row there is.
NEWEST = After(253_402_000_000_000_000, 2**63 - 1)


def seal(after: After, of: str, *, signer: Signer, now: datetime) -> str:
    """The text for a place in the list `of`: its path and filters."""
    return signer.sign(_PURPOSE, {"a": after.at_us, "i": after.id, "f": _short(of)}, now=now)


def unseal(cursor: str | None, of: str, *, signer: Signer, now: datetime) -> After:
    """The place a text stands for; the beginning for None. Invalid: altered, older than a week, or of another list."""
    if cursor is None:
        return NEWEST
    try:
        told = signer.read(_PURPOSE, cursor, max_age=_GOOD_FOR, now=now)
    except TokenError as error:
        raise Invalid({"cursor": _WRONG}) from error
    at_us, row_id = told.get("a"), told.get("i")
    if told.get("f") != _short(of) or not isinstance(at_us, int) or not isinstance(row_id, int):
        raise Invalid({"cursor": _WRONG})
    return After(at_us, row_id)


_WRONG = N_("This cursor is of another list, or too old. Begin without one.")


def micros(at: datetime) -> int:
    """A moment in microseconds since 1970."""
    return round(at.timestamp() * 1_000_000)


def moment(after: After) -> datetime:
    """The moment of a place, as a datetime."""
    return _EPOCH + timedelta(microseconds=after.at_us)


def _short(of: str) -> str:
    return hashlib.sha256(of.encode()).hexdigest()[:12]
