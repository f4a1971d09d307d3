"""Early warning: a merchant's people hear once that a router stays away, and once that it is back for good.

Level-based on the router's row and on the open alert, so looking twice tells nothing twice. Flapping is damped on both sides:
an absence counts only when it lasts, a return only when it holds, and a router that was told of within the hour has to be away
three times as long."""

from datetime import datetime, timedelta

from portal import alerts, messages
from portal.db import DB, Tx, atomic
from portal.messages import Told

KIND = "router_away"
#: A router is back when it has answered for so long.
HOLDS = timedelta(minutes=3)
#: Who was back so shortly ago is given more time before the next word.
RECENT = timedelta(hours=1)
PATIENCE = 3

_AWAY = """SELECT r.id, r.merchant_id, r.name, r.offline_since FROM routers r JOIN merchants m ON m.id = r.merchant_id
WHERE r.status = 'offline' AND r.offline_since IS NOT NULL AND m.away_alert_min > 0
AND NOT EXISTS (SELECT FROM alerts a WHERE a.kind = $2 AND a.subject = 'router:' || r.id AND a.status = 'open')
AND r.offline_since <= $1::timestamptz - m.away_alert_min * interval '1 minute' * CASE WHEN EXISTS (
  SELECT FROM alerts a WHERE a.kind = $2 AND a.subject = 'router:' || r.id AND a.closed_at > $1::timestamptz - $3::interval)
  THEN $4::int ELSE 1 END
ORDER BY r.id"""
_BACK = """SELECT r.id, r.merchant_id, r.name, a.opened_at, a.data ->> 'since' AS since, r.status FROM alerts a
JOIN routers r ON a.subject = 'router:' || r.id
WHERE a.kind = $2 AND a.status = 'open' AND (r.status IN ('paused', 'removed') OR (r.status = 'online' AND NOT EXISTS (
  SELECT FROM events e WHERE e.entity = 'routers' AND e.entity_id = r.id AND e.at > $1::timestamptz - $3::interval
  AND e.became IN ('late', 'offline', 'online') AND e.was IS DISTINCT FROM e.became)))
ORDER BY r.id"""


async def tell(*, now: datetime) -> int:
    """Tell what is to be told now; returns how many routers that were."""
    away = await DB.fetch(_AWAY, now, KIND, RECENT, PATIENCE)
    for row in away:
        async with atomic() as tx:
            await _tell_away(tx, row["id"], row["merchant_id"], row["name"], since=row["offline_since"], now=now)
    back = await DB.fetch(_BACK, now, KIND, HOLDS)
    for row in back:
        since = datetime.fromisoformat(row["since"])
        async with atomic() as tx:
            if not await alerts.end(tx, KIND, f"router:{row['id']}", now=now) or row["status"] != "online":
                continue  # somebody else told it, or the merchant took the router away: no news to them
            params = {"router": row["name"], "minutes": _minutes(now - since)}
            await messages.write(
                tx,
                Told.SHOP_ROUTER_BACK,
                f"{row['id']}:{row['since']}",
                merchant_id=row["merchant_id"],
                phone=None,
                params=params,
                now=now,
            )
    return len(away) + len(back)


async def _tell_away(tx: Tx, router_id: int, merchant_id: int, name: str, *, since: datetime, now: datetime) -> None:
    """The row is looked at again under its lock: it may have answered a moment ago."""
    still = await tx.value(
        "SELECT id FROM routers WHERE id = $1 AND status = 'offline' AND offline_since = $2 FOR UPDATE",
        router_id,
        since,
    )
    if still is None:
        return
    known = {"router": name, "since": since.isoformat()}
    if not await alerts.begin(tx, KIND, f"router:{router_id}", now=now, data=known, merchant_id=merchant_id):
        return
    params = {"router": name, "minutes": _minutes(now - since)}
    await messages.write(
        tx,
        Told.SHOP_ROUTER_AWAY,
        f"{router_id}:{since.isoformat()}",
        merchant_id=merchant_id,
        phone=None,
        params=params,
        now=now,
        not_after=now + timedelta(hours=2),
    )


def _minutes(length: timedelta) -> int:
    return max(1, round(length.total_seconds() / 60))
