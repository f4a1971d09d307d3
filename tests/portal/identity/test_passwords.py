"""Passwords that everybody tries first, and that hashing cannot eat the machine."""

import asyncio

import pytest

from portal import passwords
from portal.errors import Invalid, Unavailable

ABOUT = ("amina@kilimani.test", "Amina Wanjiru", "Kilimani Corner")


@pytest.mark.parametrize(
    "password",
    [
        "password",
        "PASSWORD",
        "password1",
        "12345678",
        "iloveyou",
        "aaaaaaaa",
        "Safaricom2026",
        "vocha123!",
        "mikrotik1",
        "kilimani",
        "Wanjiru99",
        "amina@kilimani.test",
    ],
)
async def test_what_is_tried_first_is_no_password(password: str) -> None:
    with pytest.raises(Invalid):
        await passwords.hash_password(password, about=ABOUT)


@pytest.mark.parametrize("password", ["three blue umbrellas", "Kx7-pelican-soup", "hutajua nenosiri", "aminaandthesea"])
def test_three_words_are_one(password: str) -> None:
    assert not passwords.is_common(password, about=ABOUT)


def test_the_list_has_three_thousand_and_says_from_where() -> None:
    lines = (passwords._LIST).read_text(encoding="utf-8").splitlines()  # pyright: ignore[reportPrivateUsage]
    assert "MIT" in lines[0]
    assert len(set(lines[1:])) == 3000
    assert all(8 <= len(line) <= 64 and line == line.lower() for line in lines[1:])


async def test_a_flood_of_sign_ins_waits_in_a_short_row_and_the_rest_is_sent_away() -> None:
    answers = await asyncio.gather(*(passwords.is_right(None, "x") for _ in range(50)), return_exceptions=True)
    assert sum(isinstance(answer, Unavailable) for answer in answers) >= 5
    assert sum(answer is False for answer in answers) >= 40
