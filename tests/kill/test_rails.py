"""Promise 1 by Airtel Money and by card: every shilling paid gets a device online, exactly once, whatever dies in between."""

import itertools
import re
from dataclasses import dataclass

import pytest

from portal.airtel.simulator.server import CLIENT_ID, CLIENT_SECRET, SIGNING_KEY
from portal.clock import Clock
from portal.db import DB, atomic
from portal.paystack.simulator.server import SECRET_KEY
from portal.rails import accounts
from portal.vault import Vault
from tests.flows.programs import until
from tests.kill.house import House
from tests.kill.shop import Shop
from tests.kill.test_kill import one_death, statuses

_NUMBERS = itertools.count(733_000_001)


@dataclass
class RailShop:
    """A shop that also takes money by one other rail, and its customer's hands."""

    shop: Shop
    house: House
    way: str
    number: str

    async def order(self, packages: str = "http://news.example/") -> str:
        """From the captive page to the waiting page, by this way; returns its address."""
        met = await self.shop.load(packages)
        sent_to = re.search(r'url=([^"]+)"', met.text)
        listed = await self.shop.load(sent_to.group(1)) if sent_to else met
        link = re.search(rf'href="([^"]*/buy/{self.shop.package_id})([^"]*)"', listed.text)
        assert link, listed.text
        where = f"{link.group(1)}/by/{self.way}{link.group(2)}".replace("&amp;", "&")
        form = await self.shop.load(str(listed.url.join(where)))
        fields = dict(re.findall(r'name="(\w+)" type="hidden" value="([^"]*)"', form.text)) | {"phone": self.number}
        posted = await self.shop.browser.post(form.url, data=fields)
        assert posted.status_code == 303, posted.text
        return str(form.url.join(posted.headers["location"]))

    async def pay(self) -> None:
        """Wait to be asked, and pay."""
        if self.way == "airtel":

            async def is_asked() -> bool:
                return self.house.airtel.wallet(self.number).prompt is not None

            await until(is_asked, "the phone is asked", within=20)
            self.house.airtel.approve(self.number)
        else:
            await until(lambda: self.shop.count("payments", "pay_url IS NOT NULL"), "there is a page", within=20)
            rows = await self.shop.rows(
                "SELECT account_reference FROM payments WHERE merchant_id = $1 AND pay_url IS NOT NULL"
            )
            self.house.paystack.pay(rows[-1]["account_reference"])

    async def really_paid(self) -> int:
        """How many payments of this shop the provider's own ledger knows."""
        rows = await self.shop.rows("SELECT account_reference FROM payments WHERE merchant_id = $1")
        ledger = self.house.airtel.ledger.paid if self.way == "airtel" else self.house.paystack.ledger.paid
        return sum(row["account_reference"] in ledger for row in rows)

    async def assert_sold_once(self) -> None:
        await self.shop.assert_sold_once(charged=0)
        assert await self.really_paid() == 1


async def opened(house: House, shop: Shop, vault: Vault, way: str) -> RailShop:
    """The merchant has keys of its own there, and the provider knows where to tell."""
    sandbox = {"airtel": (CLIENT_ID, CLIENT_SECRET, SIGNING_KEY), "paystack": ("", SECRET_KEY, "")}
    key_name, secret, signing_key = sandbox[way]
    async with atomic() as tx:
        account = await accounts.put(
            tx, way, merchant_id=shop.merchant_id, environment="sandbox", key_name=key_name, secret=secret,
            signing_key=signing_key, vault=vault, now=Clock().now(), by="test",
        )  # fmt: skip
    token = await DB.value("SELECT token FROM callback_addresses WHERE rail_account_id = $1", account)
    house.airtel.callback_url = f"{house.portal}/cb/{token}/airtel"
    house.paystack.webhook_url = f"{house.portal}/cb/{token}/paystack"
    return RailShop(shop, house, way, f"0{next(_NUMBERS)}")


@pytest.mark.parametrize(
    ("way", "point", "victim"),
    [
        ("airtel", "rail.answered", "worker"),
        ("airtel", "callback.arrived", "web"),
        ("airtel", "settle.inside", "worker"),
        ("paystack", "callback.arrived", "web"),
        ("paystack", "callback.stored", "web"),
        ("paystack", "settle.committed", "worker"),
    ],
)
async def test_a_sale_survives_the_death_of(
    house: House, shop: Shop, vault: Vault, way: str, point: str, victim: str
) -> None:
    """A callback that died with the web server is made up for by asking; a lost answer to a push by its callback."""
    customer = await opened(house, shop, vault, way)
    async with one_death(house, point, of=victim) as it_happened:
        await customer.order()
        await customer.pay()
        if point == "callback.arrived":
            await it_happened()
            await shop.let_pass(20)  # until the first question
        await shop.wait_online()
        await customer.assert_sold_once()
    assert await statuses(shop) == ["paid"]


@pytest.mark.parametrize(("way", "point"), [("airtel", "rail.claimed"), ("paystack", "rail.answered")])
async def test_a_request_that_was_cut_off_is_never_sent_twice_and_the_customer_starts_again(
    house: House, shop: Shop, vault: Vault, way: str, point: str
) -> None:
    """Airtel was never asked; Paystack's page was told to nobody. Neither can be paid, and a second attempt works."""
    customer = await opened(house, shop, vault, way)
    async with one_death(house, point, of="worker") as it_happened:
        await customer.order()
        await it_happened()
        await shop.let_pass(130)
    await until(lambda: shop.count("payments", "status = 'unknown'"), "the payment is unknown", within=25)
    assert await customer.really_paid() == 0
    await customer.order()
    await customer.pay()
    await shop.wait_online()
    await customer.assert_sold_once()
    assert await statuses(shop) == ["unknown", "paid"]
