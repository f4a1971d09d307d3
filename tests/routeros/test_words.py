"""Words mean what their field says, both ways."""

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routeros import words
from routeros.words import RateLimit, Row

SENDABLE = st.text(st.characters(exclude_categories=["Cs", "Cc"]))


@settings(deadline=None)
@given(st.integers(0, 10**9))
def test_any_duration_survives_the_round_trip(seconds: int) -> None:
    assert words.read_duration(words.write_duration(seconds)) == seconds


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1w2d3h4m5s", 788645),
        ("05:00:00", 18000),
        ("1d 02:00:00", 93600),
        ("1d02:00:00", 93600),
        ("1w00:00:01", 604801),
        ("00:05", 300),
        ("0s", 0),
        ("300", 300),
        ("90m", 5400),
        ("1s500ms", 1),
        ("20ms", 0),
        ("none", None),
    ],
)
def test_every_spelling_of_a_duration_is_read(text: str, seconds: int | None) -> None:
    assert words.read_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "5 parsecs", "1h2w", "-5s", "1:2:3:4", "٣h", "3d 4", "9" * 5000, "00:99:00"])
def test_what_is_not_a_duration_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="duration"):
        words.read_duration(text)


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0s"), (None, "none"), (788645, "1w2d3h4m5s"), (3600, "1h"), (60, "1m")]
)
def test_durations_are_written_as_routeros_prints_them(seconds: int | None, text: str) -> None:
    assert words.write_duration(seconds) == text


def test_a_negative_duration_or_number_is_never_sent() -> None:
    with pytest.raises(ValueError, match="negative"):
        words.write_duration(-1)
    with pytest.raises(ValueError, match="negative"):
        words.write_number(-1)


@settings(deadline=None)
@given(st.integers(0, 10**19))
def test_any_number_of_bytes_survives_the_round_trip(number: int) -> None:
    assert words.read_number(words.write_number(number)) == number


@pytest.mark.parametrize("text", ["", "1.5", "-1", "1k", "٣", "1e3", " 1"])
def test_what_is_not_a_number_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="number"):
        words.read_number(text)


def test_flags_are_read_in_both_spellings_and_nothing_else() -> None:
    assert [words.read_flag(each) for each in ("true", "yes", "false", "no")] == [True, True, False, False]
    assert words.write_flag(True) == "yes"
    assert words.write_flag(False) == "no"
    with pytest.raises(ValueError, match="neither"):
        words.read_flag("on")


@pytest.mark.parametrize(
    "text", ["no", "yes", "true", "false", "00123", "123456", "ũ", "none", "0s", "1h", "*1", "a=b="]
)
def test_text_that_looks_like_something_else_stays_text(text: str) -> None:
    row = Row({"name": text})
    assert row.text("name") == text
    assert words.attribute("name", text) == f"=name={text}"


@settings(deadline=None)
@given(SENDABLE)
def test_sendable_text_is_sent_unchanged(text: str) -> None:
    assert words.attribute("comment", text).removeprefix("=comment=") == text


@pytest.mark.parametrize("text", ["a\x00b", "a\r\nb", "\n", "\x7f", "\ud800"])
def test_control_characters_are_never_sent(text: str) -> None:
    with pytest.raises(ValueError, match="cannot be sent"):
        words.attribute("comment", text)
    with pytest.raises(ValueError, match="cannot be sent"):
        words.any_of("name", [text])


def test_nul_from_a_router_is_replaced_because_the_database_cannot_hold_it() -> None:
    assert Row({"name": "a\x00b"}).text("name") == "a\ufffdb"


@settings(deadline=None)
@given(st.integers(0, 10**12), st.integers(0, 10**12), st.sampled_from(["", "1M/2M 512k/1M 8/8", "2M/2M"]))
def test_any_rate_limit_survives_the_round_trip(up: int, down: int, burst: str) -> None:
    rate = RateLimit(up, down, burst)
    assert words.read_rate_limit(words.write_rate_limit(rate)) == rate


def test_the_first_rate_is_what_the_phone_sends() -> None:
    assert words.read_rate_limit("512k/1M") == RateLimit(up=512_000, down=1_000_000)
    assert words.read_rate_limit("2M") == RateLimit(up=2_000_000, down=2_000_000)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("512k/1M", "512000/1000k", True),
        ("2M", "2M/2M", True),
        ("", "", True),
        ("", "1M/1M", False),
        ("1M/2M", "2M/1M", False),
        ("1M/1M 2M/2M", "1M/1M", False),
        ("odd", "odd", True),
        ("odd", "1M/1M", False),
    ],
)
def test_rate_limits_are_compared_by_meaning(one: str, other: str, same: bool) -> None:
    assert words.same_rate_limit(one, other) is same


@pytest.mark.parametrize(
    ("day", "clock", "offset", "moment"),
    [
        ("2026-07-16", "03:00:00", "+03:00", datetime(2026, 7, 16, tzinfo=UTC)),
        ("jul/16/2026", "00:00:00", "+00:00", datetime(2026, 7, 16, tzinfo=UTC)),
        ("1970-01-02", "00:00:10", "-01:30", datetime(1970, 1, 2, 1, 30, 10, tzinfo=UTC)),
    ],
)
def test_the_router_clock_is_read_in_both_date_formats(day: str, clock: str, offset: str, moment: datetime) -> None:
    assert words.read_moment(day, clock, offset) == moment


@pytest.mark.parametrize(
    ("day", "clock", "offset"),
    [
        ("0001-01-01", "00:00:00", "+03:00"),
        ("yesterday", "00:00:00", "+00:00"),
        ("foo/16/2026", "00:00:00", "+00:00"),
        ("2026-07-16", "25:00:00", "+00:00"),
        ("2026-07-16", "00:00:00", "EAT"),
        ("2026-07-16", "00:00:00", "+99:00"),
    ],
)
def test_an_impossible_router_clock_is_a_value_error(day: str, clock: str, offset: str) -> None:
    with pytest.raises(ValueError):
        words.read_moment(day, clock, offset)


def test_names_are_asked_for_with_or_between_them() -> None:
    assert words.any_of("name", ["a", "b", "c"]) == ("?=name=a", "?=name=b", "?=name=c", "?#|", "?#|")
    assert words.any_of("name", ["a"]) == ("?=name=a",)


def test_a_missing_word_is_the_default_and_a_required_one_is_an_error() -> None:
    row = Row({})
    assert (row.text("a", "b"), row.number("a"), row.seconds("a"), row.flag("a")) == ("b", 0, 0, False)
    assert (row.duration("a"), row.limit("a"), row.hidden_text("a"), row.mac("a")) == (None, None, None, "")
    with pytest.raises(ValueError, match="a is missing"):
        row.required("a")


def test_zero_limits_mean_no_limit_and_the_zero_mac_means_any() -> None:
    row = Row({"limit-bytes-total": "0", "mac-address": "00:00:00:00:00:00", "other": "aa:bb:cc:00:11:22"})
    assert row.limit("limit-bytes-total") is None
    assert row.mac("mac-address") == ""
    assert row.mac("other") == "AA:BB:CC:00:11:22"


def test_a_masked_password_counts_as_hidden() -> None:
    assert Row({"password": "*****"}).hidden_text("password") is None
    assert Row({"password": "no"}).hidden_text("password") == "no"
