"""The state machines as tables: who may become what by which event. Pure; the code that moves rows is in `portal.states`.

Late truth stands in the tables, not in an `if`: a failed or unknown payment may still become paid, a paid one never fails."""

from collections.abc import Mapping
from enum import StrEnum


class VoucherStatus(StrEnum):
    """Where a voucher stands."""

    UNSOLD = "unsold"
    PAID = "paid"
    IN_USE = "in_use"
    EXPIRED = "expired"
    REVOKED = "revoked"


class PaymentStatus(StrEnum):
    """Where an attempt to collect money stands."""

    CREATED = "created"
    SUBMITTING = "submitting"
    PENDING = "pending"
    PAID = "paid"
    FAILED = "failed"
    UNKNOWN = "unknown"
    REFUND_PENDING = "refund_pending"
    REFUNDED = "refunded"


class GrantStatus(StrEnum):
    """Where a wish for access stands on its router."""

    WANTED = "wanted"
    PRESENT = "present"
    ENDING = "ending"
    GONE = "gone"


class RouterStatus(StrEnum):
    """How a router is doing, as we see it."""

    NEW = "new"
    ONLINE = "online"
    LATE = "late"
    OFFLINE = "offline"
    PAUSED = "paused"
    REMOVED = "removed"


class SuspenseStatus(StrEnum):
    """Where money that was nobody's stands."""

    OPEN = "open"
    RESOLVED = "resolved"
    REFUNDING = "refunding"
    REFUNDED = "refunded"


class RefundStatus(StrEnum):
    """Where money that is to go back to its payer stands."""

    WANTED = "wanted"
    APPROVED = "approved"
    SENDING = "sending"
    UNKNOWN = "unknown"
    DONE = "done"
    FAILED = "failed"
    DROPPED = "dropped"


class TransferStatus(StrEnum):
    """Where a request to M-Pesa to send money stands."""

    CREATED = "created"
    SUBMITTING = "submitting"
    SENT = "sent"
    UNKNOWN = "unknown"
    DONE = "done"
    FAILED = "failed"


class PayoutStatus(StrEnum):
    """Where money to a merchant stands."""

    WANTED = "wanted"
    SENDING = "sending"
    UNKNOWN = "unknown"
    DONE = "done"
    FAILED = "failed"
    DROPPED = "dropped"


class AlertStatus(StrEnum):
    """Whether a condition that was told still lasts."""

    OPEN = "open"
    CLOSED = "closed"


class ClaimStatus(StrEnum):
    """Where a customer's "I already paid" stands."""

    OPEN = "open"
    LINKED = "linked"
    REFUSED = "refused"


class FloatStatus(StrEnum):
    """Whether a cashier's drawer is being worked from."""

    OPEN = "open"
    CLOSED = "closed"


class E(StrEnum):
    """Every event that moves a status."""

    SELL = "sell"
    START = "start"
    EXPIRE = "expire"
    REVOKE = "revoke"
    REVIVE = "revive"
    REVIVE_UNUSED = "revive_unused"
    SUBMIT = "submit"
    RETRY = "retry"
    ACCEPT = "accept"
    PAY = "pay"
    FAIL = "fail"
    LOSE = "lose"
    REFUND = "refund"
    REFUND_DONE = "refund_done"
    APPROVE = "approve"
    ARRIVE = "arrive"
    CANCEL = "cancel"
    RESOLVE = "resolve"
    REOPEN = "reopen"
    LINK = "link"
    REFUSE = "refuse"
    CLOSE = "close"
    APPEAR = "appear"
    END = "end"
    LEAVE = "leave"
    ANSWER = "answer"
    MISS = "miss"
    DROP = "drop"
    PAUSE = "pause"
    RESUME = "resume"
    REPLACE = "replace"
    REMOVE = "remove"


Transitions = Mapping[tuple[str, E], str]

_V, _P, _G, _R = VoucherStatus, PaymentStatus, GrantStatus, RouterStatus
_S, _B, _C = SuspenseStatus, RefundStatus, ClaimStatus
_T, _O = TransferStatus, PayoutStatus

VOUCHER: Transitions = {
    (_V.UNSOLD, E.SELL): _V.PAID,
    (_V.PAID, E.START): _V.IN_USE,
    (_V.UNSOLD, E.EXPIRE): _V.EXPIRED,
    (_V.PAID, E.EXPIRE): _V.EXPIRED,
    (_V.IN_USE, E.EXPIRE): _V.EXPIRED,
    (_V.UNSOLD, E.REVOKE): _V.REVOKED,
    (_V.PAID, E.REVOKE): _V.REVOKED,
    (_V.IN_USE, E.REVOKE): _V.REVOKED,
    (_V.EXPIRED, E.REVIVE): _V.IN_USE,
    (_V.EXPIRED, E.REVIVE_UNUSED): _V.PAID,
}
PAYMENT: Transitions = {
    (_P.CREATED, E.SUBMIT): _P.SUBMITTING,
    (_P.CREATED, E.FAIL): _P.FAILED,
    (_P.SUBMITTING, E.RETRY): _P.CREATED,
    (_P.SUBMITTING, E.ACCEPT): _P.PENDING,
    (_P.SUBMITTING, E.FAIL): _P.FAILED,
    (_P.SUBMITTING, E.LOSE): _P.UNKNOWN,
    (_P.PENDING, E.FAIL): _P.FAILED,
    (_P.PENDING, E.LOSE): _P.UNKNOWN,
    (_P.UNKNOWN, E.FAIL): _P.FAILED,
    (_P.CREATED, E.PAY): _P.PAID,
    (_P.SUBMITTING, E.PAY): _P.PAID,
    (_P.PENDING, E.PAY): _P.PAID,
    (_P.UNKNOWN, E.PAY): _P.PAID,
    (_P.FAILED, E.PAY): _P.PAID,
    (_P.PAID, E.REFUND): _P.REFUND_PENDING,
    (_P.REFUND_PENDING, E.REFUND_DONE): _P.REFUNDED,
    (_P.REFUND_PENDING, E.CANCEL): _P.PAID,
}
GRANT: Transitions = {
    (_G.WANTED, E.APPEAR): _G.PRESENT,
    (_G.WANTED, E.END): _G.ENDING,
    (_G.PRESENT, E.END): _G.ENDING,
    (_G.ENDING, E.LEAVE): _G.GONE,
    (_G.ENDING, E.REVIVE): _G.WANTED,
    (_G.GONE, E.REVIVE): _G.WANTED,
}
ROUTER: Transitions = {
    (_R.NEW, E.ANSWER): _R.ONLINE,
    (_R.LATE, E.ANSWER): _R.ONLINE,
    (_R.OFFLINE, E.ANSWER): _R.ONLINE,
    (_R.ONLINE, E.MISS): _R.LATE,
    (_R.ONLINE, E.DROP): _R.OFFLINE,
    (_R.LATE, E.DROP): _R.OFFLINE,
    (_R.NEW, E.DROP): _R.OFFLINE,
    (_R.NEW, E.PAUSE): _R.PAUSED,
    (_R.ONLINE, E.PAUSE): _R.PAUSED,
    (_R.LATE, E.PAUSE): _R.PAUSED,
    (_R.OFFLINE, E.PAUSE): _R.PAUSED,
    (_R.PAUSED, E.RESUME): _R.NEW,
    (_R.ONLINE, E.REPLACE): _R.NEW,
    (_R.LATE, E.REPLACE): _R.NEW,
    (_R.OFFLINE, E.REPLACE): _R.NEW,
    (_R.NEW, E.REPLACE): _R.NEW,
    (_R.NEW, E.REMOVE): _R.REMOVED,
    (_R.ONLINE, E.REMOVE): _R.REMOVED,
    (_R.LATE, E.REMOVE): _R.REMOVED,
    (_R.OFFLINE, E.REMOVE): _R.REMOVED,
    (_R.PAUSED, E.REMOVE): _R.REMOVED,
}
SUSPENSE: Transitions = {
    (_S.OPEN, E.RESOLVE): _S.RESOLVED,
    (_S.OPEN, E.REFUND): _S.REFUNDING,
    (_S.REFUNDING, E.REFUND_DONE): _S.REFUNDED,
    (_S.REFUNDING, E.REOPEN): _S.OPEN,
}
REFUND: Transitions = {
    (_B.WANTED, E.APPROVE): _B.APPROVED,
    (_B.APPROVED, E.SUBMIT): _B.SENDING,
    (_B.FAILED, E.SUBMIT): _B.SENDING,
    (_B.UNKNOWN, E.SUBMIT): _B.SENDING,
    (_B.APPROVED, E.REFUND_DONE): _B.DONE,
    (_B.SENDING, E.REFUND_DONE): _B.DONE,
    (_B.UNKNOWN, E.REFUND_DONE): _B.DONE,
    (_B.FAILED, E.REFUND_DONE): _B.DONE,
    (_B.SENDING, E.LOSE): _B.UNKNOWN,
    (_B.SENDING, E.FAIL): _B.FAILED,
    (_B.UNKNOWN, E.FAIL): _B.FAILED,
    (_B.WANTED, E.DROP): _B.DROPPED,
    (_B.APPROVED, E.DROP): _B.DROPPED,
    (_B.FAILED, E.DROP): _B.DROPPED,
    (_B.DROPPED, E.REOPEN): _B.WANTED,
}
TRANSFER: Transitions = {
    (_T.CREATED, E.SUBMIT): _T.SUBMITTING,
    (_T.CREATED, E.FAIL): _T.FAILED,
    (_T.UNKNOWN, E.SUBMIT): _T.SUBMITTING,
    (_T.SUBMITTING, E.RETRY): _T.CREATED,
    (_T.SUBMITTING, E.ACCEPT): _T.SENT,
    (_T.SUBMITTING, E.LOSE): _T.UNKNOWN,
    (_T.SUBMITTING, E.FAIL): _T.FAILED,
    (_T.SENT, E.LOSE): _T.UNKNOWN,
    (_T.SENT, E.FAIL): _T.FAILED,
    (_T.UNKNOWN, E.FAIL): _T.FAILED,
    (_T.CREATED, E.ARRIVE): _T.DONE,
    (_T.SUBMITTING, E.ARRIVE): _T.DONE,
    (_T.SENT, E.ARRIVE): _T.DONE,
    (_T.UNKNOWN, E.ARRIVE): _T.DONE,
}
PAYOUT: Transitions = {
    (_O.WANTED, E.SUBMIT): _O.SENDING,
    (_O.FAILED, E.SUBMIT): _O.SENDING,
    (_O.UNKNOWN, E.SUBMIT): _O.SENDING,
    (_O.SENDING, E.ARRIVE): _O.DONE,
    (_O.UNKNOWN, E.ARRIVE): _O.DONE,
    (_O.SENDING, E.LOSE): _O.UNKNOWN,
    (_O.SENDING, E.FAIL): _O.FAILED,
    (_O.UNKNOWN, E.FAIL): _O.FAILED,
    (_O.WANTED, E.DROP): _O.DROPPED,
    (_O.FAILED, E.DROP): _O.DROPPED,
}
CLAIM: Transitions = {(_C.OPEN, E.LINK): _C.LINKED, (_C.OPEN, E.REFUSE): _C.REFUSED}
FLOAT: Transitions = {(FloatStatus.OPEN, E.CLOSE): FloatStatus.CLOSED}
ALERT: Transitions = {(AlertStatus.OPEN, E.CLOSE): AlertStatus.CLOSED}
COMPARISON: Transitions = {
    ("running", E.ANSWER): "ready",
    ("running", E.CLOSE): "done",
    ("running", E.FAIL): "failed",
    ("ready", E.APPROVE): "taking",
    ("ready", E.DROP): "dropped",
    ("taking", E.CLOSE): "done",
}
MACHINES: Mapping[str, Transitions] = {
    "vouchers": VOUCHER,
    "payments": PAYMENT,
    "suspense": SUSPENSE,
    "refunds": REFUND,
    "transfers": TRANSFER,
    "payouts": PAYOUT,
    "claims": CLAIM,
    "alerts": ALERT,
    "floats": FLOAT,
    "comparisons": COMPARISON,
    "access_grants": GRANT,
    "routers": ROUTER,
}
