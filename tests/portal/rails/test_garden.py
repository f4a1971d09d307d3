"""What phones may reach before they paid: a card's page exactly while the shop takes cards, on the router and in the doctor's eyes."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from portal.clock import Clock
from portal.config import Settings
from portal.db import DB
from portal.identity import Actor
from portal.paystack.hosts import HOSTS
from portal.rails import accounts
from portal.routers import checks, scripts
from portal.routers.forms import ScriptOptions
from portal.vault import Vault
from routeros.doctor import Finding, findings_of
from routeros.doctor.facts import MENUS, facts_from
from routeros.doctor.rules import Expected
from routeros.simulator.router import SimulatedRouter
from routeros.simulator.scripting.engine import ScriptEngine
from tests import factories
from tests.portal.payments.stall import actor


class Shop:
    """A merchant with a router on the bench."""

    def __init__(self, owner: Actor, router_id: int, settings: Settings, vault: Vault, clock: Clock) -> None:
        self.owner, self.router_id = owner, router_id
        self.settings, self.vault, self.clock = settings, vault, clock
        self.board = SimulatedRouter(version="7.16", server_name="hotspot1", address="10.5.50.1")

    async def takes_cards(self) -> None:
        await accounts.enter(
            self.owner, "paystack", environment="sandbox", key_name="", secret="sk_test_x", signing_key="",
            vault=self.vault, now=self.clock.now(),
        )  # fmt: skip

    async def set_up(self) -> None:
        """Make a setup script and paste it into the router."""
        options = ScriptOptions(family="7", interface="bridge")
        issued = await scripts.issue(self.owner, self.router_id, options, settings=self.settings, now=self.clock.now())
        text = await scripts.fetch(issued.code, settings=self.settings, vault=self.vault, now=self.clock.now())
        assert ScriptEngine(self.board).paste(text).error is None

    def rows(self, path: str) -> list[dict[str, str]]:
        """A menu of the router's as it prints it."""
        return [dict(row) for row in self.board.dispatcher.menus[path].shown()]

    def open_hosts(self) -> set[str]:
        """Hosts of the card's page that are open, by name or for everything."""
        menus = ("/ip/hotspot/walled-garden", "/ip/hotspot/walled-garden/ip")
        return {row.get("dst-host", "") for path in menus for row in self.rows(path)} & set(HOSTS)

    async def doctor(self) -> Mapping[str, Finding]:
        """What the doctor says about what may be reached."""
        wishes = await checks.wishes_for(self.router_id)
        told: Any = {path: self.rows(path) for path in MENUS if path.startswith("/ip/hotspot/walled-garden")}
        expected = Expected(
            now=self.clock.now(), user="vocha", portal_host="", server="", zone=wishes.zone, sold=0, uses_tls=True,
            in_tunnel=False, open_hosts=wishes.open_hosts, closed_hosts=wishes.closed_hosts,
        )  # fmt: skip
        found = findings_of(facts_from(told, user="vocha"), expected)
        return {each.code: each for each in found if each.code.startswith("garden")}


@pytest.fixture
async def shop(db: str, settings: Settings, vault: Vault, clock: Clock) -> Shop:
    merchant = await factories.merchant()
    router = await factories.router(vault, merchant)
    live = replace(settings, base_url="https://wifi.example.co.ke", router_source="197.248.1.1")
    return Shop(actor(merchant), router.id, live, vault, clock)


async def test_no_host_is_opened_for_a_shop_without_cards(shop: Shop) -> None:
    await factories.mpesa_account(shop.vault)
    await shop.set_up()
    assert shop.rows("/ip/hotspot/walled-garden"), "nothing was opened at all: this test tries nothing"
    assert shop.open_hosts() == set()
    assert await shop.doctor() == {}


async def test_the_cards_page_is_open_once_the_shop_takes_cards(shop: Shop) -> None:
    await shop.takes_cards()
    await shop.set_up()
    assert shop.open_hosts() == set(HOSTS)
    assert await shop.doctor() == {}


async def test_the_doctor_finds_a_host_missing_and_its_lines_open_it(shop: Shop) -> None:
    await shop.set_up()
    await shop.takes_cards()
    finding = (await shop.doctor())["garden_pay_closed"]
    assert finding.params["hosts"] == ", ".join(HOSTS)
    assert ScriptEngine(shop.board).paste(finding.fix).error is None
    assert shop.open_hosts() == set(HOSTS)
    assert await shop.doctor() == {}


async def test_what_nobody_needs_any_more_is_closed_by_the_next_script(shop: Shop) -> None:
    await shop.takes_cards()
    await shop.set_up()
    await accounts.offer(shop.owner, "paystack", now=shop.clock.now(), is_offered=False)
    assert set(await shop.doctor()) == {"garden_left_open"}
    await shop.set_up()
    assert shop.open_hosts() == set()
    assert await shop.doctor() == {}


async def test_the_doctors_lines_close_it_too_and_leave_other_peoples_rows(shop: Shop) -> None:
    await shop.takes_cards()
    await shop.set_up()
    own = "/ip hotspot walled-garden add dst-host=bank.example comment=mine"
    assert ScriptEngine(shop.board).paste(own).error is None
    await accounts.take_out(shop.owner, "paystack", now=shop.clock.now())
    before = len(shop.rows("/ip/hotspot/walled-garden"))
    assert ScriptEngine(shop.board).paste((await shop.doctor())["garden_left_open"].fix).error is None
    assert shop.open_hosts() == set()
    assert len(shop.rows("/ip/hotspot/walled-garden")) == before - len(HOSTS)
    assert await DB.value("SELECT count(*) FROM rail_accounts WHERE ended_at IS NULL") == 0
