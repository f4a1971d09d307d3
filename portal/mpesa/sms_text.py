"""The SMS M-Pesa sends its customers, pasted in whole or in part, in English or Swahili; or just the code in it. Pure.

What is read is a customer's word: it names money, it never proves any. Shapes as phones receive them (2021 to 2026):
"UE92Q3N5H7 Confirmed. Ksh200.00 sent to SHOP for account K7QM2XWP on 9/5/26 at 11:23 AM New M-PESA balance is …", "… paid to
SHOP. on …" for a till, "UE92Q3N5H7 Imethibitishwa. Ksh200.00 imetumwa kwa SHOP kwa akaunti ya K7QM2XWP tarehe 9/5/26 saa …"."""

import re
import unicodedata

import msgspec

from portal.money import AmountError, parse_amount

_LONGEST = 1000
_RECEIPT = r"[A-Z0-9]{10}"
#: The code stands first; a word of confirmation follows it. Forwarded messages have something before it.
_CONFIRMED = re.compile(rf"\b({_RECEIPT})\s*\.?\s*(?:CONFIRMED|IMETHIBITISHWA|IMEDHIBITISHWA)\b")
_BARE = re.compile(rf"(?<![A-Z0-9])({_RECEIPT})(?![A-Z0-9])")
_AMOUNT = re.compile(r"(?:KSHS?|KES|TSHS?|SH)\.?\s*([0-9][0-9,]*(?:\.[0-9]{1,2})?)")
_ACCOUNT = re.compile(
    r"(?:FOR ACCOUNT|KWA AKAUNTI(?: NAMBARI| NAMBA| YA)?|AKAUNTI(?: NAMBARI| NAMBA)?(?: YA)?)\s+"
    r"(\S(?:.{0,30}?\S)?)(?=\s+(?:ON|TAREHE|SIKU|MNAMO)\b|[.\n]|$)"
)


class Pasted(msgspec.Struct, frozen=True):
    """What a customer pasted: the receipt, and where a whole message was given, amount in cents and account number."""

    receipt: str
    amount_cents: int | None = None
    account: str = ""


def read(text: str) -> Pasted | None:
    """The payment a pasted message or a typed code names; None when there is no code in it, or more than one may be meant.

    Ten digits are a phone number, never a code; ten letters are one only where nothing else can be."""
    plain = " ".join(unicodedata.normalize("NFKC", text[:_LONGEST]).upper().split())
    named = set(_CONFIRMED.findall(plain))
    if not named:
        typed = plain.replace(" ", "").replace("-", "")
        named = {typed} if re.fullmatch(_RECEIPT, typed) else {code for code in _BARE.findall(plain) if _is_mixed(code)}
    codes = {code for code in named if not code.isdigit()}
    if len(codes) != 1:
        return None
    account = _ACCOUNT.search(plain)
    return Pasted(codes.pop(), _amount(plain), account[1].strip(" .") if account else "")


def _is_mixed(code: str) -> bool:
    """In running text only letters and digits together are no word and no phone number."""
    return any(char.isdigit() for char in code) and any(char.isalpha() for char in code)


def _amount(plain: str) -> int | None:
    """The first amount is the one paid; the balance and the cost come later."""
    found = _AMOUNT.search(plain)
    try:
        return parse_amount(found[1]) if found else None
    except AmountError:
        return None
