"""Statements as the M-Pesa organisation portal exports them, made for tests: CSV and XLSX."""

import csv
from datetime import datetime
from pathlib import Path

import openpyxl

from portal.mpesa.fields import EAT

HEADER = (
    "Receipt No.", "Completion Time", "Initiation Time", "Details", "Transaction Status", "Paid In", "Withdrawn", "Balance",
    "Reason Type", "Opposite Party", "Linked Transaction ID", "A/C No.",
)  # fmt: skip
ABOVE = (
    ("Organization Name:", "KILIMANI CORNER"),
    ("Short Code:", "174379"),
    ("Time Period:", "From 20-11-2026 00:00:00 To 21-11-2026 00:00:00"),
    (),
)


def paid(
    code: str, at: datetime, shillings: int, reference: str, *, balance: str = "", status: str = "Completed"
) -> list[str]:
    """A customer's payment."""
    local = f"{at.astimezone(EAT):%d-%m-%Y %H:%M:%S}"
    return [
        code, local, local, f"Pay Bill from 254712***678 - JANE W. Acc. {reference}", status, f"{shillings:,}.00", "", balance,
        "Pay Utility", "254712***678 - JANE W.", "", reference,
    ]  # fmt: skip


def drawn(
    code: str, at: datetime, shillings: int, *, balance: str = "", reason: str = "Organization Settlement"
) -> list[str]:
    """Money or a charge that went out."""
    local = f"{at.astimezone(EAT):%d-%m-%Y %H:%M:%S}"
    return [code, local, local, reason, "Completed", "", f"-{shillings:,}.00", balance, reason, "", "", ""]


def as_csv(path: Path, rows: list[list[str]], *, encoding: str = "utf-8-sig", delimiter: str = ",") -> Path:
    """The rows under the portal's header, with its lines above."""
    with path.open("w", encoding=encoding, newline="") as file:
        csv.writer(file, delimiter=delimiter).writerows([*ABOVE, HEADER, *rows])
    return path


def as_xlsx(path: Path, rows: list[list[object]]) -> Path:
    """The same as a workbook."""
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet()
    for row in (*ABOVE, HEADER, *rows):
        sheet.append(list(row))
    book.save(path)
    return path
