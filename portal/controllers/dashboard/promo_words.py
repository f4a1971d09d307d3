"""Words for promo codes: how they stand."""

from collections.abc import Mapping

from portal.msgid import N_

#: State → (tone, word).
PROMO_WORDS: Mapping[str, tuple[str, str]] = {
    "running": ("ok", N_("Runs")),
    "soon": ("wait", N_("Begins later")),
    "over": ("off", N_("Over")),
    "used_up": ("info", N_("Used up")),
    "stopped": ("bad", N_("Stopped")),
}
