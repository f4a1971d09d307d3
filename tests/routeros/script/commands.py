"""Every command of a script with its arguments, found by reading the text: nothing here knows how it was written."""

import re
from collections.abc import Iterator

from routeros.simulator.schema import Schema

STRING = re.compile(r'"(?:[^"\\]|\\.)*"')
_INNER = re.compile(r"\[([^\[\]]*)\]|\(([^()]*)\)")
_VERBS = frozenset(
    {"add", "set", "remove", "find", "get", "print", "save", "load", "import", "login", "run", "fetch"}
    | {"reset-html", "export", "delete", "debug", "info", "warning", "error", "generate"}
)
_DHCP = frozenset(
    {"name", "interface", "relay", "lease-time", "address-pool", "bootp-support", "delay-threshold", "server-address"}
    | {"add-arp", "authoritative", "always-broadcast", "use-radius", "lease-script", "disabled"}
)
_NTP_OF_SIX = frozenset(["enabled", "primary-ntp", "secondary-ntp", "server-dns-names", "mode"])
#: Menus and commands that the lists of real routers do not hold. Source: MikroTik manual, command reference.
MORE = {
    "/ip/dhcp-server/add": _DHCP,
    "/ip/dhcp-server/set": _DHCP | {"numbers"},
    "/ip/dhcp-server/remove": frozenset({"numbers"}),
    "/ip/dhcp-server/find": frozenset(),
    "/interface/find": frozenset(),
    "/export": frozenset({"file", "hide-sensitive", "show-sensitive", "compact", "terse", "verbose"}),
    "/system/routerboard/get": frozenset(),
}
#: Not documented for 6.49 anywhere we know, or known to have come later: a script for 6 does without.
NOT_IN_SIX = {
    "/ip/dhcp-server/option/add": {"force", "comment"},
    "/ip/dhcp-server/option/set": {"force", "comment"},
    "/file/add": None,
    "/system/device-mode/get": None,
}


def commands(script: str, menu: str = "") -> Iterator[tuple[str, frozenset[str], bool]]:
    """(path, named arguments, whether a `where` follows) of every menu command; `find` within takes its outer menu."""
    text = "\n".join(line for line in script.splitlines() if not line.lstrip().startswith("#"))
    text = STRING.sub("STR", text)
    yield from _read(text, menu)


def _read(text: str, menu: str) -> Iterator[tuple[str, frozenset[str], bool]]:
    for piece in _split(text):
        words = piece.split()
        if not words:
            continue
        path, at = menu, 0
        if words[0].startswith("/"):
            path = ""
            while at < len(words) and words[at].strip("/") not in _VERBS:
                path += "/" + words[at].strip("/")
                at += 1
        elif words[0] not in _VERBS:
            yield from _nested(piece, "")
            continue
        if at >= len(words):
            raise AssertionError(f"no verb in {piece!r}")
        verb = words[at].strip("/")
        outer = _without_brackets(" ".join(words[at + 1 :]))
        named, _, condition = outer.partition("where ")
        names = frozenset(match[1] for match in re.finditer(r"(?:^|\s)([a-z][a-z0-9-]*)=", named))
        flags = {word for word in named.split() if re.fullmatch(r"[a-z][a-z-]+", word)} if verb == "fetch" else set()
        yield f"{path}/{verb}", names | flags, bool(condition)
        yield from _nested(piece, path)


def _nested(piece: str, menu: str) -> Iterator[tuple[str, frozenset[str], bool]]:
    depth, start = 0, 0
    for index, character in enumerate(piece):
        if character in "[(":
            depth += 1
            start = index if depth == 1 else start
        elif character in "])":
            depth -= 1
            if depth == 0:
                inside = piece[start + 1 : index]
                own = piece[start] == "["
                yield from _read(inside, menu if own and inside.split()[:1] == ["find"] else "")


def _without_brackets(text: str) -> str:
    while _INNER.search(text):
        text = _INNER.sub("X", text)
    return text


def _split(text: str) -> list[str]:
    """At line ends, semicolons and braces, but not inside brackets."""
    pieces, depth, start = [], 0, 0
    for index, character in enumerate(text):
        depth += (character in "[(") - (character in "])")
        if depth == 0 and character in "\n;{}":
            pieces.append(text[start:index])
            start = index + 1
    return [*pieces, text[start:]]


def unknown(script: str, schema: Schema) -> list[str]:
    """What a router of this schema's version would not take, as sentences."""
    is_six = schema.version < (7,)
    found: list[str] = []
    for command, names, _ in commands(script):
        menu, _, verb = command.rpartition("/")
        known = MORE.get(command, schema.commands.get(command))
        if is_six and command == "/system/ntp/client/set":
            known = _NTP_OF_SIX
        if known is None and verb in ("get", "find") and f"{menu}/print" in schema.commands:
            known = frozenset[str]()  # every menu that prints has them (manual, Scripting, Common commands)
        if is_six and command in NOT_IN_SIX:
            lost = NOT_IN_SIX[command]
            known = None if lost is None else (known or frozenset()) - lost
        if known is None:
            found.append(f"no command {command}")
        elif strange := names - known:
            found.append(f"{command} has no {', '.join(sorted(strange))}")
    return found
