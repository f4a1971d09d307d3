"""What the process that draws is told: the words all cards share, and each card's own. Only shapes."""

import msgspec


class Sheet(msgspec.Struct, frozen=True, kw_only=True):
    """What all cards of a print share. `address`: what the square leads to; `logo`: a PNG, b"" for none."""

    layout: str
    language: str
    merchant: str
    help: str
    address: str
    how_code: str
    how_reference: str
    pay: str
    title: str
    logo: bytes = b""


class Card(msgspec.Struct, frozen=True, kw_only=True):
    """One card. `number`: the code or the payment reference as people type it; `secret`: the code as the square carries it, ""
    where it carries none; `mark`: a public number to look the voucher up by."""

    id: int
    title: str
    price: str
    line: str
    valid: str
    number: str
    secret: str
    mark: str
    shows_code: bool
