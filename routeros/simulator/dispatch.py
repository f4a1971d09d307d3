"""From a parsed command to its answer: finds the menu and verb, checks arguments and permissions, runs it."""

from __future__ import annotations

from dataclasses import dataclass

from routeros.simulator import traps
from routeros.simulator.calls import Answer, Call
from routeros.simulator.menus.base import Handler, Menu
from routeros.simulator.schema import Schema

_READING = frozenset({"print", "getall", "listen", "find", "get"})
#: What the API takes beside the arguments of the command list.
_PRINT_EXTRAS = frozenset({".id", "count-only", "follow", "follow-only", "from", "interval", "detail", "stats"})
_GET_EXTRAS = frozenset({".id", "numbers", "number", "value-name"})
_POLICIES = {
    "/system/reboot": ("reboot",),
    "/system/shutdown": ("reboot",),
    "/system/reset-configuration": ("policy",),
    "/ping": ("test",),
    "/tool": ("test",),
}


@dataclass(slots=True)
class Dispatcher:
    """The command tree of one router."""

    schema: Schema
    menus: dict[str, Menu]
    #: Commands that belong to no menu of rows, such as `/system/reboot`.
    commands: dict[str, Handler]

    def run(self, call: Call) -> Answer:
        """Run one command. Raises Trap."""
        if (handler := self.commands.get(call.command)) is not None:
            self._check_arguments(call)
            call.permit(*self._needed(call, "write"))
            return handler(call)
        menu = self.menus.get(call.menu)
        if menu is None or not call.menu:
            is_prefix = call.menu in self.schema.menus or f"{call.menu}/" == "/"
            raise traps.no_such_command() if is_prefix else traps.no_such_prefix()
        handler = menu.readers.get(call.verb)
        if handler is None and self._has_verb(call):
            handler = menu.writers.get(call.verb)
        if handler is None:
            raise traps.no_such_command()
        self._check_arguments(call)
        if call.verb in _READING:
            call.permit("read")
        else:
            call.permit(*self._needed(call, "write"), *menu.policy)
        return handler(call)

    def _has_verb(self, call: Call) -> bool:
        if call.command in self.schema.commands:
            return True
        if call.verb == "comment":
            return "comment" in self.schema.arguments(call.menu, "set")
        if call.verb == "move":
            return "place-before" in self.schema.arguments(call.menu, "add")
        return False

    def _needed(self, call: Call, policy: str) -> tuple[str, ...]:
        for prefix, policies in _POLICIES.items():
            if call.command == prefix or call.command.startswith(f"{prefix}/"):
                return policies
        return ("ftp",) if call.menu == "/file" else (policy,)

    def _check_arguments(self, call: Call) -> None:
        """Raise Trap for an argument this version of the command does not take."""
        known = self.schema.arguments(call.menu, call.verb)
        if call.verb in {"print", "getall", "listen"}:
            known = self.schema.arguments(call.menu, "print") | _PRINT_EXTRAS
        elif call.verb == "get":
            known = _GET_EXTRAS
        elif call.verb == "comment":
            known = frozenset({".id", "numbers", "comment"})
        elif call.verb == "move":
            known = frozenset({".id", "numbers", "destination"})
        elif call.verb == "unset":
            known = known | {".id", "numbers", "value-name"}
        elif known & {"numbers", "number"}:
            known = known | {".id"}
        if not known.issuperset(call.arguments):
            raise traps.unknown_parameter()
