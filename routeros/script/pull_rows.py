"""One row of pull mode's wire format at a time: jobs towards the router, state rows from it. The whole: pull.py.

Fields are divided by `|`. A job's fields are plain words that cannot hold it and are never empty (`-` stands for
"leave as it is" or "none"), because what RouterOS's `:find` does at an empty field differs between readers.
"""

import re
from collections.abc import Callable, Mapping
from typing import Final

from routeros.names import TAG, is_own_name, is_own_profile_name
from routeros.operations import AddUser, ChangeUser, EndAccess, EnsureProfile, Why
from routeros.script.pull_values import Action, Drop, Report, SettingRow, StateKind, StateRow, Stranger
from routeros.values import ActiveSession, CookieRow, HostRow, HotspotUser, LogIn, UserChanges, UserProfile
from routeros.words import (
    NO_MAC,
    Row,
    read_duration,
    read_flag,
    read_number,
    write_duration,
    write_flag,
    write_number,
)

KEPT: Final = "-"
_LONGEST_FOREIGN: Final = 120
_WORD: Final = re.compile(r"[A-Za-z0-9:._/ -]{1,128}", re.ASCII)
#: The fields of a user in the order of both verbs, `user` (all of them) and `set` (those that are not `-`).
_USER_FIELDS: Final = (
    *("password", "profile", "comment", "mac_address", "limit_uptime", "limit_bytes_total", "is_disabled"),
)


def write_job(action: Action) -> list[str]:
    """Verb and fields. Raises ValueError for what a router must not be asked: foreign names, odd characters."""
    match action:
        case AddUser(user):
            if user.password is None:
                raise ValueError("a hotspot user is made with a password")
            everything = UserChanges(
                password=user.password,
                profile=user.profile,
                comment=user.comment,
                mac_address=user.mac_address,
                limit_uptime=user.limit_uptime,
                limit_bytes_total=user.limit_bytes_total,
                is_disabled=user.is_disabled,
            )
            words = ["user", _own(user.name), *_changes(everything)]
        case ChangeUser(name, changes):
            words = ["set", _own(name), *_changes(changes)]
        case EndAccess(name, _):
            words = ["end", _own(name)]
        case EnsureProfile(profile):
            words = ["profile", *_profile(profile)]
        case LogIn():
            words = ["login", _own(action.user), action.password, action.ip, action.mac]
        case Report(kind):
            words = ["report", kind.value]
        case Drop():
            return _drop(action)
    for word in words:
        if _WORD.fullmatch(word) is None:
            raise ValueError("a job's words are short and plain")
    if KEPT in words[2:] and isinstance(action, AddUser | LogIn):
        raise ValueError(f"a word of its own cannot be {KEPT}")
    return words


def read_job(words: list[str]) -> Action:
    """The action again; the router's side of `write_job`. Raises ValueError."""
    verb, *rest = words
    readers: Mapping[str, tuple[int, Callable[[list[str]], Action]]] = {
        "user": (8, _read_user),
        "set": (8, lambda fields: ChangeUser(_own(fields[0]), _read_changes(fields[1:]))),
        "end": (1, lambda fields: EndAccess(_own(fields[0]), Why.ENDED)),
        "profile": (4, _read_profile),
        "login": (4, lambda fields: LogIn(_own(fields[0]), fields[1], ip=fields[2], mac=fields[3])),
        "drop": (5, _read_drop),
        "report": (1, lambda fields: Report(StateKind(fields[0]))),
    }
    if verb not in readers or len(rest) != readers[verb][0]:
        raise ValueError("no job we know")
    return readers[verb][1](rest)


def read_row(kind: StateKind, fields: list[str]) -> StateRow:
    """A row of the router's state; the order of fields is the agent's. Raises ValueError."""
    names = _ROWS[kind]
    if len(fields) < len(names):
        raise ValueError("a row of state is too short")
    # The last field is free text and may hold the divider.
    words = dict(zip(names, [*fields[: len(names) - 1], "|".join(fields[len(names) - 1 :])], strict=True))
    row = Row({name: word for name, word in words.items() if word})
    return _READERS[kind](row)


def _drop(drop: Drop) -> list[str]:
    """Words of strangers' making: anything that can be printed but the divider; never a row of ours."""
    if is_own_name(drop.name) and (drop.kind is not Stranger.USER or drop.values[2].startswith(TAG)):
        raise ValueError("that row is ours")
    words = [drop.name, drop.kind.value, *(value or KEPT for value in drop.values)]
    if not all(0 < len(word) <= _LONGEST_FOREIGN and word.isprintable() and "|" not in word for word in words):
        raise ValueError("that row cannot be named to a router")
    return ["drop", *words]


def _read_drop(fields: list[str]) -> Action:
    name, kind, first, second, third = ("" if word == KEPT else word for word in fields)
    return Drop(Stranger(kind), name, (first, second, third))


def _own(name: str) -> str:
    if not is_own_name(name):
        raise ValueError("a job names a user of ours")
    return name


def _changes(changes: UserChanges) -> list[str]:
    """One word per field, `-` for those that stay."""
    words: list[str] = []
    for field in _USER_FIELDS:
        if field not in changes:
            words.append(KEPT)
        elif field == "mac_address":
            words.append(changes.get("mac_address", "").upper() or NO_MAC)
        elif field == "limit_uptime":
            words.append(write_duration(_limit(changes.get("limit_uptime"))))
        elif field == "limit_bytes_total":
            words.append(write_number(_limit(changes.get("limit_bytes_total"))))
        elif field == "is_disabled":
            words.append(write_flag(changes.get("is_disabled", False)))
        else:
            words.append(str(changes.get(field)))
    return words


def _limit(value: int | None) -> int:
    """RouterOS means "no limit" by 0; so a limit of 0 would be its opposite."""
    if value is not None and value < 1:
        raise ValueError("a limit is at least 1; None lifts it")
    return value or 0


def _read_user(fields: list[str]) -> Action:
    if KEPT in fields:
        raise ValueError("a user is made with all its fields")
    changes = _read_changes(fields[1:])
    return AddUser(
        HotspotUser(
            name=_own(fields[0]),
            password=changes.get("password"),
            profile=changes.get("profile", "default"),
            comment=changes.get("comment", ""),
            mac_address=changes.get("mac_address", ""),
            limit_uptime=changes.get("limit_uptime"),
            limit_bytes_total=changes.get("limit_bytes_total"),
            is_disabled=changes.get("is_disabled", False),
        )
    )


def _read_changes(words: list[str]) -> UserChanges:
    given = {field: word for field, word in zip(_USER_FIELDS, words, strict=True) if word != KEPT}
    changes: UserChanges = {}
    if "password" in given:
        changes["password"] = given["password"]
    if "profile" in given:
        changes["profile"] = given["profile"]
    if "comment" in given:
        changes["comment"] = given["comment"]
    if "mac_address" in given:
        changes["mac_address"] = "" if given["mac_address"] == NO_MAC else given["mac_address"]
    if "limit_uptime" in given:
        changes["limit_uptime"] = read_duration(given["limit_uptime"]) or None
    if "limit_bytes_total" in given:
        changes["limit_bytes_total"] = read_number(given["limit_bytes_total"]) or None
    if "is_disabled" in given:
        changes["is_disabled"] = read_flag(given["is_disabled"])
    return changes


def _profile(profile: UserProfile) -> list[str]:
    if not is_own_profile_name(profile.name):
        raise ValueError("a job names a profile of ours")
    shared = "unlimited" if profile.shared_users is None else write_number(profile.shared_users)
    return [profile.name, shared, write_flag(profile.add_mac_cookie), profile.rate_limit or KEPT]


def _read_profile(fields: list[str]) -> Action:
    name, shared, cookie, rate = fields
    return EnsureProfile(
        UserProfile(
            name=name,
            rate_limit="" if rate == KEPT else rate,
            shared_users=None if shared == "unlimited" else read_number(shared),
            add_mac_cookie=read_flag(cookie),
        )
    )


_ROWS: Final[Mapping[StateKind, tuple[str, ...]]] = {
    StateKind.USERS: (
        *("name", "mac-address", "limit-uptime", "limit-bytes-total", "uptime", "bytes-in", "bytes-out"),
        *("disabled", "profile", "comment"),
    ),
    StateKind.ACTIVE: (*("user", "address", "mac-address", "uptime", "session-time-left", "bytes-in", "bytes-out"),),
    StateKind.COOKIES: ("user", "mac-address", "expires-in"),
    StateKind.PROFILES: ("name", "shared-users", "add-mac-cookie", "rate-limit"),
    StateKind.HOSTS: ("mac-address", "address", "authorized", "bypassed", "uptime"),
    StateKind.SETTINGS: ("menu", "number", "field", "value"),
    StateKind.FOREIGN: ("menu", "number", "field", "value"),
}


def _user(row: Row) -> HotspotUser:
    return HotspotUser(
        name=row.required("name"),
        mac_address=row.mac("mac-address"),
        limit_uptime=row.duration("limit-uptime") or None,
        limit_bytes_total=row.limit("limit-bytes-total"),
        uptime=row.seconds("uptime"),
        bytes_in=row.number("bytes-in"),
        bytes_out=row.number("bytes-out"),
        is_disabled=row.flag("disabled"),
        profile=row.text("profile", "default"),
        comment=row.text("comment"),
    )


def _active(row: Row) -> ActiveSession:
    return ActiveSession(
        user=row.required("user"),
        address=row.text("address"),
        mac_address=row.mac("mac-address"),
        uptime=row.seconds("uptime"),
        session_time_left=row.duration("session-time-left"),
        bytes_in=row.number("bytes-in"),
        bytes_out=row.number("bytes-out"),
    )


def _cookie(row: Row) -> CookieRow:
    return CookieRow(
        user=row.required("user"), mac_address=row.mac("mac-address"), expires_in=row.seconds("expires-in")
    )


def _user_profile(row: Row) -> UserProfile:
    shared = row.text("shared-users", "1")
    return UserProfile(
        name=row.required("name"),
        rate_limit=row.text("rate-limit"),
        shared_users=None if shared == "unlimited" else read_number(shared),
        add_mac_cookie=row.flag("add-mac-cookie", default=True),
    )


def _host(row: Row) -> HostRow:
    return HostRow(
        mac_address=row.mac("mac-address"),
        address=row.text("address"),
        is_authorized=row.flag("authorized"),
        is_bypassed=row.flag("bypassed"),
        uptime=row.seconds("uptime"),
    )


def _setting(row: Row) -> SettingRow:
    return SettingRow(row.required("menu"), row.number("number"), row.text("field"), row.text("value"))


_READERS: Final[Mapping[StateKind, Callable[[Row], StateRow]]] = {
    StateKind.USERS: _user,
    StateKind.ACTIVE: _active,
    StateKind.COOKIES: _cookie,
    StateKind.PROFILES: _user_profile,
    StateKind.HOSTS: _host,
    StateKind.SETTINGS: _setting,
    StateKind.FOREIGN: _setting,
}
