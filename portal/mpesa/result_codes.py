"""What Daraja's ResultCodes mean for a payment. Pure table; what people are told about them is written elsewhere.

Source: Daraja documentation, M-Pesa Express, plus codes developers measured (marked seen or reported). Only the code
counts: the same 1037 carries different texts in a callback and in a query.
"""

from enum import StrEnum
from typing import NamedTuple


class Meaning(StrEnum):
    """What a result says. Only PAID is the end of it: success may follow any of the others."""

    PAID = "paid"
    FAILED_RETRY = "failed_retry"  # no money moved; the customer may try again
    KEEP_WATCHING = "keep_watching"  # failed as far as known, but late success was seen after these
    CONFIG = "config"  # our shortcode and transaction type do not fit: alarm
    PENDING = "pending"  # not decided yet: ask again later
    UNKNOWN = "unknown"  # a code nobody listed: stays open, alarm, never failed by itself


class ResultCode(NamedTuple):
    """`about` is for operators; `wait_s` how long the same push would only be refused again."""

    meaning: Meaning
    about: str
    wait_s: int = 0


RESULT_CODES = {
    "0": ResultCode(Meaning.PAID, "processed"),
    "1": ResultCode(Meaning.FAILED_RETRY, "balance insufficient"),
    "2": ResultCode(Meaning.FAILED_RETRY, "below the minimum amount"),
    "3": ResultCode(Meaning.FAILED_RETRY, "above the maximum amount"),
    "4": ResultCode(Meaning.FAILED_RETRY, "above the payer's daily limit"),
    "8": ResultCode(Meaning.FAILED_RETRY, "the receiving account would exceed its limit"),
    "17": ResultCode(Meaning.FAILED_RETRY, "rule limited: same amount to the same customer within two minutes", 120),
    "26": ResultCode(Meaning.FAILED_RETRY, "system too busy (reported)", 60),
    "1001": ResultCode(Meaning.FAILED_RETRY, "subscriber locked by another transaction (reported)", 120),
    "1019": ResultCode(Meaning.KEEP_WATCHING, "transaction expired"),
    "1025": ResultCode(Meaning.FAILED_RETRY, "the prompt could not be sent (text above 182 characters)"),
    "9999": ResultCode(Meaning.FAILED_RETRY, "the prompt could not be sent (reported)"),
    "1032": ResultCode(Meaning.FAILED_RETRY, "cancelled by the payer"),
    "1037": ResultCode(Meaning.KEEP_WATCHING, "no answer, or the phone could not be reached"),
    "2001": ResultCode(Meaning.FAILED_RETRY, "wrong PIN"),
    "2028": ResultCode(Meaning.CONFIG, "transaction type and receiver do not fit"),
    "SFC_IC0003": ResultCode(Meaning.CONFIG, "transaction type and receiver do not fit (seen)"),
    "8006": ResultCode(Meaning.FAILED_RETRY, "the payer's PIN is locked"),
    "4999": ResultCode(Meaning.PENDING, "still under processing (seen, query only)"),
    "E3008": ResultCode(Meaning.FAILED_RETRY, "the sandbox refuses real phone numbers (seen)"),
}
_UNLISTED = ResultCode(Meaning.UNKNOWN, "a code that is not in our table")


def result_code(code: str) -> ResultCode:
    """The row of a code; a row that means UNKNOWN for any that is not listed."""
    return RESULT_CODES.get(code, _UNLISTED)


def meaning_of(code: str) -> Meaning:
    return result_code(code).meaning
