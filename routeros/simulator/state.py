"""Saving a router's lasting state as JSON: rows, user counters, cookies. Not sessions: they die with the power."""

from __future__ import annotations

import json
from datetime import datetime
from typing import TypedDict, cast

from routeros.simulator.hotspot import Hotspot
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


class _State(TypedDict):
    format: int
    identity: str
    tables: dict[str, list[_RowState]]
    usage: dict[str, list[float]]
    cookies: list[_CookieState]


def dump(hotspot: Hotspot) -> str:
    """Return the state as JSON. Dynamic rows are left out. It holds passwords: keep it where the router's are kept."""
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
    }
    return json.dumps(state)


def load(hotspot: Hotspot, text: str) -> None:
    """Replace the hotspot's rows, counters and cookies. Raises ValueError when the text is not such a state."""
    state = cast("_State", json.loads(text))
    try:
        if state["format"] != _FORMAT:
            raise ValueError("saved by another version")
        _restore(hotspot, state)
    except (KeyError, TypeError, AttributeError) as reason:
        raise ValueError("not a saved router state") from reason


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
