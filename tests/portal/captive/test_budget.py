"""What holds on every captive page in every language: weight, one request, no cookie, no need of script, plain old CSS."""

import gzip
import re
from collections.abc import AsyncIterator
from html.parser import HTMLParser

import httpx
import pytest

from portal.captive.failures import FAILURES
from portal.controllers.captive_frame import GO, STYLE, WAIT
from portal.db import DB
from portal.headers import csp_hash
from tests.portal.captive.conftest import MAC, Phone
from tests.portal.captive.stages import Stage

MOST_BYTES = 6 * 1024
VOID = {"meta", "link", "input", "br", "path"}


_seen: list[tuple[str, httpx.Response]] = []


async def _every_page(phone: Phone, stage: Stage) -> list[tuple[str, httpx.Response]]:
    """Each page once a run: they are looked at from several sides and do not change."""
    if not _seen:
        _seen.extend([shown async for shown in _open_every_page(phone, stage)])
    return _seen


async def _open_every_page(phone: Phone, stage: Stage) -> AsyncIterator[tuple[str, httpx.Response]]:
    shop, visit = phone.shop.path, await phone.visit(link_orig="https://news.example.co.ke/" + "a1b2" * 100)
    paths = [
        f"{shop}?d={visit}",
        f"{phone.buy_path()}?d={visit}",
        f"{shop}/code?d={visit}",
        shop,
        f"{shop}?mac=x",
        "/c/0",
        "/w/0",
    ]
    paths += [f"{shop}/buy/9999?d={visit}", f"{phone.buy_path()}?d=forged"]
    tokens = [
        await stage.waiting(),
        await stage.waiting(sent=True),
        await stage.waiting(age_s=95),
        await stage.mismatch(),
    ]
    tokens += [
        await stage.waiting(sent=True, age_s=130),
        await stage.paid(),
        await stage.connected(),
        await stage.over(),
    ]
    tokens += [await stage.failed(code) for code in [*FAILURES, None]]
    tokens.append(await stage.underpaid())
    paths += [f"/w/{token}?d={visit}" for token in tokens]
    paths += [f"/w/{tokens[token]}/{part}d={visit}" for token in (1, -1) for part in ("hand?", "paid?", "paid?sent=1&")]
    paths += [f"{shop}/paid?d={visit}", f"{phone.buy_path()}/kept?d={visit}"]
    for path in paths:
        for code in ("en", "sw"):
            yield path, await phone.browser.get(f"{path}{'&' if '?' in path else '?'}l={code}")
    for code in ("en", "sw"):
        form = {**await phone.form(), "phone": "x"}
        yield "wrong number", await phone.browser.post(f"{phone.buy_path()}?l={code}", data=form)
        yield "no receipt", await phone.browser.post(f"/w/{tokens[1]}/paid?l={code}", data={"receipt": "x"})
        told = {"d": visit, "phone": "x", "receipt": "x"}
        yield "no payment", await phone.browser.post(f"{shop}/paid?l={code}", data=told)
        yield "wrong code", await phone.browser.post(f"{shop}/code?l={code}", data={"d": visit, "code": "x"})


class _Page(HTMLParser):
    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.fetches: list[str] = []
        self.forbidden: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag not in VOID:
            self.open.append(tag)
        self.ids += [given["id"] or ""] if "id" in given else []
        if "src" in given or tag in {"link", "iframe", "img", "object", "embed", "video", "audio"}:
            self.fetches.append(tag)
        self.forbidden += [name for name in given if name.startswith("on") or name in {"style", "target", "download"}]

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag


async def test_every_page_is_light_whole_and_alone(phone: Phone, stage: Stage) -> None:
    heaviest, seen = 0, 0
    for path, page in await _every_page(phone, stage):
        seen += 1
        heaviest = max(heaviest, len(gzip.compress(page.content)))
        html = _Page(page.text)
        assert html.open == [], path
        assert html.fetches == [], path
        assert html.forbidden == [], path
        assert len(html.ids) == len(set(html.ids)), path
        assert page.text.count("<h1>") == 1, path
        assert "set-cookie" not in page.headers, path
        assert page.headers["cache-control"] == "no-store", path
        assert page.headers["referrer-policy"] == "no-referrer", path
        assert page.headers["x-content-type-options"] == "nosniff", path
        policy = page.headers["content-security-policy"]
        assert "unsafe" not in policy, path
        assert csp_hash(STYLE) in policy, path
        assert f"<style>{STYLE}</style>" in page.text, path
        for script in (WAIT, GO):
            assert (csp_hash(script) in policy) == (f"<script>{script}</script>" in page.text), path
        assert ("<script>" in page.text) == ('<noscript><meta http-equiv="refresh"' in page.text), path
    assert seen > 60
    assert heaviest <= MOST_BYTES


async def test_every_page_names_the_merchant_and_the_help_number(phone: Phone, stage: Stage) -> None:
    for path, page in await _every_page(phone, stage):
        if path in ("/c/0", "/w/0"):
            continue
        assert "Kilimani Corner" in page.text, path
        assert 'href="tel:+254700000000"' in page.text, path
        assert "0700\u00a0000\u00a0000" in page.text, path


async def test_numbers_and_names_never_break_across_lines(phone: Phone, stage: Stage) -> None:
    for path, page in await _every_page(phone, stage):
        body = re.sub(r"<style>.*?</style>", "", page.text, flags=re.DOTALL)
        assert "M-PESA" not in body, path
        assert "M-Pesa" not in body, path
        assert not re.search(r"KES [0-9]", body), path
        assert not re.search(r"07[0-9]{2} [0-9]{3}", body), path


async def test_swahili_pages_have_no_english_sentence_left(phone: Phone, stage: Stage) -> None:
    english = re.compile(
        r"\b(the|you|your|again|this|package|packages|wait|payment|voucher|phone|now|and|with)\b", re.IGNORECASE
    )
    for path, page in await _every_page(phone, stage):
        if 'lang="sw">' not in page.text.split("<head>")[0]:
            continue
        body = re.sub(r"<(style|script)>.*?</\1>|<[^>]+>", " ", page.text, flags=re.DOTALL)
        assert not english.search(body), (path, english.search(body))


def test_the_style_needs_nothing_newer_than_chrome_60() -> None:
    newer = (
        "gap:",
        ":has(",
        ":is(",
        ":where(",
        "clamp(",
        "min(",
        "max(",
        "inset",
        "dvh",
        "@layer",
        "@container",
        "aspect-ratio",
        "&",
    )
    assert [feature for feature in newer if feature in STYLE] == []
    assert STYLE.count("{") == STYLE.count("}")
    assert "url(" not in STYLE


@pytest.mark.parametrize("script", [WAIT, GO])
def test_the_scripts_are_old_and_leave_by_a_full_navigation(script: str) -> None:
    assert "location.replace" in script
    newer = (
        "=>",
        "`",
        "let ",
        "const ",
        "fetch(",
        "async",
        "localStorage",
        "sessionStorage",
        "cookie",
        "innerHTML",
        "eval",
        "alert",
    )
    assert [feature for feature in newer if feature in script] == []


@pytest.mark.parametrize("language", ["en", "sw"])
async def test_hostile_names_stay_text(phone: Phone, language: str) -> None:
    await DB.fetch("""UPDATE merchants SET name = '"><script>alert(1)</script>'""")
    await DB.fetch("""UPDATE packages SET name = '</b><img src=x onerror=alert(1)>{{7*7}}'""")
    page = await phone.browser.get(phone.shop.path, params={"mac": MAC, "ip": "10.5.50.9", "l": language})
    assert "<script>" not in page.text
    assert "<img" not in page.text
    assert "{{7*7}}" in page.text
