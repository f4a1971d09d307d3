"""What a merchant does to a router that is there: pause, resume, look again, replace the board, take it away."""

from datetime import datetime

from portal.db import Tx, atomic
from portal.errors import Conflict
from portal.identity import Actor
from portal.msgid import N_
from portal.routers import pull_keys
from portal.routers.rights import named, own_to_change
from portal.states import E, move, move_all, note
from portal.work import Work, defer

PEOPLE_ONLINE = N_("People are online on this router. Wait until they have left, or tick that it may go all the same.")
CHANGED = N_("This router is not in that state any more. Look at it again.")


async def pause(actor: Actor, router_id: int, *, now: datetime) -> None:
    """Leave a router alone: no visits, no sales there, until it is resumed. Who is online stays online."""
    async with atomic() as tx:
        await own_to_change(tx, actor, router_id)
        if not await move(tx, "routers", router_id, E.PAUSE, at=now, actor=named(actor), offline_since=None):
            raise Conflict(CHANGED)


async def resume(actor: Actor, router_id: int, *, now: datetime) -> None:
    """Visit a paused router again, at once."""
    async with atomic() as tx:
        await own_to_change(tx, actor, router_id)
        if not await move(tx, "routers", router_id, E.RESUME, at=now, actor=named(actor)):
            raise Conflict(CHANGED)
        await _look_at_once(tx, router_id)


async def look_again(actor: Actor, router_id: int, *, now: datetime) -> None:
    """Have the doctor look at a router now."""
    async with atomic() as tx:
        row = await own_to_change(tx, actor, router_id)
        if row["status"] == "paused":
            raise Conflict(CHANGED)
        await note(tx, "routers", router_id, "look_again", merchant_id=row["merchant_id"], at=now, actor=named(actor))
        await _look_at_once(tx, router_id)


async def replace(actor: Actor, router_id: int, *, now: datetime) -> None:
    """Another board stands where this router stood: forget what the old one told, so that everything is made anew.

    Prices, sales, vouchers and the captive page's address stay; the new board needs the setup script.
    """
    async with atomic() as tx:
        await own_to_change(tx, actor, router_id)
        moved = await move(
            tx, "routers", router_id, E.REPLACE, at=now, actor=named(actor), board="", version="", serial="",
            uptime_s=None, last_error=None, offline_since=None,
        )  # fmt: skip
        if not moved:
            raise Conflict(CHANGED)
        # Nobody is online on a board that is not there; whoever has time left gets in on the new one.
        await tx.execute(
            "UPDATE hotspot_sessions SET ended_at = $2 WHERE router_id = $1 AND ended_at IS NULL", router_id, now
        )
        await tx.execute("UPDATE routers SET wanted_generation = wanted_generation + 1 WHERE id = $1", router_id)
        await pull_keys.forget(tx, router_id)  # the old board may be in anybody's hands
        await _look_at_once(tx, router_id)


async def remove(actor: Actor, router_id: int, *, despite_people: bool, now: datetime) -> None:
    """Take a router away for good. Its sales, vouchers and events stay. Conflict while people are online, unless told so."""
    async with atomic() as tx:
        await own_to_change(tx, actor, router_id)
        online = await tx.value(
            "SELECT count(*) FROM hotspot_sessions WHERE router_id = $1 AND ended_at IS NULL", router_id
        )
        if online and not despite_people:
            raise Conflict(PEOPLE_ONLINE)
        data, who = {"online": online}, named(actor)
        moved = await move(
            tx, "routers", router_id, E.REMOVE, at=now, actor=who, data=data, removed_at=now, offline_since=None,
            tunnel_address=None, lease_until=None, lease_token=None,
        )  # fmt: skip
        if not moved:
            raise Conflict(CHANGED)
        await pull_keys.forget(tx, router_id)
        await _let_go(tx, router_id, now=now, who=who)


async def _let_go(tx: Tx, router_id: int, *, now: datetime, who: str) -> None:
    """Nobody will visit the router again: its grants are over. Their users end by the limits they carry."""
    rows = await tx.fetch(
        "SELECT id FROM access_grants WHERE router_id = $1 AND status <> 'gone' ORDER BY id", router_id
    )
    grants, why = [row["id"] for row in rows], {"why": "router removed"}
    await move_all(tx, "access_grants", grants, E.END, at=now, actor=who, data=why)
    await move_all(
        tx, "access_grants", grants, E.LEAVE, at=now, actor=who, data=why, ended_at=now, next_try_at=None,
        login_wanted_at=None,
    )  # fmt: skip
    await tx.execute(
        "UPDATE hotspot_sessions SET ended_at = $2 WHERE router_id = $1 AND ended_at IS NULL", router_id, now
    )
    await tx.execute(
        "UPDATE router_scripts SET expires_at = $2 WHERE router_id = $1 AND used_at IS NULL", router_id, now
    )


async def _look_at_once(tx: Tx, router_id: int) -> None:
    await tx.execute("UPDATE routers SET next_try_at = NULL, tries = 0 WHERE id = $1", router_id)
    await defer(tx, Work.CHECK_ROUTER, router_id)
    await pull_keys.ask_settings(tx, router_id)
