"""A card's square, scanned: on the Wi-Fi it ends at the code form of the router the phone is at; elsewhere it says what to do first.
The code never leaves the phone but in the form's body."""

import html
import re
from collections.abc import AsyncIterator

import httpx
import pytest

from portal import codes
from portal.captive.links import own_page
from portal.clock import Clock
from portal.config import Settings
from portal.db import DB
from portal.printing import handles
from portal.vault import Vault
from tests import factories
from tests.flows.world import Shop, shop_open
from tests.portal.printing import rows

KEYS = (("test", bytes(range(32))),)


@pytest.fixture
async def shop(db: str, settings: Settings, vault: Vault, clock: Clock) -> AsyncIterator[Shop]:
    async with shop_open(settings, vault, clock, works=False) as found:
        yield found


def handle_of(shop: Shop) -> str:
    return handles.handle_of(shop.merchant_id, KEYS)


async def through_the_router(phone: httpx.AsyncClient, link: str) -> httpx.Response:
    """What a browser does with a login page that leads to us by itself."""
    met = await phone.get(link, follow_redirects=True)
    onward = re.search(r"url=([^\"]+)", met.text)
    assert onward is not None, met.text
    return await phone.get(html.unescape(onward[1]), follow_redirects=True)


async def link_of(phone: httpx.AsyncClient, shop: Shop, handle: str) -> str:
    page = await phone.get(f"{shop.portal}/V/{handle}")
    assert page.status_code == 200
    assert "First join the WiFi of Kilimani Corner" in page.text
    assert "set-cookie" not in page.headers
    found = re.search(r'class="b" href="([^"]+)"', page.text)
    assert found is not None
    return html.unescape(found[1])


async def test_a_phone_on_the_wifi_ends_at_the_code_form_of_its_router(shop: Shop, vault: Vault) -> None:
    batch = await rows.batch(vault, shop.merchant_id, shop.packages["1 day"], cards=1)
    code = (await rows.codes_of(vault, batch))[0]
    async with shop.browser() as phone:
        form = await through_the_router(phone, await link_of(phone, shop, handle_of(shop)))
        assert f"/c/{shop.router.site}/code" in str(form.url)
        assert "sessionStorage" in form.text, "the script that fills the code in"
        visit = re.findall(r'name="d" type="hidden" value="([^"]+)"', form.text)[0]
        used = await phone.post(f"{shop.portal}/c/{shop.router.site}/code", data={"code": code, "d": visit})
        assert used.status_code == 303
    assert await DB.value("SELECT count(*) FROM access_grants") == 1


async def test_a_card_works_at_each_router_of_its_shop(shop: Shop, vault: Vault) -> None:
    await factories.router(vault, shop.merchant_id, name="A market", hotspot_hosts="10.77.0.1")
    async with shop.browser() as phone:
        link = await link_of(phone, shop, handle_of(shop))
        assert link.startswith(("http://10.5.50.1/", "http://10.77.0.1/"))
        other = link.replace("10.5.50.1", "10.77.0.1")
        form = await through_the_router(phone, other)
        assert f"/c/{shop.router.site}/code" in str(form.url), "the router the phone is at, not the one in the link"


async def test_away_from_the_wifi_the_page_says_what_to_do_first(shop: Shop) -> None:
    async with httpx.AsyncClient() as phone:
        page = await phone.get(f"{shop.portal}/v/{handle_of(shop).lower()}")
    assert page.status_code == 200
    assert "First join the WiFi of Kilimani Corner" in page.text
    assert "turn mobile data off" in page.text


async def test_at_another_shops_wifi_the_page_says_so(shop: Shop) -> None:
    stranger = await factories.merchant("Rival Wi-Fi")
    handle = handles.handle_of(stranger, KEYS)
    async with shop.browser() as phone:
        link = f"http://10.5.50.1/login?dst={shop.portal}/v/{handle}"
        page = await through_the_router(phone, link)
    assert page.status_code == 200
    assert "another shop" in page.text


async def test_a_name_we_did_not_make_is_no_shop(shop: Shop) -> None:
    true = handle_of(shop)
    wrong = true[:-1] + ("2" if true[-1] != "2" else "3")
    async with httpx.AsyncClient() as phone:
        for handle in (wrong, "2", "A" * 20, "%20"):
            assert (await phone.get(f"{shop.portal}/V/{handle}")).status_code == 404


def test_handles_name_their_merchant_and_no_other_ever() -> None:
    for merchant_id in (1, 30, 31, 961, 10**9):
        handle = handles.handle_of(merchant_id, KEYS)
        assert re.fullmatch(f"[{codes.ALPHABET}]+", handle)
        assert handles.merchant_of(handle, KEYS) == handles.merchant_of(handle.lower(), KEYS) == merchant_id
        assert handles.merchant_of(handle, (("new", bytes(32)), *KEYS)) == merchant_id, "cards outlive a new key"
        assert handles.merchant_of(handle, (("new", bytes(32)),)) is None


@pytest.mark.parametrize(
    ("text", "handle"),
    [
        ("http://portal.test/v/2ABCDEF", "2ABCDEF"),
        ("http://10.9.0.1/login?dst=http%3A%2F%2Fportal.test%2Fv%2F2ABCDEF%3Fr%3D1", "2ABCDEF"),
        ("http://10.9.0.1/login?dst=http%3A%2F%2Fevil.test%2Fv%2F2ABCDEF", None),
        ("http://portal.test.evil/v/2ABCDEF", None),
        ("http://portal.test/v/2ABCDEF/more", None),
        ("http://10.9.0.1/login?dst=http%3A%2F%2F10.9.0.2%2Flogin%3Fdst%3Dhttp%253A%252F%252Fportal.test%252Fv%252F2ABCDEF", None),
    ],
)  # fmt: skip
def test_only_our_own_page_brings_a_phone_back(text: str, handle: str | None) -> None:
    page = own_page(text, "http://portal.test")
    assert (page.handle if page else None) == handle
