"""PPPoE customers and the merchant's PPPoE server, for tests of jobs on routers."""

from itertools import count

from portal.access_grants import wake_router
from portal.db import DB, atomic
from portal.terms import Terms
from routeros.simulator.router import SimulatedRouter
from tests.jobs.room import Room

NUMBERS = count(1)


def serve_pppoe(room: Room) -> None:
    """As `pppoe_on`, on the room's router."""
    pppoe_on(room.board)


def pppoe_on(board: SimulatedRouter) -> None:
    """The merchant's own: a pool, a default profile with addresses, a server on a cable."""
    tables = board.tables
    tables["/ip/pool"].add({"name": "pppoe", "ranges": "10.9.0.2-10.9.0.99"})
    tables["/ppp/profile"].add({"name": "homes", "local-address": "10.9.0.1", "remote-address": "pppoe"})
    tables["/interface/pppoe-server/server"].add({"interface": "ether2", "default-profile": "homes", "disabled": "no"})


async def subscriber(room: Room, name: str = "amina", *, down: int = 5000) -> int:
    """An active PPPoE subscriber, as the office makes one."""
    terms = Terms(name="Home", duration_s=2_678_400, rate_down_kbps=down, rate_up_kbps=1000)
    number = next(NUMBERS)
    credit = await DB.value(
        "INSERT INTO credits (merchant_id, holder, created_at) VALUES ($1, $2, $3) RETURNING id",
        room.merchant_id,
        f"ref:{number}",
        room.clock.now(),
    )
    made = await DB.value(
        """INSERT INTO subscribers (merchant_id, router_id, package_id, credit_id, name, phone, account_number, kind, user_name,
             password_sealed, terms, price_cents, starts_on, paid_until_on, why, created_at)
           VALUES ($1, $2, $3, $4, 'Amina', '', $5, 'pppoe', $6, 'x', $7::jsonb, 150000, '2026-11-01', '2026-12-01', '', $8)
           RETURNING id""",
        room.merchant_id,
        room.router.id,
        room.package_id,
        credit,
        f"S{number:07}",
        name,
        terms.encode(),
        room.clock.now(),
    )
    await change_password(room, made, "p1")
    return made


async def change_password(room: Room, subscriber_id: int, password: str) -> None:
    sealed = room.vault.seal("subscribers", "password_sealed", row_id=subscriber_id, plaintext=password)
    await change(room, subscriber_id, password_sealed=sealed)


async def change(room: Room, subscriber_id: int, **columns: object) -> None:
    """Change a subscriber and wake the router, as every verb of the office does."""
    sets = ", ".join(f"{name} = ${number}" for number, name in enumerate(columns, start=2))
    async with atomic() as tx:
        await tx.execute(f"UPDATE subscribers SET {sets} WHERE id = $1", subscriber_id, *columns.values())
        await wake_router(tx, room.router.id)
