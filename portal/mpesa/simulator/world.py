"""The simulated world: apps, shortcodes, tokens, phones, pushes, ledger, log. State without a network.

What happens between a push and its callback is in prompts.py; who sends the callback is delivery.py.
"""

import asyncio
import re
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from random import Random
from typing import Any

from portal.mpesa.simulator import ids
from portal.mpesa.simulator.clock import Agenda, Clock, ShiftedClock, SystemClock
from portal.mpesa.simulator.knobs import FaultName, Knobs, turned
from portal.mpesa.simulator.owners import owner_of
from portal.mpesa.simulator.records import (
    App,
    Callback,
    Exchange,
    HandPayment,
    Initiator,
    LedgerRow,
    Phone,
    Push,
    Shortcode,
    Token,
)

SANDBOX_SHORTCODE = "174379"
# Published by Safaricom for everybody's tests; it opens nothing.
SANDBOX_PASSKEY = "bfb279f9aa9bdbcf158e97dd71a467cd2e0c893059b10f78e6b72ada1ed2c919"
DEFAULT_KEY = "simulator-consumer-key"
DEFAULT_SECRET = "simulator-consumer-secret"  # noqa: S105  (the secret of a simulated app)

DEFAULT_INITIATOR = "testapi"
DEFAULT_INITIATOR_PASSWORD = "Simulator123#"  # noqa: S105  (the operator of a simulated organisation)
ROLES = frozenset({"b2c", "balance", "status", "reversal"})

_SECRETS = frozenset({"Password", "SecurityCredential"})
_MSISDN = re.compile(r"254[17]\d{8}")


class World:
    """Everything the simulator knows. One event loop at a time; nothing here awaits.

    `clock` needs `.now()` (aware, UTC) and may jump forward at will; `seed` makes ids and chance repeatable
    (None: different in every run, so that a restarted simulator does not repeat receipts).
    """

    def __init__(
        self, *, clock: Clock | None = None, seed: int | None = None, knobs: Knobs | None = None, log_size: int = 500
    ) -> None:
        self._base_clock = clock or SystemClock()
        self._seed = seed
        self._first_knobs = knobs or Knobs()
        self.apps: dict[str, App] = {}
        self.shortcodes: dict[str, Shortcode] = {}
        self.log: deque[Exchange] = deque(maxlen=log_size)
        self.watchers: set[Callable[[], None]] = set()
        self.sinks: list[Callable[[Exchange], None]] = []
        self.deliveries_under_way = 0
        self.is_closing = False
        self.reset()

    def reset(self) -> None:
        """Forget all that happened, also knobs and clock shifts; apps and shortcodes stay, with nothing received."""
        self.clock = ShiftedClock(self._base_clock)
        self.random = Random(self._seed)  # noqa: S311  (identifiers of a simulation)
        self.knobs = self._first_knobs
        self.tokens: dict[str, Token] = {}
        self.phones: dict[str, Phone] = {}
        self.pushes: dict[str, Push] = {}
        self.ledger: list[LedgerRow] = []
        self.rows: dict[str, LedgerRow] = {}
        self.reversed_receipts: set[str] = set()
        self.hand_payments: dict[str, HandPayment] = {}
        self.conversations: dict[str, str] = {}
        self.outbox: deque[Callback] = deque()
        self.held: list[Callback] = []
        self.agenda = Agenda()
        self.log.clear()
        for shortcode in self.shortcodes.values():
            shortcode.balance_cents, shortcode.charges_cents = shortcode.opening_cents, 0
            shortcode.registration, shortcode.is_pulling = None, False
            for initiator in shortcode.initiators.values():
                initiator.wrong_tries, initiator.is_locked = 0, False
        self._request_serial = self.random.randrange(1000, 9000)
        self._receipt_serial = self.random.getrandbits(36)
        self.notify()

    @classmethod
    def sandbox(cls, *, name: str = "KILIMANI CORNER", **options: Any) -> "World":
        """A world with one app (DEFAULT_KEY, DEFAULT_SECRET) and paybill 174379 with its published passkey."""
        world = cls(**options)
        world.add_app(DEFAULT_KEY, DEFAULT_SECRET)
        world.add_shortcode(SANDBOX_SHORTCODE, passkey=SANDBOX_PASSKEY, name=name)
        world.add_initiator(SANDBOX_SHORTCODE, DEFAULT_INITIATOR, DEFAULT_INITIATOR_PASSWORD)
        return world

    def reseed(self, seed: int) -> None:
        """Start over with this seed: the same steps then give the same ids and the same chance."""
        self._seed = seed
        self.reset()

    # -- what is there -------------------------------------------------------------------------------------

    def add_app(self, consumer_key: str, consumer_secret: str) -> App:
        self.apps[consumer_key] = App(consumer_key, consumer_secret)
        return self.apps[consumer_key]

    def add_shortcode(
        self, number: str, *, passkey: str, name: str, till: str | None = None, opening_cents: int = 0
    ) -> Shortcode:
        """A paybill; or, with `till`, the head-office number of that till (then PartyB is the till)."""
        self.shortcodes[number] = Shortcode(
            number, name, "till" if till else "paybill", passkey=passkey, party_b=till or number,
            balance_cents=opening_cents, opening_cents=opening_cents,
        )  # fmt: skip
        return self.shortcodes[number]

    def add_initiator(self, number: str, name: str, password: str, *, roles: frozenset[str] = ROLES) -> Initiator:
        """An API operator for that shortcode. KeyError when there is no such shortcode."""
        self.shortcodes[number].initiators[name] = Initiator(name, password, roles)
        return self.shortcodes[number].initiators[name]

    def find_shortcode(self, number: str) -> Shortcode | None:
        """By its own number or by the till's."""
        return self.shortcodes.get(number) or next(
            (shortcode for shortcode in self.shortcodes.values() if shortcode.party_b == number), None
        )

    def phone(self, msisdn: str) -> Phone:
        """The phone of a number like 254712345678, made on first use. ValueError for any other shape."""
        if not _MSISDN.fullmatch(msisdn):
            raise ValueError("a phone number here is 254, then 7 or 1, then eight digits")
        if msisdn not in self.phones:
            self.phones[msisdn] = Phone(msisdn, owner_of(msisdn))
        return self.phones[msisdn]

    # -- tokens and the query limiter ------------------------------------------------------------------------

    def issue_token(self, app: App) -> Token:
        """A new token; the app's older ones die after the grace (by default at once)."""
        now = self.clock.now()
        grace_end = now + timedelta(seconds=self.knobs.token_grace_seconds)
        for token in list(self.tokens.values()):
            if token.consumer_key == app.consumer_key:
                token.dies_at = min(token.dies_at, grace_end)
            if token.dies_at <= now:
                del self.tokens[token.value]
        token = Token(
            ids.access_token(self.random),
            app.consumer_key,
            dies_at=now + timedelta(seconds=self.knobs.token_seconds),
            refilled_at=now,
            allowance=float(self.knobs.query_burst),
        )
        self.tokens[token.value] = token
        return token

    def live_token(self, value: str) -> Token | None:
        token = self.tokens.get(value)
        return token if token and token.dies_at > self.clock.now() else None

    def take_query_allowance(self, token: Token) -> bool:
        """One query from the token's bucket (`query_burst` deep, `query_per_minute` in 60 s). False: over the limit."""
        rate, now = self.knobs.query_per_minute, self.clock.now()
        if rate is None:
            return True
        refill = (now - token.refilled_at).total_seconds() * rate / 60
        token.allowance = min(float(self.knobs.query_burst), token.allowance + refill)
        token.refilled_at = now
        if token.allowance < 1:
            return False
        token.allowance -= 1
        return True

    # -- identifiers -----------------------------------------------------------------------------------------

    def new_request_id(self) -> str:
        self._request_serial += 1
        return ids.request_id(self.random, self._request_serial)

    def new_conversation_id(self) -> str:
        return ids.conversation_id(self.clock.now(), self.random)

    def new_receipt(self) -> str:
        self._receipt_serial += 1
        return ids.receipt(self.clock.now(), self._receipt_serial)

    def new_checkout_request_id(self, msisdn: str) -> str:
        """Unique even for one phone within one millisecond: the stamp then moves on."""
        moment = self.clock.now()
        while (candidate := ids.checkout_request_id(moment, msisdn)) in self.pushes:
            moment += timedelta(milliseconds=1)
        return candidate

    # -- knobs and time --------------------------------------------------------------------------------------

    def turn(self, **changes: Any) -> Knobs:
        """Change knobs while running; msgspec.ValidationError names a wrong one and nothing is changed."""
        self.knobs = turned(self.knobs, changes)
        self.notify()
        return self.knobs

    def take_push_fault(self) -> FaultName:
        """The fault this push gets; counts `push_fault_times` down."""
        fault, times = self.knobs.push_fault, self.knobs.push_fault_times
        if fault != "none" and times is not None:
            self.turn(
                **({"push_fault_times": times - 1} if times > 1 else {"push_fault": "none", "push_fault_times": None})
            )
        return fault

    def after(self, seconds: float, act: Callable[[], None]) -> None:
        self.agenda.add(self.clock.now() + timedelta(seconds=seconds), act)
        self.notify()

    def advance(self, seconds: float) -> None:
        """Move the clock forward and do what has become due. ValueError when negative."""
        self.clock.advance(seconds)
        self.run_due()
        self.notify()

    def run_due(self) -> None:
        self.agenda.run_due(self.clock.now())

    def seconds_to_next(self) -> float | None:
        """How long until something is due; 0 when it is late, None when nothing is planned."""
        due_at = self.agenda.next_due_at()
        return None if due_at is None else max(0.0, (due_at - self.clock.now()).total_seconds())

    def is_settled(self) -> bool:
        """Whether nothing is due now and no message waits for the courier or is with it."""
        return not self.outbox and not self.deliveries_under_way and self.seconds_to_next() != 0

    # -- callbacks and listeners -----------------------------------------------------------------------------

    def release_held(self, *, is_reversed: bool = False) -> int:
        """Send what `callback_hold` kept back, newest first if asked; how many."""
        released = self.held[::-1] if is_reversed else self.held[:]
        self.held.clear()
        self.outbox.extend(released)
        self.notify()
        return len(released)

    def enter(self, row: LedgerRow) -> None:
        """Into the ledger, for good."""
        self.ledger.append(row)
        self.rows[row.receipt] = row

    def record(self, exchange: Exchange) -> None:
        clean = replace(exchange, request=_without_secrets(exchange.request))
        self.log.append(clean)
        for sink in self.sinks:
            sink(clean)

    def note(self, text: str) -> None:
        """A remark of the simulator's own, in the log between the exchanges."""
        self.record(Exchange(self.clock.now(), "note", "", "", None, None, None, text))

    def notify(self) -> None:
        """Tell every watcher that something changed."""
        for watcher in list(self.watchers):
            watcher()


def _without_secrets(body: Any) -> Any:
    if not isinstance(body, dict):
        return body
    return {name: "(hidden)" if name in _SECRETS else value for name, value in body.items()}


async def wait_until(world: World, is_true: Callable[[], bool], *, seconds: float) -> bool:
    """Wait, in real time, until the world makes `is_true` true; whether it did. Ends early when the simulator stops."""
    changed = asyncio.Event()
    world.watchers.add(changed.set)
    try:
        async with asyncio.timeout(seconds):
            while not is_true() and not world.is_closing:
                await changed.wait()
                changed.clear()
    except TimeoutError:
        pass
    finally:
        world.watchers.discard(changed.set)
    return is_true()
