"""Payers told in full, masked or hashed: compared as a hint."""

import hashlib

import pytest

from portal import payers

PHONE = "254712345126"
HASHED = hashlib.sha256(PHONE.encode()).hexdigest()


@pytest.mark.parametrize(
    ("told", "hint", "agrees"),
    [
        (PHONE, "", True),
        ("254712345127", "2547 ***** 126", False),
        (None, "2547 ***** 126", True),
        (None, "25471****126", True),
        (None, "2547 ***** 127", False),
        (None, "25470****126", False),
        (None, HASHED, True),
        (None, HASHED.upper(), True),
        (None, "0" * 64, False),
        (None, "", None),
        (None, "   ", None),
        (None, "JANE", None),
        (None, "****", None),
        (None, PHONE, None),
    ],
)
def test_a_hint_agrees_or_not_or_says_nothing(told: str | None, hint: str, *, agrees: bool | None) -> None:
    assert payers.agrees(PHONE, told, hint) is agrees


def test_a_mask_never_stands_for_nothing() -> None:
    assert payers.agrees("2547126", None, "2547*126") is False
