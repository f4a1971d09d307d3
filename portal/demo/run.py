"""What `vocha demo` runs: the demo world and its page, until Ctrl-C or SIGTERM; and what it prints."""

import asyncio
import os
import sys
import webbrowser
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import msgspec
from rich.console import Console

from portal.demo.boards import DemoRouter
from portal.demo.cast import CUSTOMERS
from portal.demo.folder import default_folder, is_free
from portal.demo.page import page_running
from portal.demo.world import DemoWorld
from portal.logs import configure_logging
from portal.serving import stop_event

_LOG = "demo.log"


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoOptions:
    """What the command line says. `data_dir` None: the usual place. `port` 0: any free one."""

    port: int = 8000
    data_dir: Path | None = None
    opens_browser: bool = False
    is_fresh: bool = False
    as_json: bool = False


class PortTaken(OSError):  # noqa: N818
    """Another program has the portal's port."""


async def run_demo(options: DemoOptions) -> None:
    """Run until told to stop. OSError in words for people: a port that is taken, a folder that is not ours."""
    stop = stop_event()
    if options.port and not is_free(options.port):
        another = options.port + 1 if options.port < 65_535 else 8001
        raise PortTaken(f"Port {options.port} is taken. Start the demo on another one: vocha demo --port {another}")
    folder = options.data_dir or default_folder(os.environ)
    is_ready = asyncio.Event()
    running = asyncio.create_task(_run(options, folder, stop, is_ready))
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait({running, stopping}, return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    if not is_ready.is_set():
        running.cancel()  # told to end while starting: what is half done is undone, and nobody waits for the rest
    try:
        await running
    except asyncio.CancelledError:
        return


async def _run(options: DemoOptions, folder: Path, stop: asyncio.Event, is_ready: asyncio.Event) -> None:
    with ExitStack() as last:  # the log is closed when nobody writes any more

        def log_into(path: Path) -> None:
            """From the first moment: what the start has to tell is no answer to the command."""
            log = last.enter_context((path / _LOG).open("a", encoding="utf-8"))
            last.callback(configure_logging, level="error", log_format="console")
            configure_logging(level="warning", log_format="console", stream=log)

        opening = DemoWorld.started(
            folder, port=options.port, is_fresh=options.is_fresh, guests=[page_running], on_folder=log_into
        )
        async with opening as world:
            is_ready.set()
            _announce(world, as_json=options.as_json)
            if options.opens_browser and _has_screen():
                await asyncio.to_thread(webbrowser.open, world.page_url)
            await stop.wait()
    if not options.as_json:
        Console().print("The demo has ended. Its data stays for the next start.")


def facts(world: DemoWorld) -> dict[str, object]:
    """Everything a script needs to play with the demo."""
    return {
        "portal": world.portal_url,
        "demo_page": world.page_url,
        "dashboard": f"{world.portal_url}/",
        "merchant_email": world.merchant_email,
        "merchant_password": world.merchant_password,
        "operator_email": world.operator_email,
        "operator_password": world.operator_password,
        "mpesa": world.daraja.url,
        "rails": world.rails.url,
        "routers": [
            {
                "name": router.name,
                "api_host": router.board.api_host,
                "api_port": router.board.api_port,
                "api_user": router.user,
                "api_password": router.password,
                "hotspot_proxy": router.network.proxy_url,
                "captive_url": router.captive_url(),
            }
            for router in world.routers
        ],
    }


def _announce(world: DemoWorld, *, as_json: bool) -> None:
    if as_json:
        sys.stdout.write(msgspec.json.encode(facts(world)).decode() + "\n")
        sys.stdout.flush()
        return
    lines = [
        "",
        "[bold]The demo is ready.[/bold] All of it runs on this machine: no real money, no real router.",
        "",
        f"  Open this    [bold green]{world.page_url}[/bold green]",
        "",
        f"  Dashboard    {world.portal_url}/",
        f"    merchant   {world.merchant_email}  {world.merchant_password}",
        f"    operator   {world.operator_email}  {world.operator_password}",
        f"  M-Pesa       {world.daraja.url}/_sim/phones  (PIN 1234)",
        f"  Airtel       {world.rails.url}/phone/{CUSTOMERS[0].airtel}  (PIN 1234)",
        *(_line(router) for router in world.routers),
        "",
        f"  Data: {world.folder.path}",
        "  Press Ctrl-C to end.",
        "",
    ]
    console = Console(highlight=False)
    for line in lines:
        console.print(line, soft_wrap=True)


def _line(router: DemoRouter) -> str:
    api = f"API {router.board.api_host}:{router.board.api_port}" if router.is_on else "switched off"
    return f"  {router.name:<12} {api}, Wi-Fi {router.network.proxy_url}"


def _has_screen() -> bool:
    """Whether a browser has somewhere to open; without, one would take over this terminal."""
    return sys.platform == "darwin" or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
