"""Evidence about a payment, whatever road it came by. Pure values; `payments.settle` takes it into account."""

from enum import StrEnum

import msgspec


class Outcome(StrEnum):
    """What a piece of evidence says."""

    PAID = "paid"
    FAILED = "failed"
    KEEP_WATCHING = "keep_watching"  # failed as far as known, but money may still come
    OPEN = "open"  # not yet, or a code nobody knows


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """What one message says about one payment. `amount_cents` None: this road does not tell (a status query)."""

    road: str
    payment_id: int
    outcome: Outcome
    result_code: str
    result_text: str = ""
    checkout_request_id: str | None = None
    receipt: str | None = None
    amount_cents: int | None = None
