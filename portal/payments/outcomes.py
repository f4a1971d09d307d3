"""What may come of a piece of evidence or of money that came by itself. Pure."""

from enum import StrEnum

import msgspec


class Settled(StrEnum):
    """What came of it; kept on the callback's row."""

    SOLD = "sold"
    FAILED = "failed"
    OPEN = "open"
    KNOWN = "known"  # nothing new: a repeat, or late failure of a paid payment
    RECEIPT_ADDED = "receipt_added"
    EXTENDED = "extended"  # a second receipt for the same thing: its time was lengthened
    CREDITED = "credited"  # kept for the customer
    KEPT = "kept"  # a person decided that it is the merchant's own
    REFUNDING = "refunding"  # goes back to the payer
    UNDERPAID = "underpaid"  # too little so far: kept for this reference, the rest may follow
    WRONG_AMOUNT = "wrong_amount"
    WRONG_REQUEST = "wrong_request"
    RECEIPT_USED = "receipt_used"
    SUSPENSE = "suspense"  # nobody's yet: waits for a person
    TO_VERIFY = "to_verify"  # may be forged: the provider is asked first


class Taken(msgspec.Struct, frozen=True, kw_only=True):
    """What became of money that came by itself: it paid a payment, or waits in suspense; neither: it is to be verified."""

    settled: Settled
    payment_id: int | None = None
    suspense_id: int | None = None
