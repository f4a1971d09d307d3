"""What people and scripts may send to the captive pages: a clear answer, nothing lost, nothing granted, nobody sent astray."""

import re
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx
import pytest

from jobs import routers
from portal.db import DB
from portal.vault import Vault
from tests import factories
from tests.flows.programs import until
from tests.flows.test_sale import MSISDN, NUMBER, captive_page
from tests.flows.world import Shop

EVIL = "evil.example"
#: The portal, and the names the hotspot is registered with.
OURS = {"127.0.0.1", "10.5.50.1", "login.hotspot"}


@dataclass
class Form:
    """A filled-in form that has not been sent."""

    url: httpx.URL
    fields: dict[str, str]

    async def send(self, browser: httpx.AsyncClient, **changes: str) -> httpx.Response:
        return await browser.post(self.url, data=self.fields | changes)


async def form_for(browser: httpx.AsyncClient, shop: Shop, package: str = "1 hour", number: str = NUMBER) -> Form:
    """As far as a customer comes without tapping Pay."""
    page = await captive_page(browser)
    link = re.search(rf'href="([^"]*/buy/{shop.packages[package]}\?[^"]*)"', page.text)
    assert link, page.text
    form = await browser.get(page.url.join(link.group(1).replace("&amp;", "&")))
    hidden = dict(re.findall(r'name="(\w+)" type="hidden" value="([^"]*)"', form.text))
    assert {"d", "form_key"} <= set(hidden), form.text
    return Form(form.url, {**hidden, "phone": number})


async def login_page_query(browser: httpx.AsyncClient) -> tuple[str, dict[str, str]]:
    """The address the router's login page sends a phone to: without its query, and the query."""
    met = await browser.get("http://news.example/", follow_redirects=True)
    sent_to = re.search(r'url=([^"]+)"', met.text)
    assert sent_to, met.text
    parts = urlsplit(sent_to.group(1))
    return f"{parts.scheme}://{parts.netloc}{parts.path}", dict(parse_qsl(parts.query))


async def assert_nothing_began(shop: Shop) -> None:
    assert await DB.value("SELECT count(*) FROM checkouts") == 0
    assert await DB.value("SELECT count(*) FROM payments") == 0
    assert shop.daraja.world.pushes == {}


def leads_to(page: httpx.Response) -> set[str]:
    """Every host the page could take a phone to: redirects, links, forms, refreshes."""
    found = re.findall(r'(?:href|action|src)="([^"]*)"', page.text)
    found += re.findall(r'content="\d+; ?url=([^"]*)"', page.text)
    found += [page.headers.get("location", ""), page.headers.get("refresh", "").partition("url=")[2]]
    targets = [urlsplit(str(page.url.join(link.replace("&amp;", "&")))) for link in found if link]
    assert {target.scheme for target in targets} <= {"http", "https", "tel"}
    return {target.hostname for target in targets if target.hostname}


@pytest.mark.parametrize(
    "number",
    [
        "",
        "0212345678",
        "071234567",
        "07123456789",
        "+15551234567",
        "0812345678",
        "0712345678; DROP",
        '"><script>alert(1)</script>',
        "x" * 5000,
    ],
)
async def test_a_number_that_is_not_kenyan_mobile_is_refused_with_an_example(shop: Shop, number: str) -> None:
    """Case 48."""
    async with shop.browser() as browser:
        form = await form_for(browser, shop)
        answer = await form.send(browser, phone=number)
    assert answer.status_code == 422
    assert "Enter a Safaricom number, like 0712 345 678" in answer.text.replace("\xa0", " ")
    assert "<script>alert" not in answer.text
    await assert_nothing_began(shop)


async def test_a_package_of_another_merchant_is_not_sold(shop: Shop) -> None:
    theirs = await factories.package(await factories.merchant("Somebody else"))
    async with shop.browser() as browser:
        form = await form_for(browser, shop)
        url = httpx.URL(str(form.url).replace(f"/buy/{shop.packages['1 hour']}", f"/buy/{theirs}"))
        assert str(url) != str(form.url)
        shown = await browser.get(url)
        answer = await Form(url, form.fields).send(browser)
    assert shown.status_code == answer.status_code == 404
    assert "This package is not on sale here" in answer.text
    await assert_nothing_began(shop)


@pytest.mark.parametrize(
    "lie",
    [
        {"mac": "<script>alert(1)</script>"},
        {"mac": "FF:FF:FF:FF:FF:FF"},
        {"mac": "02:00:00:00:00:01' OR 1=1"},
        {"mac": ""},
        {"ip": "10.5.50.999"},
        {"ip": "127.0.0.1"},
        {"ip": "evil.example"},
    ],
)
async def test_a_mac_or_ip_no_device_has_begins_nothing(shop: Shop, lie: dict[str, str]) -> None:
    async with shop.browser() as browser:
        page, query = await login_page_query(browser)
        answer = await browser.get(f"{page}?{urlencode(query | lie)}")
    assert answer.status_code == 400
    assert "Open this page from the WiFi" in answer.text
    assert "/buy/" not in answer.text
    assert "<script>alert" not in answer.text


async def pages_of_a_sale(shop: Shop, lies: dict[str, str]) -> list[httpx.Response]:
    """Every page a phone meets that comes with these lies in its first address, from the packages to "connected"."""
    async with shop.browser() as browser:
        address, query = await login_page_query(browser)
        pages = [await browser.get(f"{address}?{urlencode(query | lies)}")]
        link = re.search(rf'href="([^"]*/buy/{shop.packages["1 hour"]}\?[^"]*)"', pages[0].text)
        assert link, pages[0].text
        pages.append(await browser.get(pages[0].url.join(link.group(1).replace("&amp;", "&"))))
        hidden = dict(re.findall(r'name="(\w+)" type="hidden" value="([^"]*)"', pages[1].text))
        pages.append(await browser.post(pages[1].url, data={**hidden, "phone": NUMBER}))
        waiting = pages[2].url.join(pages[2].headers["location"])
        pages.append(await browser.get(waiting))
        await shop.daraja.approve(MSISDN)

        async def connected() -> bool:
            pages.append(await browser.get(waiting))
            return "You are connected" in pages[-1].text

        await until(connected, "the page says connected")
    return pages


@pytest.mark.parametrize(
    "lie",
    [
        "http://evil.example/login",
        "https://evil.example/login",
        "//evil.example/login",
        "http://10.5.50.1@evil.example/login",
        "http://evil.example\\@10.5.50.1/login",
        "http://10.5.50.1/login?dst=http://evil.example/",
        "http://10.5.50.1.evil.example/login",
        "javascript:location='//evil.example'",
        "data:text/html,evil.example",
    ],
)
async def test_a_tampered_login_link_leads_nobody_astray(shop: Shop, lie: str) -> None:
    """No page of the whole sale leads anywhere but to us and to the hotspot the router is registered with."""
    for page in await pages_of_a_sale(shop, {"link-login-only": lie, "link-orig": ""}):
        assert leads_to(page) <= OURS
        assert EVIL not in page.text


@pytest.mark.parametrize(
    "lie",
    [
        "javascript:alert(1)",
        "//evil.example/x",
        "http://user@evil.example/",
        "http://evil.example\\x",
        "ftp://evil.example/",
    ],
)
async def test_a_tampered_original_link_is_dropped(shop: Shop, lie: str) -> None:
    for page in await pages_of_a_sale(shop, {"link-orig": lie}):
        assert leads_to(page) <= OURS


async def test_the_page_the_customer_wanted_is_offered_but_never_redirected_to(shop: Shop) -> None:
    """A plain web address may be anybody's: it is a link that names its host, on the last page only."""
    *before, last = await pages_of_a_sale(shop, {"link-orig": "https://evil.example/news?a=1"})
    for page in before:
        assert leads_to(page) <= OURS
    assert leads_to(last) - OURS == {EVIL}
    assert "Goes to evil.example" in last.text
    assert "location" not in last.headers
    assert "http-equiv" not in last.text


async def test_no_tampered_visit_buys_anything(shop: Shop, vault: Vault) -> None:
    """One letter of it changed, cut short, another site's, or none."""
    other = await factories.router(vault, await factories.merchant("Somebody else"), name="Elsewhere")
    async with shop.browser() as browser:
        form = await form_for(browser, shop)
        sealed = form.fields["d"]
        for place in (0, 10, 25, len(sealed) // 2, len(sealed) - 2):
            changed = sealed[:place] + ("A" if sealed[place] != "A" else "B") + sealed[place + 1 :]
            answer = await form.send(browser, d=changed)
            assert answer.status_code == 400, f"place {place}"
            assert "This page is too old" in answer.text
        for wrong in ("", sealed[:-3], f"{sealed}A", "é" * 40, "x" * 9000):
            assert (await form.send(browser, d=wrong)).status_code == 400
        elsewhere = str(form.url).replace(shop.router.site, other.site)
        theirs = await factories.package(other.merchant_id)
        at_theirs = elsewhere.replace(f"/buy/{shop.packages['1 hour']}", f"/buy/{theirs}")
        assert (await Form(httpx.URL(at_theirs), form.fields).send(browser)).status_code == 400
    await assert_nothing_began(shop)


async def test_a_stale_visit_buys_nothing(shop: Shop) -> None:
    async with shop.browser() as browser:
        form = await form_for(browser, shop)
        shop.shift(hours=3, minutes=1)
        answer = await form.send(browser)
    assert answer.status_code == 400
    await assert_nothing_began(shop)


async def test_a_form_sent_twice_asks_for_money_once(shop: Shop) -> None:
    """Case 11: a double tap on Pay, or two tabs."""
    async with shop.browser() as browser, shop.browser() as impatient:
        form = await form_for(browser, shop)
        first, second = await form.send(browser), await form.send(impatient)
        await shop.daraja.wait_prompt(MSISDN)
    assert first.status_code == second.status_code == 303
    assert urlsplit(first.headers["location"]).path == urlsplit(second.headers["location"]).path
    assert len(shop.daraja.world.pushes) == 1


async def test_a_fourth_prompt_in_ten_minutes_is_not_sent(shop: Shop) -> None:
    """To one number, from two phones: nobody can flood a stranger's phone. After ten minutes it may be asked again."""
    other = await shop.network.attach()
    async with shop.browser() as mine, shop.browser(other) as theirs:
        for number, browser in enumerate((mine, theirs, mine), start=1):
            assert (await (await form_for(browser, shop)).send(browser)).status_code == 303
            await shop.daraja.cancel(MSISDN)
            await until(lambda n=number: has_failed(n), "the payment failed")
            shop.shift(minutes=2.5)
        form = await form_for(theirs, shop)
        answer = await form.send(theirs)
        assert answer.status_code == 429
        assert "No new one was sent" in answer.text
        assert int(answer.headers["retry-after"]) > 0
        assert len(shop.daraja.world.pushes) == 3
        assert await DB.value("SELECT count(*) FROM payments") == 3
        shop.shift(minutes=3)
        assert (await form.send(theirs)).status_code == 303
        await shop.daraja.wait_prompt(MSISDN)


async def has_failed(times: int) -> bool:
    return await DB.value("SELECT count(*) FROM payments WHERE status = 'failed'") == times


async def test_no_money_is_taken_while_the_router_is_away(shop: Shop) -> None:
    async with shop.browser() as browser:
        form = await form_for(browser, shop)
        await shop.board.set_online(False)
        assert shop.doors is not None
        await routers.sync_one(shop.router.id, shop.doors)

        async def is_known() -> bool:
            return await DB.value("SELECT status FROM routers WHERE id = $1", shop.router.id) == "offline"

        await until(is_known, "the router is known to be offline")
        answer = await form.send(browser)
        assert answer.status_code == 503
        assert "The WiFi is down right now" in answer.text
        assert "Payments are paused" in (await captive_page(browser)).text
    await assert_nothing_began(shop)
