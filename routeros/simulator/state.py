"""Saving a router as JSON: what its flash holds (rows, settings, user counters, cookies), and, for a hot restart of
the simulator only, what its memory holds (see `live`)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import NotRequired, Protocol, TypedDict, cast

from routeros.simulator import live
from routeros.simulator.board import DeviceMode
from routeros.simulator.dispatch import Dispatcher
from routeros.simulator.hotspot import Hotspot
from routeros.simulator.menus.base import SettingsMenu
from routeros.simulator.sessions import Cookie, Counters, Usage
from routeros.simulator.tables import Row

_FORMAT = 1


class _RowState(TypedDict):
    id: str
    values: dict[str, str]
    is_default: bool


class _CookieState(TypedDict):
    id: str
    user: str
    password: str
    mac: str
    domain: str
    expires_at: str
    value: str | None


class _ModeState(TypedDict):
    mode: str
    overrides: dict[str, bool]
    attempts: int


class _State(TypedDict):
    format: int
    identity: str
    tables: dict[str, list[_RowState]]
    usage: dict[str, list[float]]
    cookies: list[_CookieState]
    settings: NotRequired[dict[str, dict[str, str]]]
    device_mode: NotRequired[_ModeState]
    live: NotRequired[live.LiveState]


class Saved(live.Running, Protocol):
    """What saving needs of a router."""

    @property
    def dispatcher(self) -> Dispatcher: ...
    @property
    def device_mode(self) -> DeviceMode: ...


def dump(router: Saved, *, is_hot: bool) -> str:
    """Return the state as JSON. Dynamic rows are left out: they come back with their sessions, if at all."""
    hotspot, mode = router.hotspot, router.device_mode
    usage = {row.id: hotspot.accounts.used(row) for row in hotspot.users}
    state: _State = {
        "format": _FORMAT,
        "identity": hotspot.identity,
        "tables": {
            path: [
                {"id": row.id, "values": row.values, "is_default": row.is_default}
                for row in table
                if not row.is_dynamic
            ]
            for path, table in hotspot.tables.items()
        },
        "usage": {row_id: [used.uptime, *used.traffic.as_list()] for row_id, used in usage.items() if used.uptime},
        "cookies": [
            {
                "id": cookie.id,
                "user": cookie.user,
                "password": cookie.password,
                "mac": cookie.mac,
                "domain": cookie.domain,
                "expires_at": cookie.expires_at.isoformat(),
                "value": cookie.value,
            }
            for cookie in hotspot.cookies.cookies.values()
        ],
        "settings": {menu.path: menu.values for menu in _settings(router.dispatcher)},
        "device_mode": {"mode": mode.mode, "overrides": mode.overrides, "attempts": mode.attempts},
    }
    if is_hot:
        state["live"] = live.dump(router)
    return json.dumps(state)


def load(router: Saved, text: str) -> None:
    """Replace a router's state by a saved one. Raises ValueError when the text is not such a state."""
    state = cast("_State", json.loads(text))
    try:
        if state["format"] != _FORMAT:
            raise ValueError("saved by another version")
        _restore(router.hotspot, state)
        _restore_settings(router, state)
        if "live" in state:
            live.load(router, state["live"])
    except (KeyError, TypeError, AttributeError) as reason:
        raise ValueError("not a saved router state") from reason


def _settings(dispatcher: Dispatcher) -> list[SettingsMenu]:
    return [menu for menu in dispatcher.menus.values() if isinstance(menu, SettingsMenu)]


def _restore_settings(router: Saved, state: _State) -> None:
    saved: Mapping[str, dict[str, str]] = state.get("settings", {})
    for menu in _settings(router.dispatcher):
        menu.values = {**menu.values, **saved.get(menu.path, {})}
    if (mode := state.get("device_mode")) is not None:
        router.device_mode.become(mode["mode"])
        router.device_mode.overrides.update(mode["overrides"])
        router.device_mode.attempts = mode["attempts"]


def _restore(hotspot: Hotspot, state: _State) -> None:
    hotspot.lose_memory()
    hotspot.identity = state["identity"]
    for path, rows in state["tables"].items():
        if path not in hotspot.tables:
            continue
        table = hotspot.tables[path]
        table.clear()
        for row in rows:
            table.restore(Row(row["id"], row["values"], is_default=row["is_default"]))
    for row_id, (uptime, *traffic) in state["usage"].items():
        hotspot.accounts.restore(hotspot.users.rows[row_id], Usage(uptime, Counters(*map(int, traffic))))
    hotspot.cookies.restore(_cookie(saved) for saved in state["cookies"])


def _cookie(saved: _CookieState) -> Cookie:
    return Cookie(
        saved["id"],
        saved["user"],
        saved["password"],
        saved["mac"],
        saved["domain"],
        datetime.fromisoformat(saved["expires_at"]),
        saved["value"],
    )
