"""The captive package page: bytes, requests and requests per second; limit: a bare Litestar answer in the same run."""

import asyncio
import contextlib
import gzip
import sys
import tempfile
import time
from pathlib import Path

import httpx
import uvicorn
from litestar import Litestar, get

from bench import house
from bench.load import requests_per_second
from bench.result import Result
from portal import codes
from portal.serving import Server, listen
from tests import factories

BAR_BYTES = 6144


@get("/hello", sync_to_thread=False)
def hello() -> str:
    """The least a Litestar handler can do."""
    return "hello"


async def run(quick: bool) -> Result:
    """Measure the page as a phone meets it, then flood it and the bare answer in turns."""
    seconds = 3.0 if quick else 8.0
    with tempfile.TemporaryDirectory(prefix="vocha-bench-") as name, listen("127.0.0.1", 0) as free:
        folder, port = Path(name), free.getsockname()[1]
        free.close()
        async with house.database(folder) as dsn:
            path = await _shop()
            async with house.up(folder, port, dsn=dsn), _Bare() as bare_port:
                page = await _page(f"http://127.0.0.1:{port}{path}")
                rates = [
                    (
                        await requests_per_second(port, path, seconds),
                        await requests_per_second(bare_port, "/hello", seconds),
                    )
                    for _ in range(2)
                ]
    ours, limit = max(rate for rate, _ in rates), max(rate for _, rate in rates)
    figures = {
        "gzip_bytes": page["gzip_bytes"],
        "requests": page["requests"],
        "cookies": page["cookies"],
        "requests_per_s": round(ours),
    }
    ok = page["gzip_bytes"] <= BAR_BYTES and page["requests"] == 1 and page["cookies"] == 0
    bar = {"gzip_bytes": BAR_BYTES, "requests": 1, "cookies": 0}
    return Result("captive", figures, {"bare_requests_per_s": round(limit)}, round(ours / limit, 3), bar, ok)


async def _shop() -> str:
    vault = house.vault()
    merchant = await factories.merchant()
    router = await factories.router(vault, merchant)
    for position, (words, price, seconds) in enumerate(
        [
            ("1 hour", 1000, 3600),
            ("3 hours", 2000, 10_800),
            ("1 day", 5000, 86_400),
            ("7 days", 25_000, 604_800),
            ("30 days", 90_000, 2_592_000),
        ]
    ):
        await factories.package(
            merchant,
            name=words,
            price_cents=price,
            duration_s=seconds,
            position=position,
            rate_down_kbps=5000,
            rate_up_kbps=5000,
        )
    return f"/c/{router.site}?mac=02:11:22:33:44:55&ip=10.5.50.7&link-login-only=http%3A%2F%2F10.5.50.1%2Flogin&t={codes.hex_token(2)}"


async def _page(url: str) -> dict[str, int]:
    async with httpx.AsyncClient(trust_env=False) as client:
        answer = await client.get(url)
    answer.raise_for_status()
    # Everything the page would fetch besides itself: sources, stylesheets, fonts.
    more = sum(answer.text.count(mark) for mark in (" src=", "<link ", "@import", "url("))
    return {
        "gzip_bytes": len(gzip.compress(answer.content, 6)),
        "requests": 1 + more,
        "cookies": len(answer.headers.get_list("set-cookie")),
    }


class _Bare:
    """A server with nothing but `hello`, in a process of its own as ours is."""

    async def __aenter__(self) -> int:
        with listen("127.0.0.1", 0) as free:
            self.port: int = free.getsockname()[1]
        self.process = await asyncio.create_subprocess_exec(sys.executable, "-m", "bench.captive", str(self.port))
        end = time.monotonic() + 20
        async with httpx.AsyncClient(trust_env=False) as client:
            while time.monotonic() < end:
                with contextlib.suppress(httpx.TransportError):
                    await client.get(f"http://127.0.0.1:{self.port}/hello")
                    return self.port
                await asyncio.sleep(0.05)
        raise RuntimeError("the bare server did not start")

    async def __aexit__(self, *_: object) -> None:
        self.process.terminate()
        await self.process.wait()


def _serve_bare(port: int) -> None:
    config = uvicorn.Config(
        Litestar([hello], openapi_config=None, logging_config=None),
        port=port,
        log_config=None,
        access_log=False,
        server_header=False,
    )
    asyncio.run(Server(config).serve())


if __name__ == "__main__":
    _serve_bare(int(sys.argv[1]))
