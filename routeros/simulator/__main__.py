"""Run one simulated router with a demo hotspot: `python -m routeros.simulator --api-port 8728`."""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys

from routeros.simulator.router import SimulatedRouter


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m routeros.simulator", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument(
        "--api-port", type=int, default=8728, help="API port, 0 for any free one (default: %(default)s)"
    )
    parser.add_argument("--version", default="7.16", help="RouterOS version to behave like (default: %(default)s)")
    parser.add_argument("--identity", default="MikroTik", help="name of the router (default: %(default)s)")
    parser.add_argument("--user", default="admin", help="API user with full rights (default: %(default)s)")
    parser.add_argument("--password", default="", help="its password (default: none)")
    parser.add_argument("--phones", type=int, default=3, help="phones already on the network (default: %(default)s)")
    return parser.parse_args()


async def _run(options: argparse.Namespace) -> None:
    router = SimulatedRouter(
        version=options.version,
        identity=options.identity,
        api_user=options.user,
        api_password=options.password,
        api_host=options.host,
        api_port=options.api_port,
    )
    router.hotspot.users.add({"name": "demo", "password": "demo", "limit-uptime": "1h"})
    for number in range(1, options.phones + 1):
        router.hotspot.see_host(f"02:00:00:00:00:{number:02X}", f"10.5.50.{number + 1}")
    await router.start()
    ended = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    sys.stdout.write(f"RouterOS {router.version} simulator: API on {router.api_host}:{router.api_port}\n")
    sys.stdout.flush()
    await ended.wait()
    await router.stop()


if __name__ == "__main__":
    asyncio.run(_run(_arguments()))
