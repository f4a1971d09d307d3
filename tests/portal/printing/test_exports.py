"""Lists as files: whole, harmless to spreadsheets, without codes unless they were asked for, and only as long as somebody listens."""

import asyncio
import csv
import io
import re
from datetime import date
from typing import Any

import httpx
import pytest
from litestar import Litestar, get
from litestar.response import Stream

from portal import codes
from portal.db import DB
from portal.exports.names import file_name
from portal.exports.paging import lines
from portal.vault import Vault
from tests.portal.printing import rows
from tests.portal.printing.test_pages import events, press
from tests.portal.web.conftest import Cast, browser, sign_in


def parsed(answer: httpx.Response) -> list[list[str]]:
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/csv")
    assert answer.headers["cache-control"] == "no-store"
    return list(csv.reader(io.StringIO(answer.text.removeprefix("\ufeff"))))


@pytest.fixture
async def cash(cast: Cast, vault: Vault) -> int:
    return await rows.batch(vault, cast.merchant_id, cast.package_id, cards=3, name="=HYPERLINK(1)")


async def test_every_voucher_is_in_the_file_once_and_no_code(
    owner: httpx.AsyncClient, cast: Cast, cash: int, vault: Vault
) -> None:
    other = await rows.batch(vault, cast.merchant_id, cast.package_id, cards=1500, kind="reference")
    await rows.batch(vault, cast.rival_id, cast.rival_package_id, cards=2)
    answer = await owner.get("/exports/vouchers.csv")
    found = parsed(answer)
    assert [row[0] for row in found[1:]] == await rows.references_of(cash) + await rows.references_of(other)
    assert not any(
        codes.print_code(code) in answer.text or code in answer.text for code in await rows.codes_of(vault, cash)
    )
    assert re.search(r'"vouchers-kilimani-corner-\d{4}-\d\d-\d\d\.csv"', answer.headers["content-disposition"])


async def test_a_package_named_like_a_formula_is_only_a_text(owner: httpx.AsyncClient, cash: int) -> None:
    found = parsed(await owner.get("/exports/vouchers.csv"))
    assert {row[2] for row in found[1:]} == {"'=HYPERLINK(1)"}


async def test_filters_narrow_the_file(owner: httpx.AsyncClient, cast: Cast, cash: int, vault: Vault) -> None:
    paid = await rows.batch(vault, cast.merchant_id, cast.package_id, cards=1, status="paid")
    assert [
        row[0] for row in parsed(await owner.get("/exports/vouchers.csv?show=paid"))[1:]
    ] == await rows.references_of(paid)
    assert len(parsed(await owner.get(f"/vouchers/batches/{cash}/vouchers.csv"))) == 4
    assert len(parsed(await owner.get("/exports/vouchers.csv?until=2020-01-01&since=nonsense"))) == 1
    assert (await owner.get("/exports/vouchers.csv?show=gone")).status_code == 400


async def test_codes_are_saved_by_a_form_and_that_is_written_down(
    owner: httpx.AsyncClient, cash: int, vault: Vault
) -> None:
    assert (await owner.get(f"/vouchers/batches/{cash}/codes.csv")).status_code == 405
    found = parsed(await press(owner, f"/vouchers/batches/{cash}/codes.csv"))
    assert [row[0] for row in found[1:]] == [codes.print_code(code) for code in await rows.codes_of(vault, cash)]
    assert [(*event[:2], event[3]) for event in await events()] == [
        ("batches", "codes_exported", {"cards": 3, "codes": 3})
    ]


async def test_codes_that_wait_for_their_money_are_not_saved(
    owner: httpx.AsyncClient, cast: Cast, vault: Vault
) -> None:
    batch = await rows.batch(vault, cast.merchant_id, cast.package_id, cards=2, kind="reference")
    await DB.fetch(
        "UPDATE vouchers SET status = 'paid', paid_at = now() WHERE id = (SELECT min(id) FROM vouchers WHERE batch_id = $1)",
        batch,
    )
    found = parsed(await press(owner, f"/vouchers/batches/{batch}/codes.csv"))
    assert [row[0] for row in found[1:]] == [codes.print_code((await rows.codes_of(vault, batch))[0])]


async def test_batches_and_events_are_the_merchants_own(
    app: Litestar, owner: httpx.AsyncClient, cast: Cast, cash: int
) -> None:
    await press(owner, f"/vouchers/batches/{cash}/print/sheet")
    assert [row[0] for row in parsed(await owner.get("/exports/batches.csv"))[1:]] == [str(cash)]
    told = parsed(await owner.get("/exports/events.csv"))
    assert told[-1][1:4] == ["Amina W.", "codes_printed", "batches"]
    async with browser(app) as rival:
        await sign_in(rival, cast.rival)
        assert len(parsed(await rival.get("/exports/batches.csv"))) == 1
        assert "codes_printed" not in (await rival.get("/exports/events.csv")).text
    async with browser(app) as cashier:
        await sign_in(cashier, cast.cashier)
        assert (await cashier.get("/exports/events.csv")).status_code == 403
        assert "events.csv" not in (await cashier.get("/exports")).text


@pytest.mark.parametrize("by", ["job", "user:", "user:x", "agent:7", "user:99999999999999999999"])
async def test_what_nobody_signed_in_did_is_in_the_file_too(owner: httpx.AsyncClient, cast: Cast, by: str) -> None:
    await DB.fetch(
        "INSERT INTO events (merchant_id, entity, entity_id, name, actor, at) VALUES ($1, 'vouchers', 1, 'looked', $2, now())",
        cast.merchant_id,
        by,
    )
    await DB.fetch("ANALYZE events")  # how the statement is planned decides what is computed for which rows
    assert [line[1] for line in parsed(await owner.get("/exports/events.csv")) if line[2] == "looked"] == [by]


async def test_nothing_more_is_read_for_a_client_that_went_away() -> None:
    asked: list[int] = []

    async def read(after: int, most: int) -> list[Any]:
        asked.append(after)
        await asyncio.sleep(0)
        return [{"id": after + number} for number in range(1, most + 1)]

    @get("/endless.csv")
    async def endless() -> Stream:
        return Stream(lines(["id"], read, lambda row: [row["id"]], size=10))

    got = asyncio.Event()
    begun = iter([{"type": "http.request", "body": b"", "more_body": False}])

    async def receive() -> Any:
        for message in begun:
            return message
        await got.wait()
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        await asyncio.sleep(0)
        if message["type"] == "http.response.body" and len(asked) >= 3:
            got.set()

    scope = {"type": "http", "method": "GET", "path": "/endless.csv", "raw_path": b"/endless.csv", "query_string": b"", "headers": [],
             "http_version": "1.1", "scheme": "http", "server": ("test", 80), "client": ("test", 1), "root_path": ""}  # fmt: skip
    app: Any = Litestar([endless], openapi_config=None, logging_config=None)
    async with asyncio.timeout(5):
        await app(scope, receive, send)
    count = len(asked)
    await asyncio.sleep(0.05)
    assert 3 <= len(asked) == count < 50


@pytest.mark.parametrize(
    ("shop", "name"),
    [
        ("Mama Njeri's Wi-Fi", "vouchers-mama-njeri-s-wi-fi-2026-11-20.csv"),
        ("مقهى 😀", "vouchers-2026-11-20.csv"),
        ('"; rm -rf /\r\nX: 1', "vouchers-rm-rf-x-1-2026-11-20.csv"),
    ],
)
def test_a_file_has_a_plain_name(shop: str, name: str) -> None:
    assert file_name("vouchers", shop, date(2026, 11, 20), "csv") == name
