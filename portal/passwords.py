"""Passwords of people: hashed with argon2id, off the event loop, one at a time so that hashing cannot eat both cores.

Parameters: OWASP Password Storage Cheat Sheet (argon2id, 19 MiB, 2 passes, 1 lane). Not for secrets we must read again:
those are in the vault.
"""

import asyncio
import re
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from portal.errors import Invalid, Unavailable
from portal.msgid import N_

SHORTEST, LONGEST = 8, 128
LENGTH = N_("Choose a password of 8 to 128 characters.")
COMMON = N_("Too many people use this password, or it is your name. Choose another: three or four words are good.")
#: Leaked passwords, the most frequent; its first line says from where.
_LIST = Path(__file__).parent / "common_passwords.txt"
#: What our own neighbourhood tries first.
_OURS = frozenset(
    {
        "vocha",
        "mikrotik",
        "hotspot",
        "safaricom",
        "mpesa",
        "m-pesa",
        "wifi",
        "kenya",
        "nairobi",
        "mombasa",
        "admin",
        "password",
    }
)
_FEWEST_CHARACTERS, _LONG, _SHORTEST_WORD = 3, 20, 4
#: More sign-ins than this waiting for their turn (about 30 ms each) are sent away.
_MOST_WAITING = 40

_HASHER = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
#: Checked when there is no such account, so that the answer takes as long as a wrong password. Hash of random bytes.
_NOBODY = _HASHER.hash("61d3c4c84e9f4b1d8b7d4f5c")


class _Turns:
    """Lets one hash run at a time on any event loop, and counts who waits."""

    def __init__(self) -> None:
        self._semaphore = asyncio.Semaphore(1)
        self._waiting = 0

    async def __aenter__(self) -> None:
        if self._waiting >= _MOST_WAITING:
            raise Unavailable
        self._waiting += 1
        try:
            await self._semaphore.acquire()
        finally:
            self._waiting -= 1

    async def __aexit__(self, *_error: object) -> None:
        self._semaphore.release()


_turns = _Turns()


async def hash_password(password: str, *, about: Sequence[str] = ()) -> str:
    """What to store for a new password; Invalid unless it has 8 to 128 characters, and for one of the 3,000 that everybody tries
    first. `about` are words that are no password for this person either: the address, the name, the shop's name."""
    if not SHORTEST <= len(password) <= LONGEST:
        raise Invalid({"password": LENGTH})
    if is_common(password, about=about):
        raise Invalid({"password": COMMON})
    return await rehash(password)


async def rehash(password: str) -> str:
    """What to store for a password somebody has already, whatever it is like."""
    async with _turns:
        return await asyncio.to_thread(_HASHER.hash, password)


def is_common(password: str, *, about: Sequence[str] = ()) -> bool:
    """Whether this is among the first that are tried: in the list, a digit or two behind one of it or of ours, or about the person."""
    bare = password.lower().strip()
    core = bare.rstrip("0123456789!.@#*")
    words = [word for text in about for word in (text.lower(), *re.split(r"[^a-z0-9]+", text.lower()))]
    known = _common()
    return (
        (len(bare) < _LONG and len(set(bare)) <= _FEWEST_CHARACTERS)
        or bare in known
        or core in _OURS
        or any(len(word) >= _SHORTEST_WORD and core == word for word in words)
    )


@lru_cache(maxsize=1)
def _common() -> frozenset[str]:
    """Read with the first new password: most processes never need it."""
    lines = _LIST.read_text(encoding="utf-8").splitlines()
    return frozenset(line for line in lines if not line.startswith("#"))


async def is_right(stored: str | None, password: str) -> bool:
    """Whether this is the password of `stored`. None (no such account) costs the same time and is never right."""
    async with _turns:
        matches = await asyncio.to_thread(_verify, stored or _NOBODY, password[: LONGEST + 1])
    return matches and stored is not None and len(password) <= LONGEST


def is_outdated(stored: str) -> bool:
    """Whether the hash was made with weaker parameters than today's, so that it should be made anew."""
    return _HASHER.check_needs_rehash(stored)


def _verify(stored: str, password: str) -> bool:
    try:
        return _HASHER.verify(stored, password)
    except (VerificationError, InvalidHashError):
        return False
