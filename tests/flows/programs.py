"""`vocha` as real processes: started, killed, and started again when they die, as a service manager would."""

import asyncio
import os
import signal
import socket
import sys
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import TypeVar

import httpx

T = TypeVar("T")

ROOT = Path(__file__).resolve().parents[2]
KEY = "test:" + bytes(range(32)).hex()


async def until(holds: Callable[[], Awaitable[T]], what: str, *, within: float = 10.0) -> T:
    """Wait until something holds, and return it; the test fails, saying what it waited for, when it does not in time."""
    try:
        async with asyncio.timeout(within):
            while True:
                if found := await holds():
                    return found
                await asyncio.sleep(0.02)
    except TimeoutError:
        raise AssertionError(f"not within {within:.0f} s: {what}") from None


def free_port() -> int:
    """A port nobody has at the moment; for servers that must come back on the same one."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


async def answers(url: str, status: int = 200) -> bool:
    """Whether a GET gets this status."""
    async with httpx.AsyncClient(trust_env=False, timeout=3) as client:
        try:
            return (await client.get(url)).status_code == status
        except httpx.TransportError:
            return False


class Program:
    """One `vocha` command. Its output goes to `log`; what PORTAL_* it gets is `settings` and nothing else."""

    def __init__(self, *command: str, settings: Mapping[str, str], log: Path) -> None:
        self.command = command
        self.settings = dict(settings)
        self.log = log
        self.deaths = 0
        self._process: asyncio.subprocess.Process | None = None
        self._keeper: asyncio.Task[None] | None = None

    @property
    def pid(self) -> int:
        """Its process id; RuntimeError before the first start."""
        return self._started().pid

    async def start(self) -> None:
        """Start it; returns at once."""
        kept = {name: os.environ[name] for name in ("PATH", "TMPDIR", "HOME") if name in os.environ}
        with self.log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "portal.cli", *self.command, cwd=ROOT, env=kept | self.settings,
                stdin=asyncio.subprocess.DEVNULL, stdout=log, stderr=log,
            )  # fmt: skip

    async def keep_alive(self) -> None:
        """Start it, and again whenever it dies, until `stop`."""
        await self.start()
        self._keeper = asyncio.create_task(self._restart_for_ever())

    async def _restart_for_ever(self) -> None:
        while True:
            await self._started().wait()
            self.deaths += 1
            await self.start()

    async def ended(self, *, within: float) -> int:
        """Wait for its end; returns its exit status (-9: killed). TimeoutError when it does not end."""
        async with asyncio.timeout(within):
            return await self._started().wait()

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal."""
        self._started().send_signal(number)

    async def stop(self) -> None:
        """Kill it, if it runs; nobody starts it again."""
        if self._keeper is not None:
            self._keeper.cancel()
            await asyncio.gather(self._keeper, return_exceptions=True)
            self._keeper = None
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()

    def _started(self) -> asyncio.subprocess.Process:
        if self._process is None:
            raise RuntimeError(f"vocha {' '.join(self.command)} was not started")
        return self._process
