"""The strip of the last 24 hours: each half hour in the worst state it saw."""

from datetime import UTC, datetime, timedelta

from portal.routers.looks import PIECES, strip

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
LONG_AGO = NOW - timedelta(days=30)


def ago(**by: float) -> datetime:
    return NOW - timedelta(**by)


def test_a_router_without_moves_shows_its_state_all_day() -> None:
    for status, tone in (("online", "ok"), ("late", "warn"), ("offline", "bad"), ("paused", "off"), ("new", "none")):
        assert strip([], status=status, born_at=LONG_AGO, now=NOW) == [tone] * PIECES


def test_before_it_was_added_there_is_no_data() -> None:
    tones = strip([], status="online", born_at=ago(hours=1), now=NOW)
    assert tones == ["none"] * 46 + ["ok"] * 2


def test_a_minute_offline_colours_its_half_hour_only() -> None:
    moves = [(ago(hours=6, minutes=-10), "online", "offline"), (ago(hours=6, minutes=-11), "offline", "online")]
    tones = strip(moves, status="online", born_at=LONG_AGO, now=NOW)
    assert [place for place, tone in enumerate(tones) if tone != "ok"] == [36]
    assert tones[36] == "bad"


def test_an_outage_over_midnight_of_the_strip_reaches_back_to_its_edge() -> None:
    moves = [(ago(hours=23), "offline", "online")]
    tones = strip(moves, status="online", born_at=LONG_AGO, now=NOW)
    assert tones[:3] == ["bad", "bad", "bad"]
    assert set(tones[3:]) == {"ok"}


def test_the_worst_state_of_a_piece_wins() -> None:
    moves = [
        (ago(minutes=25), "online", "late"), (ago(minutes=20), "late", "offline"), (ago(minutes=10), "offline", "online"),
    ]  # fmt: skip
    assert strip(moves, status="online", born_at=LONG_AGO, now=NOW)[-1] == "bad"
    assert strip(moves[:1], status="late", born_at=LONG_AGO, now=NOW)[-1] == "warn"
