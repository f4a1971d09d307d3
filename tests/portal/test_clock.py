from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from portal.clock import Clock

NAIROBI = ZoneInfo("Africa/Nairobi")


def test_production_clock_tells_real_time_in_utc():
    before, told, after = datetime.now(UTC), Clock().now(), datetime.now(UTC)
    assert before <= told <= after
    assert told.utcoffset() == timedelta(0)


def test_shifts_add_up():
    clock = Clock()
    clock.shift(timedelta(hours=1))
    clock.shift(timedelta(minutes=-10))
    assert clock.offset == timedelta(minutes=50)
    assert abs(clock.now() - datetime.now(UTC) - timedelta(minutes=50)) < timedelta(seconds=5)


def test_a_day_starts_at_the_shops_midnight():
    clock = Clock()
    just_before = datetime(2030, 5, 1, 20, 59, 30, tzinfo=UTC)
    clock.shift(just_before - clock.now())
    assert clock.today(NAIROBI).isoformat() == "2030-05-01"
    clock.shift(timedelta(minutes=1))
    assert clock.today(NAIROBI).isoformat() == "2030-05-02"
    assert clock.today(UTC).isoformat() == "2030-05-01"
