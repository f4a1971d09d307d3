"""Where the servlet's pages come from: a folder or a dict in place of the router's html-directory, or our own set.

It finds files and error texts; it renders nothing.
"""

import re
from collections.abc import Mapping
from pathlib import Path

from routeros.simulator.refusals import ERROR_TEXTS

_STOCK = Path(__file__).parent.parent / "pages"
_SEGMENT = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]*\Z")

HtmlSource = Path | Mapping[str, bytes | str]


def stock_pages() -> dict[str, bytes]:
    """The pages a router has after hotspot setup (our own plain ones), by file name. Give a changed copy to a router
    to replace one page: `stock_pages() | {"login.html": "..."}`."""
    return {path.name: path.read_bytes() for path in sorted(_STOCK.iterdir()) if path.is_file()}


def all_pages() -> dict[str, bytes]:
    """The stock pages and the four that routers do not ship: rstatus, flogin, fstatus and flogout."""
    return stock_pages() | {path.name: path.read_bytes() for path in sorted((_STOCK / "optional").iterdir())}


class HtmlDirectory:
    """One html directory. A folder is read at every request, so edits show at once, as after an upload to a router.

    A missing or empty directory means the stock pages (MikroTik manual: html-directory-override)."""

    def __init__(self, source: HtmlSource | None = None) -> None:
        self._folder = source if isinstance(source, Path) else None
        pages = source if isinstance(source, Mapping) else {}
        self._pages = {
            name.strip("/"): page.encode("utf-8", "surrogateescape") if isinstance(page, str) else page
            for name, page in pages.items()
        }
        self._stock = stock_pages()

    def find(self, name: str, target: str = "") -> bytes | None:
        """Give the bytes of a file; with `target` ("lv") that subdirectory goes first, then the main one."""
        if target and (page := self._read(f"{target}/{name}")) is not None:
            return page
        return self._read(name)

    def error_text(self, key: str, target: str = "") -> str:
        """Give the template of one message from errors.txt; a key missing there has its English words."""
        text = (self.find("errors.txt", target) or b"").decode("utf-8", "surrogateescape")
        for line in text.splitlines():
            name, separator, words = line.partition("=")
            if separator and name.strip() == key and not name.lstrip().startswith("#"):
                return words.strip()
        return ERROR_TEXTS.get(key, key)

    def _read(self, name: str) -> bytes | None:
        if not all(_SEGMENT.match(segment) for segment in name.split("/")):
            return None
        if self._folder is not None and self._folder.is_dir() and any(self._folder.iterdir()):
            path = (self._folder / name).resolve()
            is_inside = path.is_relative_to(self._folder.resolve())
            return path.read_bytes() if is_inside and path.is_file() else None
        return self._pages.get(name) if self._pages else self._stock.get(name)
