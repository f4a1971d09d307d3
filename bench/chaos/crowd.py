"""The customers of a chaos run: each taps, waits for the prompt, and does with it what the plan says; messages meet their mishaps."""

import asyncio
import hashlib
import time
from collections import Counter
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field

import httpx

from bench.chaos.plan import Mishap, Plan, Sale
from bench.chaos.stage import PRICES, Stage
from portal.captive import visits
from portal.captive.visits import Visit
from portal.devices import DeviceHint
from portal.mpesa.simulator import Action, CannotPay, prompts
from portal.mpesa.simulator.records import Push

#: Customers before the prompt at a time.
AT_A_TIME = 40
RELEASE_EVERY_S = 3.0


@dataclass
class Told:
    """What the customers can tell."""

    begun: int = 0
    rung: int = 0
    unrung: int = 0
    refused: Counter[str] = field(default_factory=Counter[str])
    forged_404: int = 0


class Crowd:
    """Plays the sales of a plan. A customer waits `patience_s` for the prompt, then goes home."""

    def __init__(self, stage: Stage, plan: Plan, *, patience_s: float) -> None:
        self._patience_s = patience_s
        self.stage = stage
        self.plan = plan
        self.told = Told()
        self._world = stage.daraja.world
        self._places = asyncio.Semaphore(AT_A_TIME)
        self._begun = asyncio.Event()

    async def buy_everything(self) -> None:
        """Until every customer has done what it does."""
        limits = httpx.Limits(max_connections=AT_A_TIME)
        async with httpx.AsyncClient(trust_env=False, timeout=10, limits=limits) as http, asyncio.TaskGroup() as group:
            releasing = asyncio.create_task(self._release())
            customers: list[asyncio.Task[None]] = []
            for sale in self.plan.sales:
                await self._places.acquire()
                customers.append(group.create_task(self._buy(http, sale)))
                self.told.begun += 1
            await asyncio.gather(*customers)
            releasing.cancel()
        self._world.release_held(is_reversed=True)

    async def kill_all(self) -> None:
        """Carry the plan's deaths out as the sales go on."""
        for death in self.plan.kills:
            while self.told.begun < death.after:  # noqa: ASYNC110  (counting is cheaper than an event per sale)
                await asyncio.sleep(0.02)
            await asyncio.sleep(death.wait_s)
            before = self.stage.deaths
            while not self.stage.kill(death.victim):  # noqa: ASYNC110  (it is dead already, and on its way back)
                await asyncio.sleep(0.05)
            while self.stage.deaths == before:  # noqa: ASYNC110  (the dead tell nobody)
                await asyncio.sleep(0.02)

    async def _release(self) -> None:
        """What is held comes in reverse order, and together."""
        while True:
            await asyncio.sleep(RELEASE_EVERY_S)
            self._world.release_held(is_reversed=True)

    async def _buy(self, http: httpx.AsyncClient, sale: Sale) -> None:
        try:
            if not await self._tap(http, sale):
                return
            if sale.mishap.name == "forged":
                await self._forge(http)
            push = await self._prompt(sale)
        finally:
            self._places.release()
        if push is None:
            self.told.unrung += 1
            return
        self.told.rung += 1
        await self._answer(sale, push)

    async def _tap(self, http: httpx.AsyncClient, sale: Sale) -> bool:
        """Choose and pay, again and again while nobody answers; the same form each time."""
        router, package = self.stage.routers[sale.merchant], self.stage.packages[sale.merchant][sale.package]
        device = DeviceHint(sale.mac, f"10.5.{50 + sale.number // 250 % 200}.{2 + sale.number % 250}")
        sealed = visits.seal(Visit(site=router.site, device=device), self.stage.signer, now=self.stage.clock.now())
        key = hashlib.sha256(f"{self.plan.seed} {sale.number}".encode()).hexdigest()
        form = {"phone": sale.phone, "form_key": key, "d": sealed}
        ends = time.monotonic() + 60
        while time.monotonic() < ends:
            try:
                answer = await http.post(f"{self.stage.portal}/c/{router.site}/buy/{package}", data=form)
            except httpx.TransportError:
                await asyncio.sleep(0.2)
                continue
            if answer.status_code == 303:
                return True
            self.told.refused[str(answer.status_code)] += 1
            await asyncio.sleep(0.2)
        return False

    async def _forge(self, http: httpx.AsyncClient) -> None:
        """A success to an address nobody gave out."""
        try:
            answer = await http.post(f"{self.stage.portal}/cb/{'0' * 64}", json={"Body": {}})
        except httpx.TransportError:
            return
        self.told.forged_404 += answer.status_code == 404

    async def _prompt(self, sale: Sale) -> Push | None:
        phone = self._world.phone(sale.phone)
        ends = time.monotonic() + self._patience_s
        while time.monotonic() < ends:
            if phone.prompt is not None:
                return phone.prompt
            await asyncio.sleep(0.05)
        return None

    async def _answer(self, sale: Sale, push: Push) -> None:
        action = {"pin": Action.PIN, "ignore": Action.IGNORE}.get(sale.answer, Action.CANCEL)
        with self._befalling(sale.mishap, confirmed=sale.confirmed):
            if push.result_code is None:
                prompts.answer(self._world, sale.phone, action)
        price = PRICES[sale.package] // 100
        amounts = {"by_hand": [price], "in_two": [price - 4, 4], "too_little": [price - 3], "too_much": [price + 5]}
        for amount, mishap in zip(amounts.get(sale.answer, []), sale.by_hand, strict=False):
            await asyncio.sleep(0.5)
            with self._befalling(mishap, confirmed="after"):
                try:
                    self.stage.daraja.pay_by_hand(
                        sale.phone, push.shortcode.number, amount=amount, account=push.account_reference
                    )
                except CannotPay as error:
                    self.told.refused[f"by hand: {error}"] += 1

    @contextmanager
    def _befalling(self, mishap: Mishap, *, confirmed: str) -> Generator[None]:
        """What is sent inside meets this mishap; nothing is awaited inside."""
        certain = {"lost": {"lost": 1.0}, "forged": {"forged": 1.0}, "corrupt": {"corrupt": 1.0}}.get(mishap.name, {})
        before = self._world.knobs
        self._world.turn(
            callback_chances=certain,
            callback_copies=mishap.copies if mishap.name == "copied" else 1,
            callback_delay_seconds=mishap.late_s if mishap.name == "late" else 0.0,
            callback_hold=mishap.name == "held",
            stk_confirmation=confirmed,
        )
        try:
            yield
        finally:
            self._world.knobs = before
