"""Links inside the gateway: how an address of the phone's world is spelled as a path of ours, and pages made to fit. Pure.

`http://news.example/a?b` is `/phone/1/http/news.example/a?b`: path and query stay as they are, so relative links need
no touch; absolute ones, forms and refreshes in a page, and Location, are spelled anew.
"""

import html
import re
from html.parser import HTMLParser
from urllib.parse import urljoin, urlsplit

_ADDRESSES = frozenset({"href", "src", "action", "formaction", "poster"})
_ATTRIBUTE = re.compile(r"""([^\s"'<>/=]+)(\s*=\s*)("[^"]*"|'[^']*'|[^\s"'=<>`]+)""")
_REFRESH = re.compile(r"""(\s*[0-9.]+\s*[;,]\s*)(?:url\s*=\s*)?(["']?)(.*?)\2\s*\Z""", re.IGNORECASE | re.DOTALL)
_FRAMING = ("frame-ancestors", "frame-src", "child-src")


def gateway_path(prefix: str, url: str) -> str:
    """Spell an absolute http or https address under `prefix`, such as "/phone/1"; others stay what they are."""
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.netloc:
        return url
    query = f"?{parts.query}" if parts.query else ""
    fragment = f"#{parts.fragment}" if parts.fragment else ""
    return f"{prefix}/{parts.scheme}/{parts.netloc}{parts.path or '/'}{query}{fragment}"


def outer_url(rest: str) -> str | None:
    """The address behind a gateway path without its prefix, "http/news.example/a?b"; None when it is none."""
    scheme, _, tail = rest.lstrip("/").partition("/")
    authority, slash, path = tail.partition("/")
    if scheme not in {"http", "https"} or not authority or "?" in authority:
        return None
    return f"{scheme}://{authority}/{path}" if slash else f"{scheme}://{authority}/"


def typed_url(text: str) -> str:
    """What somebody types into an address bar, as an address."""
    stripped = text.strip()
    if not stripped:
        return "about:blank"
    return stripped if re.match(r"https?://", stripped, re.IGNORECASE) else f"http://{stripped}"


def inside(prefix: str, link: str, *, base: str) -> str:
    """A link of a page or a Location header, spelled so that it stays inside."""
    plain = link.strip()
    if plain.startswith("#") or re.match(r"(?!https?:)[a-zA-Z][a-zA-Z0-9+.-]*:", plain):
        return link
    if plain.startswith(("/", "http:", "https:", "HTTP")):
        return gateway_path(prefix, urljoin(base, plain))
    return link


def rewrite_page(page: str, *, prefix: str, base: str) -> str:
    """A page with every link of it inside. Everything else stays byte for byte: hashes in its policy must still hold."""
    writer = _Writer(prefix, base)
    writer.feed(page)
    writer.close()
    return "".join(writer.out)


def relax_policy(policy: str) -> str:
    """A content security policy without what it says about frames."""
    parts = [part.strip() for part in policy.split(";")]
    return "; ".join(part for part in parts if part and part.split()[0].lower() not in _FRAMING)


class _Writer(HTMLParser):
    """Copies a page, and spells the addresses in its tags anew."""

    def __init__(self, prefix: str, base: str) -> None:
        super().__init__(convert_charrefs=False)
        self.out: list[str] = []
        self._prefix = prefix
        self._base = base

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        text = self.get_starttag_text() or ""
        values = {name: value or "" for name, value in attrs}
        is_refresh = tag == "meta" and values.get("http-equiv", "").lower() == "refresh"

        def spell(found: re.Match[str]) -> str:
            name = found[1].lower()
            quoted = found[3]
            bare = html.unescape(quoted[1:-1] if quoted[0] in "\"'" else quoted)
            if is_refresh and name == "content":
                bare = self._refresh(bare)
            elif name in _ADDRESSES:
                bare = inside(self._prefix, bare, base=self._base)
            else:
                return found[0]
            return f'{found[1]}{found[2]}"{html.escape(bare)}"'

        end = re.match(r"<[^\s/>]+", text)
        head = end[0] if end else ""
        self.out.append(head + _ATTRIBUTE.sub(spell, text[len(head) :]))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)

    def _refresh(self, content: str) -> str:
        found = _REFRESH.fullmatch(content)
        return f"{found[1]}url={inside(self._prefix, found[3], base=self._base)}" if found else content

    def handle_endtag(self, tag: str) -> None:
        self.out.append(f"</{tag}>")

    def handle_data(self, data: str) -> None:
        self.out.append(data)

    def handle_entityref(self, name: str) -> None:
        self.out.append(f"&{name};")

    def handle_charref(self, name: str) -> None:
        self.out.append(f"&#{name};")

    def handle_comment(self, data: str) -> None:
        self.out.append(f"<!--{data}-->")

    def handle_decl(self, decl: str) -> None:
        self.out.append(f"<!{decl}>")

    def unknown_decl(self, data: str) -> None:
        self.out.append(f"<![{data}]>")

    def handle_pi(self, data: str) -> None:
        self.out.append(f"<?{data}>")
