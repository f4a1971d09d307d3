"""Scripts the router starts by itself: schedules, and a user profile's `on-login` and `on-logout`.

Variables of the hotspot's scripts: MikroTik manual, HotSpot, user profiles. Log lines: MikroTik manual, Scripting,
Script permissions. Such hooks have the policies read, write, test, reboot (Tips and tricks).
"""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING

from routeros.simulator import traps
from routeros.simulator.scripting.errors import ScriptError
from routeros.simulator.scripting.interpreter import Context
from routeros.simulator.scripting.scheduling import policies_in, rights_of
from routeros.simulator.scripting.values import SECOND, Span, Value, inward, outward
from routeros.simulator.sessions import Active
from routeros.simulator.tables import Row

if TYPE_CHECKING:
    from routeros.simulator.scripting.host import ScriptHost

_HOOK_POLICIES = frozenset({"read", "write", "test", "reboot"})


def install(host: ScriptHost) -> None:
    """Let logins and logouts of the hotspot start the scripts of their user profiles."""
    host.router.hotspot.session_watchers.append(lambda active, is_gone: _session(host, active, is_gone=is_gone))


def run_scheduled(host: ScriptHost, row: Row) -> None:
    """Run what a schedule holds: the name of a stored script, or a script itself. Failures go to the log."""
    event, name = row.get("on-event"), row.get("name")
    policies = policies_in(row.get("policy"))
    stored = host.stored.table.named(event.strip())
    title = f"scheduler:{name}"
    context = Context(policies, user="admin", name=event.strip() if stored else title)
    if stored:
        try:
            context.policies = rights_of(stored[0], policies, own=True)
        except traps.Trap as trap:
            _complain(host, f"script {event.strip()} from scheduler ({name})", trap.message)
            return
        host.stored.note_run(stored[0])
    text = stored[0].get("source") if stored else event
    what = f"script {event.strip()} from scheduler ({name})" if stored else f"script from scheduler ({name})"
    _start(host, text, context, title=title, what=what)


def _session(host: ScriptHost, active: Active, *, is_gone: bool) -> None:
    rows = host.router.hotspot.user_profiles.named(active.profile)
    text = rows[0].get("on-logout" if is_gone else "on-login") if rows else ""
    if text:
        variables = _variables(host, active, is_gone=is_gone)
        context = Context(_HOOK_POLICIES, name="hotspot")
        # Later, because the login or logout itself is still being done.
        what = "script from hotspot"
        host.soon(lambda: _start(host, text, context, title="hotspot", what=what, variables=variables))


def _variables(host: ScriptHost, active: Active, *, is_gone: bool) -> dict[str, Value]:
    server = host.router.hotspot.server
    found: dict[str, Value] = {
        "user": inward(active.user),
        "username": inward(active.user),
        "address": ipaddress.IPv4Address(active.ip),
        "mac-address": active.mac,
        "interface": inward(server.get("interface")) if server else "",
        "server": inward(active.server),
    }
    if is_gone:
        seen = active.traffic
        uptime = int(active.uptime(host.router.clock.now()))
        found |= {
            "cause": "",
            "uptime": Span(uptime * SECOND),
            "uptime-secs": uptime,
            "bytes-in": seen.bytes_in,
            "bytes-out": seen.bytes_out,
            "bytes-total": seen.bytes_in + seen.bytes_out,
            "packets-in": seen.packets_in,
            "packets-out": seen.packets_out,
            "packets-total": seen.packets_in + seen.packets_out,
        }
    return found


def _start(
    host: ScriptHost, text: str, context: Context, *, title: str, what: str, variables: dict[str, Value] | None = None
) -> None:
    def done(_result: Value | None, error: BaseException | None) -> None:
        if isinstance(error, ScriptError):
            where = f" ({error.where})" if error.where else ""
            _complain(host, what, f"({title}) {outward(error.message)}{where}")
        elif error is not None and isinstance(error, Exception):
            raise error

    try:
        host.start(host.runner.script(text, context, variables), title, done)
    except traps.Trap as trap:
        _complain(host, what, trap.message)


def _complain(host: ScriptHost, what: str, words: str) -> None:
    host.router.log.write("script,error", f"executing {what} failed, please check it manually")
    host.router.log.write("script,error,debug", words)
