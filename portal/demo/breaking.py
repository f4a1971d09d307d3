"""Ways to break one of the demo's routers, and to mend it: what each does, its button, and what is said afterwards."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Final

from portal.demo.boards import DemoRouter
from portal.demo.world import DemoWorld

#: A small board on a bad line, busy with other things (real seconds).
_SLOW_BOARD, _SLOW_RTT_S, _SLOW_LOAD = "hap-lite", 0.4, 0.5


@dataclass(frozen=True, slots=True)
class Deed:
    """One button. `words` stand on it, `title` explains it, `told` is said afterwards with the router's name."""

    words: str
    title: str
    told: str
    do: Callable[[DemoWorld, int], Awaitable[None]]


async def _cut_power(world: DemoWorld, place: int) -> None:
    _board(world, place).board.power_cut()


async def _lose(world: DemoWorld, place: int) -> None:
    await world.lose_router(place)


async def _slow_down(world: DemoWorld, place: int) -> None:
    latency = _board(world, place).board.latency
    latency.use(_SLOW_BOARD)
    latency.rtt, latency.load = _SLOW_RTT_S, _SLOW_LOAD


async def _mend(world: DemoWorld, place: int) -> None:
    latency = _board(world, place).board.latency
    latency.use("none")
    latency.rtt = latency.load = 0.0
    await world.set_router(place, is_on=True)


async def _reset(world: DemoWorld, place: int) -> None:
    _board(world, place).board.reset()


async def _set_up(world: DemoWorld, place: int) -> None:
    _board(world, place).set_up()


def _board(world: DemoWorld, place: int) -> DemoRouter:
    return world.routers[place]


DEEDS: Final[Mapping[str, Deed]] = {
    "power-cut": Deed(
        "Power cut",
        "The router loses power for a moment: everybody is off, and its clock says 1970",
        "{} lost its power and started again. Whoever has paid gets back online.",
        _cut_power,
    ),
    "link-lost": Deed(
        "Link lost",
        "Its internet is gone without a word; our server waits in vain",
        "{} is out of reach. Who is online there stays online; nobody can buy.",
        _lose,
    ),
    "slow": Deed(
        "Slow",
        "Like a small board on a bad line",
        "{} is slow now: every command takes its time.",
        _slow_down,
    ),
    "reset": Deed(
        "Factory reset",
        "Somebody held the reset button: no hotspot, no users, not even ours",
        "{} is as from the factory and lets everybody through. Press Set up again, as the merchant would.",
        _reset,
    ),
    "set-up": Deed(
        "Set up again",
        "What pasting the set-up script does",
        "{} is set up again. Whoever has paid is put back on it.",
        _set_up,
    ),
    "mend": Deed(
        "Mend",
        "The link is back, at full speed",
        "{} answers again, at full speed.",
        _mend,
    ),
}
