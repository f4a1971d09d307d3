"""Comparing payers: M-Pesa tells a number in full, masked or hashed, depending on the road. A hint, never proof. Pure."""

import hashlib
import re

_MASK = re.compile(r"[\s*xX•]+")


def shown(hint: str) -> str:
    """For screens: a masked number as it came; a hash says nothing to people."""
    return "" if re.fullmatch(r"[0-9a-fA-F]{64}", hint) else hint


def agrees(phone: str, told: str | None, hint: str) -> bool | None:
    """Whether the payer a road told (`told` in full, or `hint`) may be this number (E.164 digits). None: it told nothing.

    Masked: "2547 ***** 126" or "25470****149" (C2B v2); hashed: SHA-256 of "2547…" in hex (C2B v1). Daraja documentation,
    "Customer To Business"."""
    if told:
        return told == phone
    if not hint.strip():
        return None
    if re.fullmatch(r"[0-9a-fA-F]{64}", hint):
        return hashlib.sha256(phone.encode()).hexdigest() == hint.lower()
    ends = _MASK.split(hint.strip().removeprefix("+"))
    if len(ends) != 2 or not all(end.isdigit() for end in ends if end) or not any(ends):
        return None
    return len(phone) > len(ends[0]) + len(ends[1]) and phone.startswith(ends[0]) and phone.endswith(ends[1])
