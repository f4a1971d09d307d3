"""Choosing a paper, printing from the browser, asking for a PDF: codes only where they may be seen, and every time written down."""

import json
import re

import httpx
import pytest
from litestar import Litestar

from portal import codes
from portal.clock import Clock
from portal.config import Settings
from portal.db import DB
from portal.printing import runs
from portal.vault import Vault
from tests.portal.printing import rows
from tests.portal.web.conftest import Cast, browser, form_token, sign_in


@pytest.fixture
async def cash(cast: Cast, vault: Vault) -> int:
    """Three cards made to be sold for cash."""
    return await rows.batch(vault, cast.merchant_id, cast.package_id, cards=3)


async def press(browser: httpx.AsyncClient, path: str, **fields: str) -> httpx.Response:
    """Send one of our forms."""
    token = await form_token(browser, "/account")
    return await browser.post(path, data={"_csrf": token, "layout": "a4-40", "language": "en"} | fields)


async def events() -> list[tuple[str, str, str, dict[str, object]]]:
    found = await DB.fetch(
        "SELECT entity, name, actor, data FROM events WHERE entity IN ('prints', 'batches', 'vouchers') ORDER BY id"
    )
    return [(row["entity"], row["name"], row["actor"], json.loads(row["data"])) for row in found]


async def test_the_page_where_a_paper_is_chosen_shows_no_code(
    owner: httpx.AsyncClient, cash: int, vault: Vault
) -> None:
    page = await owner.get(f"/vouchers/batches/{cash}/print?layout=mm58")
    assert page.status_code == 200
    assert "3 cards, 3 pages" in page.text
    for code in await rows.codes_of(vault, cash):
        assert code not in page.text
        assert codes.print_code(code) not in page.text
    assert await events() == []


async def test_a_sheet_shows_each_code_and_is_written_down(owner: httpx.AsyncClient, cash: int, vault: Vault) -> None:
    page = await press(owner, f"/vouchers/batches/{cash}/print/sheet")
    assert page.status_code == 200
    assert re.findall(r"<code>([^<]*)</code>", page.text) == [
        codes.print_code(code) for code in await rows.codes_of(vault, cash)
    ]
    assert [(*event[:2], event[3]) for event in await events()] == [
        ("batches", "codes_printed", {"cards": 3, "codes": 3})
    ]


async def test_what_waits_to_be_paid_shows_its_reference_and_never_its_code(
    owner: httpx.AsyncClient, cast: Cast, vault: Vault
) -> None:
    batch = await rows.batch(vault, cast.merchant_id, cast.package_id, cards=2, kind="reference")
    page = await press(owner, f"/vouchers/batches/{batch}/print/sheet")
    assert re.findall(r"<code>([^<]*)</code>", page.text) == await rows.references_of(batch)
    assert not any(code in page.text.replace("-", "") for code in await rows.codes_of(vault, batch))
    assert (await events())[0][3] == {"cards": 2, "codes": 0}


async def test_used_up_and_revoked_vouchers_are_not_printed(owner: httpx.AsyncClient, cast: Cast, vault: Vault) -> None:
    batch = await rows.batch(vault, cast.merchant_id, cast.package_id, cards=2)
    await DB.fetch(
        "UPDATE vouchers SET status = 'revoked', ended_at = now(), ended_why = 'revoked' WHERE batch_id = $1", batch
    )
    assert "Nothing to print" in (await owner.get(f"/vouchers/batches/{batch}/print")).text
    assert "<code>" not in (await press(owner, f"/vouchers/batches/{batch}/print/sheet")).text
    refused = await press(owner, f"/vouchers/batches/{batch}/print")
    assert refused.status_code == 409
    assert await DB.value("SELECT count(*) FROM prints") == 0


async def test_a_large_batch_comes_in_sheets(owner: httpx.AsyncClient, cast: Cast, vault: Vault) -> None:
    batch = await rows.batch(vault, cast.merchant_id, cast.package_id, cards=150)
    first = await press(owner, f"/vouchers/batches/{batch}/print/sheet")
    after = re.findall(r'name="after" value="(\d+)"', first.text)
    second = await press(owner, f"/vouchers/batches/{batch}/print/sheet", after=after[0])
    shown = re.findall(r"<code>([^<]*)</code>", first.text + second.text)
    assert (first.text.count("<code>"), second.text.count("<code>")) == (120, 30)
    assert shown == [codes.print_code(code) for code in await rows.codes_of(vault, batch)]


async def test_a_pdf_is_asked_for_made_and_fetched(
    owner: httpx.AsyncClient, cash: int, settings: Settings, vault: Vault, clock: Clock
) -> None:
    asked = await press(owner, f"/vouchers/batches/{cash}/print", form_key="k" * 32)
    again = await press(owner, f"/vouchers/batches/{cash}/print", form_key="k" * 32)
    assert (asked.status_code, again.headers["location"]) == (303, asked.headers["location"])
    print_id = int(asked.headers["location"].rsplit("/", 1)[1])
    waiting = await owner.get(asked.headers["location"])
    assert "Waiting" in waiting.text
    assert "hx-trigger" in waiting.text
    assert (await owner.get(f"/prints/{print_id}/vouchers.pdf")).status_code == 409
    assert await runs.make(print_id, settings=settings, vault=vault, clock=clock)
    ready = await owner.get(asked.headers["location"])
    assert "Save the PDF" in ready.text
    assert 'hx-trigger="every' not in ready.text
    file = await owner.get(f"/prints/{print_id}/vouchers.pdf")
    assert file.content.startswith(b"%PDF-")
    assert re.fullmatch(
        r'attachment; filename="vouchers-kilimani-corner-\d{4}-\d\d-\d\d\.pdf"', file.headers["content-disposition"]
    )
    assert file.headers["cache-control"] == "no-store"
    names = [name for entity, name, _, _ in await events() if entity == "prints"]
    assert names == ["asked", "start", "arrive", "fetched"]


async def test_only_who_asked_may_fetch(
    app: Litestar, owner: httpx.AsyncClient, cast: Cast, cash: int, settings: Settings, vault: Vault, clock: Clock
) -> None:
    asked = await press(owner, f"/vouchers/batches/{cash}/print")
    print_id = int(asked.headers["location"].rsplit("/", 1)[1])
    await runs.make(print_id, settings=settings, vault=vault, clock=clock)
    for email in (cast.cashier, cast.rival):
        async with browser(app) as other:
            await sign_in(other, email)
            for rest in ("", "/state", "/vouchers.pdf"):
                theirs = await other.get(f"/prints/{print_id}{rest}")
                missing = await other.get(f"/prints/999999{rest}")
                assert (theirs.status_code, missing.status_code) == (404, 404), (email, rest)


async def test_a_cashier_prints_what_was_just_sold_and_no_batch(
    app: Litestar, cast: Cast, cash: int, vault: Vault
) -> None:
    sold = await rows.batch(vault, cast.merchant_id, cast.package_id, cards=1, status="paid")
    voucher = await DB.value("SELECT id FROM vouchers WHERE batch_id = $1", sold)
    async with browser(app) as cashier:
        await sign_in(cashier, cast.cashier)
        assert "Ask the owner" in (await cashier.get(f"/vouchers/batches/{cash}/print")).text
        assert (await press(cashier, f"/vouchers/batches/{cash}/print")).status_code == 403
        assert (await press(cashier, f"/vouchers/batches/{cash}/print/sheet")).status_code == 403
        assert (await press(cashier, "/vouchers/print", ids=str(voucher))).status_code == 303
        sheet = await press(cashier, "/vouchers/print/sheet", ids=str(voucher), layout="mm58")
        assert codes.print_code((await rows.codes_of(vault, sold))[0]) in sheet.text
        stock = await DB.value("SELECT min(id) FROM vouchers WHERE batch_id = $1", cash)
        assert (await press(cashier, "/vouchers/print", ids=f"{voucher},{stock}")).status_code == 403
        assert (await press(cashier, "/vouchers/print/sheet", ids=str(stock))).status_code == 403
    assert ("vouchers", "codes_printed") in {event[:2] for event in await events()}


async def test_another_merchants_vouchers_are_as_good_as_missing(app: Litestar, cast: Cast, cash: int) -> None:
    ids = await DB.value("SELECT string_agg(id::text, ',') FROM vouchers WHERE batch_id = $1", cash)
    async with browser(app) as rival:
        await sign_in(rival, cast.rival)
        for batch, chosen in ((cash, ids), (999_999, "999999")):
            assert (await rival.get(f"/vouchers/batches/{batch}/print")).status_code == 404
            assert (await press(rival, f"/vouchers/batches/{batch}/print")).status_code == 404
            assert (await press(rival, f"/vouchers/batches/{batch}/print/sheet")).status_code == 404
            assert (await rival.get(f"/vouchers/print?ids={chosen}")).status_code == 404
            assert (await press(rival, "/vouchers/print/sheet", ids=chosen)).status_code == 404


async def test_an_unknown_paper_is_told_and_makes_nothing(owner: httpx.AsyncClient, cash: int) -> None:
    page = await press(owner, f"/vouchers/batches/{cash}/print", layout="a3")
    assert page.status_code == 422
    assert "Choose one of the papers" in page.text
    too_many = ",".join(map(str, range(1, 600)))
    assert (await press(owner, "/vouchers/print", ids=too_many)).status_code == 422
    assert await DB.value("SELECT count(*) FROM prints") == 0


async def test_nobody_has_more_than_five_made_at_once(owner: httpx.AsyncClient, cash: int) -> None:
    answers = [(await press(owner, f"/vouchers/batches/{cash}/print")).status_code for _ in range(6)]
    assert answers == [303] * 5 + [409]


async def test_a_batch_that_is_still_being_made_is_not_printed_by_halves(owner: httpx.AsyncClient, cash: int) -> None:
    await DB.fetch("UPDATE batches SET size = 10, done_at = NULL WHERE id = $1", cash)
    assert "still being made" in (await owner.get(f"/vouchers/batches/{cash}/print")).text
    assert (await press(owner, f"/vouchers/batches/{cash}/print")).status_code == 409
    assert await DB.value("SELECT count(*) FROM prints") == 0
