"""Links a phone brings: tricks must not lead anywhere but to the registered hotspot, or to an ordinary link."""

from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.captive.links import Onward, login_and_return, login_link, onward, own_page, status_link

HOSTS = ("10.5.50.1", "login.hotspot", "portal.shop:8080")
OWN = "http://10.5.50.1/login"

LOGIN_TRICKS = [
    "", " ", "x", "/login", "//evil.example/login", "///evil.example/login", "http:///login", "http:/10.5.50.1/login",
    "http:10.5.50.1/login", "http:\\\\evil.example\\login", "http://evil.example/login", "https://evil.example/login",
    "http://10.5.50.1.evil.example/login", "http://login.hotspot.evil.example/login", "http://evil.example#10.5.50.1/login",
    "http://evil.example?10.5.50.1/login", "http://evil.example/10.5.50.1/login", "http://10.5.50.1@evil.example/login",
    "http://login.hotspot:pw@evil.example/login", "http://evil.example@10.5.50.1/login", "http://@10.5.50.1/login",
    "http://10.5.50.1:80@evil.example/login", "http://10.5.50.1\\@evil.example/login", "http://10.5.50.1\\.evil.example/login",
    "http://10.5.50.1%2f@evil.example/login", "http://10.5.50.1%00.evil.example/login", "http://10.5.50.1\x00.evil.example/login",
    "http://10.5.50.1\t.evil.example/login", "http://10.5.50.1\n/login", "http://10.5.50.1/login\n", "http://10.5.50.1/login\r\nX: y",
    "\thttp://10.5.50.1/login", " http://10.5.50.1/login", "http://10.5.50.1/login ", "http://10.5.50.1 /login",
    "javascript:alert(1)", "JaVaScRiPt://10.5.50.1/login", "java\tscript:alert(1)", "data:text/html,<h1>x", "vbscript:x",
    "file://10.5.50.1/login", "ftp://10.5.50.1/login", "ws://10.5.50.1/login", "intent://10.5.50.1/login", "blob:http://10.5.50.1/login",
    "view-source:http://10.5.50.1/login", "http+x://10.5.50.1/login", "httpx://10.5.50.1/login", "://10.5.50.1/login",
    "http://10.5.50.1", "http://10.5.50.1/", "http://10.5.50.1/login/", "http://10.5.50.1/login/../x", "http://10.5.50.1/x/../login",
    "http://10.5.50.1//login", "http://10.5.50.1/login?dst=http://evil.example", "http://10.5.50.1/login#x", "http://10.5.50.1/login;x",
    "http://10.5.50.1/logout", "http://10.5.50.1/%6cogin", "http://10.5.50.1/login%00", "http://10.5.50.1/login%0d%0a",
    "http://10.5.50.1:8080/login", "http://10.5.50.1:0/login", "http://10.5.50.1:99999/login", "http://10.5.50.1:/login",
    "http://10.5.50.1:80:80/login", "http://10.5.50.1:-80/login", "http://10.5.50.1:+80/login", "http://10.5.50.1:８０/login",
    "https://10.5.50.1:80/login", "http://10.5.50.1:443/login", "http://portal.shop/login", "http://portal.shop:80/login",
    "http://10.5.50.2/login", "http://0x0a053201/login", "http://167916033/login", "http://012.5.50.1/login", "http://10.5.12801/login",
    "http://10.5.50.1./login", "http://login.hotspot./login", "http://[::ffff:10.5.50.1]/login", "http://[10.5.50.1]/login",
    "http://ⅼogin.hotspot/login", "http://login。hotspot/login", "http://lоgin.hotspot/login", "http://１０.5.50.1/login",
    "http://login.hotspot\u200b/login", "http://\u202elogin.hotspot/login", "http://xn--login-hotspot/login", "http://login..hotspot/login",
    "http://.login.hotspot/login", "http://-login.hotspot/login", "http://login.hotspot,evil.example/login", "http://*/login",
    "http://%6cogin.hotspot/login", "http://login%2ehotspot/login", "http://login.hotspot%20/login", "http://localhost/login",
    "http://127.0.0.1/login", "http://0.0.0.0/login", "http://" + "a" * 300 + "/login", "http://10.5.50.1/" + "x" * 5000,
    "'http://10.5.50.1/login", '"><script>alert(1)</script>', "http://10.5.50.1/login\"><script>", "http://<b>/login", "${7*7}", "{{7*7}}",
]  # fmt: skip

ONWARD_TRICKS = [
    "", "x", "/path", "//evil.example/x", "\\\\evil.example", "http:evil.example", "http:/evil.example", "http:///evil.example",
    "http://", "http://?", "http://#", "http:// evil.example", "javascript:alert(1)", "JAVASCRIPT:alert(1)", "java\nscript:alert(1)",
    " javascript:alert(1)", "data:text/html,x", "vbscript:x", "file:///etc/passwd", "ftp://a.example/", "tel:+254700000000", "sms:1",
    "intent://a#Intent;end", "market://x", "about:blank", "blob:http://a.example/x", "view-source:http://a.example", "ws://a.example",
    "http://user@a.example/", "http://user:pw@a.example/", "http://a.example@b.example/", "http://a.example%40b.example/",
    "http://a.example\\@b.example/", "http://a.example/\\x", "http://a.example/x\\..\\y", "http://a.example/ x", "http://a.example/\tx",
    "http://a.example/\nx", "http://a.example/x\r\nLocation: y", "http://a.example/\x00", "http://a.example/\x7f", "http://a.example/\u202ex",
    "http://a.example/é", "http://é.example/", "http://a。example/", "http://a\u200b.example/", "http://[::1]/", "http://[fe80::1%25eth0]/",
    "http://a.example:0/", "http://a.example:65536/", "http://a.example:x/", "http://a.example:/", "http://a.example:80:80/",
    "http://a..example/", "http://.a.example/", "http://a.example./", "http://-a.example/", "http://a-.example/", "http://a_b.example/",
    "http://" + "a" * 64 + ".example/", "http://" + "a." * 130 + "example/", "http://a.example/" + "x" * 600, 'http://a.example/"x',
    "http://a.example/'x\"", "http://a.example/<script>", "http://a.example/x>", "HTTP:\\\\a.example", "http://a.example|b/",
    "http://connectivitycheck.gstatic.com/generate_204", "http://captive.apple.com/hotspot-detect.html",
    "http://www.msftconnecttest.com/connecttest.txt", "http://any.example/generate_204", "http://detectportal.firefox.com/success.txt",
    "http://10.5.50.1/status", "http://login.hotspot/", "http://LOGIN.hotspot/login?dst=x", "http://portal.shop:8080/x",
]  # fmt: skip


def test_there_are_more_than_a_hundred_tricks() -> None:
    assert len(set(LOGIN_TRICKS)) >= 100
    assert len(set(LOGIN_TRICKS) | set(ONWARD_TRICKS)) >= 170


@pytest.mark.parametrize("trick", LOGIN_TRICKS)
def test_an_unbelieved_login_link_becomes_the_routers_own(trick: str) -> None:
    assert login_link(trick, HOSTS) == OWN


@pytest.mark.parametrize(
    ("told", "kept"),
    [
        ("http://10.5.50.1/login", "http://10.5.50.1/login"),
        ("http://login.hotspot/login", "http://login.hotspot/login"),
        ("https://login.hotspot/login", "https://login.hotspot/login"),
        ("HTTP://LOGIN.Hotspot/login", "http://login.hotspot/login"),
        ("http://login.hotspot:80/login", "http://login.hotspot/login"),
        ("https://login.hotspot:443/login", "https://login.hotspot/login"),
        ("http://portal.shop:8080/login", "http://portal.shop:8080/login"),
    ],
)
def test_a_registered_hotspot_host_is_believed(told: str, kept: str) -> None:
    assert login_link(told, HOSTS) == kept


def test_without_a_registered_host_there_is_no_login_page() -> None:
    assert login_link("http://10.5.50.1/login", ()) is None
    assert login_link("http://10.5.50.1/login", ("", " ", "not a host", "http://x")) is None


@given(st.text(max_size=80))
def test_whatever_is_told_the_login_page_stays_a_registered_one(told: str) -> None:
    link = login_link(told, HOSTS)
    assert link is not None
    parts = urlsplit(link)
    assert (parts.netloc in HOSTS, parts.path, parts.query, parts.fragment) == (True, "/login", "", "")


@pytest.mark.parametrize("trick", ONWARD_TRICKS)
def test_what_is_no_ordinary_link_is_not_followed(trick: str) -> None:
    assert onward(trick, not_hosts=HOSTS) is None


@pytest.mark.parametrize(
    ("told", "kept"),
    [
        ("http://example.com", Onward("http://example.com/", "example.com")),
        ("http://example.com?q=1", Onward("http://example.com/?q=1", "example.com")),
        (
            "HTTPS://News.Example.co.ke/a/b?c=d&e=%20f#g",
            Onward("https://news.example.co.ke/a/b?c=d&e=%20f#g", "news.example.co.ke"),
        ),
        ("http://example.com:8000/x", Onward("http://example.com:8000/x", "example.com:8000")),
        ("https://example.com:443/x", Onward("https://example.com/x", "example.com")),
        ("http://192.0.2.7/~a/(b);c=1,2'3", Onward("http://192.0.2.7/~a/(b);c=1,2'3", "192.0.2.7")),
        ("http://example.com/a@b:c", Onward("http://example.com/a@b:c", "example.com")),
    ],
)
def test_an_ordinary_link_is_kept_with_its_host(told: str, kept: Onward) -> None:
    assert onward(told, not_hosts=HOSTS) == kept


@given(st.text(alphabet="htps:/\\@.?#[]abc1 \t\n%é\u202e\"'<>", max_size=40))
def test_a_kept_link_has_the_host_it_shows(told: str) -> None:
    kept = onward("http://" + told)
    if kept is not None:
        parts = urlsplit(kept.url)
        assert (parts.scheme, parts.netloc, parts.username) == ("http", kept.host, None)
        assert kept.url.isascii()
        assert kept.url.isprintable()
        assert "\\" not in kept.url


def test_the_way_by_the_router_comes_back_to_the_page() -> None:
    page = "https://portal.example/w/" + "a" * 64
    assert login_and_return(OWN, page) == f"{OWN}?dst=https%3A%2F%2Fportal.example%2Fw%2F{'a' * 64}"
    assert status_link(OWN) == "http://10.5.50.1/status"


def test_only_our_own_pages_are_recognised_on_the_way_back() -> None:
    base, token = "https://portal.example", "0123456789abcdef" * 4
    found = own_page(f"{base}/w/{token}?d=x&l=sw", base)
    assert found is not None
    assert found.token == token
    form = own_page(f"{base}/c/abc123/buy/7", base)
    assert form is not None
    assert (form.token, form.site, form.package_id) == (None, "abc123", 7)
    strangers = [
        f"http://portal.example/w/{token}", f"https://portal.example.evil/w/{token}", f"https://evil.example/w/{token}",
        f"{base}@evil.example/w/{token}", f"{base}/w/{token}0", f"{base}/w/{token[:-1]}", f"{base}/w/{token.upper()}",
        f"{base}/w/{token}/../../home", f"{base}/w/../w/{token}", f"{base}//w/{token}", f"{base}/c/abc/buy/x", f"{base}/home", base,
    ]  # fmt: skip
    assert [link for link in strangers if own_page(link, base)] == []
