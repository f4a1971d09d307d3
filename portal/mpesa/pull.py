"""Pull: M-Pesa's list of a shortcode's payments of the last 48 hours. Registering, asking for a page, reading it. Pure.

Source: Daraja documentation, Pull Transactions; the list's nesting as other programs meet it. A row's number is in full.
"""

import json
import re
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import cast

import msgspec

from portal.mpesa.c2b import Payer, read_payer
from portal.mpesa.callback_urls import is_callback_url
from portal.mpesa.credentials import MpesaApp
from portal.mpesa.fields import EAT, amount, cents_of, moment, opaque_id, receipt, require
from portal.mpesa.loose_json import JsonObject, as_object, read_object, text
from portal.mpesa.refusals import Failure, Kind, sort_failure
from portal.phones import is_stored_form

REGISTER_PATH = "/pulltransactions/v1/register"
QUERY_PATH = "/pulltransactions/v1/query"
WINDOW = timedelta(hours=48)
MOST_BYTES = 1_048_576
_DONE, _NOTHING = "1000", "1001"
_DEEPEST = 4


class PullRegistered(msgspec.Struct, frozen=True, kw_only=True):
    """The shortcode may be pulled. `is_repeat`: it could before."""

    reference: str = ""
    description: str = ""
    is_repeat: bool = False


class PullRow(msgspec.Struct, frozen=True, kw_only=True):
    """One payment to the shortcode. `amount` is exact; `paid_at` is UTC."""

    receipt: str
    amount: Decimal
    reference: str = ""
    payer: Payer = Payer()
    kind: str = ""
    organisation: str = ""
    paid_at: datetime | None = None

    @property
    def amount_cents(self) -> int | None:
        """None when it is not a whole number of cents."""
        return cents_of(self.amount)


class PullPage(msgspec.Struct, frozen=True, kw_only=True):
    """Rows from one offset on. `unreadable` rows were there but make no sense: a person should look.

    `next_offset` is where to go on; None when this was the last page.
    """

    rows: tuple[PullRow, ...] = ()
    unreadable: int = 0
    next_offset: int | None = None


def register_body(app: MpesaApp, *, number: str, callback_url: str) -> dict[str, str]:
    """The JSON that registers the shortcode, once. `number` is the one of the shortcode's papers, E.164 digits."""
    require(is_stored_form(number), "NominatedNumber")
    require(is_callback_url(callback_url), "CallBackURL")
    return {"ShortCode": app.shortcode, "RequestType": "Pull", "NominatedNumber": number, "CallBackURL": callback_url}


def query_body(app: MpesaApp, *, since: datetime, until: datetime, offset: int, now: datetime) -> dict[str, str]:
    """The JSON that asks for a page. MpesaRefused, before it is sent, for a span that is empty or begins over 48 h ago."""
    require(since < until, "EndDate")
    require(now - since <= WINDOW, "StartDate")
    require(offset >= 0, "OffSetValue")
    return {
        "ShortCode": app.shortcode,
        "StartDate": since.astimezone(EAT).strftime("%Y-%m-%d %H:%M:%S"),
        "EndDate": until.astimezone(EAT).strftime("%Y-%m-%d %H:%M:%S"),
        "OffSetValue": str(offset),
    }


def read_registered(status: int, raw: bytes, *, headers: Mapping[str, str]) -> PullRegistered | Failure:
    """The answer to registering; having been registered before is as good."""
    document = read_object(raw) or {}
    code = _code(document)
    if status != 200 or not code:
        return sort_failure(status, raw, headers)
    words = text(document.get("ResponseDescription"))
    if code not in {_DONE, _NOTHING}:
        return Failure(kind=Kind.REFUSED, code=code, message=words)
    reference = opaque_id(document.get("ResponseRefID")) or ""
    return PullRegistered(reference=reference, description=words, is_repeat=code == _NOTHING)


def read_page(status: int, raw: bytes, *, headers: Mapping[str, str], offset: int) -> PullPage | Failure:
    """One page. "None" has two shapes: code 1001 with an empty list in a list, and an error that says so in words."""
    document = read_object(raw, most=MOST_BYTES) or {}
    code = _code(document)
    if status == 200 and code == _NOTHING:
        return PullPage()
    if status != 200 or code != _DONE:
        return _why_no_page(status, raw, headers=headers, code=code)
    listed = next((document[name] for name in ("Response", "Transaction", "Transactions") if name in document), None)
    if listed is None:
        return Failure(kind=Kind.UNKNOWN, code="HTTP 200", message="a page without a list")
    found = list(_flat(listed))
    rows = [_row(row) for row in found]
    kept = tuple(row for row in rows if row is not None)
    return PullPage(rows=kept, unreadable=len(rows) - len(kept), next_offset=offset + len(found) if found else None)


def _why_no_page(status: int, raw: bytes, *, headers: Mapping[str, str], code: str) -> PullPage | Failure:
    failure = sort_failure(status, raw, headers)
    if re.search(
        r"not have any available|no transactions? (?:available|on g2)", raw[:4096].decode(errors="replace").lower()
    ):
        return PullPage()
    return failure if status != 200 or not code else Failure(kind=Kind.REFUSED, code=code, message=failure.message)


def _code(document: JsonObject) -> str:
    """Registering calls it ResponseStatus, asking ResponseCode."""
    return text(document.get("ResponseCode", document.get("ResponseStatus")), 24)


def _flat(listed: object, depth: int = 0) -> Iterator[object]:
    """The rows of lists in lists; the documentation even shows the list as a text."""
    if isinstance(listed, str) and depth < _DEEPEST:
        try:
            listed = json.loads(listed, parse_float=Decimal)
        except (ValueError, ArithmeticError, RecursionError):
            listed = [listed]
        if isinstance(listed, str):
            listed = [{"unreadable": listed}]
    if isinstance(listed, list) and depth < _DEEPEST:
        for inside in cast("list[object]", listed):
            yield from _flat(inside, depth + 1)
    elif listed is not None:
        yield listed


def _row(value: object) -> PullRow | None:
    row = as_object(value) or {}
    found, paid = receipt(row.get("transactionId")), amount(row.get("amount"))
    if found is None or paid is None:
        return None
    return PullRow(
        receipt=found,
        amount=paid,
        reference=text(row.get("billreference"), 40),
        payer=read_payer(row.get("msisdn")),
        kind=text(row.get("transactiontype"), 40),
        organisation=text(row.get("organizationname"), 80),
        paid_at=moment(row.get("trxDate")),
    )
