"""The signed visit: what a phone may not change, and where it may not be used."""

import base64
import random

import httpx

from portal.clock import Clock
from portal.db import DB
from portal.signing import Signer
from portal.vault import Vault
from tests import factories
from tests.portal.captive.conftest import IP, MAC, Phone
from tests.portal.captive.test_links import LOGIN_TRICKS, ONWARD_TRICKS


async def _refused(phone: Phone, visit: str, **fields: str) -> None:
    form = {**await phone.form(), "phone": "0712345678", "d": visit, **fields}
    page = await phone.browser.post(phone.buy_path(), data=form)
    assert page.status_code == 400, (visit, fields)
    assert "Start again" in page.text
    assert await DB.value("SELECT count(*) FROM checkouts") == 0


async def test_a_visit_we_never_signed_is_refused(phone: Phone) -> None:
    for visit in ["", "x", "A" * 4097, "é", "=", "....", "null", "%00", "A" * 64]:
        await _refused(phone, visit)


async def test_a_visit_with_one_changed_character_is_refused(phone: Phone) -> None:
    visit = await phone.visit()
    chosen = random.Random(8)
    for place in chosen.sample(range(len(visit)), 25):
        other = "A" if visit[place] != "A" else "B"
        page = await phone.browser.get(phone.buy_path(), params={"d": visit[:place] + other + visit[place + 1 :]})
        assert page.status_code == 400


async def test_another_device_cannot_be_written_into_a_visit(phone: Phone) -> None:
    visit = await phone.visit()
    raw = base64.urlsafe_b64decode(visit + "=" * (-len(visit) % 4))
    assert MAC.encode() in raw
    forged = raw.replace(MAC.encode(), b"A4:5E:60:99:99:99")
    await _refused(phone, base64.urlsafe_b64encode(forged).rstrip(b"=").decode())


async def test_a_token_for_another_purpose_is_no_visit(phone: Phone, signer: Signer, clock: Clock) -> None:
    payload = {"s": phone.shop.router.site, "m": MAC, "i": IP}
    await _refused(phone, signer.sign("another purpose", payload, now=clock.now()))


async def test_another_sites_visit_is_refused(phone: Phone, vault: Vault, browser: httpx.AsyncClient) -> None:
    stranger = await factories.merchant("Stranger")
    theirs = await factories.router(vault, stranger)
    page = await browser.get(f"/c/{theirs.site}", params={"mac": MAC, "ip": IP})
    visit = page.text.split("?d=")[1].split("&")[0].split('"')[0]
    await _refused(phone, visit)


async def test_a_form_without_a_proper_key_begins_nothing(phone: Phone) -> None:
    for form_key in ["", "x", "g" * 32, "a" * 31, "a" * 65, "A" * 32, "'" * 32, "\x00" * 32]:
        await _refused(phone, await phone.visit(), form_key=form_key)


BROKEN = [
    (b"", "application/x-www-form-urlencoded"),
    (b"d=%ff%fe&phone=%00&form_key=%C3%28", "application/x-www-form-urlencoded"),
    (b"&&&==;;", "application/x-www-form-urlencoded"),
    (b"d=1&d=2&phone=3&phone=4&form_key=5&form_key=6", "application/x-www-form-urlencoded"),
    (b'{"d": 1}', "application/json"),
    (b"not json", "application/json"),
    (b"--x\r\nbroken", "multipart/form-data; boundary=x"),
    (
        b"--x\r\nContent-Disposition: form-data; name=d; filename=f\r\n\r\nfile\r\n--x--\r\n",
        "multipart/form-data; boundary=x",
    ),
    (b"anything", "multipart/form-data"),
    (b"anything", "text/plain"),
]


async def test_a_broken_form_is_refused_not_failed_on(phone: Phone) -> None:
    for body, kind in BROKEN:
        for path in (phone.buy_path(), f"{phone.shop.path}/code"):
            page = await phone.browser.post(path, content=body, headers={"content-type": kind})
            assert page.status_code == 400, (path, body, kind)


async def test_no_trick_in_a_link_leaves_the_hotspot(phone: Phone, browser: httpx.AsyncClient) -> None:
    """Each trick as both links: every address on the pages that follow is ours, the hotspot's, or a phone number."""
    tricks = sorted(set(LOGIN_TRICKS[::4]) | set(ONWARD_TRICKS[::4]) - {"http://10.5.50.1/status"})
    token = (await phone.buy()).headers["location"].partition("?")[0]
    for trick in tricks:
        query = {"mac": MAC, "ip": IP, "link-login-only": trick, "link-orig": trick}
        listed = await browser.get(phone.shop.path, params=query)
        assert listed.status_code == 200, trick
        visit = listed.text.split("?d=")[1].split("&")[0].split('"')[0]
        shown = await browser.get(token, params={"d": visit})
        for page in (listed, shown):
            links = [part.split('"')[0] for part in page.text.split('href="')[1:]]
            assert links
            assert [
                link for link in links if not link.startswith(("/c/", "/w/", "tel:+254", "http://10.5.50.1/"))
            ] == [], trick


async def test_signed_links_are_checked_again_when_the_router_changes(phone: Phone) -> None:
    form = await phone.form()
    await DB.fetch("UPDATE routers SET hotspot_hosts = '192.168.88.1'")
    page = await phone.browser.post(phone.buy_path(), data={**form, "d": "x", "phone": "0712345678"})
    assert 'href="http://192.168.88.1/login"' in page.text
    assert "10.5.50.1" not in page.text
