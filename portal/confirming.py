"""Confirming something that moves money with one's own password, though signed in: a session left open is not enough."""

from datetime import datetime

from portal import limits, passwords
from portal.db import DB
from portal.errors import Invalid, TooMany
from portal.identity import Actor
from portal.msgid import N_

TRIES = (5, 300)
WRONG_PASSWORD = N_("The password is wrong.")
TOO_MANY = N_("Too many tries. Wait five minutes and try again.")


async def is_confirmed(actor: Actor, password: str, *, now: datetime) -> bool:
    """Whether the actor's own password was typed; False for none. Invalid: wrong; TooMany after five within five minutes.

    Not in a transaction: hashing takes its time."""
    if not password:
        return False
    most, window_s = TRIES
    if not await limits.hit(f"confirm:{actor.user_id}", limit=most, window_s=window_s, now=now):
        raise TooMany(TOO_MANY, retry_after=window_s)
    stored = await DB.value("SELECT password_hash FROM users WHERE id = $1", actor.user_id)
    if not await passwords.is_right(stored, password):
        raise Invalid({"password": WRONG_PASSWORD})
    await limits.forget(f"confirm:{actor.user_id}")
    return True
