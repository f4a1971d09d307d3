"""What terms mean on the router and on the clock: bursts, user profiles, hours of use."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.desired import profile_of, rate_of
from portal.terms import Terms, decode_terms
from routeros.names import is_own_profile_name
from routeros.simulator.rates import queue_values
from routeros.values import UserProfile, profile_changes

HOUR = 3600
NIGHT = Terms(
    name="Night",
    duration_s=8 * HOUR,
    use_from_min=22 * 60,
    use_until_min=6 * 60,
    zone="Africa/Nairobi",
    rate_down_kbps=4000,
)
EVENING = datetime(2026, 11, 20, 23, tzinfo=ZoneInfo("Africa/Nairobi"))


def test_a_burst_is_written_as_routers_read_it() -> None:
    terms = Terms(
        name="Fast", duration_s=HOUR, rate_down_kbps=5000, rate_up_kbps=2000, burst_down_kbps=10_000, burst_up_kbps=4000,
        threshold_down_kbps=4000, threshold_up_kbps=1500, burst_time_s=16,
    )  # fmt: skip
    assert rate_of(terms) == "2000k/5000k 4000k/10000k 1500k/4000k 16/16"
    assert queue_values(rate_of(terms)) == {
        "max-limit": "2000000/5000000", "burst-limit": "4000000/10000000", "burst-threshold": "1500000/4000000",
        "burst-time": "16s/16s",
    }  # fmt: skip


def test_what_is_not_said_of_a_burst_is_filled_in() -> None:
    terms = Terms(name="Fast", duration_s=HOUR, rate_down_kbps=5000, burst_down_kbps=10_000)
    assert rate_of(terms) == "5000k/5000k 5000k/10000k 5000k/5000k 8/8"
    assert rate_of(Terms(name="Line", duration_s=HOUR)) == ""


@pytest.mark.parametrize(
    "spelled",
    [
        "2M/5M 4M/10M 1500k/4M 16/16",
        "2000k/5000k 4000k/10000k 1500k/4000k 16s/16s",
        "2M/5M 4M/10M 1500k/4M 00:00:16/16",
    ],
)
def test_another_spelling_of_the_same_burst_is_no_drift(spelled: str) -> None:
    wanted = UserProfile("vocha-x", rate_limit="2000k/5000k 4000k/10000k 1500k/4000k 16/16")
    assert profile_changes(UserProfile("vocha-x", rate_limit=spelled), wanted) == {}


@pytest.mark.parametrize("other", ["2M/5M", "2M/5M 4M/9M 1500k/4M 16/16", "2M/5M 4M/10M 1500k/4M 8/8", "2M/5M x"])
def test_another_burst_is_drift(other: str) -> None:
    wanted = UserProfile("vocha-x", rate_limit="2M/5M 4M/10M 1500k/4M 16/16")
    assert profile_changes(UserProfile("vocha-x", rate_limit=other), wanted) == {"rate_limit": wanted.rate_limit}


speeds = st.integers(1, 10_000_000)


@given(
    speeds, speeds, st.integers(1, 10_000_000), speeds, st.integers(1, 600), st.integers(1, 100), st.text(max_size=60)
)
def test_every_package_has_a_profile_name_a_router_takes(
    down: int, up: int, more: int, threshold: int, seconds: int, devices: int, name: str
) -> None:
    terms = Terms(
        name=name, duration_s=HOUR, rate_down_kbps=down, rate_up_kbps=up, burst_down_kbps=down + more,
        burst_up_kbps=up + more, threshold_down_kbps=threshold, burst_time_s=seconds, devices=devices,
    )  # fmt: skip
    profile = profile_of(terms)
    assert is_own_profile_name(profile.name)
    assert len(profile.name) <= 64
    assert profile_of(decode_terms(terms.encode())) == profile


def test_packages_with_other_bursts_have_other_profiles() -> None:
    plain = Terms(name="A", duration_s=HOUR, rate_down_kbps=5000)
    burst = Terms(name="A", duration_s=HOUR, rate_down_kbps=5000, burst_down_kbps=9000)
    longer = Terms(name="B", duration_s=HOUR, rate_down_kbps=5000, burst_down_kbps=9000, burst_time_s=30)
    assert len({profile_of(terms).name for terms in (plain, burst, longer)}) == 3


def test_a_night_pass_ends_with_the_night() -> None:
    assert NIGHT.usage_deadline(paid_at=EVENING, started_at=EVENING) == EVENING + timedelta(hours=7)
    early = EVENING - timedelta(hours=1)
    assert NIGHT.usage_deadline(paid_at=early, started_at=early) == early + timedelta(hours=8)


def test_what_began_outside_its_hours_has_its_whole_time() -> None:
    morning = EVENING + timedelta(hours=10)
    assert not NIGHT.works_at(morning)
    assert NIGHT.usage_deadline(paid_at=morning, started_at=morning) == morning + timedelta(hours=8)


def test_terms_without_the_new_words_read_as_they_did() -> None:
    old = decode_terms('{"name":"1 hour","duration_s":3600,"rate_down_kbps":5000}')
    assert old.use_hours.is_always
    assert old.works_at(EVENING)
    assert old.encode() == '{"name":"1 hour","duration_s":3600,"rate_down_kbps":5000}'
    assert profile_of(old).name == "vocha-5m-5m-x1"
