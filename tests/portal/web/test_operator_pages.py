"""The operator's pages: merchants and their terms, pausing, notes, how the platform is, and looking at a shop in its owner's place."""

from datetime import timedelta

import httpx
import msgspec
import pytest
from litestar import Litestar

from portal import packages
from portal.clock import Clock
from portal.db import DB
from portal.errors import NotFound
from portal.vault import Vault
from tests import factories
from tests.portal.web.conftest import Cast, browser, form_token, sign_in


async def send(
    client: httpx.AsyncClient, path: str, *, page: str = "/operator/merchants/new", **fields: str
) -> httpx.Response:
    return await client.post(path, data={"_csrf": await form_token(client, page), **fields})


def at(cast: Cast, what: str = "") -> str:
    return f"/operator/merchants/{cast.merchant_id}{what}"


async def events(name: str) -> list[dict[str, object]]:
    rows = await DB.fetch("SELECT merchant_id, actor, data FROM events WHERE name = $1 ORDER BY id", name)
    return [dict(row) | {"data": msgspec.json.decode(row["data"])} for row in rows]


async def test_merchants_are_found_by_name_number_and_address(client: httpx.AsyncClient, cast: Cast) -> None:
    await sign_in(client, cast.operator)
    both = (await client.get("/operator/merchants")).text
    assert "Kilimani Corner" in both
    assert "Rival Wi-Fi" in both
    for q in ("kilimani", cast.owner):
        found = (await client.get("/operator/merchants", params={"q": q})).text
        assert "Kilimani Corner" in found
        assert "Rival Wi-Fi" not in found
    assert "No merchant found" in (await client.get("/operator/merchants", params={"q": "%"})).text
    assert "Kilimani" not in (await client.get("/operator/merchants", params={"kind": "isp"})).text


async def test_the_list_goes_on_where_a_page_ended(client: httpx.AsyncClient, cast: Cast) -> None:
    for n in range(55):
        await factories.merchant(f"Duka {n:02}")
    await sign_in(client, cast.operator)
    first = (await client.get("/operator/merchants")).text
    assert "Duka 49" in first
    assert "Duka 50" not in first
    after = first.split("after=", 1)[1].split('"', 1)[0]
    rest = (await client.get("/operator/merchants", params={"after": after})).text
    assert "Duka 50" in rest
    assert "Kilimani Corner" in rest


async def test_commission_is_set_for_sales_from_now_on_and_told_to_the_merchant(
    client: httpx.AsyncClient, cast: Cast
) -> None:
    await sign_in(client, cast.operator)
    assert (await send(client, at(cast, "/terms"), kind="personal", commission="12,5")).status_code == 303
    assert await DB.value("SELECT commission_bp FROM merchants WHERE id = $1", cast.merchant_id) == 1250
    assert "12.5 %" in (await client.get(at(cast))).text
    assert (await events("terms"))[0]["merchant_id"] == cast.merchant_id
    for wrong in ("101", "-1", "1.234", "ten"):
        answer = await send(client, at(cast, "/terms"), kind="personal", commission=wrong)
        assert answer.status_code == 422
        assert f'value="{wrong}"' in answer.text
    assert (await send(client, at(cast, "/terms"), kind="king", commission="")).status_code == 422
    assert (await send(client, at(cast, "/terms"), kind="isp", commission="")).status_code == 303
    assert await DB.value(
        "SELECT commission_bp IS NULL AND kind = 'isp' FROM merchants WHERE id = $1", cast.merchant_id
    )


async def test_a_paused_shop_sells_nothing_until_it_may_again(
    client: httpx.AsyncClient, cast: Cast, clock: Clock
) -> None:
    async def sold() -> None:
        await packages.to_sell(cast.router.id, cast.merchant_id, cast.package_id, now=clock.now())

    await sold()
    await sign_in(client, cast.operator)
    assert (await send(client, at(cast, "/pause"), why=" ")).status_code == 422
    assert (await send(client, at(cast, "/pause"), why="rent not paid")).status_code == 303
    with pytest.raises(NotFound):
        await sold()
    assert "rent not paid" in (await client.get(at(cast))).text
    assert (await send(client, at(cast, "/resume"), why="")).status_code == 303
    await sold()
    assert [each["merchant_id"] for each in await events("paused")] == [cast.merchant_id]


async def test_notes_are_the_operators_own(app: Litestar, client: httpx.AsyncClient, cast: Cast) -> None:
    await sign_in(client, cast.operator)
    assert (await send(client, at(cast, "/notes"), note="called, promised <b>Monday</b>")).status_code == 303
    assert "promised &lt;b&gt;Monday" in (await client.get(at(cast))).text
    assert (await send(client, at(cast, "/notes"), note="")).status_code == 422
    async with browser(app) as hers:
        await sign_in(hers, cast.owner)
        assert "promised" not in (await hers.get("/history")).text


async def test_an_owner_is_invited_by_a_link_that_is_shown_once(client: httpx.AsyncClient, cast: Cast) -> None:
    await sign_in(client, cast.operator)
    answer = await send(client, "/operator/merchants", email="new@shop.test", kind="isp")
    link = answer.text.split("<code>", 1)[1].split("</code>", 1)[0]
    assert "/sign-up?t=" in link
    assert (await client.get(link.replace("http://portal.test", ""))).status_code == 200
    wrong = await send(client, "/operator/merchants", email="no", kind="isp")
    assert wrong.status_code == 422
    assert 'value="no"' in wrong.text


async def test_health_and_payouts_tell_how_it_is(client: httpx.AsyncClient, cast: Cast) -> None:
    await DB.fetch(
        "INSERT INTO job_runs (job, slot, status, error) VALUES ('expire-vouchers', now(), 'dead', 'no <disk>')"
    )
    await sign_in(client, cast.operator)
    page = (await client.get("/operator/health")).text
    assert "no &lt;disk&gt;" in page
    assert "Routers online" in page
    assert "Nobody is owed anything" in (await client.get("/operator/payouts")).text


async def test_only_looking_changes_nothing_and_ends_with_one_tap(
    app: Litestar, client: httpx.AsyncClient, cast: Cast
) -> None:
    await sign_in(client, cast.operator)
    assert (await send(client, at(cast, "/visit"))).status_code == 422
    assert (await send(client, at(cast, "/visit"), how="look", reason="x")).headers["location"] == "/home"
    for path in ("/home", "/vouchers", "/packages", "/payouts"):
        page = await client.get(path)
        assert page.status_code == 200
        assert "in place of Amina" in page.text, path
    token = await form_token(client, "/home")
    refused = await client.post(
        "/vouchers", data={"_csrf": token, "package": str(cast.package_id), "count": "1", "kind": "cash"}
    )
    assert refused.status_code == 403
    assert await DB.value("SELECT count(*) FROM vouchers") == 0
    assert (await client.get("/operator")).status_code == 404, "an owner is no operator"
    assert (await client.post("/visit/end", data={"_csrf": token})).headers["location"] == at(cast)
    assert (await client.get("/operator")).status_code == 200
    assert (await client.get("/payouts")).status_code == 404
    began = (await events("began"))[0]
    assert began["merchant_id"] == cast.merchant_id
    assert began["data"]["in_place_of"].startswith("Amina")  # pyright: ignore[reportIndexIssue]
    async with browser(app) as hers:
        await sign_in(hers, cast.owner)
        assert "Olive M." in (await hers.get("/history")).text


async def test_with_a_reason_things_change_under_both_names_and_secrets_stay_closed(
    client: httpx.AsyncClient, cast: Cast, vault: Vault
) -> None:
    await sign_in(client, cast.operator)
    voucher = await factories.voucher(vault, cast.merchant_id, cast.package_id)
    assert (await send(client, at(cast, "/visit"), how="change", reason=" no ")).status_code == 422
    await send(client, at(cast, "/visit"), how="change", reason="made vouchers on the phone")
    token = await form_token(client, "/home")
    made = await client.post(
        "/vouchers", data={"_csrf": token, "package": str(cast.package_id), "count": "1", "kind": "cash"}
    )
    assert made.status_code == 303
    said = (await events("made"))[0]
    operator = await DB.value("SELECT id FROM users WHERE email = $1", cast.operator)
    assert said["actor"] == f"user:{operator}"
    assert said["data"]["in_place_of"].startswith("Amina")  # pyright: ignore[reportIndexIssue]
    for path in (
        f"/vouchers/{voucher}/code",
        f"{made.headers['location']}/print",
        "/account/password",
        "/team/invite",
        "/settings/tokens",
    ):
        assert (await client.post(path, data={"_csrf": token})).status_code == 403, path
    for path in ("/account/security", "/team", "/ways", "/settings/tokens"):
        assert (await client.get(path)).status_code == 403, path
    assert await DB.value("SELECT count(*) FROM events WHERE name = 'code_shown'") == 0


async def test_it_ends_by_itself_after_half_an_hour_and_with_the_operators_rights(
    client: httpx.AsyncClient, cast: Cast, clock: Clock
) -> None:
    await sign_in(client, cast.operator)
    await send(client, at(cast, "/visit"), how="look")
    clock.shift(timedelta(minutes=29))
    assert (await client.get("/payouts")).status_code == 200
    clock.shift(timedelta(minutes=2))
    assert (await client.get("/payouts")).status_code == 404
    await send(client, at(cast, "/visit"), how="look")
    await DB.fetch("UPDATE users SET is_operator = false WHERE email = $1", cast.operator)
    assert (await client.get("/payouts")).status_code == 404


@pytest.mark.parametrize(
    "path", ["/operator/merchants", "/operator/health", "/operator/payouts", "/operator/merchants/1"]
)
async def test_for_owners_none_of_it_is_there(client: httpx.AsyncClient, cast: Cast, path: str) -> None:
    await sign_in(client, cast.owner)
    assert (await client.get(path)).status_code == 404


async def test_announcements_reach_whom_they_are_for_until_each_puts_them_away(
    app: Litestar, client: httpx.AsyncClient, cast: Cast, clock: Clock
) -> None:
    await sign_in(client, cast.operator)
    ends = (clock.now() + timedelta(days=2)).strftime("%Y-%m-%dT%H:%M")
    said = {"text_en": "New <b>prices</b>", "text_sw": "Bei mpya", "kind": "personal", "until_at": ends}
    page = "/operator/announcements"
    for wrong in (
        {"text_sw": ""},
        {"until_at": "soon"},
        {"until_at": "2020-01-01T10:00"},
        {"kind": "king"},
        {"text_en": "x" * 501},
    ):
        assert (await send(client, page, page=page, **said | wrong)).status_code == 422, wrong
    assert (await send(client, page, page=page, **said)).status_code == 303
    assert "New &lt;b&gt;prices" in (await client.get(page)).text
    async with browser(app) as hers, browser(app) as his:
        await sign_in(hers, cast.owner)
        await sign_in(his, cast.rival)
        assert "New &lt;b&gt;prices" in (await hers.get("/home")).text
        assert "Bei mpya" in (await hers.get("/home?l=sw")).text
        assert "prices" not in (await his.get("/home")).text
        token = await form_token(hers, "/home")
        assert (await hers.post("/announcements/1/read", data={"_csrf": token})).status_code == 303
        assert "prices" not in (await hers.get("/home")).text
        async with browser(app) as cashiers:
            await sign_in(cashiers, cast.cashier)
            assert "prices" in (await cashiers.get("/home")).text, "each puts it away for themselves"
            assert (await send(client, f"{page}/1/end", page=page)).status_code == 303
            assert "prices" not in (await cashiers.get("/home")).text
