"""Who is asking, and what a session of theirs is. Values only."""

import hashlib
from datetime import datetime
from enum import StrEnum

import msgspec

from portal.errors import NotFound


class Role(StrEnum):
    """What a user may do at a merchant, the mightiest first."""

    OWNER = "owner"
    MANAGER = "manager"
    CASHIER = "cashier"
    VIEWER = "viewer"


class How(StrEnum):
    """By what a session was opened."""

    PASSWORD = "password"  # noqa: S105  (a word for it, not one)
    PASSKEY = "passkey"
    TOTP = "totp"
    RECOVERY = "recovery"
    LINK = "link"


class Visit(msgspec.Struct, frozen=True, kw_only=True):
    """An operator looks at a shop in its owner's place: whose, until when, and whether something may be changed."""

    owner: str
    ends_at: datetime
    may_change: bool


class Actor(msgspec.Struct, frozen=True, kw_only=True):
    """Who is asking. `merchant_id` and `role` are None for an operator who is looking at no merchant. `agent_id`: this cashier is an
    agent, and sees nothing but its own. `visit`: an operator in the owner's place, who is then no operator."""

    user_id: int
    merchant_id: int | None
    role: Role | None
    is_operator: bool
    name: str
    email: str
    agent_id: int | None = None
    visit: Visit | None = None

    def at_merchant(self) -> int:
        """The merchant whose rows may be seen; NotFound for somebody who looks at none."""
        if self.merchant_id is None:
            raise NotFound
        return self.merchant_id


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """A signed-in browser. `key` names it in form tokens; it is not the cookie's secret. `proved_at`: when the person last proved
    who they are. `lacks_second`: the merchant asks owners and managers for a second step, and this one has none yet."""

    id: int
    key: str
    actor: Actor
    proved_at: datetime
    lacks_second: bool
    #: Merchants the person works for: with more than one there is something to switch to (`sessions.places_of`, `POST /switch`).
    shops: int = 0


class NewSession(msgspec.Struct, frozen=True, kw_only=True):
    """What the browser gets: the cookie's token, and when it ends at the latest. `browser_token` is to be kept for a year, so that
    this browser is known when it comes again; "" when it has one."""

    token: str
    expires_at: datetime
    browser_token: str = ""


class Browser(msgspec.Struct, frozen=True, kw_only=True):
    """Where a sign-in comes from. `old_token` is the session the browser had before; it ends with the new one. `known_token` is what
    it was given at an earlier sign-in."""

    address: str
    user_agent: str
    old_token: str | None = None
    known_token: str | None = None


def named(actor: Actor) -> str:
    """The actor as events name them."""
    return f"user:{actor.user_id}"


def fold_email(email: str) -> str:
    """The form addresses are stored and compared in."""
    return printable(email).strip().lower()[:254]


def printable(text: str) -> str:
    """What a database can store: no NUL, no half characters."""
    return "".join(char for char in text if char.isprintable())


def digest_of(token: str) -> bytes:
    """What a secret of 256 bits is found by: its SHA-256."""
    return hashlib.sha256(token.encode()).digest()
