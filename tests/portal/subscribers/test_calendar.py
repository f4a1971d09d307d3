"""Days and moments of subscriptions, against a slow reading of the wall clock that knows no tricks."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.subscribers.calendar import day_at, midnight, moment, period_end, period_start, share

#: (zone, day, time, first instant of it): leaps over midnight, clocks shown twice, half hours, a day left out.
KNOWN = [
    ("Africa/Nairobi", date(2026, 11, 20), time(0), "2026-11-19T21:00:00"),
    ("Asia/Kathmandu", date(2026, 11, 20), time(0, 5), "2026-11-19T18:20:00"),
    ("Africa/Cairo", date(2025, 4, 25), time(0), "2025-04-24T22:00:00"),  # begins at 01:00
    ("Africa/Cairo", date(2025, 4, 25), time(0, 5), "2025-04-24T22:00:00"),
    ("Africa/Cairo", date(2025, 10, 31), time(0), "2025-10-30T22:00:00"),  # after 23:00 to 24:00 was shown twice
    ("America/Santiago", date(2025, 9, 7), time(0, 5), "2025-09-07T04:00:00"),
    ("America/Santiago", date(2025, 4, 6), time(0), "2025-04-06T04:00:00"),
    ("Europe/London", date(2026, 3, 29), time(1, 30), "2026-03-29T01:00:00"),
    ("Europe/London", date(2026, 10, 25), time(1, 30), "2026-10-25T00:30:00"),  # the first of two
    ("Australia/Lord_Howe", date(2026, 10, 4), time(2, 10), "2026-10-03T15:30:00"),  # leaps by half an hour
    ("Australia/Lord_Howe", date(2026, 4, 5), time(1, 45), "2026-04-04T14:45:00"),
    ("America/Havana", date(2025, 11, 2), time(0, 5), "2025-11-02T04:05:00"),  # midnight hour shown twice
    ("Africa/Casablanca", date(2026, 2, 15), time(2, 30), "2026-02-15T01:30:00"),
    ("Pacific/Apia", date(2011, 12, 30), time(0), "2011-12-30T10:00:00"),  # a day that never was
    ("Pacific/Apia", date(2011, 12, 31), time(0), "2011-12-30T10:00:00"),
    ("Pacific/Apia", date(2011, 12, 30), time(9, 5), "2011-12-30T10:00:00"),
]
ZONES = [
    "Africa/Nairobi", "Africa/Cairo", "Africa/Casablanca", "Europe/London", "America/Santiago", "Australia/Lord_Howe",
    "Asia/Kathmandu", "Pacific/Apia", "America/Havana", "America/St_Johns", "Asia/Gaza", "Atlantic/Azores",
]  # fmt: skip


@pytest.mark.parametrize(("zone", "day", "at", "instant"), KNOWN)
def test_a_moment_is_the_first_instant_of_its_day_and_time(zone: str, day: date, at: time, instant: str) -> None:
    assert moment(day, at, ZoneInfo(zone)) == datetime.fromisoformat(instant).replace(tzinfo=UTC)


def by_looking(day: date, at: time, zone: ZoneInfo) -> datetime:
    """The first minute at which a clock on the wall shows it or more, found by looking at every minute."""
    look = datetime.combine(day, time(0), tzinfo=UTC) - timedelta(hours=15)
    wanted = datetime.combine(day, at)
    while look.astimezone(zone).replace(tzinfo=None) < wanted:
        look += timedelta(minutes=1)
    return look


@pytest.mark.parametrize("name", ZONES)
def test_a_clock_on_the_wall_agrees_on_every_day_the_clocks_change(name: str) -> None:
    years = range(2011, 2013) if name == "Pacific/Apia" else range(2023, 2026)
    zone, day, seen = ZoneInfo(name), date(years.start, 1, 1), 0
    while day < date(years.stop, 1, 1):
        noon = datetime.combine(day, time(12), tzinfo=zone)
        if noon.utcoffset() != (noon - timedelta(days=1)).utcoffset():
            for about in (day - timedelta(days=1), day):
                for at in (time(0), time(0, 5), time(9, 5)):
                    assert moment(about, at, zone) == by_looking(about, at, zone), (about, at)
            seen += 1
        day += timedelta(days=1)
    assert seen or name in ("Africa/Nairobi", "Asia/Kathmandu")


@pytest.mark.parametrize("name", ZONES)
def test_days_follow_each_other_without_a_gap(name: str) -> None:
    zone, day = ZoneInfo(name), date(2010, 1, 1)
    begins = midnight(day, zone)
    while day < date(2028, 1, 1):
        following = midnight(day + timedelta(days=1), zone)
        hours = (following - begins).total_seconds() / 3600
        assert 22.5 <= hours <= 25.5 or (name, day) == ("Pacific/Apia", date(2011, 12, 30))
        if hours:
            assert day_at(begins, zone) == day
        begins, day = following, day + timedelta(days=1)


def test_every_day_of_four_years_is_in_the_one_period_of_its_billing_day() -> None:
    for billing_day in range(1, 32):
        day, ends = date(2027, 1, 1), None
        while day < date(2031, 3, 2):
            first, end = period_start(day, billing_day), period_end(day, billing_day)
            assert first <= day < end
            assert 28 <= (end - first).days <= 31
            assert period_start(first, billing_day) == first
            assert period_end(end - timedelta(days=1), billing_day) == end
            if ends and ends != end:
                assert first == ends
            ends, day = end, day + timedelta(days=1)


def test_a_billing_day_comes_back_after_short_months() -> None:
    firsts, day = [], date(2028, 1, 31)
    for _ in range(5):
        firsts.append(day)
        day = period_end(day, 31)
    assert firsts == [date(2028, 1, 31), date(2028, 2, 29), date(2028, 3, 31), date(2028, 4, 30), date(2028, 5, 31)]
    assert period_end(date(2027, 1, 31), 30) == date(2027, 2, 28)
    assert period_end(date(2027, 2, 28), 30) == date(2027, 3, 30)


def test_a_share_is_by_the_day_and_in_whole_shillings() -> None:
    assert share(150_000, date(2026, 11, 1), date(2026, 12, 1), 1) == 150_000
    assert share(150_000, date(2026, 11, 21), date(2026, 12, 1), 1) == 50_000
    assert share(150_000, date(2026, 10, 22), date(2026, 11, 1), 1) == 48_300  # 483.87, down
    assert share(150_000, date(2026, 11, 1), date(2026, 11, 1), 1) == 0
    with pytest.raises(ValueError, match="not within"):
        share(150_000, date(2026, 11, 20), date(2026, 12, 2), 1)


@given(
    st.integers(100, 10**7),
    st.integers(1, 31),
    st.dates(date(2020, 1, 1), date(2040, 1, 1)),
    st.integers(0, 31),
)
def test_parts_of_a_period_never_cost_more_than_the_whole(price: int, billing_day: int, day: date, days: int) -> None:
    first, end = period_start(day, billing_day), period_end(day, billing_day)
    middle = min(first + timedelta(days=days), end)
    parts = share(price, first, middle, billing_day) + share(price, middle, end, billing_day) if middle < end else price
    assert 0 <= price - parts <= 200 or parts == price
