"""Airtel Money's messages: bodies of requests, answers, callbacks. Pure.

Sources: Airtel Africa developer portal, Collection APIs: `POST /merchant/v1/payments/` (msisdn without the country code),
`GET /standard/v1/payments/{id}`, `POST /standard/v1/payments/refund`, "Callback" and "Callback with authentication" (a `hash`
beside `transaction`: HMAC-SHA256 of the payload under the app's private key, base64). No message tells an amount as
documented; some public clients report one. Which bytes are signed is not written down: see `is_signed`."""

import base64
import hashlib
import hmac
from collections.abc import Iterator, Mapping

import msgspec

from portal.airtel import codes
from portal.evidence import Outcome
from portal.money import AmountError, parse_amount
from portal.mpesa.loose_json import inner, read_object, text
from portal.rails.interface import (
    Accepted,
    Answer,
    Attempt,
    Later,
    Lost,
    Observation,
    Proof,
    Refund,
    Rejected,
    Returned,
    Started,
    Why,
)
from portal.rails.wire import Reply

#: Length of a subscriber's own number in the countries we know; what stands before it is the country's code.
_OWN_DIGITS = 9


class _Envelope(msgspec.Struct):
    transaction: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET


def push_body(attempt: Attempt, *, country: str) -> dict[str, object]:
    """A request to a phone. Whole units only: a fraction is refused by us, never rounded (ValueError)."""
    units, rest = divmod(attempt.amount_cents, 100)
    if rest:
        raise ValueError("Airtel Money takes whole amounts only")
    return {
        "reference": attempt.description[:64] or attempt.reference,
        "subscriber": {"country": country, "currency": attempt.currency, "msisdn": attempt.phone[-_OWN_DIGITS:]},
        "transaction": {"amount": units, "country": country, "currency": attempt.currency, "id": attempt.reference},
    }


def refund_body(receipt: str) -> dict[str, object]:
    """Give a payment back whole: Airtel takes its own id only, and no amount."""
    return {"transaction": {"airtel_money_id": receipt}}


def code_of(reply: Reply) -> str:
    """The response code of an answer; older products have it under `code`."""
    status = reply.part("status")
    return text(status.get("response_code"), 40) or text(status.get("code"), 40)


def said_by(reply: Reply) -> str:
    """Its words."""
    return (
        text(reply.part("status").get("message")) or text(reply.body.get("error_description")) or f"HTTP {reply.status}"
    )


def read_pushed(reply: Reply) -> Started:
    """What an answer to a push says. A 200 with a code nobody knows: it is there, or may be, and is asked about."""
    code, said = code_of(reply), said_by(reply)
    if reply.status == 429:
        return Later(retry_after=reply.retry_after, said=said)
    if reply.status == 0 or reply.status >= 500 or not reply.is_object:
        return Lost(said=said) if reply.was_sent else Later(retry_after=10, said="not sent")
    if code in codes.WHYS:
        return Rejected(why=codes.WHYS[code], said=f"{code} {said}")
    if reply.status >= 400:
        return Rejected(why=Why.OTHER, said=f"{code} {said}")
    return Accepted()


def read_enquiry(reply: Reply) -> Answer:
    """What an answer to "what became of it" says. A failure is worth its code only beside a known status."""
    found = reply.part("data", "transaction")
    status, code = text(found.get("status"), 12).upper(), code_of(reply)
    said = text(found.get("message")) or said_by(reply)
    if status == "" and code == codes.NOT_FOUND:
        return Answer(outcome=Outcome.OPEN, said=said, is_unknown=True)
    outcome = codes.STATUSES.get(status, Outcome.OPEN)
    receipt = text(found.get("airtel_money_id"), 32) or None
    if outcome is Outcome.PAID:
        return Answer(outcome=outcome, said=said, receipt=receipt, amount_cents=_amount(found))
    if outcome is Outcome.KEEP_WATCHING and code not in codes.OPEN_CODES:
        return Answer(outcome=outcome, why=codes.why_of(code, said), said=said)
    return Answer(outcome=Outcome.OPEN, said=said, is_unknown=code == codes.NOT_FOUND)


def read_callback(raw: bytes, *, key: str) -> list[Observation]:
    """What a callback says about one attempt; empty when it cannot be read. `key` "": this account's are not signed."""
    document = read_object(raw)
    found = inner(document, "transaction")
    reference, status = text(found.get("id"), 64), text(found.get("status_code"), 12).upper()
    if not reference or not status:
        return []
    said = text(found.get("message"))
    outcome = codes.STATUSES.get(status, Outcome.OPEN)
    receipt = text(found.get("airtel_money_id"), 32) or None
    if outcome is Outcome.PAID and receipt is None:
        outcome = Outcome.OPEN  # a success without its receipt proves nothing: asked about
    is_final = outcome is Outcome.KEEP_WATCHING
    return [
        Observation(
            reference=reference,
            proof=_proof(raw, text((document or {}).get("hash")), key),
            outcome=outcome,
            why=codes.why_of(text(found.get("code"), 40), said) if is_final else Why.NONE,
            said=said,
            receipt=receipt if outcome is Outcome.PAID else None,
            amount_cents=_amount(found),
            currency=text(found.get("currency"), 3),
        )
    ]


def _proof(raw: bytes, signature: str, key: str) -> Proof:
    if not key:
        return Proof.NONE
    return Proof.SIGNED if is_signed(raw, signature, key) else Proof.FORGED


def is_signed(raw: bytes, signature: str, key: str) -> bool:
    """Whether the hash is one only the key makes: over the `transaction` as it was sent, over an object of it alone, or over
    the whole message without its hash. Each needs the key, so trying all three gives nothing away."""
    return any(hmac.compare_digest(sign(part, key), signature) for part in _signed_parts(raw))


def sign(payload: bytes, key: str) -> str:
    """HMAC-SHA256 in base64, as Airtel writes it."""
    return base64.b64encode(hmac.digest(key.encode(), payload, hashlib.sha256)).decode()


def _signed_parts(raw: bytes) -> Iterator[bytes]:
    try:
        transaction = msgspec.json.decode(raw, type=_Envelope).transaction
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return
    if transaction is msgspec.UNSET:
        return
    as_sent = bytes(transaction)
    yield b'{"transaction":' + as_sent + b"}"
    yield as_sent
    document = read_object(raw)
    if document is not None:
        rest = {name: value for name, value in document.items() if name != "hash"}
        yield msgspec.json.encode(rest)


def read_refund(reply: Reply) -> Refund:
    """What became of a request to give money back. `success` is false in Airtel's own sample of a success: not looked at."""
    found = reply.part("data", "transaction")
    status, said = text(found.get("status"), 20).upper(), said_by(reply)
    if reply.status == 0:
        return Refund(state=Returned.UNKNOWN if reply.was_sent else Returned.LATER, said="no answer")
    if reply.status == 200 and status in ("SUCCESS", "TS"):
        return Refund(state=Returned.DONE, said=said, their_id=text(found.get("airtel_money_id"), 32) or None)
    if reply.status == 429:
        return Refund(state=Returned.LATER, said=said)
    if reply.status >= 500 or not reply.is_object:
        return Refund(state=Returned.UNKNOWN, said=said)
    if code_of(reply) in codes.OPEN_CODES - {codes.NOT_FOUND}:
        return Refund(state=Returned.UNKNOWN, said=said)
    return Refund(state=Returned.REFUSED, said=said)


def read_refund_enquiry(reply: Reply) -> Refund:
    """Whether a payment was given back, as far as its own enquiry tells. That it changes then is documented nowhere, and what it
    would be called neither: a success still called one therefore says nothing about a refund."""
    found = reply.part("data", "transaction")
    is_back = text(found.get("status"), 20).upper() in codes.GIVEN_BACK
    return Refund(
        state=Returned.DONE if is_back else Returned.UNKNOWN, said=text(found.get("message")) or said_by(reply)
    )


def _amount(found: Mapping[str, object]) -> int | None:
    """An amount where one is told; None also for one that is no amount, which then fits nothing."""
    told = found.get("amount")
    if told is None:
        return None
    try:
        return parse_amount(told)
    except AmountError:
        return 0
