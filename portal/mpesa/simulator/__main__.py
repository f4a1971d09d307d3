"""`python -m portal.mpesa.simulator`: Daraja on loopback until Ctrl-C. Prints its address and credentials."""

import argparse
import asyncio
import signal
import sys

from portal.mpesa.simulator import DEFAULT_KEY, DEFAULT_SECRET, SANDBOX_PASSKEY, DarajaSimulator, World
from portal.mpesa.simulator.knobs import PRESETS
from portal.mpesa.simulator.world import SANDBOX_SHORTCODE


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
    parser.add_argument("--seed", type=int, help="repeatable ids and chance")
    return parser.parse_args()


async def _serve(given: argparse.Namespace) -> None:
    world = World(seed=given.seed, knobs=PRESETS[given.preset])
    world.add_app(given.key, given.secret)
    world.add_shortcode(given.shortcode, passkey=given.passkey, name=given.name, till=given.till)
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
        f"  phones           {simulator.url}/_sim/phones\n"
    )
    sys.stdout.flush()
    try:
        await stopping.wait()
    finally:
        await simulator.stop()


def main() -> int:
    """Serve until a signal; exit code 1 when the port is taken."""
    given = _arguments()
    try:
        asyncio.run(_serve(given))
    except OSError as error:
        sys.stderr.write(f"cannot listen on port {given.port}: {error.strerror}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
