"""The hotspot servlet's page language: `$(var)`, `-esc`, if/elif/else, and the two setters dressed as conditions.

Text in, text out: it knows nothing of hotspots, files or sockets (see `servlet`), and escapes nothing, as the real
one does not. Source: MikroTik manual, HotSpot customisation, "Variables" and "Redirects and custom Headers".
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import quote_plus

# A quoted value inside a tag may hold parentheses: $(if user-agent == "Mozilla/5.0 (Android; Mobile)").
_TAG = re.compile(r"""\$\(((?:"[^"\r\n]*"|'[^'\r\n]*'|[^()"'\r\n])*)\)""")
_NAME = re.compile(r"[A-Za-z0-9_-]+\Z")
_CONDITION = re.compile(r"([A-Za-z0-9_-]+)\s*(?:(==|!=)\s*(.*?))?\Z", re.DOTALL)
_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+\Z")
#: The manual gives these a value even where RADIUS said nothing.
_RADIUS_NUMBER = re.compile(r"radius[0-9]+(?:-[0-9]+)?u")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]+")
_SETTERS = ("http-status", "http-header")


@dataclass(slots=True)
class Rendered:
    """A page after rendering. `status` is 200 and `reason` "OK" unless the page set them; `headers` only hold what
    the page set, the last value of each name (names keep the page's spelling)."""

    body: str
    status: int = 200
    reason: str = "OK"
    headers: dict[str, str] = field(default_factory=dict[str, str])


@dataclass(slots=True)
class _Branch:
    """One open `$(if)`. `live` is whether the text around it is shown, `taken` whether a branch already was."""

    live: bool
    taken: bool = False
    shown: bool = False
    setter: tuple[str, str] | None = None
    text: list[str] = field(default_factory=list[str])


def render(page: str, variables: Mapping[str, str]) -> Rendered:
    """Fill `page`. Unknown variables are empty; names are case sensitive; what does not look like a tag stays as it is.

    `$(name-esc)` is `$(name)` URL-encoded (a space becomes `+`). Values are never read as templates again.
    An `$(if)` left open is closed at the end; a stray `$(else)` or `$(endif)` vanishes (both inferred).
    """
    page_state = _Page(variables)
    position = 0
    for tag in _TAG.finditer(page):
        page_state.write(page[position : tag.start()])
        page_state.obey(tag.group(1).strip(), tag.group(0))
        position = tag.end()
    page_state.write(page[position:])
    return page_state.finish()


def escape(value: str) -> str:
    """`value` as the `-esc` suffix writes it: "123&456=1 2" becomes "123%26456%3D1+2" (the manual's example)."""
    return quote_plus(value, encoding="utf-8", errors="surrogateescape")


def octal(value: bytes) -> str:
    """Bytes as `chap-id` and `chap-challenge` show them: a backslash and three octal digits for every byte."""
    return "".join(f"\\{byte:03o}" for byte in value)


class _Page:
    def __init__(self, variables: Mapping[str, str]) -> None:
        self._variables = variables
        self._branches: list[_Branch] = []
        self._out: list[str] = []
        self._result = Rendered("")

    def write(self, text: str) -> None:
        if not text or (self._branches and not self._branches[-1].shown):
            return
        for branch in reversed(self._branches):
            if branch.setter:
                branch.text.append(text)
                return
        self._out.append(text)

    def obey(self, tag: str, raw: str) -> None:
        word, _, rest = tag.partition(" ")
        if word == "if":
            self._branches.append(_Branch(live=not self._branches or self._branches[-1].shown))
            self._choose(rest.strip())
        elif word == "elif" and self._branches:
            self._close_setter()
            self._choose(rest.strip())
        elif tag == "else" and self._branches:
            self._close_setter()
            branch = self._branches[-1]
            branch.shown, branch.taken = branch.live and not branch.taken, True
        elif tag == "endif" and self._branches:
            self._close_setter()
            self._branches.pop()
        elif word not in {"elif", "else", "endif"}:
            self.write(self._value(tag) if _NAME.match(tag) else raw)

    def finish(self) -> Rendered:
        while self._branches:
            self._close_setter()
            self._branches.pop()
        self._result.body = "".join(self._out)
        return self._result

    def _choose(self, condition: str) -> None:
        branch = self._branches[-1]
        match = _CONDITION.match(condition)
        name, operator, value = match.groups() if match else ("", None, None)
        wanted = _unquoted(value or "")
        if name in _SETTERS and operator == "==":
            holds, branch.setter = True, (name, wanted)
        elif operator == "==":
            holds = self._value(name) == wanted
        else:  # no operator is the same as != ""
            holds = self._value(name) != wanted
        branch.shown = branch.live and not branch.taken and holds
        branch.taken = branch.taken or holds

    def _close_setter(self) -> None:
        branch = self._branches[-1]
        setter, shown, text = branch.setter, branch.shown, "".join(branch.text)
        branch.setter, branch.text = None, []
        if not setter or not shown:
            return
        name, wanted = setter
        # A variable may carry a decoded line break; it must not become a second header.
        value = _CONTROL.sub(" ", text).strip()
        if name == "http-header" and _HEADER_NAME.match(wanted):
            for known in [known for known in self._result.headers if known.lower() == wanted.lower()]:
                del self._result.headers[known]
            self._result.headers[wanted] = value
        elif name == "http-status" and re.fullmatch(r"[2-9][0-9]{2}", wanted):
            self._result.status, self._result.reason = int(wanted), value

    def _value(self, name: str) -> str:
        if name in self._variables:
            return self._variables[name]
        if name.endswith("-esc"):
            return escape(self._variables.get(name[: -len("-esc")], ""))
        return "0" if _RADIUS_NUMBER.fullmatch(name) else ""


def _unquoted(value: str) -> str:
    value = value.strip()
    if len(value) > 1 and value[0] == value[-1] and value[0] in "\"'":
        return value[1:-1]
    return value
