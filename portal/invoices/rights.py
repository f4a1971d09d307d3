"""Who may do what about papers: everybody of the merchant reads them, whoever sells makes and sends them, owners and managers
write a control unit's number on them."""

from portal.errors import Forbidden
from portal.identity import Actor, Role
from portal.msgid import N_

NOT_SELLING = N_("Whoever may only look makes no receipts.")
NOT_DECIDING = N_("Only the owner or a manager can do this.")


def may_make(actor: Actor) -> bool:
    """Whether the buttons are of use to this actor."""
    return actor.merchant_id is not None and actor.role in (Role.OWNER, Role.MANAGER, Role.CASHIER)


def maker(actor: Actor) -> int:
    """The merchant whose papers the actor may make and send."""
    merchant_id = actor.at_merchant()
    if not may_make(actor):
        raise Forbidden(NOT_SELLING)
    return merchant_id


def decider(actor: Actor) -> int:
    """The merchant whose papers the actor may mark, and make all of."""
    merchant_id = actor.at_merchant()
    if actor.role not in (Role.OWNER, Role.MANAGER):
        raise Forbidden(NOT_DECIDING)
    return merchant_id
