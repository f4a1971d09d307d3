"""Airtel's status words and response codes, in the words of the core. Pure.

Source: Airtel Africa developer portal, Collection APIs (USSD push, transaction enquiry, refund), "Error codes" DP008…; the
same list is in many public clients. What a wallet's own limits are called differs between countries: taken together here."""

from portal.evidence import Outcome
from portal.rails.interface import Why

#: Of an enquiry (`status`) and of a callback (`status_code`). Unknown ones decide nothing.
STATUSES = {
    "TS": Outcome.PAID,
    "TF": Outcome.KEEP_WATCHING,  # failed as far as Airtel knows now: asked once more before it counts
    "TE": Outcome.KEEP_WATCHING,
    "TIP": Outcome.OPEN,
    "TA": Outcome.OPEN,
    "DP": Outcome.OPEN,
}
#: A payment that was given back may be called so; Airtel documents no name.
GIVEN_BACK = frozenset({"TR", "RF", "REFUNDED", "REVERSED"})
SUCCESS = "DP00800001001"
IN_PROCESS = "DP00800001006"
AMBIGUOUS = "DP00800001000"
NOT_FOUND = "DP00800001025"
ALREADY_USED = "DP00800001011"
#: Codes that say nothing final about the money.
OPEN_CODES = frozenset({AMBIGUOUS, IN_PROCESS, NOT_FOUND})

WHYS = {
    "DP00800001002": Why.WRONG_PIN,
    "DP00800001003": Why.LIMIT,
    "DP00800001004": Why.AMOUNT,
    "DP00800001005": Why.NO_ANSWER,  # "User didn't enter the pin"
    "DP00800001007": Why.NO_MONEY,
    "DP00800001008": Why.CANCELLED,  # "The transaction was refused"
    "DP00800001010": Why.NUMBER,
    "DP00800001024": Why.NO_ANSWER,
    "DP00800001026": Why.SETUP,  # "X-signature and payload did not match"
    "DP00800001029": Why.NO_ANSWER,  # "Transaction Expired"
}
#: What a callback says in words only: no code comes with it.
_WORDS = (
    ("insufficient", Why.NO_MONEY),
    ("not enough", Why.NO_MONEY),
    ("pin", Why.WRONG_PIN),
    ("limit", Why.LIMIT),
    ("expired", Why.NO_ANSWER),
    ("timed out", Why.NO_ANSWER),
    ("refused", Why.CANCELLED),
    ("cancel", Why.CANCELLED),
)


def why_of(code: str, words: str = "") -> Why:
    """Why nothing was paid: by code where there is one, else by the words. OTHER when neither is known."""
    if code in WHYS:
        return WHYS[code]
    folded = words.casefold()
    return next((why for part, why in _WORDS if part in folded), Why.OTHER)
