"""The app that is Daraja on loopback, and a server for it inside the current event loop."""

import asyncio
import contextlib
import logging
import socket
from collections.abc import AsyncGenerator, Callable, Generator
from datetime import timedelta
from typing import Any

import msgspec
import uvicorn
from litestar import Litestar, Request, Response
from litestar.di import Provide
from litestar.exceptions import HTTPException, MethodNotAllowedException, NotFoundException
from litestar.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from portal.mpesa.simulator import c2b, commands, control, hand_payments, oauth, phones, prompts, pull, qr, stk
from portal.mpesa.simulator.answers import Answer, refusal_answer
from portal.mpesa.simulator.delivery import Courier
from portal.mpesa.simulator.errors import DarajaRefusal
from portal.mpesa.simulator.exchange_log import TRANSPORT, ExchangeLog
from portal.mpesa.simulator.prompts import Action
from portal.mpesa.simulator.records import HandPayment, Phone, Push
from portal.mpesa.simulator.spellings import spelling_of
from portal.mpesa.simulator.world import World, wait_until

logger = logging.getLogger(__name__)

LARGEST_BODY = 65_536


def create_simulator(world: World) -> ASGIApp:
    """The ASGI app. Its lifespan runs the courier: without lifespan events no callback is sent."""

    @contextlib.asynccontextmanager
    async def courier_running(_: Litestar) -> AsyncGenerator[None, None]:
        courier = Courier(world)
        await courier.start()
        try:
            yield
        finally:
            await courier.stop()

    def world_itself() -> World:
        return world

    app = Litestar(
        route_handlers=[
            oauth.generate,
            stk.push,
            stk.query,
            *c2b.HANDLERS,
            *commands.HANDLERS,
            *pull.HANDLERS,
            *qr.HANDLERS,
            *control.HANDLERS,
            *phones.HANDLERS,
        ],
        dependencies={"world": Provide(world_itself, sync_to_thread=False)},
        exception_handlers=_exception_handlers(world),
        lifespan=[courier_running],
        openapi_config=None,
        logging_config=None,
        request_max_body_size=LARGEST_BODY,
    )
    return ExchangeLog(app, world)


def _exception_handlers(
    world: World,
) -> dict[int | type[Exception], Callable[[Request[Any, Any, Any], Any], Response[bytes]]]:
    """Everything leaves in Daraja's own error shape, as each API spells it."""

    def refuse(_: Request[Any, Any, Any], refusal: DarajaRefusal) -> Response[bytes]:
        return _as_response(refusal_answer(world, refusal))

    def wrong_path(request: Request[Any, Any, Any], _: NotFoundException) -> Response[bytes]:
        return _as_response(refusal_answer(world, DarajaRefusal(*spelling_of(request.url.path).wrong_path)))

    def wrong_verb(request: Request[Any, Any, Any], _: MethodNotAllowedException) -> Response[bytes]:
        status, code, message = spelling_of(request.url.path).wrong_verb
        refusal = DarajaRefusal(status, code, message.format(method=request.method))
        return _as_response(refusal_answer(world, refusal))

    def unreadable(_: Request[Any, Any, Any], error: msgspec.MsgspecError) -> Response[bytes]:
        return _as_response(refusal_answer(world, DarajaRefusal(400, "sim.bad_request", str(error))))

    def other(_: Request[Any, Any, Any], error: HTTPException) -> Response[bytes]:
        refusal = DarajaRefusal(error.status_code, f"sim.{error.status_code}", error.detail)
        return _as_response(refusal_answer(world, refusal))

    def broken(_: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
        logger.error("the simulator itself failed", exc_info=error)
        return _as_response(refusal_answer(world, DarajaRefusal(500, "sim.broken", "The simulator itself failed")))

    return {
        DarajaRefusal: refuse,
        NotFoundException: wrong_path,
        MethodNotAllowedException: wrong_verb,
        msgspec.MsgspecError: unreadable,
        HTTPException: other,
        Exception: broken,
    }


def _as_response(answer: Answer) -> Response[bytes]:
    return Response(answer.body, status_code=answer.status, media_type=answer.headers["content-type"])


class _Protocol(HttpToolsProtocol):
    """Lets the app reach the connection, so that an answer can reset it."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self.app_state = {**self.app_state, TRANSPORT: transport}
        super().connection_made(transport)


class _Server(uvicorn.Server):
    """A guest in somebody's loop: signals are the host's business."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.leaving = asyncio.Event()

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield

    async def main_loop(self) -> None:
        # Instead of ten looks a second at a flag: nothing to do until asked to leave.
        await self.on_tick(0)
        await self.leaving.wait()


def _listen(port: int) -> socket.socket:
    # The protocol is named because asyncio sets TCP_NODELAY only where it reads "TCP": without it, 40 ms per answer.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", port))
        listener.listen(512)
    except OSError:
        listener.close()
        raise
    return listener


class DarajaSimulator:
    """Daraja on 127.0.0.1 inside the current event loop; `url` is the base to give a client.

    Usable as `async with DarajaSimulator(world) as sim`. `start()` after `stop()` serves the same world again.
    """

    def __init__(self, world: World | None = None) -> None:
        self.world = world or World.sandbox()
        self.url = ""
        self._server: _Server | None = None
        self._serving: asyncio.Task[None] | None = None

    async def __aenter__(self) -> "DarajaSimulator":
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def start(self, port: int = 0) -> None:
        """Listen; port 0 takes a free one. OSError when the port is taken, RuntimeError when already started."""
        if self._serving:
            raise RuntimeError("the simulator is already running")
        config = uvicorn.Config(
            create_simulator(self.world),  # type: ignore[arg-type]
            http=_Protocol,
            ws="none",
            lifespan="on",
            log_config=None,
            access_log=False,
            server_header=False,
            date_header=False,
            timeout_graceful_shutdown=2,
        )
        listener = _listen(port)
        self.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        self._server = _Server(config)
        self._serving = asyncio.create_task(self._server.serve(sockets=[listener]))
        while not self._server.started:
            if self._serving.done():
                self._serving.result()
                raise RuntimeError("the simulator did not start")
            await asyncio.sleep(0.005)

    async def stop(self) -> None:
        """Stop listening and end what hangs. Repeatable."""
        if self._server is None or self._serving is None:
            return
        self.world.is_closing = True
        self.world.notify()
        self._server.leaving.set()
        await self._serving
        self._server = self._serving = None

    async def serve_forever(self) -> None:
        """Until cancelled or stopped from elsewhere."""
        if self._serving:
            await asyncio.shield(self._serving)

    # -- hands for tests and flows ---------------------------------------------------------------------------

    async def wait_prompt(self, msisdn: str, *, timeout: float = 5) -> Push:  # noqa: ASYNC109  (part of the promise)
        """The push whose prompt shows on the phone. TimeoutError, in real seconds, when none comes."""
        phone = self.world.phone(msisdn)
        if not await wait_until(self.world, lambda: phone.prompt is not None, seconds=timeout) or not phone.prompt:
            raise TimeoutError(f"no prompt on the phone ending in {msisdn[-3:]}")
        return phone.prompt

    async def wait_delivered(self, push: Push, *, count: int = 1, timeout: float = 5) -> None:  # noqa: ASYNC109
        """Until so many callbacks of the push were sent or lost. TimeoutError otherwise."""
        if not await wait_until(self.world, lambda: len(push.deliveries) >= count, seconds=timeout):
            raise TimeoutError("the callback did not go out")

    async def approve(self, msisdn: str, *, pin: str | None = None) -> Push:
        """Wait for the prompt and type the PIN (the right one by default)."""
        return await self._answer(msisdn, Action.PIN, pin)

    async def cancel(self, msisdn: str) -> Push:
        return await self._answer(msisdn, Action.CANCEL)

    async def ignore(self, msisdn: str) -> Push:
        """Leave the prompt alone: it times out with the clock."""
        return await self._answer(msisdn, Action.IGNORE)

    def do(self, msisdn: str, action: Action | str, *, pin: str | None = None) -> Phone:
        """Any action at once, without waiting for a prompt."""
        return prompts.answer(self.world, msisdn, Action(action), pin=pin)

    def pay_by_hand(self, msisdn: str, number: str, *, amount: int, account: str = "") -> HandPayment:
        """Pay a paybill or a till from the phone's menu, with the right PIN. CannotPay when the phone refuses."""
        return hand_payments.pay_by_hand(self.world, msisdn, number, amount=amount, account=account)

    async def wait_settled(self, *, timeout: float = 5) -> None:  # noqa: ASYNC109
        """Until nothing is due, waiting or under way to merchants. TimeoutError, in real seconds."""
        if not await wait_until(self.world, self.world.is_settled, seconds=timeout):
            raise TimeoutError("messages to merchants are still under way")

    async def skip(self, seconds: float) -> None:
        """Let so much of the simulator's time pass at once, stopping at each due instant until merchants were told."""
        end = self.world.clock.now() + timedelta(seconds=seconds)
        while True:
            await self.wait_settled(timeout=30)
            left = max(0.0, (end - self.world.clock.now()).total_seconds())
            wait = self.world.seconds_to_next()
            self.world.advance(left if wait is None else min(wait, left))
            if wait is None or wait > left:
                await self.wait_settled(timeout=30)
                return

    async def _answer(self, msisdn: str, action: Action, pin: str | None = None) -> Push:
        push = await self.wait_prompt(msisdn)
        prompts.answer(self.world, msisdn, action, pin=pin)
        return push
