"""One exchange with Daraja over HTTP: token, request, answer. No verb is known here, and no meaning of an answer.

Where a request cannot have been sent the error is MpesaBusy; a lost answer is a Failure, and the verb says what that means.
Bodies, keys and tokens are never logged.
"""

import asyncio
import base64
import logging
import time
from collections.abc import Callable, Mapping
from typing import Protocol, TypeVar

import httpx
import msgspec

from portal.clock import Clock
from portal.errors import MpesaBusy, MpesaConfig, MpesaError, MpesaUnknown
from portal.mpesa import heard, messages, sentences
from portal.mpesa.credentials import Fetch, MpesaApp, Token
from portal.mpesa.loose_json import MOST_BYTES
from portal.mpesa.refusals import Failure, Kind, error_of

T = TypeVar("T")

TOKEN_PATH = "/oauth/v1/generate"  # noqa: S105  (a path)

_TIMEOUT = httpx.Timeout(connect=5, read=20, write=10, pool=5)
# httpx counts its read timeout per chunk, so a slow drip would hold a request for ever without a limit on the whole.
PATIENCE_S = 30.0
_NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError, httpx.UnsupportedProtocol)

logger = logging.getLogger(__name__)


class Tokens(Protocol):
    """Where the shared token lives: in this process (TokenSource), or in the database for several."""

    async def current(self, app: MpesaApp, fetch: Fetch) -> str: ...

    async def replace(self, app: MpesaApp, fetch: Fetch, *, failed: str) -> str: ...


class Answer(msgspec.Struct, frozen=True):
    status: int
    headers: Mapping[str, str]
    raw: bytes


def harmless(failure: Failure, verb: str) -> MpesaError:
    """For requests that move nothing (token, questions): a lost answer only means asking again."""
    if failure.kind in {Kind.REFUSED, Kind.CONFIG, Kind.BAD_TOKEN, Kind.BUSY, Kind.ALREADY}:
        return told(failure, verb)
    return MpesaBusy(failure.code, failure.message, retry_after=failure.retry_after)


def told(failure: Failure, verb: str) -> MpesaError:
    """The exception for a failure, with our words for it."""
    return sentences.with_words(error_of(failure), verb)


class Wire:
    """The way to Daraja for one app. The HTTP client and the tokens are shared and belong to whoever made them."""

    def __init__(
        self, http: httpx.AsyncClient, app: MpesaApp, *, tokens: Tokens, clock: Clock, patience_s: float = PATIENCE_S
    ) -> None:
        self._http = http
        self._app = app
        self._tokens = tokens
        self._clock = clock
        self._patience_s = patience_s

    async def fetch_token(self) -> Token:
        """A new token; the one before stops working. MpesaConfig: wrong key, secret or environment; else MpesaBusy."""
        pair = base64.b64encode(f"{self._app.consumer_key}:{self._app.consumer_secret}".encode()).decode()
        path = f"{TOKEN_PATH}?grant_type=client_credentials"
        answer = await self._send("token", "GET", path=path, authorization=f"Basic {pair}", body=None)
        if isinstance(answer, Failure):
            raise harmless(answer, "token")
        read = messages.read_token(answer.status, answer.raw, headers=answer.headers, now=self._clock.now())
        if isinstance(read, Failure):
            raise harmless(read, "token")
        return read

    async def ensure_token(self) -> None:
        """Make sure the shared token lasts; fetches one only if need be. Raises as `fetch_token` does."""
        await self._tokens.current(self._app, self.fetch_token)

    async def ask(
        self, verb: str, path: str, *, body: Mapping[str, object], read: "Callable[..., T | Failure]",
        most_bytes: int = MOST_BYTES,
    ) -> T | Failure:  # fmt: skip
        """POST with the shared token; after a dead one, once more with its successor. MpesaConfig when that one is dead too."""
        token = await self._token(failed=None)
        found = await self._read(verb, path, body=body, token=token, read=read, most_bytes=most_bytes)
        if not isinstance(found, Failure) or found.kind is not Kind.BAD_TOKEN:
            return found
        token = await self._token(failed=token)
        found = await self._read(verb, path, body=body, token=token, read=read, most_bytes=most_bytes)
        if isinstance(found, Failure) and found.kind is Kind.BAD_TOKEN:
            words = f"{found.message}; does another system use the same app?"
            raise MpesaConfig(found.code, words, message=sentences.CONTESTED)
        return found

    async def _token(self, *, failed: str | None) -> str:
        try:
            if failed is None:
                return await self._tokens.current(self._app, self.fetch_token)
            return await self._tokens.replace(self._app, self.fetch_token, failed=failed)
        except (TimeoutError, MpesaUnknown) as error:
            # Without a token the request itself was not sent, so its outcome is not in doubt.
            raise MpesaBusy("token", "no token to be had", retry_after=15) from error

    async def _read(
        self, verb: str, path: str, *, body: Mapping[str, object], token: str, read: "Callable[..., T | Failure]",
        most_bytes: int,
    ) -> T | Failure:  # fmt: skip
        answer = await self._send(
            verb, "POST", path=path, authorization=f"Bearer {token}", body=body, most_bytes=most_bytes
        )
        if isinstance(answer, Failure):
            return answer
        found = read(answer.status, answer.raw, headers=answer.headers)
        if isinstance(found, Failure):
            logger.warning(
                "mpesa %s: %s", verb, found.kind.value, extra={"mpesa_code": found.code, "mpesa_text": found.message}
            )
        return found

    async def _send(
        self, verb: str, method: str, *, path: str, authorization: str, body: Mapping[str, object] | None,
        most_bytes: int = MOST_BYTES,
    ) -> Answer | Failure:  # fmt: skip
        """One exchange and its log line. A lost answer comes back as a Failure; MpesaBusy when nothing was sent."""
        started = time.monotonic()
        outcome = "cancelled"
        heard.nothing()
        try:
            async with asyncio.timeout(self._patience_s):
                answer = await self._exchange(
                    method, path, authorization=authorization, body=body, most_bytes=most_bytes
                )
            outcome = str(answer.status)
            heard.status(answer.status)
        except _NEVER_SENT as error:
            outcome = type(error).__name__
            raise MpesaBusy(outcome, "M-Pesa could not be reached", retry_after=15) from error
        except (httpx.RequestError, TimeoutError) as error:
            outcome = type(error).__name__
            return Failure(kind=Kind.UNKNOWN, code=outcome, message="the answer was lost")
        else:
            return answer
        finally:
            took_ms = round((time.monotonic() - started) * 1000)
            logger.info("mpesa %s", verb, extra={"door": "mpesa", "verb": verb, "outcome": outcome, "took_ms": took_ms})

    async def _exchange(
        self, method: str, path: str, *, authorization: str, body: Mapping[str, object] | None, most_bytes: int
    ) -> Answer:
        # Not compressed: a few bytes on the wire could otherwise unpack to more than our memory.
        headers = {"Authorization": authorization, "Accept": "application/json", "Accept-Encoding": "identity"}
        content = None
        if body is not None:
            # A form-encoded body is answered with "Invalid BusinessShortCode".
            headers["Content-Type"] = "application/json"
            content = msgspec.json.encode(body)
        request = self._http.build_request(
            method, f"{self._app.base_url}{path}", headers=headers, content=content, timeout=_TIMEOUT
        )
        response = await self._http.send(request, stream=True, follow_redirects=False)
        try:
            if response.headers.get("content-encoding", "identity") != "identity":
                raise httpx.DecodingError("compressed although asked not to", request=request)
            raw = bytearray()
            async for chunk in response.aiter_bytes():
                raw += chunk
                if len(raw) > most_bytes:
                    break
        finally:
            await response.aclose()
        return Answer(
            response.status_code, {name.lower(): value for name, value in response.headers.items()}, bytes(raw)
        )
