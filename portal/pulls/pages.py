"""Pages of a router's state, kept until all of a read are there; then they are what one complete read saw."""

from collections.abc import Mapping
from typing import Any

import msgspec

from portal.db import DB, Tx
from portal.pulls.conversation import Talk
from routeros.reconcile import Observed
from routeros.script.pull import whole_state
from routeros.script.pull_strangers import sessions_of, told_of, users_of
from routeros.script.pull_values import SettingRow, StateKind, StatePage
from routeros.values import ActiveSession, CookieRow, HostRow, HotspotUser, UserProfile

#: A read of more pages than this is no hotspot's: forty fit into one run of the agent.
_MOST_PAGES = 200
_ROWS: Mapping[StateKind, Any] = {
    StateKind.USERS: HotspotUser,
    StateKind.ACTIVE: ActiveSession,
    StateKind.COOKIES: CookieRow,
    StateKind.PROFILES: UserProfile,
    StateKind.HOSTS: HostRow,
    StateKind.SETTINGS: SettingRow,
    StateKind.FOREIGN: SettingRow,
}


async def keep_page(tx: Tx, talk: Talk, page: StatePage) -> bool:
    """Keep a page of the read under way; a second copy changes nothing. False: nobody asked for this one (any more)."""
    visit = talk.visit
    if visit is None or visit.numbers.get(page.kind.value) != page.number or not 1 <= page.page <= _MOST_PAGES:
        return False
    await tx.execute(
        """INSERT INTO pull_pages (merchant_id, router_id, job, page, kind, is_last, rows)
           VALUES ($1, $2, $3, $4, $5, $6, $7::jsonb) ON CONFLICT (router_id, job, page) DO NOTHING""",
        talk.merchant_id,
        talk.router_id,
        page.number,
        page.page,
        page.kind.value,
        page.is_last,
        msgspec.json.encode(page.rows).decode(),
    )
    return True


async def observed(talk: Talk) -> Observed | None:
    """The read under way as one; None while a page of it is missing. Its kinds were told by the router in one go, so nothing
    happened in between."""
    whole = await _whole(talk)
    if whole is None:
        return None
    told = told_of(whole.get(StateKind.FOREIGN, ()))
    return Observed(
        users=(*whole[StateKind.USERS], *users_of(told)),
        active=(*whole[StateKind.ACTIVE], *sessions_of(told)),
        cookies=whole[StateKind.COOKIES],
        hosts=whole[StateKind.HOSTS],
        profiles=whole[StateKind.PROFILES],
        complete=True,
    )


async def settings(talk: Talk) -> tuple[SettingRow, ...] | None:
    """The settings the router was asked for; None while a page of them is missing."""
    whole = await _whole(talk)
    return whole[StateKind.SETTINGS] if whole else None


async def strangers(talk: Talk) -> tuple[SettingRow, ...] | None:
    """What the router told of rows that are not ours; None when it was not asked or a page is missing."""
    whole = await _whole(talk)
    return whole.get(StateKind.FOREIGN) if whole else None


async def _whole(talk: Talk) -> dict[StateKind, tuple[Any, ...]] | None:
    numbers = talk.visit.numbers if talk.visit else {}
    rows = await DB.fetch(
        "SELECT job, page, kind, is_last, rows FROM pull_pages WHERE router_id = $1 AND job = ANY($2)",
        talk.router_id,
        list(numbers.values()),
    )
    pages: dict[StateKind, list[StatePage]] = {StateKind(kind): [] for kind in numbers}
    for row in rows:
        kind = StateKind(row["kind"])
        state = msgspec.json.decode(row["rows"], type=tuple[_ROWS[kind], ...])
        pages[kind].append(StatePage(kind, row["job"], row["page"], state, row["is_last"]))
    whole: dict[StateKind, tuple[Any, ...]] = {}
    for kind, some in pages.items():
        found = whole_state(some)
        if found is None:
            return None
        whole[kind] = found
    return whole


async def drop(tx: Tx, router_id: int) -> None:
    """The read is over or given up."""
    await tx.execute("DELETE FROM pull_pages WHERE router_id = $1", router_id)
