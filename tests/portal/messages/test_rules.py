"""Quiet hours, caps and STOP: who may be sent what, when. Pure."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from portal.gateways.interface import Why
from portal.messages.kinds import Told
from portal.messages.rules import URGENT_A_DAY, Candidate, Choices, Drop, Go, Wait, day_start, decide, is_quiet

NAIROBI, LONDON = ZoneInfo("Africa/Nairobi"), ZoneInfo("Europe/London")
NOON = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
NIGHT = datetime(2026, 11, 20, 20, 30, tzinfo=UTC)  # 23:30 in Nairobi


def one(**changes: object) -> Candidate:
    plain: dict[str, object] = {
        "kind": "reminder", "channel": "sms", "is_urgent": False, "ends_at": NOON + timedelta(days=3),
    }  # fmt: skip
    return Candidate(**(plain | changes))  # pyright: ignore[reportArgumentType]


def test_a_paid_code_goes_at_night_and_a_reminder_waits_for_the_morning() -> None:
    chosen = Choices()
    assert decide(one(is_urgent=True), chosen, zone=NAIROBI, now=NIGHT) == Go()
    assert decide(one(), chosen, zone=NAIROBI, now=NIGHT) == Wait(datetime(2026, 11, 21, 4, 0, tzinfo=UTC), Why.QUIET)
    assert decide(one(channel="email"), chosen, zone=NAIROBI, now=NIGHT) == Go()


def test_what_is_of_no_use_in_the_morning_is_not_sent_then() -> None:
    assert decide(one(ends_at=NIGHT + timedelta(hours=1)), Choices(), zone=NAIROBI, now=NIGHT) == Drop(Why.QUIET)
    assert decide(one(ends_at=NIGHT), Choices(), zone=NAIROBI, now=NIGHT) == Drop(Why.TOO_LATE)


def test_who_said_stop_hears_only_of_own_money() -> None:
    assert decide(one(is_stopped=True), Choices(), zone=NAIROBI, now=NOON) == Drop(Why.STOPPED)
    kept = one(is_stopped=True, kind=Told.VOUCHER_CODE.value, is_urgent=True)
    assert decide(kept, Choices(), zone=NAIROBI, now=NOON) == Go()


def test_caps_hold_ordinary_messages_and_stop_a_flood_of_urgent_ones() -> None:
    chosen = Choices(daily_cap=10, number_cap=2)
    assert decide(one(sent_today=9), chosen, zone=NAIROBI, now=NOON) == Go()
    full = decide(one(sent_today=10), chosen, zone=NAIROBI, now=NOON)
    assert full == Wait(datetime(2026, 11, 21, 4, 0, tzinfo=UTC), Why.CAP)
    assert decide(one(sent_today=10, is_urgent=True), chosen, zone=NAIROBI, now=NOON) == Go()
    assert decide(one(sent_to_number=2), chosen, zone=NAIROBI, now=NOON) == Drop(Why.CAP)
    flood = one(is_urgent=True, sent_to_number=URGENT_A_DAY)
    assert decide(flood, chosen, zone=NAIROBI, now=NOON) == Drop(Why.CAP)


@pytest.mark.parametrize(
    ("begins", "ends", "quiet"),
    [(21, 7, {21, 23, 0, 6}), (1, 5, {1, 4}), (0, 0, set[int]()), (13, 15, {13, 14})],
)
def test_quiet_hours_may_pass_midnight_or_not_be_at_all(begins: int, ends: int, quiet: set[int]) -> None:
    chosen = Choices(quiet_from=begins * 60, quiet_until=ends * 60)
    for hour in range(24):
        at = datetime(2026, 11, 20, hour, 0, tzinfo=NAIROBI)
        inside = begins <= hour < ends if begins <= ends else hour >= begins or hour < ends
        assert is_quiet(at, chosen, zone=NAIROBI) is inside
        assert hour not in quiet or inside


def test_the_morning_is_the_clock_on_the_walls_also_when_it_was_changed() -> None:
    night = datetime(2026, 3, 28, 22, 0, tzinfo=UTC)  # clocks go forward at 01:00 UTC
    assert decide(one(ends_at=night + timedelta(days=2)), Choices(), zone=LONDON, now=night) == Wait(
        datetime(2026, 3, 29, 6, 0, tzinfo=UTC), Why.QUIET
    )
    assert day_start(night, LONDON) == datetime(2026, 3, 28, 0, 0, tzinfo=UTC)
    assert day_start(NOON, NAIROBI) == datetime(2026, 11, 19, 21, 0, tzinfo=UTC)
