"""What a router and we know each other by: made with a script, taken over when it is used, void when the board is replaced."""

import pytest

from portal.clock import Clock
from portal.config import Settings
from portal.db import DB
from portal.errors import Invalid, NotFound
from portal.routers import changes, forms, pull_keys, scripts, setup
from portal.routers.forms import Connection
from portal.vault import Vault
from routeros.simulator.scripting.fetching import FetchRequest
from tests.portal.pulls.site import VERSIONS, Site, board_of, site_open


async def test_a_script_nobody_pastes_harms_nobody(site: Site) -> None:
    await site.run()
    await site.script()
    guest = await site.guest()
    await site.run()
    assert site.is_online(guest)


async def test_a_new_script_makes_the_old_keys_void_once_it_is_used(site: Site) -> None:
    await site.run()
    old = site.line.requests[-1].body
    site.paste(await site.script())
    await site.run()
    assert (await site.line.carry(FetchRequest(f"{site.portal}/pull", "POST", (), old))).status == 404
    guest = await site.guest()
    await site.run()
    assert site.is_online(guest)
    assert len({report.secret for report in site.reports()}) == 2


async def test_a_script_is_shown_once_and_each_holds_another_secret(site: Site) -> None:
    one, other = await site.script(), await site.script()
    assert one != other
    assert await DB.value("SELECT count(*) FROM router_scripts WHERE used_at IS NULL") == 0


async def test_a_replaced_board_is_shut_out_at_once_and_the_new_one_holds_everything(site: Site) -> None:
    await site.run()
    guest = await site.guest()
    await site.run()
    await changes.replace(site.owner, site.router_id, now=site.clock.now())
    await site.run()
    assert site.line.replies[-1].status == 404
    assert await site.status() == "new"
    new = board_of(site.version, serial="HEX0SIM0002")
    new.scripts.fetcher = site.line
    new.hotspot.see_host(guest.mac, guest.ip)
    site.board = new
    site.paste(await site.script())
    await site.run()
    assert await site.status() == "online"
    assert len(site.users()) == 1
    assert await DB.value("SELECT serial FROM routers") == "HEX0SIM0002"
    assert await site.voucher(guest) == "in_use"


async def test_another_board_with_the_same_script_is_recognised(site: Site) -> None:
    await site.run()
    script = await site.script()
    site.paste(script)
    await site.run()
    guest = await site.guest()
    await site.run()
    new = board_of(site.version, serial="HEX0SIM0003")
    new.scripts.fetcher = site.line
    new.hotspot.see_host(guest.mac, guest.ip)
    site.board = new
    site.paste(script)
    await site.run()
    assert await DB.value("SELECT count(*) FROM events WHERE name = 'board_replaced'") == 1
    assert len(site.users()) == 1


async def test_a_router_reached_another_way_from_now_on_is_not_listened_to(site: Site) -> None:
    await site.run()
    direct = Connection(way="direct", host="127.0.0.1", user="vocha", password="secret")
    await setup.reconnect(site.owner, site.router_id, direct, vault=site.vault, tunnel=None, now=site.clock.now())
    await site.run()
    assert site.line.replies[-1].status == 404
    assert await DB.value("SELECT pull_secret_hash FROM routers") is None


async def test_a_removed_router_is_not_listened_to(site: Site) -> None:
    await site.run()
    await changes.remove(site.owner, site.router_id, despite_people=True, now=site.clock.now())
    await site.run()
    assert site.line.replies[-1].status == 404


async def test_a_router_without_a_script_is_nobody(site: Site, vault: Vault) -> None:
    name = await DB.value("SELECT site FROM routers")
    await DB.fetch("DELETE FROM router_pulls")
    for said in ("", "x" * 43):
        with pytest.raises(NotFound):
            await pull_keys.caller(name, said, vault=vault)


@pytest.mark.parametrize("version", VERSIONS)
async def test_over_https_the_router_brings_our_authority_along(
    db: str, settings: Settings, vault: Vault, clock: Clock, version: str
) -> None:
    async with site_open(settings, vault, clock, version=version, base_url="https://wifi.example.co.ke") as site:
        await site.run()
        assert await site.status() == "online"
        assert all(request.verifies and request.is_secure for request in site.line.requests)
        assert [row["trusted"] for row in site.board.dispatcher.menus["/certificate"].shown()] == ["true"]


async def test_the_interval_is_the_merchants_choice(site: Site) -> None:
    site.paste(await site.script(interval_s=60))
    await site.run(times=8)
    assert await DB.value("SELECT pull_interval_s FROM routers") == 60
    runs = [report.ask for report in site.reports() if not report.acks and not report.states]
    assert len(runs) == 2


@pytest.mark.parametrize(("family", "agent"), [("7", "json"), ("7.9", "plain"), ("6.49", "plain")])
def test_the_agent_speaks_what_the_version_understands(family: str, agent: str) -> None:
    form = {"family": family, "interface": "bridge", "hotspot": "existing", "interval": "30"}
    options = forms.read_options(form, way="pull")
    assert (options.agent, options.interval_s) == (agent, 30)
    assert options.family in ("7", "6.49")


@pytest.mark.parametrize(("field", "value"), [("interval", "1"), ("interval", "15s"), ("family", "8")])
def test_an_odd_choice_is_refused(field: str, value: str) -> None:
    form = {"family": "7", "interface": "bridge", "hotspot": "existing", "interval": "15"}
    with pytest.raises(Invalid) as wrong:
        forms.read_options(form | {field: value}, way="pull")
    assert set(wrong.value.fields) == {field}


async def test_the_undo_script_takes_the_agent_off(site: Site) -> None:
    await site.run()
    site.paste(await scripts.undo(site.owner, site.router_id, settings=site.doors.settings))
    asked = len(site.line.requests)
    await site.run(times=2)
    assert len(site.line.requests) == asked
