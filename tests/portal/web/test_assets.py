"""Static files: hashed addresses, compressed once, 304 when known, and what others wrote as they wrote it."""

import gzip
import hashlib
import re
from pathlib import Path

import brotli
import httpx
import pytest

from portal.assets import FOLDER, Assets, ours


@pytest.mark.parametrize(("accept", "coding"), [("br, gzip", "br"), ("gzip", "gzip"), ("identity", ""), ("", "")])
async def test_files_come_in_the_best_coding_the_browser_takes(
    client: httpx.AsyncClient, accept: str, coding: str
) -> None:
    request = client.build_request("GET", ours().url("portal.css"), headers={"accept-encoding": accept})
    answer = await client.send(request, stream=True)
    raw = b"".join([chunk async for chunk in answer.aiter_raw()])
    unpack = {"br": brotli.decompress, "gzip": gzip.decompress, "": bytes}[coding]
    assert unpack(raw) == (FOLDER / "portal.css").read_bytes()
    assert answer.headers.get("content-encoding", "") == coding
    assert answer.headers["vary"] == "Accept-Encoding"
    assert answer.headers["content-type"].startswith("text/css")


@pytest.mark.parametrize("known", ["{tag}", "W/{tag}", '"other", {tag}'])
async def test_a_known_file_is_not_sent_again(client: httpx.AsyncClient, known: str) -> None:
    url = ours().url("app.js")
    tag = (await client.get(url)).headers["etag"]
    answer = await client.get(url, headers={"if-none-match": known.format(tag=tag)})
    assert (answer.status_code, answer.content) == (304, b"")
    assert answer.headers["etag"] == tag


async def test_another_version_is_sent_whole(client: httpx.AsyncClient) -> None:
    answer = await client.get(ours().url("app.js"), headers={"if-none-match": '"0123456789ab"'})
    assert answer.status_code == 200


@pytest.mark.parametrize("path", ["/static/../app.py", "/static/portal.css", "/static/%2e%2e/app.py", "/static/"])
async def test_nothing_else_is_served(client: httpx.AsyncClient, path: str) -> None:
    assert (await client.get(path)).status_code == 404


async def test_a_browser_that_wants_an_icon_gets_nothing_and_asks_once(client: httpx.AsyncClient) -> None:
    answer = await client.get("/favicon.ico")
    assert (answer.status_code, answer.content) == (204, b"")
    assert "max-age=31536000" in answer.headers["cache-control"]


def test_an_address_changes_with_the_content(tmp_path: Path) -> None:
    (tmp_path / "a.css").write_text("a{}")
    before = Assets(tmp_path).url("a.css")
    (tmp_path / "a.css").write_text("b{}")
    assert Assets(tmp_path).url("a.css") != before


def test_an_unknown_file_is_an_error_when_the_page_is_made() -> None:
    with pytest.raises(KeyError):
        ours().url("missing.css")


def test_htmx_is_the_recorded_file() -> None:
    record = (FOLDER / "vendor" / "VENDOR.md").read_text()
    digest = hashlib.sha256((FOLDER / "vendor" / "htmx-2.0.11.min.js").read_bytes()).hexdigest()
    assert f"`{digest}`" in record
    assert "0BSD" in record


def test_every_icon_that_is_used_is_in_the_sprite_and_no_other() -> None:
    drawn = set(re.findall(r'<symbol id="([^"]+)"', (FOLDER / "icons.svg").read_text()))
    folder = FOLDER.parent
    pages = (path for path in (folder / "templates").rglob("*.html") if path.parent.name != "captive")
    texts = [path.read_text() for path in pages]
    texts += [path.read_text() for path in (folder / "controllers" / "dashboard").glob("*.py")]
    named = {name for text in texts for name in drawn if f'"{name}"' in text}
    used = {name for text in texts for name in re.findall(r'(?:icon|empty)\("([a-z-]+)"', text)}
    assert used <= drawn
    assert named == drawn


def test_no_page_needs_anything_from_elsewhere_or_inline() -> None:
    for path in (FOLDER.parent / "templates").rglob("*.html"):
        if path.parent.name == "captive":
            continue
        text = path.read_text()
        assert not re.search(r"(src|href)=\"https?://", text), path
        assert not re.search(r"<style|\sstyle=|\son[a-z]+=|hx-on|<script>", text), path
