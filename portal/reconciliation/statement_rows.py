"""What one row of an organisation statement says: which kind of movement, how much, who, when. Pure.

Columns: as the M-Pesa organisation portal exports them; older exports say "Other Party Info" for "Opposite Party"."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation

from portal.mpesa.c2b import read_payer
from portal.mpesa.fields import EAT, receipt
from portal.reconciliation.lists import Row
from portal.reconciliation.statement_files import header_of

RECEIPT, COMPLETED, INITIATED = "Receipt No.", "Completion Time", "Initiation Time"
DETAILS, STATUS, PAID_IN, WITHDRAWN = "Details", "Transaction Status", "Paid In", "Withdrawn"
BALANCE, REASON, LINKED, ACCOUNT = "Balance", "Reason Type", "Linked Transaction ID", "A/C No."
PARTY, OTHER_PARTY, CURRENCY = "Opposite Party", "Other Party Info", "Currency"
COLUMNS = (
    RECEIPT, COMPLETED, INITIATED, DETAILS, STATUS, PAID_IN, WITHDRAWN, BALANCE, REASON, PARTY, OTHER_PARTY, LINKED, ACCOUNT,
    CURRENCY,
)  # fmt: skip
NEEDED = (RECEIPT, COMPLETED, PAID_IN, WITHDRAWN)

_MOMENTS = (
    "%d-%m-%Y %H:%M:%S", "%Y-%m-%d %H:%M:%S", "%d/%m/%Y %H:%M:%S", "%d-%m-%Y %H:%M", "%Y-%m-%d %H:%M", "%d/%m/%Y %H:%M",
    "%d.%m.%Y %H:%M:%S", "%Y-%m-%dT%H:%M:%S", "%d-%b-%Y %H:%M:%S", "%d %b %Y %H:%M:%S", "%m/%d/%Y %I:%M:%S %p",
    "%d/%m/%Y %I:%M:%S %p", "%Y/%m/%d %H:%M:%S",
)  # fmt: skip
_EUROPEAN = re.compile(r"(?:\d{1,3}(?:\.\d{3})+|\d{1,12}),\d{1,2}")
_PLAIN = re.compile(r"\d{1,13}(?:\.\d{1,2})?")
_MOST_CENTS = 10**13
#: Reasons by which a customer's money comes in; everything else that comes in was moved by somebody else.
_CUSTOMER = re.compile(
    r"pay ?bill|pay ?utility|customer.{0,12}payment|merchant payment|buy ?goods|customer pay|lipa na", re.IGNORECASE
)
_NOT_CUSTOMER = re.compile(
    r"revers|business to business|\bb2b\b|organi[sz]ation|settlement|transfer|real ?time", re.IGNORECASE
)
_FEE = re.compile(r"\bcharges?\b|\bfees?\b|\btariff\b", re.IGNORECASE)
_IN_DETAILS = re.compile(r"\bacc(?:ount)?\.?\s*[:#]?\s*(.{1,40})$", re.IGNORECASE)


def read(rows: Iterator[list[str]]) -> Iterator[Row | None]:
    """Each row after the header; None for one that makes no sense. Blank lines and sums at the end are left out. Invalid: no header."""
    above, places = header_of(rows, COLUMNS, NEEDED)
    for number, cells in enumerate(rows, start=above + 1):
        said = {name: cells[place] for name, place in places.items() if place < len(cells)}
        if not any(cells) or not said.get(RECEIPT):
            continue
        yield row_of(number, said)


def row_of(number: int, said: dict[str, str]) -> Row | None:
    """One row by its column names."""
    code, moved = receipt(said.get(RECEIPT, "")), moment(said.get(COMPLETED, "") or said.get(INITIATED, ""))
    paid_in, withdrawn = cents(said.get(PAID_IN, "")), cents(said.get(WITHDRAWN, ""))
    if code is None or moved is None or paid_in is None or withdrawn is None or (paid_in and withdrawn):
        return None
    amount = abs(paid_in) - abs(withdrawn)
    party, name = _party(said.get(PARTY, "") or said.get(OTHER_PARTY, ""))
    payer = read_payer(party)
    status = said.get(STATUS, "").strip().lower()
    return Row(
        number=number, receipt=code, kind=_kind(amount, said), amount_cents=amount, is_done=status in ("", "completed"),
        balance_cents=cents(said.get(BALANCE, "")) if said.get(BALANCE) else None, happened_at=moved,
        reference=_reference(said), phone=payer.text if payer.kind == "full" else None,
        payer_hint="" if payer.kind == "full" else payer.text, payer_name=name, details=said.get(DETAILS, ""),
    )  # fmt: skip


def _kind(amount_cents: int, said: dict[str, str]) -> str:
    reason = said.get(REASON, "") or said.get(DETAILS, "")
    words = f"{reason} {said.get(DETAILS, '')}"
    if _FEE.search(words) and amount_cents <= 0:
        return "fee"
    if amount_cents <= 0:
        return "out"
    return "in" if _CUSTOMER.search(reason) and not _NOT_CUSTOMER.search(reason) else "other"


def _reference(said: dict[str, str]) -> str:
    if said.get(ACCOUNT):
        return said[ACCOUNT]
    found = _IN_DETAILS.search(said.get(DETAILS, ""))
    return found[1].strip() if found else ""


def _party(told: str) -> tuple[str, str]:
    """ "254708374149 - JOHN DOE", the number perhaps masked."""
    number, dash, name = told.partition(" - ")
    return (number.strip(), name.strip()) if dash else ("", told.strip())


def cents(told: str) -> int | None:
    """ "1,250.00", "1 250,00", "-500", "(500.00)" as cents; "" is nothing; None for what is no amount. Nothing is rounded."""
    bare = told.strip().replace("\u00a0", "").replace("\u202f", "").replace(" ", "")
    is_minus = bare.startswith("-") or (bare.startswith("(") and bare.endswith(")"))
    bare = re.sub(r"^(?:KES|KSH)\.?", "", bare.strip("-()+"), flags=re.IGNORECASE)
    if bare in ("", "-", "–"):
        return 0
    if _EUROPEAN.fullmatch(bare):
        bare = bare.replace(".", "").replace(",", ".")
    elif re.fullmatch(r"\d{1,3}(?:,\d{2,3})+(?:\.\d{1,2})?", bare):
        bare = bare.replace(",", "")
    if not _PLAIN.fullmatch(bare):
        return None
    try:
        exact = Decimal(bare) * 100
    except InvalidOperation:
        return None
    if exact != exact.to_integral_value() or exact > _MOST_CENTS:
        return None
    return -int(exact) if is_minus else int(exact)


def moment(told: str) -> datetime | None:
    """A moment in UTC; the portal writes Nairobi's. Where day and month could be swapped, the day is first."""
    bare = re.sub(r"\.\d{1,6}$", "", " ".join(told.split()))
    for spelling in _MOMENTS:
        try:
            return datetime.strptime(bare, spelling).replace(tzinfo=EAT).astimezone(UTC)
        except ValueError:
            continue
    return None
