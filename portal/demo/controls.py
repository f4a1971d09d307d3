"""The demo's switches: what can go wrong, and time. Each is a function of the world and of what was asked for."""

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from zoneinfo import ZoneInfo

import asyncpg

from jobs import runner
from jobs.schedule import JOBS
from portal.db import DB
from portal.demo.breaking import DEEDS
from portal.demo.cast import TIMEZONE
from portal.demo.world import DemoWorld
from portal.errors import Invalid, NotFound

Asked = Mapping[str, Any]
Control = Callable[[DemoWorld, Asked], Awaitable[None]]

_LONGEST_SHIFT_H = 24.0 * 60


async def router_off(world: DemoWorld, asked: Asked) -> None:
    """`router`: its place (0 …) or name; the first when absent."""
    await world.set_router(_place(world, asked), is_on=False)
    await _look_now(world)


async def router_on(world: DemoWorld, asked: Asked) -> None:
    """Bring a router back."""
    await world.set_router(_place(world, asked), is_on=True)
    await _look_now(world)


async def clock(world: DemoWorld, asked: Asked) -> None:
    """`hours` to let pass; one when absent."""
    try:
        hours = float(asked.get("hours", 1))
    except (TypeError, ValueError) as error:
        raise Invalid({"hours": "A number of hours."}) from error
    if not 0 < hours <= _LONGEST_SHIFT_H:
        raise Invalid({"hours": "Time only goes forward, and by two months at most."})
    world.shift(hours=hours)
    await _look_now(world)


async def _look_now(world: DemoWorld) -> None:
    """Have the routers visited at once instead of within the minute: nobody wants to wait for it in a demo."""
    await runner.request(JOBS["sync-routers"], world.clock.now())


async def callback_lost(world: DemoWorld, _asked: Asked) -> None:
    """The next callback never arrives; the ones after it do."""
    daraja = world.daraja.world
    already = _lost(world)

    def watch() -> None:
        if _lost(world) > already:
            daraja.watchers.discard(watch)
            daraja.turn(callback_lost=False)

    daraja.watchers.add(watch)
    daraja.turn(callback_lost=True)


def _lost(world: DemoWorld) -> int:
    deliveries = (each for push in world.daraja.world.pushes.values() for each in push.deliveries)
    return sum((each.error or "").startswith("lost") for each in deliveries)


async def mpesa_busy(world: DemoWorld, _asked: Asked) -> None:
    """M-Pesa refuses new requests until `mpesa-ok`."""
    world.daraja.world.turn(push_fault="busy")


async def mpesa_ok(world: DemoWorld, _asked: Asked) -> None:
    """M-Pesa works, and tells."""
    world.daraja.world.turn(push_fault="none", callback_lost=False)


async def postgres_kill(_world: DemoWorld, _asked: Asked) -> None:
    """Kill -9 the database server, our own only."""
    # The server itself names its first process; a number from anywhere else could be anybody's.
    pid = await DB.value("SELECT split_part(pg_read_file('postmaster.pid'), E'\\n', 1)::int")
    os.kill(pid, signal.SIGKILL)


async def phone(world: DemoWorld, asked: Asked) -> None:
    """`phone` (1 …) goes to `router`."""
    await world.phones.move(world.phones.one(_number(asked)), _place(world, asked))


async def reconnect(world: DemoWorld, asked: Asked) -> None:
    """`phone` (1 …) joins anew with another MAC address."""
    await world.phones.reconnect(world.phones.one(_number(asked)))


def _deed(name: str) -> Control:
    async def do(world: DemoWorld, asked: Asked) -> None:
        await DEEDS[name].do(world, _place(world, asked))
        await _look_now(world)

    return do


CONTROLS: dict[str, Control] = {
    "router-off": router_off,
    "router-on": router_on,
    "clock": clock,
    "callback-lost": callback_lost,
    "mpesa-busy": mpesa_busy,
    "mpesa-ok": mpesa_ok,
    "postgres-kill": postgres_kill,
    "phone": phone,
    "reconnect": reconnect,
    **{name: _deed(name) for name in DEEDS},
}


def told(world: DemoWorld, name: str, asked: Asked) -> str:
    """What to say after a router was broken or mended; "" for every other control."""
    deed = DEEDS.get(name)
    return deed.told.format(world.routers[_place(world, asked)].name) if deed else ""


def _number(asked: Asked) -> int:
    try:
        return int(asked.get("phone", 1))
    except (TypeError, ValueError) as error:
        raise Invalid({"phone": "The number of a phone: 1, 2 or 3."}) from error


def _place(world: DemoWorld, asked: Asked) -> int:
    wanted = asked.get("router", 0)
    names = [router.name for router in world.routers]
    if wanted in names:
        return names.index(wanted)
    if str(wanted).isdecimal() and int(wanted) < len(names):
        return int(wanted)
    raise NotFound


async def state(world: DemoWorld) -> dict[str, Any]:
    """Everything the page shows about the world, as plain values."""
    now, knobs = world.clock.now(), world.daraja.world.knobs
    return {
        "now": now.isoformat(),
        "shop_time": f"{now.astimezone(ZoneInfo(TIMEZONE)):%a %d %b, %H:%M}",
        "ahead_hours": round(world.clock.offset.total_seconds() / 3600, 2),
        "mpesa_busy": knobs.push_fault != "none",
        "callback_lost": knobs.callback_lost,
        "postgres": await _answers(),
        "routers": [
            {
                "name": router.name,
                "is_on": router.is_on,
                "is_slow": router.is_slow,
                "is_set_up": router.is_set_up,
                "online": len(router.board.hotspot.active),
            }
            for router in world.routers
        ],
        "phones": [await _phone_state(world, number) for number in range(1, len(list(world.phones)) + 1)],
        "controls": list(CONTROLS),
    }


async def _phone_state(world: DemoWorld, number: int) -> dict[str, Any]:
    one = world.phones.one(number)
    line = await world.phones.line(one)
    hotspot = world.routers[one.at].board.hotspot
    return {
        "phone": number,
        "name": one.customer.name,
        "msisdn": one.customer.msisdn,
        "router": world.routers[one.at].name,
        "mac": line.mac,
        "ip": line.ip,
        "is_online": hotspot.session(line.ip) is not None,
        "is_asked": world.daraja.world.phone(one.customer.msisdn).prompt is not None
        or world.rails.airtel.wallet(one.customer.airtel).prompt is not None,
    }


async def _answers() -> bool:
    try:
        async with asyncio.timeout(0.5):
            return await DB.value("SELECT 1") == 1
    except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
        return False
