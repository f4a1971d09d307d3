"""The pages of papers: made, marked and sent by the shop, read by whoever holds the link."""

import httpx
import pytest
from litestar import Litestar

from portal.clock import Clock
from portal.db import DB
from portal.vault import Vault
from tests import factories
from tests.portal.test_logos import drawn
from tests.portal.web import rows
from tests.portal.web.conftest import Cast, sign_in
from tests.portal.web.test_routers import post
from tests.portal.web.test_settings_pages import post as send_logo


@pytest.fixture
async def owner(client: httpx.AsyncClient, cast: Cast) -> httpx.AsyncClient:
    await sign_in(client, cast.owner)
    return client


@pytest.fixture
async def payment(cast: Cast, clock: Clock) -> int:
    return await rows.payment(cast.router, cast.package_id, at=clock.now())


async def made(owner: httpx.AsyncClient, payment: int) -> str:
    """The address of the receipt's page."""
    answer = await post(owner, f"/payments/{payment}/receipt")
    assert answer.status_code == 303
    return answer.headers["location"]


def link_on(page: str) -> str:
    """The customer's link."""
    return "/r/" + page.split("/r/", 1)[1].split('"', 1)[0]


async def test_looking_gives_no_number_and_making_does(owner: httpx.AsyncClient, payment: int) -> None:
    page = await owner.get(f"/payments/{payment}/receipt")
    assert "Make the receipt" in page.text
    assert await DB.value("SELECT count(*) FROM papers") == 0
    where = await made(owner, payment)
    assert await made(owner, payment) == where
    assert (await owner.get(f"/payments/{payment}/receipt")).headers["location"] == where
    assert "R-20" in (await owner.get(where)).text
    assert "R-20" in (await owner.get("/invoices")).text
    assert "Nothing was paid" in (await post(owner, f"/payments/{await unpaid(payment)}/receipt")).text


async def unpaid(payment: int) -> int:
    merchant = await DB.value("SELECT merchant_id FROM payments WHERE id = $1", payment)
    return await factories.payment(merchant, status="failed")


async def test_the_customers_page_shows_no_full_number_and_no_code(
    owner: httpx.AsyncClient, payment: int, vault: Vault, clock: Clock
) -> None:
    await rows.access(payment, vault, at=clock.now())
    link = link_on((await owner.get(await made(owner, payment))).text)
    owner.cookies.clear()
    for language, word in (("en", "Receipt"), ("sw", "Risiti")):
        page = await owner.get(link, params={"l": language})
        assert page.status_code == 200
        assert word in page.text
        assert factories.PHONE[3:] not in page.text
        assert "0712 ••• 678" in page.text
        assert "eTIMS" in page.text
        assert "<form" not in page.text


async def test_a_link_for_another_thing_or_bent_opens_nothing(
    owner: httpx.AsyncClient, payment: int, app: Litestar, clock: Clock
) -> None:
    link = link_on((await owner.get(await made(owner, payment))).text)
    other = app.state["signer"].sign("my", {"p": payment}, now=clock.now())
    for wrong in (link[:-2] + ("AA" if link[-2:] != "AA" else "BB"), f"/r/{other}", "/r/x"):
        assert (await owner.get(wrong)).status_code == 404


async def test_it_is_sent_by_sms_once(owner: httpx.AsyncClient, payment: int) -> None:
    where = await made(owner, payment)
    assert (await post(owner, f"{where}/send")).headers["location"] == f"{where}?sent=true"
    again = await post(owner, f"{where}/send")
    assert again.status_code == 409
    assert "sent already" in again.text
    sent = await DB.fetch("SELECT recipient, params ->> 'link' AS link FROM messages WHERE kind = 'receipt'")
    assert [row["recipient"] for row in sent] == [factories.PHONE]
    assert link_on((await owner.get(where)).text) in sent[0]["link"]


async def test_where_nobody_knows_the_number_it_is_asked_for(
    owner: httpx.AsyncClient, cast: Cast, clock: Clock
) -> None:
    payment = await rows.payment(cast.router, cast.package_id, at=clock.now(), method="cash", phone="")
    where = await made(owner, payment)
    wrong = await post(owner, f"{where}/send", phone="12")
    assert wrong.status_code == 422
    assert 'value="12"' in wrong.text
    assert (await post(owner, f"{where}/send", phone="0722000111")).status_code == 303
    assert await DB.value("SELECT recipient FROM messages WHERE kind = 'receipt'") == "254722000111"


async def test_it_is_no_etims_invoice_until_a_control_number_is_typed(owner: httpx.AsyncClient, payment: int) -> None:
    where = await made(owner, payment)
    assert "This is not an eTIMS tax invoice." in (await owner.get(where)).text
    wrong = await post(owner, f"{where}/control", control="<b>")
    assert wrong.status_code == 422
    assert "&lt;B&gt;" in wrong.text or "&lt;b&gt;" in wrong.text
    await post(owner, f"{where}/control", control="kraicu 0100/123-4")
    page = (await owner.get(where)).text
    assert "KRAICU0100/123-4" in page
    assert "This is not an eTIMS tax invoice." not in page
    assert await DB.value("SELECT count(*) FROM events WHERE name = 'control_number'") == 1


async def test_the_file_has_each_paper_and_runs_no_formula(owner: httpx.AsyncClient, cast: Cast, clock: Clock) -> None:
    payment = await rows.payment(cast.router, cast.package_id, at=clock.now(), name="=1+1")
    await made(owner, payment)
    text = (await owner.get("/invoices.csv")).text
    assert len(text.strip().splitlines()) == 2
    assert "'=1+1" in text
    assert "50.0" in text
    assert len((await owner.get("/invoices.csv?kind=invoice")).text.strip().splitlines()) == 1
    assert len((await owner.get("/invoices.csv?month=2001-01")).text.strip().splitlines()) == 1


async def test_tax_settings_are_kept_and_what_is_wrong_is_named(owner: httpx.AsyncClient) -> None:
    form = {
        "legal_name": "Amina & Co",
        "has_vat": "yes",
        "vat": "16",
        "receipt_prefix": "A",
        "invoice_prefix": "B",
        "credit_prefix": "C",
    }
    wrong = await post(owner, "/settings/taxes", **form, pin="12")
    assert wrong.status_code == 422
    assert 'href="#pin"' in wrong.text
    assert 'value="Amina &amp; Co"' in wrong.text
    assert (await post(owner, "/settings/taxes", **form, pin="A123456789Z")).status_code == 303
    assert 'value="A123456789Z"' in (await owner.get("/settings/taxes")).text


async def test_the_commission_statement_prints_and_saves(owner: httpx.AsyncClient, payment: int, clock: Clock) -> None:
    page = await owner.get("/payouts/commission")
    assert "KES\u00a010" in page.text
    text = (await owner.get(f"/payouts/commission.csv?month={clock.now():%Y-%m}")).text
    assert "10.0" in text
    assert (await owner.get("/payouts/commission?month=2026-13")).status_code == 404


async def test_the_shops_logo_is_on_the_paper(owner: httpx.AsyncClient, payment: int) -> None:
    where = await made(owner, payment)
    link = link_on((await owner.get(where)).text)
    assert (await owner.get(f"{link}/logo.png")).status_code == 404
    await send_logo(owner, "/settings/branding", logo=drawn())
    assert 'src="/prints/logo.png"' in (await owner.get(where)).text
    owner.cookies.clear()
    assert f'src="{link}/logo.png"' in (await owner.get(link)).text
    picture = await owner.get(f"{link}/logo.png")
    assert picture.content.startswith(b"\x89PNG")
    assert (await owner.get("/r/x/logo.png")).status_code == 404


async def test_whatsapp_is_offered_with_the_words_of_its_kind(owner: httpx.AsyncClient, payment: int) -> None:
    page = (await owner.get(await made(owner, payment))).text
    assert f"https://wa.me/{factories.PHONE}?text=" in page
    assert "your%20receipt%20R-20" in page
