"""The people of a merchant: who works there as what, invitations by mail, other roles, leaving, and handing the shop over.

An owner gives every role; a manager invites and looks after cashiers and viewers. There is always an owner."""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from portal import limits, passwords
from portal.config import Settings
from portal.db import DB, Tx, atomic
from portal.errors import Forbidden, Invalid, NotFound, TooMany
from portal.identity import links
from portal.identity.accounts import add_user, join, read_email, read_name
from portal.identity.actors import Actor, Browser, How, NewSession, Role, Session, named
from portal.identity.links import LinkOver, Made, Purpose
from portal.identity.notices import can_mail, mail
from portal.identity.signing_in import open_known_in
from portal.messages.kinds import Told
from portal.msgid import N_
from portal.states import note
from portal.vault import Vault

#: Invitations a merchant may send in a day, and that may be open at a time.
A_DAY, OPEN = 30, 50
ONLY_MANAGERS = N_("Only the owner or a manager can change the team.")
ONLY_OWNER = N_("Only the owner can do this.")
CHOOSE_ROLE = N_("Choose what the person may do.")
IN_TEAM = N_("This person is in the team already.")
LAST_OWNER = N_("The shop must have an owner. Make somebody else owner first.")
TOO_MANY = N_("These are many invitations. Wait a day before you send more.")
#: Whom a role may invite, change and remove.
_UNDER = {
    Role.OWNER: frozenset(Role),
    Role.MANAGER: frozenset({Role.CASHIER, Role.VIEWER}),
}


class Member(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody of the team. `may_change`: whether who looks may give this one another role, or remove this one."""

    user_id: int
    name: str
    email: str
    role: Role
    has_second: bool
    last_seen_at: datetime | None
    may_change: bool


class Invitation(msgspec.Struct, frozen=True, kw_only=True):
    """An invitation nobody has used yet."""

    id: int
    email: str
    role: Role
    expires_at: datetime
    may_change: bool


def may_see(actor: Actor) -> bool:
    """Whether the page of the team is of use to this actor."""
    return actor.merchant_id is not None and actor.role in _UNDER


def manager(actor: Actor) -> int:
    """The merchant whose team the actor looks after; Forbidden for cashiers and viewers."""
    merchant_id = actor.at_merchant()
    if not may_see(actor):
        raise Forbidden(ONLY_MANAGERS)
    return merchant_id


def roles_for(actor: Actor) -> tuple[Role, ...]:
    """The roles the actor may give."""
    return tuple(role for role in Role if role in _UNDER.get(actor.role or Role.VIEWER, frozenset()))


def _read_role(actor: Actor, typed: str) -> Role:
    if typed not in set(Role):
        raise Invalid({"role": CHOOSE_ROLE})
    if Role(typed) not in roles_for(actor):
        raise Forbidden(ONLY_OWNER)
    return Role(typed)


async def members(actor: Actor) -> list[Member]:
    """Everybody of the team, owners first. Forbidden."""
    rows = await DB.fetch(
        """SELECT u.id AS user_id, u.name, u.email, m.role,
                  u.totp_at IS NOT NULL OR EXISTS (SELECT FROM passkeys p WHERE p.user_id = u.id) AS has_second,
                  (SELECT max(s.last_seen_at) FROM user_sessions s
                   WHERE s.user_id = u.id AND s.merchant_id = m.merchant_id) AS last_seen_at
           FROM memberships m JOIN users u ON u.id = m.user_id WHERE m.merchant_id = $1
           ORDER BY array_position(ARRAY['owner', 'manager', 'cashier', 'viewer'], m.role::text), lower(u.name), u.id""",
        manager(actor),
    )
    mine = roles_for(actor)
    return [
        msgspec.convert(dict(row) | {"role": Role(row["role"]), "may_change": Role(row["role"]) in mine}, Member)
        for row in rows
    ]  # fmt: skip


async def invitations(actor: Actor, *, now: datetime) -> list[Invitation]:
    """Those still open, the newest first. Forbidden."""
    rows = await DB.fetch(
        """SELECT id, email, role, expires_at FROM identity_links
           WHERE merchant_id = $1 AND purpose = 'team' AND used_at IS NULL AND expires_at > $2 ORDER BY id DESC LIMIT 100""",
        manager(actor), now,
    )  # fmt: skip
    mine = roles_for(actor)
    return [
        msgspec.convert(dict(row) | {"role": Role(row["role"]), "may_change": Role(row["role"]) in mine}, Invitation)
        for row in rows
    ]


async def invite(
    actor: Actor, typed_email: str, typed_role: str, *, settings: Settings, vault: Vault, now: datetime
) -> str | None:
    """Mail an invitation, good once within 7 days; an open one to the same address is taken back. Returns the link where no mail
    can go out, for the actor to pass on; else None. Forbidden, Invalid, TooMany."""
    merchant_id = manager(actor)
    role, email = _read_role(actor, typed_role), read_email(typed_email)
    if not await limits.hit(f"invite:{merchant_id}", limit=A_DAY, window_s=86_400, now=now):
        raise TooMany(TOO_MANY, retry_after=86_400)
    async with atomic() as tx:
        is_in = await tx.value(
            """SELECT EXISTS (SELECT FROM memberships m JOIN users u ON u.id = m.user_id
                              WHERE m.merchant_id = $1 AND u.email = $2)""",
            merchant_id, email,
        )  # fmt: skip
        if is_in:
            raise Invalid({"email": IN_TEAM})
        await _take_back(tx, merchant_id, email, now=now)
        made = await links.make(
            tx,
            Purpose.TEAM,
            email=email,
            merchant_id=merchant_id,
            role=role,
            made_by=actor.user_id,
            vault=vault,
            now=now,
        )
        await _mail(tx, actor, made, email, settings=settings, now=now)
        data = {"role": role.value}
        await note(
            tx, "identity_links", made.id, "invited", merchant_id=merchant_id, at=now, actor=named(actor), data=data
        )
    return None if await can_mail() else f"{settings.base_url}/join?t={made.token}"


async def _mail(tx: Tx, actor: Actor, made: Made, email: str, *, settings: Settings, now: datetime) -> None:
    shop = await tx.row("SELECT name, language FROM merchants WHERE id = $1", actor.merchant_id)
    assert shop is not None
    await mail(
        tx, Told.ACCOUNT_TEAM, made.id, to=email, language=shop["language"], now=now,
        params={"who": actor.name, "merchant": shop["name"]}, link=(made.id, f"{settings.base_url}/join"),
    )  # fmt: skip


async def _take_back(tx: Tx, merchant_id: int, email: str, *, now: datetime) -> None:
    await tx.execute(
        """UPDATE identity_links SET used_at = $3, token_sealed = NULL
           WHERE merchant_id = $1 AND email = $2 AND purpose = 'team' AND used_at IS NULL""",
        merchant_id, email, now,
    )  # fmt: skip


async def withdraw(actor: Actor, link_id: int, *, now: datetime) -> None:
    """Take an invitation back. NotFound, Forbidden."""
    merchant_id = actor.at_merchant()
    async with atomic() as tx:
        role = await tx.value(
            "SELECT role FROM identity_links WHERE id = $1 AND merchant_id = $2 AND purpose = 'team' FOR UPDATE",
            link_id, merchant_id,
        )  # fmt: skip
        if role is None:
            raise NotFound
        manager(actor)
        _read_role(actor, role)
        done = await tx.value(
            "UPDATE identity_links SET used_at = $2, token_sealed = NULL WHERE id = $1 AND used_at IS NULL RETURNING id",
            link_id, now,
        )  # fmt: skip
        if done is not None:
            await note(tx, "identity_links", link_id, "withdrawn", merchant_id=merchant_id, at=now, actor=named(actor))


class Offer(msgspec.Struct, frozen=True, kw_only=True):
    """What an invitation says to whoever opens it."""

    email: str
    role: Role
    merchant: str
    has_account: bool


async def offer(token: str, *, now: datetime) -> Offer:
    """What the link offers. LinkOver."""
    row = await links.find(token, Purpose.TEAM, now=now)
    found = await DB.row(
        "SELECT c.name, EXISTS (SELECT FROM users WHERE email = $2) AS has_account FROM merchants c WHERE c.id = $1",
        row["merchant_id"], row["email"],
    )  # fmt: skip
    assert found is not None
    return Offer(email=row["email"], role=Role(row["role"]), merchant=found["name"], has_account=found["has_account"])


async def accept(session: Session, token: str, *, now: datetime) -> int:
    """Join with the account one is signed in with, which must be the address invited. Returns the merchant. LinkOver."""
    actor = session.actor
    async with atomic() as tx:
        row = await links.use(tx, token, Purpose.TEAM, now=now)
        if row["email"] != actor.email:
            raise LinkOver
        await _joined(tx, actor.user_id, row["merchant_id"], Role(row["role"]), now=now)
    return row["merchant_id"]


async def accept_new(
    token: str, name: str, password: str, *, language: str, browser: Browser, settings: Settings, now: datetime
) -> NewSession:
    """Join with a new account for the address invited. LinkOver, Invalid; Conflict: there is an account meanwhile."""
    row = await links.find(token, Purpose.TEAM, now=now)
    title = read_name(name)
    hashed = await passwords.hash_password(password, about=(row["email"], title))
    async with atomic() as tx:
        row = await links.use(tx, token, Purpose.TEAM, now=now)
        user_id = await add_user(
            tx, row["email"], title, password_hash=hashed, now=now, language=language, is_confirmed=True
        )
        await _joined(tx, user_id, row["merchant_id"], Role(row["role"]), now=now)
        return await open_known_in(
            tx, user_id, browser=browser, how=How.LINK, settings=settings, now=now, merchant_id=row["merchant_id"]
        )


async def _joined(tx: Tx, user_id: int, merchant_id: int, role: Role, *, now: datetime) -> None:
    # A second link to somebody who has a mightier role already takes nothing away.
    held = await tx.value(
        "SELECT role FROM memberships WHERE merchant_id = $1 AND user_id = $2 FOR UPDATE", merchant_id, user_id
    )
    order: Sequence[str] = [one.value for one in Role]
    if held is None or order.index(role.value) < order.index(held):
        await join(tx, user_id, merchant_id, role=role)
    data = {"role": role.value}
    await note(tx, "users", user_id, "joined", merchant_id=merchant_id, at=now, actor=f"user:{user_id}", data=data)
