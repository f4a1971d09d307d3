"""What captive pages never do, said aloud: every test with a phone checks it at its end, and here is shown that it would notice."""

import re
from urllib.parse import urlsplit

from e2e.conftest import ROUTER, Wifi
from e2e.pages import CaptivePhone
from e2e.surroundings import MSISDN, NUMBER
from tests.flows.world import Shop


async def walk(phone: CaptivePhone, shop: Shop) -> None:
    """A whole sale, with a voucher form and another language on the way."""
    await phone.open_any_site()
    await phone.follow("I have a voucher")
    await phone.wait_for_heading("Enter your voucher")
    await phone.follow("Kiswahili")
    await phone.follow("English")
    await phone.follow("All packages")
    await phone.choose("1 hour")
    await phone.pay(NUMBER)
    await shop.daraja.approve(MSISDN)
    await phone.turn_back_to("You are connected")


async def test_captive_pages_keep_nothing_on_the_phone(wifi: Wifi, shop: Shop) -> None:
    phone = await wifi.join()
    await walk(phone, shop)
    assert len(phone.watch.documents("/c/")) >= 5
    assert await phone.context.storage_state() == {"cookies": [], "origins": []}
    assert await phone.watch.complaints() == []


async def test_captive_pages_ask_nobody_but_the_portal_and_the_router(wifi: Wifi, shop: Shop) -> None:
    phone = await wifi.join()
    await walk(phone, shop)
    hosts = {urlsplit(request.url).netloc for request in phone.watch.requests}
    assert hosts <= ROUTER | {urlsplit(shop.portal).netloc, "news.example"}
    by_pages = [request for request in phone.watch.requests if not request.is_navigation_request()]
    assert {urlsplit(request.url).netloc for request in by_pages} <= {urlsplit(shop.portal).netloc}


async def test_a_list_of_packages_is_one_request(wifi: Wifi, shop: Shop) -> None:
    phone = await wifi.join()
    await phone.open_any_site()
    await phone.page.wait_for_load_state("networkidle")
    ours = [request.url for request in phone.watch.requests if urlsplit(request.url).netloc in shop.portal]
    assert len(ours) == 1


async def test_captive_pages_reach_the_portal_through_the_walled_garden_only(wifi: Wifi, shop: Shop) -> None:
    [garden] = list(shop.board.hotspot.tables["/ip/hotspot/walled-garden"])
    garden.values["disabled"] = "true"
    phone = await wifi.join()
    async with phone.page.expect_response(re.compile("/c/")) as met:
        await phone.browse()
    answer = await met.value
    assert answer.headers["location"].startswith("http://login.hotspot/login"), "the router must have answered for us"
    await phone.page.goto("about:blank")  # or the router's page and its redirect go on for ever


async def test_misbehaviour_would_be_noticed(wifi: Wifi) -> None:
    phone = await wifi.join()
    await phone.open_any_site()
    await phone.page.evaluate("document.cookie = 'a=b'; localStorage.a = 1; sessionStorage.a = 1; console.warn('odd')")
    await phone.page.evaluate("new Promise((done) => { indexedDB.open('a').onsuccess = done; })")
    await phone.page.evaluate(
        "document.head.append(Object.assign(document.createElement('style'), {textContent: 'b{}'}))"
    )
    await phone.page.evaluate("setTimeout(() => { throw new Error('broken'); })")
    said = "\n".join(await phone.watch.complaints())
    for words in (
        "cookie kept: a",
        "local storage",
        "session storage",
        "databases storage",
        "odd",
        "policy violated",
        "broken",
    ):
        assert words in said
    async with phone.page.expect_request("http://elsewhere.example/"):
        await phone.page.evaluate("location = 'http://elsewhere.example/'")
    assert phone.watch.strangers() == ["http://elsewhere.example/"]
    await phone.context.close()
    wifi.phones.clear()
