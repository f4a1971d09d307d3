"""The state machine of messages, beside those of `portal.machines`. Pure.

A message whose answer was lost is `unknown`: it is not sent again by itself where a second copy costs money. Late truth counts
here too: a report that it arrived is believed whatever was thought before."""

from enum import StrEnum

from portal.machines import E, Transitions


class MessageStatus(StrEnum):
    """Where a message stands."""

    QUEUED = "queued"
    SENDING = "sending"
    SENT = "sent"
    DELIVERED = "delivered"
    UNKNOWN = "unknown"
    SPLIT = "split"
    FAILED = "failed"
    DROPPED = "dropped"


_M = MessageStatus

MESSAGE: Transitions = {
    (_M.QUEUED, E.SUBMIT): _M.SENDING,
    (_M.QUEUED, E.REPLACE): _M.SPLIT,
    (_M.QUEUED, E.DROP): _M.DROPPED,
    (_M.SENDING, E.ACCEPT): _M.SENT,
    (_M.SENDING, E.RETRY): _M.QUEUED,
    (_M.SENDING, E.LOSE): _M.UNKNOWN,
    (_M.SENDING, E.FAIL): _M.FAILED,
    (_M.SENT, E.ARRIVE): _M.DELIVERED,
    (_M.SENT, E.FAIL): _M.FAILED,
    (_M.UNKNOWN, E.ACCEPT): _M.SENT,
    (_M.UNKNOWN, E.ARRIVE): _M.DELIVERED,
    (_M.UNKNOWN, E.FAIL): _M.FAILED,
    (_M.UNKNOWN, E.RETRY): _M.QUEUED,
    (_M.FAILED, E.ARRIVE): _M.DELIVERED,
    (_M.FAILED, E.RETRY): _M.QUEUED,
    (_M.DROPPED, E.RETRY): _M.QUEUED,
}
