"""Who of the merchant's people may do what with subscribers. Pure."""

from portal.errors import Forbidden
from portal.identity import Actor, Role
from portal.msgid import N_

ONLY_MANAGERS = N_("Only the owner or a manager can change subscribers.")
NOT_SELLING = N_("You may look, but not sell. Ask the owner.")
_MANAGERS = frozenset({Role.OWNER, Role.MANAGER})
_CASHIERS = frozenset({Role.OWNER, Role.MANAGER, Role.CASHIER})


def may_decide(actor: Actor) -> bool:
    """Whether the actor may make, suspend and close subscribers."""
    return actor.merchant_id is not None and actor.role in _MANAGERS


def may_take_money(actor: Actor) -> bool:
    """Whether the actor may take cash for them and ask for money."""
    return actor.merchant_id is not None and actor.role in _CASHIERS


def deciding(actor: Actor) -> int:
    """The merchant whose subscribers the actor may change; Forbidden for cashiers and viewers."""
    merchant_id = actor.at_merchant()
    if not may_decide(actor):
        raise Forbidden(ONLY_MANAGERS)
    return merchant_id


def taking(actor: Actor) -> int:
    """The merchant for whose subscribers the actor may take money; Forbidden for viewers."""
    merchant_id = actor.at_merchant()
    if not may_take_money(actor):
        raise Forbidden(NOT_SELLING)
    return merchant_id
