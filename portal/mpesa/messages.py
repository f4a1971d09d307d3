"""Daraja's messages for STK push and query: building what we send, reading what comes. Pure; no HTTP, no clock.

Source: Daraja documentation, Authorization and M-Pesa Express, and what was measured on the sandbox. Nothing read here
can raise: what makes no sense comes out as a Failure or as Malformed.
"""

import base64
import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal

import msgspec

from portal.mpesa.callback_urls import is_callback_url
from portal.mpesa.credentials import MpesaApp, Token
from portal.mpesa.fields import amount, cents_of, moment, opaque_id, plain, receipt, require, shillings_of, timestamp
from portal.mpesa.initiator_codes import CODES, Verdict
from portal.mpesa.loose_json import JsonObject, as_object, inner, read_object, text
from portal.mpesa.refusals import Failure, Kind, sort_failure
from portal.mpesa.result_codes import Meaning, meaning_of
from portal.phones import is_stored_form

_DEFAULT_DESCRIPTION = "WiFi"
_DEFAULT_LIFETIME_S = 3_599
#: ResponseCodes of M-Pesa itself (documentation, Account Balance, error codes) after which a push may be tried again, or may
#: have been taken all the same; any other says no.
_REFUSED_AS = {code: Kind.BUSY for code, verdict in CODES.items() if verdict is Verdict.BUSY} | {
    code: Kind.UNKNOWN for code, verdict in CODES.items() if verdict is Verdict.UNKNOWN
}


class PushAccepted(msgspec.Struct, frozen=True, kw_only=True):
    """Queued by Daraja; it does not say that the phone rang. The ids are opaque."""

    merchant_request_id: str
    checkout_request_id: str
    description: str = ""


class QueryAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What a status query says. A query never tells receipt or amount, not even of a paid push."""

    meaning: Meaning
    result_code: str
    result_text: str = ""
    checkout_request_id: str = ""


class StkResult(msgspec.Struct, frozen=True, kw_only=True):
    """A callback, as a hint: nothing in it proves that Safaricom sent it.

    `amount` is what stood there, exact, or None; `paid_at` is UTC; `phone` may be masked or absent.
    """

    meaning: Meaning
    result_code: str
    result_text: str
    merchant_request_id: str
    checkout_request_id: str
    receipt: str | None = None
    amount: Decimal | None = None
    phone: str | None = None
    paid_at: datetime | None = None

    @property
    def amount_cents(self) -> int | None:
        """None when there is no amount, or one that is not a whole number of cents."""
        return cents_of(self.amount)

    @property
    def is_complete(self) -> bool:
        """Whether a success names its receipt and an exact amount. One that does not must be verified by a query."""
        return self.meaning is Meaning.PAID and self.receipt is not None and self.amount_cents is not None


class Malformed(msgspec.Struct, frozen=True):
    """Not a callback we understand; `why` is for the log."""

    why: str


def password(app: MpesaApp, stamp: str) -> str:
    """base64(shortcode + passkey + timestamp); the body must carry the very same timestamp."""
    return base64.b64encode(f"{app.shortcode}{app.passkey}{stamp}".encode()).decode()


def push_body(
    app: MpesaApp, *, phone: str, amount_cents: int, reference: str, description: str, callback_url: str, at: datetime
) -> dict[str, str | int]:
    """The JSON of an STK push. MpesaRefused, before anything is sent, for what Daraja would refuse or silently drop.

    `phone` as E.164 digits; `reference` up to 12 of [A-Z0-9], as longer ones are accepted but never reach the phone;
    `callback_url` in lower case (an upper-case host is suspected of being refused).
    """
    shillings = shillings_of(amount_cents)
    require(is_stored_form(phone), "PhoneNumber")
    require(re.fullmatch(r"[A-Z0-9]{1,12}", reference) is not None, "AccountReference")
    require(is_callback_url(callback_url), "CallBackURL")
    stamp = timestamp(at)
    return {
        "BusinessShortCode": app.shortcode,
        "Password": password(app, stamp),
        "Timestamp": stamp,
        "TransactionType": app.transaction_type.value,
        "Amount": shillings,
        "PartyA": phone,
        "PartyB": app.receiver,
        "PhoneNumber": phone,
        "CallBackURL": callback_url,
        "AccountReference": reference,
        "TransactionDesc": plain_description(description),
    }


def plain_description(description: str) -> str:
    """At most 13 plain characters, never empty: Daraja breaks on @ # & and refuses a missing description."""
    return plain(description, 13, otherwise=_DEFAULT_DESCRIPTION)


def query_body(app: MpesaApp, *, checkout_request_id: str, at: datetime) -> dict[str, str]:
    """The JSON of a status query."""
    stamp = timestamp(at)
    return {
        "BusinessShortCode": app.shortcode,
        "Password": password(app, stamp),
        "Timestamp": stamp,
        "CheckoutRequestID": checkout_request_id,
    }


def read_token(status: int, raw: bytes, *, headers: Mapping[str, str], now: datetime) -> Token | Failure:
    """A token with the moment it ends. `expires_in` is a string in one version of the documentation, else a number.

    HTTP 400 without a body is how Daraja says that key or secret are wrong, or belong to the other environment.
    """
    document = read_object(raw) or {}
    token = document.get("access_token")
    if status == 200 and isinstance(token, str) and re.fullmatch(r"[!-~]{1,2048}", token):
        seconds = text(document.get("expires_in"), 9)
        lifetime = int(seconds) if re.fullmatch(r"[0-9]{1,6}", seconds) else _DEFAULT_LIFETIME_S
        return Token(token, now + timedelta(seconds=lifetime))
    if status in {400, 401, 403} and not raw.strip():
        return Failure(kind=Kind.CONFIG, code=f"HTTP {status}", message="consumer key or secret are wrong")
    failure = sort_failure(status, raw, headers)
    if failure.kind in {Kind.REFUSED, Kind.BAD_TOKEN}:
        return msgspec.structs.replace(failure, kind=Kind.CONFIG)
    return failure


def read_push(status: int, raw: bytes, *, headers: Mapping[str, str]) -> PushAccepted | Failure:
    """The answer to a push."""
    document = read_object(raw) or {}
    response_code = text(document.get("ResponseCode"), 40)
    if status != 200 or not response_code:
        return sort_failure(status, raw, headers)
    words = text(document.get("ResponseDescription"))
    if response_code != "0":
        return Failure(kind=_REFUSED_AS.get(response_code, Kind.REFUSED), code=response_code, message=words)
    request_id = opaque_id(document.get("CheckoutRequestID"))
    if request_id is None:
        return Failure(kind=Kind.UNKNOWN, code="HTTP 200", message="accepted without a CheckoutRequestID")
    return PushAccepted(
        merchant_request_id=opaque_id(document.get("MerchantRequestID")) or "",
        checkout_request_id=request_id,
        description=words,
    )


def read_query(status: int, raw: bytes, *, headers: Mapping[str, str]) -> QueryAnswer | Failure:
    """The answer to a status query. "Not yet" has three shapes: 4999, "being processed", invalid id when too early."""
    document = read_object(raw) or {}
    code = text(document.get("ResultCode"), 24)
    if status == 200 and code:
        return QueryAnswer(
            meaning=meaning_of(code),
            result_code=code,
            result_text=text(document.get("ResultDesc")),
            checkout_request_id=opaque_id(document.get("CheckoutRequestID")) or "",
        )
    failure = sort_failure(status, raw, headers)
    if failure.kind is Kind.NO_SUCH_REQUEST:
        return QueryAnswer(meaning=Meaning.UNKNOWN, result_code=failure.code, result_text=failure.message)
    too_early = failure.code == "400.002.02" and "checkoutrequestid" in failure.message.lower()
    if failure.kind is Kind.PENDING or too_early:
        return QueryAnswer(meaning=Meaning.PENDING, result_code=failure.code, result_text=failure.message)
    return failure


def read_callback(raw: bytes) -> StkResult | Malformed:
    """An STK callback; items come in any order, numbers as numbers or text, the code sometimes as a word."""
    document = read_object(raw)
    if document is None:
        return Malformed("not a JSON object, or too large")
    callback = inner(document, "Body", "stkCallback")
    request_id = opaque_id(callback.get("CheckoutRequestID"))
    code = text(callback.get("ResultCode"), 24)
    if request_id is None or not code:
        return Malformed("no CheckoutRequestID or no ResultCode")
    items = _items(callback)
    return StkResult(
        meaning=meaning_of(code),
        result_code=code,
        result_text=text(callback.get("ResultDesc")),
        merchant_request_id=opaque_id(callback.get("MerchantRequestID")) or "",
        checkout_request_id=request_id,
        receipt=receipt(items.get("MpesaReceiptNumber")),
        amount=amount(items.get("Amount")),
        phone=text(items.get("PhoneNumber"), 40) or None,
        paid_at=moment(items.get("TransactionDate")),
    )


def _items(callback: JsonObject) -> dict[str, object]:
    """Name → Value. A name that comes twice with different values says nothing we could rely on, so it is left out."""
    listed = inner(callback, "CallbackMetadata").get("Item")
    rows = [as_object(row) for row in listed] if isinstance(listed, list) else [as_object(listed)]
    items: dict[str, object] = {}
    contradicted: set[str] = set()
    for row in rows:
        name = text((row or {}).get("Name"), 40)
        value = (row or {}).get("Value")
        if name in items and items[name] != value:
            contradicted.add(name)
        items.setdefault(name, value)
    return {name: value for name, value in items.items() if name not in contradicted}
