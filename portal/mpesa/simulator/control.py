"""`/_sim/...` for tests, benches and the demo: knobs, clock, ledger, log, held callbacks. Phones are in phones.py."""

from typing import Any

import msgspec
from litestar import Request, get, post
from litestar.di import NamedDependency
from litestar.types import ASGIApp

from portal.mpesa.simulator.answers import json_answer
from portal.mpesa.simulator.errors import DarajaRefusal
from portal.mpesa.simulator.knobs import PRESETS
from portal.mpesa.simulator.world import World


class ClockChange(msgspec.Struct, forbid_unknown_fields=True):
    """Seconds to move the simulator's clock forward."""

    advance: float


class Release(msgspec.Struct, forbid_unknown_fields=True):
    """How held callbacks go out."""

    reversed: bool = False


@get("/_sim/knobs")
async def read_knobs(world: NamedDependency[World]) -> ASGIApp:
    return json_answer(world.knobs)


@post("/_sim/knobs", status_code=200)
async def turn_knobs(request: Request[Any, Any, Any], world: NamedDependency[World]) -> ASGIApp:
    """A JSON object of changes; `{"preset": "sandbox"|"production", ...}` starts from a preset. The knobs after it."""
    changes = msgspec.json.decode(await request.body(), type=dict[str, Any])
    preset = changes.pop("preset", None)
    if preset is not None and preset not in PRESETS:
        raise DarajaRefusal(400, "sim.bad_request", f"preset is one of {', '.join(PRESETS)}")
    base = msgspec.structs.asdict(PRESETS[preset]) if preset else {}
    return json_answer(world.turn(**{**base, **changes}))


@get("/_sim/clock")
async def read_clock(world: NamedDependency[World]) -> ASGIApp:
    return json_answer({"now": world.clock.now()})


@post("/_sim/clock", status_code=200)
async def move_clock(request: Request[Any, Any, Any], world: NamedDependency[World]) -> ASGIApp:
    """`{"advance": seconds}`: what becomes due is done before the answer, callbacks are on their way."""
    change = msgspec.json.decode(await request.body(), type=ClockChange)
    try:
        world.advance(change.advance)
    except ValueError as error:
        raise DarajaRefusal(400, "sim.bad_request", str(error)) from error
    return json_answer({"now": world.clock.now()})


@get("/_sim/ledger")
async def read_ledger(world: NamedDependency[World]) -> ASGIApp:
    """Every payment that really happened, whatever the merchant heard, and the sum per shortcode."""
    totals: dict[str, int] = {}
    for row in world.ledger:
        totals[row.shortcode] = totals.get(row.shortcode, 0) + row.amount_cents
    return json_answer({"rows": world.ledger, "total_cents": sum(totals.values()), "by_shortcode": totals})


@get("/_sim/log")
async def read_log(world: NamedDependency[World]) -> ASGIApp:
    """The newest exchanges with Daraja's paths and merchants, oldest first."""
    return json_answer(list(world.log))


@post("/_sim/callbacks/release", status_code=200)
async def release_callbacks(request: Request[Any, Any, Any], world: NamedDependency[World]) -> ASGIApp:
    """Send what `callback_hold` kept; `{"reversed": true}` newest first. An empty body is fine."""
    asked = msgspec.json.decode(await request.body() or b"{}", type=Release)
    return json_answer({"released": world.release_held(is_reversed=asked.reversed)})


@post("/_sim/reset", status_code=200)
async def reset(world: NamedDependency[World]) -> ASGIApp:
    """As after a restart, but on the same port: phones, pushes, ledger, log, tokens, knobs and clock."""
    world.reset()
    return json_answer({"reset": True})


HANDLERS = [read_knobs, turn_knobs, read_clock, move_clock, read_ledger, read_log, release_callbacks, reset]
