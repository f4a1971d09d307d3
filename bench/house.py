"""A house to measure: `vocha up` as a process of its own, with the embedded database, and the simulators around it."""

import asyncio
import os
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx

from portal.config import Settings
from portal.db import DB
from portal.embedded_postgres import EmbeddedPostgres
from portal.migrations import migrate
from portal.vault import Vault

KEY = bytes(range(32))
ROOT = Path(__file__).parents[1]


@asynccontextmanager
async def database(folder: Path) -> AsyncGenerator[str]:
    """An embedded database in a folder, migrated, with our pool open; yields its DSN."""
    server = EmbeddedPostgres(folder)
    await server.start_async()
    try:
        DB.configure(server.dsn)
        await migrate()
        await DB.open(min_size=1, max_size=4)
        yield server.dsn
        await DB.close()
    finally:
        await server.stop_async()


@asynccontextmanager
async def up(
    folder: Path,
    port: int,
    *,
    mpesa_url: str = "http://127.0.0.1:9",
    dsn: str | None = None,
    log: Path | None = None,
    command: str = "up",
) -> AsyncGenerator[int]:
    """`vocha up` (or `serve`) on a port, ready; yields its process id. Without a DSN it runs an embedded database of its own."""
    env = os.environ | {
        "PORTAL_DATA_DIR": str(folder),
        "PORTAL_PORT": str(port),
        "PORTAL_BASE_URL": f"http://127.0.0.1:{port}",
        "PORTAL_MPESA_ENVIRONMENT": "loopback",
        "PORTAL_MPESA_URL": mpesa_url,
        "PORTAL_MPESA_TRUSTED_SOURCES": "127.0.0.1",
        "PORTAL_SECRET_KEYS": "bench:" + KEY.hex(),
        "PORTAL_LOG_LEVEL": "warning",
    }
    if dsn:
        env["PORTAL_DATABASE_URL"] = dsn
    with (log or Path(os.devnull)).open("ab") as output:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "portal.cli", command, cwd=ROOT, env=env, stdout=output, stderr=output
        )
    try:
        await _ready(port, process)
        yield process.pid
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


async def _ready(port: int, process: asyncio.subprocess.Process) -> None:
    async with httpx.AsyncClient(trust_env=False) as client, asyncio.timeout(30):
        while True:
            if process.returncode is not None:
                raise RuntimeError("vocha up ended before it was ready")
            try:
                if (await client.get(f"http://127.0.0.1:{port}/readyz")).status_code == 200:
                    return
            except httpx.TransportError:
                pass
            await asyncio.sleep(0.05)


def vault() -> Vault:
    """The vault of the measured house."""
    return Vault([("bench", KEY)])


def settings(folder: Path, dsn: str) -> Settings:
    """Settings for doors in the bench's own process, with routers on loopback."""
    return Settings.from_env(
        {
            "PORTAL_DATABASE_URL": dsn,
            "PORTAL_DATA_DIR": str(folder),
            "PORTAL_SECRET_KEYS": "bench:" + KEY.hex(),
            "PORTAL_BASE_URL": "http://portal.test",
            "PORTAL_ROUTER_NETWORKS": "127.0.0.0/8",
        }
    )
