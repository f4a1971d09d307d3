"""The page of a refund whose provider does not tell: who is asked what its portal shows, and what the answer does."""

import httpx
import pytest

from portal import refunds
from portal.clock import Clock
from portal.db import DB, atomic
from portal.identity import Actor, Role
from portal.rails import accounts
from portal.refunds import Road, Scope, Wish
from portal.vault import Vault
from tests import factories
from tests.portal.web import rows
from tests.portal.web.conftest import Cast
from tests.portal.web.report_rows import main
from tests.portal.web.test_routers import owner, post

__all__ = ["owner"]


@pytest.fixture
async def lost(cast: Cast, vault: Vault, clock: Clock) -> int:
    """A refund by the shop's own Airtel keys, sent, and nobody knows what became of it."""
    now = clock.now()
    async with atomic() as tx:
        account = await accounts.put(
            tx, "airtel", merchant_id=cast.merchant_id, environment="sandbox", key_name="a", secret="s", vault=vault,
            now=now, by="test",
        )  # fmt: skip
    paid = await rows.payment(cast.router, cast.package_id, at=now, cents=5000, receipt="MP261120.1226.DBVJ85")
    await rows.access(paid, vault, at=now, voucher="paid", is_open=False)
    await DB.fetch(
        "UPDATE payments SET rail_account_id = $2, account_id = NULL, method = 'airtel' WHERE id = $1", paid, account
    )
    await factories.receipt(
        cast.merchant_id,
        amount_cents=5000,
        receipt="MP261120.1226.DBVJ85",
        payment_id=paid,
        rail="airtel",
        account_id=None,
    )
    master = await DB.value("SELECT id FROM users WHERE email = $1", cast.owner)
    actor = Actor(
        user_id=master,
        merchant_id=cast.merchant_id,
        role=Role.OWNER,
        is_operator=False,
        name="A",
        email="a@example.com",
    )
    wish = Wish(scope=Scope.WHOLE, road=Road.REVERSAL, why="no internet")
    refund = await refunds.request(actor, paid, wish, now=now)
    await DB.fetch("UPDATE transfers SET status = 'unknown', tries = 1, submitted_at = $1", now)
    await DB.fetch("UPDATE refunds SET status = 'unknown'")
    return refund


async def test_the_owner_says_what_the_portal_shows(owner: httpx.AsyncClient, lost: int) -> None:
    page = main(await owner.get(f"/refunds/{lost}"))
    assert "What does the portal show?" in page
    assert "M‑PESA" not in page.split("What happened")[1], "this was another rail"
    nothing = await post(owner, f"/refunds/{lost}/seen", note="portal, 10:00")
    assert nothing.status_code == 422
    assert "Choose what the portal shows." in nothing.text
    assert (await post(owner, f"/refunds/{lost}/seen", is_back="yes")).status_code == 422
    assert (await post(owner, f"/refunds/{lost}/seen", is_back="yes", note="portal, 10:00")).status_code == 303
    assert "Given back" in main(await owner.get(f"/refunds/{lost}"))
    assert (await post(owner, f"/refunds/{lost}/seen", is_back="no", note="portal, 10:00")).status_code == 409


async def test_nobody_but_an_operator_is_asked_about_the_platforms_account(owner: httpx.AsyncClient, lost: int) -> None:
    await DB.fetch("UPDATE rail_accounts SET merchant_id = NULL")
    assert "What does the portal show?" not in main(await owner.get(f"/refunds/{lost}"))
    assert (await post(owner, f"/refunds/{lost}/seen", is_back="yes", note="portal")).status_code == 403


async def test_what_was_not_given_back_can_be_tried_again(owner: httpx.AsyncClient, lost: int) -> None:
    await post(owner, f"/refunds/{lost}/seen", is_back="no", note="portal, 10:00")
    page = main(await owner.get(f"/refunds/{lost}"))
    assert "was not given back" in page
    assert 'value="reversal"' in page
    assert 'value="b2c"' not in page, "Airtel's money cannot leave by M-Pesa"
