"""A trap becomes the class that says what to do about it."""

import pytest

from routeros import errors


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("failure: already have user with this name for this server", errors.AlreadyExists),
        ("no such item (4)", errors.NoSuchItem),
        ("not enough permissions (9)", errors.NotPermitted),
        ("failure: not allowed by device-mode", errors.NotPermitted),
        ("unknown host IP", errors.HostUnknown),
        ("wrong MAC provided", errors.WrongMac),
        ("user x is not allowed to log in from this MAC address", errors.WrongMac),
        ("invalid username or password", errors.BadCredentials),
        ("user vocha-1 not found", errors.BadCredentials),
        ("no more sessions are allowed for user x", errors.TooManySessions),
        ("simultaneous session limit reached", errors.TooManySessions),
        ("user x has reached uptime limit", errors.LimitReached),
        ("user x has reached traffic limit", errors.LimitReached),
        ("input does not match any value of profile", errors.BadArgument),
        ("unknown parameter", errors.BadArgument),
        ("missing value(s) of argument(s) name", errors.BadArgument),
        ("no such command prefix", errors.BadArgument),
        ("something new in RouterOS 9", errors.Refused),
    ],
)
def test_each_text_has_its_class(text: str, kind: type[errors.Refused]) -> None:
    error = errors.refusal(text)
    assert type(error) is kind
    assert error.text == text


@pytest.mark.parametrize(("category", "kind"), [(0, errors.BadArgument), (1, errors.BadArgument), (4, errors.Refused)])
def test_an_unknown_text_is_judged_by_its_category(category: int, kind: type[errors.Refused]) -> None:
    error = errors.refusal("???", category=category)
    assert type(error) is kind
    assert error.category == category


def test_what_waiting_may_cure_is_not_permanent() -> None:
    waiting = (errors.Unreachable, errors.BadReply, errors.HostUnknown, errors.TooManySessions, errors.Refused)
    final = (errors.AuthFailed, errors.WrongCertificate, errors.AlreadyExists, errors.NotPermitted, errors.WrongMac)
    assert not any(kind("x").permanent for kind in waiting)
    assert all(kind("x").permanent for kind in final)
