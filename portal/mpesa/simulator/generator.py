"""A crowd of payers: so many payments by hand per second, each with its confirmation to the merchant.

For load on a merchant's C2B address. The load of STK callbacks comes with the merchant's own pushes (`auto_answer`).
"""

import asyncio
import time
from typing import Annotated, Any
from weakref import WeakKeyDictionary

import msgspec

from portal.mpesa.simulator import hand_payments
from portal.mpesa.simulator.errors import DarajaRefusal
from portal.mpesa.simulator.world import World, wait_until

LARGEST_CROWD = 1_000_000
_FIRST_PHONE = 254_790_000_000
_PHONES = 10_000


class Order(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """So many payments of `amount` KES, at most `per_second`. `{n}` in the account is the number of the payment."""

    number: str
    count: Annotated[int, msgspec.Meta(ge=1, le=LARGEST_CROWD)]
    per_second: Annotated[float, msgspec.Meta(gt=0)] = 500.0
    amount: Annotated[int, msgspec.Meta(ge=1, le=250_000)] = 10
    account: str = "LOAD{n}"


class Tally(msgspec.Struct, kw_only=True):
    """`heard` counts confirmations the merchant answered with 2xx, `lost` the others; `seconds` are real."""

    paid: int = 0
    heard: int = 0
    lost: int = 0
    seconds: float = 0.0
    per_second: float = 0.0
    is_running: bool = False


class Generator:
    """One crowd at a time. `start` needs a running loop; the courier does the sending."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._tally = Tally()
        self._payments: list[Any] = []
        self._task: asyncio.Task[None] | None = None

    def start(self, order: Order) -> Tally:
        """Begin to pay. DarajaRefusal 409 while an earlier crowd is at it, 404 for an unknown number."""
        if self._tally.is_running:
            raise DarajaRefusal(409, "sim.busy", "a crowd is still paying")
        if self.world.find_shortcode(order.number) is None:
            raise DarajaRefusal(404, "sim.no_shortcode", "no such shortcode here")
        self._tally = Tally(is_running=True)
        self._payments = []
        self._task = asyncio.create_task(self._run(order))
        return self._tally

    def tally(self) -> Tally:
        self._count()
        return self._tally

    async def finished(self) -> Tally:
        """The tally once the crowd has paid and every confirmation was sent or lost."""
        if self._task:
            await self._task
        return self._tally

    async def _run(self, order: Order) -> None:
        started = time.monotonic()
        try:
            await self._pay(order, started)
            await wait_until(self.world, self._are_all_told, seconds=60)
        finally:
            self._tally.seconds = time.monotonic() - started
            self._count()
            self._tally.per_second = self._tally.heard / self._tally.seconds
            self._tally.is_running = False

    async def _pay(self, order: Order, started: float) -> None:
        while self._tally.paid < order.count and not self.world.is_closing:
            due = min(order.count, int((time.monotonic() - started) * order.per_second) + 1)
            for number in range(self._tally.paid, due):
                phone = self.world.phone(str(_FIRST_PHONE + number % _PHONES))
                # The crowd is not poor: what it pays is the merchant's question, not the wallet's.
                phone.balance_cents += order.amount * 100
                phone.spent_cents = 0
                self._payments.append(
                    hand_payments.pay_by_hand(
                        self.world, phone.msisdn, order.number, amount=order.amount,
                        account=order.account.replace("{n}", str(number)),
                    )
                )  # fmt: skip
            self._tally.paid = due
            await asyncio.sleep(0.01)

    def _are_all_told(self) -> bool:
        return self.world.is_settled()

    def _count(self) -> None:
        deliveries = [delivery for payment in self._payments for delivery in payment.deliveries]
        heard = sum(1 for delivery in deliveries if delivery.status and 200 <= delivery.status < 300)
        self._tally.heard, self._tally.lost = heard, len(deliveries) - heard


_GENERATORS: WeakKeyDictionary[World, Generator] = WeakKeyDictionary()


def world_generator(world: World) -> Generator:
    """The world's one generator."""
    if world not in _GENERATORS:
        _GENERATORS[world] = Generator(world)
    return _GENERATORS[world]
