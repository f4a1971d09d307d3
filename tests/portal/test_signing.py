from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.signing import Expired, Forged, Signer

OLD, NEW = ("2025", b"o" * 32), ("2026", b"n" * 32)
SIGNER = Signer([NEW, OLD])
NOW = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)
HOUR = timedelta(hours=1)
PAYLOADS = st.dictionaries(
    st.text(max_size=8), st.text(max_size=30) | st.integers(-(2**53), 2**53) | st.none(), max_size=6
)


def test_a_captive_state_is_short_enough_for_a_link():
    state = {"r": 12, "m": "AA:BB:CC:DD:EE:FF", "i": "10.5.50.17", "o": "http://neverssl.com/"}
    assert len(SIGNER.sign("captive", state, now=NOW)) <= 150


@given(PAYLOADS)
def test_what_was_signed_is_read_back(payload: dict[str, str | int | None]):
    token = SIGNER.sign("captive", payload, now=NOW)
    assert SIGNER.read("captive", token, max_age=HOUR, now=NOW) == payload
    assert all(char.isascii() and (char.isalnum() or char in "-_") for char in token)


@given(st.data())
def test_any_altered_character_is_forged(data: st.DataObject):
    token = SIGNER.sign("captive", {"r": 12}, now=NOW)
    place = data.draw(st.integers(0, len(token) - 1))
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    other = data.draw(st.sampled_from([char for char in alphabet if char != token[place]]))
    with pytest.raises(Forged):
        SIGNER.read("captive", token[:place] + other + token[place + 1 :], max_age=HOUR, now=NOW)


@given(st.text(max_size=200))
def test_garbage_is_forged(garbage: str):
    with pytest.raises(Forged):
        SIGNER.read("captive", garbage, max_age=HOUR, now=NOW)


def test_a_token_has_one_spelling_only():
    token = SIGNER.sign("captive", {"r": 12}, now=NOW)
    for other in (token + "=", token + "\n", " " + token, token + "A", token * 200):
        with pytest.raises(Forged):
            SIGNER.read("captive", other, max_age=HOUR, now=NOW)


def test_a_token_for_one_purpose_does_not_pass_for_another():
    token = SIGNER.sign("captive", {"r": 12}, now=NOW)
    with pytest.raises(Forged):
        SIGNER.read("reset-password", token, max_age=HOUR, now=NOW)


def test_a_token_ends_with_its_time():
    token = SIGNER.sign("captive", {"r": 12}, now=NOW)
    assert SIGNER.read("captive", token, max_age=HOUR, now=NOW + HOUR)
    with pytest.raises(Expired):
        SIGNER.read("captive", token, max_age=HOUR, now=NOW + HOUR + timedelta(seconds=1))


def test_a_token_far_from_the_future_is_not_taken():
    token = SIGNER.sign("captive", {"r": 12}, now=NOW)
    assert SIGNER.read("captive", token, max_age=HOUR, now=NOW - timedelta(minutes=5))
    with pytest.raises(Expired):
        SIGNER.read("captive", token, max_age=HOUR, now=NOW - timedelta(minutes=6))


def test_links_made_before_a_key_rotation_still_work_until_the_key_is_dropped():
    token = Signer([OLD]).sign("captive", {"r": 12}, now=NOW)
    assert SIGNER.read("captive", token, max_age=HOUR, now=NOW) == {"r": 12}
    with pytest.raises(Forged):
        Signer([NEW]).read("captive", token, max_age=HOUR, now=NOW)


def test_a_payload_too_long_for_a_link_is_a_bug():
    with pytest.raises(ValueError):
        SIGNER.sign("captive", {"o": "x" * 4000}, now=NOW)


@pytest.mark.parametrize("keys", [[], [("a", b"short")]])
def test_a_signer_without_proper_keys_is_not_built(keys: list[tuple[str, bytes]]):
    with pytest.raises(ValueError):
        Signer(keys)
