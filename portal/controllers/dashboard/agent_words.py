"""Words of agents' pages."""

from collections.abc import Mapping

from portal.msgid import N_

AGENT_WORDS: Mapping[str, tuple[str, str]] = {
    "active": ("ok", N_("Sells")),
    "paused": ("warn", N_("Paused")),
    "closed": ("off", N_("Closed")),
}
#: Why what is owed changed.
HOW_WORDS: Mapping[str, str] = {
    "agent_sale": N_("Card sold"),
    "refund": N_("Sale given back, no commission"),
    "reversal": N_("Not given back after all"),
    "cash": N_("Brought cash"),
    "mpesa": N_("Sent by M‑PESA"),
    "paybill": N_("Paid to the paybill"),
    "paid_out": N_("Was paid"),
    "correction": N_("Set right"),
}
COLUMNS = (N_("When"), N_("What"), N_("Detail"), N_("Amount"), N_("Balance"))
