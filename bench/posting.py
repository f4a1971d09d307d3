"""Callbacks as M-Pesa would write them, posted to one web process as fast as it takes them; what is done with the figures is
the benches' business."""

import asyncio
import json
import multiprocessing
import time
from collections.abc import Iterator, Sequence

CONNECTIONS = 24


def body_for(request_id: str, receipt: str, *, amount: float = 10.0) -> bytes:
    """A success as Daraja writes it."""
    items = [{"Name": "Amount", "Value": amount}, {"Name": "MpesaReceiptNumber", "Value": receipt}, {"Name": "Balance"}]
    return json.dumps(
        {
            "Body": {
                "stkCallback": {
                    "MerchantRequestID": "29115-34620561-1",
                    "CheckoutRequestID": request_id,
                    "ResultCode": 0,
                    "ResultDesc": "The service request is processed successfully.",
                    "CallbackMetadata": {"Item": [*items, {"Name": "TransactionDate", "Value": 20261120102115}]},
                }
            }
        }
    ).encode()


async def post_all(port: int, tokens: Sequence[str]) -> tuple[float, list[float]]:
    """Post one callback to each from a process of its own; seconds for all, and for each."""
    loop = asyncio.get_running_loop()
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return await loop.run_in_executor(None, pool.apply, _flood, (port, list(tokens)))


def _flood(port: int, tokens: list[str]) -> tuple[float, list[float]]:
    requests = [
        post(port, f"/cb/{token}", body_for(f"ws_CO_{token[:20]}", f"R{number:09d}"))
        for number, token in enumerate(tokens)
    ]
    return asyncio.run(_send(port, requests))


def post(port: int, path: str, body: bytes, *, headers: str = "") -> bytes:
    """The bytes of a POST."""
    head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/json\r\n{headers}"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


async def _send(port: int, requests: list[bytes]) -> tuple[float, list[float]]:
    left = iter(requests)
    took: list[float] = []
    began = time.perf_counter()
    await asyncio.gather(*(_client(port, left, took) for _ in range(CONNECTIONS)))
    return time.perf_counter() - began, took


async def _client(port: int, requests: Iterator[bytes], took: list[float]) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        for request in requests:
            began = time.perf_counter()
            writer.write(request)
            status = await read_status(reader)
            if status != 200:
                raise RuntimeError(f"answered {status}")
            took.append(time.perf_counter() - began)
    finally:
        writer.close()


async def read_status(reader: asyncio.StreamReader) -> int:
    """Read one answer to its end; its status."""
    head = await reader.readuntil(b"\r\n\r\n")
    length = next(
        int(line.split(b":", 1)[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")
    )
    await reader.readexactly(length)
    return int(head.split(b" ", 2)[1])
