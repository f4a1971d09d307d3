"""The hotspot's pages as the servlet serves them: small, on their way to the portal, and useful without it."""

from dataclasses import replace
from html.parser import HTMLParser
from urllib.parse import parse_qs, urlsplit

import pytest

from routeros.script.pages import PAGES, login_page, offline_page, welcome_page
from routeros.simulator.templates import render

from .cast import BASE

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


@pytest.mark.parametrize("name", PAGES)
def test_pages_fit_in_two_kilobytes(name: str) -> None:
    assert len(PAGES[name](BASE).encode()) <= 2048


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
def test_the_help_number_is_on_the_page_itself(page: object) -> None:
    assert callable(page)
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
