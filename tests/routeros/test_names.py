"""Which rows are ours."""

import pytest

from routeros.names import comment_for, grant_of, is_own_user, profile_name, user_name
from routeros.values import HotspotUser

NAME = "vocha-0123456789abcdef"


@pytest.mark.parametrize(
    ("name", "comment", "dynamic", "own"),
    [
        (NAME, "vocha:7", False, True),
        (NAME, "", False, False),
        (NAME, "for vocha:7", False, False),
        ("vocha-manager", "vocha:7", False, False),
        ("vocha-0123456789ABCDEF", "vocha:7", False, False),
        (NAME + "0", "vocha:7", False, False),
        (NAME + "\n", "vocha:7", False, False),
        ("Vocha-0123456789abcdef", "vocha:7", False, False),
        (NAME, "vocha:7", True, False),
    ],
)
def test_a_row_is_ours_by_name_and_comment_only(name: str, comment: str, dynamic: bool, own: bool) -> None:
    user = HotspotUser(name=name, comment=comment, is_dynamic=dynamic)
    assert is_own_user(user) is own
    assert grant_of(user) == ("7" if own else None)


def test_user_names_are_made_of_sixteen_hex_digits() -> None:
    assert user_name("0123456789abcdef") == NAME
    assert comment_for("7") == "vocha:7"
    for token in ("", "xyz", "0123456789ABCDEF", "0123456789abcdef0"):
        with pytest.raises(ValueError):
            user_name(token)


def test_equal_terms_share_a_profile_and_other_terms_do_not() -> None:
    assert profile_name("512k/1M", 2) == profile_name("512000/1000k", 2) == "vocha-512k-1m-x2"
    assert profile_name("", None) == "vocha-full-xany"
    names = {profile_name(rate, shared) for rate in ("1M/2M", "2M/1M", "1M/2M 3M/4M", "") for shared in (1, 2, None)}
    assert len(names) == 12
