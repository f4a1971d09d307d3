"""What the simulated world is made of: plain records, no behaviour. Verbs are in world.py, wallets.py and prompts.py.

Amounts: `amount` is whole KES (Daraja takes no less), `*_cents` are KES cents. Times are UTC.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime
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
class Initiator:
    """An API operator of an organisation; `wrong_tries` counts credentials that did not fit."""

    name: str
    password: str = field(repr=False)
    roles: frozenset[str] = frozenset()
    wrong_tries: int = 0
    is_locked: bool = False


@dataclass(slots=True, frozen=True)
class Registration:
    """The C2B URLs of a shortcode and what happens when validation does not answer."""

    version: Literal["v1", "v2"]
    response_type: Literal["Completed", "Cancelled"]
    confirmation_url: str
    validation_url: str


@dataclass(slots=True)
class Shortcode:
    """A paybill, or a till known by its head-office number; `party_b` is the number that receives.

    `balance_cents` is the utility account, into which customers pay; `validates`: external validation was asked for.
    """

    number: str
    name: str
    kind: Literal["paybill", "till"]
    passkey: str = field(repr=False)
    party_b: str
    balance_cents: int = 0
    opening_cents: int = 0
    working_cents: int = 0
    charges_cents: int = 0
    validates: bool = False
    pays_out: bool = True
    is_on_old_broker: bool = False
    registration: Registration | None = None
    is_pulling: bool = False
    initiators: dict[str, Initiator] = field(default_factory=dict)


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


CallbackKind = Literal["stk", "confirmation", "validation", "result", "timeout"]


@dataclass(slots=True, frozen=True)
class Callback:
    """One message on its way to the merchant, body already written.

    Every attempt is noted in `deliveries`; `heard` is told of the last one and what the merchant answered.
    """

    kind: CallbackKind
    url: str
    result_code: str
    body: bytes
    deliveries: list[Delivery]
    label: str
    push: Push | None = None
    headers: tuple[tuple[str, str], ...] = ()
    retries_left: int = 0
    is_foreign: bool = False
    timeout_seconds: float | None = None
    heard: Callable[[Delivery, bytes], None] | None = None


@dataclass(slots=True)
class HandPayment:
    """Money a payer sends from the menu of the phone: known by its receipt, which is the TransID."""

    receipt: str
    msisdn: str
    shortcode: Shortcode
    bill_reference: str
    amount: int
    at: datetime
    status: Literal["validating", "completed", "cancelled", "declined"] = "validating"
    reason: str = ""
    third_party_id: str = ""
    deliveries: list[Delivery] = field(default_factory=list)


@dataclass(slots=True, frozen=True)
class LedgerRow:
    """Money that moved between a wallet and a shortcode; what left the shortcode is negative.

    True whatever the merchant heard. `*_after_cents` are the two balances once it had moved.
    """

    receipt: str
    msisdn: str
    shortcode: str
    account_reference: str
    amount_cents: int
    at: datetime
    kind: Literal["stk", "c2b", "b2c", "reversal"]
    wallet_after_cents: int
    shortcode_after_cents: int
    checkout_request_id: str = ""
    reverses: str = ""
    conversation_id: str = ""
    originator_conversation_id: str = ""


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


@dataclass(slots=True, frozen=True)
class Owner:
    """The names under which a number is registered; each may be empty."""

    first: str = ""
    middle: str = ""
    last: str = ""

    def __str__(self) -> str:
        return " ".join(name for name in (self.first, self.middle, self.last) if name)


@dataclass(slots=True)
class Phone:
    """A virtual phone with its wallet. `live` is the push that locks it; `prompt` is the one on its screen.

    `answers` are used up, one per prompt, before `auto` counts. `spent_cents` were spent on `spent_on` (Nairobi day).
    """

    msisdn: str
    owner: Owner = Owner()
    language: Literal["en", "sw"] = "en"
    pin: str = DEFAULT_PIN
    balance_cents: int = DEFAULT_BALANCE_CENTS
    wrong_pins: int = 0
    is_locked: bool = False
    is_on: bool = True
    live: Push | None = None
    prompt: Push | None = None
    auto: AutoAnswer | None = None
    answers: deque[AutoAnswer] = field(default_factory=deque)
    spent_on: date | None = None
    spent_cents: int = 0
    pushes: deque[Push] = field(default_factory=lambda: deque(maxlen=50))
    messages: deque[Sms] = field(default_factory=lambda: deque(maxlen=50))


@dataclass(slots=True, frozen=True)
class Exchange:
    """One request and its answer, in or out. Bodies are parsed JSON where they are JSON, else text; both capped."""

    at: datetime
    direction: Literal["in", "out", "note"]
    method: str
    target: str
    request: Any
    status: int | None
    answer: Any
    note: str = ""
