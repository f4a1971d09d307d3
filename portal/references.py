"""Payment references as payers type them into M-Pesa: read forgivingly, never guessed beyond one slip. Pure.

M-Pesa lets 20 characters of anything through as an account number; what was printed is `portal.codes.payment_reference`."""

import unicodedata
from collections.abc import Iterator

from portal import codes

_LENGTH = codes.REFERENCE_LENGTH
_MAX_TYPED = 64


def readings(typed: str) -> list[str]:
    """Every reference that may have been meant without any slip: case, spaces, dashes and look-alikes do not matter, and words
    around it are passed over. Most often none or one; more are ambiguous."""
    found: dict[str, None] = {}
    for run in _runs(typed, _LENGTH, _LENGTH):
        try:
            found[codes.fold_reference(run)] = None
        except codes.CodeError:
            continue
    return list(found)


def near(typed: str) -> set[str]:
    """Every well-formed reference one slip away: a character wrong, missing, too many, or swapped with its neighbour."""
    found: set[str] = set()
    for run in _runs(typed, _LENGTH - 1, _LENGTH + 1):
        for meant in codes.readings(run):
            found.update(slip for slip in _slips(meant) if len(slip) == _LENGTH and codes.is_well_formed(slip))
    return found


def _runs(typed: str, shortest: int, longest: int) -> Iterator[str]:
    """Neighbouring words of what was typed that, joined, have a length between the two."""
    wide = unicodedata.normalize("NFKC", typed[:_MAX_TYPED]).upper()
    words = "".join(char if char.isalnum() else " " for char in wide).split()
    for first in range(len(words)):
        run = ""
        for word in words[first:]:
            run += word
            if shortest <= len(run) <= longest:
                yield run


def _slips(meant: str) -> Iterator[str]:
    for place in range(len(meant) + 1):
        before, after = meant[:place], meant[place:]
        for char in codes.ALPHABET:
            yield before + char + after
            yield before + char + after[1:]
        yield before + after[1:]
        if len(after) > 1:
            yield before + after[1] + after[0] + after[2:]
