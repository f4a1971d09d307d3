"""A shop with an address that listens on this machine: a real server, so that addresses, timeouts and bytes are the real ones."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta
from ipaddress import IPv4Network
from typing import Any

import httpx
import msgspec
import pytest

from portal.addresses import Addresses
from portal.clock import Clock
from portal.config import Settings
from portal.db import DB
from portal.identity import Actor, Role
from portal.vault import Vault
from portal.webhooks import signing
from portal.webhooks.door import WebhookDoor
from portal.webhooks.sending import send_due
from tests import factories


@dataclass
class Listener:
    """Takes requests and answers as told: a status, or None for never."""

    answers: list[int | None] = field(default_factory=list[int | None])
    usual: int | None = 200
    extra: str = ""
    heard: list[tuple[dict[str, str], bytes]] = field(default_factory=list[tuple[dict[str, str], bytes]])
    port: int = 0
    _came: asyncio.Condition = field(default_factory=asyncio.Condition)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"

    def messages(self) -> list[dict[str, Any]]:
        return [msgspec.json.decode(body) for _, body in self.heard]

    async def until(self, count: int) -> None:
        """Wait until so many requests came."""
        async with asyncio.timeout(10):
            async with self._came:
                await self._came.wait_for(lambda: len(self.heard) >= count)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            lines = [line.partition(":") for line in head.split("\r\n")[1:] if line]
            headers = {name.lower(): value.strip() for name, _, value in lines}
            body = await reader.readexactly(int(headers.get("content-length", "0")))
            async with self._came:
                self.heard.append((headers, body))
                self._came.notify_all()
            status = self.answers.pop(0) if self.answers else self.usual
            if status is None:
                await reader.read()
                return
            said = f"HTTP/1.1 {status} X\r\n{self.extra}content-length: 5\r\nconnection: close\r\n\r\nhello"
            writer.write(said.encode())
            await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            return
        finally:
            writer.close()


@pytest.fixture
async def listener() -> AsyncIterator[Listener]:
    found = Listener()
    server = await asyncio.start_server(found.serve, "127.0.0.1", 0)
    found.port = server.sockets[0].getsockname()[1]
    yield found
    server.close()


@dataclass
class Shop:
    """A merchant with one address that hears everything it was told to."""

    merchant_id: int
    package_id: int
    owner: Actor
    webhook_id: int
    listener: Listener
    door: WebhookDoor
    vault: Vault
    clock: Clock

    async def send(self, webhook_id: int | None = None) -> list[str]:
        """Everything due for an address."""
        return await send_due(webhook_id or self.webhook_id, self.door, vault=self.vault, clock=self.clock)

    async def voucher(self, **columns: object) -> int:
        return await factories.voucher(self.vault, self.merchant_id, self.package_id, **columns)

    async def secret(self) -> str:
        row = await DB.row("SELECT id, secret_sealed FROM webhook_endpoints WHERE id = $1", self.webhook_id)
        assert row
        return self.vault.open("webhook_endpoints", "secret_sealed", row_id=row["id"], sealed=row["secret_sealed"])

    async def is_right(self, number: int = -1, secret: str | None = None) -> bool:
        """Whether a message heard was signed by the shop's secret now."""
        headers, body = self.listener.heard[number]
        now_s = int(self.clock.now().timestamp())
        return signing.is_right(secret or await self.secret(), headers, body, now_s=now_s)

    async def row(self) -> Any:
        return await DB.row("SELECT * FROM webhook_messages ORDER BY id DESC LIMIT 1")

    async def endpoint(self) -> Any:
        return await DB.row("SELECT * FROM webhook_endpoints WHERE id = $1", self.webhook_id)

    def shift(self, **by: float) -> None:
        self.clock.shift(timedelta(**by))


@pytest.fixture
async def shop(db: str, listener: Listener, settings: Settings, vault: Vault, clock: Clock) -> AsyncIterator[Shop]:
    merchant = await factories.merchant()
    package = await factories.package(merchant)
    user = await factories.user("amina@kilimani.test", merchant)
    owner = Actor(
        user_id=user, merchant_id=merchant, role=Role.OWNER, is_operator=False, name="A", email="amina@kilimani.test"
    )
    hears = "voucher.made voucher.paid voucher.expired voucher.revoked payment.paid router.offline router.online"
    webhook = await factories.webhook(vault, merchant, hears=hears, url=listener.url)
    async with httpx.AsyncClient(trust_env=False) as http:
        near = Addresses([IPv4Network("127.0.0.0/8")], patience_s=0.01)
        door = WebhookDoor(http, settings, addresses=near)
        yield Shop(merchant, package, owner, webhook, listener, door, vault, clock)
