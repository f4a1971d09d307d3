"""What the shop did besides selling by the hour: customers by the month, promo codes, messages. Done by the house's own verbs, each
at its moment, on a clock that runs ahead through the weeks up to now; once, on a fresh world."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta
from typing import Any, cast
from zoneinfo import ZoneInfo

import httpx

from jobs import messages as posting
from jobs.doors import Doors
from portal import codes, packages, payments, promos, reminders
from portal.clock import Clock
from portal.config import Settings
from portal.db import DB, atomic
from portal.demo import agents, fill, paydays, stock
from portal.demo.cast import (
    HELP_PHONE,
    HOUSEHOLDS,
    MONTHLIES,
    OWNER,
    POSTERS,
    ROUTERS,
    TIMEZONE,
    Household,
    Poster,
)  # fmt: skip
from portal.demo.owner import the_owner
from portal.demo.post import DemoPost
from portal.demo.rails import DemoRails
from portal.devices import DeviceHint
from portal.evidence import Inbound, Road
from portal.gateways.doors import GatewayDoors
from portal.house import doors_open
from portal.identity import Actor
from portal.messages import choices
from portal.mpesa.simulator import ids
from portal.routers import by_site
from portal.subscribers import billing, calendar, deciding, looks, offers, opening, taking
from portal.subscribers import reminders as due_reminders
from portal.subscribers.opening import Wish
from portal.vault import Vault

ZONE = ZoneInfo(TIMEZONE)
_JOB = "job:bill-subscribers"
#: Who bought with a promo did so in the last minutes, and its phone still waits for the router.
_BOUGHT_WITHIN = timedelta(minutes=9)
#: Clear of what stood before: receipts of a day are told apart by their serial.
_FIRST_SERIAL = 7_000_000

#: A number on the STOP list by hand, and the family's device.
_WANTS_NONE, _TABLET = "254721400300", "02:5A:10:00:00:07"

Act = Callable[[datetime], Awaitable[None]]


@dataclass(slots=True)
class _Weeks:
    """The walk through the weeks. `doors` are on its own `clock`, which is behind the world's until the end."""

    doors: Doors
    owner: Actor
    account_id: int
    vault: Vault
    serial: int = _FIRST_SERIAL

    async def go_to(self, moment: datetime) -> None:
        """Let everything happen that falls due until then, at its moment."""
        while True:
            bill_at, remind_at = await billing.next_due_at(), await due_reminders.next_remind_at()
            due = min((at for at in (bill_at, remind_at) if at is not None and at <= moment), default=None)
            if due is None:
                break
            self.set_clock(due)
            if due == bill_at:
                await billing.proceed_due(now=due, actor=_JOB)
            if due == remind_at:
                await due_reminders.remind_due(now=due)
            await posting.run(self.doors)
        self.set_clock(moment)

    def set_clock(self, moment: datetime) -> None:
        """Forward only."""
        self.doors.clock.shift(max(timedelta(0), moment - self.doors.clock.now()))

    async def take(self, cents: int, reference: str, phone: str, *, now: datetime) -> None:
        """Money paid by hand at the paybill, as M-Pesa confirms it."""
        self.serial += 1
        inbound = Inbound(
            road=Road.C2B, receipt=ids.receipt(now, self.serial), amount_cents=cents, is_trusted=True,
            account_id=self.account_id, reference=reference, phone=phone, happened_at=now,
        )  # fmt: skip
        async with atomic() as tx:
            await payments.take(tx, inbound, vault=self.vault, now=now)


async def live(settings: Settings, vault: Vault, rails: DemoRails, post: DemoPost, *, now: datetime) -> None:
    """Let the weeks up to `now` pass for customers by the month, promos and messages, unless they have. A walk that was cut off
    goes no further: what is there is whole, and the demo works with less."""
    if await DB.value("SELECT EXISTS (SELECT FROM packages WHERE period = 'month')"):
        await fill.move_sequences()  # should the walk have been cut off
        return
    began = now - timedelta(days=max(each.since for each in HOUSEHOLDS) + 1)
    account_id = await DB.value("SELECT min(id) FROM mpesa_accounts")
    async with _doors(settings, vault, rails, post, clock=Clock(began - Clock().now())) as doors:
        weeks = _Weeks(doors, await the_owner(), account_id, vault)
        for moment, act in sorted(await _acts(weeks, began, now), key=lambda each: each[0]):
            await weeks.go_to(moment)
            if moment > now - _BOUGHT_WITHIN:
                await fill.move_sequences()
            await act(moment)
            await posting.run(doors)
    await fill.move_sequences()
    await paydays.pay(now=now)


async def _acts(weeks: _Weeks, began: datetime, now: datetime) -> list[tuple[datetime, Act]]:
    """Everything people do, with its moment; the packages and choices they do it by are made at once."""
    for each in MONTHLIES:
        await offers.make(
            weeks.owner, name=each.name, price=each.price, down=each.down, up=each.up, devices=each.devices, now=began
        )
    await choices.choose(weeks.owner, _CHOICES, now=began)
    by_name = {each.name: each.id for each in await offers.of(weeks.owner)}
    acts = [(_day(now, -3, time(10)), _stops(weeks)), (_day(now, -3, time(10, 5)), _reminds(weeks))]
    for number, household in enumerate(HOUSEHOLDS):
        package_id = by_name[MONTHLIES[household.monthly].name]
        acts.append((_day(now, -household.since, time(9 + number, 20)), _moves_in(weeks, household, package_id, now)))
        acts += [(moment, _pays(weeks, household)) for moment in _pay_days(household, now)]
    acts += [(_day(now, -5, time(17)), _makes(weeks, poster)) for poster in POSTERS]
    acts += [(_day(now, -5, time(9, 40)), _lays_in(weeks)), *agents.acts(weeks.vault, now=now)]
    uses = [(poster, place) for poster in POSTERS for place in poster.uses]
    step = _BOUGHT_WITHIN / (len(uses) + 1)
    for number, (poster, place) in enumerate(uses, start=1):
        acts.append((now - _BOUGHT_WITHIN + number * step, _buys(weeks, poster, place, number)))
    return acts


_CHOICES = {
    "quiet_from": "21:00", "quiet_until": "07:00", "daily_cap": "300", "number_cap": "5", "shop_phone": HELP_PHONE,
    "shop_email": OWNER.email, "shop_chat": "254700000000",
}  # fmt: skip


def _moves_in(weeks: _Weeks, household: Household, package_id: int, until: datetime) -> Act:
    async def act(now: datetime) -> None:
        bills_on = _day(until, household.bills_in, time(12)).astimezone(ZONE)
        wish = Wish(
            name=household.name, phone=household.phone, kind="pppoe" if household.user_name else "hotspot",
            router=str(await _router_id()), package=str(package_id), billing_day=str(bills_on.day),
            user_name=household.user_name, language=household.language,
        )  # fmt: skip
        one = await opening.open_account(weeks.owner, wish, form_key=household.name, vault=weeks.vault, now=now)
        if not household.user_name:
            await deciding.add_device(weeks.owner, one, _TABLET, name="Zawadi's tablet", now=now)
        await _pay(weeks, household, now)

    return act


def _pay_days(household: Household, until: datetime) -> list[datetime]:
    """When it paid a bill after the first: in the morning of the day the bill was written."""
    unpaid = calendar.day_at(until, ZONE) + timedelta(days=household.bills_in)
    day, days = calendar.day_at(until, ZONE) - timedelta(days=household.since), list[datetime]()
    while (day := calendar.period_end(day, unpaid.day)) < unpaid:
        days.append(calendar.moment(day, time(10, 15), ZONE))
    return days


def _pays(weeks: _Weeks, household: Household) -> Act:
    return lambda now: _pay(weeks, household, now)


async def _pay(weeks: _Weeks, household: Household, now: datetime) -> None:
    """What the account asks for."""
    one = await DB.value("SELECT id FROM subscribers WHERE phone = $1", household.phone)
    seen = await looks.full(one, now=now)
    cents = seen.missing_cents + household.extra_cents
    if household.in_cash:
        await taking.take_cash(
            weeks.owner, one, str(cents // 100), form_key=f"{now:%Y-%m-%d}", vault=weeks.vault, now=now
        )
    else:
        await weeks.take(cents, seen.line.account_number, household.phone, now=now)


def _makes(weeks: _Weeks, poster: Poster) -> Act:
    async def act(now: datetime) -> None:
        await promos.make(weeks.owner, poster.typed, [], zone=ZONE, now=now)

    return act


def _buys(weeks: _Weeks, poster: Poster, place: int, number: int) -> Act:
    """Somebody at the first router, by the captive page's own verbs, with a phone that is still there."""

    async def act(now: datetime) -> None:
        site = await DB.value("SELECT site FROM routers WHERE id = $1", await _router_id())
        router = await by_site(site)
        package = (await packages.on_sale(router.merchant_id))[place]
        device = DeviceHint(f"02:5A:20:00:00:{number:02X}", f"{ROUTERS[0].network}{110 + number}")
        phone = f"2547214002{number:02}"
        offer = await promos.quote(
            router.id, router.merchant_id, package, poster.typed["code"], device=device, phone=phone, now=now
        )
        buyer = promos.Buyer(device=device, phone=phone, form_key=codes.hex_token(16), language="en")
        token = await promos.buy(router, package, offer, buyer, vault=weeks.vault, now=now)
        if not offer.is_free:
            payment = await DB.row(
                """SELECT p.account_reference, p.amount_cents FROM payments p JOIN checkouts c ON c.id = p.checkout_id
                   WHERE c.token = $1""",
                token,
            )
            assert payment is not None  # it was asked for just now
            await weeks.take(payment["amount_cents"], payment["account_reference"], phone, now=now)

    return act


def _lays_in(weeks: _Weeks) -> Act:
    return lambda now: stock.lay_in(weeks.vault, now=now)


def _stops(weeks: _Weeks) -> Act:
    return lambda now: choices.stop_number(weeks.owner, _WANTS_NONE, now=now)


def _reminds(weeks: _Weeks) -> Act:
    async def act(now: datetime) -> None:
        await reminders.choose(weeks.owner, {"hour_before": "on", "when_over": "on", "least_price": "50"}, now=now)

    return act


def _day(now: datetime, days: int, at: time) -> datetime:
    """That time of the day so many days from now, where the shop is."""
    return calendar.moment(calendar.day_at(now, ZONE) + timedelta(days=days), at, ZONE)


async def _router_id() -> int:
    return await DB.value("SELECT id FROM routers WHERE serial = $1", ROUTERS[0].serial)


@asynccontextmanager
async def _doors(
    settings: Settings, vault: Vault, rails: DemoRails, post: DemoPost, *, clock: Clock
) -> AsyncGenerator[Doors]:
    """Doors on that clock. The post is reached without its server, which begins later, and no reports come back: nobody would
    hear them yet."""
    office = post.office
    kept = office.clock, office.reports_url
    office.clock, office.reports_url = clock, ""
    transport = httpx.ASGITransport(cast("Any", rails))
    try:
        async with doors_open(settings, clock) as doors, httpx.AsyncClient(transport=transport) as http:
            yield replace(doors, gateways=GatewayDoors(http, settings, vault=vault, clock=clock))
    finally:
        office.clock, office.reports_url = kept
