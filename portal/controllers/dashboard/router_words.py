"""Words for a router's pages: what happened, how it is reached, how its users stand."""

from collections.abc import Mapping

from portal.msgid import N_

#: Severity of a finding → (tone, word).
SEVERITY_WORDS: Mapping[str, tuple[str, str]] = {
    "ok": ("ok", N_("In order")),
    "note": ("info", N_("Good to know")),
    "warn": ("warn", N_("Should be mended")),
    "bad": ("bad", N_("Act now")),
}
#: Status of a grant → (tone, word).
GRANT_WORDS: Mapping[str, tuple[str, str]] = {
    "wanted": ("wait", N_("On its way")),
    "present": ("ok", N_("On the router")),
    "ending": ("wait", N_("Being ended")),
}
WAYS: Mapping[str, str] = {
    "direct": N_("Direct address"),
    "tunnel": N_("Tunnel"),
    "pull": N_("The router calls us"),
}
#: Name of an event → what happened.
HAPPENINGS: Mapping[str, str] = {
    "add": N_("Added"),
    "answer": N_("Answered"),
    "miss": N_("Missed an answer"),
    "drop": N_("Went offline"),
    "pause": N_("Paused"),
    "resume": N_("Resumed"),
    "replace": N_("Board replaced"),
    "remove": N_("Removed"),
    "reconnect": N_("Connection changed"),
    "look_again": N_("Check asked for"),
    "script": N_("Setup script made"),
    "script_out": N_("Setup script given out"),
    "brakes_held": N_("Clean-up stopped"),
    "brakes_released": N_("Clean-up allowed"),
    "board_replaced": N_("Another board found"),
    "restarted": N_("Restarted"),
    "repair": N_("Repair asked for"),
    "foreign_removed": N_("Removal of a row that is not ours asked for"),
    "vouched": N_("A row that is not ours vouched for"),
    "doubted": N_("Not vouched for any more"),
}
#: Tone of a piece of the strip → word.
STRIP_WORDS: Mapping[str, str] = {
    "ok": N_("Online"),
    "warn": N_("Late"),
    "bad": N_("Offline"),
    "off": N_("Paused"),
    "none": N_("No data"),
}
