"""Rows on routers that are not ours and that a person vouches for: the owner's phone, the printer. Told apart, not touched."""

from datetime import datetime

from portal.db import DB, atomic
from portal.drift.compare import FOREIGN, Kind
from portal.drift.looks import Target
from portal.errors import NotFound
from portal.identity import Actor
from portal.routers import rights
from portal.states import note

#: What a vouched-for row is called: a device by its MAC, or a hotspot user by its name, online or not.
Known = tuple[str, str]


def key_of(kind: Kind, who: str) -> Known:
    """Under which key a finding is vouched for."""
    return ("device" if kind is Kind.BYPASSED else "user", who)


async def known_on(actor: Actor, router_id: int | None = None) -> dict[int, set[Known]]:
    """What people of the merchant vouch for, by router."""
    rows = await DB.fetch(
        "SELECT router_id, kind, who FROM known_rows WHERE merchant_id = $1 AND ($2::bigint IS NULL OR router_id = $2)",
        actor.at_merchant(),
        router_id,
    )
    known: dict[int, set[Known]] = {}
    for row in rows:
        known.setdefault(row["router_id"], set()).add((row["kind"], row["who"]))
    return known


async def vouch(actor: Actor, router_id: int, target: Target, *, now: datetime) -> None:
    """Do not count this row as a leak any more. For owners and managers. Safe to repeat."""
    kind, who = _foreign(target)
    async with atomic() as tx:
        row = await rights.own_to_change(tx, actor, router_id)
        made = await tx.value(
            """INSERT INTO known_rows (merchant_id, router_id, kind, who, actor, created_at) VALUES ($1, $2, $3, $4, $5, $6)
               ON CONFLICT DO NOTHING RETURNING id""",
            row["merchant_id"], router_id, kind, who, rights.named(actor), now,
        )  # fmt: skip
        if made is not None:
            await note(
                tx, "routers", router_id, "vouched", merchant_id=row["merchant_id"], at=now, actor=rights.named(actor),
                data={"kind": kind, "who": who},
            )  # fmt: skip


async def doubt(actor: Actor, router_id: int, target: Target, *, now: datetime) -> None:
    """Count it again. Safe to repeat."""
    kind, who = _foreign(target)
    async with atomic() as tx:
        row = await rights.own_to_change(tx, actor, router_id)
        gone = await tx.value(
            "DELETE FROM known_rows WHERE router_id = $1 AND kind = $2 AND who = $3 RETURNING id", router_id, kind, who
        )
        if gone is not None:
            await note(
                tx, "routers", router_id, "doubted", merchant_id=row["merchant_id"], at=now, actor=rights.named(actor),
                data={"kind": kind, "who": who},
            )  # fmt: skip


def _foreign(target: Target) -> Known:
    if target.kind not in FOREIGN or not 0 < len(target.who) <= 120 or "\0" in target.who:
        raise NotFound
    return key_of(target.kind, target.who)
