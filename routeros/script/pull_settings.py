"""Settings of a router that asks us: what its agent tells of each menu, and how that becomes the rows the doctor reads.

The menus and fields are the doctor's own (routeros.doctor.facts) but those about a user of ours, whom such a router has not.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from routeros.doctor.facts import MENUS
from routeros.script.pull_values import SettingRow
from routeros.script.quoting import quote

_NOT_TOLD: Final = frozenset({"/user", "/user/group"})
#: Menus of one row; `print as-value` gives that row itself, not a list of one.
_SINGLE: Final = frozenset(
    {"/system/resource", "/system/identity", "/system/routerboard", "/system/clock", "/system/ntp/client"}
    | {"/system/license", "/system/device-mode"}
)
#: Version 6 would not even read a script that names them.
_NOT_IN_SIX: Final = frozenset({"/system/device-mode"})
TOLD: Final[Mapping[str, tuple[str, ...]]] = {menu: fields for menu, fields in MENUS.items() if menu not in _NOT_TOLD}
_SECONDS: Final = re.compile(r"-?[0-9]{1,10}", re.ASCII)
_CLOCK: Final = re.compile(r"([+-]?)([0-9]{2}:[0-9]{2})(?::[0-9]{2})?", re.ASCII)


def look_lines(*, is_six: bool) -> str:
    """Script lines that fill `$vSeen`, menu → rows. A menu that is not there or refuses is left out."""
    lines: list[str] = []
    for menu in TOLD:
        if is_six and menu in _NOT_IN_SIX:
            continue
        read = f"[{menu[0]}{menu[1:].replace('/', ' ')} print as-value]"
        rows = f"{{{read}}}" if menu in _SINGLE else read
        lines.append(
            f':do {{ :set ($vSeen->{quote(menu)}) {rows} }} on-error={{ :log debug "vocha: {menu} is not shown" }}\n'
        )
    return "".join(lines)


def field_table(more: Mapping[str, Sequence[str]]) -> str:
    """The fields of each menu, and of `more`, as an array of RouterOS's."""
    menus = (
        f"{quote(menu)}={{{';'.join(quote(field) for field in fields)}}}" for menu, fields in {**TOLD, **more}.items()
    )
    return "{" + ";".join(menus) + "}"


def menus_from(rows: Iterable[SettingRow]) -> dict[str, list[dict[str, str]]]:
    """Menu → rows, in the words the API would have used; menus and fields the doctor does not ask for are passed over."""
    found: dict[str, dict[int, dict[str, str]]] = {}
    for row in rows:
        if row.menu not in TOLD:
            continue
        menu = found.setdefault(row.menu, {})
        if row.field in TOLD[row.menu]:
            menu.setdefault(row.number, {})[row.field] = _as_told_over_api(row.field, row.value)
    return {menu: [some[number] for number in sorted(some)] for menu, some in found.items()}


def _as_told_over_api(field: str, value: str) -> str:
    """A script's text of a value is not the API's: lists are joined by `;`, and an offset from UTC is a number of seconds on
    version 6 (where a negative one has wrapped round 32 bits) or a time."""
    if field in {"login-by", "address", "policy"}:
        return value.replace(";", ",")
    if field != "gmt-offset":
        return value
    if _SECONDS.fullmatch(value):
        seconds = int(value) - (1 << 32 if int(value) > 1 << 31 else 0)
        hours, minutes = divmod(abs(seconds) // 60, 60)
        return f"{'-' if seconds < 0 else '+'}{hours:02}:{minutes:02}"
    clock = _CLOCK.fullmatch(value)
    return f"{clock[1] or '+'}{clock[2]}" if clock else value
