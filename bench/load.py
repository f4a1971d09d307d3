"""A small load generator: keep-alive connections from a process of its own, bounded in time, loopback only."""

import asyncio
import multiprocessing
import time

CONNECTIONS = 16


async def requests_per_second(port: int, path: str, seconds: float) -> float:
    """How many GETs per second a server on 127.0.0.1 answers over 16 connections."""
    loop = asyncio.get_running_loop()
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return await loop.run_in_executor(None, pool.apply, _measure, (port, path, seconds))


def _measure(port: int, path: str, seconds: float) -> float:
    return asyncio.run(_flood(port, path, seconds))


async def _flood(port: int, path: str, seconds: float) -> float:
    request = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAccept-Encoding: identity\r\n\r\n".encode()
    begin = time.perf_counter() + 0.5  # half a second to warm up
    end = begin + seconds
    counts = await asyncio.gather(*(_client(port, request, begin=begin, end=end) for _ in range(CONNECTIONS)))
    return sum(counts) / seconds


async def _client(port: int, request: bytes, *, begin: float, end: float) -> int:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    count = 0
    try:
        while (now := time.perf_counter()) < end:
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            status, length = head.split(b" ", 2)[1], _length(head)
            await reader.readexactly(length)
            if status != b"200":
                raise RuntimeError(f"answered {status.decode()}")
            count += now >= begin
    finally:
        writer.close()
    return count


def _length(head: bytes) -> int:
    for line in head.split(b"\r\n"):
        if line.lower().startswith(b"content-length:"):
            return int(line.split(b":", 1)[1])
    raise RuntimeError("an answer without a length")
