"""Who is asking: signing in and out, sessions of browsers, the actor behind a session. No cookies here: portal.guards.

A session is a row found by the SHA-256 of the cookie's 256-bit token; it ends by itself, at sign-out, or with its row.
"""

import hashlib
import logging
import secrets
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

import msgspec
from asyncpg import Record

from portal import limits, passwords
from portal.config import Settings
from portal.db import DB, Tx, atomic
from portal.errors import Conflict, Invalid, NotFound, TooMany
from portal.msgid import N_

log = logging.getLogger(__name__)

#: Wrong passwords for one account from one address, and sign-ins from one address. No rule counts an account alone:
#: then anybody could lock its owner out.
TRIES_PER_ACCOUNT = (5, 300)
TRIES_PER_ADDRESS = (60, 300)
WRONG = N_("E-mail or password is wrong.")
#: `last_seen_at` is written at most this often: reading a page costs no write.
_SEEN_STEP = timedelta(minutes=1)


class Role(StrEnum):
    """What a user may do at a merchant, the mightiest first."""

    OWNER = "owner"
    MANAGER = "manager"
    CASHIER = "cashier"
    VIEWER = "viewer"


class Actor(msgspec.Struct, frozen=True, kw_only=True):
    """Who is asking. `merchant_id` and `role` are None for an operator who is looking at no merchant."""

    user_id: int
    merchant_id: int | None
    role: Role | None
    is_operator: bool
    name: str
    email: str

    def at_merchant(self) -> int:
        """The merchant whose rows may be seen; NotFound for somebody who looks at none."""
        if self.merchant_id is None:
            raise NotFound
        return self.merchant_id


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """A signed-in browser. `key` names it in form tokens; it is not the cookie's secret."""

    id: int
    key: str
    actor: Actor


class NewSession(msgspec.Struct, frozen=True, kw_only=True):
    """What the browser gets: the cookie's token, and when it ends at the latest."""

    token: str
    expires_at: datetime


class Browser(msgspec.Struct, frozen=True, kw_only=True):
    """Where a sign-in comes from. `old_token` is the session the browser had before; it ends with the new one."""

    address: str
    user_agent: str
    old_token: str | None = None


def fold_email(email: str) -> str:
    """The form addresses are stored and compared in."""
    return _printable(email).strip().lower()[:254]


def _printable(text: str) -> str:
    """What a database can store: no NUL, no half characters."""
    return "".join(char for char in text if char.isprintable())


def digest_of(token: str) -> bytes:
    """What a secret of 256 bits is found by: its SHA-256."""
    return hashlib.sha256(token.encode()).digest()


async def sign_in(email: str, password: str, *, browser: Browser, settings: Settings, now: datetime) -> NewSession:
    """Open a session under a new token. Invalid, in the same words and time, for a wrong password and for no account;
    TooMany after five wrong passwords from one address within five minutes."""
    folded = fold_email(email)
    counter = await _throttle(folded, browser.address, now=now)
    row = await DB.row("SELECT id, password_hash FROM users WHERE email = $1", folded)
    right = await passwords.is_right(row["password_hash"] if row else None, password)
    if row is None or not right:
        log.info("sign-in refused", extra={"address": browser.address})
        raise Invalid({"password": WRONG})
    if passwords.is_outdated(row["password_hash"]):
        await DB.fetch(
            "UPDATE users SET password_hash = $2 WHERE id = $1", row["id"], await passwords.hash_password(password)
        )
    await limits.forget(counter)
    return await _open(row["id"], browser=browser, settings=settings, now=now)


async def _throttle(email: str, address: str, *, now: datetime) -> str:
    account = f"sign-in:{hashlib.sha256(email.encode()).hexdigest()[:32]}:{address}"
    for name, (most, window_s) in ((account, TRIES_PER_ACCOUNT), (f"sign-in:{address}", TRIES_PER_ADDRESS)):
        if not await limits.hit(name, limit=most, window_s=window_s, now=now):
            log.warning("sign-in throttled", extra={"address": address})
            raise TooMany(N_("Too many tries. Wait five minutes and try again."), retry_after=window_s)
    return account


async def _open(user_id: int, *, browser: Browser, settings: Settings, now: datetime) -> NewSession:
    token, expires_at = secrets.token_urlsafe(32), now + settings.session_lifetime
    async with atomic() as tx:
        if browser.old_token:
            await tx.execute("DELETE FROM user_sessions WHERE token_hash = $1", digest_of(browser.old_token))
        await tx.execute(
            """INSERT INTO user_sessions (token_hash, user_id, merchant_id, created_at, last_seen_at, expires_at, ip,
                                          user_agent)
               SELECT $1, $2, (SELECT merchant_id FROM memberships WHERE user_id = $2 ORDER BY id LIMIT 1), $3, $3, $4,
                      $5, $6""",
            digest_of(token),
            user_id,
            now,
            expires_at,
            browser.address,
            _printable(browser.user_agent)[:200],
        )
    return NewSession(token=token, expires_at=expires_at)


_SESSION = """
SELECT s.id, s.user_id, s.last_seen_at, u.name, u.email, u.is_operator, m.merchant_id, m.role
FROM user_sessions s JOIN users u ON u.id = s.user_id
LEFT JOIN memberships m ON m.user_id = s.user_id AND m.merchant_id = s.merchant_id
WHERE s.token_hash = $1 AND s.expires_at > $2 AND s.last_seen_at > $3"""


async def session_of(token: str, *, settings: Settings, now: datetime) -> Session | None:
    """The session a cookie stands for; None for an unknown, idle (12 h) or old (7 d) one."""
    digest = digest_of(token)
    row = await DB.row(_SESSION, digest, now, now - settings.session_idle)
    if row is None:
        return None
    if now - row["last_seen_at"] >= _SEEN_STEP:
        await DB.fetch("UPDATE user_sessions SET last_seen_at = $2 WHERE id = $1", row["id"], now)
    return Session(id=row["id"], key=digest.hex()[:32], actor=_actor(row))


def _actor(row: Record) -> Actor:
    return Actor(
        user_id=row["user_id"],
        merchant_id=row["merchant_id"],
        role=Role(row["role"]) if row["role"] else None,
        is_operator=row["is_operator"],
        name=row["name"],
        email=row["email"],
    )


async def sign_out(session: Session) -> None:
    """End a session at once. Repeatable."""
    await DB.fetch("DELETE FROM user_sessions WHERE id = $1", session.id)


async def sweep(*, now: datetime, settings: Settings) -> int:
    """Delete sessions that can no longer be used; returns how many."""
    rows = await DB.fetch(
        "DELETE FROM user_sessions WHERE expires_at <= $1 OR last_seen_at <= $2 RETURNING id",
        now,
        now - settings.session_idle,
    )
    return len(rows)


async def add_user(
    tx: Tx, email: str, name: str, *, password_hash: str, now: datetime, is_operator: bool = False
) -> int:
    """A new account's id; Conflict when the address has one. Make the hash before, with `passwords.hash_password`:
    hashing takes its time, and no transaction should wait for it."""
    user_id: Any = await tx.value(
        """INSERT INTO users (email, name, password_hash, is_operator, created_at) VALUES ($1, $2, $3, $4, $5)
           ON CONFLICT (email) DO NOTHING RETURNING id""",
        fold_email(email),
        name,
        password_hash,
        is_operator,
        now,
    )
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


async def set_password(user_id: int, password: str) -> None:
    """Change a password and end every session of the user, this one included."""
    hashed = await passwords.hash_password(password)
    async with atomic() as tx:
        await tx.execute("UPDATE users SET password_hash = $2 WHERE id = $1", user_id, hashed)
        await tx.execute("DELETE FROM user_sessions WHERE user_id = $1", user_id)
