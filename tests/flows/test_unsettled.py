"""What nobody could verify on a real router must not matter: the sale holds with every setting of the simulator.

Bought, online, off when the time is over, nothing of ours left; and a router that loses its power in between.
"""

import asyncio
import dataclasses
import socket
from typing import Any, Literal

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
    {"radius_output_is_upload": True},
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
        _make_it_matter(shop, setting)
        await _sell_and_end(shop)


def _make_it_matter(shop: Shop, setting: dict[str, Any]) -> None:
    """Some switches show only under a condition: answers that overtake each other need commands of unlike length, and
    a way of accounting needs accounts."""
    if "is_untagged_ordered" in setting:
        shop.board.faults.latency_of = {"/ip/hotspot/user": 0.05, "/ip/hotspot/active": 0.02}
    if "radius_output_is_upload" in setting:
        _ask_radius(shop)


def _ask_radius(shop: Shop) -> None:
    """Switch RADIUS on for the hotspot; its server never answers."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as nobody:
        nobody.bind(("127.0.0.1", 0))
        port = str(nobody.getsockname()[1])
    server = {"service": "hotspot", "address": "127.0.0.1", "secret": "x", "timeout": "20ms"}
    shop.board.tables["/radius"].add({**server, "authentication-port": port, "accounting-port": port})
    _use_radius(shop, "yes")


def _use_radius(shop: Shop, value: str) -> None:
    assert shop.board.hotspot.profile is not None
    shop.board.tables["/ip/hotspot/profile"].change(shop.board.hotspot.profile, {"use-radius": value})


async def test_the_sale_holds_where_a_silent_radius_is_asked_about_strangers(
    db: str, settings: Settings, vault: Vault, clock: Clock
) -> None:
    async with shop_open(settings, vault, clock, behaviour=Behaviour(radius_order="local-first")) as shop:
        _ask_radius(shop)
        await _sell_and_end(shop)


async def test_where_radius_is_asked_about_everybody_the_paid_hour_waits_until_that_is_off(
    db: str, settings: Settings, vault: Vault, clock: Clock
) -> None:
    async with shop_open(settings, vault, clock, behaviour=Behaviour(radius_order="radius-first")) as shop:
        _ask_radius(shop)
        async with shop.browser() as browser:
            waiting = await pay_for(browser, shop)
            await shop.daraja.wait_prompt(MSISDN)
            await shop.daraja.approve(MSISDN)

            async def is_refused() -> bool:
                return any("RADIUS server is not responding" in line.message for line in shop.board.log.lines)

            await until(is_refused)
            assert not await is_online(browser)
            _use_radius(shop, "no")  # the line our doctor gives

            async def is_let_in() -> bool:
                shop.shift(seconds=5)
                await browser.get(waiting)
                return await is_online(browser)

            await until(is_let_in)


@pytest.mark.parametrize("excess", ["close", "fatal"])
async def test_a_router_whose_api_is_full_is_tried_again(
    db: str, settings: Settings, vault: Vault, clock: Clock, excess: Literal["close", "fatal"]
) -> None:
    async with shop_open(settings, vault, clock, behaviour=Behaviour(excess_session=excess)) as shop:
        services = shop.board.tables["/ip/service"]
        async with shop.browser() as browser:
            waiting = await pay_for(browser, shop)
            await shop.daraja.wait_prompt(MSISDN)
            shop.board.services.api.cut()
            services.change(services.named("api")[0], {"max-sessions": "1"})
            taken = await _take_the_only_session(shop)
            before = shop.board.meter.connections
            await shop.daraja.approve(MSISDN)
            await asyncio.sleep(0.5)
            assert not await is_online(browser)
            assert shop.board.meter.connections == before, "nobody else was let in"
            taken.close()

            async def is_let_in() -> bool:
                shop.shift(seconds=5)
                await browser.get(waiting)
                return await is_online(browser)

            await until(is_let_in)


async def _take_the_only_session(shop: Shop) -> asyncio.StreamWriter:
    """Be the one connection a full router has; our own may have been quicker."""
    while True:
        _, writer = await asyncio.open_connection(shop.board.api_host, shop.board.api_port)
        await asyncio.sleep(0.05)
        ours = writer.get_extra_info("sockname")
        held = [guest.writer.get_extra_info("peername") for guest in shop.board.services.api.connections.values()]
        if ours in held:
            return writer
        writer.close()
        shop.board.services.api.cut()


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
