"""Login pages in the styles one meets in shops: a voucher page with md5.js, and one that sends the phone to a portal.

Our own writing, in the common manner; a phone goes through them by the proxy, as it would on the Wi-Fi.
"""

from __future__ import annotations

import asyncio
import hashlib
import html
import json
import re
import shutil
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from routeros.simulator.clock import VirtualClock
from routeros.simulator.hotspot import Hotspot
from routeros.simulator.proxy import HotspotNetwork
from routeros.simulator.proxy.phones import Phone
from routeros.simulator.servlet import stock_pages

PAGES = Path(__file__).parent / "login_pages"
FAR = "http://news.example/today?a=1&b=2"


def _folder(name: str) -> dict[str, bytes]:
    folder = PAGES / name
    own = {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    return stock_pages() | own


@asynccontextmanager
async def _wifi(pages: str, *, login_by: str, **more: object) -> AsyncGenerator[tuple[HotspotNetwork, Phone]]:
    hotspot = Hotspot(clock=VirtualClock(), login_by=login_by)
    hotspot.users.add({"name": "K7RT2", "password": "K7RT2", "limit-uptime": "3h"})
    async with HotspotNetwork(hotspot, html=_folder(pages), **more) as network:
        yield network, await network.attach()


def _browser(phone: Phone) -> httpx.AsyncClient:
    return httpx.AsyncClient(proxy=phone.proxy_url, trust_env=False, timeout=5)


def _fields(page: str, form: str) -> tuple[str, dict[str, str]]:
    """Action and fields of a form by its name, as a browser reads them."""
    found = re.search(rf'<form name="{form}" action="([^"]*)".*?</form>', page, re.DOTALL)
    assert found, page
    inputs = re.findall(r"<input\b[^>]*>", found[0])
    values = {}
    for tag in inputs:
        name, value = re.search(r'name="([^"]*)"', tag), re.search(r'value="([^"]*)"', tag)
        if name:
            values[name[1]] = html.unescape(value[1]) if value else ""
    return html.unescape(found[1]), values


def _hashed(page: str, password: str) -> str:
    """What the page's doLogin makes: JavaScript reads the octal escapes as characters 0 to 255, md5.js as bytes."""
    found = re.search(r"hexMD5\('([^']*)' \+ document\.login\.password\.value \+ '([^']*)'\)", page)
    assert found, page
    before, after = (bytes(int(octal, 8) for octal in re.findall(r"\\([0-7]{3})", part)) for part in found.groups())
    return hashlib.md5(before + password.encode("latin-1") + after, usedforsecurity=False).hexdigest()


async def _log_in(browser: httpx.AsyncClient, code: str) -> httpx.Response:
    met = await browser.get(FAR)
    assert met.status_code == 302
    page = (await browser.get(met.headers["location"])).text
    action, fields = _fields(page, "sendin")
    fields |= {"username": code, "password": _hashed(page, code)}
    return await browser.post(action, data=fields)


async def test_a_voucher_page_with_md5_lets_the_phone_in_and_on_to_where_it_wanted() -> None:
    async with _wifi("voucher_shop", login_by="cookie,http-chap") as (network, phone), _browser(phone) as browser:
        welcome = await _log_in(browser, "K7RT2")
        assert "You are logged in" in welcome.text
        assert f'url={FAR}"' in welcome.text
        assert "open('http://login.hotspot/status'" in welcome.text, "popup=true opens the status window"
        session = network.hotspot.session(phone.ip)
        assert session is not None
        assert (session.user, session.login_by) == ("K7RT2", "http-chap")
        assert "You are on the internet" in (await browser.get(FAR)).text
        status = (await browser.get("http://login.hotspot/status")).text
        assert "Welcome K7RT2!" in status
        assert re.search(r"<td>\d+s / (3h|2h59m\d+s)</td>", status)
        assert '<meta http-equiv="refresh" content="60">' in status
        action = re.search(r'<form action="([^"]*)" name="logout">', status)
        assert action
        assert (await browser.get(action[1])).status_code == 200
        assert network.hotspot.session(phone.ip) is None


async def test_the_voucher_page_says_in_its_own_words_why_not() -> None:
    async with _wifi("voucher_shop", login_by="http-chap") as (network, phone), _browser(phone) as browser:
        assert "Voucher WRONG haipo" in (await _log_in(browser, "WRONG")).text
        network.hotspot.users.change(network.hotspot.users.named("K7RT2")[0], {"limit-uptime": "1s"})
        await _log_in(browser, "K7RT2")
        network.hotspot.clock.advance(2)
        assert "Muda wa voucher K7RT2 umeisha" in (await _log_in(browser, "K7RT2")).text
        other = await network.attach()
        network.hotspot.users.add({"name": "M2", "password": "M2"})
        async with _browser(other) as second:
            await _log_in(second, "M2")
            assert "Voucher M2 inatumika kwenye simu nyingine" in (await _log_in(browser, "M2")).text


async def test_the_voucher_page_without_chap_takes_the_plain_code_and_a_link_from_a_printed_voucher() -> None:
    async with _wifi("voucher_shop", login_by="cookie,http-pap") as (network, phone), _browser(phone) as browser:
        page = (await browser.get("http://login.hotspot/login")).text
        assert "sendin" not in page
        assert "md5.js" not in page
        assert f'<p id="who">{phone.ip} {phone.mac}' in page
        action, fields = _fields(page, "login")
        assert (
            "logged in" in (await browser.post(action, data=fields | {"username": "K7RT2", "password": "K7RT2"})).text
        )
        network.hotspot.logout(phone.ip)
        network.hotspot.cookies.cookies.clear()
        browser.cookies.clear()
        await browser.get("http://login.hotspot/login?username=K7RT2&password=K7RT2&dst=http://news.example/")
        assert network.hotspot.session(phone.ip) is not None


async def test_style_sheets_and_scripts_of_a_page_are_served_as_they_are() -> None:
    async with _wifi("voucher_shop", login_by="http-chap") as (_, phone), _browser(phone) as browser:
        style = await browser.get("http://login.hotspot/css/style.css")
        assert style.headers["content-type"] == "text/css"
        assert "$(ip) stays as it is" in style.text
        script = await browser.get("http://login.hotspot/md5.js")
        assert "hexMD5" in script.text
        assert "javascript" in script.headers["content-type"]


@pytest.mark.skipif(shutil.which("node") is None, reason="needs a JavaScript engine")
async def test_md5_js_hashes_bytes_as_a_phone_does() -> None:
    cases = [("", "pw", ""), ("\\371", "K7RT2", "\\000\\377\\200abc"), ("\\012", "caf\xe9", "\\047\\134")]
    calls = ",".join(f"hexMD5('{a}' + {json.dumps(b)} + '{c}')" for a, b, c in cases)
    program = f"{stock_pages()['md5.js'].decode()}\nconsole.log(JSON.stringify([{calls}]))"
    pipe = asyncio.subprocess.PIPE
    node = await asyncio.create_subprocess_exec("node", "-", stdin=pipe, stdout=pipe)
    printed, _ = await node.communicate(program.encode())
    pages = [f"hexMD5('{a}' + document.login.password.value + '{c}')" for a, _, c in cases]
    expected = [
        _hashed(page.replace("abc", "\\141\\142\\143"), b) for page, (_, b, _) in zip(pages, cases, strict=True)
    ]
    assert json.loads(printed) == expected


class Portal:
    """An outside portal: notes how phones come, and sends them back to the router to log in."""

    def __init__(self) -> None:
        self.asked: list[dict[str, str]] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        query = parse_qs(urlsplit(head.split()[1]).query)
        self.asked.append({name: values[0] for name, values in query.items()})
        back = f"{self.asked[-1].get('link-login-only', '')}?username=K7RT2&password=K7RT2&dst={FAR}"
        writer.write(
            f"HTTP/1.1 302 Found\r\nLocation: {back}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode()
        )
        writer.close()


async def test_a_page_that_redirects_to_a_portal_tells_it_everything_and_the_portal_logs_the_phone_in() -> None:
    portal = Portal()
    server = await asyncio.start_server(portal.serve, "127.0.0.1", 0)
    resolve = {"portal.example": f"127.0.0.1:{server.sockets[0].getsockname()[1]}"}
    async with (
        _wifi("outside_portal", login_by="cookie,http-pap", resolve=resolve) as (network, phone),
        _browser(phone) as browser,
    ):
        page = (await browser.get(FAR, follow_redirects=True)).text
        sent = re.search(r'content="0; url=([^"]+)"', page)
        assert sent
        assert (await browser.get(sent[1])).status_code == 302
        assert not portal.asked, "without the walled garden the portal hears nothing"
        network.hotspot.tables["/ip/hotspot/walled-garden"].add({"dst-host": "portal.example", "action": "allow"})
        answer = await browser.get(sent[1])
        assert portal.asked == [
            {
                "mac": phone.mac,
                "ip": phone.ip,
                "link-login-only": "http://login.hotspot/login",
                "link-orig": FAR,
                "name": "hotspot1",
            }
        ]
        await browser.get(answer.headers["location"])
        assert network.hotspot.session(phone.ip) is not None
        assert "You are on the internet" in (await browser.get(FAR)).text
        action, fields = _fields(page, "redirect")
        assert action == "http://portal.example/hotspot"
        assert (fields["mac"], fields["link-orig"], fields["error"]) == (phone.mac, FAR, "")
    server.close()
    await server.wait_closed()


async def test_a_failed_login_comes_back_to_the_portal_with_its_error() -> None:
    async with _wifi("outside_portal", login_by="http-pap") as (_, phone), _browser(phone) as browser:
        page = (await browser.get("http://login.hotspot/login?username=K7RT2&password=wrong")).text
        assert "error=invalid+username+or+password" in page
        assert _fields(page, "redirect")[1]["error"] == "invalid username or password"
