"""Accounts of people: made, given a role somewhere, given another password. Who may do that is asked by whoever calls."""

from datetime import datetime
from typing import Any

from portal import passwords
from portal.db import DB, Tx, atomic
from portal.errors import Conflict, Invalid
from portal.identity.actors import Actor, Role, fold_email, printable
from portal.identity.sessions import end_all
from portal.msgid import N_
from portal.states import note

EMAIL = N_("Type an e-mail address, such as amina@example.com.")
NAME = N_("Type your name, at most 80 characters.")


def read_email(text: str, field: str = "email") -> str:
    """An address in the form it is stored in; Invalid for what can be none."""
    email = fold_email(text)
    local, at, host = email.rpartition("@")
    if not at or not local or "." not in host.strip(".") or host != host.strip(".") or " " in email or len(email) < 6:
        raise Invalid({field: EMAIL})
    return email


def read_name(text: str, field: str = "name") -> str:
    """A person's name; Invalid for none, or an endless one."""
    name = " ".join(printable(text).split())
    if not name or len(name) > 80:
        raise Invalid({field: NAME})
    return name


async def add_user(
    tx: Tx, email: str, name: str, *, password_hash: str, now: datetime, is_operator: bool = False, language: str = "en",
    is_confirmed: bool = False,
) -> int:  # fmt: skip
    """A new account's id; Conflict when the address has one. Make the hash before, with `passwords.hash_password`:
    hashing takes its time, and no transaction should wait for it."""
    user_id: Any = await tx.value(
        """INSERT INTO users (email, name, password_hash, is_operator, created_at, language, confirmed_at)
           VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (email) DO NOTHING RETURNING id""",
        fold_email(email), name, password_hash, is_operator, now, language, now if is_confirmed else None,
    )  # fmt: skip
    if user_id is None:
        raise Conflict(N_("There is an account with this e-mail already."))
    return user_id


async def join(tx: Tx, user_id: int, merchant_id: int, *, role: Role) -> None:
    """Give a user a role at a merchant; a role held before is replaced."""
    await tx.execute(
        """INSERT INTO memberships (user_id, merchant_id, role) VALUES ($1, $2, $3)
           ON CONFLICT (merchant_id, user_id) DO UPDATE SET role = excluded.role""",
        user_id,
        merchant_id,
        role.value,
    )


async def set_password(
    user_id: int, password: str, *, now: datetime | None = None, but: int | None = None, merchant_id: int | None = None
) -> None:
    """Change a password and end every session of the user, this one included unless it is `but`. Invalid: too short, too long,
    or one of those that everybody tries first."""
    hashed = await passwords.hash_password(password)
    async with atomic() as tx:
        await tx.execute("UPDATE users SET password_hash = $2 WHERE id = $1", user_id, hashed)
        await end_all(tx, user_id, but=but)
        await tx.execute(
            "UPDATE identity_links SET used_at = coalesce($2, expires_at), token_sealed = NULL WHERE user_id = $1 AND used_at IS NULL",
            user_id,
            now,
        )
        if now is not None:
            await note(
                tx, "users", user_id, "password_changed", merchant_id=merchant_id, at=now, actor=f"user:{user_id}"
            )


async def speak(actor: Actor, language: str) -> None:
    """The language of mails about the account from now on."""
    await DB.fetch("UPDATE users SET language = $2 WHERE id = $1", actor.user_id, language)
