"""What the control server's paths do to routers: method, path and a JSON object in, something for JSON out.

`GET /routers`, `GET /routers/<name>`, `POST /routers/<name>/<switch>`; the name `all` means every router. Names,
values and units are those of Faults, Latency and SimulatedRouter.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict, fields
from typing import Any

from routeros.simulator.faults import Faults
from routeros.simulator.hostility import MODES
from routeros.simulator.latency import PROFILES, Latency
from routeros.simulator.ppp.clients import PppoeClient
from routeros.simulator.router import SimulatedRouter
from routeros.simulator.values import parse_mac

Wish = Mapping[str, Any]
_FASTEST = 100_000
_Switch = Callable[[SimulatedRouter, Wish], Awaitable[None]]


class UnknownPathError(Exception):
    """There is no such path, or no such router."""


class BadWishError(Exception):
    """A value that cannot be; the text says which."""


async def answer(routers: Mapping[str, SimulatedRouter], method: str, path: str, wish: Wish) -> Any:
    """Do what a request asks for. Raises UnknownPathError, BadWishError, or ValueError for a broken state."""
    head, _, rest = path.strip("/").partition("/")
    name, _, what = rest.partition("/")
    chosen = routers if name in {"", "all"} else {key: each for key, each in routers.items() if key == name}
    if head != "routers" or not chosen:
        raise UnknownPathError
    if method == "GET" and not what:
        shown = [await describe(key, each) for key, each in chosen.items()]
        return shown if name in {"", "all"} else shown[0]
    if method == "GET" and what == "state" and name in chosen:
        return {"state": chosen[name].save_state(is_hot=True)}
    switch = SWITCHES.get(what)
    if method != "POST" or switch is None or not name:
        raise UnknownPathError
    for each in chosen.values():
        await switch(each, wish)
    return {"changed": list(chosen)}


async def describe(name: str, router: SimulatedRouter) -> dict[str, Any]:
    """Show one router: where it is, how it is, what came in."""
    return {
        "name": name,
        "serial": router.serial,
        "version": router.version,
        "api_host": router.api_host,
        "api_port": router.api_port,
        "tls_port": router.tls_port,
        "is_online": router.is_online,
        "clock": router.clock.now().isoformat(),
        "date": router.now().isoformat(),
        "users": len(router.hotspot.users),
        "sessions": len(router.hotspot.active),
        "dialins": len(router.ppp.sessions),
        "faults": asdict(router.faults),
        "latency": asdict(router.latency),
        "meter": asdict(router.meter),
    }


async def _faults(router: SimulatedRouter, wish: Wish) -> None:
    """Set faults by name; `{"clear": true}` heals everything first."""
    wanted = dict(wish)
    if wanted.pop("clear", False) is True:
        router.faults.clear()
    if wanted.get("hostile", "") not in {"", *MODES}:
        raise BadWishError(f"hostile is one of {', '.join(MODES)}")
    adjust(router.faults, wanted)


async def _latency(router: SimulatedRouter, wish: Wish) -> None:
    """Set costs by name; `profile` takes those of a board first."""
    wanted = dict(wish)
    profile = wanted.pop("profile", None)
    if profile is not None:
        if profile not in PROFILES:
            raise BadWishError(f"profile is one of {', '.join(PROFILES)}")
        router.latency.use(profile)
    adjust(router.latency, wanted)


async def _clock(router: SimulatedRouter, wish: Wish) -> None:
    """Let `seconds` pass at once; `speed` is how many pass in a real one from now on."""
    if "speed" in wish:
        if not 0 < (speed := _number(wish, "speed")) <= _FASTEST:
            raise BadWishError(f"speed is more than 0 and at most {_FASTEST}")
        router.clock.speed = speed
    router.clock.advance(_number(wish, "seconds", usual=0 if "speed" in wish else None))
    router.tick()


async def _power(router: SimulatedRouter, wish: Wish) -> None:
    """`do`: cut, reboot, button, reset, or replace with `serial`."""
    simple = {
        "cut": router.power_cut,
        "reboot": router.reboot,
        "button": router.press_button,
        "reset": router.reset,
    }
    deed = wish.get("do")
    if deed == "replace" and isinstance(wish.get("serial"), str) and wish["serial"]:
        router.replace_board(serial=wish["serial"])
    elif deed in simple:
        simple[deed]()
    else:
        raise BadWishError("do is cut, reboot, button, reset, or replace with a serial")


async def _online(router: SimulatedRouter, wish: Wish) -> None:
    """`link`: up, refused (connections reset), or lost (packets vanish)."""
    link = wish.get("link")
    if link == "lost":
        await router.vanish()
    elif link in {"up", "refused"}:
        await router.set_online(link == "up")
    else:
        raise BadWishError("link is up, refused or lost")


async def _traffic(router: SimulatedRouter, wish: Wish) -> None:
    """Count `bytes_in` (upload) and `bytes_out` of the phone at `ip`; unknown addresses count nothing."""
    up, down = (int(_number(wish, name, usual=0)) for name in ("bytes_in", "bytes_out"))
    router.hotspot.count_traffic(_word(wish, "ip"), up, down)


async def _phones(router: SimulatedRouter, wish: Wish) -> None:
    """A phone with `mac` and `ip` appears, or with `is_present` false goes out of reach."""
    if wish.get("is_present", True) is False:
        router.hotspot.leave(_word(wish, "ip"))
    else:
        router.hotspot.see_host(_word(wish, "mac"), _word(wish, "ip"))


async def _dial(router: SimulatedRouter, wish: Wish) -> None:
    """A customer's router with `mac` begins to dial in over PPPoE as `user` with `password`, and does so again whenever
    it is cut; `hangs_up` true ends that politely, `is_lost` true without a word. `bytes_in`, `bytes_out`: its traffic."""
    mac, clients = _mac(wish), router.ppp.clients
    if "user" in wish:
        clients[mac] = PppoeClient(mac, _word(wish, "user"), str(wish.get("password", "")))
    if (client := clients.get(mac)) is None:
        raise BadWishError("nobody dials from this mac: user is missing")
    if wish.get("hangs_up") is True:
        client.hang_up(router.ppp)
    elif wish.get("is_lost") is True:
        client.pull_the_plug(router.ppp)
    router.tick()
    up, down = (int(_number(wish, name, usual=0)) for name in ("bytes_in", "bytes_out"))
    if up or down:
        router.ppp.count_traffic(client.user, up, down)


async def _state(router: SimulatedRouter, wish: Wish) -> None:
    """Take back the `state` that was got."""
    router.load_state(_word(wish, "state"))


SWITCHES: dict[str, _Switch] = {
    "faults": _faults,
    "latency": _latency,
    "clock": _clock,
    "power": _power,
    "online": _online,
    "traffic": _traffic,
    "phones": _phones,
    "dial": _dial,
    "state": _state,
}


def adjust(target: Faults | Latency, wish: Wish) -> None:
    """Set attributes by name, checked by the type of what they hold without faults. Raises BadWishError; then
    nothing is set."""
    fresh = type(target)()
    known = {each.name for each in fields(target)}
    for name, value in wish.items():
        if name not in known:
            raise BadWishError(f"there is no {name}")
        if not _fits(getattr(fresh, name), value):
            raise BadWishError(f"{name} cannot be {value!r}")
    for name, value in wish.items():
        setattr(target, name, value)


def _fits(usual: object, value: object) -> bool:
    if isinstance(usual, bool):
        return isinstance(value, bool)
    if isinstance(usual, str):
        return isinstance(value, str)
    if isinstance(usual, dict):
        return isinstance(value, dict) and all(_fits(0.0, each) for each in value.values())
    if value is None:
        return usual is None
    is_whole = isinstance(usual, int) or usual is None
    return isinstance(value, int if is_whole else (int, float)) and not isinstance(value, bool) and value >= 0


def _number(wish: Wish, name: str, *, usual: float | None = None) -> float:
    value = wish.get(name, usual)
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value < 1e12:
        raise BadWishError(f"{name} is a number from 0 on")
    return value


def _mac(wish: Wish) -> str:
    try:
        return parse_mac(_word(wish, "mac"))
    except ValueError:
        raise BadWishError("mac is a MAC address") from None


def _word(wish: Wish, name: str) -> str:
    value = wish.get(name)
    if not isinstance(value, str) or not value:
        raise BadWishError(f"{name} is missing")
    return value
