"""What a rail is: it starts an attempt, reads its own callbacks, answers questions, lists and gives back. Values and a Protocol.

Nothing here is a provider's: codes become a `Why`, ids are opaque, amounts are cents. A rail raises nothing for what a provider
says; RailConfig and RailBusy (see `errors`) are for what cannot be asked at all."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Protocol

import msgspec

from portal.evidence import Outcome


class Why(StrEnum):
    """Why nothing was paid, in the words of the core. Kept as a payment's `result_code`."""

    NONE = ""
    CANCELLED = "cancelled"
    NO_MONEY = "no_money"
    WRONG_PIN = "wrong_pin"
    NO_ANSWER = "no_answer"
    LIMIT = "limit"
    AMOUNT = "amount"
    NUMBER = "number"  # no account of this rail, or one that may not pay
    DECLINED = "declined"  # the bank said no
    PROMPT_OPEN = "prompt_open"
    SETUP = "setup"  # our keys or our account there
    NOT_STARTED = "not_started"  # nothing was begun, and nothing can come of it
    OTHER = "other"


class Proof(StrEnum):
    """What speaks for a message."""

    SIGNED = "signed"  # by a key only the provider and this account have
    ADDRESS = "address"  # it came from where the provider is known to send from, to an address only it was told
    NONE = "none"  # the provider must be asked
    FORGED = "forged"  # its signature is wrong: the provider must be asked, and a person told


class QueryKey(StrEnum):
    """By what the provider finds an attempt."""

    OURS = "ours"  # the reference we chose: also when its answer was lost
    THEIRS = "theirs"  # the id its answer told


class Signed(StrEnum):
    """Whether callbacks carry a signature."""

    NEVER = "never"
    OPTIONAL = "optional"
    ALWAYS = "always"


class Flags(msgspec.Struct, frozen=True, kw_only=True):
    """What the core must know of a rail to treat it right. `max_query_rate` is per minute and account; the gap is in seconds."""

    name: str
    echoes_our_ref: bool
    query_key: QueryKey
    signed: Signed
    unsolicited_inbound: bool
    max_query_rate: float
    min_repush_gap: int
    amount_step: int
    has_page: bool = False
    needs_phone: bool = True


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """One attempt to collect money. `reference` is ours and unique; `their_id` what the provider called it, once known.

    `callback_url` is where its result is told, for rails that are told so with each attempt; `return_url` where a payer comes
    back to from the provider's own page."""

    reference: str
    amount_cents: int
    currency: str
    phone: str = ""
    email: str = ""
    description: str = ""
    callback_url: str = ""
    return_url: str = ""
    their_id: str | None = None


class Accepted(msgspec.Struct, frozen=True, kw_only=True):
    """The provider took it. `pay_url`: where the payer pays, for rails with a page of their own."""

    their_id: str | None = None
    pay_url: str | None = None


class Rejected(msgspec.Struct, frozen=True, kw_only=True):
    """The provider did not take it, for good. `said` is its own words, for people who look into it."""

    why: Why
    said: str = ""


class Later(msgspec.Struct, frozen=True, kw_only=True):
    """Nothing was started: the same attempt may be sent again after `retry_after` seconds."""

    retry_after: float
    said: str = ""


class Lost(msgspec.Struct, frozen=True, kw_only=True):
    """Nobody knows whether it was started: never sent again, asked about."""

    said: str = ""


Started = Accepted | Rejected | Later | Lost


class Observation(msgspec.Struct, frozen=True, kw_only=True):
    """What one message, or one row of a list, says about the attempt with our `reference`.

    `amount_cents` None: this rail does not tell; `currency` "" likewise."""

    reference: str
    proof: Proof
    outcome: Outcome
    why: Why = Why.NONE
    said: str = ""
    receipt: str | None = None
    amount_cents: int | None = None
    currency: str = ""
    happened_at: datetime | None = None


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What the provider answers to a question about one attempt. OPEN with `is_unknown`: it has never heard of it."""

    outcome: Outcome
    why: Why = Why.NONE
    said: str = ""
    receipt: str | None = None
    amount_cents: int | None = None
    currency: str = ""
    is_unknown: bool = False


class Returned(StrEnum):
    """What became of a request to give money back."""

    DONE = "done"
    UNDER_WAY = "under_way"  # taken; asked about later
    REFUSED = "refused"
    LATER = "later"  # nothing was started
    UNKNOWN = "unknown"  # it may have been: never sent again, asked about


class Refund(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to a request to give a receipt's money back."""

    state: Returned
    said: str = ""
    their_id: str | None = None


class Rail(Protocol):
    """One account at one provider."""

    @property
    def flags(self) -> Flags:
        """What this rail can do."""
        ...

    async def start(self, attempt: Attempt) -> Started:
        """Ask the payer for the money. Sent once; RailConfig when it cannot be asked for at all."""
        ...

    def parse_callback(
        self, raw: bytes, headers: Mapping[str, str], peer_ip: str, url_token: str
    ) -> Sequence[Observation]:
        """What a message says. Pure; empty when it is none of a payment's, or cannot be read. Header names are lower case."""
        ...

    async def query(self, attempt: Attempt) -> Answer:
        """What became of it. RailBusy when that cannot be told now."""
        ...

    async def list_window(self, since: datetime, until: datetime) -> Sequence[Observation]:
        """Every payment between two moments, as far as the provider lists them; LookupError when it lists none at all."""
        ...

    async def refund(self, receipt: str, *, amount_cents: int, reference: str, reason: str) -> Refund:
        """Give a receipt's money back whole, once. `reference` is the attempt's own. RailConfig when it cannot be asked for."""
        ...

    async def refund_state(self, receipt: str, *, amount_cents: int, reference: str) -> Refund:
        """What became of giving it back. LATER: the provider knows of nothing, so it may be asked for again; UNKNOWN: it does
        not tell. RailBusy when that cannot be told now."""
        ...
