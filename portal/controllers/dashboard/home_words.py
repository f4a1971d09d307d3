"""Words of the home: how what was sold was paid, and what a new merchant does first."""

from collections.abc import Mapping

from portal.i18n import Language
from portal.msgid import N_
from portal.reports import Figures
from portal.reports.firsts import First

#: Each first step: what to do, why, and where.
FIRST_WORDS: Mapping[First, tuple[str, str, str]] = {
    First.ROUTER: (N_("Add your router"), N_("A MikroTik with a hotspot. One line to paste does the rest."), "/routers/new"),
    First.PACKAGE: (N_("Make a package"), N_("What you sell: for how long, how fast, for how much."), "/packages/new"),
    First.WAY: (N_("Set how you are paid"), N_("M‑PESA into your own paybill or till, or through ours."), "/ways"),
    First.VOUCHERS: (N_("Print your first vouchers"), N_("For customers who pay cash."), "/vouchers/new"),
    First.SALE: (N_("Sell the first one"), N_("Join your WiFi with a phone and buy, as a customer does."), "/sales"),
}  # fmt: skip


def ways_of(figures: Figures, language: Language) -> str:
    """ "183 M‑PESA, 31 vouchers, 4 cash": how what was sold today was paid; what nobody used is left out."""
    parts = [
        (figures.sold_by_mpesa, N_("%(n)s M‑PESA")),
        (figures.sold_as_vouchers, N_("%(n)s by voucher")),
        (figures.sold_for_cash, N_("%(n)s cash")),
        (figures.sold_otherwise, N_("%(n)s other")),
    ]
    told = [language.say(words, {"n": n}) for n, words in parts if n]
    return ", ".join(told) or language.gettext(N_("none yet"))
