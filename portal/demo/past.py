"""Thirty days of a shop, made up but plausible: who bought what, where and when, and how it went. Pure and seeded.

The same day always comes out the same way, counted from today. Rows are made of it in `history`.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from random import Random
from zoneinfo import ZoneInfo

from portal.demo.cast import OFFERS, ROUTERS, TIMEZONE

DAYS = 30
#: Since when the router that is off has been off.
OFFLINE_FOR = timedelta(minutes=18)
#: Sales on a Monday … Sunday, before the luck of the day.
_BY_WEEKDAY = (82, 76, 80, 86, 108, 128, 98)
_LEAST, _MOST = 60, 140
_BY_HOUR = (8, 4, 2, 1, 1, 4, 14, 34, 46, 48, 50, 56, 68, 62, 50, 48, 56, 70, 84, 92, 90, 74, 46, 20)
#: Result codes of attempts that came to nothing, with their weights (Daraja documentation, result codes).
_FAILURES = {"1032": 52, "1": 24, "1037": 18, "2001": 6}
_FAILED_PER_PAID = 0.11
_REGULARS = 420
_SEED = "kilimani"


@dataclass(frozen=True, slots=True)
class Buyer:
    """A customer of the shop, by number and device."""

    phone: str
    mac: str


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt to buy. `offer` and `router` are places in the cast; `failure` is M-Pesa's code, None when paid.

    `answer` is how long M-Pesa took; `presence` the share of the time bought that the device was really connected;
    `draw` decides what is left to chance later on, 0 … 1.
    """

    at: datetime
    buyer: Buyer
    offer: int
    router: int
    failure: str | None
    answer: timedelta
    presence: float
    draw: float


def regulars() -> list[Buyer]:
    """The people of the neighbourhood."""
    chance = Random(f"{_SEED} people")  # noqa: S311  (a made-up past, not a secret)
    found: dict[str, Buyer] = {}
    while len(found) < _REGULARS:
        phone = f"254{chance.choice(('70', '71', '72', '79', '11'))}{chance.randrange(10**7):07d}"
        mac = ":".join(f"{byte:02X}" for byte in (0x02 | chance.randrange(64) << 2, *chance.randbytes(5)))
        found[phone] = Buyer(phone, mac)
    return list(found.values())


def attempts(*, now: datetime, days: int = DAYS) -> list[Attempt]:
    """Every attempt of the last `days` days and of today until `now`, in the order of time."""
    zone, people = ZoneInfo(TIMEZONE), regulars()
    today = now.astimezone(zone).date()
    made = [
        attempt
        for ago in range(days, -1, -1)
        for attempt in _day(today - timedelta(days=ago), ago, people=people, zone=zone)
    ]
    return [attempt for attempt in sorted(made, key=lambda each: each.at) if _has_happened(attempt, now)]


def _has_happened(attempt: Attempt, now: datetime) -> bool:
    until = now if ROUTERS[attempt.router].is_online else now - OFFLINE_FOR
    return attempt.at + attempt.answer + timedelta(seconds=30) < until


def _day(day: date, ago: int, *, people: list[Buyer], zone: ZoneInfo) -> list[Attempt]:
    chance = Random(f"{_SEED} {ago}")  # noqa: S311
    sold = round(_BY_WEEKDAY[day.weekday()] * chance.uniform(0.9, 1.1))
    sold = min(_MOST, max(_LEAST, sold))
    failed = round(sold * _FAILED_PER_PAID * chance.uniform(0.6, 1.4))
    outcomes: list[str | None] = [None] * sold
    outcomes += chance.choices(list(_FAILURES), list(_FAILURES.values()), k=failed)
    return [_attempt(day, failure, chance=chance, people=people, zone=zone) for failure in outcomes]


def _attempt(day: date, failure: str | None, *, chance: Random, people: list[Buyer], zone: ZoneInfo) -> Attempt:
    hour = chance.choices(range(24), _BY_HOUR)[0]
    within = timedelta(hours=hour, seconds=chance.uniform(0, 3600))
    midnight = datetime.combine(day, time.min, zone).astimezone(UTC)
    seconds = 60.0 if failure == "1037" else chance.triangular(4, 28, 8)
    # Some people come every day, most now and then.
    buyer = people[int(chance.expovariate(1 / 60)) % len(people)] if chance.random() < 0.5 else None
    return Attempt(
        at=midnight + within,
        buyer=buyer or chance.choice(people),
        offer=chance.choices(range(len(OFFERS)), [offer.share for offer in OFFERS])[0],
        router=chance.choices(range(len(ROUTERS)), [router.share for router in ROUTERS])[0],
        failure=failure,
        answer=timedelta(seconds=round(seconds, 3)),
        presence=chance.triangular(0.15, 1.0, 0.7),
        draw=chance.random(),
    )
