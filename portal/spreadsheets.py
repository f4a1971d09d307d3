"""Rows as CSV that people open in spreadsheets: nothing in a cell is ever run as a formula. Pure."""

import csv
import io
from collections.abc import Sequence

#: What spreadsheets take for the beginning of a formula (OWASP, "CSV Injection").
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
#: Without it, spreadsheets of Windows guess the letters wrong.
MARK = "\ufeff"


def row(cells: Sequence[object]) -> str:
    """One line, ended. Numbers stay numbers; a text that looks like a formula gets an apostrophe before it."""
    out = io.StringIO()
    csv.writer(out, lineterminator="\r\n").writerow([_harmless(cell) for cell in cells])
    return out.getvalue()


def _harmless(cell: object) -> object:
    if isinstance(cell, int | float):
        return cell
    text = "" if cell is None else str(cell)
    return f"'{text}" if text.lstrip(" ").startswith(_FORMULA) else text
