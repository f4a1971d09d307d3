"""The outer ASGI app: notes every exchange with Daraja's paths in the world's log; lets an answer cut its line."""

from typing import Any

import msgspec
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from portal.mpesa.simulator.answers import LINE, Line
from portal.mpesa.simulator.records import Exchange
from portal.mpesa.simulator.world import World

BODY_LIMIT = 4096
TRANSPORT = "simulator.transport"
"""Key in the ASGI state under which our server puts the connection's transport."""


class ExchangeLog:
    """Wraps the app. What starts with `/_sim` is the simulator's own and is not noted."""

    def __init__(self, app: ASGIApp, world: World) -> None:
        self.app = app
        self.world = world

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        line = Line((scope.get("state") or {}).get(TRANSPORT))
        scope[LINE] = line  # type: ignore[typeddict-unknown-key]
        heard, told, status = bytearray(), bytearray(), None

        async def listen() -> Any:
            message = await receive()
            _keep(heard, message)
            return message

        async def tell(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            _keep(told, message)
            await send(message)

        started_at = self.world.clock.now()
        try:
            await self.app(scope, listen, tell)
        finally:
            if not scope["path"].startswith("/_sim"):
                self.world.record(
                    Exchange(
                        at=started_at,
                        direction="in",
                        method=scope["method"],
                        target=scope["path"],
                        request=readable(bytes(heard)),
                        status=status,
                        answer=readable(bytes(told)),
                        note="connection reset" if line.is_cut else "",
                    )
                )
        if line.is_cut and line.transport is None:
            # No socket under us (an in-process client): this is as near to a reset as it gets.
            raise ConnectionResetError("the simulator cut the connection")


def _keep(kept: bytearray, message: Any) -> None:
    kept += message.get("body", b"")[: max(0, BODY_LIMIT - len(kept))]


def readable(body: bytes) -> Any:
    """A body for the log: parsed where it is JSON, else text; without an access token."""
    try:
        answer = msgspec.json.decode(body)
    except msgspec.DecodeError:
        return body.decode("utf-8", "replace")
    # A token opens this world only, but a log that shows none is a better habit to teach.
    return {**answer, "access_token": "(hidden)"} if isinstance(answer, dict) and "access_token" in answer else answer
