"""Where M-Pesa speaks to us: results of pushes and of requests, payments by hand, and its question whether to take one.

Kept, answered, and no more; settling is the worker's. Below the framework's requests on purpose: no session, no dependencies and
no error page stand between a message and the disk. A right address never gets an error for what is sent to it; a message that can
be kept nowhere gets 503."""

import ipaddress
from functools import lru_cache

import msgspec
from litestar import asgi
from litestar.connection import ASGIConnection
from litestar.types import Receive, Scope, Send

from portal import faults
from portal.callbacks import MOST_BYTES, CallbackRoad, Checker, Intake, Kept, Message
from portal.callbacks.addresses import CONFIRMATION, RESULT, TIMEOUT, VALIDATION
from portal.config import Network, Settings
from portal.headers import client_address
from portal.mpesa.c2b import CONFIRMED, validation_answer
from portal.mpesa.fields import opaque_id
from portal.mpesa.loose_json import inner, read_object
from portal.spool import SpoolError

_ACCEPTED = b'{"ResultCode":0,"ResultDesc":"Accepted"}'
_NOTHING = b"There is nothing here.\n"
_ANSWERS = {CallbackRoad.C2B: msgspec.json.encode(CONFIRMED)}
_ROADS = {
    "": CallbackRoad.STK,
    CONFIRMATION: CallbackRoad.C2B,
    RESULT: CallbackRoad.RESULT,
    TIMEOUT: CallbackRoad.TIMEOUT,
    "airtel": CallbackRoad.AIRTEL,
    "paystack": CallbackRoad.PAYSTACK,
}
#: Where a provider's signature stands when it is not in the message itself.
_SIGNATURES = {CallbackRoad.PAYSTACK: b"x-paystack-signature"}
#: Of a longer message the rest is not even read.
_MOST_READ = 4 * MOST_BYTES


@asgi("/cb", is_mount=True, copy_scope=False)
async def callback(scope: Scope, receive: Receive, send: Send) -> None:
    """A message to an address we gave out: `/cb/<name>`, or `/cb/<name>/<use>`. 404 for one we did not: only counted."""
    name, _, use = scope["path"].strip("/").partition("/")
    if not _is_post(scope):
        await _answer(send, 405, b"", "text/plain")
    elif use == VALIDATION:
        await _check(scope, receive, send, name=name)
    elif use in _ROADS:
        await _take(scope, send, await _read(receive), road=_ROADS[use], name=name)
    else:
        await _answer(send, 404, _NOTHING, "text/plain")


@asgi("/api/webhooks/mpesa", copy_scope=False)
async def webhook(scope: Scope, receive: Receive, send: Send) -> None:
    """The address every attempt shares: the message itself names its attempt, so it proves nothing, whoever sends it."""
    if not _is_post(scope):
        await _answer(send, 405, b"", "text/plain")
        return
    body = await _read(receive)
    stk = inner(read_object(body), "Body", "stkCallback")
    name = opaque_id(stk.get("CheckoutRequestID")) or ""
    await _take(scope, send, body, road=CallbackRoad.WEBHOOK, name=name)


def _is_post(scope: Scope) -> bool:
    return scope["type"] == "http" and scope["method"] == "POST"


async def _take(scope: Scope, send: Send, body: bytes, *, road: CallbackRoad, name: str) -> None:
    faults.reach("callback.arrived")
    state = scope["litestar_app"].state
    settings: Settings = state["settings"]
    source = client_address(ASGIConnection(scope), settings.trusted_proxies)
    is_trusted = _is_listed(source, settings.mpesa_trusted_sources)
    intake: Intake = state["intake"]
    message = Message.of(
        road,
        name,
        body,
        source=source,
        is_trusted=is_trusted,
        now=state["clock"].now(),
        signature=_signature(scope, road),
    )
    try:
        kept = await intake.take(message)
    except SpoolError:
        kept = Kept.REFUSED
    faults.reach("callback.stored")
    if kept is Kept.REFUSED:
        await _answer(send, 503, b"This message could not be kept. Send it again.\n", "text/plain")
    elif kept is Kept.UNKNOWN:
        await _answer(send, 404, _NOTHING, "text/plain")
    else:
        await _answer(send, 200, _ANSWERS.get(road, _ACCEPTED), "application/json")


def _signature(scope: Scope, road: CallbackRoad) -> str:
    wanted = _SIGNATURES.get(road)
    return next((value.decode("latin-1") for name, value in scope["headers"] if name == wanted), "")


async def _check(scope: Scope, receive: Receive, send: Send, *, name: str) -> None:
    body = await _read(receive)
    state = scope["litestar_app"].state
    checker: Checker = state["checker"]
    verdict = await checker.check(name, body, now=state["clock"].now())
    if verdict is None:
        await _answer(send, 404, _NOTHING, "text/plain")
    else:
        await _answer(send, 200, msgspec.json.encode(validation_answer(verdict)), "application/json")


async def _read(receive: Receive) -> bytes:
    """The body, as far as it is kept and a little further, so that it shows that it was longer."""
    chunks: list[bytes] = []
    size = 0
    while size <= _MOST_READ:
        event = await receive()
        if event["type"] != "http.request":  # whoever sent it has gone; what came is all there is
            break
        chunks.append(event["body"])
        size += len(event["body"])
        if not event["more_body"]:
            break
    return b"".join(chunks)


@lru_cache(maxsize=1024)
def _is_listed(source: str, listed: tuple[Network, ...]) -> bool:
    try:
        address = ipaddress.ip_address(source)
    except ValueError:
        return False
    return any(address in network for network in listed)


async def _answer(send: Send, status: int, body: bytes, media: str) -> None:
    headers = [
        (b"content-type", media.encode()),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", b"no-store"),
    ]
    if status == 405:
        headers.append((b"allow", b"POST"))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": False})


ROUTES = [callback, webhook]
