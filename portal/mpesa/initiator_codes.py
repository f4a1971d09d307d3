"""What the codes of asynchronous requests mean: status, reversal, B2C, balance. Pure table; what people are told is in sentences.

Source: Daraja documentation, result codes of Reversal, B2C, Transaction Status, and the error codes of Account Balance, which
also come as ResponseCode of the first answer. The same number means something else for an STK push: see result_codes.
"""

from enum import StrEnum


class Verdict(StrEnum):
    """What became of a request."""

    DONE = "done"
    ALREADY = "already"  # was done before: by us, whose answer was lost, or by a person in the portal
    FAILED = "failed"  # nothing moved; the same request would fail again unless something changes
    SETUP = "setup"  # nothing moved; a person must repair the initiator, its role or the shortcode
    BUSY = "busy"  # nothing moved; ask again later
    UNKNOWN = "unknown"  # a code nobody listed, or one that leaves it open: ask, never repeat


class Verb(StrEnum):
    """What was asked for."""

    STATUS = "status"
    REVERSAL = "reversal"
    B2C = "b2c"
    BALANCE = "balance"


_V = Verdict
CODES = {
    "0": _V.DONE,
    "1": _V.FAILED,  # our balance is insufficient
    "2": _V.FAILED,  # below the minimum amount
    "3": _V.FAILED,  # above the maximum amount
    "4": _V.FAILED,  # daily limit, usually the receiver's
    "8": _V.FAILED,  # the receiver's balance would exceed its limit
    "11": _V.SETUP,  # our shortcode is not active
    "15": _V.ALREADY,  # an OriginatorConversationID seen before
    "17": _V.UNKNOWN,  # internal failure, not identified
    "18": _V.SETUP,  # initiator's password wrong or wrongly encrypted
    "19": _V.UNKNOWN,  # message sequencing
    "20": _V.SETUP,  # initiator not found
    "21": _V.SETUP,  # initiator lacks the role
    "22": _V.SETUP,  # initiator not active
    "24": _V.FAILED,  # fields missing
    "25": _V.FAILED,  # fields wrong
    "26": _V.BUSY,  # traffic blocking
    "29": _V.FAILED,  # no such command
    "2001": _V.SETUP,  # initiator's name, password or certificate wrong
    "2006": _V.SETUP,  # our account's status does not allow it
    "2028": _V.SETUP,  # our shortcode is not permitted to do this
    "2040": _V.FAILED,  # the receiver is not registered with M-Pesa
    "8006": _V.SETUP,  # initiator's password locked
    "R000001": _V.ALREADY,  # reversed before
    "R000002": _V.FAILED,  # no such receipt
    "SFC_IC0003": _V.SETUP,  # operator does not exist
    "100000000": _V.UNKNOWN,  # cached, waiting to be sent again
    "100000001": _V.BUSY,  # overload
    "100000002": _V.BUSY,  # throttled
    "100000004": _V.UNKNOWN,  # internal error
    "100000005": _V.FAILED,  # invalid value
    "100000007": _V.UNKNOWN,  # service's status abnormal
    "100000009": _V.UNKNOWN,  # API's status abnormal
    "100000010": _V.SETUP,  # insufficient permissions
    "100000011": _V.BUSY,  # too many requests
}
#: The same code, for one verb only: a B2C to a number that is not on M-Pesa.
_BY_VERB = {(Verb.B2C, "SFC_IC0003"): _V.FAILED}


def verdict_of(verb: Verb | None, code: str) -> Verdict:
    """The meaning of a ResultCode or ResponseCode; UNKNOWN for one that is not listed."""
    if verb is not None and (verb, code) in _BY_VERB:
        return _BY_VERB[verb, code]
    return CODES.get(code, Verdict.UNKNOWN)
