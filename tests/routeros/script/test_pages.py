"""The hotspot's pages as the servlet serves them: small, on their way to the portal, and useful without it."""

import json
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from routeros.script.onboarding import Onboarding
from routeros.script.pages import captive_api, login_page, offline_page, pages_of, welcome_page
from routeros.simulator.proxy import HotspotNetwork
from routeros.simulator.router import SimulatedRouter
from routeros.simulator.servlet import stock_pages
from routeros.simulator.templates import render
from tests.routeros.test_client_tls import self_signed

from .cast import BASE, SIX

VARIABLES = {
    "mac": "AA:BB:CC:DD:EE:FF",
    "ip": "10.5.50.9",
    "link-login-only": "http://10.5.50.1/login",
    "link-orig": 'http://example.com/?a=1&b="><script>alert(1)</script>',
    "link-redirect": "http://example.com/",
    "error": 'invalid username or password "x" & more',
    "password": "stolen",
}


class Links(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []
        self.tags: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = dict(attrs)
        self.tags.append(tag)
        if tag == "a":
            self.links.append(named["href"] or "")
        if tag == "meta" and named.get("http-equiv") == "refresh":
            self.links.append((named["content"] or "").partition("url=")[2])


def served(page: str, **more: str) -> Links:
    links = Links()
    links.feed(render(page, {**VARIABLES, **more}).body)
    return links


def test_pages_fit_in_two_kilobytes() -> None:
    pages = pages_of(BASE)
    assert pages.keys() == {"login.html", "error.html", "alogin.html", "api.json"}
    assert max(len(text.encode()) for text in pages.values()) <= 2048
    assert "api.json" not in pages_of(SIX)


NOBODY = {"hostname": "login.duka.example", "target-dir": "", "logged-in": "no", "session-timeout-secs": "0"}
ONLINE = {**NOBODY, "logged-in": "yes", "session-timeout-secs": "3599", "remain-bytes-total": "1048576"}


def test_a_captive_phone_is_told_so_and_where_to_go() -> None:
    told = json.loads(render(captive_api(BASE), VARIABLES | NOBODY).body)
    assert told == {"captive": True, "user-portal-url": "https://login.duka.example/login", "can-extend-session": True}


def test_a_phone_that_is_online_is_told_what_is_left_and_where_more_is_sold() -> None:
    told = json.loads(render(captive_api(BASE), VARIABLES | ONLINE).body)
    assert (told["captive"], told["seconds-remaining"], told["bytes-remaining"]) == (False, 3599, 1048576)
    assert told["can-extend-session"] is True
    url = urlsplit(told["user-portal-url"])
    assert (url.scheme, url.netloc, url.path) == ("https", "wifi.example.co.ke", "/c/5f2e9c")
    assert parse_qs(url.query) == {name: [VARIABLES[name]] for name in ("mac", "ip", "link-login-only")}


def test_a_page_to_open_is_https_also_where_the_portal_is_not() -> None:
    plain = replace(BASE, portal_url="http://192.0.2.1:8000")
    told = json.loads(render(captive_api(plain), VARIABLES | ONLINE).body)
    assert told["user-portal-url"] == "https://login.duka.example/status"


def test_the_login_page_leads_to_the_portal_with_everything_it_knows() -> None:
    links = served(login_page(BASE)).links
    url = urlsplit(links[0])
    assert f"{url.scheme}://{url.netloc}{url.path}" == "https://wifi.example.co.ke/c/5f2e9c"
    assert parse_qs(url.query) == {
        name: [VARIABLES[name]] for name in ("mac", "ip", "link-login-only", "link-orig", "error")
    }
    assert links[1] == links[0]


def test_no_error_is_no_parameter() -> None:
    url = urlsplit(served(login_page(BASE), error="").links[0])
    assert "error" not in parse_qs(url.query, keep_blank_values=True)


def test_what_a_phone_asked_for_stays_in_its_attribute() -> None:
    assert served(login_page(BASE)).tags.count("script") == 1
    assert "alert(1)" not in render(login_page(BASE), VARIABLES).body


@pytest.mark.parametrize("page", [login_page, offline_page])
def test_the_help_number_is_on_the_page_itself(page: Callable[[Onboarding], str]) -> None:
    text = page(BASE)
    assert '<a href="tel:0712345678">0712 345 678</a>' in text


def test_a_name_is_never_a_variable_or_a_tag() -> None:
    sly = replace(BASE, merchant_name='$(password)</title><script>x("$(mac)")</script>')
    for page in (login_page, offline_page):
        shown = render(page(sly), VARIABLES).body
        assert "stolen" not in shown
        assert "<script>x" not in shown
        assert "AA:BB" not in shown.partition("</style>")[2].partition("Help")[0].rpartition("<p>")[2]


def test_a_logged_in_phone_goes_on_by_a_full_page_load() -> None:
    answer = render(welcome_page(BASE), VARIABLES)
    assert (answer.status, answer.headers["Location"]) == (302, "http://example.com/")
    assert "window.open" not in answer.body


def test_a_page_too_long_for_a_router_is_refused() -> None:
    with pytest.raises(ValueError):
        login_page(replace(BASE, portal_url=f"https://{'.'.join(['a' * 60] * 14)}.example"))


async def test_the_routers_servlet_answers_a_phone_over_https(tmp_path: Path) -> None:
    async with SimulatedRouter(dns_name="login.duka.example", login_by="http-pap,https") as router:
        router.hotspot.users.add({"name": "v1", "password": "p", "limit-uptime": "1h"})
        tls, _ = self_signed(tmp_path)
        async with HotspotNetwork(router.hotspot, html={**stock_pages(), **pages_of(BASE)}, tls=tls) as network:
            phone = await network.attach()
            async with httpx.AsyncClient(proxy=phone.proxy_url, trust_env=False, verify=False) as browser:
                before = await browser.get("https://login.duka.example/api")
                assert before.headers["content-type"] == "application/captive+json"
                assert before.json()["captive"] is True
                router.hotspot.login(ip=phone.ip, mac=phone.mac, username="v1", password="p", by="api")
                after = (await browser.get("https://login.duka.example/api")).json()
    assert after["captive"] is False
    assert 3590 <= after["seconds-remaining"] <= 3600
