"""Sentences of RouterOS script that the steps are made of: make or repair a row, remember, restore, keep a long text.

They work on 6.49 and 7 alike (menus are written with spaces) and may be repeated: the second run changes nothing.
Variables begin with `v`, because a variable called like a property breaks `find` (MikroTik manual, Scripting,
"Reserved variable names"). Every value goes through `quote`.
"""

from collections.abc import Iterable, Mapping, Sequence

from routeros.script.quoting import quote, quote_in_pieces

#: Values that are a literal, or script that makes one: `Script("$vDir")`.
Values = Mapping[str, "str | Script"]


class Script(str):
    """Text of ours that is script, not a value: it is written as it stands and never holds anybody's input."""

    __slots__ = ()


def literal(value: "str | Script") -> str:
    """A value as it stands in a command."""
    return str(value) if isinstance(value, Script) else quote(value)


def where(conditions: Values) -> str:
    """`find where name="x" and comment="y"`."""
    return "find where " + " and ".join(f"{name}={literal(value)}" for name, value in conditions.items())


def arguments(values: Values) -> str:
    """`name="x" comment="y"`."""
    return " ".join(f"{name}={literal(value)}" for name, value in values.items())


def say(text: str) -> str:
    """Print a line for the person at the console."""
    return f":put {quote(text)}"


def stop(text: str) -> str:
    """End the script with a sentence."""
    return f":error {quote(text)}"


def when_any(menu: str, conditions: Values, lines: Iterable[str]) -> list[str]:
    """Do `lines` if the menu has such a row."""
    return [f":if ([:len [{menu} {where(conditions)}]] > 0) do={{", *lines, "}"]


def when_none(menu: str, conditions: Values, lines: Iterable[str]) -> list[str]:
    """Do `lines` if the menu has no such row."""
    return [f":if ([:len [{menu} {where(conditions)}]] = 0) do={{", *lines, "}"]


def ensure(menu: str, conditions: Values, values: Values, *, only_new: Values | None = None) -> list[str]:
    """Make the row that `conditions` describe, or bring the one that is there to `values`.

    `only_new` is said when it is made and never touched again.
    """
    new = {**conditions, **values, **(only_new or {})}
    return [
        f":if ([:len [{menu} {where(conditions)}]] = 0) do={{",
        f"{menu} add {arguments(new)}",
        "} else={",
        f"{menu} set [{where(conditions)}] {arguments(values)}",
        "}",
    ]


def ensure_each(menu: str, tag: str, *, key: str, wanted: Sequence[str], values: Values) -> list[str]:
    """One tagged row per item of `wanted`, and none of ours besides: what is no longer wanted goes."""
    lines: list[str] = []
    for item in wanted:
        lines += when_none(
            menu,
            {"comment": tag, key: item},
            [f"{menu} add {arguments({key: item, **values, 'comment': tag})}"],
        )
    is_stray = " && ".join(["[:len $vIs] > 0", *(f"$vIs != {quote(item)}" for item in wanted)])
    strays = [
        f":foreach vRow in=[{menu} {where({'comment': tag})}] do={{",
        f":local vIs [:tostr [{menu} get $vRow {key}]]",
        f":if ({is_stray}) do={{ {menu} remove $vRow }}",
        "}",
    ]
    return [*lines, *attempt(strays, f"An old row in {menu} could not be removed.")]


def long_text(name: str, text: str) -> list[str]:
    """A local variable holding `text`, put together from short lines."""
    first, *rest = quote_in_pieces(text)
    return [f":local {name} {first}", *(f":set {name} (${name} . {piece})" for piece in rest)]


def remember(tag: str, key: str, reading: str) -> list[str]:
    """Keep what `reading` (script of ours, a command's value) gives now, once, for `restore`.

    It is kept as the comment line of a script of ours that nobody runs: data, never code.
    """
    kept = {"name": f"{tag}-was-{key}"}
    value = Script(f"({quote('#')} . {reading})")
    line = f"/system script add {arguments({**kept, 'source': value, 'policy': 'read'})}"
    return when_none("/system script", kept, [line])


def restore(tag: str, key: str, lines: Iterable[str]) -> list[str]:
    """Do `lines` with `$vWas` being what was remembered, and forget it; kept while the router refuses."""
    kept = {"name": f"{tag}-was-{key}"}
    back = when_any(
        "/system script",
        kept,
        [
            f":local vWas [/system script get [{where(kept)}] source]",
            ':set vWas ("" . [:pick $vWas 1 [:len $vWas]])',
            *lines,
            f"/system script remove [{where(kept)}]",
        ],
    )
    return attempt(back, f"The old {key} could not be given back; it is in {kept['name']} in System, Scripts.")


def discard(menu: str, conditions: Values) -> list[str]:
    """Remove the rows, and go on if the router will not."""
    return attempt([f"{menu} remove [{where(conditions)}]"], f"A row of ours in {menu} could not be removed.")


def joined(name: str, reading: str, *, first: str = "", without: str = "") -> list[str]:
    """A local variable: the list `reading` gives, written with commas; `first` leads it, `without` is left out."""
    unwanted = " && ".join(f"[:tostr $vOne] != {quote(word)}" for word in (first, without) if word) or "true"
    start = quote(f",{first}") if first else '""'
    return [
        f":local {name} {start}",
        f":foreach vOne in=[:toarray {reading}] do={{",
        f':if ({unwanted}) do={{ :set {name} (${name} . "," . $vOne) }}',
        "}",
        f":if ([:len ${name}] > 0) do={{ :set {name} [:pick ${name} 1 [:len ${name}]] }}",
    ]


def attempt(lines: Iterable[str], complaint: str) -> list[str]:
    """Do `lines`; when the router refuses, say so and go on."""
    return [":do {", *lines, f"}} on-error={{ {say(complaint)} }}"]


def block(lines: Iterable[str]) -> str:
    """One block: the console reads it whole before it does anything, so a broken paste does nothing at all."""
    return "\n".join(("{", *lines, "}", ""))
