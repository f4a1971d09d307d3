"""The made-up past is plausible and always the same."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from portal import phones
from portal.demo.cast import ROUTERS, TIMEZONE
from portal.demo.past import DAYS, OFFLINE_FOR, attempts, regulars

NOW = datetime(2026, 11, 20, 11, 12, tzinfo=UTC)


def test_the_past_is_the_same_every_time() -> None:
    assert attempts(now=NOW) == attempts(now=NOW)


def test_later_on_the_same_day_what_happened_before_is_unchanged() -> None:
    earlier, later = attempts(now=NOW), attempts(now=NOW + timedelta(hours=2))
    known = [attempt for attempt in earlier if ROUTERS[attempt.router].is_online]
    assert [attempt for attempt in later if attempt in known] == known
    assert len(later) > len(earlier)


@pytest.mark.parametrize("days_on", range(7))
def test_every_full_day_sells_between_60_and_140(days_on: int) -> None:
    now = NOW + timedelta(days=days_on)
    days = Counter(each.at.astimezone(ZoneInfo(TIMEZONE)).date() for each in attempts(now=now) if not each.failure)
    today = now.astimezone(ZoneInfo(TIMEZONE)).date()
    full = {day: count for day, count in days.items() if day != today}
    assert len(full) == DAYS
    assert all(60 <= count <= 140 for count in full.values())


def test_weekends_and_evenings_are_busy_and_nights_are_not() -> None:
    local = [each.at.astimezone(ZoneInfo(TIMEZONE)) for each in attempts(now=NOW) if not each.failure]
    by_hour, by_day = Counter(at.hour for at in local), Counter(at.weekday() for at in local)
    assert by_hour[19] > 5 * by_hour[3]
    assert by_day[5] > by_day[1]


@pytest.mark.parametrize("hours", range(0, 24, 2))
def test_nothing_is_sold_in_the_future_or_where_the_router_is_off(hours: int) -> None:
    now = NOW + timedelta(hours=hours)
    for attempt in attempts(now=now, days=1):
        until = now if ROUTERS[attempt.router].is_online else now - OFFLINE_FOR
        assert attempt.at + attempt.answer < until


def test_the_neighbours_have_kenyan_numbers_and_devices_of_their_own() -> None:
    people = regulars()
    assert all(phones.parse_phone(f"+{person.phone}") == person.phone for person in people)
    assert len({person.mac for person in people}) == len(people)
    assert all(int(person.mac[:2], 16) & 1 == 0 for person in people), "a group address is no device"
