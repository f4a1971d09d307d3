"""Rows as CSV that people open in spreadsheets: nothing in a cell is ever run as a formula. Pure."""

import csv
import io
from collections.abc import Iterable, Sequence

#: What spreadsheets take for the beginning of a formula (OWASP, "CSV Injection").
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
#: Without it, spreadsheets of Windows guess the letters wrong.
MARK = "\ufeff"


def row(cells: Sequence[object]) -> str:
    """One line, ended. Numbers stay numbers; a text that looks like a formula gets an apostrophe before it."""
    return table([cells])


def table(rows: Iterable[Sequence[object]]) -> str:
    """Lines, each ended, as `row` writes them."""
    out = io.StringIO()
    csv.writer(out, lineterminator="\r\n").writerows([_harmless(cell) for cell in cells] for cells in rows)
    return out.getvalue()


def _harmless(cell: object) -> object:
    if isinstance(cell, int | float):
        return cell
    text = "" if cell is None else str(cell)
    return f"'{text}" if text.lstrip(" ").startswith(_FORMULA) else text
