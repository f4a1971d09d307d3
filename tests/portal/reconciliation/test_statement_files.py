"""Files nobody vouches for: what a statement may look like, and what is refused, in words, before it does harm."""

import tracemalloc
import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from portal.errors import Invalid
from portal.reconciliation import statement_files, statement_rows
from portal.reconciliation.lists import Row
from tests.portal.reconciliation.sheets import HEADER, as_csv, as_xlsx, drawn, paid

AT = datetime(2026, 11, 20, 9, 30, 5, tzinfo=UTC)


def read(path: Path) -> list[Row | None]:
    return list(statement_rows.read(statement_files.rows_of(path)))


def only(path: Path) -> Row:
    [row] = read(path)
    assert row is not None
    return row


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_a_row_means_the_same_however_it_was_exported(tmp_path: Path, encoding: str, delimiter: str) -> None:
    row = only(
        as_csv(tmp_path / "a.csv", [paid("UKK1A2B3C4", AT, 1250, "VK7Q2")], encoding=encoding, delimiter=delimiter)
    )
    assert (row.receipt, row.kind, row.amount_cents, row.reference) == ("UKK1A2B3C4", "in", 125_000, "VK7Q2")
    assert row.happened_at == AT
    assert (row.payer_hint, row.payer_name, row.phone) == ("254712***678", "JANE W.", None)


def test_a_workbook_means_the_same_with_real_numbers_and_dates(tmp_path: Path) -> None:
    cells: list[object] = list(paid("UKK1A2B3C4", AT, 1250, "VK7Q2", balance="5000"))
    cells[1], cells[5] = datetime(2026, 11, 20, 12, 30, 5), 1250.0
    row = only(as_xlsx(tmp_path / "a.xlsx", [cells]))
    assert (row.amount_cents, row.happened_at, row.balance_cents) == (125_000, AT, 500_000)


def test_charges_withdrawals_and_money_moved_in_are_not_customers_payments(tmp_path: Path) -> None:
    moved_in = paid("UKK0000004", AT, 500, "")
    moved_in[8] = "Business to Business Transfer"
    rows = read(
        as_csv(
            tmp_path / "a.csv",
            [
                paid("UKK0000001", AT, 10, "X"), drawn("UKK0000002", AT, 9000),
                drawn("UKK0000001", AT, 2, reason="Pay Bill Charge"), moved_in,
            ],
        )
    )  # fmt: skip
    assert [(row.kind, row.amount_cents) for row in rows if row] == [
        ("in", 1000), ("out", -900_000), ("fee", -200), ("other", 50_000),
    ]  # fmt: skip


def test_what_was_not_completed_is_not_money(tmp_path: Path) -> None:
    assert not only(as_csv(tmp_path / "a.csv", [paid("UKK0000001", AT, 10, "X", status="Declined")])).is_done


@pytest.mark.parametrize(
    ("told", "cents"),
    [
        ("1,250.00", 125_000), ("1 250,00", 125_000), ("1.250,50", 125_050), ("-500", -50_000), ("(500.00)", -50_000),
        ("KES 10", 1000), ("", 0), ("-", 0), ("12,34,567.00", 123_456_700), ("1.250", None), ("10.005", None), ("1e9", None),
        ("=10", None), ("abc", None), ("9" * 30, None), ("10,00,", None),
    ],
)  # fmt: skip
def test_amounts_are_exact_or_nothing(told: str, cents: int | None) -> None:
    assert statement_rows.cents(told) == cents


@pytest.mark.parametrize(
    "told",
    [
        "20-11-2026 12:30:05",
        "2026-11-20 12:30:05",
        "20/11/2026 12:30:05",
        "20/11/2026 12:30:05 PM",
        "20-Nov-2026 12:30:05",
    ],
)
def test_moments_are_nairobis_day_first(told: str) -> None:
    assert statement_rows.moment(told) == AT


def test_rows_that_make_no_sense_are_counted_and_stop_no_other(tmp_path: Path) -> None:
    bad = paid("UKK0000002", AT, 10, "X")
    bad[5] = "ten"
    rows = read(as_csv(tmp_path / "a.csv", [paid("UKK0000001", AT, 10, "X"), bad, paid("UKK0000003", AT, 10, "X")]))
    assert [row.receipt if row else None for row in rows] == ["UKK0000001", None, "UKK0000003"]


def test_columns_may_stand_in_any_order_and_be_spelled_as_older_exports_do(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(
        "RECEIPT NO,withdrawn,Paid in,Other Party Info,completion time\nUKK0000001,,10,0712345678 - JO,2026-11-20 12:30:05\n"
    )
    row = only(path)
    assert (row.amount_cents, row.phone, row.payer_name) == (1000, "254712345678", "JO")


def refused(path: Path) -> str:
    with pytest.raises(Invalid) as caught:
        read(path)
    return caught.value.fields[statement_files.FIELD]


def test_ten_thousand_rows_do_not_fill_memory(tmp_path: Path) -> None:
    rows = [paid(f"UKK{n:07}", AT + timedelta(seconds=n), 10, "VK7Q2") for n in range(10_000)]
    for path in (as_xlsx(tmp_path / "a.xlsx", [list[object](row) for row in rows]), as_csv(tmp_path / "a.csv", rows)):
        tracemalloc.start()
        count = sum(row is not None for row in statement_rows.read(statement_files.rows_of(path)))
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert count == 10_000
        assert peak < 24 * 1024 * 1024, f"{path.suffix}: {peak / 1e6:.1f} MB"


def test_a_zip_bomb_is_not_opened(tmp_path: Path) -> None:
    path = tmp_path / "bomb.xlsx"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("[Content_Types].xml", "<Types/>")
        packed.writestr("xl/worksheets/sheet1.xml", b" " * (statement_files.MOST_UNPACKED + 1))
    assert path.stat().st_size < statement_files.MOST_BYTES
    assert "unpacks to far more" in refused(path)


def test_thousands_of_parts_are_not_opened(tmp_path: Path) -> None:
    path = tmp_path / "parts.xlsx"
    with zipfile.ZipFile(path, "w") as packed:
        for number in range(statement_files.MOST_PARTS + 1):
            packed.writestr(f"xl/{number}.xml", "<a/>")
    assert "unpacks to far more" in refused(path)


def test_entities_that_grow_are_not_opened(tmp_path: Path) -> None:
    path = tmp_path / "laughs.xlsx"
    as_xlsx(path, [list[object](paid("UKK0000001", AT, 10, "X"))])
    with zipfile.ZipFile(path, "a") as packed:
        packed.writestr("xl/more.xml", " " * 300_000 + '<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>')
    assert "damaged" in refused(path)


def test_formulas_are_refused_with_their_row(tmp_path: Path) -> None:
    cells: list[object] = list(paid("UKK0000001", AT, 10, "X"))
    cells[5] = '=HYPERLINK("http://evil.test","10")'
    assert "formulas (row 6)" in refused(as_xlsx(tmp_path / "a.xlsx", [cells]))


@pytest.mark.parametrize(
    ("name", "body", "words"),
    [
        ("a.xls", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, "old or a protected"),
        ("a.pdf", b"%PDF-1.7 ...", "not a statement"),
        ("a.csv", b"", "not a statement"),
        ("a.bin", b"\x00\x01\x02\x03" * 64, "not a statement"),
        ("a.xlsx", b"PK\x03\x04" + b"\xff" * 200, "damaged"),
        ("a.csv", b"name,amount\nx,1\n", "columns of a statement were not found"),
        ("a.html", b"<html><body>Session expired</body></html>", "columns of a statement were not found"),
    ],
)
def test_what_is_no_statement_is_refused_with_what_to_do(tmp_path: Path, name: str, body: bytes, words: str) -> None:
    path = tmp_path / name
    path.write_bytes(body)
    assert words in refused(path)


def test_a_huge_file_is_refused_before_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    with path.open("wb") as file:
        file.truncate(statement_files.MOST_BYTES + 1)
    assert "too large" in refused(path)


def test_too_many_rows_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(",".join(HEADER) + "\n" + "a\n" * (statement_files.MOST_ROWS + 5))
    assert "too large" in refused(path)
