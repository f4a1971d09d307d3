"""Pages of imports: a file is sent by the form, looked at, taken over and taken back; what is no import is refused in words."""

from pathlib import Path

import httpx
import pytest

from portal.clock import Clock
from portal.config import Settings
from portal.db import DB
from portal.imports import steps
from portal.imports.letters import MOST_BYTES
from portal.vault import Vault
from tests.portal.web.conftest import Cast, form_token, sign_in

LIST = "package,price,code,duration\n=3 hours,20,ab12cd,3h\nمقهى ☕,50,,1d\n"


async def send(client: httpx.AsyncClient, raw: bytes, *, name: str = "old.csv", **fields: str) -> httpx.Response:
    token = await form_token(client, "/imports")
    data = {
        "_csrf": token,
        "source": "csv",
        "router": "all",
        "weak_days": "60",
        "sold": "later",
        "form_key": "k",
    } | fields
    return await client.post("/imports", data=data, files={"file": (name, raw)})


async def work(page: str, settings: Settings, vault: Vault, clock: Clock) -> None:
    import_id = int(Path(page).name)
    while await steps.step(import_id, settings=settings, vault=vault, clock=clock):
        pass


async def test_a_file_is_looked_at_taken_over_and_taken_back(
    client: httpx.AsyncClient, cast: Cast, settings: Settings, vault: Vault, clock: Clock
) -> None:
    await sign_in(client, cast.owner)
    sent = await send(client, LIST.encode())
    page = sent.headers["location"]
    assert "hx-get" in (await client.get(page)).text, "it is asked after until it is read"
    await work(page, settings, vault, clock)
    seen = (await client.get(page)).text
    assert "Will be made" in seen
    assert "ab12cd" not in seen, "codes are not told"
    assert "hx-get" not in seen
    assert (await DB.value("SELECT count(*) FROM vouchers")) == 0
    token = await form_token(client, page)
    assert (await client.post(f"{page}/start", data={"_csrf": token})).status_code == 303
    await work(page, settings, vault, clock)
    assert (await DB.value("SELECT count(*) FROM vouchers")) == 1
    assert "easy to guess" in (await client.get(page)).text
    assert (await client.post(f"{page}/undo", data={"_csrf": token})).status_code == 303
    await work(page, settings, vault, clock)
    assert "Taken back" in (await client.get(page)).text
    assert (await DB.value("SELECT count(*) FROM vouchers")) == 0
    assert "old.csv" in (await client.get("/imports")).text


async def test_what_is_left_out_can_be_saved_and_runs_no_formula(
    client: httpx.AsyncClient, cast: Cast, settings: Settings, vault: Vault, clock: Clock
) -> None:
    await sign_in(client, cast.owner)
    page = (await send(client, b"package,price,duration\n=1+1,1.5,3h\n")).headers["location"]
    await work(page, settings, vault, clock)
    saved = (await client.get(f"{page}/skipped.csv")).text
    assert "'=1+1" in saved
    assert "whole shillings" in saved


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b"", "empty"),
        (b"   \n", "empty"),
    ],
)
async def test_an_empty_file_is_refused_and_what_was_chosen_stays(
    client: httpx.AsyncClient, cast: Cast, raw: bytes, words: str
) -> None:
    await sign_in(client, cast.owner)
    answer = await send(client, raw, weak_days="30")
    assert answer.status_code == 422
    assert words in answer.text
    assert '<option value="30" selected>' in answer.text
    assert 'href="#file"' in answer.text


async def test_no_file_and_no_source_are_named(client: httpx.AsyncClient, cast: Cast) -> None:
    await sign_in(client, cast.owner)
    token = await form_token(client, "/imports")
    answer = await client.post("/imports", data={"_csrf": token})
    assert answer.status_code == 422
    assert "Choose the file." in answer.text
    assert (await send(client, b"x", source="winbox")).status_code == 422


async def test_four_gigabytes_are_refused_before_they_are_read(client: httpx.AsyncClient, cast: Cast) -> None:
    await sign_in(client, cast.owner)
    answer = await client.post(
        "/imports",
        content=b"x",
        headers={"content-length": str(4 * 1024**3), "content-type": "multipart/form-data; boundary=b"},
    )
    assert answer.status_code == 413
    assert "larger than 10 MB" in answer.text
    assert (await send(client, b"x" * (MOST_BYTES + 1))).status_code == 422


async def test_a_file_that_is_no_import_says_so_on_its_page(
    client: httpx.AsyncClient, cast: Cast, settings: Settings, vault: Vault, clock: Clock
) -> None:
    await sign_in(client, cast.owner)
    page = (await send(client, b"PK\x03\x04rest")).headers["location"]
    await work(page, settings, vault, clock)
    assert "Unpack it" in (await client.get(page)).text
    assert (await client.get("/imports/template.csv")).text.startswith("\ufeffpackage,price,code")
