"""The operator's words: kinds of merchants, and what was done about them."""

from portal.msgid import N_

KINDS = {
    "personal": N_("Shop"),
    "homeowner": N_("Home"),
    "isp": N_("Internet provider"),
    "enterprise": N_("Company"),
}
STATES = {"open": N_("Sells"), "paused": N_("Paused")}
ENTRY_WORDS = {
    "noted": N_("Note"),
    "paused": N_("Paused selling"),
    "resumed": N_("Let sell again"),
    "terms": N_("Kind and commission"),
}
ROUTER_STATES = {
    "new": ("off", N_("New")),
    "online": ("ok", N_("Online")),
    "late": ("warn", N_("Late")),
    "offline": ("bad", N_("Offline")),
    "paused": ("off", N_("Paused")),
}
SCHEDULES = {
    "": N_("Only when asked"),
    "off": N_("Only when asked"),
    "daily": N_("Every day"),
    "weekly": N_("Every week"),
    "threshold": N_("From an amount on"),
}
