"""A plain CSV: one line per code, or per package where `code` is empty. Pure.

Columns, in any order, only `package` needed: package, price, code, duration ("3h", "1d 12h", "30d"), uptime_limit, data_limit ("500M",
"2G"), speed_down and speed_up ("2M", "512k"), devices, expires_at ("2026-12-31 18:00"), started (yes or no), note."""

import csv
import io
from collections.abc import Mapping

from portal.errors import Invalid
from portal.imports.found import Code, Found, Package, Why, fold_name
from portal.imports.letters import FIELD, MOST_ROWS, TOO_MANY, printable, refuse
from portal.imports.mikhmon import kbps_of
from portal.imports.routeros_text import bytes_of, date_of, length_of
from portal.money import AmountError, parse_amount
from portal.msgid import N_
from portal.spreadsheets import table

COLUMNS = (
    "package", "price", "code", "duration", "uptime_limit", "data_limit", "speed_down", "speed_up", "devices", "expires_at",
    "started", "note",
)  # fmt: skip
NO_COLUMN = N_('The first line must name the columns, "package" at least. Download the empty file and fill it in.')
_YES = frozenset({"yes", "y", "true", "1", "ndiyo"})


def template() -> str:
    """The empty file with two lines that show how."""
    return table(
        [
            COLUMNS,
            ("3 hours", 20, "", "3h", "", "", "2M", "512k", 1, "", "", "a package"),
            ("3 hours", 20, "ab12cd", "3h", "", "", "2M", "512k", 1, "", "no", "a card of it"),
        ]
    )


def read(text: str) -> Found:
    """All of it; Invalid when the header is missing."""
    head = text.split("\n", 1)[0]
    reader = csv.reader(io.StringIO(text), delimiter=max(",;\t", key=head.count))
    try:
        header = [cell.strip().casefold().replace(" ", "_") for cell in next(reader, [])]
        if "package" not in header:
            raise refuse(NO_COLUMN)
        rows = [
            (reader.line_num, dict(zip(header, (cell.strip() for cell in row), strict=False)))
            for row in reader
            if any(cell.strip() for cell in row)
        ]
    except csv.Error as error:
        raise Invalid({FIELD: NO_COLUMN}) from error
    if len(rows) > MOST_ROWS:
        raise refuse(TOO_MANY)
    packages: dict[str, Package] = {}
    codes: list[Code] = []
    for line, row in rows:
        made = _package(line, row)
        if made.key not in packages or (packages[made.key].why and not made.why):
            packages[made.key] = made
        if row.get("code"):
            codes.append(_code(line, row))
    return Found(packages=[each for each in packages.values() if each.key or not codes], codes=codes)


def _package(line: int, row: Mapping[str, str]) -> Package:
    name, price = printable(row.get("package", "")), _cents(row.get("price", ""))
    duration = length_of(row.get("duration", ""))
    devices = row.get("devices", "") or "1"
    why = None
    if not name:
        why = Why.NO_NAME
    elif row.get("price") and price is None:
        why = Why.BAD_PRICE
    elif price is None or (not row.get("duration")):
        why = Why.NO_PACKAGE
    elif not duration:
        why = Why.BAD_LENGTH
    elif not (devices.isascii() and devices.isdigit() and 1 <= int(devices[:4]) <= 100) or _is_wrong(row):
        why = Why.BAD_NUMBER
    return Package(
        line=line, key=fold_name(name), name=name, price_cents=price, duration_s=duration or None,
        uptime_s=length_of(row.get("uptime_limit", "")) or None, data_bytes=bytes_of(row.get("data_limit", "")) or None,
        rate_down_kbps=kbps_of(row.get("speed_down", "")), rate_up_kbps=kbps_of(row.get("speed_up", "")),
        devices=int(devices) if why is None else 1, why=why,
    )  # fmt: skip


def _is_wrong(row: Mapping[str, str]) -> bool:
    """Whether something is written that cannot be read."""
    readings = {"uptime_limit": length_of, "data_limit": bytes_of, "speed_down": kbps_of, "speed_up": kbps_of}
    return any(row.get(name) and read_it(row[name]) is None for name, read_it in readings.items())


def _cents(text: str) -> int | None:
    try:
        return parse_amount(text) if text else None
    except AmountError:
        return None


def _code(line: int, row: Mapping[str, str]) -> Code:
    ends = date_of(row.get("expires_at", ""))
    why = Why.BAD_DATE if row.get("expires_at") and ends is None else Why.BAD_NUMBER if _is_wrong(row) else None
    return Code(
        line=line, text=row["code"], package=fold_name(printable(row.get("package", ""))), price_cents=_cents(row.get("price", "")),
        uptime_s=length_of(row.get("uptime_limit", "")) or None, data_bytes=bytes_of(row.get("data_limit", "")) or None,
        duration_s=length_of(row.get("duration", "")) or None, is_running=row.get("started", "").casefold() in _YES,
        expires_local=ends, note=printable(row.get("note", "")), why=why,
    )  # fmt: skip
