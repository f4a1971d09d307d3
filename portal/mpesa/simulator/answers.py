"""HTTP answers as raw ASGI: the ordinary JSON ones, Daraja's refusals, and every way an answer can go wrong.

Raw, because a framework will not send half a body, one byte at a time, or reset the connection.
"""

import asyncio
import socket
import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import msgspec
from litestar.types import Receive, Scope, Send

from portal.mpesa.simulator.errors import DarajaRefusal
from portal.mpesa.simulator.knobs import FaultName
from portal.mpesa.simulator.world import World, wait_until

JSON = "application/json;charset=UTF-8"
HTML = "text/html; charset=utf-8"
LINE = "simulator.line"
"""Scope key of the request's Line."""

ACCEPTING_FAULTS: frozenset[FaultName] = frozenset({"reset", "hang", "truncated", "empty", "drip"})
"""Faults of the answer only: the push behind them goes on, unless the knob says otherwise."""

_REFUSALS: dict[FaultName, tuple[str, str]] = {
    "busy": ("500.003.02", "System is busy. Please try again in few minutes."),
    "spike": ("500.003.02", "Error Occurred: Spike Arrest Violation"),
    "quota": ("500.003.03", "Quota Violation"),
    "internal": ("500.003.1001", "Internal Server Error"),
}
_PAGES: dict[FaultName, tuple[int, str]] = {
    "html_403": (403, "Request unsuccessful"),
    "html_503": (503, "Service Unavailable"),
}
_SPIKE = (
    "Spike arrest violation. Allowed rate : MessageRate{messagesPerPeriod=5, "
    "periodInMicroseconds=60000000, maxBurstMessageCount=1.0}"
)


@dataclass(slots=True)
class Line:
    """The connection of one request: lets an answer cut it. `is_cut` tells the outer app that nothing will follow."""

    transport: asyncio.Transport | None = None
    is_cut: bool = False

    def cut(self) -> None:
        """Reset: RST instead of FIN, as when the far side's machine dies."""
        self.is_cut = True
        if self.transport is None:
            return
        sock = self.transport.get_extra_info("socket")
        if sock is not None:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.transport.abort()


class Answer:
    """One complete answer; `then` runs when its last byte was handed to the server."""

    def __init__(
        self,
        status: int,
        body: bytes,
        *,
        media_type: str = JSON,
        headers: dict[str, str] | None = None,
        then: Callable[[], None] | None = None,
    ) -> None:
        self.status = status
        self.body = body
        self.headers = {"content-type": media_type, "content-length": str(len(body)), **(headers or {})}
        self.then = then

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002  (the ASGI signature)
        line: Line = scope[LINE]  # type: ignore[typeddict-item]
        await self.tell(send, line)
        if self.then:
            self.then()

    async def tell(self, send: Send, _line: Line, /) -> None:
        await self.open(send)
        await send({"type": "http.response.body", "body": self.body, "more_body": False})

    async def open(self, send: Send) -> None:
        headers = [(name.encode(), value.encode()) for name, value in self.headers.items()]
        await send({"type": "http.response.start", "status": self.status, "headers": headers})


class CutAnswer(Answer):
    """No byte at all: the connection is reset."""

    async def tell(self, _send: Send, line: Line, /) -> None:
        line.cut()
        # Let the server notice that nobody is there, or it complains about an answer that never came.
        await asyncio.sleep(0.01)


class LateAnswer(Answer):
    """The ordinary answer, so late that most clients have given up."""

    def __init__(self, world: World, status: int, body: bytes) -> None:
        super().__init__(status, body)
        self.world = world

    async def tell(self, send: Send, line: Line, /) -> None:
        await wait_until(self.world, _never, seconds=self.world.knobs.hang_seconds)
        await super().tell(send, line)


class DripAnswer(LateAnswer):
    """The ordinary answer byte by byte: a read timeout that starts anew with each byte never fires."""

    async def tell(self, send: Send, _line: Line, /) -> None:
        await self.open(send)
        pause = self.world.knobs.hang_seconds / len(self.body)
        for index in range(len(self.body)):
            await send({"type": "http.response.body", "body": self.body[index : index + 1], "more_body": True})
            await wait_until(self.world, _never, seconds=pause)
        await send({"type": "http.response.body", "body": b"", "more_body": False})


def _never() -> bool:
    return False


def json_answer(data: Any, *, status: int = 200, then: Callable[[], None] | None = None) -> Answer:
    return Answer(status, msgspec.json.encode(data), then=then)


def refusal_answer(world: World, refusal: DarajaRefusal) -> Answer:
    """The sample error response of the documentation, with a fresh requestId."""
    body = {"requestId": world.new_request_id(), "errorCode": refusal.code, "errorMessage": refusal.message}
    return json_answer(body, status=refusal.status)


def rate_limit_answer(world: World) -> Answer:
    """The gateway's own 429: another shape, without errorCode (observed on the sandbox's STK query)."""
    fault = {"faultstring": _SPIKE, "detail": {"errorcode": "policies.ratelimit.SpikeArrestViolation"}}
    headers = {"retry-after": "12"} if world.knobs.retry_after_header else None
    return Answer(429, msgspec.json.encode({"fault": fault}), headers=headers)


def fault_answer(world: World, fault: FaultName, body: bytes = b"{}") -> Answer:
    """The answer that this fault makes of an ordinary 200 with `body`."""
    if fault in _REFUSALS:
        return refusal_answer(world, DarajaRefusal(500, *_REFUSALS[fault]))
    if fault in _PAGES:
        status, title = _PAGES[fault]
        return Answer(status, _page(title), media_type=HTML)
    make: dict[FaultName, Callable[[], Answer]] = {
        "gateway_429": lambda: rate_limit_answer(world),
        "reset": lambda: CutAnswer(200, body),
        "hang": lambda: LateAnswer(world, 200, body),
        "drip": lambda: DripAnswer(world, 200, body),
        "truncated": lambda: Answer(200, body[: len(body) // 2]),
        "empty": lambda: Answer(200, b""),
        "none": lambda: Answer(200, body),
    }
    return make[fault]()


def _page(title: str) -> bytes:
    return f"<html><head><title>{title}</title></head><body><h1>{title}</h1></body></html>\n".encode()
