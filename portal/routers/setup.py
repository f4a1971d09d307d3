"""Adding a router and changing how it is reached. Nobody dials here: the worker does, and the page tells how it went."""

from datetime import datetime

from portal import codes, limits
from portal.config import Tunnel
from portal.db import Tx, atomic
from portal.errors import Conflict, Invalid, TooMany
from portal.identity import Actor
from portal.msgid import N_
from portal.routers import pull_keys
from portal.routers.forms import DIRECT, OUR_USER, PULL, TUNNEL, Connection, NewRouter
from portal.routers.rights import changer, named, own_to_change
from portal.states import note
from portal.vault import Vault
from portal.work import Work, defer

NAME_TAKEN = N_("You have a router of that name already. Choose another name.")
TUNNEL_FULL = N_("The tunnel has no free address. Ask us for help.")
#: Every try makes us dial somewhere: enough for a person who mistypes, too few to search a network by.
TRIES_PER_HOUR = 40


def ways_offered(tunnel: Tunnel | None) -> tuple[str, ...]:
    """How routers can be reached here: by their address, by our tunnel if there is one, or not at all and they ask us."""
    return (DIRECT, TUNNEL, PULL) if tunnel else (DIRECT, PULL)


async def may_try(actor: Actor, *, now: datetime) -> None:
    """Count one try to reach something; TooMany after forty within an hour."""
    if not await limits.hit(f"dial:{changer(actor)}", limit=TRIES_PER_HOUR, window_s=3600, now=now):
        raise TooMany(N_("Too many tries. Wait an hour and try again."), retry_after=3600)


async def add(actor: Actor, new: NewRouter, *, vault: Vault, tunnel: Tunnel | None, now: datetime) -> int:
    """A new router's id. The worker looks at it at once."""
    merchant_id = changer(actor)
    await may_try(actor, now=now)
    async with atomic() as tx:
        await tx.execute("SELECT FROM merchants WHERE id = $1 FOR UPDATE", merchant_id)
        if await tx.value(
            "SELECT true FROM routers WHERE merchant_id = $1 AND lower(name) = lower($2) AND status <> 'removed'",
            merchant_id,
            new.name,
        ):
            raise Invalid({"name": NAME_TAKEN})
        router_id: int = await tx.value("SELECT nextval('routers_id_seq')")
        host = await _host(tx, new.connection, tunnel)
        await tx.execute(
            """INSERT INTO routers (id, merchant_id, name, site, status, way, api_host, api_port, api_user,
                                    api_password_sealed, api_tls_pin, tunnel_address, created_at)
               VALUES ($1, $2, $3, $4, 'new', $5, $6, $7, $8, $9, $10, $11, $12)""",
            router_id,
            merchant_id,
            new.name,
            codes.hex_token(16),
            new.connection.way,
            host,
            new.connection.port,
            new.connection.user or OUR_USER,
            _sealed(vault, router_id, new.connection.password or codes.hex_token(16)),
            new.connection.tls_pin,
            host if new.connection.way == TUNNEL else None,
            now,
        )
        data = {"name": new.name, "way": new.connection.way}
        await note(tx, "routers", router_id, "add", merchant_id=merchant_id, at=now, actor=named(actor), data=data)
        await defer(tx, Work.CHECK_ROUTER, router_id)
    return router_id


async def reconnect(
    actor: Actor, router_id: int, connection: Connection, *, vault: Vault, tunnel: Tunnel | None, now: datetime
) -> None:
    """Change how a router is reached; an empty password keeps the old one. The worker looks at it at once."""
    await may_try(actor, now=now)
    async with atomic() as tx:
        row = await own_to_change(tx, actor, router_id)
        if connection.way == TUNNEL and row["tunnel_address"]:
            host = row["tunnel_address"]
        else:
            host = await _host(tx, connection, tunnel)
        password = _sealed(vault, router_id, connection.password) if connection.password else None
        await tx.execute(
            """UPDATE routers SET way = $2, api_host = $3, api_port = $4, api_user = $5, api_tls_pin = $6,
                      tunnel_address = CASE WHEN $2::varchar = 'tunnel' THEN $3 ELSE tunnel_address END,
                      api_password_sealed = coalesce($7, api_password_sealed), next_try_at = NULL, tries = 0
               WHERE id = $1""",
            router_id,
            connection.way,
            host,
            connection.port,
            connection.user or OUR_USER,
            connection.tls_pin,
            password,
        )
        if PULL in (row["way"], connection.way) and row["way"] != connection.way:
            await pull_keys.forget(tx, router_id)
        merchant_id, data = row["merchant_id"], {"way": connection.way, "has_new_password": password is not None}
        await note(
            tx, "routers", router_id, "reconnect", merchant_id=merchant_id, at=now, actor=named(actor), data=data
        )
        await defer(tx, Work.CHECK_ROUTER, router_id)


def _sealed(vault: Vault, router_id: int, password: str) -> bytes:
    return vault.seal("routers", "api_password_sealed", row_id=router_id, plaintext=password)


async def _host(tx: Tx, connection: Connection, tunnel: Tunnel | None) -> str:
    """The address typed, or the first free one of the tunnel: assigned, never typed, never given out twice."""
    if connection.way != TUNNEL:
        return connection.host
    if tunnel is None:
        raise Conflict(TUNNEL_FULL)
    await tx.execute("SELECT pg_advisory_xact_lock(hashtext('tunnel addresses'))")
    taken = {
        row["tunnel_address"]
        for row in await tx.fetch("SELECT tunnel_address FROM routers WHERE tunnel_address IS NOT NULL")
    }
    for address in tunnel.network.hosts():
        if str(address) != tunnel.server and str(address) not in taken:
            return str(address)
    raise Conflict(TUNNEL_FULL)
