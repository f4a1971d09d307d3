"""`/tool/fetch`: HTTP requests through an injected fetcher; this module opens no connection by itself.

Arguments, limits, redirects, errors: MikroTik manual, Fetch. Error wording before 7.20 from field reports.
"""

from __future__ import annotations

import urllib.parse
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from routeros.simulator import traps, values
from routeros.simulator.calls import Answer
from routeros.simulator.scripting.jobs import settled
from routeros.simulator.wire import to_bytes, to_text

MOST_DATA = 65536
MOST_BODY_BESIDE_HEADERS = 20 * 1024
MOST_HEADERS = 44 * 1024
_MOST_FILE = 8 * 1024 * 1024
_REASONS = {
    200: "OK",
    301: "Moved Permanently",
    302: "Found",
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    409: "Conflict",
    410: "Gone",
    413: "Payload Too Large",
    422: "Unprocessable Entity",
    429: "Too Many Requests",
    500: "Internal Server Error",
    502: "Bad Gateway",
    503: "Service Unavailable",
}


@dataclass(frozen=True, slots=True)
class FetchRequest:
    """What a script asks for. `verifies` says whether the server's certificate is to be checked."""

    url: str
    method: str = "GET"
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    verifies: bool = False

    @property
    def is_secure(self) -> bool:
        """Say whether the request goes over TLS."""
        return self.url.startswith("https://")


@dataclass(frozen=True, slots=True)
class FetchReply:
    """What the server answered."""

    status: int = 200
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()
    reason: str = ""

    def header(self, name: str) -> str:
        """Return a header's value, empty when it is not there."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), "")


class FetchFailed(Exception):  # noqa: N818  (the router's word for it)
    """No answer: `words` as the router says it, e.g. `connection refused` or `connection timeout`."""

    def __init__(self, words: str) -> None:
        super().__init__(words)
        self.words = words


Fetcher = Callable[[FetchRequest], FetchReply | Awaitable[FetchReply]]


def no_network(_request: FetchRequest) -> FetchReply:
    """Serve as the fetcher of a router whose uplink is down."""
    raise FetchFailed("connection timeout")


@dataclass(slots=True)
class Fetch:
    """Runs `/tool/fetch`. `trusts_any` says whether some certificate authority can be trusted; `year` the wall clock's."""

    version: tuple[int, ...]
    fetcher: Fetcher
    is_allowed: Callable[[], bool]
    trusts_any: Callable[[], bool]
    year: Callable[[], int]
    write: Callable[[str, str], None] = field(repr=False)

    async def run(self, arguments: Mapping[str, str]) -> Answer:
        """Fetch and keep the result as asked. Raises Trap."""
        if not self.is_allowed():
            raise traps.device_mode()
        request = self._request(arguments)
        reply = await self._follow(request, _redirects(arguments))
        if not 200 <= reply.status < 300:
            raise traps.Trap(self._refused(reply, request))
        row = {
            "status": "finished",
            "downloaded": str(len(reply.body) // 1024),
            "total": str(len(reply.body) // 1024),
            "duration": "1s",
        }
        output = arguments.get("output", "file")
        if output in {"user", "user-with-headers"}:
            row |= _kept(reply, with_headers=output != "user")
        elif output == "file" and _flag(arguments, "keep-result", default=True):
            if len(reply.body) > _MOST_FILE:
                raise traps.Trap("failure: not enough space on device")
            name = arguments.get("dst-path") or request.url.partition("?")[0].rpartition("/")[2] or "index.html"
            self.write(name, to_text(reply.body))
        elif output not in {"file", "none"}:
            raise traps.no_match("output")
        return Answer([row])

    def _request(self, arguments: Mapping[str, str]) -> FetchRequest:
        data = to_bytes(arguments.get("http-data", ""))
        if len(data) > MOST_DATA:
            raise traps.Trap("failure: http-data is too long")
        method = arguments.get("http-method", "post" if data and self.version < (7,) else "get")
        if method not in {"get", "post", "put", "delete", "head", "patch"}:
            raise traps.no_match("http-method")
        url = _url(arguments)
        if not url.startswith(("http://", "https://")):
            raise traps.Trap("failure: the simulator fetches http and https only")
        check = arguments.get("check-certificate", "no")
        if check not in {"yes", "no", "yes-without-crl", "true", "false"}:
            raise traps.invalid_value("check-certificate")
        headers = _headers(arguments.get("http-header-field", ""))
        request = FetchRequest(url, method.upper(), headers, data, check not in {"no", "false"})
        if request.is_secure and request.verifies:
            if not self.trusts_any():
                raise traps.Trap("failure: SSL: handshake failed: unable to get local issuer certificate (6)")
            if self.year() < 2000:
                raise traps.Trap("failure: SSL: handshake failed: certificate is not yet valid (6)")
        return request

    async def _follow(self, request: FetchRequest, left: int) -> FetchReply:
        while True:
            try:
                reply = await settled(self.fetcher(request))
            except FetchFailed as reason:
                raise traps.Trap(f"failure: {reason.words}") from None
            target = reply.header("Location")
            if reply.status not in {301, 302, 303, 307, 308} or not target or left <= 0:
                return reply
            left -= 1
            url = urllib.parse.urljoin(request.url, target)
            keeps = reply.status in {307, 308}
            method, body = (request.method, request.body) if keeps else ("GET", b"")
            request = FetchRequest(url, method, request.headers, body, request.verifies)

    def _refused(self, reply: FetchReply, request: FetchRequest) -> str:
        reason = reply.reason or _REASONS.get(reply.status, "")
        if self.version >= (7, 20):
            return f"failure: Status {reply.status}, {reason}"
        host = urllib.parse.urlsplit(request.url)
        port = host.port or (443 if request.is_secure else 80)
        return f"failure: closing connection: <{reply.status} {reason}> {host.hostname}:{port} (4)"


def _url(arguments: Mapping[str, str]) -> str:
    if url := arguments.get("url", ""):
        return url if "://" in url else f"{arguments.get('mode', 'http')}://{url}"
    if not arguments.get("address"):
        raise traps.missing_value("address")
    port = f":{arguments['port']}" if "port" in arguments else ""
    path = arguments.get("src-path", "").lstrip("/")
    return f"{arguments.get('mode', 'http')}://{arguments.get('host') or arguments['address']}{port}/{path}"


def _headers(text: str) -> tuple[tuple[str, str], ...]:
    """Read `h1:fff,h2:yyy`; a comma inside a value is written with a backslash before it."""
    pieces = text.replace("\\\\,", "\0").replace("\\,", "\0").split(",") if text else []
    pairs = [piece.replace("\0", ",").partition(":") for piece in pieces]
    return tuple((name.strip(), value.strip()) for name, _, value in pairs if name.strip())


def _kept(reply: FetchReply, *, with_headers: bool) -> dict[str, str]:
    most = MOST_BODY_BESIDE_HEADERS if with_headers else MOST_DATA
    headers = ";".join(f"{name}: {value}" for name, value in reply.headers)
    if len(reply.body) > most or (with_headers and len(headers) > MOST_HEADERS):
        raise traps.Trap("failure: output data is too long for a variable")
    return {"data": to_text(reply.body)} | ({"http-headers": headers} if with_headers else {})


def _redirects(arguments: Mapping[str, str]) -> int:
    text = arguments.get("http-max-redirect-count", "2")
    if not text.isdigit():
        raise traps.invalid_value("http-max-redirect-count")
    return min(int(text), 20)


def _flag(arguments: Mapping[str, str], name: str, *, default: bool) -> bool:
    try:
        return values.parse_bool(arguments[name]) if name in arguments else default
    except ValueError:
        raise traps.invalid_value(name) from None
