"""Passwords of people: hashed with argon2id, off the event loop, one at a time so that hashing cannot eat both cores.

Parameters: OWASP Password Storage Cheat Sheet (argon2id, 19 MiB, 2 passes, 1 lane). Not for secrets we must read again:
those are in the vault.
"""

import asyncio

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from portal.errors import Invalid, Unavailable
from portal.msgid import N_

SHORTEST, LONGEST = 8, 128
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


async def hash_password(password: str) -> str:
    """What to store for a new password; Invalid unless it has 8 to 128 characters."""
    if not SHORTEST <= len(password) <= LONGEST:
        raise Invalid({"password": N_("Choose a password of 8 to 128 characters.")})
    async with _turns:
        return await asyncio.to_thread(_HASHER.hash, password)


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
