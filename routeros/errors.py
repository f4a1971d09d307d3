# ruff: noqa: N818  (the names say what happened; "Error" behind each would say nothing more)
"""What can go wrong between us and a router, one class per thing a caller may do about it.

RouterError                 .text RouterOS's own words, .category its trap category, .permanent: repeating is useless
├── Unreachable             no connection, no answer in time, connection lost; a write may or may not have happened
│   └── BadReply            it answered, but not in the API's language, or more than the caps allow
├── AuthFailed              the router is there and does not accept us
│   └── WrongCertificate    it is not the router whose certificate we pinned
└── Refused                 a trap: the command was understood and not done; the connection stays usable
    ├── AlreadyExists       the name is taken
    ├── NoSuchItem          the row is gone
    ├── NotPermitted        the API user's group or the device-mode forbids it
    ├── BadArgument         a command, argument or value this RouterOS does not have
    ├── HostUnknown         log_in: the router has not seen that IP address (yet)
    ├── WrongMac            log_in: the address belongs to another MAC, or the user is locked to another
    ├── BadCredentials      log_in: no such hotspot user, or another password
    ├── TooManySessions     log_in: shared-users or the licence is used up
    └── LimitReached        log_in: the user's time or traffic is used up
"""

from collections.abc import Callable


class RouterError(Exception):
    """Root of every failure of a router command.

    `text` is what the router (or the network) said, for logs and support pages: treat it as untrusted text.
    `category` is the trap category 0-7, None when absent (it often is). `permanent` is True when the same
    command will fail again until a human or a changed wish steps in.
    """

    permanent: bool = False

    def __init__(self, text: str, *, category: int | None = None) -> None:
        super().__init__(text)
        self.text = text
        self.category = category


class Unreachable(RouterError):
    """Nothing certain is known about the command: read again before believing anything."""


class BadReply(Unreachable):
    """The peer does not speak the RouterOS API, or sent more than we are willing to hold."""


class AuthFailed(RouterError):
    """Login refused."""

    permanent = True


class WrongCertificate(AuthFailed):
    """The TLS certificate is not the pinned one; the password was not sent."""


class Refused(RouterError):
    """A trap whose cause we do not know by name; trying later may help."""


class AlreadyExists(Refused):
    """A row of that name is already there."""

    permanent = True


class NoSuchItem(Refused):
    """The row named by the command does not exist (any more)."""

    permanent = True


class NotPermitted(Refused):
    """Group policy or device-mode forbids the command."""

    permanent = True


class BadArgument(Refused):
    """This router does not have that command, argument or value."""

    permanent = True


class HostUnknown(Refused):
    """The router has no host row for the address: the phone has not sent traffic, or has left."""


class WrongMac(Refused):
    """The MAC address does not belong to the host, or the user is bound to another one."""

    permanent = True


class BadCredentials(Refused):
    """The hotspot user does not exist or the password differs."""

    permanent = True


class TooManySessions(Refused):
    """shared-users of the profile, or the router's licence, allows no further session."""


class LimitReached(Refused):
    """The hotspot user has used up its limit-uptime or limit-bytes."""

    permanent = True


def _has(*needles: str) -> Callable[[str], bool]:
    return lambda text: any(needle in text for needle in needles)


# First match wins. Substrings, lower case: prefixes ("failure: ") and suffixes ("(4)") come and go between versions.
_BY_TEXT: tuple[tuple[Callable[[str], bool], type[Refused]], ...] = (
    (_has("already have", "already exists"), AlreadyExists),
    (_has("no such item"), NoSuchItem),
    (_has("not enough permissions", "not allowed by device-mode"), NotPermitted),
    (_has("unknown host ip"), HostUnknown),
    (_has("wrong mac", "not allowed to log in from this mac", "this mac address is not yours"), WrongMac),
    (_has("no more sessions", "session limit reached"), TooManySessions),
    (_has("uptime limit", "traffic limit"), LimitReached),
    (_has("invalid username or password", "invalid user name or password", "invalid password"), BadCredentials),
    (lambda text: text.startswith("user ") and text.endswith("not found"), BadCredentials),
    (_has("no such command", "unknown parameter", "missing value", "does not match any value"), BadArgument),
    (_has("invalid value", "ambiguous value"), BadArgument),
)


def refusal(text: str, *, category: int | None = None) -> Refused:
    """Turn a trap into the class that fits it: by its text, then by category (0 and 1 are the caller's mistake).

    Texts: RouterOS traps as collected in the field; categories: MikroTik manual, API, "Reply words".
    """
    folded = text.casefold().strip()
    for matches, kind in _BY_TEXT:
        if matches(folded):
            return kind(text, category=category)
    return (BadArgument if category in {0, 1} else Refused)(text, category=category)
