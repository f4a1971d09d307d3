"""The organisation statement as the M-Pesa portal exports it, CSV or XLSX: rows of text out of a file nobody vouches for. Pure.

Everything is limited before it is believed: bytes, packed and unpacked, rows, and what a cell may hold. Nothing is computed."""

import csv
import io
import zipfile
from collections.abc import Iterator, Sequence
from datetime import date, datetime
from itertools import islice
from pathlib import Path

from portal.errors import Invalid
from portal.msgid import N_

MOST_BYTES = 8 * 1024 * 1024
MOST_UNPACKED = 120 * 1024 * 1024
MOST_PARTS = 200
MOST_ROWS = 100_000
MOST_COLUMNS = 64
MOST_CELL = 500
#: Lines about the organisation and the period stand above the header.
HEADER_WITHIN = 40
FIELD = "file"

_OLD_OFFICE, _PDF, _ZIP = b"\xd0\xcf\x11\xe0", b"%PDF", b"PK\x03\x04"
_HUGE = N_("This file is too large. Export a shorter time, at most %(most)s rows.")
_OLD = N_("This is an old or a protected Excel file. Open it, remove the password, and save it as .xlsx or .csv.")
_NOT_TEXT = N_("This is not a statement. Export it from the M-Pesa organisation portal as CSV or Excel.")
_BOMB = N_("This Excel file unpacks to far more than a statement holds. It was not opened.")
_FORMULA = N_(
    "This Excel file contains formulas (row %(row)s). A statement has none: export it again and do not edit it."
)
_BROKEN = N_("This Excel file is damaged. Export it again.")


def refuse(message: str, **params: object) -> Invalid:
    """Why a file is not taken; shown beside the field."""
    return Invalid({FIELD: message % params if params else message}, message=message, params=params)


def rows_of(path: Path) -> Iterator[list[str]]:
    """The file's rows as texts, from the first on. Invalid, in words: not a statement, too large, hostile."""
    if path.stat().st_size > MOST_BYTES:
        raise refuse(_HUGE, most=f"{MOST_ROWS:,}")
    with path.open("rb") as file:
        head = file.read(8)
    if head.startswith(_OLD_OFFICE):
        raise refuse(_OLD)
    if head.startswith(_PDF) or not head:
        raise refuse(_NOT_TEXT)
    return _counted(_spreadsheet(path) if head.startswith(_ZIP) else _text(path))


def _counted(rows: Iterator[list[str]]) -> Iterator[list[str]]:
    for number, row in enumerate(rows):
        if number >= MOST_ROWS:
            raise refuse(_HUGE, most=f"{MOST_ROWS:,}")
        yield [cell[:MOST_CELL].strip() for cell in islice(row, MOST_COLUMNS)]


def _text(path: Path) -> Iterator[list[str]]:
    raw = path.read_bytes()
    encoding = "utf-16" if raw[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    try:
        text = raw.decode(encoding)
    except UnicodeDecodeError:
        text = raw.decode("cp1252", errors="replace")
    del raw
    if "\0" in text:
        raise refuse(_NOT_TEXT)
    try:
        yield from csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text))
    except csv.Error as error:
        raise refuse(_NOT_TEXT) from error


def _delimiter(text: str) -> str:
    """Whichever parts the header best; Excel writes semicolons where the comma is the decimal sign."""
    head = text[:8192].splitlines()[:HEADER_WITHIN]
    line = next((line for line in head if "receipt" in line.lower()), head[0] if head else "")
    return max(",;\t|", key=line.count)


def _spreadsheet(path: Path) -> Iterator[list[str]]:
    # Only here: 6 MB that no process needs until somebody brings a spreadsheet.
    import openpyxl  # noqa: PLC0415
    from openpyxl.utils.exceptions import InvalidFileException  # noqa: PLC0415

    _weigh(path)
    try:
        book = openpyxl.load_workbook(path, read_only=True, data_only=False, keep_links=False)
    except (zipfile.BadZipFile, InvalidFileException, KeyError, ValueError, OSError, SyntaxError) as error:
        raise refuse(_BROKEN) from error
    try:
        sheet = book.worksheets[0]
        for number, row in enumerate(sheet.iter_rows(max_col=MOST_COLUMNS, values_only=True), 1):
            yield [_cell(value, number) for value in row]
    except (KeyError, IndexError, TypeError, ValueError, SyntaxError, EOFError, zipfile.BadZipFile) as error:
        raise refuse(_BROKEN) from error
    finally:
        book.close()


def _weigh(path: Path) -> None:
    """Unpack every part, keeping nothing: what a header says about sizes is not believed, and no part may define entities."""
    left = MOST_UNPACKED
    try:
        with zipfile.ZipFile(path) as packed:
            if len(packed.infolist()) > MOST_PARTS:
                raise refuse(_BOMB)
            for part in packed.infolist():
                with packed.open(part) as inside:
                    tail = b""
                    while chunk := inside.read(256 * 1024):
                        left -= len(chunk)
                        if left < 0:
                            raise refuse(_BOMB)
                        seen = tail + chunk
                        if b"<!DOCTYPE" in seen or b"<!ENTITY" in seen or seen[:2] in (b"\xff\xfe", b"\xfe\xff"):
                            raise refuse(_BROKEN)
                        tail = chunk[-16:]
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, OSError) as error:
        raise refuse(_BROKEN) from error


def _cell(value: object, row: int) -> str:
    if isinstance(value, str) and value.startswith("="):
        raise refuse(_FORMULA, row=row)
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M:%S")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return "" if value is None or isinstance(value, bool) else str(value)


def header_of(rows: Iterator[list[str]], known: Sequence[str], needed: Sequence[str]) -> tuple[int, dict[str, int]]:
    """How many lines there were down to the header, and where each known column stands. Invalid when there is no header."""
    names = {_fold(name): name for name in known}
    for number, row in enumerate(islice(rows, HEADER_WITHIN), 1):
        places: dict[str, int] = {}
        for place, cell in enumerate(row):
            name = names.get(_fold(cell))
            if name is not None:
                places.setdefault(name, place)
        if all(name in places for name in needed):
            return number, places
    raise refuse(
        N_(
            "The columns of a statement were not found. It needs “Receipt No.”, “Completion Time”, “Paid In” and “Withdrawn”."
        )
    )


def _fold(name: str) -> str:
    """Names without case, dots and spaces: the portal has written them in several ways."""
    return "".join(char for char in name.lower() if char.isalnum())
