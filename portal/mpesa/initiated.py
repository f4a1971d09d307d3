"""Requests an initiator signs: status, reversal, B2C, balance. Building them, and reading the first answer. Pure.

The outcome comes later, to a ResultURL: see results. Source: Daraja documentation, the request body of each API; where a
sample and its table differ ("Command ID"), the table is right. The misspelt names are Daraja's.
"""

import re
from collections.abc import Mapping
from enum import StrEnum

import msgspec

from portal.mpesa.callback_urls import is_callback_url
from portal.mpesa.credentials import MpesaApp
from portal.mpesa.fields import opaque_id, plain, receipt, require, shillings_of
from portal.mpesa.initiator_codes import Verb, Verdict, verdict_of
from portal.mpesa.loose_json import read_object, text
from portal.mpesa.refusals import Failure, Kind, sort_failure
from portal.phones import is_stored_form

PATHS = {
    Verb.STATUS: "/mpesa/transactionstatus/v1/query",
    Verb.REVERSAL: "/mpesa/reversal/v1/request",
    Verb.B2C: "/mpesa/b2c/v3/paymentrequest",
    Verb.BALANCE: "/mpesa/accountbalance/v1/query",
}
#: The smallest B2C payment, in shillings.
LEAST_B2C_SHILLINGS = 10
_ORGANISATION, _REVERSED_AT = "4", "11"
_REMARKS = 100

Body = dict[str, str | int]


class PayoutKind(StrEnum):
    """What the receiver's SMS calls it."""

    BUSINESS = "BusinessPayment"
    SALARY = "SalaryPayment"
    PROMOTION = "PromotionPayment"


class ResultUrls(msgspec.Struct, frozen=True, kw_only=True):
    """Where the outcome of one request comes to; unguessable, and made for this request only."""

    result: str
    timeout: str


class Ack(msgspec.Struct, frozen=True, kw_only=True):
    """Daraja took the request; it does not say that anything was done. `is_repeat`: it had taken it before."""

    originator_conversation_id: str
    conversation_id: str = ""
    description: str = ""
    is_repeat: bool = False


def status_body(app: MpesaApp, credential: str, *, about: str, urls: ResultUrls, remarks: str = "Status") -> Body:
    """The JSON that asks what became of a transaction, by its receipt or by its OriginatorConversationID, never by our reference."""
    by_receipt = receipt(about) if re.fullmatch(r"[A-Za-z0-9]{8,12}", about) else None
    require(by_receipt or opaque_id(about), "TransactionID")
    named = {"TransactionID": by_receipt} if by_receipt else {"OriginalConversationID": about}
    return _signed(app, credential, command="TransactionStatusQuery", urls=urls, remarks=remarks) | named | _asking(app)


def balance_body(app: MpesaApp, credential: str, *, urls: ResultUrls) -> Body:
    """The JSON that asks for the balances of the shortcode's accounts."""
    return _signed(app, credential, command="AccountBalance", urls=urls, remarks="Balance") | _asking(app)


def reversal_body(
    app: MpesaApp, credential: str, *, transaction: str, amount_cents: int, urls: ResultUrls, remarks: str
) -> Body:
    """The JSON that takes a payment back. C2B and STK payments only."""
    found = receipt(transaction)
    require(found, "TransactionID")
    return _signed(app, credential, command="TransactionReversal", urls=urls, remarks=remarks) | {
        "TransactionID": found or "",
        "Amount": str(shillings_of(amount_cents)),
        "ReceiverParty": app.shortcode,
        "RecieverIdentifierType": _REVERSED_AT,
    }


def b2c_body(
    app: MpesaApp, credential: str, *, our_id: str, phone: str, amount_cents: int, kind: PayoutKind, urls: ResultUrls,
    remarks: str, occasion: str = "",
) -> Body:  # fmt: skip
    """The JSON of a payment to a person. `our_id` is the OriginatorConversationID: M-Pesa pays it once, however often it is sent."""
    require(re.fullmatch(r"[A-Za-z0-9_-]{1,64}", our_id), "OriginatorConversationID")
    require(is_stored_form(phone), "PartyB")
    shillings = shillings_of(amount_cents)
    require(shillings >= LEAST_B2C_SHILLINGS, "Amount")
    body = _signed(app, credential, command=kind.value, urls=urls, remarks=remarks)
    # Here, and only here, the initiator's field has another name.
    body["InitiatorName"] = body.pop("Initiator")
    body |= {
        "OriginatorConversationID": our_id,
        "Amount": str(shillings),
        "PartyA": app.b2c_shortcode or app.shortcode,
        "PartyB": phone,
    }
    return body | {"Occassion": plain(occasion, _REMARKS, otherwise="")} if occasion else body


def _signed(app: MpesaApp, credential: str, *, command: str, urls: ResultUrls, remarks: str) -> Body:
    require(is_callback_url(urls.result), "ResultURL")
    require(is_callback_url(urls.timeout), "QueueTimeOutURL")
    assert app.initiator is not None  # the credential was made from it
    words = plain(remarks, _REMARKS, otherwise="OK")
    return {
        "Initiator": app.initiator.name,
        "SecurityCredential": credential,
        "CommandID": command,
        "Remarks": words if len(words) > 1 else "OK",
        "ResultURL": urls.result,
        "QueueTimeOutURL": urls.timeout,
    }


def _asking(app: MpesaApp) -> Body:
    return {"PartyA": app.shortcode, "IdentifierType": _ORGANISATION}


_KIND_OF = {
    Verdict.SETUP: Kind.CONFIG,
    Verdict.FAILED: Kind.REFUSED,
    Verdict.BUSY: Kind.BUSY,
    Verdict.ALREADY: Kind.ALREADY,
}


def read_ack(status: int, raw: bytes, *, headers: Mapping[str, str], verb: Verb) -> Ack | Failure:
    """The first answer. A ResponseCode nobody listed leaves it open whether the request was taken."""
    document = read_object(raw) or {}
    code = text(document.get("ResponseCode"), 40)
    if status != 200 or not code:
        return sort_failure(status, raw, headers)
    words = text(document.get("ResponseDescription"))
    verdict = verdict_of(verb, code)
    if verdict is not Verdict.DONE:
        return Failure(kind=_KIND_OF.get(verdict, Kind.UNKNOWN), code=code, message=words)
    theirs = opaque_id(document.get("OriginatorConversationID"))
    conversation = opaque_id(document.get("ConversationID"))
    if theirs is None and conversation is None:
        return Failure(kind=Kind.UNKNOWN, code="HTTP 200", message="accepted without an id")
    return Ack(originator_conversation_id=theirs or "", conversation_id=conversation or "", description=words)
