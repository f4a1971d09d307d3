"""The captive browser of a demo phone, shown in a frame: `/phone/<n>/…` fetches through that phone's hotspot.

Only the demo has this: it drops what the portal says about frames, so that the phone can be shown beside the rest.
Redirects are followed by the frame itself; cookies stay on our side, with the phone.
"""

import html
from collections.abc import Mapping
from typing import Annotated, Any

import httpx
from litestar import Request, Response, get, post
from litestar.params import Dependency

from portal.demo.boards import PAGES
from portal.demo.cast import FIRST_PAGE
from portal.demo.phones import DemoPhone, Phones
from portal.demo.rewriting import gateway_path, inside, outer_url, relax_policy, rewrite_page, typed_url

AnyRequest = Request[Any, Any, Any]
AllPhones = Annotated[Phones, Dependency(skip_validation=True)]

_AGENT = "Mozilla/5.0 (Linux; Android 13; Pixel 6a) AppleWebKit/537.36 Chrome/126.0.0.0 Mobile Safari/537.36"
_ASKED = ("accept", "accept-language", "content-type")
_TOLD = ("content-type", "cache-control", "retry-after", "x-content-type-options", "referrer-policy")
_LARGEST = 1024 * 1024
_UNREACHABLE = (PAGES / "unreachable.html").read_text(encoding="utf-8")


@get("/phone/{number:int}")
async def open_browser(phones: AllPhones, number: int) -> Response[bytes]:
    """What a phone does that has just joined: it opens a page somewhere, to see whether it gets there."""
    phone = phones.one(number)
    return _to(gateway_path(f"/phone/{phone.number}", FIRST_PAGE))


@get("/phone/{number:int}/go")
async def go(request: AnyRequest, phones: AllPhones, number: int) -> Response[bytes]:
    """The address bar."""
    phone = phones.one(number)
    return _to(gateway_path(f"/phone/{phone.number}", typed_url(request.query_params.get("url", ""))))


@get("/phone/{number:int}/{rest:path}")
async def fetch(request: AnyRequest, phones: AllPhones, number: int, rest: str) -> Response[bytes]:
    """A page, through the phone's Wi-Fi."""
    return await _through(request, phones, phones.one(number), rest)


@post("/phone/{number:int}/{rest:path}", status_code=200)
async def send(request: AnyRequest, phones: AllPhones, number: int, rest: str) -> Response[bytes]:
    """A form, through the phone's Wi-Fi."""
    return await _through(request, phones, phones.one(number), rest)


async def _through(request: AnyRequest, phones: Phones, phone: DemoPhone, rest: str) -> Response[bytes]:
    prefix = f"/phone/{phone.number}"
    url = outer_url(_as_sent(request, prefix) or rest)
    if url is None:
        return _to(prefix)
    browser = await phones.browser(phone)
    headers = {name: request.headers[name] for name in _ASKED if name in request.headers}
    body = await request.body() if request.method == "POST" else None
    try:
        met = await browser.request(request.method, url, headers={**headers, "user-agent": _AGENT}, content=body)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        return unreachable(url, type(error).__name__)
    return _shown(met, prefix=prefix, base=str(url))


def _as_sent(request: AnyRequest, prefix: str) -> str:
    """The path below the prefix with its query, escapes as the browser wrote them."""
    raw: bytes = request.scope.get("raw_path", b"")
    path = raw.decode("latin-1").partition("?")[0].removeprefix(prefix)
    query = request.scope["query_string"].decode("latin-1")
    return f"{path}?{query}" if query else path


def _shown(met: httpx.Response, *, prefix: str, base: str) -> Response[bytes]:
    headers = _headers(met.headers)
    if "location" in met.headers:
        headers["location"] = inside(prefix, met.headers["location"], base=base)
    content = met.content[:_LARGEST]
    if met.headers.get("content-type", "").startswith("text/html"):
        content = rewrite_page(met.text[:_LARGEST], prefix=prefix, base=base).encode()
        headers["content-type"] = "text/html; charset=utf-8"
    return Response(content, status_code=met.status_code, headers=headers)


def _headers(told: Mapping[str, str]) -> dict[str, str]:
    kept = {name: told[name] for name in _TOLD if name in told}
    policy = relax_policy(told.get("content-security-policy", ""))
    if policy:
        kept["content-security-policy"] = policy
    return {**kept, "cache-control": "no-store"}


def unreachable(url: str, reason: str) -> Response[bytes]:
    """What a browser shows when it gets nowhere."""
    page = _UNREACHABLE.replace("URL", html.escape(url)).replace("REASON", html.escape(reason))
    headers = {"content-type": "text/html; charset=utf-8", "cache-control": "no-store"}
    return Response(page.encode(), status_code=502, headers=headers)


def _to(path: str) -> Response[bytes]:
    return Response(b"", status_code=303, headers={"location": path, "cache-control": "no-store"})


HANDLERS = [open_browser, go, fetch, send]
