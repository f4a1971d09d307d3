"""Settings: one page leads to all, a shop has its own name, clock, colour, logo and words, and customers see them at once."""

import gzip
import re
from typing import Any

import httpx
import pytest

from portal.db import DB
from portal.headers import csp_hash
from tests.portal.test_logos import drawn, noise
from tests.portal.web.conftest import Cast, form_token
from tests.portal.web.test_routers import owner

__all__ = ["owner"]

SHOP: dict[str, Any] = {
    "name": "Kilimani Corner",
    "help_phone": "0712 345 678",
    "language": "sw",
    "timezone": "Africa/Cairo",
}


async def post(client: httpx.AsyncClient, path: str, *, logo: bytes | None = None, **fields: Any) -> httpx.Response:
    """A form of this browser's, with a file or without."""
    data = {"_csrf": await form_token(client, "/account"), **fields}
    return await client.post(
        path, data=data, files={"logo": ("logo.png", logo, "image/png")} if logo is not None else None
    )


async def captive(client: httpx.AsyncClient, cast: Cast, language: str = "en") -> httpx.Response:
    """The first page a customer sees."""
    query = f"mac=02:00:00:00:00:01&ip=10.5.50.9&link-login-only=http://10.5.50.1/login&l={language}"
    return await client.get(f"/c/{cast.router.site}?{query}")


async def test_every_setting_is_one_tap_from_the_list(owner: httpx.AsyncClient) -> None:
    page = await owner.get("/settings")
    paths = re.findall(r'<a class="plainlink" href="([^"]+)"', page.text)
    assert len(paths) == len(set(paths)) >= 12
    for path in paths:
        assert (await owner.get(path)).status_code == 200, path


async def test_a_shop_is_renamed_and_the_change_is_written_down(owner: httpx.AsyncClient, cast: Cast) -> None:
    answer = await post(owner, "/settings/shop", **SHOP)
    assert answer.headers["location"] == "/settings/shop?saved=true"
    row = await DB.row("SELECT name, help_phone, language, timezone FROM merchants WHERE id = $1", cast.merchant_id)
    assert row is not None
    assert tuple(row) == ("Kilimani Corner", "254712345678", "sw", "Africa/Cairo")
    told = await DB.value(
        "SELECT data ->> 'timezone' FROM events WHERE name = 'shop' AND merchant_id = $1", cast.merchant_id
    )
    assert "Africa/Cairo" in told
    rival = await DB.value("SELECT timezone FROM merchants WHERE id = $1", cast.rival_id)
    assert rival == "Africa/Nairobi"
    assert "Kilimani Corner" in (await captive(owner, cast)).text


async def test_the_same_again_is_no_change(owner: httpx.AsyncClient) -> None:
    await post(owner, "/settings/shop", **SHOP)
    await post(owner, "/settings/shop", **SHOP)
    assert await DB.value("SELECT count(*) FROM events WHERE name = 'shop'") == 1


@pytest.mark.parametrize(
    ("field", "typed"),
    [
        ("name", ""), ("name", "x" * 81), ("name", "\x00\u200b "), ("help_phone", "12"), ("language", "xx"),
        ("timezone", "Mars/Base"), ("timezone", ""),
    ],
)  # fmt: skip
async def test_a_wrong_field_is_named_and_what_was_typed_stays(
    owner: httpx.AsyncClient, field: str, typed: str
) -> None:
    form: dict[str, Any] = SHOP | {"name": "Kept name"} | {field: typed}
    answer = await post(owner, "/settings/shop", **form)
    assert answer.status_code == 422
    assert f'href="#{field}"' in answer.text
    if field != "name":
        assert 'value="Kept name"' in answer.text


async def test_customers_see_colour_logo_and_words_and_nothing_is_fetched(owner: httpx.AsyncClient, cast: Cast) -> None:
    answer = await post(
        owner, "/settings/branding", accent="#7a1fa2", logo=drawn(), welcome_en="Karibu <b>", terms_sw="Ufisadi hapana"
    )
    assert answer.headers["location"] == "/settings/branding?saved=true"
    page = await captive(owner, cast)
    assert "--ac:#7a1fa2" in page.text
    assert "Karibu &lt;b&gt;" in page.text
    assert 'class="lg" src="data:image/png;base64,' in page.text
    policy = page.headers["content-security-policy"]
    assert "img-src 'self' data:" in policy
    assert csp_hash(page.text.split("<style>", 1)[1].split("</style>", 1)[0]) in policy, "the browser would not draw it"
    assert "Ufisadi hapana" in (await captive(owner, cast, "sw")).text
    assert "Ufisadi hapana" not in page.text
    assert "data:" not in (await owner.get("/settings")).headers["content-security-policy"]
    shown = await owner.get("/settings/branding/preview")
    assert "--ac:#7a1fa2" in shown.text


async def test_the_heaviest_look_keeps_the_page_light(owner: httpx.AsyncClient, cast: Cast) -> None:
    letters = "Wi-Fi ya haraka kwa wateja wote wa Kilimani, Yaya na Hurlingham; piga simu kwa msaada, lipa kwa M-PESA, tumia kwa amani: "
    words: dict[str, Any] = {
        f"{kind}_{code}": (letters * 2)[:160] for kind in ("welcome", "terms") for code in ("en", "sw")
    }
    answer = await post(owner, "/settings/branding", accent="#123456", logo=noise(600, 300), **words)
    assert answer.status_code == 303
    for code in ("en", "sw"):
        page = await captive(owner, cast, code)
        assert len(gzip.compress(page.content, 9)) <= 6 * 1024, code


async def test_a_pale_colour_is_refused_with_the_nearest_that_can_be_read(owner: httpx.AsyncClient, cast: Cast) -> None:
    answer = await post(owner, "/settings/branding", accent="#ffcc00", welcome_en="Kept words")
    assert answer.status_code == 422
    assert 'href="#accent"' in answer.text
    near = re.search(r"nearest that can be read: <b class=\"num\">(#[0-9a-f]{6})", " ".join(answer.text.split()))
    assert near
    assert 'value="Kept words"' in answer.text
    assert await DB.value("SELECT count(*) FROM brandings") == 0
    assert (await post(owner, "/settings/branding", accent=near[1])).status_code == 303
    assert f"--ac:{near[1]}" in (await captive(owner, cast)).text


@pytest.mark.parametrize(
    ("fields", "field"),
    [({"accent": "green"}, "accent"), ({"logo": b"no picture"}, "logo"), ({"welcome_sw": "x" * 161}, "welcome_sw")],
)
async def test_what_cannot_be_used_is_named(owner: httpx.AsyncClient, fields: dict[str, Any], field: str) -> None:
    answer = await post(owner, "/settings/branding", **fields)
    assert answer.status_code == 422
    assert f'href="#{field}"' in answer.text
    assert await DB.value("SELECT count(*) FROM brandings") == 0


async def test_a_logo_stays_until_it_is_taken_away(owner: httpx.AsyncClient, cast: Cast) -> None:
    await post(owner, "/settings/branding", logo=drawn())
    await post(owner, "/settings/branding", accent="#123456")
    assert "data:image/png" in (await captive(owner, cast)).text
    await post(owner, "/settings/branding", remove_logo="1")
    page = await captive(owner, cast)
    assert "data:image/png" not in page.text
    assert "--ac:#123456" not in page.text


async def test_a_huge_upload_is_refused_before_it_is_read(owner: httpx.AsyncClient) -> None:
    answer = await post(owner, "/settings/branding", logo=bytes(6 * 1024 * 1024))
    assert answer.status_code == 413
