"""Who of the merchant's people may do what with packages. Everybody may look; owners and managers change them. Pure."""

from portal.errors import Forbidden
from portal.identity import Actor, Role
from portal.msgid import N_

ONLY_MANAGERS = N_("Only the owner or a manager can make or change packages.")


def may_change(actor: Actor) -> bool:
    """Whether buttons that change something are of use to this actor."""
    return actor.merchant_id is not None and actor.role in (Role.OWNER, Role.MANAGER)


def changer(actor: Actor) -> int:
    """The merchant whose packages the actor may change; NotFound at none, Forbidden for cashiers and viewers."""
    merchant_id = actor.at_merchant()
    if not may_change(actor):
        raise Forbidden(ONLY_MANAGERS)
    return merchant_id
