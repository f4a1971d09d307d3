"""A shop with one router and one customer for each test, so that no test sees what another left behind."""

import asyncio
import itertools
import re
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

import httpx
from asyncpg import Record

from portal.db import DB, atomic
from portal.mpesa.simulator.records import Push
from portal.mpesa.simulator.world import SANDBOX_PASSKEY, SANDBOX_SHORTCODE
from portal.patience import patiently
from portal.vault import Vault
from routeros.simulator.proxy import HotspotNetwork
from routeros.simulator.router import SimulatedRouter
from routeros.simulator.servlet import stock_pages
from tests import factories
from tests.flows.programs import until
from tests.flows.world import LOGIN_PAGE
from tests.kill.house import House

_PAYERS = itertools.count(712_000_001)
#: Tables whose rows carry moments something becomes due at; pushing them back is the same as letting time pass.
_CLOCKED = ("payments", "callbacks", "checkouts", "vouchers", "access_grants", "routers", "mpesa_accounts")


@dataclass
class Shop:
    """One merchant's shop and the phone of a customer in it."""

    house: House
    board: SimulatedRouter
    browser: httpx.AsyncClient
    merchant_id: int
    package_id: int
    msisdn: str

    async def order(self) -> str:
        """From the captive page to the waiting page; returns its address. Taps again when the server does not answer."""
        met = await self.load("http://news.example/")
        sent_to = re.search(r'url=([^"]+)"', met.text)
        assert sent_to, met.text
        return await self.choose(await self.load(sent_to.group(1)))

    async def choose(self, packages: httpx.Response) -> str:
        """Buy from a list of packages; returns the address of the waiting page."""
        link = re.search(rf'href="([^"]*/buy/{self.package_id}[^"]*)"', packages.text)
        assert link, packages.text
        form = await self.load(str(packages.url.join(link.group(1).replace("&amp;", "&"))))
        fields = dict(re.findall(r'name="(\w+)" type="hidden" value="([^"]*)"', form.text)) | {"phone": self.msisdn}
        posted = await self._tap(lambda: self.browser.post(form.url, data=fields))
        assert posted.status_code == 303, posted.text
        return str(form.url.join(posted.headers["location"]))

    async def load(self, url: str) -> httpx.Response:
        """A page, asked for again while the server does not answer."""
        return await self._tap(lambda: self.browser.get(url, follow_redirects=True))

    async def _tap(self, ask: Callable[[], Awaitable[httpx.Response]]) -> httpx.Response:
        async with asyncio.timeout(20):
            while True:
                try:
                    answer = await ask()
                except httpx.TransportError:
                    answer = None
                if answer is not None and answer.status_code < 500:
                    return answer
                await asyncio.sleep(0.1)

    async def approve(self) -> None:
        """Wait for the prompt and type the PIN."""
        await self.house.daraja.wait_prompt(self.msisdn, timeout=20)
        await self.house.daraja.approve(self.msisdn)

    async def is_online(self) -> bool:
        """Whether the phone reaches the internet."""
        answer = await self.browser.get("http://news.example/")
        return answer.status_code == 200 and "You are on the internet" in answer.text

    async def wait_online(self, *, within: float = 25) -> None:
        """Until the phone reaches the internet."""
        await until(self.is_online, "the phone is online", within=within)

    @property
    def pushes(self) -> list[Push]:
        """Every push M-Pesa accepted for the customer."""
        return [push for push in self.house.daraja.world.pushes.values() if push.msisdn == self.msisdn]

    @property
    def users(self) -> list[str]:
        """The hotspot users of ours on the router."""
        return [row.values["name"] for row in self.board.hotspot.users if row.values["name"].startswith("vocha-")]

    async def let_pass(self, seconds: float) -> None:
        """Time passes for the shop: all its rows are that much older, and so are the router and M-Pesa."""
        async with atomic() as tx:
            for table in _CLOCKED:
                columns = await tx.fetch(
                    "SELECT column_name AS name FROM information_schema.columns WHERE table_name = $1 AND data_type LIKE 'timestamp%'",
                    table,
                )
                sets = ", ".join(f"{row['name']} = {row['name']} - make_interval(secs => $2)" for row in columns)
                await tx.execute(f"UPDATE {table} SET {sets} WHERE merchant_id = $1", self.merchant_id, seconds)
        self.board.clock.advance(seconds)
        self.board.tick()
        self.house.daraja.world.advance(seconds)

    async def count(self, table: str, which: str = "true") -> int:
        """How many rows of the shop's."""
        rows = await self.rows(f"SELECT count(*) FROM {table} WHERE merchant_id = $1 AND {which}")
        return rows[0]["count"]

    async def rows(self, sql: str) -> list[Record]:
        """Ask about the shop ($1), if need be until the database is back."""
        return await patiently(lambda: DB.fetch(sql, self.merchant_id), within_s=15)

    async def assert_sold_once(self, *, charged: int = 1) -> None:
        """One phone online by one user, one voucher, one grant, one sale; books balanced; charged once."""
        await self._until_quiet(within_s=25)
        sessions = [session.user for session in self.board.hotspot.active.values()]
        assert await self.is_online()
        assert len(self.users) == 1
        assert sessions == self.users
        assert await self.count("vouchers", "status = 'in_use'") == 1
        assert await self.count("vouchers") == 1
        assert await self.count("access_grants", "status = 'present'") == 1
        assert await self.count("access_grants") == 1
        assert await self.count("payments", "status = 'paid'") == 1
        await self.assert_books(sales=1)
        taken = [row.amount_cents for row in self.house.daraja.world.ledger if row.msisdn == self.msisdn]
        assert taken == [1000] * charged

    async def assert_books(self, *, sales: int) -> None:
        """The ledger sums to zero and holds so many sales and nothing else."""
        kinds = await self.rows("SELECT kind FROM ledger_postings WHERE merchant_id = $1")
        assert [row["kind"] for row in kinds] == ["sale"] * sales
        entries = await self.rows(
            "SELECT account, amount_cents FROM ledger_entries WHERE merchant_id = $1 ORDER BY account"
        )
        assert sum(row["amount_cents"] for row in entries) == 0
        assert [tuple(row) for row in entries] == [
            ("commission", -200),
            ("merchant_payable", -800),
            ("own_clearing", 1000),
        ] * sales

    async def _until_quiet(self, *, within_s: float) -> None:
        """Wait until everything is handled, also what the queue hands out again after its worker died."""
        ends = time.monotonic() + within_s
        # Six seconds pass for the queue: it takes whoever was silent since for dead.
        await self.rows("UPDATE pgqueuer SET heartbeat = heartbeat - interval '6 seconds' WHERE $1::bigint > 0")
        while left := await self._left_to_do():
            assert time.monotonic() < ends, f"after {within_s:.0f} s there is still to do: {left}"
            await asyncio.sleep(0.05)

    async def _left_to_do(self) -> list[str]:
        rows = await self.rows(
            """SELECT concat_ws(' ', entrypoint, convert_from(payload, 'UTF8'), status, now() - heartbeat) AS what
               FROM pgqueuer WHERE entrypoint <> 'run-job'
               UNION ALL SELECT concat_ws(' ', 'callback', id, last_error) FROM callbacks
               WHERE merchant_id = $1 AND handled_at IS NULL
               UNION ALL SELECT concat_ws(' ', 'grant', id, status, last_error) FROM access_grants
               WHERE merchant_id = $1 AND next_try_at IS NOT NULL"""
        )
        return [row["what"] for row in rows]


@asynccontextmanager
async def shop_open(house: House, vault: Vault) -> AsyncGenerator[Shop]:
    """A new merchant with an M-Pesa account, a router on the air and a phone in its Wi-Fi."""
    async with SimulatedRouter(api_user="vocha", api_password="secret", login_by="cookie,http-pap") as board:
        merchant = await factories.merchant()
        app = house.daraja.world.add_app(f"key-{merchant}", f"secret-{merchant}")  # a shared one would share its token
        await factories.mpesa_account(
            vault, merchant_id=merchant, shortcode=SANDBOX_SHORTCODE, key=app.consumer_key, secret=app.consumer_secret,
            passkey=SANDBOX_PASSKEY,
        )  # fmt: skip
        router = await factories.router(vault, merchant, api_port=board.api_port)
        package = await factories.package(merchant)
        page = LOGIN_PAGE.format(portal=house.portal, site=router.site)
        board.hotspot.tables["/ip/hotspot/walled-garden"].add({"dst-host": "127.0.0.1", "action": "allow"})
        async with HotspotNetwork(board.hotspot, html=stock_pages() | {"login.html": page}) as network:
            phone = await network.attach()
            async with httpx.AsyncClient(proxy=phone.proxy_url, trust_env=False, timeout=10) as browser:
                try:
                    yield Shop(house, board, browser, merchant, package, f"254{next(_PAYERS)}")
                finally:
                    await patiently(
                        lambda: DB.fetch("UPDATE routers SET status = 'paused' WHERE id = $1", router.id), within_s=15
                    )
