"""The door of the API: who asks, by a bearer token and nothing else; how often; a request sent twice is done once; what is unchanged
is not sent again. No cookie is read or set, so no other site's page can ask in anybody's name, and forms need no token of their own."""

import hashlib
from collections.abc import Sequence
from typing import Any

from litestar import Request, Response
from litestar.connection import ASGIConnection
from litestar.datastructures import Headers
from litestar.handlers import BaseRouteHandler
from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, HTTPReceiveMessage, Message, Receive, Scope, Send

from portal import api_answers, api_tokens, whence
from portal.api_answers import Answer, Taken
from portal.api_tokens import Caller
from portal.clock import Clock
from portal.controllers.api.problems import Fault, Refusal
from portal.headers import client_address
from portal.vault import Vault

AnyRequest = Request[Any, Any, Any]
_CALLER = "vocha_caller"
_CHANGES = frozenset({"POST", "PUT", "PATCH", "DELETE"})
#: Headers of an answer worth repeating with it.
_REPEATED = ("content-type", "location", "retry-after")
#: Answers that may come out otherwise the next time, so the same request may be tried again under its key.
_NOT_KEPT = frozenset({401, 403, 429})
KEY_HEADER, REPLAYED_HEADER = "idempotency-key", "idempotent-replayed"


class Door(ASGIMiddleware):
    """Around every handler that needs a token."""

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        """Let in who has a token; see to it that what was done is not done again."""
        request: AnyRequest = Request(scope, receive=receive)
        address = client_address(request, request.app.state["settings"].trusted_proxies)
        caller = await _who(request, address)
        scope["state"][_CALLER] = caller
        with whence.by_token(caller.token_id, address):
            await _let_in(request, caller, send, next_app)


async def _let_in(request: AnyRequest, caller: Caller, send: Send, next_app: ASGIApp) -> None:
    name = request.headers.get(KEY_HEADER)
    if request.method in _CHANGES:
        _only_json(request)
        if name is not None:
            await _once(request, caller, name, send, next_app)
            return
    if request.method == "GET" and not request.scope["route_handler"].opt.get("streams"):
        send = _marked(request, send)
    await next_app(request.scope, request.receive, send)


async def _who(request: AnyRequest, address: str) -> Caller:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    clock: Clock = request.app.state["clock"]
    if scheme.lower() != "bearer" or not token:
        raise Refusal(401, "Send the header Authorization: Bearer, then a token.", headers={"www-authenticate": _REALM})
    caller = await api_tokens.caller_of(token.strip(), address=address, now=clock.now())
    if caller is None:
        wrong = 'Bearer realm="vocha", error="invalid_token"'
        raise Refusal(401, "This token does not work, or does not work any more.", headers={"www-authenticate": wrong})
    return caller


_REALM = 'Bearer realm="vocha"'


def _only_json(request: AnyRequest) -> None:
    length = request.headers.get("content-length", "0")
    if length == "0" and "transfer-encoding" not in request.headers:
        return
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise Refusal(415, "Send the body as application/json.", headers={"accept": "application/json"})


async def json_only(connection: ASGIConnection[Any, Any, Any, Any], _handler: BaseRouteHandler) -> None:
    """A guard: what has a body has a JSON one."""
    if isinstance(connection, Request) and connection.method in _CHANGES:
        _only_json(connection)


def caller_of(request: AnyRequest) -> Caller:
    """Dependency `caller`: who asks."""
    return request.scope["state"][_CALLER]


def form_key(request: AnyRequest, caller: Caller) -> str | None:
    """The Idempotency-Key as forms have one: should we die before the answer is kept, the same request still makes nothing twice."""
    name = request.headers.get(KEY_HEADER)
    return hashlib.sha256(f"api {caller.token_id} {name}".encode()).hexdigest()[:40] if name else None


def needs(scope: api_tokens.Scope) -> Any:
    """A guard: the token is for this."""

    async def guard(connection: ASGIConnection[Any, Any, Any, Any], _handler: BaseRouteHandler) -> None:
        caller: Caller = connection.scope["state"][_CALLER]
        if scope not in caller.scopes:
            told = f'Bearer realm="vocha", error="insufficient_scope", scope="{scope.value}"'
            raise Refusal(403, f"This token is not for {scope.value}.", headers={"www-authenticate": told})

    guard.__doc__ = scope.value
    return guard


async def _once(request: AnyRequest, caller: Caller, name: str, send: Send, next_app: ASGIApp) -> None:
    """Do it, or say again what came of it."""
    if not 1 <= len(name) <= api_answers.LONGEST_KEY or not (name.isascii() and name.isprintable()):
        raise Refusal(400, "An Idempotency-Key has 1 to 255 plain characters.")
    clock: Clock = request.app.state["clock"]
    vault: Vault = request.app.state["vault"]
    body = await request.body()
    begun = await api_answers.begin(caller.token_id, name, _hash(request, body), vault=vault, now=clock.now())
    if begun is Taken.ANOTHER:
        wrong = Fault(detail="This key came with another request before.", parameter="Idempotency-Key")
        raise Refusal(422, "Use a new Idempotency-Key for a new request.", errors=[wrong])
    if begun is Taken.AT_WORK:
        raise Refusal(409, "The first request with this key is still being worked on.", headers={"retry-after": "1"})
    if isinstance(begun, Answer):
        told = {**begun.headers, "cache-control": "no-store", REPLAYED_HEADER: "true"}
        await Response(begun.raw, status_code=begun.status, headers=told).to_asgi_response(None, request)(
            request.scope, request.receive, send
        )
    else:
        await _keep(begun.answer_id, request, body, send, next_app, vault=vault)


async def _keep(
    answer_id: int, request: AnyRequest, body: bytes, send: Send, next_app: ASGIApp, *, vault: Vault
) -> None:
    """Do it and keep the answer before it goes out: who does not get it may ask for it again."""
    messages: list[Message] = []

    async def hold(message: Message) -> None:
        messages.append(message)

    try:
        await next_app(request.scope, _replayed(body), hold)
        status, headers, answer = _whole(messages)
        if status >= 500 or status in _NOT_KEPT:
            await api_answers.forget(answer_id)
        else:
            kept = {key: headers[key] for key in _REPEATED if key in headers}
            await api_answers.keep(answer_id, status, headers=kept, body=answer, vault=vault)
    except BaseException:
        await api_answers.forget(answer_id)
        raise
    for message in messages:
        await send(message)


def _replayed(body: bytes) -> Receive:
    """The body once more, for whoever reads it next."""
    parts: list[HTTPReceiveMessage] = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> HTTPReceiveMessage:
        return parts.pop(0) if parts else {"type": "http.disconnect"}

    return receive


def _hash(request: AnyRequest, body: bytes) -> bytes:
    named = f"{request.method} {request.scope['path']}?{request.scope['query_string'].decode('latin-1')}\n"
    return hashlib.sha256(named.encode() + body).digest()


def _whole(messages: Sequence[Message]) -> tuple[int, Headers, bytes]:
    start = next(message for message in messages if message["type"] == "http.response.start")
    body = b"".join(message.get("body", b"") for message in messages if message["type"] == "http.response.body")
    return start["status"], Headers(start["headers"]), body


def _marked(request: AnyRequest, send: Send) -> Send:
    """Send an answer with its ETag, or 304 when the far side has it already."""
    held: list[Message] = []

    async def finish(message: Message) -> None:
        held.append(message)
        if message["type"] != "http.response.body" or message.get("more_body"):
            return
        status, _, body = _whole(held)
        start = held[0]
        if status == 200 and start["type"] == "http.response.start":
            mark = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
            start["headers"] = [*start["headers"], (b"etag", mark.encode()), (b"vary", b"authorization")]
            if mark in [one.strip().removeprefix("W/") for one in request.headers.get("if-none-match", "").split(",")]:
                start["status"], held[1:] = 304, [{"type": "http.response.body", "body": b"", "more_body": False}]
                unsent = (b"content-length", b"content-type")
                start["headers"] = [pair for pair in start["headers"] if pair[0].lower() not in unsent]
        for each in held:
            await send(each)

    return finish
