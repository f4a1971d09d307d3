"""Codes people read and type, and the secrets nobody types. Pure; uniqueness is the database's business.

Voucher code: secret, typed in the portal only. Payment reference: public, shown by M-Pesa, typed at the paybill.
Both use 31 characters without look-alikes and end in a check character (weighted sum modulo 31, a prime), which finds
every single wrong character and every swap of two.
"""

import hashlib
import hmac
import secrets
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import pairwise, product

from portal.msgid import N_

#: Digits and capitals without 0 O 1 I L.
ALPHABET = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
#: A code is meant to meet at most 0.01 lucky guesses per merchant and year; a router lets 60 tries a minute through.
GUESSES_PER_ROUTER_YEAR = 31_500_000
SHORTEST_CODE = 10
LONGEST_CODE = 16
REFERENCE_LENGTH = 8
#: Public letters before a code. One letter would often stand at the beginning of another code by chance.
SHORTEST_PREFIX, LONGEST_PREFIX = 2, 6

_VALUES = {char: value for value, char in enumerate(ALPHABET)}
# What an eye may have taken for a character that is never printed.
_LOOK_ALIKES = {"0": "DQ", "O": "DQ", "1": "7JT", "I": "7JT", "L": "7JT"}
_MOST_LOOK_ALIKES = 2
_SAME_TO_THE_EYE = str.maketrans("OIL", "011")
_MAX_TYPED = 64

# Tables for bytes.translate, which works on many codes at once.
_BASE = len(ALPHABET)
_UNFAIR = bytes(range(256 - 256 % _BASE, 256))
_MODULO = bytes(value % _BASE for value in range(256))
_LETTERS = bytes(ord(ALPHABET[value % _BASE]) for value in range(256))
_CHECKS = bytes(ord(ALPHABET[-value % _BASE]) for value in range(256))
_TIMES = [bytes(value * weight % _BASE for value in range(256)) for weight in range(LONGEST_CODE + 1)]

Choose = Callable[[str], str]


class CodeError(ValueError):
    """Not a code of ours: wrong length, character or check. The text is a catalogue sentence for people."""


def code_length(active_codes: int, routers: int = 1) -> int:
    """Length to print, check character included, so that guessing stays hopeless with this many live codes.

    `active_codes` are the merchant's, the batch about to be made included. The check character adds no secrecy
    (a guesser computes it too), hence: 31 ** (length - 1) ≥ 100 × guesses per router and year × routers × active codes.
    ValueError beyond 16 characters (about 10 ** 12 codes times routers), rather than a code that is too easy.
    """
    needed = 100 * GUESSES_PER_ROUTER_YEAR * max(routers, 1) * max(active_codes, 1)
    length = SHORTEST_CODE
    while len(ALPHABET) ** (length - 1) < needed:
        length += 1
    if length > LONGEST_CODE:
        raise ValueError(f"no code of {LONGEST_CODE} characters is safe among {active_codes} on {routers} routers")
    return length


def voucher_code(length: int = SHORTEST_CODE, *, choose: Choose = secrets.choice) -> str:
    """A new secret code in canonical form: capitals, no dashes, the last one the check character."""
    if not SHORTEST_CODE <= length <= LONGEST_CODE:
        raise ValueError(f"a voucher code has {SHORTEST_CODE} to {LONGEST_CODE} characters, not {length}")
    return _checked(length, choose)


def payment_reference(*, choose: Choose = secrets.choice) -> str:
    """A new public reference, 8 of [A-Z0-9] with a check character: M-Pesa's AccountReference holds 12 at most.

    One in 27 milliard by chance meets another: store it under a unique key and draw again on a collision.
    """
    return _checked(REFERENCE_LENGTH, choose)


def voucher_codes(count: int, length: int = SHORTEST_CODE) -> list[str]:
    """Many new codes at once, as `voucher_code` makes one: one draw of random bytes, and sums for all of them together."""
    if not SHORTEST_CODE <= length <= LONGEST_CODE:
        raise ValueError(f"a voucher code has {SHORTEST_CODE} to {LONGEST_CODE} characters, not {length}")
    return _many(count, length)


def payment_references(count: int) -> list[str]:
    """Many new public references at once."""
    return _many(count, REFERENCE_LENGTH)


def _many(count: int, length: int) -> list[str]:
    body = length - 1
    values = _random_values(count * body)
    weighted = [values[place::body].translate(_TIMES[body + 1 - place]) for place in range(body)]
    checks = _sums(weighted, count).translate(_CHECKS).decode()
    letters = values.translate(_LETTERS).decode()
    return [letters[n * body : (n + 1) * body] + checks[n] for n in range(count)]


def _random_values(count: int) -> bytes:
    """Numbers below 31, each as likely as the other: of a random byte the values 0 to 247 count, which are 8 times 31."""
    values = b""
    while len(values) < count:
        missing = count - len(values)
        values += secrets.token_bytes(missing + missing // 25 + 16).translate(_MODULO, _UNFAIR)
    return values[:count]


def _sums(columns: Sequence[bytes], count: int) -> bytes:
    """Add columns of numbers below 31 modulo 31, a number per byte: as one long integer each, which eight of fill no byte to the brim."""
    total = 0
    for start in range(0, len(columns), 7):
        for column in columns[start : start + 7]:
            total += int.from_bytes(column, "little")
        total = int.from_bytes(total.to_bytes(count, "little").translate(_MODULO), "little")
    return total.to_bytes(count, "little")


def _checked(length: int, choose: Choose) -> str:
    body = "".join(choose(ALPHABET) for _ in range(length - 1))
    return body + ALPHABET[-_weighted_sum(body + ALPHABET[0]) % len(ALPHABET)]


def _weighted_sum(code: str) -> int:
    """Weights 1, 2, 3… from the right: distinct and never zero modulo 31 up to 30 characters."""
    return sum(weight * _VALUES[char] for weight, char in enumerate(reversed(code), start=1))


def is_well_formed(code: str) -> bool:
    """Whether a canonical code has only our characters and a true check character."""
    return bool(code) and all(char in _VALUES for char in code) and _weighted_sum(code) % len(ALPHABET) == 0


def print_code(code: str, *, prefix: str = "") -> str:
    """For paper and screens, in even groups of at most five: "K7QM2-XWP4H", "K7QM-2XWP-4HT"; after its prefix: "MKT-K7QM2-XWP4H"."""
    if prefix:
        return f"{prefix}-{print_code(code)}"
    groups = -(-len(code) // 5)
    size, larger = divmod(len(code), max(groups, 1))
    ends = [0]
    for index in range(groups):
        ends.append(ends[-1] + size + (1 if index < larger else 0))
    return "-".join(code[start:end] for start, end in pairwise(ends))


def fold_code(typed: str) -> str:
    """Canonical form of a typed voucher code, or CodeError.

    Case, spaces, dashes and full-width letters do not matter. A 0, O, 1, I or L was never printed: where the check
    character leaves exactly one reading (at most two such places), it is taken.
    """
    return _fold(typed, range(SHORTEST_CODE, LONGEST_CODE + 1))


def fold_prefixed(typed: str, prefixes: Iterable[str]) -> str:
    """The same for a code that may have been typed with the public letters printed before it. One reading only, so that a guess
    stays one guess: without the longest prefix it begins with if that leaves a code, else as a whole."""
    plain = _plain(typed)
    if len(plain) >= SHORTEST_CODE + SHORTEST_PREFIX:
        for prefix in sorted(prefixes, key=len, reverse=True):
            if _loose(plain).startswith(_loose(prefix)):
                try:
                    return fold_code(plain[len(prefix) :])
                except CodeError:
                    continue
    return fold_code(typed)


def fold_prefix(typed: str) -> str:
    """A prefix as it is kept and printed: capitals and digits. CodeError: too short, too long, or anything else in it."""
    plain = _plain(typed)
    if not typed.strip():
        return ""
    if not SHORTEST_PREFIX <= len(plain) <= LONGEST_PREFIX or not plain.isascii() or plain != typed.strip().upper():
        raise CodeError(N_("A prefix has 2 to 6 letters or digits, for example MKT."))
    return plain


def _loose(text: str) -> str:
    return text.translate(_SAME_TO_THE_EYE)


def fold_reference(typed: str) -> str:
    """Canonical form of a payment reference typed by hand, or CodeError; as forgiving as `fold_code`."""
    return _fold(typed, range(REFERENCE_LENGTH, REFERENCE_LENGTH + 1))


def _fold(typed: str, lengths: range) -> str:
    plain = _plain(typed)
    if len(plain) < lengths.start:
        raise CodeError(N_("This code is too short. Check it and type it again."))
    if len(plain) >= lengths.stop:
        raise CodeError(N_("This code is too long. Check it and type it again."))
    meant = [code for code in readings(plain) if is_well_formed(code)]
    if len(meant) != 1:
        raise CodeError(N_("There is a mistake in this code. Check it and type it again."))
    return meant[0]


def _plain(typed: str) -> str:
    """Capitals and digits of what was typed; CodeError for what is much too long to be anything."""
    if len(typed) > _MAX_TYPED:
        raise CodeError(N_("This code is too long. Check it and type it again."))
    wide = unicodedata.normalize("NFKC", typed).upper()
    return "".join(char for char in wide if char.isalnum())


def readings(plain: str) -> Iterator[str]:
    """What the eye may have read: every look-alike in `plain` (capitals and digits) replaced by what may have been printed.
    Nothing when there are more than two; the check character is not looked at."""
    doubtful = sum(char in _LOOK_ALIKES for char in plain)
    if doubtful > _MOST_LOOK_ALIKES:
        return
    yield from map("".join, product(*(_LOOK_ALIKES.get(char, char) for char in plain)))


def hex_token(size: int = 16) -> str:
    """An unguessable token of `size` random bytes in lower-case hex: callback addresses, router users and passwords."""
    return secrets.token_hex(size)


def lookup_hash(key: bytes, code: str) -> bytes:
    """HMAC-SHA256 (32 bytes) by which a canonical code is found without being stored readable.

    The use is mixed into the key, so the same secret may serve other purposes; after a key rotation look up under each.
    """
    return hmac.digest(_lookup_key(key), code.encode(), hashlib.sha256)


def lookup_hashes(key: bytes, codes: Iterable[str]) -> list[bytes]:
    """The same for many: the key is set up once, and copied for each."""
    fresh = hmac.new(_lookup_key(key), digestmod=hashlib.sha256)
    hashes: list[bytes] = []
    for code in codes:
        one = fresh.copy()
        one.update(code.encode())
        hashes.append(one.digest())
    return hashes


def _lookup_key(key: bytes) -> bytes:
    return hmac.digest(key, b"vocha voucher lookup 1", hashlib.sha256)
