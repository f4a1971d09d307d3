"""Door 1, M-Pesa: Daraja over HTTP. One request per verb, no retry but one after a dead token; jobs repeat, not doors.

Where a request cannot have been sent the error is MpesaBusy; where it may have been carried out, MpesaUnknown. Bodies,
keys and tokens are never logged.
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
from portal.mpesa import messages
from portal.mpesa.credentials import Fetch, MpesaApp, Token
from portal.mpesa.loose_json import MOST_BYTES
from portal.mpesa.messages import PushAccepted, QueryAnswer
from portal.mpesa.refusals import Failure, Kind, error_of

T = TypeVar("T")

TOKEN_PATH = "/oauth/v1/generate"  # noqa: S105  (a path)
PUSH_PATH = "/mpesa/stkpush/v1/processrequest"
QUERY_PATH = "/mpesa/stkpushquery/v1/query"

_TIMEOUT = httpx.Timeout(connect=5, read=20, write=10, pool=5)
# httpx counts its read timeout per chunk, so a slow drip would hold a request for ever without a limit on the whole.
_PATIENCE_S = 30.0
_NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError, httpx.UnsupportedProtocol)

logger = logging.getLogger(__name__)


class Tokens(Protocol):
    """Where the shared token lives: in this process (TokenSource), or in the database for several."""

    async def current(self, app: MpesaApp, fetch: Fetch) -> str: ...

    async def replace(self, app: MpesaApp, fetch: Fetch, *, failed: str) -> str: ...


class _Answer(msgspec.Struct, frozen=True):
    status: int
    headers: Mapping[str, str]
    raw: bytes


class Daraja:
    """One M-Pesa app. Cheap to build; the HTTP client and the tokens are shared and belong to whoever made them."""

    def __init__(
        self, http: httpx.AsyncClient, app: MpesaApp, *, tokens: Tokens, clock: Clock, patience_s: float = _PATIENCE_S
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
            raise _harmless(answer)
        read = messages.read_token(answer.status, answer.raw, headers=answer.headers, now=self._clock.now())
        if isinstance(read, Failure):
            raise _harmless(read)
        return read

    async def ensure_token(self) -> None:
        """Make sure the shared token lasts; fetches one only if need be. Raises as `fetch_token` does."""
        await self._tokens.current(self._app, self.fetch_token)

    async def push(
        self, *, phone: str, amount_cents: int, reference: str, description: str, callback_url: str
    ) -> PushAccepted:
        """Ask for a prompt on a phone. Not repeatable: Daraja has no idempotency key, a second call is a second prompt.

        Commit the attempt before calling: the callback may be here before the answer. MpesaRefused and MpesaConfig:
        nothing was started; MpesaPromptOpen: the phone shows another one; MpesaBusy: nothing was started, send the same
        attempt again later; MpesaUnknown: it may have been started, ask by query and wait for the callback.
        """
        body = messages.push_body(
            self._app,
            phone=phone,
            amount_cents=amount_cents,
            reference=reference,
            description=description,
            callback_url=callback_url,
            at=self._clock.now(),
        )
        read = await self._ask("push", PUSH_PATH, body=body, read=messages.read_push)
        if isinstance(read, Failure):
            raise error_of(read)
        return read

    async def query(self, checkout_request_id: str) -> QueryAnswer:
        """What became of a push; repeatable, but limited (seen: five a minute). Pending and unknown are answers.

        MpesaBusy: no answer, ask again later; MpesaConfig, MpesaRefused: our settings or the id's form are wrong.
        """
        body = messages.query_body(self._app, checkout_request_id=checkout_request_id, at=self._clock.now())
        read = await self._ask("query", QUERY_PATH, body=body, read=messages.read_query)
        if isinstance(read, Failure):
            raise _harmless(read)
        if read.checkout_request_id not in {"", checkout_request_id}:
            raise MpesaBusy("wrong answer", "the answer is about another request")
        return read

    async def _ask(
        self, verb: str, path: str, *, body: Mapping[str, object], read: "Callable[..., T | Failure]"
    ) -> T | Failure:
        """POST with the shared token; after a dead one, once more with its successor."""
        token = await self._token(failed=None)
        found = await self._read(verb, path, body=body, token=token, read=read)
        if not isinstance(found, Failure) or found.kind is not Kind.BAD_TOKEN:
            return found
        token = await self._token(failed=token)
        found = await self._read(verb, path, body=body, token=token, read=read)
        if isinstance(found, Failure) and found.kind is Kind.BAD_TOKEN:
            raise MpesaConfig(found.code, f"{found.message}; does another system use the same app?")
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
        self, verb: str, path: str, *, body: Mapping[str, object], token: str, read: "Callable[..., T | Failure]"
    ) -> T | Failure:
        answer = await self._send(verb, "POST", path=path, authorization=f"Bearer {token}", body=body)
        if isinstance(answer, Failure):
            return answer
        found = read(answer.status, answer.raw, headers=answer.headers)
        if isinstance(found, Failure):
            logger.warning(
                "mpesa %s: %s", verb, found.kind.value, extra={"mpesa_code": found.code, "mpesa_text": found.message}
            )
        return found

    async def _send(
        self, verb: str, method: str, *, path: str, authorization: str, body: Mapping[str, object] | None
    ) -> _Answer | Failure:
        """One exchange and its log line. A lost answer comes back as a Failure; MpesaBusy when nothing was sent."""
        started = time.monotonic()
        outcome = "cancelled"
        try:
            async with asyncio.timeout(self._patience_s):
                answer = await self._exchange(method, path, authorization=authorization, body=body)
            outcome = str(answer.status)
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
        self, method: str, path: str, *, authorization: str, body: Mapping[str, object] | None
    ) -> _Answer:
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
                if len(raw) > MOST_BYTES:
                    break
        finally:
            await response.aclose()
        return _Answer(
            response.status_code, {name.lower(): value for name, value in response.headers.items()}, bytes(raw)
        )


def _harmless(failure: Failure) -> MpesaError:
    """For requests that change nothing for the payer (token, query): a lost answer only means asking again."""
    if failure.kind in {Kind.REFUSED, Kind.CONFIG, Kind.BAD_TOKEN, Kind.BUSY}:
        return error_of(failure)
    return MpesaBusy(failure.code, failure.message, retry_after=failure.retry_after)
