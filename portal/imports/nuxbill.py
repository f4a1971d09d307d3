"""PHPNuxBill: a dump of its database, or tables of it saved as CSV. Pure.

Tables by its source (hotspotbilling/phpnuxbill, GPL-2.0, install/phpnuxbill.sql): tbl_plans with tbl_bandwidth are packages;
tbl_voucher with status 0 are cards nobody used; tbl_user_recharges with status on are customers whose time runs, who sign in with
the name and password of tbl_customers; tbl_transactions is what was sold."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence

from portal.imports.found import Code, Found, Kind, Other, Package, Why, fold_name
from portal.imports.letters import printable
from portal.imports.routeros_text import date_of
from portal.imports.sql_dump import Row, is_dump, rows_of
from portal.money import AmountError, parse_amount

TABLES = ("tbl_bandwidth", "tbl_plans", "tbl_voucher", "tbl_customers", "tbl_user_recharges", "tbl_transactions")
#: Columns only one of its tables has.
_MARKS = {
    "name_bw": "tbl_bandwidth", "name_plan": "tbl_plans", "id_plan": "tbl_voucher", "fullname": "tbl_customers",
    "namebp": "tbl_user_recharges", "invoice": "tbl_transactions",
}  # fmt: skip
#: A month is 30 days there too. "Period" is a monthly bill: as a length it is a month.
_UNITS = {"mins": 60, "hrs": 3600, "days": 86_400, "months": 2_592_000, "period": 2_592_000}
_SIZES = {"mb": 1024**2, "gb": 1024**3}


def table_of_csv(text: str) -> str | None:
    """Which of its tables a CSV is, by its header."""
    header = {cell.strip(' "').casefold() for cell in text.split("\n", 1)[0].replace(";", ",").split(",")}
    return next((table for mark, table in _MARKS.items() if mark in header and "id" in header), None)


def is_ours(text: str) -> bool:
    """Whether it is a dump, or one of its tables as CSV."""
    return is_dump(text) or table_of_csv(text) is not None


def read(text: str) -> Found:
    """What there is of it."""
    table = None if is_dump(text) else table_of_csv(text)
    rows = list(_csv_rows(text, table)) if table else list(rows_of(text, TABLES))
    of = {name: [row for row in rows if row.table == name] for name in TABLES}
    speeds = {row.columns.get("id", ""): row.columns for row in of["tbl_bandwidth"]}
    names = {row.columns.get("id", ""): row.columns.get("name_plan", "") for row in of["tbl_plans"]}
    people = {row.columns.get("username", ""): row.columns for row in of["tbl_customers"]}
    packages = [_package(row, speeds) for row in of["tbl_plans"]]
    codes = [_voucher(row, names) for row in of["tbl_voucher"]]
    running = [_running(row, people) for row in of["tbl_user_recharges"]]
    there = {code.text for code in codes if code.why is None}
    codes += [code for code in running if code.text not in there]
    return Found(packages=packages, codes=codes, others=_others(of))


def _csv_rows(text: str, table: str) -> Iterable[Row]:
    head = text.split("\n", 1)[0]
    reader = csv.DictReader(io.StringIO(text), delimiter=";" if head.count(";") > head.count(",") else ",")
    for row in reader:
        columns = {
            str(name).strip().casefold(): (value or "").strip() for name, value in row.items() if isinstance(value, str)
        }
        yield Row(reader.line_num, table, {name: "" if value == "NULL" else value for name, value in columns.items()})


def _number(text: str) -> int:
    plain = text.strip()
    return int(plain) if plain.isascii() and plain.isdigit() and len(plain) < 12 else 0


def _cents(text: str) -> int | None:
    try:
        return parse_amount(text.strip())
    except AmountError:
        return None


def _package(row: Row, speeds: Mapping[str, Mapping[str, str]]) -> Package:
    plan = row.columns
    name, unit = printable(plan.get("name_plan", "")), plan.get("validity_unit", "").lower()
    price, duration = _cents(plan.get("price", "")), _number(plan.get("validity", "")) * _UNITS.get(unit, 0)
    kind, limits = plan.get("type", "").upper(), plan.get("limit_type", "") if plan.get("typebp") == "Limited" else ""
    band = speeds.get(plan.get("id_bw", ""), {})
    time_s = _number(plan.get("time_limit", "")) * _UNITS.get(plan.get("time_unit", "").lower(), 0)
    data = _number(plan.get("data_limit", "")) * _SIZES.get(plan.get("data_unit", "").lower(), 0)
    why = Why.HALF if row.is_half else Why.NO_NAME if not name else None
    if why is None and kind != "HOTSPOT":
        why = Why.BALANCE if kind == "BALANCE" else Why.DIALIN
    if why is None and price is None:
        why = Why.BAD_PRICE
    if why is None and not 0 < duration <= 3650 * 86_400:
        why = Why.BAD_LENGTH
    return Package(
        line=row.line, key=fold_name(name), name=name, price_cents=price, duration_s=duration or None,
        uptime_s=(time_s or None) if limits in ("Time_Limit", "Both_Limit") else None,
        data_bytes=(data or None) if limits in ("Data_Limit", "Both_Limit") else None,
        rate_down_kbps=_speed(band, "down"), rate_up_kbps=_speed(band, "up"),
        devices=max(1, min(100, _number(plan.get("shared_users", "")) or 1)), why=why,
    )  # fmt: skip


def _speed(band: Mapping[str, str], way: str) -> int | None:
    factor = 1000 if band.get(f"rate_{way}_unit", "").lower() == "mbps" else 1
    return _number(band.get(f"rate_{way}", "")) * factor or None


def _voucher(row: Row, names: Mapping[str, str]) -> Code:
    card = row.columns
    why = Why.HALF if row.is_half else Why.NO_CODE if not card.get("code", "") else None
    if why is None and card.get("status", "0") != "0":
        why = Why.USED
    if why is None and card.get("type", "Hotspot").upper() != "HOTSPOT":
        why = Why.DIALIN
    plan = card.get("name_plan", "") or names.get(card.get("id_plan", ""), "")
    return Code(line=row.line, text=card.get("code", ""), package=fold_name(plan), why=why)


def _running(row: Row, people: Mapping[str, Mapping[str, str]]) -> Code:
    bought = row.columns
    name = bought.get("username", "")
    password = people.get(name, {}).get("password", "")
    ends = date_of(f"{bought.get('expiration', '')} {bought.get('time', '') or '00:00:00'}")
    why = Why.HALF if row.is_half else Why.NO_CODE if not name else None
    if why is None and bought.get("status", "").lower() != "on":
        why = Why.OVER
    if why is None and bought.get("type", "Hotspot").upper() != "HOTSPOT":
        why = Why.DIALIN
    if why is None and ends is None:
        why = Why.BAD_DATE
    return Code(
        line=row.line, text=name if password in ("", name) else name + password, package=fold_name(bought.get("namebp", "")),
        is_running=True, expires_local=ends, why=why,
    )  # fmt: skip


def _others(of: Mapping[str, Sequence[Row]]) -> list[Other]:
    sales = [
        Other(
            line=row.line, kind=Kind.MONEY, name=printable(f"{row.columns.get('recharged_on', '')} {row.columns.get('plan_name', '')}"),
            cents=_cents(row.columns.get("price", "")) or 0, why=Why.MONEY,
        )
        for row in of["tbl_transactions"]
    ]  # fmt: skip
    people = [_person(row) for row in of["tbl_customers"]]
    return [*sales, *people]


def _person(row: Row) -> Other:
    name, balance = printable(row.columns.get("fullname", "")), _cents(row.columns.get("balance", ""))
    return Other(line=row.line, kind=Kind.PERSON, name=name, cents=balance or 0, why=Why.PERSON)
