"""Links in a phone's page stay inside its frame, and nothing else of the page changes."""

import pytest

from portal.demo.rewriting import gateway_path, inside, outer_url, relax_policy, rewrite_page, typed_url

BASE = "http://shop.example:8000/c/abc?x=1"


@pytest.mark.parametrize(
    ("link", "spelled"),
    [
        ("http://10.5.50.1/login?dst=http%3A%2F%2Fa%2Fb", "/phone/2/http/10.5.50.1/login?dst=http%3A%2F%2Fa%2Fb"),
        ("https://bank.example", "/phone/2/https/bank.example/"),
        ("/w/12#end", "/phone/2/http/shop.example:8000/w/12#end"),
        ("//other.example/x", "/phone/2/http/other.example/x"),
        ("buy/3?d=q", "buy/3?d=q"),
        ("?l=sw", "?l=sw"),
        ("#top", "#top"),
        ("tel:+254700000000", "tel:+254700000000"),
        ("data:,", "data:,"),
    ],
)
def test_a_link_is_spelled_so_that_it_stays_inside(link: str, spelled: str) -> None:
    assert inside("/phone/2", link, base=BASE) == spelled


@pytest.mark.parametrize(
    "url", ["http://news.example/", "https://a.example:8443/x/y?z=%2F&q=1", "http://10.5.50.1/login"]
)
def test_an_address_comes_back_from_its_path(url: str) -> None:
    assert outer_url(gateway_path("/phone/1", url).removeprefix("/phone/1")) == url


@pytest.mark.parametrize("rest", ["", "/", "/ftp/a.example/", "/http/", "/http", "/http/?x"])
def test_a_path_that_is_no_address_is_none(rest: str) -> None:
    assert outer_url(rest) is None


def test_tags_are_rewritten_and_everything_else_is_byte_for_byte_the_same() -> None:
    page = """<!doctype html><!-- a="http://x" --><html><head><style>a{background:url(/x)}</style>
<noscript><meta http-equiv="refresh" content="4"></noscript>
<script>var a = "<a href='/no'>" && 1 < 2;</script></head>
<body><p title="href='/no'">&amp; &#39; M&nbsp;PESA</p><a class=l href=/yes>x</a><form method="post" action='/f?a=1&amp;b=2'>
<input value="http://stays/"><br/></form></body></html>"""
    expected = page.replace("href=/yes", 'href="/phone/1/http/shop.example:8000/yes"').replace(
        "action='/f?a=1&amp;b=2'", 'action="/phone/1/http/shop.example:8000/f?a=1&amp;b=2"'
    )
    assert rewrite_page(page, prefix="/phone/1", base=BASE) == expected


@pytest.mark.parametrize(
    ("content", "spelled"),
    [
        ("0; url=http://a.example/b?c=1&amp;d=2", "0; url=/phone/1/http/a.example/b?c=1&amp;d=2"),
        ("2;URL='/status'", "2;url=/phone/1/http/shop.example:8000/status"),
        ("5", "5"),
    ],
)
def test_a_refresh_leads_inside(content: str, spelled: str) -> None:
    page = rewrite_page(f'<meta http-equiv="refresh" content="{content}">', prefix="/phone/1", base=BASE)
    assert page == f'<meta http-equiv="refresh" content="{spelled}">'


def test_only_what_the_policy_says_about_frames_is_dropped() -> None:
    policy = "default-src 'none'; style-src 'self' 'sha256-x='; frame-ancestors 'none'; form-action 'self'"
    assert relax_policy(policy) == "default-src 'none'; style-src 'self' 'sha256-x='; form-action 'self'"


@pytest.mark.parametrize(
    ("typed", "url"), [("news.example", "http://news.example"), (" https://a.example/x ", "https://a.example/x")]
)
def test_what_is_typed_becomes_an_address(typed: str, url: str) -> None:
    assert typed_url(typed) == url
