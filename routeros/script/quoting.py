"""The one way any value gets into a RouterOS script: as a quoted string literal. It knows no commands.

Source of the escapes: MikroTik manual, Scripting, "Constant Escape Sequences" (hex digits are capitals).
"""

import re
from typing import Final

#: What stands for itself. Everything else is written by its bytes: `"`, `\\` and `$` end or open something, `;{}[]()`
#: and line breaks matter where a literal was broken open, and the console of version 6 takes `?` for a call for help.
SAFE: Final = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789 _.-/:,=@+")

_LITERAL: Final = re.compile(r'"((?:[A-Za-z0-9 _./:,=@+-]|\\[0-9A-F]{2})*)"', re.ASCII)
_PIECE: Final = re.compile(r"\\([0-9A-F]{2})|(.)", re.ASCII)
_LONGEST_PIECE: Final = 600


def quote(text: str) -> str:
    """`text` as a RouterOS string literal, quotes included: `a"b` is `"a\\22b"`. UTF-8; any length, "" too.

    Raises ValueError for lone surrogates, which are no text.
    """
    return f'"{_escaped(text)}"'


def unquote(literal: str) -> str:
    """The text of a literal that `quote` wrote. Raises ValueError for anything else, also for bytes that are no UTF-8."""
    match = _LITERAL.fullmatch(literal)
    if match is None:
        raise ValueError("not a string literal of ours")
    return bytes(int(code, 16) if code else ord(plain) for code, plain in _PIECE.findall(match[1])).decode()


def quote_in_pieces(text: str) -> list[str]:
    """Literals that, joined by the script, are `text`: consoles take long texts, but no endless lines."""
    pieces: list[str] = [""]
    for character in text:
        written = _escaped(character)
        if len(pieces[-1]) + len(written) > _LONGEST_PIECE:
            pieces.append("")
        pieces[-1] += written
    return [f'"{piece}"' for piece in pieces]


def _escaped(text: str) -> str:
    return "".join(chr(byte) if byte in SAFE else f"\\{byte:02X}" for byte in text.encode())
