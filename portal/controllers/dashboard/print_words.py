"""The words of prints: papers, and how a PDF stands."""

from portal.msgid import N_

PAPERS = {
    "a4-40": N_("A4, 40 on a page"),
    "a4-24": N_("A4, 24 on a page"),
    "mm80": N_("Till roll, 80 mm"),
    "mm58": N_("Till roll, 58 mm"),
}
#: Status → tone and word.
STATES = {
    "queued": ("wait", N_("Waiting")),
    "making": ("wait", N_("Being made")),
    "ready": ("ok", N_("Ready")),
    "failed": ("bad", N_("Failed")),
    "gone": ("off", N_("Cleared away")),
}
