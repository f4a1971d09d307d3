"""`/_sim/...` for tests, benches and the demo: knobs, clock, ledger, accounts, log, scenario. Phones are in phones.py."""

from typing import Any

import msgspec
from litestar import Request, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.types import ASGIApp

from portal.mpesa.simulator.answers import Answer, json_answer
from portal.mpesa.simulator.errors import DarajaRefusal
from portal.mpesa.simulator.generator import Order, world_generator
from portal.mpesa.simulator.initiators import CERTIFICATE_FILE
from portal.mpesa.simulator.knobs import PRESETS
from portal.mpesa.simulator.records import Shortcode
from portal.mpesa.simulator.scenario import play, read_scenario
from portal.mpesa.simulator.world import World


class ClockChange(msgspec.Struct, forbid_unknown_fields=True):
    """Seconds to move the simulator's clock forward."""

    advance: float


class Release(msgspec.Struct, forbid_unknown_fields=True):
    """How held callbacks go out."""

    reversed: bool = False


class AccountChange(msgspec.Struct, forbid_unknown_fields=True):
    """What to change about a shortcode; what is left out stays."""

    utility_cents: int | None = None
    working_cents: int | None = None
    validates: bool | None = None
    pays_out: bool | None = None
    is_on_old_broker: bool | None = None
    #: Delete the C2B URLs, as URL Management in Safaricom's portal does.
    forget_urls: bool = False
    #: Unlock every API operator.
    unlock: bool = False


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
async def read_ledger(request: Request[Any, Any, Any], world: NamedDependency[World]) -> ASGIApp:
    """Every move of money that really happened, whatever the merchant heard; `?after=N` skips the first N rows.

    Sums and balances are of everything: money in is positive, B2C and reversals are negative.
    """
    given = request.query_params.get("after", "0")
    if not given.isdecimal():
        raise DarajaRefusal(400, "sim.bad_request", "after is a number of rows")
    totals: dict[str, int] = {}
    for row in world.ledger:
        totals[row.shortcode] = totals.get(row.shortcode, 0) + row.amount_cents
    return json_answer(
        {
            "rows": world.ledger[int(given) :],
            "count": len(world.ledger),
            "total_cents": sum(totals.values()),
            "by_shortcode": totals,
            "accounts": [_account(shortcode) for shortcode in world.shortcodes.values()],
            "wallets": {phone.msisdn: phone.balance_cents for phone in world.phones.values()},
        }
    )


@post("/_sim/shortcode/{number:str}", status_code=200)
async def change_account(
    request: Request[Any, Any, Any], world: NamedDependency[World], number: FromPath[str]
) -> ASGIApp:
    """Fund, switch validation, delete C2B URLs, unlock operators; the account after it."""
    shortcode = world.find_shortcode(number)
    if shortcode is None:
        raise DarajaRefusal(404, "sim.no_shortcode", "no such shortcode here")
    change = msgspec.json.decode(await request.body(), type=AccountChange)
    _apply(change, shortcode)
    world.notify()
    return json_answer(_account(shortcode))


@get("/_sim/certificate")
async def read_certificate() -> ASGIApp:
    """The X.509 certificate (PEM) for SecurityCredentials that this simulator can read."""
    return Answer(200, CERTIFICATE_FILE.read_bytes(), media_type="application/x-pem-file")


@post("/_sim/scenario", status_code=200)
async def start_scenario(request: Request[Any, Any, Any], world: NamedDependency[World]) -> ASGIApp:
    """A scenario file as the body: the world starts over with its seed, its steps wait for the clock."""
    scenario = read_scenario(await request.body())
    try:
        play(world, scenario)
    except ValueError as error:
        raise DarajaRefusal(400, "sim.bad_request", str(error)) from error
    return json_answer({"steps": len(scenario.step), "seed": scenario.seed})


@get("/_sim/log")
async def read_log(world: NamedDependency[World]) -> ASGIApp:
    """The newest exchanges with Daraja's paths and merchants, oldest first."""
    return json_answer(list(world.log))


@post("/_sim/generator", status_code=200)
async def start_generator(request: Request[Any, Any, Any], world: NamedDependency[World]) -> ASGIApp:
    """Start a crowd of payers; one at a time. 409 while one is still paying."""
    order = msgspec.json.decode(await request.body(), type=Order)
    return json_answer(world_generator(world).start(order))


@get("/_sim/generator")
async def read_generator(world: NamedDependency[World]) -> ASGIApp:
    """How far the crowd is: paid, heard by the merchant, real seconds."""
    return json_answer(world_generator(world).tally())


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


def _apply(change: AccountChange, shortcode: Shortcode) -> None:
    if change.utility_cents is not None:
        shortcode.balance_cents = change.utility_cents
    if change.working_cents is not None:
        shortcode.working_cents = change.working_cents
    if change.validates is not None:
        shortcode.validates = change.validates
    if change.pays_out is not None:
        shortcode.pays_out = change.pays_out
    if change.is_on_old_broker is not None:
        shortcode.is_on_old_broker = change.is_on_old_broker
    if change.forget_urls:
        shortcode.registration = None
    if change.unlock:
        for initiator in shortcode.initiators.values():
            initiator.wrong_tries, initiator.is_locked = 0, False


def _account(shortcode: Shortcode) -> dict[str, Any]:
    return {
        "number": shortcode.number,
        "party_b": shortcode.party_b,
        "name": shortcode.name,
        "utility_cents": shortcode.balance_cents,
        "working_cents": shortcode.working_cents,
        "charges_cents": shortcode.charges_cents,
        "validates": shortcode.validates,
        "registration": shortcode.registration,
        "initiators": {
            name: {"is_locked": initiator.is_locked, "wrong_tries": initiator.wrong_tries}
            for name, initiator in shortcode.initiators.items()
        },
    }


HANDLERS = [
    read_knobs,
    turn_knobs,
    read_clock,
    move_clock,
    read_ledger,
    read_log,
    read_certificate,
    change_account,
    start_scenario,
    start_generator,
    read_generator,
    release_callbacks,
    reset,
]
