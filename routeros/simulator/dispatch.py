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
        handler = self._handler(call.command)
        if handler is None:
            is_prefix = call.menu in self.menus or call.menu in self.schema.menus or not call.menu
            raise traps.no_such_command() if is_prefix else traps.no_such_prefix()
        if not self._arguments(call.menu, call.verb).issuperset(call.arguments):
            raise traps.unknown_parameter()
        menu = self.menus.get(call.menu)
        if menu is not None and call.verb in _READING and call.verb in menu.readers:
            call.permit("read")
        else:
            call.permit(*self._needed(call, "write"), *(menu.policy if menu else ()))
        return handler(call)

    def accepts(self, command: str) -> frozenset[str] | None:
        """Return the arguments this router takes with a command, None when it does not have the command."""
        menu, _, verb = command.rpartition("/")
        return None if self._handler(command) is None else self._arguments(menu, verb)

    def _handler(self, command: str) -> Handler | None:
        if (handler := self.commands.get(command)) is not None:
            return handler
        path, _, verb = command.rpartition("/")
        menu = self.menus.get(path) if path else None
        if menu is None:
            return None
        if verb in menu.readers:
            return menu.readers[verb]
        return menu.writers.get(verb) if self._has_verb(path, verb) else None

    def _has_verb(self, menu: str, verb: str) -> bool:
        if f"{menu}/{verb}" in self.schema.commands:
            return True
        if verb == "comment":
            return "comment" in self.schema.arguments(menu, "set")
        if verb == "move":
            return "place-before" in self.schema.arguments(menu, "add")
        return False

    def _needed(self, call: Call, policy: str) -> tuple[str, ...]:
        for prefix, policies in _POLICIES.items():
            if call.command == prefix or call.command.startswith(f"{prefix}/"):
                return policies
        return ("ftp",) if call.menu == "/file" else (policy,)

    def _arguments(self, menu: str, verb: str) -> frozenset[str]:
        """Return what this version's command takes, with what the API adds to every command of its kind."""
        known = self.schema.arguments(menu, verb)
        if verb in {"print", "getall", "listen"}:
            return self.schema.arguments(menu, "print") | _PRINT_EXTRAS
        if verb == "get":
            return _GET_EXTRAS
        if verb == "comment":
            return frozenset({".id", "numbers", "comment"})
        if verb == "move":
            return frozenset({".id", "numbers", "destination"})
        if verb == "unset":
            return known | {".id", "numbers", "value-name"}
        return known | {".id"} if known & {"numbers", "number"} else known
