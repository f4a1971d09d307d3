"""Tokens: what a program proves itself with at the API. Shown once, kept as a hash, and never mightier than whoever made it.

How requests carry one, and what is refused in what words: portal.controllers.api. Not sessions of browsers: portal.identity."""

import base64
import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum

import msgspec

from portal import limits
from portal.db import DB, atomic
from portal.errors import Conflict, Forbidden, Invalid, NotFound, TooMany
from portal.identity import Actor, Role
from portal.msgid import N_
from portal.states import note
from portal.vault import Vault

#: What every token begins with: so that people, and programs that look for leaked secrets, know one when they see it.
PREFIX = "vocha_"
#: Requests by one token, and wrong tokens from one address, within a minute. Only wrong ones are counted by address.
REQUESTS, WRONG = (600, 60), (30, 60)
#: How many tokens that work a merchant may have.
MOST = 50
#: Days a token may be good for; 0: until it is revoked.
LIVES = (30, 90, 365, 0)
_LONGEST_NAME = 60
#: `last_used_at` is written at most this often: a request costs no write.
_USED_STEP = timedelta(minutes=1)
#: The same form sent again shows the same token so long: a second tap shall not hide what the first one made.
_SHOWN_AGAIN = timedelta(minutes=2)
#: That codes were read is written at most this often.
_CODES_STEP = timedelta(hours=1)

ONLY_MANAGERS = N_("Only the owner or a manager can make tokens and webhooks.")


class Scope(StrEnum):
    """What a token may be for."""

    VOUCHERS_READ = "vouchers:read"
    VOUCHERS_WRITE = "vouchers:write"
    VOUCHERS_CODES = "vouchers:codes"
    PACKAGES_READ = "packages:read"
    PACKAGES_WRITE = "packages:write"
    PAYMENTS_READ = "payments:read"
    ROUTERS_READ = "routers:read"
    ROUTERS_SYNC = "routers:sync"
    REPORTS_READ = "reports:read"


_LOOKS = frozenset({Scope.VOUCHERS_READ, Scope.PACKAGES_READ, Scope.PAYMENTS_READ, Scope.ROUTERS_READ})
#: What the role of a token's maker allows today, whatever the token was made for.
ALLOWED: Mapping[Role, frozenset[Scope]] = {
    Role.OWNER: frozenset(Scope),
    Role.MANAGER: frozenset(Scope),
    Role.CASHIER: _LOOKS | {Scope.VOUCHERS_CODES},
    Role.VIEWER: _LOOKS,
}


class Caller(msgspec.Struct, frozen=True, kw_only=True):
    """A program that proved itself: for whom it acts, by which token, and what that is good for now."""

    actor: Actor
    token_id: int
    name: str
    scopes: frozenset[Scope]
    expires_at: datetime | None


class TokenLine(msgspec.Struct, frozen=True, kw_only=True):
    """A token as its merchant's page lists it. `by`: who made it; `works`: whether it opens anything."""

    id: int
    name: str
    hint: str
    scopes: list[str]
    by: str
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None
    last_used_from: str
    revoked_at: datetime | None
    works: bool


class Made(msgspec.Struct, frozen=True):
    """A token just made, readable for the last time."""

    id: int
    token: str


def manager(actor: Actor) -> int:
    """The merchant whose tokens and webhooks the actor may look after; NotFound at none, Forbidden for all but owner and manager."""
    merchant_id = actor.at_merchant()
    if actor.role not in (Role.OWNER, Role.MANAGER):
        raise Forbidden(ONLY_MANAGERS)
    return merchant_id


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


_WORKING = """SELECT count(*) FROM api_tokens
              WHERE merchant_id = $1 AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > $2)"""


async def make(
    actor: Actor, name: str, *, scopes: Sequence[str], days: int, form_key: str, vault: Vault, now: datetime
) -> Made:
    """A new token. Invalid: its name, scopes or life. Conflict: the same form again, too late to show it, or too many tokens."""
    merchant_id = manager(actor)
    named, wanted = _checked(name, scopes, days)
    # From a key only we have and a form only this person was given: a second tap makes the same token, anybody else none.
    secret = vault.code_hash(f"api token {merchant_id} {actor.user_id} {form_key}")
    token = PREFIX + base64.urlsafe_b64encode(secret).rstrip(b"=").decode()
    async with atomic() as tx:
        await tx.execute("SELECT pg_advisory_xact_lock(hashtext($1))", f"api_tokens {merchant_id}")
        known = await tx.row("SELECT id, created_at FROM api_tokens WHERE token_hash = $1", _digest(token))
        if known is not None:
            if now - known["created_at"] > _SHOWN_AGAIN:
                raise Conflict(N_("This token was made already, and is shown only once. Make another one."))
            return Made(known["id"], token)
        if await tx.value(_WORKING, merchant_id, now) >= MOST:
            raise Conflict(N_("There are too many tokens. Revoke those nobody uses any more."))
        token_id = await tx.value(
            """INSERT INTO api_tokens (merchant_id, user_id, name, token_hash, hint, scopes, created_at, expires_at)
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8) RETURNING id""",
            merchant_id,
            actor.user_id,
            named,
            _digest(token),
            token[-4:],
            " ".join(wanted),
            now,
            now + timedelta(days=days) if days else None,
        )
        await note(
            tx, "api_tokens", token_id, "made", merchant_id=merchant_id, at=now, actor=f"user:{actor.user_id}",
            data={"name": named, "scopes": wanted, "days": days},
        )  # fmt: skip
    return Made(token_id, token)


def _checked(name: str, scopes: Sequence[str], days: int) -> tuple[str, list[str]]:
    named = " ".join("".join(char if char.isprintable() else " " for char in name).split())
    wanted, wrong = [scope.value for scope in Scope if scope in scopes], dict[str, str]()
    if not named or len(named) > _LONGEST_NAME:
        wrong["name"] = N_("Say what the token is for, in 1 to 60 letters.")
    if not wanted:
        wrong["scopes"] = N_("Choose at least one thing the token may do.")
    if days not in LIVES:
        wrong["days"] = N_("Choose how long the token works.")
    if wrong:
        raise Invalid(wrong)
    return named, wanted


async def revoke(actor: Actor, token_id: int, *, now: datetime) -> None:
    """End a token at once. Repeatable. NotFound: another merchant's."""
    merchant_id = actor.at_merchant()
    async with atomic() as tx:
        row = await tx.row(
            "SELECT name, revoked_at FROM api_tokens WHERE id = $1 AND merchant_id = $2 FOR UPDATE",
            token_id,
            merchant_id,
        )
        if row is None:
            raise NotFound
        manager(actor)
        if row["revoked_at"] is not None:
            return
        await tx.execute(
            "UPDATE api_tokens SET revoked_at = $2, revoked_by = $3 WHERE id = $1", token_id, now, actor.user_id
        )
        await note(
            tx, "api_tokens", token_id, "revoked", merchant_id=merchant_id, at=now, actor=f"user:{actor.user_id}",
            data={"name": row["name"]},
        )  # fmt: skip


async def tokens(actor: Actor, *, now: datetime) -> list[TokenLine]:
    """The merchant's tokens, the newest first; ended ones for thirty days more."""
    rows = await DB.fetch(
        """SELECT t.id, t.name, t.hint, t.scopes, u.name AS by, t.created_at, t.expires_at, t.last_used_at, t.last_used_from,
                  t.revoked_at,
                  t.revoked_at IS NULL AND (t.expires_at IS NULL OR t.expires_at > $2) AND m.id IS NOT NULL AS works
           FROM api_tokens t JOIN users u ON u.id = t.user_id
           LEFT JOIN memberships m ON m.user_id = t.user_id AND m.merchant_id = t.merchant_id
           WHERE t.merchant_id = $1 AND coalesce(t.revoked_at, t.expires_at, $2) > $2 - interval '30 days'
           ORDER BY t.id DESC LIMIT 200""",
        manager(actor),
        now,
    )
    return [TokenLine(**dict(row) | {"scopes": row["scopes"].split()}) for row in rows]


_CALLER = """
SELECT t.id, t.name AS token_name, t.scopes, t.expires_at, t.last_used_at, t.merchant_id, t.user_id, u.name, u.email, m.role
FROM api_tokens t JOIN users u ON u.id = t.user_id
JOIN memberships m ON m.user_id = t.user_id AND m.merchant_id = t.merchant_id
WHERE t.token_hash = $1 AND t.revoked_at IS NULL AND (t.expires_at IS NULL OR t.expires_at > $2)"""


async def caller_of(token: str, *, address: str, now: datetime) -> Caller | None:
    """Who sends this token; None for an unknown, ended or expired one, and for one whose maker left. TooMany: it asks too often, or
    too many wrong ones came from this address: the right one still works there."""
    row = await DB.row(_CALLER, _digest(token), now) if token.startswith(PREFIX) else None
    if row is None:
        most, window_s = WRONG
        if not await limits.hit(f"api:wrong:{address}", limit=most, window_s=window_s, now=now):
            raise TooMany(N_("Too many wrong tokens came from your address."), retry_after=window_s)
        return None
    most, window_s = REQUESTS
    if not await limits.hit(f"api:{row['id']}", limit=most, window_s=window_s, now=now):
        raise TooMany(N_("This token asks too often."), retry_after=window_s)
    if row["last_used_at"] is None or now - row["last_used_at"] >= _USED_STEP:
        await DB.fetch(
            "UPDATE api_tokens SET last_used_at = $2, last_used_from = $3 WHERE id = $1", row["id"], now, address
        )
    role = Role(row["role"])
    actor = Actor(
        user_id=row["user_id"], merchant_id=row["merchant_id"], role=role, is_operator=False, name=row["name"],
        email=row["email"],
    )  # fmt: skip
    return Caller(
        actor=actor, token_id=row["id"], name=row["token_name"], expires_at=row["expires_at"],
        scopes=frozenset(Scope(word) for word in row["scopes"].split() if word in set(Scope)) & ALLOWED[role],
    )  # fmt: skip


async def note_codes(caller: Caller, *, now: datetime) -> None:
    """Keep in the history that a program was told codes: once an hour for each token, however often it asks."""
    known = await DB.value(
        """SELECT EXISTS (SELECT FROM events WHERE entity = 'api_tokens' AND entity_id = $1 AND name = 'codes_read' AND at > $2)""",
        caller.token_id,
        now - _CODES_STEP,
    )
    if known:
        return
    async with atomic() as tx:
        await note(
            tx, "api_tokens", caller.token_id, "codes_read", merchant_id=caller.actor.merchant_id, at=now,
            actor=f"user:{caller.actor.user_id}", data={"name": caller.name},
        )  # fmt: skip
