"""C2B: money a payer sends to a paybill or till by hand. Registering addresses, simulating, validation, confirmation. Pure.

Source: Daraja documentation, Customer To Business and its Register URL page. Nothing read here can raise.
"""

import hashlib
import re
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

import msgspec

from portal.mpesa.callback_urls import is_callback_url
from portal.mpesa.credentials import MpesaApp, TransactionType
from portal.mpesa.fields import amount, cents_of, moment, opaque_id, receipt, require, shillings_of
from portal.mpesa.loose_json import read_object, text
from portal.mpesa.messages import Malformed
from portal.mpesa.refusals import Failure, Kind, sort_failure
from portal.phones import is_stored_form

VERSIONS = ("v1", "v2")
#: What M-Pesa does with a payment our validation does not answer for in about 8 s; in sentence case, or it is refused.
RESPONSE_TYPES = ("Completed", "Cancelled")
_LONGEST_REFERENCE = 20


class Validation(StrEnum):
    """Our answers to a validation request; all but ACCEPT refuse the payment and choose the payer's SMS."""

    ACCEPT = "0"
    BAD_PHONE = "C2B00011"
    BAD_ACCOUNT = "C2B00012"
    BAD_AMOUNT = "C2B00013"
    BAD_NAME = "C2B00014"
    BAD_SHORTCODE = "C2B00015"
    OTHER = "C2B00016"


class Payer(msgspec.Struct, frozen=True, kw_only=True):
    """Who paid, as far as M-Pesa tells: a hint for matching, never a proof.

    `kind` is full (12 digits), masked (v2: digits with asterisks, no spaces), hashed (v1: SHA-256 in hex) or none.
    """

    kind: str = "none"
    text: str = ""

    def fits(self, phone: str) -> bool | None:
        """Whether this can be `phone` (E.164 digits); None when the hint says nothing."""
        match self.kind:
            case "full":
                return self.text == phone
            case "hashed":
                return hashlib.sha256(phone.encode()).hexdigest() == self.text
            case "masked":
                head, tail = self.text.split("*", 1)[0], self.text.rsplit("*", 1)[1]
                return phone.startswith(head) and phone.endswith(tail)
            case _:
                return None


class Confirmation(msgspec.Struct, frozen=True, kw_only=True):
    """A validation or confirmation, which have one shape. Nothing in it proves that Safaricom sent it.

    `reference` is what the payer typed, as it came, up to 40 characters ("" for a till); `amount` what stood there, exact;
    `paid_at` is UTC; names may all be blank; `org_balance` is blank in a validation.
    """

    receipt: str
    amount: Decimal
    shortcode: str
    reference: str = ""
    transaction_type: str = ""
    payer: Payer = Payer()
    payer_name: str = ""
    paid_at: datetime | None = None
    third_party_id: str = ""
    invoice_number: str = ""
    org_balance: str = ""

    @property
    def amount_cents(self) -> int | None:
        """None when it is not a whole number of cents."""
        return cents_of(self.amount)


class Registered(msgspec.Struct, frozen=True, kw_only=True):
    """Daraja took the addresses, or the simulated payment. The id is spelled `OriginatorCoversationID` on the wire."""

    originator_conversation_id: str = ""
    description: str = ""


def register_path(version: str) -> str:
    """Which version works depends on the app's product; v1 hashes the payer's number, v2 masks it."""
    require(version in VERSIONS, "Version")
    return f"/mpesa/c2b/{version}/registerurl"


def register_body(app: MpesaApp, *, response_type: str, confirmation_url: str, validation_url: str) -> dict[str, str]:
    """The JSON that registers our addresses; MpesaRefused, before anything is sent, for what Daraja would refuse."""
    require(response_type in RESPONSE_TYPES, "ResponseType")
    require(is_callback_url(confirmation_url), "ConfirmationURL")
    require(is_callback_url(validation_url), "ValidationURL")
    return {
        "ShortCode": app.shortcode,
        "ResponseType": response_type,
        "ConfirmationURL": confirmation_url,
        "ValidationURL": validation_url,
    }


def simulate_body(app: MpesaApp, *, phone: str, amount_cents: int, reference: str) -> dict[str, str | int | None]:
    """The JSON of a made-up payment, sandbox only; a till takes no reference."""
    require(app.environment != "production", "Environment")
    require(is_stored_form(phone), "Msisdn")
    is_till = app.transaction_type is TransactionType.BUY_GOODS
    require(is_till or 0 < len(reference) <= _LONGEST_REFERENCE, "BillRefNumber")
    return {
        "ShortCode": app.receiver,
        "CommandID": app.transaction_type.value,
        "Amount": shillings_of(amount_cents),
        "Msisdn": phone,
        "BillRefNumber": None if is_till else reference,
    }


def read_registered(status: int, raw: bytes, *, headers: Mapping[str, str]) -> Registered | Failure:
    """The answer to both. A second registering in production is a Failure of kind ALREADY."""
    document = read_object(raw) or {}
    code = text(document.get("ResponseCode"), 40)
    if status != 200 or not code:
        return sort_failure(status, raw, headers)
    words = text(document.get("ResponseDescription"))
    if code.strip("0"):
        return Failure(kind=Kind.REFUSED, code=code, message=words)
    spelled = document.get("OriginatorCoversationID", document.get("OriginatorConversationID"))
    return Registered(originator_conversation_id=opaque_id(spelled) or "", description=words)


def read_confirmation(raw: bytes) -> Confirmation | Malformed:
    """A validation or confirmation. Every field is text on the wire; numbers are taken as well."""
    document = read_object(raw)
    if document is None:
        return Malformed("not a JSON object, or too large")
    found = receipt(document.get("TransID"))
    paid = amount(document.get("TransAmount"))
    if found is None or paid is None:
        return Malformed("no TransID or no TransAmount")
    names = (text(document.get(name), 40) for name in ("FirstName", "MiddleName", "LastName"))
    return Confirmation(
        receipt=found,
        amount=paid,
        shortcode=text(document.get("BusinessShortCode"), 20),
        reference=text(document.get("BillRefNumber"), 40),
        transaction_type=text(document.get("TransactionType"), 40),
        payer=read_payer(document.get("MSISDN")),
        payer_name=" ".join(" ".join(names).split()),
        paid_at=moment(document.get("TransTime")),
        third_party_id=text(document.get("ThirdPartyTransID"), 64),
        invoice_number=text(document.get("InvoiceNumber"), 64),
        org_balance=text(document.get("OrgAccountBalance"), 40),
    )


def read_payer(value: object) -> Payer:
    """A payer's number in any of its disguises."""
    found = text(value, 80).replace(" ", "").removeprefix("+")
    if re.fullmatch(r"[0-9a-fA-F]{56,64}", found):
        return Payer(kind="hashed", text=found.lower())
    if re.fullmatch(r"[0-9]{0,10}\*[0-9*]{0,20}", found):
        return Payer(kind="masked", text=found)
    if re.fullmatch(r"0?[17][0-9]{8}", found):
        return Payer(kind="full", text=f"254{found[-9:]}")
    if re.fullmatch(r"[1-9][0-9]{7,14}", found):
        return Payer(kind="full", text=found)
    return Payer()


def validation_answer(verdict: Validation, *, third_party_id: str = "") -> dict[str, str]:
    """What we answer to a validation request; `third_party_id` comes back in the confirmation."""
    answer = {"ResultCode": verdict.value, "ResultDesc": "Accepted" if verdict is Validation.ACCEPT else "Rejected"}
    return answer | {"ThirdPartyTransID": third_party_id} if third_party_id else answer


#: What we answer to a confirmation, whatever we think of it: a refused one does not come back.
CONFIRMED: Mapping[str, str | int] = {"ResultCode": 0, "ResultDesc": "Success"}
