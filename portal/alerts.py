"""Alerts: a condition is told once when it begins and once when it ends, however often it is looked at in between."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec

from portal.db import DB, Tx
from portal.identity import Actor
from portal.states import E, move, note

_TABLE = "alerts"


class AlertView(msgspec.Struct, frozen=True, kw_only=True):
    """An open alert. `data` is what was known when it began."""

    id: int
    kind: str
    subject: str
    data: dict[str, Any]
    opened_at: datetime


async def begin(
    tx: Tx,
    kind: str,
    subject: str,
    *,
    now: datetime,
    data: Mapping[str, Any] | None = None,
    merchant_id: int | None = None,
) -> bool:
    """Open an alert; False: it is open already, and nothing is told again."""
    known = msgspec.json.encode(data or {}).decode()
    alert_id = await tx.value(
        """INSERT INTO alerts (merchant_id, kind, subject, data, opened_at) VALUES ($1, $2, $3, $4::jsonb, $5)
           ON CONFLICT (kind, subject) WHERE status = 'open' DO NOTHING RETURNING id""",
        merchant_id,
        kind,
        subject[:120],
        known,
        now,
    )
    if alert_id is None:
        return False
    told = {"kind": kind, "subject": subject[:120], **(data or {})}
    await note(tx, _TABLE, alert_id, "alert_opened", merchant_id=merchant_id, at=now, data=told)
    return True


async def end(tx: Tx, kind: str, subject: str, *, now: datetime) -> bool:
    """Close an alert; False: none is open."""
    alert_id = await tx.value(
        "SELECT id FROM alerts WHERE kind = $1 AND subject = $2 AND status = 'open'", kind, subject[:120]
    )
    if alert_id is None:
        return False
    told = {"kind": kind, "subject": subject[:120]}
    return await move(tx, _TABLE, alert_id, E.CLOSE, at=now, data=told, closed_at=now)


async def open_now(kind: str) -> list[AlertView]:
    """The open alerts of a kind, the oldest first."""
    rows = await DB.fetch(
        "SELECT id, kind, subject, data, opened_at FROM alerts WHERE kind = $1 AND status = 'open' ORDER BY id", kind
    )
    return [AlertView(**(dict(row) | {"data": msgspec.json.decode(row["data"])})) for row in rows]


async def open_of(actor: Actor, *, most: int = 200) -> list[AlertView]:
    """The open alerts of whoever asks, the oldest first: a merchant's own, or the platform's for an operator who looks at none."""
    rows = await DB.fetch(
        """SELECT id, kind, subject, data, opened_at FROM alerts
           WHERE status = 'open' AND merchant_id IS NOT DISTINCT FROM $1 ORDER BY id LIMIT $2""",
        actor.merchant_id,
        most,
    )
    return [AlertView(**(dict(row) | {"data": msgspec.json.decode(row["data"])})) for row in rows]
