"""Other roles for people of a team, their leaving, and handing a shop over. There is always an owner."""

from datetime import datetime

from asyncpg import Record

from portal import passwords
from portal.db import DB, Tx, atomic
from portal.errors import Conflict, Forbidden, Invalid, NotFound
from portal.identity.actors import Actor, Role, named
from portal.identity.teams import CHOOSE_ROLE, LAST_OWNER, ONLY_OWNER, manager, roles_for
from portal.msgid import N_
from portal.states import note

WRONG_PASSWORD = N_("This is not your password.")


async def _member(tx: Tx, actor: Actor, user_id: int) -> Record:
    """Somebody of the actor's team whom the actor may change, locked with all owners. NotFound, Forbidden."""
    await tx.fetch(
        "SELECT id FROM memberships WHERE merchant_id = $1 AND role = 'owner' ORDER BY id FOR UPDATE",
        actor.at_merchant(),
    )
    row = await tx.row(
        "SELECT * FROM memberships WHERE merchant_id = $1 AND user_id = $2 FOR UPDATE", actor.merchant_id, user_id
    )
    if row is None:
        raise NotFound
    return row


def _may(actor: Actor, role: Role) -> None:
    manager(actor)
    if role not in roles_for(actor):
        raise Forbidden(ONLY_OWNER)


async def _keep_an_owner(tx: Tx, merchant_id: int, user_id: int) -> None:
    others = await tx.value(
        "SELECT count(*) FROM memberships WHERE merchant_id = $1 AND role = 'owner' AND user_id <> $2",
        merchant_id, user_id,
    )  # fmt: skip
    if not others:
        raise Conflict(LAST_OWNER)


async def give(actor: Actor, user_id: int, typed: str, *, now: datetime) -> None:
    """Another role. NotFound, Forbidden, Invalid; Conflict: nobody else would be owner."""
    async with atomic() as tx:
        row = await _member(tx, actor, user_id)
        _may(actor, Role(row["role"]))
        if typed not in set(Role):
            raise Invalid({"role": CHOOSE_ROLE})
        _may(actor, Role(typed))
        if row["role"] == typed:
            return
        if row["role"] == Role.OWNER:
            await _keep_an_owner(tx, row["merchant_id"], user_id)
        await tx.execute("UPDATE memberships SET role = $2 WHERE id = $1", row["id"], typed)
        # With other rights the person begins anew: no session outlives its role.
        await _end_sessions(tx, row["merchant_id"], user_id, but_of=actor.user_id)
        data = {"was": row["role"], "role": typed}
        await note(tx, "users", user_id, "role", merchant_id=row["merchant_id"], at=now, actor=named(actor), data=data)


async def remove(actor: Actor, user_id: int, *, now: datetime) -> None:
    """Out of the team, at once everywhere; oneself too, unless nobody else is owner. NotFound, Forbidden, Conflict."""
    async with atomic() as tx:
        row = await _member(tx, actor, user_id)
        if user_id != actor.user_id:
            _may(actor, Role(row["role"]))
        if row["role"] == Role.OWNER:
            await _keep_an_owner(tx, row["merchant_id"], user_id)
        await tx.execute("DELETE FROM memberships WHERE id = $1", row["id"])
        await _end_sessions(tx, row["merchant_id"], user_id, but_of=None)
        # Their tokens too, for good: whoever comes back makes new ones.
        await tx.execute(
            """UPDATE api_tokens SET revoked_at = $3, revoked_by = $4
               WHERE merchant_id = $1 AND user_id = $2 AND revoked_at IS NULL""",
            row["merchant_id"],
            user_id,
            now,
            actor.user_id,
        )
        data = {"role": row["role"]}
        await note(
            tx, "users", user_id, "removed", merchant_id=row["merchant_id"], at=now, actor=named(actor), data=data
        )


async def hand_over(actor: Actor, user_id: int, *, password: str, now: datetime) -> None:
    """Make somebody of the team the owner in one's own place, and be a manager oneself. The password is typed again.

    NotFound, Forbidden: not an owner; Invalid: the password, or it is oneself."""
    is_there = await DB.value(
        "SELECT EXISTS (SELECT FROM memberships WHERE merchant_id = $1 AND user_id = $2)", actor.at_merchant(), user_id
    )
    if not is_there:
        raise NotFound
    if actor.role is not Role.OWNER:
        raise Forbidden(ONLY_OWNER)
    stored = await DB.value("SELECT password_hash FROM users WHERE id = $1", actor.user_id)
    if not await passwords.is_right(stored, password):
        raise Invalid({"password": WRONG_PASSWORD})
    async with atomic() as tx:
        row = await _member(tx, actor, user_id)
        if user_id == actor.user_id:
            raise Invalid({"user": CHOOSE_ROLE})
        await tx.execute("UPDATE memberships SET role = 'owner' WHERE id = $1", row["id"])
        await tx.execute(
            "UPDATE memberships SET role = 'manager' WHERE merchant_id = $1 AND user_id = $2",
            row["merchant_id"], actor.user_id,
        )  # fmt: skip
        await _end_sessions(tx, row["merchant_id"], user_id, but_of=None)
        await note(tx, "users", user_id, "handed_over", merchant_id=row["merchant_id"], at=now, actor=named(actor))


async def _end_sessions(tx: Tx, merchant_id: int, user_id: int, *, but_of: int | None) -> None:
    """End a person's sessions at this merchant, unless it is `but_of` who does it."""
    await tx.execute(
        "DELETE FROM user_sessions WHERE merchant_id = $1 AND user_id = $2 AND user_id IS DISTINCT FROM $3",
        merchant_id, user_id, but_of,
    )  # fmt: skip


async def need_second(actor: Actor, *, is_needed: bool, now: datetime) -> None:
    """Whether owners and managers must have a second step. For owners. Repeatable."""
    merchant_id = actor.at_merchant()
    if actor.role is not Role.OWNER:
        raise Forbidden(ONLY_OWNER)
    async with atomic() as tx:
        changed = await tx.value(
            "UPDATE merchants SET needs_second = $2 WHERE id = $1 AND needs_second <> $2 RETURNING id",
            merchant_id, is_needed,
        )  # fmt: skip
        if changed is not None:
            data = {"is_needed": is_needed}
            await note(
                tx,
                "merchants",
                merchant_id,
                "needs_second",
                merchant_id=merchant_id,
                at=now,
                actor=named(actor),
                data=data,
            )


async def needs_second(actor: Actor) -> bool:
    """Whether they must."""
    return await DB.value("SELECT needs_second FROM merchants WHERE id = $1", actor.at_merchant())
