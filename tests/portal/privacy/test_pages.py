"""The owner's page: a copy asked for and fetched, a customer looked up, saved and erased; nobody else, and only with a fresh proof."""

from datetime import timedelta

import httpx

from portal.clock import Clock
from portal.config import Settings
from portal.db import DB
from portal.privacy import runs
from portal.vault import Vault
from tests import factories
from tests.portal.web.conftest import Cast, app, cast, client, form_token
from tests.portal.web.test_routers import owner

__all__ = ["app", "cast", "client", "owner"]

NUMBER = "0712 345 678"


async def post(client: httpx.AsyncClient, path: str, **fields: str) -> httpx.Response:
    return await client.post(path, data={"_csrf": await form_token(client, "/account"), **fields})


async def test_a_copy_is_asked_for_made_and_saved(
    owner: httpx.AsyncClient, cast: Cast, settings: Settings, vault: Vault, clock: Clock
) -> None:
    asked = await post(owner, "/settings/data/copies", form_key="k")
    assert (asked.status_code, asked.headers["location"]) == (303, "/settings/data")
    assert (await post(owner, "/settings/data/copies", form_key="k")).status_code == 303
    copy_id = await DB.value("SELECT id FROM shop_copies")
    path = f"/settings/data/copies/{copy_id}/shop.zip"
    assert path not in (await owner.get("/settings/data")).text
    assert (await owner.get(path)).status_code == 409
    assert await runs.make(copy_id, settings=settings, vault=vault, clock=clock)
    assert path in (await owner.get("/settings/data")).text
    saved = await owner.get(path)
    assert (saved.headers["content-type"], saved.content[:2]) == ("application/zip", b"PK")
    assert saved.headers["cache-control"] == "no-store"


async def test_without_a_fresh_proof_one_is_led_to_prove_who_one_is(owner: httpx.AsyncClient) -> None:
    await DB.fetch("UPDATE user_sessions SET proved_at = proved_at - $1::interval", timedelta(hours=1))
    for path in ("/settings/data", "/settings/data/copies/1/shop.zip"):
        answer = await owner.get(path)
        assert (answer.status_code, answer.headers["location"].split("?")[0]) == (303, "/prove")


async def test_a_customer_is_looked_up_saved_and_erased(owner: httpx.AsyncClient, cast: Cast) -> None:
    await factories.payment(cast.merchant_id, status="failed")
    found = await post(owner, "/settings/data/customer", phone=NUMBER)
    assert "Payments" in found.text
    assert "Erase for good" in found.text
    saved = await post(owner, "/settings/data/customer/file", phone=NUMBER)
    assert saved.headers["content-type"].startswith("text/csv")
    assert "254712345678" in saved.text
    wrong = await post(owner, "/settings/data/customer/erase", phone=NUMBER, again="0712 345 679")
    assert wrong.status_code == 422
    assert "This is not the number above." in wrong.text
    done = await post(owner, "/settings/data/customer/erase", phone=NUMBER, again="+254712345678")
    assert (done.status_code, done.headers["location"]) == (303, "/settings/data?erased=true")
    assert "Nothing is kept of this number." in (await post(owner, "/settings/data/customer", phone=NUMBER)).text
    told = [
        row[0]
        for row in await DB.fetch("SELECT name FROM events WHERE name IN ('customer_saved', 'erased') ORDER BY id")
    ]
    assert told == ["customer_saved", "erased"]


async def test_what_is_open_is_named_with_the_way_to_settle_it(owner: httpx.AsyncClient, cast: Cast) -> None:
    payment = await factories.payment(cast.merchant_id, status="pending")
    found = await post(owner, "/settings/data/customer", phone=NUMBER)
    assert f'href="/payments/{payment}"' in found.text
    assert "Erase for good" not in found.text
    answer = await post(owner, "/settings/data/customer/erase", phone=NUMBER, again=NUMBER)
    assert answer.status_code == 409
    assert await DB.value("SELECT phone FROM payments") == "254712345678"


async def test_what_is_no_number_is_said_and_kept(owner: httpx.AsyncClient) -> None:
    answer = await post(owner, "/settings/data/customer", phone="0712 34")
    assert answer.status_code == 422
    assert "A digit is missing." in answer.text
    assert 'value="0712 34"' in answer.text
