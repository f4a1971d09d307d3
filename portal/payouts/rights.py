"""Who may see and do what about payouts: owners everything, managers everything but the number and the plan, others nothing."""

from portal.errors import Forbidden
from portal.identity import Actor, Role
from portal.msgid import N_

NOT_YOURS = N_("Only the owner or a manager sees payouts.")
ONLY_OWNER = N_("Only the owner can change where and when money is paid out.")


def may_see(actor: Actor) -> bool:
    """Whether the pages are of use to this actor."""
    return actor.merchant_id is not None and actor.role in (Role.OWNER, Role.MANAGER)


def reader(actor: Actor) -> int:
    """The merchant whose payouts the actor may see and ask for; NotFound at none, Forbidden for cashiers and viewers."""
    merchant_id = actor.at_merchant()
    if not may_see(actor):
        raise Forbidden(NOT_YOURS)
    return merchant_id


def owner(actor: Actor) -> int:
    """The merchant whose number and plan the actor may change; Forbidden for everybody but an owner."""
    merchant_id = reader(actor)
    if actor.role is not Role.OWNER:
        raise Forbidden(ONLY_OWNER)
    return merchant_id
