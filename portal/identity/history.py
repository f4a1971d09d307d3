"""What people of a merchant did: the events of the history that carry a person, with who, when, and for 90 days from where."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from portal.db import DB
from portal.errors import Forbidden
from portal.identity.actors import Actor, Role
from portal.msgid import N_

PAGE_SIZE = 50
ONLY_MANAGERS = N_("Only the owner or a manager sees who did what.")
#: Kinds of deeds, by the tables they are about; what is in none is under "other".
KINDS: Mapping[str, tuple[str, ...]] = {
    "money": (
        "payments", "receipts", "refunds", "suspense", "payouts", "transfers", "floats", "claims", "comparisons", "daily_closes",
        "rail_accounts", "subscriber_bills", "agent_moneys", "papers", "alerts",
    ),
    "vouchers": ("vouchers", "batches", "access_grants", "packages", "promos", "prints", "devices", "imports"),
    "routers": ("routers", "router_outages", "drift_looks"),
    "customers": ("subscribers", "messages", "message_stops", "erasures"),
    "team": ("users", "identity_links", "agents", "visits"),
    "settings": (
        "merchants", "brandings", "message_gateways", "api_tokens", "webhook_endpoints", "tax_settings", "mpesa_accounts",
        "shop_copies",
    ),
}  # fmt: skip


class Deed(msgspec.Struct, frozen=True, kw_only=True):
    """One thing somebody did. `ip` is "" when it is not known, or no longer."""

    id: int
    at: datetime
    entity: str
    entity_id: int
    name: str
    became: str | None
    actor: str
    who: str
    ip: str
    data: dict[str, Any]


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What is looked for; None and "" for everything."""

    user_id: int | None = None
    kind: str = ""
    since: datetime | None = None
    until: datetime | None = None


class Person(msgspec.Struct, frozen=True):
    """Somebody who did something, or could."""

    user_id: int
    name: str


def reader(actor: Actor) -> int:
    """The merchant whose history the actor may read; Forbidden for cashiers and viewers."""
    merchant_id = actor.at_merchant()
    if actor.role not in (Role.OWNER, Role.MANAGER):
        raise Forbidden(ONLY_MANAGERS)
    return merchant_id


_DEEDS = """
SELECT e.id, e.at, e.entity, e.entity_id, e.name, e.became, e.actor, e.data, coalesce(u.name, '') AS who, coalesce(p.ip, '') AS ip
FROM events e LEFT JOIN event_places p ON p.id = e.id
LEFT JOIN users u ON u.id = CASE WHEN e.actor ~ '^user:[0-9]{1,18}$' THEN substr(e.actor, 6)::bigint END
WHERE e.merchant_id = $1 AND e.actor LIKE 'user:%' AND ($2::text IS NULL OR e.actor = $2) AND ($3::text[] IS NULL OR e.entity = ANY($3))
  AND ($4::timestamptz IS NULL OR e.at >= $4) AND ($5::timestamptz IS NULL OR e.at < $5) AND ($6::bigint IS NULL OR e.id < $6)
ORDER BY e.id DESC LIMIT $7"""


async def deeds(
    actor: Actor, wanted: Wanted, *, before: int | None = None, most: int = PAGE_SIZE
) -> tuple[Sequence[Deed], int | None]:
    """The newest first, below the id `before`; and the id to go on below, None at the end. Forbidden."""
    rows = await DB.fetch(
        _DEEDS, reader(actor), f"user:{wanted.user_id}" if wanted.user_id is not None else None,
        list(KINDS[wanted.kind]) if wanted.kind in KINDS else None, wanted.since, wanted.until, before, most + 1,
    )  # fmt: skip
    found = [msgspec.convert(dict(row) | {"data": msgspec.json.decode(row["data"])}, Deed) for row in rows[:most]]
    return found, found[-1].id if len(rows) > most else None


async def people(actor: Actor) -> list[Person]:
    """Whose deeds may be looked for: the team, and who was in it. Forbidden."""
    rows = await DB.fetch(
        """SELECT u.id AS user_id, u.name FROM users u
           WHERE EXISTS (SELECT FROM memberships m WHERE m.user_id = u.id AND m.merchant_id = $1)
              OR EXISTS (SELECT FROM events e WHERE e.entity = 'users' AND e.entity_id = u.id AND e.merchant_id = $1)
           ORDER BY lower(u.name), u.id LIMIT 200""",
        reader(actor),
    )
    return [Person(row["user_id"], row["name"]) for row in rows]
