"""Why a router cannot be worked with, from what the network or RouterOS said: one word per thing a shopkeeper may do about it.

Works on texts because texts are what is kept; where they come from: routeros.client.link, RouterOS (API error texts).
"""

from enum import StrEnum
from typing import Final


class Trouble(StrEnum):
    """What stands in the way."""

    ADDRESS = "address"  # nothing can be reached there, or must not be
    CLOSED = "closed"  # a host answers, and refuses the port
    SILENT = "silent"  # nobody answers in time
    NOT_ROUTER = "not_router"  # something answers that is no RouterOS API
    SECURITY = "security"  # one side speaks TLS, the other does not
    CERTIFICATE = "certificate"  # another certificate than the pinned one
    PASSWORD = "password"  # noqa: S105  (the word, not one)
    RIGHTS = "rights"  # our user's group lacks a policy
    DEVICE_MODE = "device_mode"  # the board's device-mode forbids it
    LICENCE = "licence"  # the licence allows no further session
    HUNG_UP = "hung_up"  # it closes the line before we can sign in
    CUT = "cut"  # the connection was lost on the way
    PHONE_GONE = "phone_gone"  # the device to let in is not on the hotspot's network
    OTHER_PHONE = "other_phone"  # its MAC or address is another device's
    DEVICES = "devices"  # all devices of that user are online already
    NAME_TAKEN = "name_taken"  # somebody else's row has the name we need
    SPENT = "spent"  # the router counts that user as used up
    OTHER = "other"


# First match wins; lower case.
_TEXTS: Final[tuple[tuple[Trouble, tuple[str, ...]], ...]] = (
    (
        Trouble.ADDRESS,
        ("no router can be reached at this address", "name or service not known", "no address associated"),
    ),
    (Trouble.CERTIFICATE, ("another certificate than the pinned",)),
    (Trouble.SECURITY, ("[ssl", "ssl:", "wrong_version_number", "handshake")),
    (Trouble.NOT_ROUTER, ("not the routeros api", "not an answer of the routeros api", "an unusable login challenge")),
    (Trouble.PASSWORD, ("invalid user name or password", "cannot log in")),
    (Trouble.DEVICE_MODE, ("device-mode",)),
    (Trouble.RIGHTS, ("not enough permissions",)),
    (Trouble.LICENCE, ("session limit reached",)),
    (Trouble.PHONE_GONE, ("unknown host ip",)),
    (Trouble.OTHER_PHONE, ("wrong mac", "from this mac address", "this mac address is not yours")),
    (Trouble.DEVICES, ("no more sessions",)),
    (Trouble.NAME_TAKEN, ("already have", "already exists")),
    (Trouble.SPENT, ("uptime limit", "traffic limit")),
    (Trouble.HUNG_UP, ("hung up at sign-in",)),
    (Trouble.CLOSED, ("connection refused", "connect call failed", "errno 111")),
    (Trouble.SILENT, ("no answer within", "timed out", "no route to host", "network is unreachable", "errno 113")),
    (Trouble.CUT, ("connection", "reset by peer", "broken pipe", "eof", "closed")),
)


def trouble_of(text: str) -> Trouble:
    """The trouble behind an error's text; OTHER when we have no better word."""
    folded = text.casefold()
    for trouble, needles in _TEXTS:
        if any(needle in folded for needle in needles):
            return trouble
    return Trouble.OTHER
