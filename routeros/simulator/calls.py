"""One API command on its way: what was asked, by whom, and the shape of the answer. Knows no menus."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field

from routeros.simulator import traps

Emit = Callable[[Mapping[str, str]], None]


@dataclass(frozen=True, slots=True, repr=False)
class Call:
    """A parsed command. `arguments` without API attributes; `queries` keep their `?`; `policies` are the caller's."""

    command: str
    arguments: dict[str, str]
    queries: tuple[str, ...] = ()
    tag: str | None = None
    proplist: tuple[str, ...] | None = None
    user: str = ""
    policies: frozenset[str] = frozenset()

    @property
    def menu(self) -> str:
        """The path without the verb."""
        return self.command.rpartition("/")[0]

    @property
    def verb(self) -> str:
        """The last word of the command."""
        return self.command.rpartition("/")[2]

    def need(self, *names: str) -> str:
        """Return the first of these arguments that is given and not empty. Raises Trap, naming the last."""
        for name in names:
            if self.arguments.get(name):
                return self.arguments[name]
        raise traps.missing_value(names[-1])

    def permit(self, *policies: str) -> None:
        """Raise Trap unless the caller's group grants all of these policies."""
        if not self.policies.issuperset(policies):
            raise traps.not_permitted()


@dataclass(slots=True)
class Feed:
    """A command that goes on until it is cancelled: `start` gets the sink for rows and returns how to stop."""

    start: Callable[[Emit], Callable[[], None]]


@dataclass(slots=True)
class Answer:
    """What a command gives: rows (None for commands that have none), `ret` of `!done`, or a feed after the rows."""

    rows: Iterable[Mapping[str, str]] | None = None
    ret: str | None = None
    feed: Feed | None = None
    #: Rows that were looked at to find those of the answer.
    scanned: int = 0
    #: What gives the real answer after a wait: a script that runs, a file that is fetched.
    later: Awaitable[Answer] | None = None


def parse_call(sentence: list[str], *, user: str = "", policies: frozenset[str] = frozenset()) -> Call:
    """Read a sentence: command word, `=name=value`, `.tag=`, `?query`. Anything else becomes an unknown parameter."""
    arguments: dict[str, str] = {}
    queries: list[str] = []
    tag: str | None = None
    proplist: tuple[str, ...] | None = None
    is_garbled = False
    for word in sentence[1:]:
        if word.startswith("?"):
            queries.append(word)
        elif word.startswith("="):
            name, _, value = word[1:].partition("=")
            if name == ".proplist":
                proplist = tuple(filter(None, value.split(",")))
            elif name == ".tag":
                tag = value or None
            else:
                arguments[name] = value
        elif word.startswith(".tag="):
            tag = word[5:] or None
        elif word.startswith(".proplist="):
            proplist = tuple(filter(None, word[10:].split(",")))
        else:
            is_garbled = True
    if is_garbled:
        arguments[""] = ""  # no command takes it, so the caller hears of an unknown parameter
    return Call(sentence[0], arguments, tuple(queries), tag, proplist, user, policies)


@dataclass(slots=True)
class Watchers:
    """Who listens to a menu."""

    sinks: list[Emit] = field(default_factory=list)

    def feed(self) -> Feed:
        """Make a feed that hears everything told from its start on."""

        def start(emit: Emit) -> Callable[[], None]:
            self.sinks.append(emit)
            return lambda: self.sinks.remove(emit)

        return Feed(start)

    def tell(self, row: Mapping[str, str]) -> None:
        """Tell all listeners of a row."""
        for sink in tuple(self.sinks):
            sink(row)
