"""The platform's operators, by the command line: the first one, and one who lost the password or the second step.

Whoever may run commands on the server holds its keys, so nothing is asked; what is done is noted and mailed."""

from datetime import datetime, timedelta
from typing import NamedTuple

from portal.config import Settings
from portal.db import DB, atomic
from portal.errors import NotFound
from portal.identity import links
from portal.identity.accounts import add_user, read_email, read_name
from portal.identity.links import Purpose
from portal.identity.notices import notice
from portal.identity.sessions import end_all
from portal.messages.kinds import Told
from portal.msgid import N_
from portal.states import note
from portal.vault import Vault

ACTOR = "command"
#: The link a command prints is good for so long: it is opened at once, or by somebody who is called.
LINK_LIFE = timedelta(hours=24)
#: What no password hashes to.
_NO_PASSWORD = "!"  # noqa: S105


class Operator(NamedTuple):
    """Somebody who runs the platform."""

    email: str
    name: str
    has_second: bool


async def listed() -> list[Operator]:
    """All of them."""
    rows = await DB.fetch(
        """SELECT email, name, totp_at IS NOT NULL OR EXISTS (SELECT FROM passkeys p WHERE p.user_id = u.id) AS has_second
           FROM users u WHERE is_operator ORDER BY id"""
    )
    return [Operator(**dict(row)) for row in rows]


async def add(typed: str, name: str, *, settings: Settings, vault: Vault, now: datetime) -> str:
    """A new operator, or an account that becomes one; returns the link to choose a password by. Invalid."""
    email, title = read_email(typed), read_name(name)
    async with atomic() as tx:
        user_id = await tx.value("UPDATE users SET is_operator = true WHERE email = $1 RETURNING id", email)
        if user_id is None:
            user_id = await add_user(tx, email, title, password_hash=_NO_PASSWORD, now=now, is_operator=True)
        await note(tx, "users", user_id, "operator_added", merchant_id=None, at=now, actor=ACTOR)
        made = await links.make(tx, Purpose.RESET, email=email, user_id=user_id, vault=vault, life=LINK_LIFE, now=now)
    return f"{settings.base_url}/reset?t={made.token}"


async def reset(typed: str, *, settings: Settings, vault: Vault, now: datetime) -> str:
    """Take the second steps of a person away and end all sessions; returns the link to choose a password by. NotFound, Invalid."""
    email = read_email(typed)
    async with atomic() as tx:
        user_id = await tx.value("SELECT id FROM users WHERE email = $1 FOR UPDATE", email)
        if user_id is None:
            raise NotFound(N_("There is no account with this address."))
        await tx.execute("UPDATE users SET totp_at = NULL, totp_sealed = NULL WHERE id = $1", user_id)
        await tx.execute("DELETE FROM passkeys WHERE user_id = $1", user_id)
        await tx.execute("DELETE FROM recovery_codes WHERE user_id = $1", user_id)
        await end_all(tx, user_id)
        await links.take_back(tx, Purpose.RESET, user_id=user_id, now=now)
        made = await links.make(tx, Purpose.RESET, email=email, user_id=user_id, vault=vault, life=LINK_LIFE, now=now)
        await note(tx, "users", user_id, "proofs_reset", merchant_id=None, at=now, actor=ACTOR)
        await notice(
            tx, Told.ACCOUNT_CHANGED, user_id, now=now, what=N_("all second steps were removed by the operator")
        )
    return f"{settings.base_url}/reset?t={made.token}"
