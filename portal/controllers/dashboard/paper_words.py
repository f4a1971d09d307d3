"""Words for papers: their kinds, their lines, how money came, and what a month's commission is made of."""

from collections.abc import Mapping
from typing import Any

from portal.invoices.papers import Kind
from portal.msgid import N_

KIND_WORDS: Mapping[str, str] = {
    Kind.RECEIPT: N_("Receipt"),
    Kind.INVOICE: N_("Invoice"),
    Kind.CREDIT: N_("Credit note"),
}
#: The list's filters.
FILTER_WORDS: Mapping[str, str] = {
    "": N_("All"),
    Kind.RECEIPT: N_("Receipts"),
    Kind.INVOICE: N_("Invoices"),
    Kind.CREDIT: N_("Credit notes"),
}
LINE_WORDS: Mapping[str, str] = {
    "package": N_("Wi-Fi"),
    "bill": N_("Wi-Fi"),
    "wallet": N_("Paid into the account"),
    "kept": N_("Kept for the customer"),
}
RAIL_WORDS: Mapping[str, str] = {
    "mpesa": "M‑PESA",
    "airtel": "Airtel Money",
    "paystack": N_("Card"),
    "cash": N_("Cash"),
    "manual": N_("Paid to the shop"),
    "credit": N_("Kept money"),
    "kept": N_("Kept from before"),
    "reversal": N_("Sent back by M‑PESA"),
    "b2c": N_("Sent by M‑PESA"),
    "voucher": N_("Another voucher"),
}
#: How it was sold, beside the words for methods.
WAY_WORDS: Mapping[str, str] = {
    "bill": N_("Monthly customers"),
    "": N_("Other"),
}
PAPER_SIZES: Mapping[str, str] = {"a4": "A4", "mm80": "80 mm", "mm58": "58 mm"}
WORDS: dict[str, Any] = {
    "kind_words": KIND_WORDS, "line_words": LINE_WORDS, "rail_words": RAIL_WORDS, "paper_sizes": PAPER_SIZES,
}  # fmt: skip
