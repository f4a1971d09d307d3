"""Static files under addresses that carry the hash of their content: cached for ever, compressed once, 304 when known.

Not Litestar's own static router: it answers If-None-Match with the whole file and compresses it anew each time.
"""

import functools
import gzip
import hashlib
import mimetypes
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import brotli
from litestar import Request, Response, get
from litestar.exceptions import NotFoundException
from litestar.handlers import HTTPRouteHandler

FOLDER = Path(__file__).parent / "static"
PREFIX = "/static"
#: A year: the address changes with the content.
IMMUTABLE = "public, max-age=31536000, immutable"
#: Below this many bytes compressing costs more than it saves.
_SMALLEST_TO_COMPRESS = 400
_TEXTUAL = ("text/", "application/javascript", "application/json", "image/svg+xml")


@dataclass(frozen=True, slots=True)
class Asset:
    """One file: its media type, its tag, and its bytes by content coding ("" is plain)."""

    media_type: str
    tag: str
    bodies: dict[str, bytes]


@functools.cache
def ours() -> "Assets":
    """The portal's own files; compressing them takes a while, so once per process."""
    return Assets()


class Assets:
    """All files of a folder, read once. `url("portal.css")` is its address; an unknown name is a KeyError."""

    def __init__(self, folder: Path = FOLDER, *, prefix: str = PREFIX) -> None:
        self.prefix = prefix
        self._by_path: dict[str, Asset] = {}
        self._urls: dict[str, str] = {}
        for file in sorted(folder.rglob("*")):
            if file.is_file() and file.suffix != ".md":
                self._add(file.relative_to(folder).as_posix(), file.read_bytes())

    def _add(self, name: str, raw: bytes) -> None:
        digest = hashlib.sha256(raw).hexdigest()[:12]
        stem, _, ending = name.rpartition(".")
        path = f"{stem}.{digest}.{ending}"
        media_type = mimetypes.guess_type(name)[0] or "application/octet-stream"
        bodies = {"": raw}
        if len(raw) >= _SMALLEST_TO_COMPRESS and media_type.startswith(_TEXTUAL):
            bodies["br"] = brotli.compress(raw, quality=11)
            bodies["gzip"] = gzip.compress(raw, 9, mtime=0)
        self._by_path[path] = Asset(media_type, f'"{digest}"', bodies)
        self._urls[name] = f"{self.prefix}/{path}"

    def url(self, name: str) -> str:
        """The address of a file, with the hash of its content in it."""
        return self._urls[name]

    def answer(self, path: str, *, known: str = "", accept: str = "") -> Response[bytes | None]:
        """The file, or 304 when `known` (If-None-Match) names it; NotFoundException for an unknown path."""
        asset = self._by_path.get(path)
        if asset is None:
            raise NotFoundException
        headers = {"cache-control": IMMUTABLE, "etag": asset.tag, "vary": "Accept-Encoding"}
        if asset.tag in {tag.strip().removeprefix("W/") for tag in known.split(",")}:
            return Response(None, status_code=304, headers=headers)
        accepted = {coding.partition(";")[0].strip().lower() for coding in accept.split(",")}
        coding = next((name for name in ("br", "gzip") if name in accepted and name in asset.bodies), "")
        if coding:
            headers["content-encoding"] = coding
        return Response(asset.bodies[coding], media_type=asset.media_type, headers=headers)

    def route(self) -> HTTPRouteHandler:
        """The one handler that serves them all."""

        @get(self.prefix + "/{path:path}", sync_to_thread=False)
        def static_file(request: Request[Any, Any, Any], path: str) -> Response[bytes | None]:
            return self.answer(
                path.lstrip("/"),
                known=request.headers.get("if-none-match", ""),
                accept=request.headers.get("accept-encoding", ""),
            )

        return static_file


@get("/favicon.ico", sync_to_thread=False)
def no_favicon() -> Response[None]:
    """Browsers ask for it on pages that name no icon, as the captive ones do to stay one request: nothing, for a year."""
    return Response(None, status_code=204, headers={"cache-control": IMMUTABLE})
