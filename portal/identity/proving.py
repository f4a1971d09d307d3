"""Proving again who one is, before something dangerous: by the password, a code of the app, a recovery code, or a passkey."""

from collections.abc import Mapping
from datetime import datetime

from portal import limits, passwords
from portal.config import Settings
from portal.db import DB, atomic
from portal.errors import Invalid, TooMany
from portal.identity import passkeys, second
from portal.identity.actors import Session
from portal.identity.sessions import proved
from portal.msgid import N_
from portal.vault import Vault

#: Tries of one session within five minutes. Whoever sits at a session that was left open cannot guess for long.
TRIES = (5, 300)
WRONG_PASSWORD = N_("This is not your password.")


async def prove(session: Session, typed: Mapping[str, str], *, settings: Settings, vault: Vault, now: datetime) -> None:
    """Take one of `passkey`, `code`, `password`. Invalid, TooMany."""
    user_id = session.actor.user_id
    if not await limits.hit(f"prove:{session.id}", limit=TRIES[0], window_s=TRIES[1], now=now):
        raise TooMany(second.TOO_MANY, retry_after=TRIES[1])
    if sent := typed.get("passkey", ""):
        async with atomic() as tx:
            await passkeys.check(tx, sent, settings=settings, now=now, user_id=user_id)
    elif code := typed.get("code", "").strip():
        async with atomic() as tx:
            if await second.take(tx, user_id, code, vault=vault, now=now) is None:
                raise Invalid({"code": second.WRONG})
    else:
        stored = await DB.value("SELECT password_hash FROM users WHERE id = $1", user_id)
        if not await passwords.is_right(stored, typed.get("password", "")):
            raise Invalid({"password": WRONG_PASSWORD})
    await limits.forget(f"prove:{session.id}")
    await proved(session, now=now)
