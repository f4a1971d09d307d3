"""Switches for what nobody could verify on a real router. Each default is the reading the sources lean to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Behaviour:
    """How one simulated router decides where manual and field reports are silent. Frozen: a router is built with it."""

    #: Removing or disabling a hotspot user ends its live session. Common billing tools always remove the session too.
    user_removal_ends_session: bool = False
    #: Editing limits or profile of a logged-in user moves the end of the live session.
    limit_edits_reach_live_sessions: bool = False
    #: Virtual seconds between writes of live usage into the user row; None: only at logout.
    counters_flush_seconds: float | None = None
    #: The logout cause in the log when `limit-uptime` runs out (session-time-left folds it into the session timeout).
    uptime_limit_cause: str = "session timeout"
    #: What the client sees when the service's max-sessions is reached.
    excess_session: Literal["close", "fatal"] = "close"
    #: What a command before login gets.
    before_login: Literal["fatal", "trap"] = "fatal"
    #: Untagged commands sent without waiting are executed and answered one after the other.
    is_untagged_ordered: bool = True
    #: A second login from an address that is already logged in: end the old session, keep it, or refuse.
    second_login: Literal["replace", "keep", "refuse"] = "replace"
    #: `login-by` shown for sessions made with `/ip/hotspot/active/login`.
    api_login_by: str = "http-pap"
    #: Item ids are dealt anew at every boot (clients must match by name).
    ids_change_at_boot: bool = False
    #: Hotspot cookies are still there after a power cut.
    cookies_survive_power_cut: bool = True
    #: Virtual seconds from boot until NTP sets the clock; None: never by itself.
    ntp_after_seconds: float | None = 30.0
    #: Walled-garden host rules match only after the router has seen a DNS answer for the name.
    garden_needs_dns: bool = False
    #: Accept the MD5 challenge login only (before 6.43); modern routers hand out a challenge and then refuse it.
    has_legacy_login: bool = False
    #: `https-redirect` of the hotspot server profile exists (the manual lists it, no schema does).
    has_https_redirect: bool = False
    #: Where `use-radius` is on: RADIUS is asked only for users the router has no row for (manual), or always (others
    #: say so), and then its word counts also against a row.
    radius_order: Literal["local-first", "radius-first"] = "local-first"
    #: Default port of `/radius/incoming` (manual: 1700, wiki: 3799).
    radius_incoming_port: int = 1700
    #: Accounting calls the client's upload Output (a warning in the manual), or Input (its list of attributes).
    radius_output_is_upload: bool = False
