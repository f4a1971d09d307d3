"""What every gateway can do, and everything it may answer. Pure; an answer is never an exception, for each is dealt with otherwise.

The difference that decides: `Later` and `Broken` are sure that nothing went out, `Lost` is not. What may have gone out is not
sent again where a second copy costs money or disturbs."""

from enum import StrEnum
from typing import Protocol

import msgspec


class Why(StrEnum):
    """One word for each thing that goes wrong; kept on the message and on the gateway."""

    BAD_ADDRESS = "bad_address"
    NO_ROUTE = "no_route"
    UNWANTED = "unwanted"  # the recipient is on a blacklist, blocked the bot, or takes no mail from us
    NOT_TAKEN = "not_taken"  # refused for what is in it
    UNDELIVERED = "undelivered"  # taken, and then not delivered
    BUSY = "busy"
    AWAY = "away"
    NO_CREDIT = "no_credit"
    WRONG_KEYS = "wrong_keys"
    WRONG_SENDER = "wrong_sender"
    SET_UP = "set_up"
    LOST = "lost"
    # Ours, not a gateway's:
    NO_GATEWAY = "no_gateway"
    NOBODY = "nobody"
    TOO_LATE = "too_late"
    CAP = "cap"
    QUIET = "quiet"
    STOPPED = "stopped"
    GIVEN_UP = "given_up"
    UNREADABLE = "unreadable"  # its sentence cannot be filled in


class Outgoing(msgspec.Struct, frozen=True, kw_only=True):
    """A message ready to go. `key` is the same whenever this message is sent; `to` is phone digits, an address or a chat. `file_text`:
    CSV that goes with a mail under `file_name`; "" for none."""

    key: str
    to: str
    text: str
    kind: str = ""
    subject: str = ""
    html: str = ""
    file_name: str = ""
    file_text: str = ""

    def __repr__(self) -> str:
        return f"Outgoing({self.key})"


class Accepted(msgspec.Struct, frozen=True, kw_only=True):
    """It was taken. `cost_cents` None: not told."""

    provider_id: str = ""
    cost_cents: int | None = None
    currency: str = ""
    parts: int = 0


class Refused(msgspec.Struct, frozen=True, kw_only=True):
    """This message will never go out by this gateway."""

    why: Why
    said: str = ""


class Later(msgspec.Struct, frozen=True, kw_only=True):
    """Nothing went out; the same may be tried after so many seconds. `is_only_this`: others are not held up by it."""

    why: Why
    said: str = ""
    retry_after: float = 0.0
    is_only_this: bool = False


class Broken(msgspec.Struct, frozen=True, kw_only=True):
    """Nothing goes out by this gateway until a person mends it: no credit, wrong keys."""

    why: Why
    said: str = ""


class Lost(msgspec.Struct, frozen=True, kw_only=True):
    """It was handed over and no answer came, or one that says nothing."""

    said: str = ""


class Moved(msgspec.Struct, frozen=True, kw_only=True):
    """Nothing went out: the recipient is at another address now."""

    to: str


Outcome = Accepted | Refused | Later | Broken | Lost | Moved


class Gateway(Protocol):
    """A way out. `repeats_safely`: the same `key` twice does no harm, so what was lost is sent again."""

    repeats_safely: bool

    async def send(self, message: Outgoing) -> Outcome:
        """Send one, once. Never raises for what the far side does."""
        ...
