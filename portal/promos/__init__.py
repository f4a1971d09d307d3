"""Promo codes: something off a price at the captive checkout, or a free voucher. Prices and limits here; the sale is `checkouts`.

A use has no status of its own: it stands as its checkout stands. While the payment is under way the use is held; paid, it counts;
failed for good, it does not. A success that comes late counts again, even if the limit was reached meanwhile: who was promised
a price and paid it gets what was promised, and the next customer is the one who is told that the code is used up."""

from portal.promos.buying import Buyer, are_there_any, buy, code_of
from portal.promos.editing import ONLY_MANAGERS, Draft, make, may_change, restart, rewrite, stop
from portal.promos.looks import PAGE_SIZE, PromoLine, PromoPage, latest, page_of, uses_of
from portal.promos.prices import price_after
from portal.promos.redeeming import Offer, quote

__all__ = [
    "ONLY_MANAGERS",
    "PAGE_SIZE",
    "Buyer",
    "Draft",
    "Offer",
    "PromoLine",
    "PromoPage",
    "are_there_any",
    "buy",
    "code_of",
    "latest",
    "make",
    "may_change",
    "page_of",
    "price_after",
    "quote",
    "restart",
    "rewrite",
    "stop",
    "uses_of",
]
