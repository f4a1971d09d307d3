"""The state machines of subscribers and their bills, as tables; `portal.states` joins them to the others. Pure."""

from collections.abc import Mapping
from enum import StrEnum

from portal.machines import E, Transitions


class SubscriberStatus(StrEnum):
    """Where a monthly customer stands: paid, late but still let in, shut out, or gone."""

    ACTIVE = "active"
    GRACE = "grace"
    SUSPENDED = "suspended"
    CLOSED = "closed"


class BillStatus(StrEnum):
    """Where a bill stands."""

    DUE = "due"
    PAID = "paid"
    DROPPED = "dropped"


_S, _B = SubscriberStatus, BillStatus

SUBSCRIBER: Transitions = {
    (_S.ACTIVE, E.MISS): _S.GRACE,
    (_S.GRACE, E.PAY): _S.ACTIVE,
    (_S.GRACE, E.END): _S.SUSPENDED,
    (_S.ACTIVE, E.PAUSE): _S.SUSPENDED,
    (_S.GRACE, E.PAUSE): _S.SUSPENDED,
    (_S.SUSPENDED, E.RESUME): _S.ACTIVE,
    (_S.ACTIVE, E.CLOSE): _S.CLOSED,
    (_S.GRACE, E.CLOSE): _S.CLOSED,
    (_S.SUSPENDED, E.CLOSE): _S.CLOSED,
    (_S.CLOSED, E.REOPEN): _S.SUSPENDED,
}
SUBSCRIBER_BILL: Transitions = {
    (_B.DUE, E.PAY): _B.PAID,
    (_B.DUE, E.DROP): _B.DROPPED,
    (_B.PAID, E.DROP): _B.DROPPED,
}
MACHINES: Mapping[str, Transitions] = {"subscribers": SUBSCRIBER, "subscriber_bills": SUBSCRIBER_BILL}
