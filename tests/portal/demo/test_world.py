"""The demo world plays: the customer's phone buys through the gateway, switches do what they say, routers hold no drift."""

import asyncio
import html
import re
from collections.abc import Awaitable, Callable
from datetime import timedelta
from urllib.parse import urljoin

import httpx
import pytest

from portal.demo.run import facts
from portal.demo.world import DemoWorld
from routeros.client import HotspotRouter
from routeros.values import RouterAddress

MSISDN = "254712345678"


async def until(holds: Callable[[], Awaitable[object]], *, within: float = 10.0) -> None:
    async with asyncio.timeout(within):
        while not await holds():  # noqa: ASYNC110  (what is waited for lives in a database and on routers)
            await asyncio.sleep(0.05)


async def opened(frame: httpx.AsyncClient, path: str) -> httpx.Response:
    """A page as a browser comes to it: redirects and refreshes followed."""
    page = await frame.get(path)
    for _ in range(5):
        found = re.search(r'<meta http-equiv="refresh" content="[0-9]+; ?url=([^"]*)"', page.text)
        if not found:
            return page
        page = await frame.get(urljoin(str(page.url), html.unescape(found[1])))
    raise AssertionError("the page refreshes for ever")


def links(page: httpx.Response) -> list[str]:
    return [html.unescape(link) for link in re.findall(r'(?:href|action|src)="([^"]*)"', page.text)]


async def pay(frame: httpx.AsyncClient, number: int, *, local: str, package: str = "1 hour") -> str:
    """From joining the Wi-Fi to the waiting page; its address."""
    page = await opened(frame, f"/phone/{number}")
    assert "Choose a package" in page.text
    assert all(link.startswith((f"/phone/{number}/", "tel:")) for link in links(page))
    row = re.search(rf'<a[^>]*href="([^"]*/buy/[^"]*)"[^>]*>(?:(?!</a>).)*?{package}', page.text, re.DOTALL)
    assert row, page.text
    form = await frame.get(html.unescape(row[1]))
    action = re.search(r'<form method="post" action="([^"]*)"', form.text)
    assert action
    hidden = dict(re.findall(r'name="(\w+)" type="hidden" value="([^"]*)"', form.text))
    waiting = await frame.post(html.unescape(action[1]), data={**hidden, "phone": local})
    assert waiting.status_code == 200, waiting.text
    return str(waiting.url)


async def test_the_phone_in_the_frame_buys_surfs_and_is_captive_again_an_hour_later(
    world: DemoWorld, frame: httpx.AsyncClient
) -> None:
    waiting = await pay(frame, 1, local="0712 345 678")
    await world.daraja.approve(MSISDN)

    async def is_connected() -> bool:
        return "You are connected" in (await frame.get(waiting)).text

    await until(is_connected)
    page = await frame.get("/phone/1/http/news.example/today?x=1")
    assert "You are on the internet" in page.text
    assert all(link.startswith("/phone/1/http/") for link in links(page))
    state = (await frame.post("/control/clock")).json()
    assert state["ahead_hours"] == 1

    async def is_captive() -> bool:
        return "Choose a package" in (await opened(frame, "/phone/1")).text

    await until(is_captive)


async def test_a_lost_callback_is_made_up_for_and_only_one_is_lost(world: DemoWorld, frame: httpx.AsyncClient) -> None:
    assert (await frame.post("/control/callback-lost")).json()["callback_lost"] is True
    waiting = await pay(frame, 2, local="0722000111", package="3 hours")
    push = await world.daraja.approve("254722000111")
    await world.daraja.wait_delivered(push)
    assert push.deliveries[0].status is None
    assert (await frame.get("/control")).json()["callback_lost"] is False
    world.shift(seconds=20)

    async def is_connected() -> bool:
        return "You are connected" in (await frame.get(waiting)).text

    await until(is_connected)


async def test_a_new_mac_is_a_stranger_and_another_router_another_network(
    world: DemoWorld, frame: httpx.AsyncClient
) -> None:
    before = (await frame.get("/control")).json()["phones"][2]
    after = (await frame.post("/control/reconnect", json={"phone": 3})).json()["phones"][2]
    assert after["mac"] != before["mac"]
    moved = (await frame.post("/control/phone", json={"phone": 3, "router": "Rooftop"})).json()["phones"][2]
    assert (moved["router"], moved["ip"].rpartition(".")[0]) == ("Rooftop", "10.5.60")
    page = await opened(frame, "/phone/3")
    assert "Choose a package" in page.text
    assert world.routers[1].site in str(page.url)


async def test_a_router_that_is_off_sells_nothing_until_it_is_back(world: DemoWorld, frame: httpx.AsyncClient) -> None:
    page = f"/phone/1/{world.routers[1].captive_url().replace('://', '/', 1)}"

    async def is_closed() -> bool:
        return "Payments are paused" in (await frame.get(page)).text

    async def is_open() -> bool:
        return "Choose a package" in (await frame.get(page)).text

    assert await is_open()
    state = (await frame.post("/control/router-off", json={"router": "Rooftop"})).json()
    assert [router["is_on"] for router in state["routers"]] == [True, False, False]
    await until(is_closed)
    await frame.post("/control/router-on", json={"router": 1})
    await until(is_open)


async def test_a_busy_mpesa_is_asked_again_and_the_sale_goes_on(world: DemoWorld, frame: httpx.AsyncClient) -> None:
    await frame.post("/control/phone", json={"phone": 3, "router": 0})
    assert (await frame.post("/control/mpesa-busy")).json()["mpesa_busy"] is True
    waiting = await pay(frame, 3, local="0110222333", package="1 day")
    await asyncio.sleep(0.5)
    assert world.daraja.world.phone("254110222333").prompt is None
    assert (await frame.post("/control/mpesa-ok")).json()["mpesa_busy"] is False
    world.shift(seconds=35)
    await world.daraja.approve("254110222333")

    async def is_connected() -> bool:
        return "You are connected" in (await frame.get(waiting)).text

    await until(is_connected)


async def test_our_router_user_may_not_make_users_of_the_router(world: DemoWorld) -> None:
    router = world.routers[0]
    client = HotspotRouter(RouterAddress(router.board.api_host, router.board.api_port, router.user, router.password))
    try:
        assert (await client.resource()).board_name == "hAP ax2"
        assert all(user.password is None for user in await client.users()), "passwords are not for this group to see"
    finally:
        await client.close()
    group = router.board.tables["/user/group"].named("vocha")[0].get("policy").split(",")
    assert {word for word in group if not word.startswith("!")} == {"api", "read", "write"}


async def test_the_captive_address_works_in_any_browser_and_its_phone_is_on_the_router(world: DemoWorld) -> None:
    told = facts(world)
    assert {"portal", "demo_page", "dashboard", "merchant_email", "merchant_password", "operator_email",
            "operator_password", "mpesa", "rails", "routers"} == set(told)  # fmt: skip
    async with httpx.AsyncClient(trust_env=False) as browser:
        page = await browser.get(world.routers[0].captive_url())
    assert "Choose a package" in page.text
    phone = world.routers[0].network.phone(1)
    assert world.routers[0].board.hotspot.host(phone.ip) is not None
    assert phone.proxy_url == world.routers[0].network.proxy_url


async def test_a_sign_in_link_opens_the_dashboard_once(world: DemoWorld, frame: httpx.AsyncClient) -> None:
    link = (await frame.get("/dashboard", follow_redirects=False)).headers["location"]
    async with httpx.AsyncClient(trust_env=False, follow_redirects=True) as browser:
        page = await browser.get(link)
        assert "Kilimani Corner" in page.text
        assert "Amina W." in page.text
    async with httpx.AsyncClient(trust_env=False, follow_redirects=True) as other:
        page = await other.get(link)
        assert page.url.path == "/sign-in"


async def test_an_old_sign_in_link_opens_nothing(world: DemoWorld, frame: httpx.AsyncClient) -> None:
    link = (await frame.get("/dashboard", follow_redirects=False)).headers["location"]
    world.shift(minutes=2)
    async with httpx.AsyncClient(trust_env=False, follow_redirects=True) as browser:
        assert (await browser.get(link)).url.path == "/sign-in"


async def test_the_page_loads_nothing_from_elsewhere_and_may_frame_its_three_screens(
    world: DemoWorld, frame: httpx.AsyncClient
) -> None:
    page = await frame.get("/")
    own = (world.portal_url, world.daraja.url, world.rails.url)
    assert all(link.startswith(("/", *own)) for link in links(page))
    assert all(url in page.headers["content-security-policy"] for url in own)
    captive = await frame.get(f"/phone/2/{world.routers[0].captive_url().replace('://', '/', 1)}")
    assert "Choose a package" in captive.text
    assert "frame-ancestors" not in captive.headers["content-security-policy"]
    assert "default-src 'none'" in captive.headers["content-security-policy"]
    async with httpx.AsyncClient(trust_env=False) as outside:
        straight = await outside.get(world.routers[0].captive_url())
        assert f"frame-ancestors {world.page_url}" in straight.headers["content-security-policy"]


@pytest.mark.parametrize("headers", [{"sec-fetch-site": "cross-site"}, {"sec-fetch-site": "same-site"}])
async def test_another_sites_page_cannot_turn_the_switches(
    world: DemoWorld, frame: httpx.AsyncClient, headers: dict[str, str]
) -> None:
    offset = world.clock.offset
    assert (await frame.post("/control/clock", headers=headers)).status_code == 403
    assert world.clock.offset == offset


async def test_the_page_under_another_name_leads_to_its_own(world: DemoWorld) -> None:
    async with httpx.AsyncClient(trust_env=False) as browser:
        met = await browser.get(f"{world.page_url}/control", headers={"host": "evil.example"})
    assert (met.status_code, met.headers["location"]) == (303, f"{world.page_url}/")


@pytest.mark.parametrize(
    ("name", "asked", "status"),
    [
        ("no-such", {}, 404),
        ("clock", {"hours": -1}, 422),
        ("clock", {"hours": "many"}, 422),
        ("router-off", {"router": 9}, 404),
        ("reconnect", {"phone": 0}, 404),
        ("reconnect", {"phone": "x"}, 422),
    ],
)
async def test_a_senseless_order_is_refused_in_words(
    frame: httpx.AsyncClient, name: str, asked: dict[str, object], status: int
) -> None:
    met = await frame.post(f"/control/{name}", json=asked)
    assert met.status_code == status
    assert met.json()["error"]


async def test_a_page_that_is_not_there_is_shown_as_a_browser_shows_it(frame: httpx.AsyncClient) -> None:
    met = await frame.get("/phone/1/https/bank.example/")
    assert met.status_code == 502
    assert "This page cannot be reached" in met.text


async def test_a_phone_is_not_given_the_cookies_of_the_browser_that_shows_it(
    world: DemoWorld, frame: httpx.AsyncClient
) -> None:
    seen: list[str] = []
    server = await asyncio.start_server(lambda reader, writer: _echo(reader, writer, seen), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    table = world.routers[0].board.hotspot.tables["/ip/hotspot/walled-garden/ip"]
    table.add({"dst-address": "127.0.0.1", "dst-port": str(port), "action": "accept"})
    async with server:
        met = await frame.get(f"/phone/1/http/127.0.0.1:{port}/", headers={"cookie": "vocha_session=secret"})
    assert met.text == "ok"
    assert "set-cookie" not in met.headers
    assert "cookie" not in seen[0].lower()


async def _echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, seen: list[str]) -> None:
    seen.append((await reader.readuntil(b"\r\n\r\n")).decode())
    writer.write(b"HTTP/1.1 200 OK\r\nSet-Cookie: a=b\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")
    await writer.drain()
    writer.close()


async def test_an_hour_passes_for_everybody(world: DemoWorld) -> None:
    before = world.clock.now()
    world.shift(hours=1)
    clocks = [world.clock, world.daraja.world.clock, *(router.board.clock for router in world.routers)]
    assert all(timedelta(hours=1) <= each.now() - before < timedelta(hours=1, seconds=5) for each in clocks)


async def test_time_does_not_go_back(world: DemoWorld) -> None:
    with pytest.raises(ValueError, match="back"):
        world.shift(hours=-1)


async def broken(frame: httpx.AsyncClient, deed: str, *, router: int = 1) -> dict[str, object]:
    state = (await frame.post(f"/control/{deed}", json={"router": router})).json()
    return {**state["routers"][router], "told": state["told"]}


async def test_a_power_cut_empties_a_router_and_sets_its_clock_back(world: DemoWorld, frame: httpx.AsyncClient) -> None:
    board = world.routers[1].board
    told = await broken(frame, "power-cut")
    assert "Rooftop lost its power" in str(told["told"])
    assert board.now().year == 1970
    assert board.log.lines[0].message == "router was rebooted without proper shutdown"


async def test_a_lost_link_and_a_slow_router_are_mended(world: DemoWorld, frame: httpx.AsyncClient) -> None:
    lost = await broken(frame, "link-lost")
    assert (lost["is_on"], world.folder.memory.off is not None and "Rooftop" in world.folder.memory.off) == (
        False,
        True,
    )
    mended = await broken(frame, "mend")
    assert (mended["is_on"], mended["is_slow"]) == (True, False)
    assert (await broken(frame, "slow"))["is_slow"] is True
    assert world.routers[1].board.latency.write > 0
    await broken(frame, "mend")
    assert world.routers[1].board.latency.write == 0


async def test_a_reset_router_is_set_up_again_and_filled(world: DemoWorld, frame: httpx.AsyncClient) -> None:
    router = world.routers[1]
    had = {row.get("name") for row in router.board.hotspot.users if row.get("name").startswith("vocha-")}
    assert had
    reset = await broken(frame, "reset")
    assert reset["is_set_up"] is False
    assert not router.board.tables["/user"].named(router.user)
    again = await broken(frame, "set-up")
    assert again["is_set_up"] is True

    async def is_filled() -> bool:
        # Sign-ins that failed meanwhile make the next one wait; an hour is not long here.
        world.shift(minutes=1)
        return bool(had & set(router.board.hotspot.users.names()))

    await until(is_filled, within=20)


async def test_the_buttons_work_without_javascript(world: DemoWorld, frame: httpx.AsyncClient) -> None:
    page = (await frame.get("/")).text
    forms = re.findall(r'formaction="(/control/[a-z-]+)"', page)
    assert {"/control/power-cut", "/control/link-lost", "/control/slow", "/control/reset", "/control/set-up"} <= set(
        forms
    )
    assert "onclick" not in page
    told = await frame.post("/control/slow", data={"router": "0"}, headers={"accept": "text/html"})
    assert (told.status_code, told.url.path) == (200, "/")
    assert f"{world.routers[0].name} is slow now" in told.text
    await frame.post("/control/mend", data={"router": "0"}, headers={"accept": "text/html"})


async def test_another_sites_page_breaks_nothing(world: DemoWorld, frame: httpx.AsyncClient) -> None:
    refused = await frame.post("/control/power-cut", data={"router": "0"}, headers={"sec-fetch-site": "cross-site"})
    assert refused.status_code == 403
    assert world.routers[0].board.now().year > 2000
