"""What the simulated world is made of: plain records, no behaviour. Verbs are in world.py and prompts.py.

Amounts: `amount` is whole KES (Daraja takes no less), `*_cents` are KES cents. Times are UTC.
"""

from collections import deque
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

DEFAULT_PIN = "1234"
DEFAULT_BALANCE_CENTS = 500_000


@dataclass(slots=True, frozen=True)
class App:
    """A Daraja app: what a merchant's developer makes in the portal."""

    consumer_key: str
    consumer_secret: str = field(repr=False)


@dataclass(slots=True)
class Token:
    """An access token; `allowance` and `refilled_at` are the query limiter's bucket."""

    value: str = field(repr=False)
    consumer_key: str
    dies_at: datetime
    refilled_at: datetime
    allowance: float


@dataclass(slots=True)
class Shortcode:
    """A paybill, or a till known by its head-office number; `party_b` is the number that receives."""

    number: str
    name: str
    kind: Literal["paybill", "till"]
    passkey: str = field(repr=False)
    party_b: str
    balance_cents: int = 0


@dataclass(slots=True)
class Delivery:
    """One attempt to send one callback. `status` None means that no answer came; `error` says why."""

    at: datetime
    result_code: str
    status: int | None = None
    error: str | None = None


@dataclass(slots=True)
class Push:
    """One STK push. `result_code` None: still live. `acknowledged`: the HTTP answer has gone out (or was lost)."""

    checkout_request_id: str
    merchant_request_id: str
    shortcode: Shortcode
    transaction_type: str
    party_b: str
    msisdn: str
    amount: int
    account_reference: str
    callback_url: str
    accepted_at: datetime
    result_code: str | None = None
    finished_at: datetime | None = None
    receipt: str | None = None
    has_rung: bool = False
    acknowledged: bool = False
    queries: int = 0
    deliveries: list[Delivery] = field(default_factory=list)
    waiting_callbacks: list["Callback"] = field(default_factory=list)


@dataclass(slots=True, frozen=True)
class Callback:
    """One message on its way to the merchant, body already written."""

    push: Push
    result_code: str
    body: bytes
    retries_left: int


@dataclass(slots=True, frozen=True)
class LedgerRow:
    """Money that moved: out of a wallet, into a shortcode. True whatever the merchant heard."""

    receipt: str
    msisdn: str
    shortcode: str
    account_reference: str
    amount_cents: int
    at: datetime
    checkout_request_id: str


@dataclass(slots=True, frozen=True)
class Sms:
    """A text on the phone."""

    at: datetime
    text: str
    receipt: str | None = None


@dataclass(slots=True)
class AutoAnswer:
    """What a phone does by itself, so many seconds after a prompt shows."""

    action: Literal["pin", "cancel", "wrong_pin", "ignore"]
    after_seconds: float = 0.0


@dataclass(slots=True)
class Phone:
    """A virtual phone with its wallet. `live` is the push that locks it; `prompt` is the one on its screen."""

    msisdn: str
    pin: str = DEFAULT_PIN
    balance_cents: int = DEFAULT_BALANCE_CENTS
    wrong_pins: int = 0
    is_locked: bool = False
    is_on: bool = True
    live: Push | None = None
    prompt: Push | None = None
    auto: AutoAnswer | None = None
    pushes: deque[Push] = field(default_factory=lambda: deque(maxlen=50))
    messages: deque[Sms] = field(default_factory=lambda: deque(maxlen=50))


@dataclass(slots=True, frozen=True)
class Exchange:
    """One request and its answer, in or out. Bodies are parsed JSON where they are JSON, else text; both capped."""

    at: datetime
    direction: Literal["in", "out"]
    method: str
    target: str
    request: Any
    status: int | None
    answer: Any
    note: str = ""
