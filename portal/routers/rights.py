"""Who may do what to a merchant's routers. Everybody of the merchant may look, owners and managers may change."""

from asyncpg import Record

from portal.db import DB, Tx
from portal.errors import Forbidden, NotFound
from portal.identity import Actor, Role
from portal.msgid import N_

ONLY_MANAGERS = N_("Only the owner or a manager can change routers.")


def may_change(actor: Actor) -> bool:
    """Whether buttons that change something are of use to this actor."""
    return actor.merchant_id is not None and actor.role in (Role.OWNER, Role.MANAGER)


def changer(actor: Actor) -> int:
    """The merchant whose routers the actor may change; NotFound at none, Forbidden for cashiers and viewers."""
    merchant_id = actor.at_merchant()
    if not may_change(actor):
        raise Forbidden(ONLY_MANAGERS)
    return merchant_id


def named(actor: Actor) -> str:
    """The actor as events name them."""
    return f"user:{actor.user_id}"


async def own(actor: Actor, router_id: int) -> Record:
    """A router's row, to look at. NotFound for another merchant's and for a removed one."""
    row = await DB.row(
        "SELECT * FROM routers WHERE id = $1 AND merchant_id = $2 AND status <> 'removed'",
        router_id,
        actor.at_merchant(),
    )
    if row is None:
        raise NotFound
    return row


async def own_to_change(tx: Tx, actor: Actor, router_id: int) -> Record:
    """A router's row, locked until the transaction ends. NotFound and Forbidden as above; a stranger's is not there."""
    row = await tx.row(
        "SELECT * FROM routers WHERE id = $1 AND merchant_id = $2 AND status <> 'removed' FOR UPDATE",
        router_id,
        actor.at_merchant(),
    )
    if row is None:
        raise NotFound
    changer(actor)
    return row
