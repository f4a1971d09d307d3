"""From an HTTP request to the API command it stands for, and from the answer to JSON. Pure; runs nothing.

Source: MikroTik manual, REST API; status codes and details of errors also from a survey of a 7.23 router.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any
from urllib.parse import parse_qsl, unquote

from routeros.simulator.exchange import Reply

PREFIX = "/rest"
_METHODS = frozenset({"GET", "PUT", "PATCH", "DELETE", "POST"})
_REASONS = {
    200: "OK",
    201: "Created",
    204: "No Content",
    400: "Bad Request",
    401: "Unauthorized",
    404: "Not Found",
    406: "Not Acceptable",
    415: "Unsupported Media Type",
    500: "Internal Server Error",
    501: "Not Implemented",
}
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|-?(?:0[xX][0-9a-fA-F]+|[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?)', re.DOTALL)
_NUMBER = re.compile(r"-?(?:0[xX][0-9a-fA-F]+|[0-9]+)\Z")


class RestError(Exception):
    """A request that fails with an HTTP status; `detail` is the router's sentence, "" for none."""

    def __init__(self, status: int, detail: str = "") -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail


class Shape(Enum):
    """What becomes of the command's answer."""

    LIST = auto()
    ONE = auto()
    CREATED = auto()
    CHANGED = auto()
    GONE = auto()
    ANY = auto()


@dataclass(frozen=True, slots=True)
class Order:
    """A command to run. `menu` and `item` say whose state CREATED and CHANGED show afterwards."""

    command: str
    arguments: dict[str, str]
    shape: Shape
    queries: tuple[str, ...] = ()
    proplist: tuple[str, ...] | None = None
    menu: str = ""
    item: str = ""


@dataclass(frozen=True, slots=True)
class Known:
    """What the router knows: whether a path is a menu of rows (True), of one set of properties (False), or none; and
    whether it is a path at all."""

    menu: Callable[[str], bool | None]
    is_path: Callable[[str], bool]


def parse(method: str, target: str, body: bytes, known: Known) -> Order:
    """Read a request below `/rest`. Raises RestError."""
    if method not in _METHODS:
        raise RestError(501)
    path, _, query = target.partition("?")
    path = unquote(path, errors="surrogateescape").removeprefix(PREFIX).rstrip("/")
    if method == "GET":
        return _read(path, query, known)
    given = _object(body)
    if method == "POST":
        return _command(path, given, known)
    values = {name: _text(value) for name, value in given.items()}
    if method == "PUT":
        if known.menu(path) is None:
            raise unknown_path(path, known)
        return Order(f"{path}/add", values, Shape.CREATED, menu=path)
    menu, _, item = path.rpartition("/")
    if known.menu(path) is not None:
        raise RestError(400, "missing or invalid resource identifier")
    if known.menu(menu) is None:
        raise unknown_path(path, known)
    if method == "DELETE":
        return Order(f"{menu}/remove", {".id": item}, Shape.GONE, menu=menu, item=item)
    return Order(f"{menu}/set", {**values, ".id": item}, Shape.CHANGED, menu=menu, item=item)


def _read(path: str, query: str, known: Known) -> Order:
    filters, proplist = list[str](), None
    for name, value in parse_qsl(query, keep_blank_values=True, errors="surrogateescape"):
        if name == ".proplist":
            proplist = tuple(filter(None, value.split(",")))
        else:
            filters.append(f"?{name}={value}")
    kind = known.menu(path)
    if kind is not None:
        shape = Shape.LIST if kind else Shape.ONE
        return Order(f"{path}/print", {}, shape, tuple(filters), proplist, menu=path)
    menu, _, item = path.rpartition("/")
    if known.menu(menu) is None or known.is_path(path):
        raise unknown_path(path, known)
    return Order(f"{menu}/print", {".id": item}, Shape.ONE, tuple(filters), proplist, menu=menu, item=item)


def _command(path: str, given: Mapping[str, Any], known: Known) -> Order:
    """A command of the API: `.proplist` and `.query` are its own, the rest are arguments."""
    values = dict(given)
    listed, asked = values.pop(".proplist", None), values.pop(".query", [])
    if isinstance(listed, str):
        listed = listed.split(",")
    if not isinstance(asked, list) or not (listed is None or isinstance(listed, list)):
        raise RestError(400, "bad request")
    if not known.is_path(path.rpartition("/")[0]) and path.count("/") > 1:
        raise unknown_path(path, known)
    proplist = None if listed is None else tuple(filter(None, (_text(name) for name in listed)))
    arguments = {name: _text(value) for name, value in values.items()}
    return Order(path, arguments, Shape.ANY, tuple(f"?{_text(word)}" for word in asked), proplist)


def unknown_path(path: str, known: Known) -> RestError:
    """The error of a path that leads nowhere: it names the first word the router does not know."""
    if known.is_path(path):
        return RestError(400, "no such command")
    done = ""
    for word in path.strip("/").split("/"):
        done += f"/{word}"
        if not known.is_path(done):
            return RestError(400, f"no such command or directory ({word})")
    return RestError(400, "no such command")


def _object(body: bytes) -> dict[str, Any]:
    """Read a JSON object; numbers come out as decimal text, also the octal and hexadecimal ones RouterOS takes."""
    if not body:
        return {}
    try:
        given = json.loads(_TOKEN.sub(_plain, body.decode("utf-8", "surrogateescape")))
    except ValueError as error:
        raise RestError(400, "bad request") from error
    if not isinstance(given, dict):
        raise RestError(400, "bad request")
    return given


def _plain(token: re.Match[str]) -> str:
    word = token[0]
    if word.startswith('"'):
        return word
    if not _NUMBER.match(word):
        return word if "e" not in word.lower() else "?"  # exponents are not supported, and "?" is no JSON
    digits = word.lstrip("-")
    is_octal = len(digits) > 1 and digits[0] == "0" and digits[1] not in "xX"
    try:
        return f'"{int(word, 8 if is_octal else 0)}"'
    except ValueError:  # an eight or a nine in an octal number
        return "?"


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None:
        return ""
    if isinstance(value, list):
        return ",".join(map(_text, value))
    if isinstance(value, dict):
        raise RestError(400, "bad request")
    return str(value)


def reply_json(status: int, content: object) -> Reply:
    """A JSON answer in the router's short form."""
    body = json.dumps(content, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "surrogateescape")
    return Reply(status, _REASONS[status], (("Content-Type", "application/json"),), body)


def reply_rows(rows: Iterable[Mapping[str, str]]) -> Reply:
    """A list of objects; `[]` for none."""
    return reply_json(200, [dict(row) for row in rows])


def reply_error(error: RestError) -> Reply:
    """The JSON of a failure."""
    reason = _REASONS[error.status]
    detail = {"detail": error.detail} if error.detail else {}
    return reply_json(error.status, {**detail, "error": error.status, "message": reason})
