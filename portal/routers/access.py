"""Signing in to a router: its address and password, opened from the vault. For jobs; pages never see any of it."""

import msgspec

from portal.db import DB
from portal.errors import Conflict, NotFound
from portal.msgid import N_
from portal.vault import Vault


class RouterAccess(msgspec.Struct, frozen=True, kw_only=True):
    """What it takes to sign in to a router, and where its reconcile stands. `tls_pin`: SHA-256 of its certificate, "" for
    the plain API."""

    id: int
    merchant_id: int
    name: str
    status: str
    host: str
    port: int
    user: str
    password: str
    serial: str
    uptime_s: int | None
    tries: int
    last_error: str | None = None
    wanted_generation: int
    reconciled_generation: int
    way: str
    tls_pin: str


async def access_to(router_id: int, *, vault: Vault) -> RouterAccess:
    """How to reach one router; NotFound if it is not there."""
    row = await DB.row("SELECT * FROM routers WHERE id = $1 AND status <> 'removed'", router_id)
    if row is None:
        raise NotFound
    return RouterAccess(
        id=row["id"],
        merchant_id=row["merchant_id"],
        name=row["name"],
        status=row["status"],
        host=row["api_host"],
        port=row["api_port"],
        user=row["api_user"],
        password=vault.open("routers", "api_password_sealed", row_id=row["id"], sealed=row["api_password_sealed"]),
        serial=row["serial"],
        uptime_s=row["uptime_s"],
        tries=row["tries"],
        last_error=row["last_error"],
        wanted_generation=row["wanted_generation"],
        reconciled_generation=row["reconciled_generation"],
        way=row["way"],
        tls_pin=row["api_tls_pin"],
    )


async def id_of(name_or_id: str) -> int:
    """The router of that id or, for the command line, of that name; NotFound, or Conflict when several have the name."""
    rows = await DB.fetch(
        """SELECT id FROM routers WHERE status <> 'removed' AND (id::text = $1 OR lower(name) = lower($1))
           ORDER BY id::text <> $1, id LIMIT 2""",
        name_or_id,
    )
    if not rows:
        raise NotFound(N_("There is no router of that name or number."))
    if len(rows) > 1 and str(rows[0]["id"]) != name_or_id:
        raise Conflict(N_("Several routers have that name. Give the number instead."))
    return rows[0]["id"]


class TunnelPeer(msgspec.Struct, frozen=True, kw_only=True):
    """A router's end of the tunnel: its key and the one address it may use there."""

    id: int
    public_key: str
    address: str


async def tunnel_peers() -> list[TunnelPeer]:
    """Every router that has a key and an address in the tunnel, by address given."""
    rows = await DB.fetch(
        """SELECT id, tunnel_public_key AS public_key, tunnel_address AS address FROM routers
           WHERE way = 'tunnel' AND status <> 'removed' AND tunnel_public_key <> '' AND tunnel_address IS NOT NULL
           ORDER BY id"""
    )
    return [TunnelPeer(**dict(row)) for row in rows]
