"""The pages of ways to be paid and of cashiers' drawers: what they do, and who may open them."""

import re

import httpx
import pytest
from litestar import Litestar

from portal.db import DB
from portal.errors import Invalid
from portal.rails import accounts
from tests import factories
from tests.portal.web.conftest import Cast, browser, sign_in
from tests.portal.web.report_rows import main
from tests.portal.web.test_routers import owner, post

__all__ = ["owner"]


@pytest.mark.parametrize(
    "secret", ["pk_live_abc", "sk_live_", "sk_live_ab\u2013cd", "sk_live_ab cd", "sk_live_ab\u200b"]
)
def test_a_key_that_cannot_be_sent_is_not_taken(secret: str) -> None:
    with pytest.raises(Invalid) as said:
        accounts.check("paystack", environment="production", key_name="", secret=secret)
    assert said.value.fields == {"secret": accounts.NOT_A_SECRET_KEY}


async def test_keys_are_kept_sealed_and_never_shown_again(owner: httpx.AsyncClient, cast: Cast) -> None:
    answer = await post(owner, "/ways/paystack", environment="sandbox", secret="sk_test_topsecret")
    assert answer.headers["location"] == "/ways"
    page = main(await owner.get("/ways"))
    assert "sk_test_topsecret" not in page
    token = await DB.value("SELECT token FROM callback_addresses WHERE road = 'paystack'")
    assert f"/cb/{token}/paystack" in page
    assert "checkout.paystack.com" in page, "what a router must let through"
    row = await DB.row("SELECT secret_sealed, merchant_id FROM rail_accounts")
    assert row
    assert b"topsecret" not in row["secret_sealed"]
    assert row["merchant_id"] == cast.merchant_id
    assert "topsecret" not in str(await DB.fetch("SELECT data FROM events"))


async def test_new_keys_take_the_place_of_the_old_which_are_kept(owner: httpx.AsyncClient, cast: Cast) -> None:
    for name in ("one", "two"):
        await post(owner, "/ways/airtel", environment="production", key_name=name, secret="s")
    rows = await DB.fetch("SELECT key_name, ended_at IS NULL AS is_live FROM rail_accounts ORDER BY id")
    assert [(row["key_name"], row["is_live"]) for row in rows] == [("one", False), ("two", True)]


async def test_a_way_may_be_hidden_shown_and_taken_out(owner: httpx.AsyncClient, cast: Cast) -> None:
    await post(owner, "/ways/airtel", environment="production", key_name="a", secret="s")
    await post(owner, "/ways/airtel/hide")
    assert await DB.value("SELECT is_offered FROM rail_accounts") is False
    await post(owner, "/ways/airtel/show")
    assert await DB.value("SELECT is_offered FROM rail_accounts") is True
    await post(owner, "/ways/airtel/remove")
    assert await DB.value("SELECT ended_at FROM rail_accounts") is not None
    assert (await post(owner, "/ways/airtel/hide")).status_code == 404


async def test_a_public_key_is_not_taken_for_the_secret_one(owner: httpx.AsyncClient, cast: Cast) -> None:
    answer = await post(owner, "/ways/paystack", environment="sandbox", secret="pk_test_1")
    assert answer.status_code == 422
    assert "sk_live_" in answer.text
    assert (await post(owner, "/ways/airtel", environment="production", secret="s")).status_code == 422
    assert (await post(owner, "/ways/western", environment="production", secret="s")).status_code == 404
    assert await DB.value("SELECT count(*) FROM rail_accounts") == 0


async def test_only_the_owner_sees_and_changes_where_money_goes(app: Litestar, cast: Cast) -> None:
    async with browser(app) as client:
        await sign_in(client, cast.cashier)
        assert (await client.get("/ways")).status_code == 403
        for path in ("/ways/airtel", "/ways/airtel/hide", "/ways/airtel/show", "/ways/airtel/remove"):
            assert (await post(client, path, environment="production", key_name="a", secret="s")).status_code == 403
    assert await DB.value("SELECT count(*) FROM rail_accounts") == 0


async def test_a_cashier_opens_sells_and_hands_in(app: Litestar, cast: Cast) -> None:
    package = await factories.package(cast.merchant_id, price_cents=2000)
    async with browser(app) as client:
        await sign_in(client, cast.cashier)
        form = {"package": str(package), "form_key": "one"}
        assert (await post(client, "/drawers/sell", **form)).status_code == 409
        await post(client, "/drawers", float="100")
        sold = [main(await post(client, "/drawers/sell", **form)) for _ in range(2)]
        found = [re.findall(r'code: <b class="num">([0-9A-Z]{5}-[0-9A-Z]{5})</b>', page) for page in sold]
        assert len(found[0]) == 1, "the code is shown"
        assert found[1] == found[0], "a reload sells nothing more"
        assert await DB.value("SELECT count(*) FROM vouchers") == 1
        drawer = await DB.value("SELECT id FROM floats")
        assert (await post(client, f"/drawers/{drawer}/hand-in", counted="110", note="")).status_code == 422
        await post(client, f"/drawers/{drawer}/hand-in", counted="110", note="wrong change")
        assert "Missing:" in main(await client.get("/drawers"))


async def test_another_merchants_drawer_is_not_there(app: Litestar, cast: Cast) -> None:
    async with browser(app) as client:
        await sign_in(client, cast.cashier)
        await post(client, "/drawers", float="100")
    drawer = await DB.value("SELECT id FROM floats")
    async with browser(app) as rival:
        await sign_in(rival, cast.rival)
        assert (await post(rival, f"/drawers/{drawer}/hand-in", counted="100")).status_code == 404
        assert "No drawer was opened yet" in main(await rival.get("/drawers"))


async def test_an_operator_enters_the_platforms_keys_and_shops_without_their_own_sell_by_them(
    app: Litestar, cast: Cast
) -> None:
    async with browser(app) as client:
        await sign_in(client, cast.operator)
        assert 'href="/ways"' in (await client.get("/operator")).text
        await post(client, "/ways/airtel", environment="production", key_name="a", secret="s")
        assert await DB.value("SELECT merchant_id FROM rail_accounts") is None
        assert "keys of their own" in main(await client.get("/ways"))
    assert [way.rail for way in await accounts.ways_to_pay(cast.merchant_id)] == ["airtel"]
    async with browser(app) as client:
        await sign_in(client, cast.owner)
        assert "the money is paid out to you" in main(await client.get("/ways"))
        assert (await post(client, "/ways/airtel/hide")).status_code == 404, "the platform's are not hers to hide"
        await post(client, "/ways/airtel", environment="production", key_name="mine", secret="s")
    own, platforms = await DB.fetch("SELECT id, merchant_id FROM rail_accounts ORDER BY merchant_id")
    assert await accounts.ways_to_pay(cast.merchant_id) == [accounts.WayToPay("airtel", own["id"])]
    assert await accounts.ways_to_pay(None) == [accounts.WayToPay("airtel", platforms["id"])]
