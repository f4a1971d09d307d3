"""The limit of refunds is the owner's, the fee of payouts the operator's; each has a page, and every change is kept."""

import httpx
import pytest
from litestar import Litestar

from portal.db import DB
from portal.payouts import plan_of
from tests.portal.web import rows
from tests.portal.web.conftest import Cast, browser, sign_in
from tests.portal.web.test_routers import owner, post

__all__ = ["owner"]


async def limit() -> int:
    return await DB.value("SELECT refund_limit_cents FROM merchants ORDER BY id LIMIT 1")


async def test_the_owner_changes_the_limit_with_the_password(owner: httpx.AsyncClient) -> None:
    assert "1000" in (await owner.get("/settings/money")).text
    for wrong in ({"limit": "500"}, {"limit": "500", "password": "no"}, {"limit": "-5", "password": rows.PASSWORD}, {}):
        assert (await post(owner, "/settings/money", **wrong)).status_code == 422
    assert await limit() == 100_000
    saved = await post(owner, "/settings/money", limit="500", password=rows.PASSWORD)
    assert saved.status_code == 303
    assert await limit() == 50_000
    assert "Saved." in (await owner.get(saved.headers["location"])).text
    [event] = await DB.fetch("SELECT data FROM events WHERE name = 'refund_limit'")
    assert '"now_cents": 50000' in event["data"]


@pytest.mark.parametrize("role", ["manager", "cashier"])
async def test_others_do_not(app: Litestar, cast: Cast, role: str) -> None:
    await DB.fetch(
        "UPDATE memberships SET role = $1 WHERE merchant_id = $2 AND role = 'cashier'", role, cast.merchant_id
    )
    async with browser(app) as client:
        await sign_in(client, cast.cashier)
        assert (await client.get("/settings/money")).status_code == (200 if role == "manager" else 403)
        assert (await post(client, "/settings/money", limit="500", password=rows.PASSWORD)).status_code == 403
        assert (await client.get("/operator/fees")).status_code in (403, 404)
        assert (await post(client, "/operator/fees", merchant=str(cast.merchant_id), fee="0")).status_code in (403, 404)
    assert await limit() == 100_000


async def test_the_operator_sets_each_merchants_fee(app: Litestar, cast: Cast) -> None:
    async with browser(app) as client:
        await sign_in(client, cast.operator)
        page = await client.get("/operator/fees")
        assert "Kilimani Corner" in page.text
        assert "Rival Wi-Fi" in page.text
        assert (await post(client, "/operator/fees", merchant=str(cast.merchant_id), fee="900")).status_code == 422
        assert (await post(client, "/operator/fees", merchant="999999", fee="20")).status_code == 404
        assert (await post(client, "/operator/fees", merchant=str(cast.merchant_id), fee="20")).status_code == 303
        assert (await client.get("/operator/fees", params={"after": cast.rival_id})).status_code == 200
    assert (await plan_of(cast.merchant_id)).fee_cents == 2000
    assert (await plan_of(cast.merchant_id)).schedule == "off"
    assert (await plan_of(cast.rival_id)).fee_cents == 0


async def test_the_merchant_sees_the_fee(owner: httpx.AsyncClient, cast: Cast) -> None:
    await DB.fetch(
        "INSERT INTO payout_plans (merchant_id, fee_cents, minimum_cents) VALUES ($1, 3500, 10000)", cast.merchant_id
    )
    assert "KES\xa035" in (await owner.get("/settings/money")).text
