"""What is known about money, whatever road it came by. Pure values: `Evidence` is about a payment we asked for and is taken into
account by `payments.settle`; `Inbound` is money that came by itself and is taken in by `payments.take`."""

from datetime import datetime
from enum import StrEnum

import msgspec

from portal.money import DEFAULT_CURRENCY


class Outcome(StrEnum):
    """What a piece of evidence says."""

    PAID = "paid"
    FAILED = "failed"
    KEEP_WATCHING = "keep_watching"  # failed as far as known, but money may still come
    OPEN = "open"  # not yet, or a code nobody knows


class Road(StrEnum):
    """How we heard of money that came by itself."""

    C2B = "c2b"  # M-Pesa's confirmation
    STATUS = "status"  # M-Pesa's answer to a transaction status enquiry
    PULL = "pull"  # M-Pesa's list of the last 48 hours
    STATEMENT = "statement"  # the organisation's statement, imported
    CASH = "cash"  # over the counter
    MANUAL = "manual"  # the owner says so
    AIRTEL = "airtel"
    PAYSTACK = "paystack"


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


class Inbound(msgspec.Struct, frozen=True, kw_only=True):
    """Money that came by itself: somebody paid by hand, and we are told.

    `account_id` is the M-Pesa account whose shortcode took it; None on other rails, where `merchant_id` says whose keys proved
    it (None: the platform's). Nobody's name is taken from a message: whom the money is for is found by `reference`, as the
    payer typed it (M-Pesa lets 20 characters of anything through). `amount_cents` is exact, never rounded.
    `phone` is the payer's number in full (E.164 digits) where the road tells it; else `payer_hint` is what it tells: masked
    (C2B v2) or SHA-256 in hex (C2B v1). `is_trusted` False: it may be forged; nothing is credited before the provider was asked."""

    road: Road
    receipt: str
    amount_cents: int
    is_trusted: bool
    account_id: int | None = None
    merchant_id: int | None = None
    currency: str = DEFAULT_CURRENCY
    reference: str = ""
    phone: str | None = None
    payer_hint: str = ""
    payer_name: str = ""
    happened_at: datetime | None = None
