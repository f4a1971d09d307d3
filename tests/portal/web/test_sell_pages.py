"""The sell screen: two taps for cash, a request that survives leaving the page, and nothing of the shop for an agent."""

import re

import httpx
import pytest

from portal import batches
from portal.agents import people, stock
from portal.clock import Clock
from portal.db import DB
from portal.identity import Actor, Role
from portal.vault import Vault
from tests import factories
from tests.portal.web import rows
from tests.portal.web.conftest import Cast, sign_in

_CODE = re.compile(r'id="code">([0-9A-Z-]+)<')


def fields(page: httpx.Response, **typed: str) -> dict[str, str]:
    """What the form of the sell screen carries, with what somebody chose."""
    hidden = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', page.text))
    packages = re.findall(r'name="package" id="tile-\d+" value="([^"]+)"', page.text)
    return hidden | {"package": packages[0] if packages else ""} | typed


async def code_on(client: httpx.AsyncClient, answer: httpx.Response) -> str:
    """The code on the page a form leads to."""
    assert answer.status_code == 303, answer.text[:2000]
    page = await client.get(answer.headers["location"])
    found = _CODE.search(page.text)
    return found[1] if found else ""


@pytest.fixture
async def till(client: httpx.AsyncClient, cast: Cast) -> httpx.AsyncClient:
    """The cashier, with an open drawer."""
    await sign_in(client, cast.cashier)
    await client.post("/sell/drawer", data=fields(await client.get("/sell"), float="0"))
    return client


async def test_a_cash_sale_is_a_package_and_a_tap_and_a_second_tap_is_the_same(till: httpx.AsyncClient) -> None:
    sent = fields(await till.get("/sell"), how="cash")
    first, second = await till.post("/sell", data=sent), await till.post("/sell", data=sent)
    code = await code_on(till, first)
    assert code == await code_on(till, second)
    assert "sold already" in (await till.get(second.headers["location"])).text
    assert (
        await DB.value(
            "SELECT count(*) FROM payments WHERE status = 'paid' AND float_id IS NOT NULL AND sold_by IS NOT NULL"
        )
        == 1
    )
    page = await till.get(first.headers["location"])
    assert "https://wa.me/?text=" in page.text
    assert code in page.text
    assert "KES\u00a010" in (await till.get("/sell")).text, "what one has sold today"


async def test_a_number_on_a_cash_sale_gets_the_code_once(till: httpx.AsyncClient) -> None:
    sent = fields(await till.get("/sell"), how="cash", phone="0712 345 678")
    for _ in range(2):
        await till.post("/sell", data=sent)
    assert [row["recipient"] for row in await DB.fetch("SELECT recipient FROM messages")] == ["254712345678"]


async def test_a_wrong_number_sells_nothing_and_is_kept(till: httpx.AsyncClient) -> None:
    for how in ("cash", "mpesa"):
        answer = await till.post("/sell", data=fields(await till.get("/sell"), how=how, phone="071x"))
        assert answer.status_code == 422
        assert 'value="071x"' in answer.text
        assert 'aria-invalid="true"' in answer.text
    assert (await till.post("/sell", data=fields(await till.get("/sell"), how="mpesa"))).status_code == 422
    assert await DB.value("SELECT count(*) FROM payments") == 0


async def test_cash_wants_a_drawer(client: httpx.AsyncClient, cast: Cast) -> None:
    await sign_in(client, cast.cashier)
    answer = await client.post("/sell", data=fields(await client.get("/sell"), how="cash"))
    assert answer.status_code == 409
    assert "Open your drawer first" in answer.text
    assert await DB.value("SELECT count(*) FROM vouchers") == 0


async def test_another_price_than_shown_is_not_sold(till: httpx.AsyncClient) -> None:
    sent = fields(await till.get("/sell"), how="cash")
    await DB.fetch("UPDATE packages SET price_cents = 2000")
    answer = await till.post("/sell", data=sent)
    assert answer.status_code == 409
    assert "changed" in answer.text
    assert await DB.value("SELECT count(*) FROM payments") == 0


async def test_a_request_to_a_phone_is_found_again_and_ends_with_the_code(
    till: httpx.AsyncClient, vault: Vault
) -> None:
    await factories.mpesa_account(vault)
    sent = fields(await till.get("/sell"), how="mpesa", phone="0712345678")
    first, second = await till.post("/sell", data=sent), await till.post("/sell", data=sent)
    assert first.headers["location"] == second.headers["location"]
    place = first.headers["location"]
    waiting = await till.get(place)
    assert 'hx-trigger="every 3s, wake"' in waiting.text
    assert _CODE.search(waiting.text) is None
    assert "hx-refresh" not in (await till.get(f"{place}/state")).headers
    await DB.fetch("UPDATE payments SET status = 'failed', result_code = '1032'")
    assert (await till.get(f"{place}/state")).headers["hx-refresh"] == "true"
    refused = await till.get(place)
    assert "The customer cancelled." in refused.text
    assert "Take cash instead" in refused.text
    code = await code_on(till, await till.post(f"{place}/cash", data=fields(refused)))
    assert code
    assert "in cash" in (await till.get(place)).text
    assert await DB.value("SELECT count(*) FROM vouchers") == 1


async def test_the_code_is_shown_later_only_when_asked_for(till: httpx.AsyncClient) -> None:
    place = (await till.post("/sell", data=fields(await till.get("/sell"), how="cash"))).headers["location"]
    await DB.fetch("UPDATE payments SET paid_at = paid_at - interval '1 hour'")
    page = await till.get(place)
    assert _CODE.search(page.text) is None
    shown = await till.post(f"{place}/show", data=fields(page))
    assert _CODE.search(shown.text) is not None


async def test_an_agent_sees_nothing_of_the_shop(
    client: httpx.AsyncClient, cast: Cast, vault: Vault, clock: Clock
) -> None:
    user = await rows.person("mary@kilimani.test", cast.merchant_id, role="cashier", name="Mary N.")
    owner = Actor(user_id=user, merchant_id=cast.merchant_id, role=Role.OWNER, is_operator=False, name="A", email="a")
    draft = people.Draft(name="Mary", commission="10", terms="open", user=str(user))
    agent = await people.make(owner, draft, form_key=None, now=clock.now())
    other = await people.make(owner, people.Draft(name="Other", terms="open"), form_key=None, now=clock.now())
    made = await batches.make(owner, cast.package_id, count=3, note_text="", vault=vault, now=clock.now(), kind="cash")
    for to, count in ((agent, "1"), (other, "1")):
        await stock.allot(owner, to, batch=str(made.id), count=count, first="", form_key=None, now=clock.now())
    answer = await sign_in(client, "mary@kilimani.test")
    assert (await client.get("/")).headers["location"] == "/sell"
    assert answer.status_code == 303
    others = await DB.value("SELECT max(id) FROM vouchers")
    for path in ("/sales", "/vouchers", f"/vouchers/{others}", "/agents", f"/agents/{agent}", f"/agents/{other}", "/reports", "/drawers",
                 "/exports", "/search?q=x", "/home/figures"):  # fmt: skip
        assert (await client.get(path)).status_code == 403, path
    assert (await client.get(f"/sell/{others}")).status_code == 404
    sent = fields(await client.get("/sell"), how="cash")
    assert await code_on(client, await client.post("/sell", data=sent))
    own = await client.get("/agent")
    assert "KES\u00a09" in own.text
    assert "Other" not in own.text
    assert (await client.post("/sell", data=sent | {"how": "mpesa", "phone": "0712345678"})).status_code == 403
