"""A router's settings as the doctor saw them, look by look: which are kept, and how two of them differ. No secrets are in
them: the doctor never asks a router for any."""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from portal.db import DB, Tx
from portal.errors import NotFound
from portal.identity import Actor

#: Kept: the newest so many, and of older ones the last of each day.
NEWEST, DAYS = 60, 90
_LISTS = re.compile(r", ?")


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """A setting that is not what it was; "" : it was not there. Of a list, only what came and what went is told."""

    name: str
    was: str
    now: str

    @property
    def gone(self) -> list[str]:
        """What went: the whole value, or the items of a list that are in it no more."""
        return _items(self.was, self.now)

    @property
    def come(self) -> list[str]:
        """What came."""
        return _items(self.now, self.was)


def _items(value: str, other: str) -> list[str]:
    if "," not in value and "," not in other:
        return [value] if value else []
    without = set(_LISTS.split(other))
    return [item for item in _LISTS.split(value) if item and item not in without]


class Snapshot(msgspec.Struct, frozen=True, kw_only=True):
    """The settings at one look; `changes`: how many were different at the look before."""

    id: int
    at: datetime
    settings: Mapping[str, str]
    changes: int


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """Two snapshots of a router, compared."""

    older: Snapshot
    newer: Snapshot
    changes: Sequence[Change]


def compare(was: Mapping[str, str], now: Mapping[str, str]) -> list[Change]:
    """Every setting that differs, by name. Pure."""
    return [
        Change(name=name, was=was.get(name, ""), now=now.get(name, ""))
        for name in sorted(was.keys() | now.keys())
        if was.get(name, "") != now.get(name, "")
    ]


async def listed(actor: Actor, router_id: int, *, before: int | None = None, most: int = 20) -> list[Snapshot]:
    """A router's snapshots, the newest first; the next page is `before` the last one's id."""
    rows = await DB.fetch(
        """SELECT id, at, facts FROM router_checks WHERE router_id = $1 AND merchant_id = $2 AND facts <> '{}' AND id < $3
           ORDER BY id DESC LIMIT $4""",
        router_id,
        actor.at_merchant(),
        before or 2**63 - 1,
        most + 1,
    )
    facts = [_facts(row["facts"]) for row in rows]
    return [
        Snapshot(
            id=row["id"],
            at=row["at"],
            settings=facts[number],
            changes=len(compare(facts[number + 1], facts[number])) if number + 1 < len(rows) else 0,
        )
        for number, row in enumerate(rows[:most])
    ]


async def between(actor: Actor, router_id: int, one: int, other: int) -> Difference:
    """Two snapshots of a router, the older first whatever the order asked; NotFound when either is not there."""
    rows = await DB.fetch(
        """SELECT id, at, facts FROM router_checks WHERE router_id = $1 AND merchant_id = $2 AND facts <> '{}'
           AND id = ANY($3) ORDER BY id""",
        router_id,
        actor.at_merchant(),
        [one, other],
    )
    if len(rows) != 2:
        raise NotFound
    older, newer = (Snapshot(id=row["id"], at=row["at"], settings=_facts(row["facts"]), changes=0) for row in rows)
    return Difference(older=older, newer=newer, changes=compare(older.settings, newer.settings))


class Since(msgspec.Struct, frozen=True, kw_only=True):
    """What changed up to now, since when, and whether that is yesterday or only the look before."""

    changes: Sequence[Change]
    at: datetime
    is_yesterday: bool
    older_id: int
    newer_id: int


async def since_yesterday(router_id: int, merchant_id: int, *, zone: ZoneInfo) -> Since | None:
    """The newest snapshot against the last one of an earlier day of the merchant's; without one, against the look before.
    None: there are no two."""
    rows = await DB.fetch(
        """WITH newest AS (
             SELECT id, at, facts FROM router_checks WHERE router_id = $1 AND merchant_id = $2 AND facts <> '{}'
             ORDER BY id DESC LIMIT 1)
           SELECT id, at, facts, NULL AS is_earlier_day FROM newest UNION ALL (
             SELECT c.id, c.at, c.facts, c.at < date_trunc('day', n.at, $3) FROM router_checks c, newest n
             WHERE c.router_id = $1 AND c.merchant_id = $2 AND c.facts <> '{}' AND c.id < n.id
             ORDER BY c.at < date_trunc('day', n.at, $3) DESC, c.id DESC LIMIT 1)""",
        router_id,
        merchant_id,
        zone.key,
    )
    if len(rows) < 2:
        return None
    newer, older = rows
    return Since(
        changes=compare(_facts(older["facts"]), _facts(newer["facts"])), at=older["at"],
        is_yesterday=older["is_earlier_day"], older_id=older["id"], newer_id=newer["id"],
    )  # fmt: skip


async def prune(tx: Tx, router_id: int, *, now: datetime) -> None:
    """Forget what the rule does not keep: all but the newest sixty and, for ninety days, the last of each day (UTC)."""
    await tx.execute(
        """DELETE FROM router_checks WHERE router_id = $1 AND id NOT IN (
             SELECT id FROM router_checks WHERE router_id = $1 ORDER BY id DESC LIMIT $2)
           AND id NOT IN (
             SELECT max(id) FROM router_checks WHERE router_id = $1 AND at > $3 AND facts <> '{}'
             GROUP BY date_trunc('day', at, 'UTC'))""",
        router_id,
        NEWEST,
        now - timedelta(days=DAYS),
    )


def _facts(stored: Any) -> dict[str, str]:
    return msgspec.json.decode(stored, type=dict[str, str])
