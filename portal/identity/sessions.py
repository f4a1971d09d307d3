"""Sessions of browsers: opened under a new token, found by its SHA-256, listed, ended one by one or all, and proved again.

They end by themselves, at sign-out, or with their row. No cookies here: portal.guards."""

import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec
from asyncpg import Record

from portal.config import Settings
from portal.db import DB, Tx, atomic
from portal.errors import NotFound
from portal.identity.actors import Actor, Browser, How, NewSession, Role, Session, Visit, digest_of, named, printable
from portal.states import note

#: `last_seen_at` is written at most this often: reading a page costs no write.
_SEEN_STEP = timedelta(minutes=1)
#: A person has proved who they are for this long; a form that was opened in time may be sent a little later.
FRESH, FORM_FRESH = timedelta(minutes=15), timedelta(minutes=30)


class SessionLine(msgspec.Struct, frozen=True, kw_only=True):
    """A session as its owner sees it."""

    id: int
    user_agent: str
    ip: str
    how: How
    created_at: datetime
    last_seen_at: datetime
    is_this: bool


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """A merchant somebody works for."""

    merchant_id: int
    name: str
    role: Role
    is_here: bool


async def open_in(
    tx: Tx, user_id: int, *, browser: Browser, how: How, settings: Settings, now: datetime, merchant_id: int | None = None
) -> NewSession:  # fmt: skip
    """A session under a new token, whatever the browser came with; at `merchant_id`, or where the person was last, or works first."""
    token, expires_at = secrets.token_urlsafe(32), now + settings.session_lifetime
    last = merchant_id if merchant_id is not None else await _last_place(tx, user_id)
    if browser.old_token:
        await tx.execute("DELETE FROM user_sessions WHERE token_hash = $1", digest_of(browser.old_token))
    row = await tx.row(
        """INSERT INTO user_sessions (token_hash, user_id, merchant_id, created_at, last_seen_at, expires_at, ip, user_agent,
                                      proved_at, how)
           SELECT $1, $2, (SELECT m.merchant_id FROM memberships m WHERE m.user_id = $2
                           ORDER BY m.merchant_id = $7::bigint DESC NULLS LAST, m.id LIMIT 1), $3, $3, $4, $5, $6, $3, $8
           RETURNING merchant_id""",
        digest_of(token), user_id, now, expires_at, browser.address, printable(browser.user_agent)[:200],
        last, how.value,
    )  # fmt: skip
    assert row is not None
    await note(
        tx, "users", user_id, "signed_in", merchant_id=row["merchant_id"], at=now, actor=f"user:{user_id}",
        data={"how": how.value},
    )  # fmt: skip
    return NewSession(token=token, expires_at=expires_at)


async def _last_place(tx: Tx, user_id: int) -> int | None:
    """Where the person was in the newest session there still is."""
    return await tx.value(
        "SELECT merchant_id FROM user_sessions WHERE user_id = $1 ORDER BY last_seen_at DESC, id DESC LIMIT 1", user_id
    )


_SESSION = """
SELECT s.id, s.user_id, s.last_seen_at, coalesce(s.proved_at, s.created_at) AS proved_at, u.name, u.email, u.is_operator,
       m.merchant_id, m.role, a.id AS agent_id, w.merchant_id AS visited, w.ends_at, w.reason, o.name AS owner,
       coalesce(c.needs_second AND m.role IN ('owner', 'manager') AND u.totp_at IS NULL
                AND NOT EXISTS (SELECT FROM passkeys p WHERE p.user_id = u.id), false) AS lacks_second,
       (SELECT count(*) FROM memberships w WHERE w.user_id = u.id) AS shops
FROM user_sessions s JOIN users u ON u.id = s.user_id
LEFT JOIN memberships m ON m.user_id = s.user_id AND m.merchant_id = s.merchant_id
LEFT JOIN merchants c ON c.id = m.merchant_id
LEFT JOIN agents a ON m.role = 'cashier' AND a.merchant_id = m.merchant_id AND a.user_id = s.user_id AND a.status <> 'closed'
LEFT JOIN visits w ON w.session_key = $4 AND w.user_id = s.user_id AND w.ended_at IS NULL AND w.ends_at > $2 AND u.is_operator
LEFT JOIN users o ON o.id = w.owner_id
WHERE s.token_hash = $1 AND s.expires_at > $2 AND s.last_seen_at > $3"""


async def session_of(token: str, *, settings: Settings, now: datetime) -> Session | None:
    """The session a cookie stands for; None for an unknown, idle (12 h) or old (7 d) one."""
    digest = digest_of(token)
    row = await DB.row(_SESSION, digest, now, now - settings.session_idle, key_of(digest))
    if row is None:
        return None
    if now - row["last_seen_at"] >= _SEEN_STEP:
        await DB.fetch("UPDATE user_sessions SET last_seen_at = $2 WHERE id = $1", row["id"], now)
    return Session(
        id=row["id"],
        key=key_of(digest),
        actor=_actor(row),
        proved_at=row["proved_at"],
        lacks_second=row["lacks_second"],
        shops=row["shops"],
    )


def key_of(digest: bytes) -> str:
    """What names a session in form tokens."""
    return digest.hex()[:32]


def _actor(row: Record) -> Actor:
    if row["visited"] is not None:
        visit = Visit(owner=row["owner"], ends_at=row["ends_at"], may_change=bool(row["reason"]))
        return Actor(
            user_id=row["user_id"], merchant_id=row["visited"], role=Role.OWNER, is_operator=False, name=row["name"],
            email=row["email"], visit=visit,
        )  # fmt: skip
    return Actor(
        user_id=row["user_id"],
        merchant_id=row["merchant_id"],
        role=Role(row["role"]) if row["role"] else None,
        is_operator=row["is_operator"],
        name=row["name"],
        email=row["email"],
        agent_id=row["agent_id"],
    )


async def sign_out(session: Session, *, now: datetime | None = None) -> None:
    """End a session at once. Repeatable."""
    async with atomic() as tx:
        gone = await tx.value("DELETE FROM user_sessions WHERE id = $1 RETURNING id", session.id)
        if gone is not None and now is not None:
            await _noted(tx, session.actor, "signed_out", now=now)


async def sweep(*, now: datetime, settings: Settings) -> int:
    """Delete sessions that can no longer be used; returns how many."""
    rows = await DB.fetch(
        "DELETE FROM user_sessions WHERE expires_at <= $1 OR last_seen_at <= $2 RETURNING id",
        now,
        now - settings.session_idle,
    )
    return len(rows)


async def listed(session: Session, *, settings: Settings, now: datetime) -> list[SessionLine]:
    """The person's live sessions, this one first, then the one used last."""
    rows = await DB.fetch(
        """SELECT id, user_agent, ip, how, created_at, last_seen_at, id = $2 AS is_this FROM user_sessions
           WHERE user_id = $1 AND expires_at > $3 AND last_seen_at > $4 ORDER BY id = $2 DESC, last_seen_at DESC LIMIT 50""",
        session.actor.user_id, session.id, now, now - settings.session_idle,
    )  # fmt: skip
    return [msgspec.convert(dict(row), SessionLine) for row in rows]


async def revoke(session: Session, session_id: int, *, now: datetime) -> None:
    """End another of one's own sessions. NotFound for anybody else's."""
    async with atomic() as tx:
        gone = await tx.value(
            "DELETE FROM user_sessions WHERE id = $1 AND user_id = $2 AND id <> $3 RETURNING id",
            session_id, session.actor.user_id, session.id,
        )  # fmt: skip
        if gone is None:
            raise NotFound
        await _noted(tx, session.actor, "session_ended", now=now)


async def revoke_others(session: Session, *, now: datetime) -> int:
    """End all of one's own sessions but this one; returns how many. Repeatable."""
    async with atomic() as tx:
        gone = await end_all(tx, session.actor.user_id, but=session.id)
        if gone:
            await _noted(tx, session.actor, "sessions_ended", now=now, count=gone)
    return gone


async def end_all(tx: Tx, user_id: int, *, but: int | None = None) -> int:
    """End every session of a person, `but` this one; returns how many."""
    rows = await tx.fetch(
        "DELETE FROM user_sessions WHERE user_id = $1 AND id IS DISTINCT FROM $2 RETURNING id", user_id, but
    )
    return len(rows)


async def proved(session: Session, *, now: datetime) -> None:
    """The person has just proved again who they are."""
    await DB.fetch("UPDATE user_sessions SET proved_at = $2 WHERE id = $1", session.id, now)


def is_fresh(session: Session, *, now: datetime, within: timedelta = FRESH) -> bool:
    """Whether that was lately."""
    return now - session.proved_at <= within


async def places_of(actor: Actor) -> Sequence[Place]:
    """The merchants the actor works for, by name."""
    rows = await DB.fetch(
        """SELECT m.merchant_id, c.name, m.role FROM memberships m JOIN merchants c ON c.id = m.merchant_id
           WHERE m.user_id = $1 ORDER BY lower(c.name), c.id LIMIT 100""",
        actor.user_id,
    )
    return [
        Place(
            merchant_id=row["merchant_id"], name=row["name"], role=Role(row["role"]),
            is_here=row["merchant_id"] == actor.merchant_id,
        )
        for row in rows
    ]  # fmt: skip


async def switch(session: Session, merchant_id: int, *, now: datetime) -> NewSession:
    """Look at another merchant one works for, under a new token: forms still open for the one before are worth nothing any more.
    NotFound where one does not work."""
    token = secrets.token_urlsafe(32)
    async with atomic() as tx:
        expires_at = await tx.value(
            """UPDATE user_sessions s SET merchant_id = m.merchant_id, token_hash = $4 FROM memberships m
               WHERE s.id = $1 AND m.user_id = s.user_id AND m.user_id = $2 AND m.merchant_id = $3 RETURNING s.expires_at""",
            session.id, session.actor.user_id, merchant_id, digest_of(token),
        )  # fmt: skip
        if expires_at is None:
            raise NotFound
        await note(
            tx, "users", session.actor.user_id, "came_here", merchant_id=merchant_id, at=now, actor=named(session.actor)
        )
    return NewSession(token=token, expires_at=expires_at)


async def _noted(tx: Tx, actor: Actor, name: str, *, now: datetime, **data: object) -> None:
    await note(tx, "users", actor.user_id, name, merchant_id=actor.merchant_id, at=now, actor=named(actor), data=data)
