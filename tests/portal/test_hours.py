"""Hours of the day and days of the week: windows past midnight, windows that touch, other clocks than ours."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.hours import Hours

NAIROBI = ZoneInfo("Africa/Nairobi")
#: Friday, 20 November 2026.
FRIDAY = datetime(2026, 11, 20, tzinfo=NAIROBI)
WEEKEND, WORKDAYS = 0b1100000, 0b0011111


def at(hour: int, minute: int = 0, *, days: int = 0) -> datetime:
    return FRIDAY + timedelta(days=days, hours=hour, minutes=minute)


def test_a_night_lasts_past_midnight_and_belongs_to_the_evening() -> None:
    night = Hours(days=0b0010000, from_min=22 * 60, until_min=6 * 60)  # Fridays
    assert not night.holds(at(21, 59), NAIROBI)
    assert night.holds(at(22), NAIROBI)
    assert night.holds(at(5, 59, days=1), NAIROBI)
    assert not night.holds(at(6, days=1), NAIROBI)
    assert not night.holds(at(23, days=1), NAIROBI)
    assert night.end_of(at(23), NAIROBI) == at(6, days=1)
    assert night.next_from(at(7, days=1), NAIROBI) == at(22, days=7)


def test_hours_are_those_of_the_place() -> None:
    noon = Hours(from_min=12 * 60, until_min=13 * 60)
    assert noon.holds(datetime(2026, 11, 20, 9, 30, tzinfo=UTC), NAIROBI)
    assert not noon.holds(datetime(2026, 11, 20, 12, 30, tzinfo=UTC), NAIROBI)


def test_days_that_touch_are_one_window() -> None:
    assert Hours(days=WEEKEND).end_of(at(12, days=1), NAIROBI) == at(0, days=3)
    assert Hours(days=WORKDAYS).end_of(at(12), NAIROBI) == at(0, days=1)
    assert Hours(days=0b1000001).end_of(at(12, days=2), NAIROBI) == at(0, days=4), "Sunday and Monday"


def test_all_day_every_day_has_no_end() -> None:
    assert Hours().is_always
    assert Hours(from_min=60, until_min=60).is_always
    assert Hours().end_of(at(0), NAIROBI) is None
    assert not Hours(days=1).is_always


def test_a_night_when_the_clocks_change_ends_by_the_clock_on_the_wall() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    night = Hours(from_min=22 * 60, until_min=6 * 60)
    began = datetime(2026, 10, 24, 22, 30, tzinfo=berlin)
    end = night.end_of(began, berlin)
    assert end == datetime(2026, 10, 25, 6, tzinfo=berlin)
    assert end is not None
    assert end.astimezone(UTC) - began.astimezone(UTC) == timedelta(hours=8, minutes=30)


@pytest.mark.parametrize(
    ("one", "other", "meet"),
    [
        (Hours(days=WEEKEND), Hours(days=WORKDAYS), False),
        (Hours(days=WEEKEND), Hours(days=WORKDAYS, from_min=22 * 60, until_min=6 * 60), True),
        (Hours(from_min=480, until_min=720), Hours(from_min=720, until_min=780), False),
        (Hours(from_min=1320, until_min=360), Hours(from_min=300, until_min=310), True),
        (Hours(days=1), Hours(days=64, from_min=1380, until_min=60), True),
    ],
)
def test_hours_meet_or_do_not(one: Hours, other: Hours, meet: bool) -> None:
    assert one.meets(other) is other.meets(one) is meet


minutes = st.integers(0, 1439)
some_hours = st.builds(Hours, days=st.integers(1, 127), from_min=minutes, until_min=minutes)


@given(some_hours, st.integers(0, 7 * 1440 - 1))
def test_within_means_before_the_end_and_outside_means_before_the_next(hours: Hours, minute: int) -> None:
    now = FRIDAY + timedelta(minutes=minute)
    begins = hours.next_from(now, NAIROBI)
    assert hours.holds(begins, NAIROBI)
    assert begins == now if hours.holds(now, NAIROBI) else begins > now
    end = hours.end_of(begins, NAIROBI)
    if end is not None:
        assert begins < end
        assert hours.holds(end - timedelta(minutes=1), NAIROBI)
        assert not hours.holds(end, NAIROBI)


@given(some_hours, some_hours)
def test_meeting_is_a_minute_in_both(one: Hours, other: Hours) -> None:
    week = [FRIDAY + timedelta(minutes=minute) for minute in range(0, 7 * 1440, 7)]
    if any(one.holds(now, NAIROBI) and other.holds(now, NAIROBI) for now in week[::13]):
        assert one.meets(other)
