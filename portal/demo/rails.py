"""Airtel Money and Paystack in the demo: one address for both simulators and for the post, each made when somebody first comes.

The demo's shop sells by the platform's keys there; what a simulator tells goes to the addresses the portal gave it."""

import asyncio
import socket
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any, cast

from litestar.types import ASGIApp, Receive, Scope, Send

from portal.airtel.simulator import AirtelSimulator
from portal.airtel.simulator.server import CLIENT_ID, CLIENT_SECRET, SIGNING_KEY
from portal.clock import Clock
from portal.db import DB, atomic
from portal.demo.post import PATHS as OF_POST
from portal.demo.post import DemoPost
from portal.paystack.simulator import PaystackSimulator
from portal.paystack.simulator.server import SECRET_KEY
from portal.rails import accounts
from portal.rails.simulator.stage import Stage
from portal.serving import web_server
from portal.vault import Vault

_KEYS = {
    "airtel": {"key_name": CLIENT_ID, "secret": CLIENT_SECRET, "signing_key": SIGNING_KEY},
    "paystack": {"key_name": "", "secret": SECRET_KEY},
}
#: The providers' own paths do not meet.
_OF_PAYSTACK = ("/transaction", "/refund", "/pay")


class DemoRails:
    """Both providers at `url`. `airtel` and `paystack` are their ledgers and hands."""

    def __init__(self, listener: socket.socket, clock: Clock, post: DemoPost) -> None:
        self.listener = listener
        self.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        self.airtel = AirtelSimulator(clock=clock)
        self.paystack = PaystackSimulator(clock=clock)
        # A card's refund is done at once: nobody watches a demo for days.
        self.paystack.refund_status = "processed"
        self.airtel.called_when_refunded = "TR"
        self._stages: Mapping[str, Stage] = {"airtel": self.airtel, "paystack": self.paystack, "post": post.office}
        self._apps: dict[str, ASGIApp] = {}
        self._lock = asyncio.Lock()

    def urls(self) -> Mapping[str, str]:
        """What the portal is to take for the providers, by setting."""
        names = ("AIRTEL", "PAYSTACK", "AFRICASTALKING", "TELEGRAM")
        return {f"PORTAL_{name}_URL": self.url for name in names}

    async def introduce(self, vault: Vault, *, portal: str, now: datetime) -> None:
        """Enter the platform's keys at both, once, and tell them where the portal listens."""
        known = {row["rail"] for row in await DB.fetch("SELECT rail FROM rail_accounts WHERE merchant_id IS NULL")}
        for rail in [rail for rail in _KEYS if rail not in known]:
            async with atomic() as tx:
                await accounts.put(
                    tx, rail, merchant_id=None, environment="sandbox", vault=vault, now=now, by="demo", **_KEYS[rail]
                )
        for account in await accounts.live():
            if account.rail == "airtel":
                self.airtel.callback_url = portal + account.webhook
            else:
                self.paystack.webhook_url = portal + account.webhook

    def shifted(self) -> None:
        """The clock was set forward: what is due by now is done."""
        for stage in self._stages.values():
            stage.run_due()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand a request on to the provider it is for."""
        if scope["type"] != "http":
            await _live(receive, send)
            return
        path = scope["path"]
        name = "post" if path.startswith(OF_POST) else "paystack" if path.startswith(_OF_PAYSTACK) else "airtel"
        await (await self._app(name))(scope, receive, send)

    async def awake(self, name: str) -> None:
        """Make one begin before somebody comes to it, because it is to speak first."""
        await self._app(name)

    async def _app(self, name: str) -> ASGIApp:
        async with self._lock:
            if name not in self._apps:
                stage = self._stages[name]
                await stage.begin(self.url)
                self._apps[name] = stage.application()
            return self._apps[name]

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[None]:
        """Answering, until the end."""
        server = web_server(cast("ASGIApp", self))
        task = asyncio.create_task(server.serve(sockets=[self.listener]))
        try:
            yield
        finally:
            server.should_exit = True
            await task
            for stage in self._stages.values():
                await stage.stop()


async def _live(receive: Receive, send: Send) -> None:
    """The server's own messages: it starts and ends."""
    while True:
        message: Any = await receive()
        await send(cast("Any", {"type": f"{message['type']}.complete"}))
        if message["type"] == "lifespan.shutdown":
            return
