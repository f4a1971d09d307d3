"""The SMS a payer gets, in the shapes of real M-PESA messages: English and Swahili. Pure; who gets one is wallets.py.

English from published samples of 2025 and 2026; the Swahili wording is pieced together from parsers of such messages.
"""

from datetime import datetime
from typing import Literal

from portal.mpesa.simulator.ids import EAT
from portal.mpesa.simulator.records import LedgerRow, Phone, Shortcode

DAY_LIMIT_CENTS = 50_000_000

_REJECTIONS: dict[str, dict[str, str]] = {
    "C2B00011": {"en": "the phone number is not accepted", "sw": "nambari ya simu haikubaliki"},
    "C2B00012": {"en": "the account number is invalid", "sw": "nambari ya akaunti si sahihi"},
    "C2B00013": {"en": "the amount is invalid", "sw": "kiasi si sahihi"},
    "C2B00014": {"en": "your details are not accepted", "sw": "maelezo yako hayakubaliki"},
    "C2B00015": {"en": "the business number is invalid", "sw": "nambari ya biashara si sahihi"},
}
_OTHER = {"en": "the business cannot take it now", "sw": "biashara haiwezi kuipokea sasa"}
_FAILURES: dict[str, dict[str, str]] = {
    "1": {
        "en": "Failed. You do not have enough money in your M-PESA account.",
        "sw": "Imeshindikana. Huna pesa za kutosha katika akaunti yako ya M-PESA.",
    },
    "4": {
        "en": "Failed. This would pass your daily M-PESA limit.",
        "sw": "Imeshindikana. Umefikisha kiwango cha M-PESA cha siku.",
    },
    "2001": {
        "en": "You have entered the wrong PIN. Please try again.",
        "sw": "Umeweka PIN isiyo sahihi. Tafadhali jaribu tena.",
    },
    "8006": {
        "en": "Your M-PESA PIN is locked. Call customer care.",
        "sw": "PIN yako ya M-PESA imefungwa. Piga simu kwa huduma kwa wateja.",
    },
}


def money(cents: int) -> str:
    """`Ksh1,234.50`."""
    return f"Ksh{cents / 100:,.2f}"


def moment(at: datetime, language: Literal["en", "sw"]) -> str:
    """`20/11/26 at 12:30 PM`, in Nairobi; `saa` instead of `at` in Swahili."""
    local = at.astimezone(EAT)
    joint = "at" if language == "en" else "saa"
    half = "AM" if local.hour < 12 else "PM"
    return f"{local.day}/{local.month}/{local:%y} {joint} {local.hour % 12 or 12}:{local:%M} {half}"


def failure(phone: Phone, code: str) -> str | None:
    """What the phone is told when a payment fails with this code; None where it is told nothing."""
    return _FAILURES[code][phone.language] if code in _FAILURES else None


def rejected(phone: Phone, shortcode: Shortcode, code: str) -> str:
    """The merchant's validation said no: the code decides the wording (Daraja 3.0 page "Customer To Business")."""
    reason = _REJECTIONS.get(code, _OTHER)[phone.language]
    if phone.language == "sw":
        return f"Imeshindikana. Malipo yako kwa {shortcode.name} yamekataliwa: {reason}."
    return f"Failed. Your payment to {shortcode.name} was declined: {reason}."


def paid(row: LedgerRow, phone: Phone, shortcode: Shortcode) -> str:
    """The confirmation of a payment to a paybill (`sent to ... for account`) or a till (`paid to`)."""
    when, left = moment(row.at, phone.language), f"{(DAY_LIMIT_CENTS - phone.spent_cents) / 100:,.2f}"
    amount, balance = money(row.amount_cents), money(row.wallet_after_cents)
    is_bill = shortcode.kind == "paybill"
    if phone.language == "sw":
        where = (
            f"imetumwa kwa {shortcode.name} kwa akaunti {row.account_reference} tarehe {when}."
            if is_bill
            else f"imelipwa kwa {shortcode.name} tarehe {when}."
        )
        return (
            f"{row.receipt} Imethibitishwa. {amount} {where} Baki yako mpya ya M-PESA ni {balance}. "
            f"Gharama ya kutuma, Ksh0.00. Kiasi unachoweza kutuma kwa siku ni {left}."
        )
    where = (
        f"sent to {shortcode.name} for account {row.account_reference} on {when}"
        if is_bill
        else f"paid to {shortcode.name}. on {when}."
    )
    return (
        f"{row.receipt} Confirmed. {amount} {where} New M-PESA balance is {balance}. "
        f"Transaction cost, Ksh0.00. Amount you can transact within the day is {left}."
    )


def received(row: LedgerRow, phone: Phone, shortcode: Shortcode) -> str:
    """Money from a business (B2C)."""
    when = moment(row.at, phone.language)
    amount, balance = money(-row.amount_cents), money(row.wallet_after_cents)
    if phone.language == "sw":
        return (
            f"{row.receipt} Imethibitishwa. Umepokea {amount} kutoka {shortcode.name} {shortcode.number} "
            f"tarehe {when}. Baki yako mpya ya M-PESA ni {balance}."
        )
    return (
        f"{row.receipt} Confirmed. You have received {amount} from {shortcode.name} {shortcode.number} "
        f"on {when}. New M-PESA balance is {balance}."
    )


def reversed_(row: LedgerRow, phone: Phone) -> str:
    """Money that came back; names the receipt it undoes."""
    when = moment(row.at, phone.language)
    amount, balance = money(-row.amount_cents), money(row.wallet_after_cents)
    if phone.language == "sw":
        return (
            f"{row.receipt} Imethibitishwa. Muamala {row.reverses} umerudishwa tarehe {when} na {amount} "
            f"zimewekwa katika akaunti yako ya M-PESA. Baki yako mpya ya M-PESA ni {balance}."
        )
    return (
        f"{row.receipt} confirmed. Reversal of transaction {row.reverses} has been successfully reversed on {when} "
        f"and {amount} is credited to your M-PESA account. New M-PESA account balance is {balance}."
    )
