"""From a file's bytes to its text, or a sentence that says why not: size, packing, encoding, and lines no system writes. Pure."""

from portal.errors import Invalid
from portal.msgid import N_

FIELD = "file"
#: A hundred thousand codes take about half of it.
MOST_BYTES = 10 * 1024 * 1024
MOST_ROWS = 100_000
MOST_LINE = 1_000_000
MOST_NAME = 60

TOO_BIG = N_("This file is larger than 10 MB. Export fewer rows at a time.")
TOO_MANY = N_("This file has more than 100,000 rows. Export fewer at a time.")
EMPTY = N_("This file is empty.")
PACKED = N_("This file is packed (zip, gz, rar or Excel). Unpack it, or save it as CSV, and send that.")
NOT_TEXT = N_("This is not a text file. Send the export itself: .rsc, .sql, .csv or .txt.")
IS_PAGE = N_("This is a web page, not an export. Sign in there first, then download the export again.")
LONG_LINE = N_("A line of this file is far too long. It is not an export we know.")

_PACKED = (b"PK\x03\x04", b"PK\x05\x06", b"\x1f\x8b", b"Rar!", b"7z\xbc\xaf", b"BZh", b"\xfd7zXZ", b"\xd0\xcf\x11\xe0")
_BINARY = (b"%PDF", b"\x89PNG", b"\xff\xd8\xff", b"SQLite format")
_UTF16 = (b"\xff\xfe", b"\xfe\xff")


def refuse(sentence: str) -> Invalid:
    """Why a file is not taken; shown beside the field."""
    return Invalid({FIELD: sentence}, message=sentence)


def text_of(raw: bytes, *, long_lines: bool = False) -> str:
    """The text, lines ended by newlines. UTF-8, UTF-16 with its mark, else Windows' Western letters. Invalid, in words.

    `long_lines`: a dump of a database may have all rows in one."""
    if len(raw) > MOST_BYTES:
        raise refuse(TOO_BIG)
    if not raw.strip(b" \t\r\n\xef\xbb\xbf\x00"):
        raise refuse(EMPTY)
    if raw.startswith(_PACKED):
        raise refuse(PACKED)
    if raw.startswith(_BINARY):
        raise refuse(NOT_TEXT)
    text = _decoded(raw).replace("\r\n", "\n").replace("\r", "\n")
    if "\0" in text:
        raise refuse(NOT_TEXT)
    head = text[:2000].lstrip().casefold()
    if head.startswith(("<!doctype html", "<html")) or "<body" in head:
        raise refuse(IS_PAGE)
    if not long_lines and any(len(line) > MOST_LINE for line in text.split("\n")):
        raise refuse(LONG_LINE)
    return text


def _decoded(raw: bytes) -> str:
    if raw.startswith(_UTF16):
        try:
            return raw.decode("utf-16")
        except UnicodeDecodeError as error:
            raise refuse(NOT_TEXT) from error
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        return raw.decode("cp1252", errors="replace")


def printable(text: str, most: int = MOST_NAME) -> str:
    """One line without what cannot be printed or turns the direction of what stands beside it."""
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())[:most]
