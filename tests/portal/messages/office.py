"""A merchant whose messages go by the simulators: SMS, mail and Telegram of the platform. What tests of sending play with."""

import dataclasses
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx

from jobs import messages as job
from jobs.doors import Doors
from jobs.tally import Tally
from portal.clock import Clock
from portal.config import Settings
from portal.db import DB, atomic
from portal.gateways.simulator import API_KEY, BOT_TOKEN, Letter, Letterbox, MailServer, PostOffice
from portal.gateways.simulator.mail_server import PASSWORD, USER
from portal.house import doors_open
from portal.identity import Actor, Role
from portal.messages import Told, accounts, write
from portal.vault import Vault
from tests import factories

PHONE = "254712345678"


@dataclass
class Office:
    """The merchant, and the far side of its gateways."""

    merchant_id: int
    owner: Actor
    sim: PostOffice
    mail: MailServer
    doors: Doors
    clock: Clock
    vault: Vault
    settings: Settings

    async def write(self, told: Told = Told.MONEY_KEPT, once: str = "1", **more: Any) -> int:
        """A message's id; to the usual phone unless told otherwise."""
        wanted: dict[str, Any] = {
            "merchant_id": self.merchant_id, "phone": PHONE, "now": self.clock.now(),
            "params": {"shop": "Kilimani Wi-Fi", "amount": "KES 50"},
        } | more  # fmt: skip
        async with atomic() as tx:
            assert await write(tx, told, once, **wanted)
        return await DB.value("SELECT id FROM messages WHERE once = $1", f"{told}:{once}")

    async def code(self, **more: Any) -> tuple[int, str]:
        """A message with a voucher's code; its id and the code as it is printed."""
        package = await factories.package(self.merchant_id)
        voucher = await factories.voucher(self.vault, self.merchant_id, package)
        row = await DB.row("SELECT code_sealed FROM vouchers WHERE id = $1", voucher)
        assert row is not None
        code = self.vault.open("vouchers", "code_sealed", row_id=voucher, sealed=row["code_sealed"])
        params = {"shop": "Kilimani Wi-Fi", "amount": "KES 50", "voucher_id": voucher}
        return await self.write(Told.VOUCHER_CODE, str(voucher), params=params, **more), code

    async def turn(self, times: int = 1, **later: float) -> Tally:
        """The job, and the time between."""
        tally = Tally()
        for _ in range(times):
            tally = await job.run(self.doors)
            self.clock.shift(timedelta(**later))
        return tally

    async def status(self, message_id: int) -> str:
        return await DB.value("SELECT status FROM messages WHERE id = $1", message_id)

    async def row(self, message_id: int) -> dict[str, Any]:
        row = await DB.row("SELECT * FROM messages WHERE id = $1", message_id)
        assert row is not None
        return dict(row)

    def arrived(self, channel: str = "sms", to: str = "") -> list[Letter]:
        return self.sim.letters.all(channel=channel, to=to)

    async def choose(self, **columns: object) -> None:
        """The merchant's settings, past every check."""
        names = ", ".join(columns)
        marks = ", ".join(f"${number}" for number in range(2, 2 + len(columns)))
        await DB.fetch(
            f"INSERT INTO message_settings (merchant_id, {names}) VALUES ($1, {marks})",
            self.merchant_id,
            *columns.values(),
        )


async def enter_all(vault: Vault, clock: Clock, *, mail_port: int, merchant_id: int | None = None) -> None:
    """Gateways that lead to the simulators."""
    options = {"host": "127.0.0.1", "port": mail_port, "tls": "none"}
    async with atomic() as tx:
        for kind, user, sender, secret, extra in (
            ("africastalking", "sandbox", "VOCHA", API_KEY, {}),
            ("smtp", USER, "vocha@sim.test", PASSWORD, options),
            ("telegram", "", "", BOT_TOKEN, {}),
        ):
            await accounts.put(
                tx, kind, merchant_id=merchant_id, user_name=user, sender=sender, options=extra, secret=secret, vault=vault,
                now=clock.now(), by="test",
            )  # fmt: skip


@asynccontextmanager
async def office_open(settings: Settings, vault: Vault, clock: Clock) -> AsyncGenerator[Office]:
    """An office at noon in Nairobi, when nobody sleeps. The database must be empty and open."""
    noon = clock.now().replace(hour=9, minute=0, second=0, microsecond=0) + timedelta(days=1)
    clock.shift(noon - clock.now())
    letters = Letterbox()
    async with PostOffice(clock=clock, letterbox=letters) as sim, MailServer(clock=clock, letterbox=letters) as mail:
        live = dataclasses.replace(
            settings, mpesa_environment="loopback", gateway_urls={"africastalking": sim.url, "telegram": sim.url}
        )
        merchant = await factories.merchant()
        user = await factories.user("amina@kilimani.test", merchant_id=merchant)
        await enter_all(vault, clock, mail_port=mail.port)
        owner = Actor(
            user_id=user, merchant_id=merchant, role=Role.OWNER, name="Amina", email="a@b.test", is_operator=False
        )
        async with doors_open(live, clock) as doors:
            yield Office(merchant, owner, sim, mail, doors, clock, vault, live)


def mock(answer: httpx.Response | Exception) -> httpx.AsyncClient:
    """A client whose every request is answered so."""

    def handle(_: httpx.Request) -> httpx.Response:
        if isinstance(answer, Exception):
            raise answer
        return answer

    return httpx.AsyncClient(transport=httpx.MockTransport(handle))
