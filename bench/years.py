"""Twenty simulated years of monthly customers in twelve zones, with leap days, clocks that change, step back and stand still."""

import random
import tempfile
import time as stopwatch
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from bench import house
from bench.almanac import Life, first_seen
from bench.result import Result
from portal.db import DB, atomic
from portal.evidence import Inbound, Road
from portal.identity import Actor, Role
from portal.payments import take
from portal.subscribers import billing, opening, reminders
from tests import factories

ZONES = (
    "Africa/Nairobi", "Africa/Cairo", "Africa/Casablanca", "Europe/London", "America/Santiago", "Australia/Lord_Howe",
    "Asia/Kathmandu", "Pacific/Apia", "America/Havana", "America/St_Johns", "America/Sao_Paulo", "Asia/Tehran",
)  # fmt: skip
BEGINS = datetime(2010, 6, 20, 10, 0, 7, tzinfo=UTC)
#: Days of the month bills are due on, in turn: short months, leap days.
_DAYS = (1, 31, 29, 30, 15, 28)
_GRACE = (3, 0, 7, 1, 27, 5)
_PRICE = 150_000
BAR = {"off_s": 1, "doubled": 0, "lost": 0, "differing": 0}


@dataclass
class Person:
    """A subscriber and what the oracle knows of it."""

    id: int
    account: str
    life: Life


async def run(quick: bool) -> Result:
    """Live them on a real database by the portal's own verbs, at every moment something is due, and compare with the almanac."""
    years = 2 if quick else 20  # two hold the day Apia left out
    until = BEGINS.replace(year=BEGINS.year + years)
    began = stopwatch.perf_counter()
    with tempfile.TemporaryDirectory(prefix="vocha-bench-") as folder:
        async with house.database(Path(folder)):
            await DB.fetch("ALTER SYSTEM SET synchronous_commit = off")
            await DB.fetch("SELECT pg_reload_conf()")
            down = _downtimes(until)
            people = await _found(until, down)
            looks = await _live(people, until, down)
            found = [await _compare(each) for each in people]
    off = max((each[0] for each in found), default=0.0)
    wrong = {
        name: sum(each[index] for each in found) for index, name in ((1, "doubled"), (2, "lost"), (3, "differing"))
    }
    counted = sum(each[4] for each in found)
    figures = {
        "years": years, "zones": len(ZONES), "subscribers": len(people), "moments": looks, "compared": counted, "off_s": off,
        **wrong, "seconds": round(stopwatch.perf_counter() - began, 1),
    }  # fmt: skip
    ok = counted > 100 and all(figures[name] <= most for name, most in BAR.items())
    limit = {"almanac": counted}
    return Result("years", figures, limit, round(off / BAR["off_s"], 2), dict(BAR), ok)


def _downtimes(until: datetime) -> list[tuple[datetime, datetime]]:
    """Hours, nights over a month's end, and five weeks, each year; none at a moment somebody pays."""
    chance, found, at = random.Random(7), list[tuple[datetime, datetime]](), BEGINS + timedelta(days=40)
    while at < until:
        ended = at + timedelta(hours=chance.choice((1, 9, 30, 80, 24 * 35)), seconds=chance.randrange(3600))
        found.append((at, ended))
        at = ended + timedelta(days=chance.randrange(60, 160), seconds=chance.randrange(86_400))
    return found


async def _found(until: datetime, down: Sequence[tuple[datetime, datetime]]) -> list[Person]:
    people: list[Person] = []
    vault = house.vault()
    await factories.mpesa_account(vault)
    for index, name in enumerate(ZONES):
        merchant = await factories.merchant(name, kind="isp", timezone=name)
        router = await factories.router(vault, merchant)
        package = await factories.package(
            merchant, name="Home", price_cents=_PRICE, duration_s=2_678_400, period="month"
        )
        owner = Actor(
            user_id=await factories.user(f"{merchant}@example.com", merchant), merchant_id=merchant, role=Role.OWNER,
            is_operator=False, name="A", email="a@example.com",
        )  # fmt: skip
        for each in range(2):
            billing_day, grace = _DAYS[(index + each * 3) % 6], _GRACE[(index * 5 + each) % 6]
            wish = opening.Wish(
                name="P", phone="0712345678", kind="pppoe" if each else "hotspot", user_name="user", router=str(router.id),
                package=str(package), billing_day=str(billing_day), grace_days=str(grace),
            )  # fmt: skip
            made = await opening.open_account(owner, wish, form_key=f"{index}-{each}", vault=vault, now=BEGINS)
            account = await DB.value("SELECT account_number FROM subscribers WHERE id = $1", made)
            pays = _pays(random.Random(index * 10 + each), until, down, is_steady=each == 0)
            zone = ZoneInfo(name)
            life = Life(zone, billing_day, grace, _PRICE, BEGINS, pays, down, until).live()
            people.append(Person(made, account, life))
    return people


def _pays(
    chance: random.Random, until: datetime, down: Sequence[tuple[datetime, datetime]], *, is_steady: bool
) -> list[tuple[datetime, int]]:
    """Somebody who pays a year ahead, or one who pays when it suits: early, late, too little, too much, not at all."""
    found: list[tuple[datetime, int]] = []
    at = BEGINS
    while at < until:
        at += timedelta(
            days=chance.randrange(330, 390) if is_steady else chance.randrange(9, 170), seconds=chance.randrange(86_400)
        )
        at = next(
            (ended + timedelta(minutes=7) for began, ended in down if began - timedelta(minutes=9) <= at <= ended), at
        )
        found.append((at.replace(microsecond=0), chance.choice((11, 12, 13) if is_steady else (1, 2, 3, 6)) * _PRICE
                      + chance.randrange(-20, 20) * 100))  # fmt: skip
    return found


async def _live(people: Sequence[Person], until: datetime, down: Sequence[tuple[datetime, datetime]]) -> int:
    """Go from moment to moment as the worker does; it sleeps while the house is down, and each hundredth time the clock steps back."""
    coming = sorted((at, person.account, cents) for person in people for at, cents in person.life.pays if at < until)
    now, looks = BEGINS, 0
    while True:
        moments = [await billing.next_due_at(), await reminders.next_remind_at(), coming[0][0] if coming else None]
        at = max(now, min((each for each in moments if each is not None), default=until))
        now = next((ended for began, ended in down if began <= at < ended), at)
        if now >= until:
            return looks
        while coming and coming[0][0] <= now:
            await _pay(*coming.pop(0)[1:], now=now)
        await _look(now)
        looks += 1
        if looks % 100 == 0:
            await _look(now - timedelta(hours=1))
            await _look(now)


async def _look(now: datetime) -> None:
    """What the worker does each second."""
    due_at = await billing.next_due_at()
    if due_at is not None and due_at <= now:
        await billing.proceed_due(now=now, actor="bench")
    remind_at = await reminders.next_remind_at()
    if remind_at is not None and remind_at <= now:
        await reminders.remind_due(now=now)


async def _pay(account: str, cents: int, *, now: datetime) -> None:
    async with atomic() as tx:
        inbound = Inbound(
            road=Road.C2B, receipt=f"U{now:%y%m%d%H%M}{account[:4]}", amount_cents=cents, is_trusted=True, account_id=1,
            reference=account,
        )  # fmt: skip
        await take(tx, inbound, vault=house.vault(), now=now)


async def _compare(person: Person) -> tuple[float, int, int, int, int]:
    """The largest distance in seconds, and how many were doubled, lost or different, of how many compared."""
    life = person.life
    ours = await DB.fetch(
        """SELECT starts_on, ends_on, amount_cents - returned_cents AS cents, status, due_at, created_at FROM subscriber_bills
           WHERE subscriber_id = $1 AND status <> 'dropped' ORDER BY id""",
        person.id,
    )
    theirs = {bill.start: bill for bill in life.bills}
    differing = sum(
        1
        for row in ours
        if (bill := theirs.get(row["starts_on"])) is None
        or (row["ends_on"], row["cents"], row["status"]) != (bill.end, bill.cents, bill.status)
    )
    pairs = [(row["due_at"], theirs[row["starts_on"]].due_at) for row in ours if row["starts_on"] in theirs]
    doubled = len(ours) - len({row["starts_on"] for row in ours})
    lost = len(set(theirs) - {row["starts_on"] for row in ours})
    reminded = await DB.fetch(
        "SELECT about_on, stage, created_at FROM subscriber_reminders WHERE subscriber_id = $1", person.id
    )
    told = {(row["about_on"], row["stage"]): row["created_at"] for row in reminded}
    doubled += len(reminded) - len(told) + len(set(told) - set(life.reminders))
    lost += len(set(life.reminders) - set(told))
    pairs += [(told[key], at) for key, at in life.reminders.items() if key in told]
    ended = await DB.fetch(
        "SELECT at FROM events WHERE entity = 'subscribers' AND entity_id = $1 AND name = 'end' ORDER BY id", person.id
    )
    doubled += max(0, len(ended) - len(life.ends))
    lost += max(0, len(life.ends) - len(ended))
    pairs += list(zip([row["at"] for row in ended], life.ends, strict=False))
    off = max((abs((one - other).total_seconds()) for one, other in pairs), default=0.0)
    return off, doubled, lost, differing, len(pairs)


__all__ = ["BEGINS", "ZONES", "first_seen", "run"]
