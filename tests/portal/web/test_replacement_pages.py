"""The page that gives another voucher instead of a refund, and the code of a voucher no batch holds."""

import httpx
import pytest
from litestar import Litestar

from portal.clock import Clock
from portal.db import DB
from portal.vault import Vault
from tests.portal.web.conftest import Cast, browser, sign_in
from tests.portal.web.test_out_pages import sold
from tests.portal.web.test_routers import owner, post

__all__ = ["owner"]


@pytest.fixture
async def payment(cast: Cast, vault: Vault, clock: Clock) -> int:
    paid = await sold(cast, vault, clock)
    voucher = await DB.value("SELECT c.voucher_id FROM payments p JOIN checkouts c ON c.id = p.checkout_id")
    sealed = vault.seal("vouchers", "code_sealed", row_id=voucher, plaintext="K7QM2XWP4H")
    await DB.fetch("UPDATE vouchers SET code_sealed = $2 WHERE id = $1", voucher, sealed)
    return paid


async def test_the_owner_gives_another_voucher_and_sees_its_code_once_written_down(
    owner: httpx.AsyncClient, cast: Cast, payment: int
) -> None:
    assert f"/payments/{payment}/voucher" in (await owner.get(f"/payments/{payment}")).text
    path = f"/payments/{payment}/voucher"
    assert "KES\xa050" in (await owner.get(path)).text
    wrong = await post(owner, path, package_id="x", rest="", why="no internet")
    assert wrong.status_code == 422
    given = await post(owner, path, package_id=str(cast.package_id), rest="cash", why="no internet")
    assert given.status_code == 303
    voucher = given.headers["location"]
    page = await owner.get(voucher)
    assert "Given instead of a refund" in page.text
    assert "•" in page.text
    shown = await post(owner, f"{voucher}/code")
    assert shown.status_code == 200
    assert "That you looked is written down." in shown.text
    assert await DB.value("SELECT count(*) FROM events WHERE name = 'code_shown'") == 1
    again = await post(owner, path, package_id=str(cast.package_id), rest="cash", why="no internet")
    assert again.status_code == 409
    assert "A voucher instead" in (await owner.get("/refunds")).text


async def test_a_rival_and_a_cashier_get_nowhere(app: Litestar, cast: Cast, payment: int) -> None:
    path = f"/payments/{payment}/voucher"
    voucher = await DB.value("SELECT c.voucher_id FROM payments p JOIN checkouts c ON c.id = p.checkout_id")
    wanted = {"package_id": str(cast.rival_package_id), "rest": "cash", "why": "mine now"}
    async with browser(app) as rival:
        await sign_in(rival, cast.rival)
        assert (await rival.get(path)).status_code == 404
        assert (await post(rival, path, **wanted)).status_code == 404
        assert (await post(rival, path)).status_code == 404
        assert (await post(rival, f"/vouchers/{voucher}/code")).status_code == 404
    async with browser(app) as cashier:
        await sign_in(cashier, cast.cashier)
        assert (await cashier.get(path)).status_code == 403
        assert (await post(cashier, path, **wanted)).status_code == 403
        assert (await post(cashier, f"/vouchers/{voucher}/code")).status_code == 200
    assert await DB.value("SELECT count(*) FROM refunds") == 0


async def test_nobody_sees_the_code_of_a_voucher_nobody_paid(
    owner: httpx.AsyncClient, cast: Cast, payment: int
) -> None:
    voucher = await DB.value("SELECT c.voucher_id FROM payments p JOIN checkouts c ON c.id = p.checkout_id")
    await DB.fetch("UPDATE vouchers SET status = 'unsold' WHERE id = $1", voucher)
    assert (await post(owner, f"/vouchers/{voucher}/code")).status_code == 409
    assert await DB.value("SELECT count(*) FROM events WHERE name = 'code_shown'") == 0
