"""`python -m portal.mpesa.simulator`: Daraja on loopback until Ctrl-C. Prints its address and credentials."""

import argparse
import asyncio
import signal
import sys
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import BinaryIO

import msgspec

from portal.mpesa.simulator import (
    CERTIFICATE_FILE,
    DEFAULT_INITIATOR,
    DEFAULT_INITIATOR_PASSWORD,
    DEFAULT_KEY,
    DEFAULT_SECRET,
    SANDBOX_PASSKEY,
    SANDBOX_SHORTCODE,
    DarajaSimulator,
    World,
    play,
    read_scenario,
)
from portal.mpesa.simulator.knobs import PRESETS
from portal.mpesa.simulator.records import Exchange


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m portal.mpesa.simulator", description=__doc__)
    parser.add_argument("--port", type=int, default=8765, help="0 takes a free one (default: %(default)s)")
    parser.add_argument("--preset", choices=sorted(PRESETS), default="sandbox")
    parser.add_argument("--name", default="KILIMANI CORNER", help="business name shown in the prompt")
    parser.add_argument("--key", default=DEFAULT_KEY, help="consumer key")
    parser.add_argument("--secret", default=DEFAULT_SECRET, help="consumer secret")
    parser.add_argument("--shortcode", default=SANDBOX_SHORTCODE)
    parser.add_argument("--passkey", default=SANDBOX_PASSKEY)
    parser.add_argument("--till", help="sell as this till; then --shortcode is its head-office number")
    parser.add_argument("--initiator", default=DEFAULT_INITIATOR, help="API operator of the shortcode")
    parser.add_argument("--initiator-password", default=DEFAULT_INITIATOR_PASSWORD)
    parser.add_argument("--validate", action="store_true", help="switch external validation on for the shortcode")
    parser.add_argument("--seed", type=int, help="repeatable ids and chance")
    parser.add_argument("--scenario", type=Path, help="TOML file: seed, knobs, phones and steps")
    parser.add_argument("--log", type=Path, help="append every exchange to this file, one JSON object a line")
    return parser.parse_args()


def _world(given: argparse.Namespace) -> World:
    world = World(seed=given.seed, knobs=PRESETS[given.preset])
    world.add_app(given.key, given.secret)
    shortcode = world.add_shortcode(given.shortcode, passkey=given.passkey, name=given.name, till=given.till)
    shortcode.validates = given.validate
    world.add_initiator(given.shortcode, given.initiator, given.initiator_password)
    if given.scenario:
        play(world, read_scenario(given.scenario.read_bytes()))
    return world


def _writer(file: BinaryIO) -> Callable[[Exchange], None]:
    def write(exchange: Exchange) -> None:
        file.write(msgspec.json.encode(exchange) + b"\n")
        file.flush()

    return write


async def _serve(world: World, given: argparse.Namespace) -> None:
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopping.set)
    simulator = DarajaSimulator(world)
    await simulator.start(given.port)
    sys.stdout.write(
        f"Daraja SIMULATOR {simulator.url}\n"
        f"  consumer key     {given.key}\n"
        f"  consumer secret  {given.secret}\n"
        f"  shortcode        {given.shortcode}\n"
        f"  passkey          {given.passkey}\n"
        f"  initiator        {given.initiator}, password {given.initiator_password}\n"
        f"  certificate      {CERTIFICATE_FILE}\n"
        f"  phones           {simulator.url}/_sim/phones\n"
    )
    sys.stdout.flush()
    try:
        await stopping.wait()
    finally:
        await simulator.stop()


def main() -> int:
    """Serve until a signal; exit code 1 when the port is taken, 2 when a file cannot be used."""
    given = _arguments()
    with ExitStack() as files:
        try:
            world = _world(given)
            if given.log:
                world.sinks.append(_writer(files.enter_context(given.log.open("ab"))))
        except (OSError, ValueError, msgspec.MsgspecError) as error:
            sys.stderr.write(f"cannot use what was given: {error}\n")
            return 2
        try:
            asyncio.run(_serve(world, given))
        except OSError as error:
            sys.stderr.write(f"cannot listen on port {given.port}: {error.strerror}\n")
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
