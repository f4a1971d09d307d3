"""What merchants are told about every code of Daraja, with the next step. Pure.

A code means different things by what was asked: `of_refusal` for a request that was not taken, `of_push` for the outcome of a
push, `of_result` for a status, reversal, payout or balance. What customers read of a push that came to nothing is in
portal.captive.failures; Daraja's own words are never shown to them. Source of the codes: Daraja documentation.
"""

from typing import TypeVar

from portal.errors import MpesaError
from portal.mpesa.initiator_codes import Verb
from portal.msgid import N_

E = TypeVar("E", bound=MpesaError)


CONTESTED = N_(
    "M-Pesa turned our access down twice. Another program uses the same keys: on the developer portal, make an app for each."
)
_PRODUCT = N_(
    "Your Daraja app may not do this. On the developer portal, add the product to the app, or go live with it."
)
_ADDRESS = N_("M-Pesa does not know what we asked for. Check the environment, and which version of C2B your app has.")
_FORM = N_(
    "M-Pesa did not understand our request. This is a fault of this program: please report the words in brackets."
)
_FIELD = N_(
    "M-Pesa did not accept part of the request. Check number and amount; if they are right, report the words in brackets."
)
_KEYS = N_(
    "The consumer key or secret is wrong, or of the other environment. Copy both again from your app on the developer portal."
)
_SHORTCODE = N_(
    "M-Pesa does not know this shortcode for your app. For a till, enter the store number of the go-live mail."
)
_PASSKEY = N_("The passkey does not fit the shortcode. Copy it again from the go-live mail.")
_PROMPT = N_("The customer's phone already shows a request. A new one can be sent in a minute.")
_UNDECIDED = N_("M-Pesa has not decided yet. We ask again by ourselves.")
_NO_SUCH = N_("M-Pesa does not find this request. We keep asking; a late payment is still counted.")
_FAULT = N_("M-Pesa had a fault. What became of the request is not known yet; we ask again by ourselves.")
_REGISTERED = N_(
    "M-Pesa has addresses for this shortcode and takes them only once. Delete them on the developer portal under Self Services, "
    "URL Management, then register again."
)
_OLD_PLATFORM = N_(
    "The shortcode is still registered on Safaricom's old platform. Ask apisupport@safaricom.co.ke to delete its addresses there, "
    "then register again."
)
_TAKEN = N_("M-Pesa has taken this payout before. It is not paid twice; we ask what became of it.")
_MAINTENANCE = N_("M-Pesa is being maintained. We try again by ourselves.")
_BUSY = N_("M-Pesa is busy. We try again by ourselves.")
_SLOWER = N_(
    "M-Pesa asks us to go slower. We try again by ourselves; check that M-Pesa can reach this server from the internet."
)
_QUOTA = N_(
    "Your app's quota at M-Pesa is used up. We try again later; ask apisupport@safaricom.co.ke for more if this comes back."
)
_NO_PULL = N_("The shortcode is not registered for Pull. Register it first, with the phone number of its papers.")
_ROLE = N_(
    "The API user may not do this. On the M-Pesa portal, the business administrator gives it the role, then try again."
)
_INITIATOR = N_(
    "The API user's name, password or certificate is wrong. Enter all three again; M-Pesa locks the password after a few tries."
)
_NOT_ACTIVE = N_("The shortcode's account is not active. Ask M-PESABusiness@safaricom.co.ke to activate it.")
_NOT_ALLOWED = N_("The shortcode may not do this. Ask Safaricom to allow it, or enter a shortcode that may pay out.")

#: Requests that were not taken: code, a part of Daraja's words in lower case (or ""), what to say. The first that fits counts.
REFUSALS: tuple[tuple[str, str, str], ...] = (
    ("401.003.01", "apiproduct", _PRODUCT),
    *((code, "", CONTESTED) for code in (
        "404.001.03", "401.002.01", "400.003.01", "401.003.01", "401.001",
    )),
    *((code, "", _ADDRESS) for code in ("404.001.01", "404.002.01", "404.003.01")),
    *((code, "", _FORM) for code in (
        "404.001.04", "405.001", "400.002.05", "400.003.02", "400.008.01", "400.008.02",
    )),
    ("400.002.02", "", _FIELD),
    ("not sent", "", _FIELD),
    ("HTTP 400", "", _KEYS),
    ("HTTP 401", "", _KEYS),
    ("HTTP 403", "", _KEYS),
    ("500.001.1001", "merchant does not exist", _SHORTCODE),
    ("500.001.1001", "wrong credentials", _PASSKEY),
    ("500.001.1001", "lock subscriber", _PROMPT),
    ("500.001.1001", "being processed", _UNDECIDED),
    ("500.001.1001", "does not exist", _NO_SUCH),
    ("500.001.1001", "", _FAULT),
    ("500.002.1001", "duplicate", _TAKEN),
    ("500.002.1001", "maintenance", _MAINTENANCE),
    ("500.002.1001", "", _FAULT),
    ("500.003.1001", "already registered", _REGISTERED),
    ("500.003.1001", "duplicate notification", _OLD_PLATFORM),
    ("500.003.1001", "", _FAULT),
    ("00.002.1001", "", _MAINTENANCE),
    ("500.003.02", "spike", _SLOWER),
    ("500.003.02", "", _BUSY),
    ("500.003.03", "", _QUOTA),
    ("policies.ratelimit.SpikeArrestViolation", "", _SLOWER),
    ("policies.ratelimit.QuotaViolation", "", _QUOTA),
    ("HTTP 429", "", _SLOWER),
    ("400.001", "", _NO_PULL),
)  # fmt: skip

_LIMIT = N_("The customer's M-Pesa limit is reached. They can pay with another number or choose a smaller package.")
_PAIRING = N_("Paybill and till are mixed up. Check the kind of account, the shortcode and the till number.")
_UNREACHED = N_("The phone did not answer in time. The customer can try again; a late payment is still counted.")
_UNSENT = N_("M-Pesa could not send the request to the phone. The customer can try again.")
#: Outcomes of a push, for the merchant.
PUSHES = {
    "0": N_("Paid."),
    "1": N_("The customer had not enough money in M-Pesa. They can top up and try again."),
    "2": N_("The price is below what M-Pesa takes. Set a price of KES 1 or more."),
    "3": N_("The price is above what M-Pesa takes at once. Set a price of KES 250,000 or less."),
    "4": _LIMIT,
    "8": N_(
        "Your M-Pesa account is too full to receive this. Withdraw money from it, then let the customer try again."
    ),
    "17": N_(
        "M-Pesa refuses the same amount from one phone twice within two minutes. The customer can try again after that."
    ),
    "26": N_("M-Pesa was too busy. The customer can try again in a minute."),
    "1001": N_("The customer's phone was busy with another payment. They can try again in two minutes."),
    "1019": _UNREACHED,
    "1025": _UNSENT,
    "9999": _UNSENT,
    "1032": N_("The customer cancelled. They can try again."),
    "1037": _UNREACHED,
    "2001": N_("The customer's PIN was wrong. They can try again."),
    "2028": _PAIRING,
    "SFC_IC0003": _PAIRING,
    "8006": N_("The customer's M-Pesa PIN is locked. They can call 100 or 234, or pay with another number."),
    "4999": _UNDECIDED,
    "E3008": N_("The sandbox takes no real phone numbers. Use 254708374149, or go live."),
}
_UNLISTED = N_("M-Pesa gave an answer nobody knows. It stays open; look at it, and ask M-Pesa.")

#: Outcomes of what an initiator asked for.
RESULTS = {
    "0": N_("Done."),
    "1": N_("There is not enough money on the account that pays. Move some to the utility account, then try again."),
    "2": N_("The amount is below what M-Pesa pays out. Wait until there is more."),
    "3": N_("The amount is above what M-Pesa pays at once. Split it into parts of up to KES 250,000."),
    "4": N_("The receiver's M-Pesa limit of today is reached. Try again tomorrow, or to another number."),
    "8": N_("The receiver's M-Pesa account is too full. Try again later, or to another number."),
    "11": _NOT_ACTIVE,
    "15": _TAKEN,
    "17": _FAULT,
    "18": _INITIATOR,
    "19": _FAULT,
    "20": _INITIATOR,
    "21": _ROLE,
    "22": N_("The API user is not active. On the M-Pesa portal, a business manager sets its password, then try again."),
    "24": _FORM,
    "25": _FORM,
    "26": _BUSY,
    "29": _FORM,
    "2001": _INITIATOR,
    "2006": _NOT_ACTIVE,
    "2028": _NOT_ALLOWED,
    "2040": N_("The receiver is not registered with M-Pesa. Use another number."),
    "8006": N_(
        "The API user's password is locked. The business administrator unlocks it on the M-Pesa portal; enter the right one here."
    ),
    "R000001": N_("This payment was given back before. Nothing is left to do."),
    "R000002": N_("M-Pesa does not know this receipt. Check it, and that it was paid to this shortcode."),
    "SFC_IC0003": _INITIATOR,
    "100000000": _FAULT,
    "100000001": _BUSY,
    "100000002": _SLOWER,
    "100000004": _FAULT,
    "100000005": _FORM,
    "100000007": _FAULT,
    "100000009": _FAULT,
    "100000010": _ROLE,
    "100000011": _SLOWER,
    "timeout": N_("M-Pesa did not get to it in time. We ask what became of it."),
}
_BY_VERB = {
    (Verb.B2C, "SFC_IC0003"): N_("This number is not on M-Pesa. Use another number."),
}
#: Our own refusals of a payment by hand, which M-Pesa tells the payer by SMS.
VALIDATIONS = {
    "C2B00011": N_("Refused: payments from this number are not taken."),
    "C2B00012": N_("Refused: nobody knows the account number."),
    "C2B00013": N_("Refused: the amount is not the price."),
    "C2B00014": N_("Refused: the payer's name is not accepted."),
    "C2B00015": N_("Refused: the shortcode is not ours."),
    "C2B00016": N_("Refused for another reason."),
}


def of_refusal(code: str, said: str = "") -> str | None:
    """About a request that was not taken; None for a code that is not listed."""
    said = said.lower()
    return next((words for known, part, words in REFUSALS if known == code and part in said), None)


def of_push(code: str) -> str:
    """About the outcome of a push, for the merchant."""
    return PUSHES.get(code, _UNLISTED)


def of_result(verb: Verb | None, code: str) -> str:
    """About the outcome of a status, reversal, payout or balance."""
    if verb is not None and (verb, code) in _BY_VERB:
        return _BY_VERB[verb, code]
    return RESULTS.get(code, _UNLISTED)


def with_words(error: E, verb: str) -> E:
    """The same error, its message the merchant's sentence where there is one for its code."""
    words = of_refusal(error.code, error.provider_message)
    if words is None and verb in set(Verb) and error.code in RESULTS:
        words = of_result(Verb(verb), error.code)
    if words is not None:
        error.message = words
    return error
