"""Paystack's messages: bodies of requests, answers, webhooks. Pure.

Sources: paystack.com/docs: "Accept payments" (redirect), "Verify payments" (statuses), "Webhooks" (`x-paystack-signature`:
HMAC-SHA512 of the raw body under the secret key, in hex), "Refunds"; API reference, Transaction. Amounts are in the
currency's subunit. A reference is ours: letters, digits and `-.=`; a second use of one is refused."""

import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal

from portal.evidence import Outcome
from portal.mpesa.loose_json import JsonObject, as_object, inner, read_object, text
from portal.rails.interface import Answer, Attempt, Observation, Proof, Refund, Returned, Why
from portal.rails.wire import Reply

#: Of a transaction. A failed one may be tried again by its payer, on the same page; an abandoned one was not begun yet.
STATUSES = {
    "success": Outcome.PAID,
    "failed": Outcome.KEEP_WATCHING,
    "reversed": Outcome.FAILED,
    "abandoned": Outcome.OPEN,
    "ongoing": Outcome.OPEN,
    "pending": Outcome.OPEN,
    "processing": Outcome.OPEN,
    "queued": Outcome.OPEN,
}
SIGNATURE_HEADER = "x-paystack-signature"
PAID_EVENT, FAILED_EVENT = "charge.success", "charge.failed"
_WORDS = (
    ("insufficient", Why.NO_MONEY),
    ("not enough", Why.NO_MONEY),
    ("incorrect pin", Why.WRONG_PIN),
    ("timed out", Why.NO_ANSWER),
    ("timeout", Why.NO_ANSWER),
    ("cancel", Why.CANCELLED),
    ("limit", Why.LIMIT),
    ("declined", Why.DECLINED),
)
_REFUNDS = {
    "processed": Returned.DONE,
    "pending": Returned.UNDER_WAY,
    "processing": Returned.UNDER_WAY,
    "needs-attention": Returned.UNDER_WAY,
    "failed": Returned.REFUSED,
}


def initialize_body(attempt: Attempt) -> dict[str, object]:
    """A new transaction with a page of its own, paid back to `return_url`."""
    return {
        "email": attempt.email,
        "amount": str(attempt.amount_cents),
        "currency": attempt.currency,
        "reference": attempt.reference,
        "callback_url": attempt.return_url,
        "metadata": {"cancel_action": attempt.return_url, "description": attempt.description[:80]},
    }


def said_by(reply: Reply) -> str:
    """Its words."""
    return text(reply.body.get("message")) or f"HTTP {reply.status}"


def read_verified(reply: Reply) -> Answer:
    """What an answer to "what became of it" says."""
    if reply.body.get("status") is not True:
        return Answer(outcome=Outcome.OPEN, said=said_by(reply), is_unknown="not found" in said_by(reply).casefold())
    seen = observed(reply.part("data"), Proof.ADDRESS)
    if seen is None:
        return Answer(outcome=Outcome.OPEN, said="unreadable")
    return Answer(
        outcome=seen.outcome, why=seen.why, said=seen.said, receipt=seen.receipt, amount_cents=seen.amount_cents,
        currency=seen.currency,
    )  # fmt: skip


def observed(data: JsonObject, proof: Proof) -> Observation | None:
    """What a transaction's object says; None when it names no reference of ours."""
    reference, status = text(data.get("reference"), 64), text(data.get("status"), 20).casefold()
    if not reference:
        return None
    outcome = STATUSES.get(status, Outcome.OPEN)
    receipt, cents = text(data.get("id"), 32) or None, _subunits(data.get("amount"))
    if outcome is Outcome.PAID and (receipt is None or cents is None):
        outcome = Outcome.OPEN  # a success that does not say what came in is asked about
    said = text(data.get("gateway_response")) or text(data.get("message"))
    is_failed = outcome in (Outcome.KEEP_WATCHING, Outcome.FAILED)
    is_paid = outcome is Outcome.PAID
    return Observation(
        reference=reference,
        proof=proof,
        outcome=outcome,
        why=why_of(said) if is_failed else Why.NONE,
        said=said,
        receipt=receipt if is_paid else None,
        amount_cents=cents if is_paid else None,
        currency=text(data.get("currency"), 3).upper(),
        happened_at=_moment(text(data.get("paid_at"), 40)),
    )


def why_of(words: str) -> Why:
    """Why nothing was paid, by the bank's words. DECLINED when they say nothing known: most often that is what it was."""
    folded = words.casefold()
    return next((why for part, why in _WORDS if part in folded), Why.DECLINED)


def read_webhook(raw: bytes, signature: str, *, key: str) -> list[Observation]:
    """What a webhook says about one transaction; empty for other events and for what cannot be read."""
    document = read_object(raw)
    if text((document or {}).get("event"), 40) not in (PAID_EVENT, FAILED_EVENT):
        return []
    proof = Proof.SIGNED if is_signed(raw, signature, key) else Proof.FORGED if signature else Proof.NONE
    seen = observed(inner(document, "data"), proof)
    return [seen] if seen else []


def is_signed(raw: bytes, signature: str, key: str) -> bool:
    """Whether the signature is the key's, over exactly these bytes."""
    return hmac.compare_digest(sign(raw, key), signature.strip().casefold())


def sign(raw: bytes, key: str) -> str:
    """HMAC-SHA512 in hex, as Paystack writes it."""
    return hmac.digest(key.encode(), raw, hashlib.sha512).hex()


def read_listed(reply: Reply) -> list[Observation]:
    """The transactions of one page of a list."""
    rows = reply.body.get("data")
    seen = [observed(as_object(row) or {}, Proof.ADDRESS) for row in rows] if isinstance(rows, list) else []
    return [one for one in seen if one is not None]


def read_refund(reply: Reply) -> Refund:
    """What became of a request to give money back."""
    said = said_by(reply)
    if reply.status == 0:
        return Refund(state=Returned.UNKNOWN if reply.was_sent else Returned.LATER, said="no answer")
    if reply.status == 429:
        return Refund(state=Returned.LATER, said=said)
    if reply.status >= 500 or not reply.is_object:
        return Refund(state=Returned.UNKNOWN, said=said)
    if reply.body.get("status") is not True:
        if "already" in said.casefold() and "revers" in said.casefold():
            return Refund(state=Returned.DONE, said=said)  # "Transaction has been fully reversed"
        return Refund(state=Returned.REFUSED, said=said)
    data = reply.part("data")
    state = _REFUNDS.get(text(data.get("status"), 20), Returned.UNDER_WAY)
    return Refund(state=state, said=said, their_id=text(data.get("id"), 32) or None)


def read_refund_list(reply: Reply, *, amount_cents: int) -> Refund:
    """What became of giving so much of a transaction back: the newest of its refunds that did not fail, or that it failed."""
    rows = reply.body.get("data")
    found = [row for row in map(as_object, rows) if row] if isinstance(rows, list) else []
    ours = [row for row in found if _subunits(row.get("amount")) == amount_cents]
    states = [_REFUNDS.get(text(row.get("status"), 20), Returned.UNDER_WAY) for row in ours]
    for wanted in (Returned.DONE, Returned.UNDER_WAY, Returned.REFUSED):
        if wanted in states:
            row = ours[states.index(wanted)]
            return Refund(state=wanted, said=text(row.get("status"), 20), their_id=text(row.get("id"), 32) or None)
    # Of another amount, and none of ours: somebody gave a part back by hand. That is for a person.
    return Refund(state=Returned.UNKNOWN if found else Returned.LATER, said="another amount" if found else "none")


def refund_told(raw: bytes) -> str:
    """The reference of the payment a webhook about a refund names; "" for everything else. It only says what to ask about."""
    document = read_object(raw)
    if not text((document or {}).get("event"), 40).startswith("refund."):
        return ""
    data = inner(document, "data")
    return text(data.get("transaction_reference"), 64) or text(inner(data, "transaction").get("reference"), 64)


def _subunits(value: object) -> int | None:
    """A whole number of cents, however JSON writes it; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | str | Decimal):
        return None
    digits = text(value, 16)
    return int(digits) if digits.isascii() and digits.isdecimal() else None


def _moment(written: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(written)
    except ValueError:
        return None
    return found if found.tzinfo else None


def header_of(headers: Mapping[str, str]) -> str:
    """The signature among a request's headers."""
    return headers.get(SIGNATURE_HEADER, "")
