"""Routers as captive pages and sales need them: which one it is, and where its login page may be. No secrets."""

from collections.abc import Mapping
from typing import Any

import msgspec
from asyncpg import Record

from portal.db import DB
from portal.errors import NotFound


class RouterView(msgspec.Struct, frozen=True, kw_only=True):
    """A router as pages need it. `hotspot_hosts`: the hosts its login page may have, the preferred one first.
    `asks_every_s`: how often it asks us, when nobody can dial it; None: we reach it at once."""

    id: int
    merchant_id: int
    name: str
    site: str
    status: str
    hotspot_hosts: tuple[str, ...]
    asks_every_s: int | None = None


async def by_site(site: str) -> RouterView:
    """The router whose captive page has this name; NotFound otherwise."""
    row = await DB.row(
        """SELECT id, merchant_id, name, site, status, hotspot_hosts, way, pull_interval_s FROM routers
           WHERE site = $1 AND status <> 'removed'""",
        site,
    )
    if row is None:
        raise NotFound
    return router_view(row)


async def first_of(merchant_id: int) -> RouterView | None:
    """The merchant's oldest router that is there; None when it has none."""
    row = await DB.row(
        """SELECT id, merchant_id, name, site, status, hotspot_hosts, way, pull_interval_s FROM routers
           WHERE merchant_id = $1 AND status <> 'removed' ORDER BY id LIMIT 1""",
        merchant_id,
    )
    return router_view(row) if row else None


def router_view(row: Mapping[str, Any] | Record) -> RouterView:
    """Build a RouterView from a row that has its columns."""
    hosts = tuple(host for host in row["hotspot_hosts"].split(",") if host)
    return RouterView(
        id=row["id"],
        merchant_id=row["merchant_id"],
        name=row["name"],
        site=row["site"],
        status=row["status"],
        hotspot_hosts=hosts,
        asks_every_s=row["pull_interval_s"] if row["way"] == "pull" else None,
    )
