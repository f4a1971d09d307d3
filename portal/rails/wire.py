"""One exchange with a provider over HTTP: what was asked, what came back, or how it was lost. No meaning is known here.

Bodies, keys and tokens are never logged; a request is never sent twice."""

import asyncio
import logging
import time
from collections.abc import Mapping

import httpx
import msgspec

from portal.mpesa import heard
from portal.mpesa.loose_json import JsonObject, inner, read_object

log = logging.getLogger(__name__)

#: Answers are below 20 KB; a list may be longer.
MOST_BYTES = 1024 * 1024
PATIENCE_S = 30.0
_TIMEOUT = httpx.Timeout(connect=5, read=20, write=10, pool=5)
_NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError, httpx.UnsupportedProtocol)


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """What came back. `status` 0: nothing did; `was_sent` says whether the provider may have the request."""

    status: int = 0
    body: JsonObject = {}
    is_object: bool = False
    was_sent: bool = True
    retry_after: float = 30.0

    def part(self, *names: str) -> JsonObject:
        """An object inside the answer; empty when it is absent or something else."""
        return inner(self.body, *names)


async def exchange(
    http: httpx.AsyncClient, method: str, url: str, *, rail: str, verb: str, headers: Mapping[str, str],
    body: Mapping[str, object] | None = None,
) -> Reply:  # fmt: skip
    """Send one request and read its answer, within half a minute altogether."""
    began, outcome = time.monotonic(), "lost"
    heard.nothing()
    content = None if body is None else msgspec.json.encode(body)
    sent = {"Accept": "application/json", "Accept-Encoding": "identity"} | dict(headers)
    if content is not None:
        sent["Content-Type"] = "application/json"
    try:
        async with asyncio.timeout(PATIENCE_S):
            request = http.build_request(method, url, headers=sent, content=content, timeout=_TIMEOUT)
            reply = await _read(http, request)
        outcome = str(reply.status)
        heard.status(reply.status)
    except _NEVER_SENT:
        outcome, reply = "not sent", Reply(was_sent=False)
    except (httpx.HTTPError, TimeoutError):
        reply = Reply()
    finally:
        took_ms = round((time.monotonic() - began) * 1000)
        log.info("%s %s", rail, verb, extra={"door": rail, "verb": verb, "outcome": outcome, "took_ms": took_ms})
    return reply


async def _read(http: httpx.AsyncClient, request: httpx.Request) -> Reply:
    response = await http.send(request, stream=True, follow_redirects=False)
    try:
        raw = bytearray()
        async for chunk in response.aiter_bytes():
            raw += chunk
            if len(raw) > MOST_BYTES:
                break
    finally:
        await response.aclose()
    found = read_object(bytes(raw), most=MOST_BYTES)
    return Reply(
        status=response.status_code, body=found or {}, is_object=found is not None,
        retry_after=_seconds(response.headers.get("retry-after", "")),
    )  # fmt: skip


def _seconds(text: str) -> float:
    return min(3600.0, float(text)) if text.isascii() and text.isdecimal() else 30.0
