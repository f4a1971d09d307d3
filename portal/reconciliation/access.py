"""Whose lists and closes an actor may see and decide about: a merchant's own accounts; the platform's for the operator."""

from asyncpg import Record

from portal.db import DB
from portal.errors import Forbidden, NotFound
from portal.identity import Actor, Role
from portal.msgid import N_

ONLY_MANAGERS = N_("Only the owner or a manager can do this.")


def scope(actor: Actor) -> int | None:
    """The merchant whose accounts are meant; None: the platform's. NotFound for anybody else."""
    if actor.merchant_id is None and actor.is_operator:
        return None
    return actor.at_merchant()


def may_decide(actor: Actor) -> bool:
    """Whether the actor may import, confirm and close."""
    return actor.role in (Role.OWNER, Role.MANAGER) if actor.merchant_id is not None else actor.is_operator


def decider(actor: Actor) -> int | None:
    """The scope of somebody who may decide; Forbidden for cashiers and viewers."""
    merchant_id = scope(actor)
    if not may_decide(actor):
        raise Forbidden(ONLY_MANAGERS)
    return merchant_id


async def accounts(actor: Actor) -> list[Record]:
    """The M-Pesa accounts in the actor's scope: id, shortcode, party_b, pull_registered_at."""
    return await DB.fetch(
        """SELECT id, shortcode, party_b, pull_registered_at FROM mpesa_accounts
           WHERE merchant_id IS NOT DISTINCT FROM $1 ORDER BY id""",
        scope(actor),
    )


async def account(actor: Actor, account_id: int) -> Record:
    """One of them; NotFound for anybody else's."""
    found = [row for row in await accounts(actor) if row["id"] == account_id]
    if not found:
        raise NotFound
    return found[0]


def named(actor: Actor) -> str:
    """The actor as events name them."""
    return f"user:{actor.user_id}"
