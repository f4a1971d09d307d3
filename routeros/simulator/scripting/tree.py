"""The console's command tree of one version: menus, their commands and arguments, and the language's own commands.

Menus and arguments come from the schema; `:` commands by version from the routers' own lists (`/console/inspect`,
7.9 to 7.24; for 6.49 the manual and change logs); the order of unnamed arguments from the manual's examples.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from routeros.simulator.schema import Schema


@dataclass(frozen=True, slots=True)
class Signature:
    """How a command is written. `blocks` are arguments that take `{…}` as code; `flags` need no value."""

    unnamed: tuple[str, ...] = ()
    named: frozenset[str] = frozenset()
    blocks: frozenset[str] = frozenset()
    flags: frozenset[str] = frozenset()
    has_where: bool = False
    #: All words after the command are a condition.
    is_condition: bool = False


def _sign(unnamed: str = "", named: str = "", blocks: str = "", flags: str = "") -> Signature:
    names = frozenset(unnamed.split()) | frozenset(named.split()) | frozenset(blocks.split()) | frozenset(flags.split())
    return Signature(tuple(unnamed.split()), names, frozenset(blocks.split()), frozenset(flags.split()))


_LANGUAGE: dict[str, tuple[tuple[int, ...], Signature]] = {
    "beep": ((6,), _sign("", "frequency length")),
    "break": ((7, 22), _sign()),
    "continue": ((7, 22), _sign()),
    "convert": ((7, 11), _sign("value", "from to transform")),
    "delay": ((6,), _sign("delay-time")),
    "deserialize": ((7, 13), _sign("value", "from delimiter options")),
    "do": ((6,), _sign("command", "while if", "command on-error")),
    "error": ((6,), _sign("message")),
    "execute": ((6,), _sign("script", "file", "", "as-string")),
    "exit": ((7, 22), _sign()),
    "find": ((6,), _sign("in key from")),
    "for": ((6,), _sign("counter", "from to step", "do on-error")),
    "foreach": ((6,), _sign("counter", "in", "do on-error")),
    "global": ((6,), _sign("name value", "", "do")),
    "if": ((6,), _sign("condition", "", "do else")),
    "jobname": ((7, 12), _sign()),
    "len": ((6,), _sign("value")),
    "local": ((6,), _sign("name value", "", "do")),
    "nothing": ((6,), _sign()),
    "onerror": ((7, 13), _sign("error", "", "in do")),
    "parse": ((6,), _sign("value")),
    "pick": ((6,), _sign("in begin end")),
    "put": ((6,), _sign("message")),
    "quit": ((6,), _sign()),
    "range": ((7, 17), _sign("from to")),
    "resolve": ((6,), _sign("domain-name", "server server-port type")),
    "retry": ((7,), _sign("", "delay max", "command on-error")),
    "return": ((6,), _sign("value")),
    "rndnum": ((7,), _sign("", "from to")),
    "rndstr": ((7,), _sign("", "from length")),
    "serialize": ((7, 13), _sign("value", "to delimiter options order file-name")),
    "set": ((6,), _sign("name value", "", "do")),
    "time": ((6,), _sign("command", "", "command")),
    "timestamp": ((7,), _sign()),
    "toarray": ((6,), _sign("value", "delimiter")),
    "tobool": ((6,), _sign("value")),
    "tocrlf": ((7, 14), _sign("value")),
    "toid": ((6,), _sign("value")),
    "toip": ((6,), _sign("value")),
    "toip6": ((6,), _sign("value")),
    "tolf": ((7, 14), _sign("value")),
    "tonsec": ((7, 12), _sign("value")),
    "tonum": ((6,), _sign("value")),
    "tostr": ((6,), _sign("value")),
    "totime": ((6,), _sign("value")),
    "typeof": ((6,), _sign("value")),
    "while": ((6,), _sign("condition", "", "do")),
}
_PRINT_FLAGS = frozenset(
    [
        "append",
        "as-value",
        "brief",
        "count-only",
        "detail",
        "follow",
        "follow-only",
        "group-by",
        "show-ids",
        "stats",
        "terse",
        "value-list",
    ]
) | {"without-paging", "once"}
_FLAGS = {
    "/tool/fetch": frozenset({"as-value", "once", "without-paging"}),
    "/import": frozenset({"dry-run", "verbose"}),
    "/execute": frozenset({"as-string"}),
    "/system/script/run": frozenset({"use-script-permissions"}),
    "/file/read": frozenset({"as-value"}),
    "/ping": frozenset({"once"}),
}
_UNNAMED = {
    "/tool/fetch": ("url",),
    "/tool/ping": ("address",),
    "/ping": ("address",),
    "/import": ("file-name",),
    "/execute": ("script",),
    "/system/script/run": ("number",),
    "/certificate/sign": ("number",),
    "/log/debug": ("message",),
    "/log/error": ("message",),
    "/log/info": ("message",),
    "/log/warning": ("message",),
    "/file/read": ("file",),
    "/file/copy": ("numbers", "name"),
}
_EXPORT = _sign("", "file path", "", "compact hide-sensitive show-sensitive terse verbose")


@dataclass(slots=True)
class CommandTree:
    """What the console of one version understands."""

    schema: Schema
    children: dict[str, dict[str, str]]
    verbs: dict[str, tuple[str, ...]]
    language: dict[str, Signature]

    @property
    def has_slash_paths(self) -> bool:
        """Say whether `/ip/address/print` is understood: since version 7; before only with spaces."""
        return self.schema.version >= (7,)

    def signature(self, menu: str, verb: str) -> Signature:  # noqa: PLR0911  (a case per kind of command)
        """Return how a command of a menu is written."""
        if not menu and verb in self.language:
            return self.language[verb]
        path = f"{menu}/{verb}"
        known = self.schema.arguments(menu, verb)
        has_rows = self.schema.has_rows(menu)
        if verb == "export":
            return _EXPORT
        if verb == "find":
            return Signature(has_where=True, is_condition=True)
        if verb == "print":
            names = self.schema.arguments(menu, "print") | _PRINT_FLAGS | {"file", "from", "interval", "proplist"}
            return Signature(named=names - {"where"}, flags=_PRINT_FLAGS, has_where=has_rows)
        if verb == "get":
            order = ("number", "value-name") if has_rows else ("value-name",)
            return Signature(order, frozenset({"number", "value-name"}))
        if verb == "comment":
            return Signature(("numbers", "comment"), frozenset({"numbers", "comment"}))
        if verb == "move":
            return Signature(("numbers", "destination"), frozenset({"numbers", "destination"}))
        unnamed = _UNNAMED.get(path, ())
        if "numbers" in known and not unnamed:
            unnamed = ("numbers", "value-name") if verb == "unset" else ("numbers",)
        return Signature(unnamed, known, frozenset({"do"}) & known, _FLAGS.get(path, frozenset()) & known)

    def properties(self, menu: str) -> frozenset[str]:
        """Return the names a condition in this menu takes for properties of its rows."""
        return self.schema.arguments(menu, "add") | self.schema.arguments(menu, "set")

    def child(self, menu: str, word: str) -> str | None:
        """Return the sub-menu a word means, exact or the only one (commands counted) that begins with it."""
        found = self._pick(menu, word)
        return self.children.get(menu, {}).get(found) if found else None

    def verb(self, menu: str, word: str) -> str | None:
        """Return the command of a menu a word means."""
        found = self._pick(menu, word)
        return found if found and found in self.verbs.get(menu, ()) else None

    def _pick(self, menu: str, word: str) -> str | None:
        return only([*self.children.get(menu, {}), *self.verbs.get(menu, ())], word)


def only(options: Iterable[str], word: str) -> str | None:
    """Return the option a word means: itself, or the only one that begins with it."""
    known = set(options)
    if word in known:
        return word
    close = [option for option in known if option.startswith(word)]
    return close[0] if len(close) == 1 and word else None


def command_tree(schema: Schema) -> CommandTree:
    """Build the tree of one version."""
    children: dict[str, dict[str, str]] = {"": {"environment": "/system/script/environment"}}
    verbs: dict[str, tuple[str, ...]] = {}
    language = {name: sign for name, (since, sign) in _LANGUAGE.items() if schema.version >= since}
    for menu in schema.menus:
        parent, _, name = menu.rpartition("/")
        children.setdefault(parent, {})[name] = menu
        verbs[menu] = _verbs_of(schema, menu)
    roots = [name[1:] for name in schema.commands if name.count("/") == 1]
    verbs[""] = (*language, *roots, "export")
    return CommandTree(schema, children, verbs, language)


def _verbs_of(schema: Schema, menu: str) -> tuple[str, ...]:
    listed = list(schema.verbs(menu))
    if "print" in listed:
        listed += ["get", "find"] if schema.has_rows(menu) else ["get"]
    if "set" in listed:
        listed.append("export")
        if "comment" in schema.arguments(menu, "set"):
            listed.append("comment")
    if "place-before" in schema.arguments(menu, "add"):
        listed.append("move")
    return tuple(dict.fromkeys(listed))
