"""Who may allow a refund. Below the merchant's limit a manager or owner alone; above it two people, one of them an owner; a
merchant with nobody else to ask confirms with the password. Cashiers ask, viewers look."""

from enum import StrEnum

import msgspec

from portal.db import Tx
from portal.errors import Forbidden, NotFound
from portal.identity import Actor, Role
from portal.msgid import N_

#: The limit for money of the platform's own account.
PLATFORM_LIMIT_CENTS = 100_000
_MAKERS = frozenset({Role.OWNER, Role.MANAGER, Role.CASHIER})
_DECIDERS = frozenset({Role.OWNER, Role.MANAGER})
NOT_ASKING = N_("You may look, but not ask for refunds. Ask the owner.")
NOT_DECIDING = N_("Only the owner or a manager can decide about money.")
NEEDS_OWNER = N_("Above the limit two people must agree, and one of them must be the owner.")
NEEDS_ANOTHER = N_("You asked for this refund yourself. Above the limit somebody else must approve it.")


class Say(StrEnum):
    """What an actor's approval needs."""

    YES = "yes"
    PASSWORD = "password"  # noqa: S105  (nobody else can approve: the password again)


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be approved: whose, how much, and who wanted it ("user:7", or a policy)."""

    merchant_id: int | None
    cents: int
    wanted_by: str


def whose(actor: Actor) -> int | None:
    """The merchant whose money the actor looks at; None: the platform's, for an operator who looks at no merchant."""
    if actor.merchant_id is None and not actor.is_operator:
        raise NotFound
    return actor.merchant_id


def may_ask(actor: Actor) -> bool:
    """Whether the actor may ask for refunds of a merchant."""
    return actor.merchant_id is not None and actor.role in _MAKERS


def may_decide(actor: Actor) -> bool:
    """Whether the actor may decide at all; how much and whether alone is `judge`'s business."""
    return actor.role in _DECIDERS if actor.merchant_id is not None else actor.is_operator


def decider(actor: Actor) -> None:
    """Forbidden for whoever may not decide."""
    whose(actor)
    if not may_decide(actor):
        raise Forbidden(NOT_DECIDING)


async def judge(tx: Tx, actor: Actor, asked: Asked) -> Say:
    """What this actor's approval needs; Forbidden when it takes somebody else."""
    decider(actor)
    limit = PLATFORM_LIMIT_CENTS
    if asked.merchant_id is not None:
        limit = await tx.value("SELECT refund_limit_cents FROM merchants WHERE id = $1", asked.merchant_id)
    if asked.cents <= limit:
        return Say.YES
    is_owner = actor.role is Role.OWNER or asked.merchant_id is None
    if asked.wanted_by == f"user:{actor.user_id}":
        if await _others(tx, actor, asked):
            raise Forbidden(NEEDS_ANOTHER)
        if not is_owner:
            raise Forbidden(NEEDS_OWNER)
        return Say.PASSWORD
    if not is_owner and not await _is_owners(tx, asked):
        raise Forbidden(NEEDS_OWNER)
    return Say.YES


async def _others(tx: Tx, actor: Actor, asked: Asked) -> bool:
    """Whether somebody else could approve what this actor wanted; a manager's pair needs an owner."""
    if asked.merchant_id is None:
        return await tx.value("SELECT EXISTS (SELECT FROM users WHERE is_operator AND id <> $1)", actor.user_id)
    roles = ["owner", "manager"] if actor.role is Role.OWNER else ["owner"]
    return await tx.value(
        "SELECT EXISTS (SELECT FROM memberships WHERE merchant_id = $1 AND user_id <> $2 AND role = ANY($3))",
        asked.merchant_id,
        actor.user_id,
        roles,
    )


async def _is_owners(tx: Tx, asked: Asked) -> bool:
    """Whether an owner wanted it."""
    return await tx.value(
        """SELECT EXISTS (SELECT FROM memberships WHERE merchant_id = $1 AND role = 'owner' AND 'user:' || user_id = $2)""",
        asked.merchant_id,
        asked.wanted_by,
    )
