"""What the doctor found on a router: kept look by look, so that one sees what changed since the last."""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec

from portal.db import DB, Tx, atomic
from portal.identity import Actor
from portal.rails import accounts
from portal.routers.snapshots import Since, prune, since_yesterday
from routeros.doctor import Finding, Severity

_LONGEST_HOSTS = 255
_HOST = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]{0,61}[A-Za-z0-9])?", re.ASCII)


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """One look: its findings, the worst first, and what changed since yesterday."""

    at: datetime
    worst: str
    findings: list[Finding]
    since: Since | None


async def keep(router_id: int, findings: Sequence[Finding], facts: Mapping[str, str], *, now: datetime) -> None:
    """Store a look, and forget those that need not be kept."""
    worst = max((finding.severity for finding in findings), key=list(Severity).index, default=Severity.OK)
    async with atomic() as tx:
        await tx.execute(
            """INSERT INTO router_checks (merchant_id, router_id, at, worst, findings, facts)
               SELECT merchant_id, id, $2, $3, $4::jsonb, $5::jsonb FROM routers WHERE id = $1""",
            router_id,
            now,
            worst.value,
            msgspec.json.encode(findings).decode(),
            msgspec.json.encode(facts).decode(),
        )
        await prune(tx, router_id, now=now)


async def newest(actor: Actor, router_id: int, *, zone: ZoneInfo) -> Check | None:
    """The last look at a router of the actor's merchant; None when there was none since it was added or replaced. Days are
    those of `zone`."""
    rows = await DB.fetch(
        """SELECT at, worst, findings, facts FROM router_checks c WHERE router_id = $1 AND merchant_id = $2
           AND at > coalesce((SELECT max(at) FROM events e WHERE e.entity = 'routers' AND e.entity_id = $1
                              AND e.name IN ('replace', 'reconnect', 'look_again', 'resume')), '-infinity')
           ORDER BY id DESC LIMIT 1""",
        router_id,
        actor.at_merchant(),
    )
    if not rows:
        return None
    findings = msgspec.json.decode(rows[0]["findings"], type=list[Finding])
    order = list(Severity)
    return Check(
        at=rows[0]["at"],
        worst=rows[0]["worst"],
        findings=sorted(findings, key=lambda finding: -order.index(finding.severity)),
        since=await since_yesterday(router_id, actor.at_merchant(), zone=zone),
    )


async def worst_of(actor: Actor) -> dict[int, str]:
    """The worst finding of every router's last look."""
    rows = await DB.fetch(
        """SELECT DISTINCT ON (router_id) router_id, worst FROM router_checks WHERE merchant_id = $1
           ORDER BY router_id, id DESC""",
        actor.at_merchant(),
    )
    return {row["router_id"]: row["worst"] for row in rows}


class Wishes(msgspec.Struct, frozen=True, kw_only=True):
    """What a router should be up to: its merchant's time zone, how many devices may be online at once, and the hosts people must
    reach to pay, or must not any more."""

    zone: str
    sold: int
    open_hosts: tuple[str, ...] = ()
    closed_hosts: tuple[str, ...] = ()


async def wishes_for(router_id: int) -> Wishes:
    """Read them for the doctor."""
    row = await DB.row(
        """SELECT m.id, m.timezone AS zone, (SELECT coalesce(sum(coalesce((g.terms->>'devices')::int, 1)), 0)::bigint FROM access_grants g
                  WHERE g.router_id = r.id AND g.status IN ('wanted', 'present')) AS sold
           FROM routers r JOIN merchants m ON m.id = r.merchant_id WHERE r.id = $1""",
        router_id,
    )
    if row is None:
        return Wishes(zone="Africa/Nairobi", sold=0)
    needed = await accounts.hosts_to_open(row["id"])
    closed = tuple(host for host in accounts.EVER_OPENED if host not in needed)
    return Wishes(zone=row["zone"], sold=row["sold"], open_hosts=needed, closed_hosts=closed)


async def to_examine(*, now: datetime, router_id: int | None = None) -> list[int]:
    """Routers the daily round visits: those nobody looked at for most of a day; or this one, if it is one of them."""
    rows = await DB.fetch(
        """SELECT id FROM routers r WHERE status NOT IN ('paused', 'removed') AND way <> 'pull'
           AND ($2::bigint IS NULL OR id = $2)
           AND NOT EXISTS (SELECT FROM router_checks c WHERE c.router_id = r.id AND c.at > $1) ORDER BY id""",
        now - timedelta(hours=20),
        router_id,
    )
    return [row["id"] for row in rows]


async def learn_hosts(router_id: int, hosts: Sequence[str]) -> None:
    """Where the hotspot's login page is, as the router tells it: added to what we know. Odd names are passed over."""
    async with atomic() as tx:
        await add_hosts(tx, router_id, hosts)


async def add_hosts(tx: Tx, router_id: int, hosts: Sequence[str]) -> None:
    """Hosts a router's login page may have, besides those known; the first ones known stay the preferred ones."""
    known = str(await tx.value("SELECT hotspot_hosts FROM routers WHERE id = $1 FOR UPDATE", router_id) or "")
    all_of_them = list(dict.fromkeys([*filter(None, known.split(",")), *filter(_HOST.fullmatch, hosts)]))
    while len(",".join(all_of_them)) > _LONGEST_HOSTS:
        all_of_them.pop()
    if ",".join(all_of_them) != known:
        await tx.execute("UPDATE routers SET hotspot_hosts = $2 WHERE id = $1", router_id, ",".join(all_of_them))
