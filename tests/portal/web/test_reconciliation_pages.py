"""Daily closes and M-Pesa lists on the screen: a statement sent, looked at, decided about; strangers see nothing."""

import asyncio
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from litestar import Litestar

from portal.clock import Clock
from portal.db import DB
from portal.reconciliation import closes
from portal.vault import Vault
from tests import factories
from tests.portal.reconciliation.sheets import as_csv, paid
from tests.portal.web.conftest import Cast, browser, form_token, sign_in


@pytest.fixture
async def account(cast: Cast, vault: Vault) -> int:
    """The owner's own paybill."""
    return await factories.mpesa_account(vault, merchant_id=cast.merchant_id)


@pytest.fixture
async def owner(client: httpx.AsyncClient, cast: Cast) -> httpx.AsyncClient:
    await sign_in(client, cast.owner)
    return client


async def send(client: httpx.AsyncClient, path: Path, *, account: int) -> httpx.Response:
    body = await asyncio.to_thread(path.read_bytes)
    data = {"_csrf": await form_token(client, "/account"), "account": str(account)}
    return await client.post("/lists", data=data, files={"file": (path.name, body, "text/csv")})


async def press(client: httpx.AsyncClient, path: str, **data: str) -> httpx.Response:
    return await client.post(path, data={"_csrf": await form_token(client, "/account")} | data)


async def test_a_statement_is_sent_looked_at_and_confirmed(
    owner: httpx.AsyncClient, account: int, clock: Clock, tmp_path: Path
) -> None:
    path = as_csv(tmp_path / "nov.csv", [paid("UKK0000001", clock.now() - timedelta(hours=1), 10, "X<script>")])
    answer = await send(owner, path, account=account)
    assert answer.status_code == 303
    page = (await owner.get(answer.headers["location"])).text
    assert "1 payment is at M‑PESA and not here" in page
    assert "UKK0000001" in page
    assert "X<script>" not in page
    assert (await press(owner, f"{answer.headers['location']}/take")).status_code == 303
    assert await DB.value("SELECT status FROM comparisons") == "taking"
    assert "being taken in" in (await owner.get(answer.headers["location"])).text
    assert "nov.csv" in (await owner.get("/lists")).text


async def test_what_is_no_statement_comes_back_with_a_sentence(
    owner: httpx.AsyncClient, account: int, tmp_path: Path
) -> None:
    path = tmp_path / "a.pdf"
    path.write_bytes(b"%PDF-1.7")
    answer = await send(owner, path, account=account)
    assert answer.status_code == 422
    assert "not a statement" in answer.text
    assert (await press(owner, "/lists", account=str(account))).status_code == 422, "no file at all"


async def test_a_file_larger_than_any_statement_is_refused(
    owner: httpx.AsyncClient, account: int, tmp_path: Path
) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(b"a" * (9 * 1024 * 1024))
    assert (await send(owner, path, account=account)).status_code == 413


async def test_a_look_is_wished_for_once(owner: httpx.AsyncClient, account: int) -> None:
    for _ in range(2):
        assert (await press(owner, "/lists/pull", account=str(account))).status_code == 303
    assert await DB.value("SELECT count(*) FROM comparisons WHERE source = 'pull'") == 1


async def test_a_close_is_shown_and_closed_again(owner: httpx.AsyncClient, account: int, clock: Clock) -> None:
    [day] = await closes.due(now=clock.now())
    [made] = await closes.close(day, by="test", now=clock.now())
    assert f"/closes/{made}" in (await owner.get("/closes")).text
    page = (await owner.get(f"/closes/{made}")).text
    assert "side of this day is not known" in page
    again = await press(owner, f"/closes/{made}/again")
    assert again.headers["location"] == f"/closes/{made + 1}"
    assert "revision 1" in (await owner.get(again.headers["location"])).text


async def test_cashiers_look_and_decide_nothing_and_strangers_see_nothing(
    app: Litestar, client: httpx.AsyncClient, cast: Cast, account: int, clock: Clock, tmp_path: Path
) -> None:
    await sign_in(client, cast.owner)
    path = as_csv(tmp_path / "nov.csv", [paid("UKK0000001", clock.now() - timedelta(hours=1), 10, "X")])
    sent = await send(client, path, account=account)
    [made] = await closes.close((await closes.due(now=clock.now()))[0], by="test", now=clock.now())
    places = (sent.headers["location"], f"/closes/{made}")
    acts = (f"{places[0]}/take", f"{places[0]}/drop", f"{places[1]}/again")
    async with browser(app) as cashier:
        await sign_in(cashier, cast.cashier)
        assert [(await cashier.get(place)).status_code for place in places] == [200, 200]
        assert [(await press(cashier, act)).status_code for act in acts] == [403, 403, 403]
        assert (await send(cashier, path, account=account)).status_code == 403
    for email in (cast.rival, cast.operator):
        async with browser(app) as stranger:
            await sign_in(stranger, email)
            assert [(await stranger.get(place)).status_code for place in places] == [404, 404]
            assert [(await press(stranger, act)).status_code for act in acts] == [404, 404, 404]
            assert (await send(stranger, path, account=account)).status_code == 404
            assert "nov.csv" not in (await stranger.get("/lists")).text
    assert await DB.value("SELECT status FROM comparisons") == "ready"


async def test_the_operator_sees_the_platforms_account_and_no_merchants(
    app: Litestar, cast: Cast, account: int, vault: Vault, clock: Clock
) -> None:
    await factories.mpesa_account(vault, shortcode="600123")
    for day in await closes.due(now=clock.now()):
        await closes.close(day, by="test", now=clock.now())
    async with browser(app) as operator:
        await sign_in(operator, cast.operator)
        page = (await operator.get("/closes")).text
    assert "600123" in page
    assert "174379" not in page
