"""Codes made by other systems: how they are kept, how easy they are to guess, and how they are shown without being told. Pure.

RouterOS and PHPNuxBill tell capitals from small letters, so two cards may differ by that alone: a code is kept as it was written, and
found without regard to capitals where that leaves one."""

import unicodedata

from portal.codes import GUESSES_PER_ROUTER_YEAR

LONGEST = 64


def plain(text: str) -> str:
    """Letters and digits of a code as they were written; what stands between does not matter. "" when there is none."""
    return "".join(letter for letter in unicodedata.normalize("NFKC", text[: 4 * LONGEST]) if letter.isalnum())


def loose(text: str) -> str:
    """The form in which capitals do not matter."""
    return plain(text).casefold()


def kept(code: str) -> str:
    """What the hash of a code is taken of: never what one of ours is taken of, even if both read the same."""
    return f"imported:{plain(code)}"


def kept_loose(code: str) -> str:
    """The same without regard to capitals."""
    return f"imported-loose:{loose(code)}"


def is_weak(code: str, *, codes: int, routers: int) -> bool:
    """Whether guessing would not be hopeless with so many such codes at so many routers, by the rule of `portal.codes.code_length`.
    A code of digits only is one of ten to the power of its length; capitals do not count."""
    text = loose(code)
    letters = 10 if text.isdigit() else 26 if text.isalpha() else 36
    return letters ** len(text) < 100 * GUESSES_PER_ROUTER_YEAR * max(1, routers) * max(1, codes)


def hint(code: str) -> str:
    """ "ab••••": enough to find the card, too little to use it."""
    text = plain(code)
    shown = min(2, max(0, len(text) - 2))
    return text[:shown] + "•" * min(12, len(text) - shown)
