"""What nobody could verify on a real router must not matter: the sale holds with every setting of the simulator.

Bought, online, off when the time is over, nothing of ours left; and a router that loses its power in between.
"""

import dataclasses
from typing import Any

import httpx
import pytest

from portal.clock import Clock
from portal.config import Settings
from portal.db import DB
from portal.vault import Vault
from routeros.simulator.behaviour import Behaviour
from tests.flows.test_sale import MSISDN, captive_page, is_online, pay_for, until
from tests.flows.world import Shop, shop_open

#: Every switch in every setting that is not its default.
SETTINGS: list[dict[str, Any]] = [
    {"user_removal_ends_session": True},
    {"limit_edits_reach_live_sessions": True},
    {"counters_flush_seconds": 60.0},
    {"uptime_limit_cause": "traffic limit reached"},
    {"excess_session": "fatal"},
    {"before_login": "trap"},
    {"is_untagged_ordered": False},
    {"second_login": "keep"},
    {"second_login": "refuse"},
    {"api_login_by": "http-chap"},
    {"ids_change_at_boot": True},
    {"cookies_survive_power_cut": False},
    {"ntp_after_seconds": None},
    {"garden_needs_dns": True},
    {"has_legacy_login": True},
    {"has_https_redirect": True},
    {"radius_order": "radius-first"},
    {"radius_incoming_port": 3799},
]


def _name(setting: dict[str, Any]) -> str:
    return ",".join(f"{name}={value}" for name, value in setting.items()) or "usual"


def test_every_switch_is_tried() -> None:
    tried = {name for setting in SETTINGS for name in setting}
    assert tried == {field.name for field in dataclasses.fields(Behaviour)}
    for setting in SETTINGS:
        assert Behaviour(**setting) != Behaviour(), f"{setting} is the default"


@pytest.mark.parametrize("setting", SETTINGS, ids=_name)
async def test_the_sale_holds_whatever_a_router_does(
    db: str, settings: Settings, vault: Vault, clock: Clock, setting: dict[str, Any]
) -> None:
    async with shop_open(settings, vault, clock, behaviour=Behaviour(**setting)) as shop:
        await _sell_and_end(shop)


@pytest.mark.parametrize("version", ["6.49", "7.9", "7.18", "7.20.2", "7.24"])
async def test_the_sale_holds_on_every_version(
    db: str, settings: Settings, vault: Vault, clock: Clock, version: str
) -> None:
    async with shop_open(settings, vault, clock, version=version) as shop:
        await _sell_and_end(shop)


@pytest.mark.parametrize(
    "setting",
    [{}, {"ids_change_at_boot": True}, {"cookies_survive_power_cut": False}, {"ntp_after_seconds": None}],
    ids=_name,
)
async def test_a_power_cut_in_the_sold_hour_is_survived_whatever_a_boot_does(
    db: str, settings: Settings, vault: Vault, clock: Clock, setting: dict[str, Any]
) -> None:
    async with shop_open(settings, vault, clock, behaviour=Behaviour(**setting)) as shop:
        async with shop.browser() as browser:
            await _buy(browser, shop)
            shop.shift(minutes=20)
            shop.board.power_cut()
            assert not shop.board.hotspot.active
            if not await is_online(browser):  # it is at once where the router still knows the phone's cookie
                await captive_page(browser)
            await until(lambda: is_online(browser), within=15)
        await _let_the_time_run_out(shop, minutes=39)


async def _sell_and_end(shop: Shop) -> None:
    async with shop.browser() as browser:
        await _buy(browser, shop)
    await _let_the_time_run_out(shop, minutes=59)


async def _buy(browser: httpx.AsyncClient, shop: Shop) -> None:
    _let_the_router_resolve(shop)
    assert not await is_online(browser)
    waiting = await pay_for(browser, shop)
    await shop.daraja.wait_prompt(MSISDN)
    await shop.daraja.approve(MSISDN)
    await until(lambda: is_online(browser))

    async def is_told() -> bool:
        return "You are connected" in (await browser.get(waiting)).text

    await until(is_told)


async def _let_the_time_run_out(shop: Shop, *, minutes: int) -> None:
    async with shop.browser() as browser:
        shop.shift(minutes=minutes)
        assert await is_online(browser)
        shop.shift(minutes=2)

        async def is_captive() -> bool:
            return not await is_online(browser)

        await until(is_captive)
        await until(lambda: _is_clean(shop))
    assert await DB.value("SELECT count(*) FROM vouchers") == 1
    assert await DB.value("SELECT coalesce(sum(amount_cents), -1) FROM ledger_entries") == 0


def _let_the_router_resolve(shop: Shop) -> None:
    """A phone asks the router for the portal's name before it opens its page."""
    shop.board.hotspot.garden.dns_seen.add(httpx.URL(shop.portal).host)


async def _is_clean(shop: Shop) -> bool:
    ours = [row for row in shop.board.hotspot.users if row.get("name").startswith("vocha-")]
    gone = await DB.value("SELECT bool_and(status = 'gone') FROM access_grants")
    return bool(gone) and not ours and not shop.board.hotspot.active and not shop.board.hotspot.cookies.cookies
