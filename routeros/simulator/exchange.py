"""One HTTP request and its answer as plain values, shared by the hotspot servlet, the proxy and the stub internet.

No sockets and no parsing of bytes here (see `proxy.wire`).
"""

import re
from dataclasses import dataclass
from urllib.parse import parse_qsl

_MAX_FIELDS = 100
#: What a browser may have typed into an address but must never reach a header or a log line.
_CONTROL = re.compile(r"[\x00-\x20\x7f]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A request as the router sees it. `target` is the path with its query, always starting with `/` (or `*`);
    `host` is lower case without port or brackets; header names are lower case."""

    method: str
    host: str
    port: int = 80
    target: str = "/"
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    is_secure: bool = False

    @property
    def path(self) -> str:
        """The target without its query, still URL-encoded."""
        return self.target.partition("?")[0]

    @property
    def url(self) -> str:
        """The absolute URL the browser asked for, default port left out."""
        scheme, usual = ("https", 443) if self.is_secure else ("http", 80)
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = "" if self.port == usual else f":{self.port}"
        return _CONTROL.sub("", f"{scheme}://{host}{port}{self.target}")

    def header(self, name: str) -> str:
        """The first value of a header, empty when absent. `name` in any case."""
        wanted = name.lower()
        return next((value for key, value in self.headers if key == wanted), "")

    def parameters(self) -> dict[str, str]:
        """Query and form fields together; the form wins, the last of equal names wins. Bytes that are not UTF-8
        survive as surrogates. More than 100 fields raise ValueError."""
        fields = parse_qsl(self.target.partition("?")[2], True, max_num_fields=_MAX_FIELDS, errors="surrogateescape")
        if self.method == "POST" and self.header("content-type").startswith("application/x-www-form-urlencoded"):
            text = self.body.decode("latin-1")
            fields += parse_qsl(text, True, max_num_fields=_MAX_FIELDS, errors="surrogateescape")
        return dict(fields)


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer. `headers` without Content-Length and Connection: whoever writes it to a socket adds those."""

    status: int
    reason: str
    headers: tuple[tuple[str, str], ...]
    body: bytes


def plain_reply(status: int, reason: str, text: str) -> Reply:
    """A one-sentence HTML answer in UTF-8. `text` must already be safe as HTML."""
    page = f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{reason}</title></head>'
    page += f"<body><p>{text}</p></body></html>\n"
    return Reply(status, reason, (("Content-Type", "text/html; charset=utf-8"),), page.encode())
