"""Pages of vouchers: making many, finding one, what a shop does with it, and what stays impossible."""

import re
from collections.abc import AsyncIterator

import httpx
import pytest
from litestar import Litestar

from portal import batches
from portal.clock import Clock
from portal.db import DB
from portal.vault import Vault
from tests import factories
from tests.portal.payments.stall import Stall, actor
from tests.portal.vouchers.shelf import made_of, open_code, vouchers_of
from tests.portal.web.conftest import Cast, app, browser, cast, form_token, sign_in

__all__ = ["app", "cast"]


@pytest.fixture
async def stall(cast: Cast, vault: Vault, clock: Clock) -> Stall:
    """The owner's shop."""
    account = await factories.mpesa_account(vault)
    user = await DB.value("SELECT id FROM users WHERE email = $1", cast.owner)
    return Stall(
        vault, clock, cast.merchant_id, account, cast.router, cast.package_id, actor(cast.merchant_id, user_id=user)
    )


@pytest.fixture
async def owner(app: Litestar, cast: Cast) -> AsyncIterator[httpx.AsyncClient]:
    async with browser(app) as found:
        await sign_in(found, cast.owner)
        yield found


async def post(client: httpx.AsyncClient, path: str, **fields: str | list[str]) -> httpx.Response:
    """Send a form with its token."""
    return await client.post(path, data={"_csrf": await form_token(client, "/account"), **fields})


async def make(client: httpx.AsyncClient, stall: Stall, **fields: str | list[str]) -> httpx.Response:
    """Send the form of new vouchers."""
    given: dict[str, str | list[str]] = {
        "package": str(stall.package_id),
        "count": "3",
        "kind": "cash",
        "form_key": "k1",
    }
    return await post(client, "/vouchers", **given | fields)


async def test_the_form_makes_a_batch_and_leads_to_it(stall: Stall, owner: httpx.AsyncClient) -> None:
    assert "Codes have 10 characters" in (await owner.get("/vouchers/new")).text
    answer = await make(owner, stall, prefix="mkt", note="market <b>", routers=[str(stall.router.id)])
    assert answer.status_code == 303
    page = (await owner.get(answer.headers["location"])).text
    for words in ("MKT", "market &lt;b&gt;", "Main shop", "3 left", "For cash"):
        assert words in page, words
    again = await make(owner, stall, prefix="mkt")
    assert again.headers["location"] == answer.headers["location"], "a second tap"
    assert await DB.value("SELECT count(*) FROM vouchers") == 3


@pytest.mark.parametrize(
    ("field", "sent"),
    [
        ("count", "10001"), ("count", "0"), ("count", "-5"), ("count", ""), ("count", "9" * 30), ("count", "3.5"),
        ("count", "٣"), ("prefix", "M"), ("prefix", "TOOLONG"), ("prefix", "M-1"), ("prefix", "صوق"), ("kind", "free"),
        ("package", ""), ("package", "999999"), ("package", "x"), ("routers", "999999"),
    ],
)  # fmt: skip
async def test_bad_input_is_named_and_kept(stall: Stall, owner: httpx.AsyncClient, field: str, sent: str) -> None:
    answer = await make(owner, stall, note="keep me", **{field: sent})
    assert answer.status_code == 422
    assert f'href="#{field}"' in answer.text
    assert 'value="keep me"' in answer.text
    if field in ("count", "prefix"):
        assert f'value="{sent}"' in answer.text
    assert await DB.value("SELECT count(*) FROM batches") == 0


async def test_odd_letters_are_no_error_of_ours(stall: Stall, owner: httpx.AsyncClient) -> None:
    odd = "\0\u202e\ud7ff🙂 =1+1 <script>" + "x" * 5000
    assert (await make(owner, stall, note=odd, form_key=odd)).status_code == 303
    assert "<script>" not in (await owner.get("/vouchers/batches")).text
    voucher = await DB.value("SELECT max(id) FROM vouchers")
    for what, fields in (("ask", {"ask_phone": odd}), ("move", {"mac": odd}), ("add-time", {"amount": odd, "time_why": odd}),
                         ("stack", {"package": odd}), ("send", {"phone": odd}), ("cash", {"form_key": odd})):  # fmt: skip
        assert (await post(owner, f"/vouchers/{voucher}/{what}", **fields)).status_code in (404, 409, 422), what
    assert (await owner.get("/vouchers", params={"q": odd[:90]})).status_code == 200
    assert (await post(owner, f"/vouchers/{voucher}/revoke", why=odd)).status_code == 303


async def test_a_strangers_package_and_router_make_nothing(stall: Stall, cast: Cast, owner: httpx.AsyncClient) -> None:
    for fields in ({"package": str(cast.rival_package_id)}, {"routers": str(cast.rival_router.id)}):
        assert (await make(owner, stall, **fields)).status_code == 422
    assert await DB.value("SELECT count(*) FROM vouchers") == 0


async def test_a_large_batch_shows_how_far_it_is_and_can_be_stopped(stall: Stall, owner: httpx.AsyncClient) -> None:
    place = (await make(owner, stall, count="2500")).headers["location"]
    assert "/progress" in (await owner.get(place)).text
    batch = int(place.rsplit("/", 1)[1])
    await batches.make_more(batch, vault=stall.vault, now=stall.clock.now(), most=1000)
    part = await owner.get(f"{place}/progress", headers={"hx-request": "true"})
    assert "1,000 of 2,500" in part.text
    assert "hx-trigger" in part.text
    assert "1,000 of 2,500 are there" in (await owner.get("/vouchers")).text
    assert (await post(owner, f"{place}/cancel")).status_code == 303
    done = await owner.get(f"{place}/progress", headers={"hx-request": "true"})
    assert done.headers["hx-refresh"] == "true"
    assert "hx-trigger" not in done.text
    assert "Stopped when 1,000 of 2,500" in (await owner.get(place)).text
    assert (await post(owner, f"{place}/cancel")).status_code == 409
    assert await DB.value("SELECT count(*) FROM vouchers WHERE status = 'revoked'") == 1000


async def test_a_batch_is_taken_back_with_a_reason(stall: Stall, owner: httpx.AsyncClient) -> None:
    batch = await made_of(stall, 3)
    place = f"/vouchers/batches/{batch}"
    wrong = await post(owner, f"{place}/take-back", what="unsold", why=" ")
    assert wrong.status_code == 422
    assert 'href="#why"' in wrong.text
    assert (await post(owner, f"{place}/take-back", what="unsold", why="lost")).status_code == 303
    assert await DB.value("SELECT count(*) FROM vouchers WHERE status = 'revoked'") == 3


async def test_the_list_narrows_by_address_and_turns_its_pages(stall: Stall, owner: httpx.AsyncClient) -> None:
    batch = await made_of(stall, 60)
    page = (await owner.get("/vouchers?show=unsold")).text
    assert page.count('<li><a href="/vouchers/') == 50
    older = re.search(r'href="(/vouchers\?show=unsold[^"]*before=[^"]*)" rel="next"', page)
    assert older
    rest = (await owner.get(older[1].replace("&amp;", "&"))).text
    assert rest.count('<li><a href="/vouchers/') == 10
    newer = re.search(r'href="(/vouchers\?show=unsold[^"]*after=[^"]*)" rel="prev"', rest)
    assert newer
    assert re.findall(r"/vouchers/(\d+)\"><b>", (await owner.get(newer[1].replace("&amp;", "&"))).text) == re.findall(
        r"/vouchers/(\d+)\"><b>", page
    )
    assert (await owner.get(f"/vouchers?batch={batch}&package={stall.package_id}")).text.count(
        '<li><a href="/vouchers/'
    ) == 50
    for odd in ("since=2026-13-45", "until=9999-12-31", "since=0001-01-01", "before=zz", "package=99999999"):
        assert (await owner.get(f"/vouchers?{odd}")).status_code == 200, odd
    assert (await owner.get("/vouchers?show=nonsense")).status_code == 400


async def test_a_page_of_the_list_costs_the_same_queries_and_few_bytes(stall: Stall, owner: httpx.AsyncClient) -> None:
    await made_of(stall, 3)
    few, small = await _cost(owner, "/vouchers")
    await made_of(stall, 200)
    many, large = await _cost(owner, "/vouchers")
    assert few == many
    assert many <= 9, "the session and its frame included"
    assert large - small <= 15_000 * 47 / 50, "15 KB for 50 rows"


async def _cost(client: httpx.AsyncClient, path: str) -> tuple[int, int]:
    """Statements and bytes of a page, once everything is warm."""
    await client.get(path)
    statements: list[str] = []

    def log(record: object) -> None:
        statements.append(getattr(record, "query"))  # noqa: B009

    connections = [holder._con for holder in DB.opened._holders if holder._con is not None]
    for connection in connections:
        connection.add_query_logger(log)
    try:
        page = await client.get(path)
    finally:
        for connection in connections:
            connection.remove_query_logger(log)
    assert page.status_code == 200
    return len(statements), len(page.text.split("<main", 1)[1].encode())


async def test_the_box_finds_a_typed_code_and_shows_none(stall: Stall, owner: httpx.AsyncClient) -> None:
    batch = await made_of(stall, 2, kind="cash", prefix="SOKO")
    voucher = (await vouchers_of(batch))[0]
    code = await open_code(stall, voucher)
    page = (await owner.get("/vouchers", params={"q": code.lower()})).text
    assert f'href="/vouchers/{voucher}"' in page
    assert page.count('<li><a href="/vouchers/') == 1
    assert code not in (await owner.get("/vouchers")).text
    everywhere = (await owner.get("/sales", params={"q": f"SOKO-{code}"})).text
    assert f'href="/vouchers/{voucher}"' in everywhere, "the shop's one box knows prefixes, too"
    assert "Nothing found" in (await owner.get("/vouchers?q=nothing+like+this")).text


async def test_cash_is_sold_into_the_drawer_and_the_code_is_shown(stall: Stall, owner: httpx.AsyncClient) -> None:
    voucher = (await vouchers_of(await made_of(stall, 1)))[0]
    place = f"/vouchers/{voucher}"
    refused = await post(owner, f"{place}/cash", form_key="a")
    assert refused.status_code == 409
    assert "Open your drawer first" in refused.text
    await post(owner, "/drawers", float="500")
    code = await open_code(stall, voucher)
    for _ in range(2):
        sold = await post(owner, f"{place}/cash", form_key="a")
        assert sold.status_code == 200
        assert f"{code[:5]}-{code[5:]}" in sold.text
    assert await DB.value("SELECT count(*) FROM payments WHERE method = 'cash' AND float_id IS NOT NULL") == 1


async def test_deeds_say_what_was_wrong_beside_their_field(stall: Stall, owner: httpx.AsyncClient) -> None:
    voucher = (await vouchers_of(await made_of(stall, 1)))[0]
    asked = await post(owner, f"/vouchers/{voucher}/ask", ask_phone="12", form_key="a")
    assert asked.status_code == 422
    assert 'id="ask_phone-wrong"' in asked.text
    assert 'value="12"' in asked.text
    await post(owner, "/drawers", float="500")
    await post(owner, f"/vouchers/{voucher}/cash", form_key="a")
    for what, fields, name in (
        ("send", {"phone": "12"}, "phone"),
        ("add-time", {"amount": "0", "unit": "hours", "time_why": "outage"}, "amount"),
        ("add-time", {"amount": "9999", "unit": "days", "time_why": "outage"}, "amount"),
        ("add-time", {"amount": "1", "unit": "hours", "time_why": ""}, "time_why"),
        ("move", {"mac": "no mac"}, "mac"),
        ("revoke", {"why": ""}, "why"),
    ):
        wrong = await post(owner, f"/vouchers/{voucher}/{what}", form_key="b", **fields)
        assert wrong.status_code == 422, what
        assert f'id="{name}-wrong"' in wrong.text, what
    assert (await post(owner, f"/vouchers/{voucher}/dance")).status_code == 404


async def test_a_revoked_voucher_hints_at_its_money(stall: Stall, owner: httpx.AsyncClient) -> None:
    voucher = (await vouchers_of(await made_of(stall, 1)))[0]
    await post(owner, "/drawers", float="500")
    await post(owner, f"/vouchers/{voucher}/cash", form_key="a")
    answer = await post(owner, f"/vouchers/{voucher}/revoke", why="wrong package")
    assert answer.headers["location"] == f"/vouchers/{voucher}?done=revoke"
    page = (await owner.get(answer.headers["location"])).text
    payment = await DB.value("SELECT id FROM payments")
    for words in ("Its code does not work any more", "wrong package", f'href="/payments/{payment}"'):
        assert words in page, words
    assert (await post(owner, f"/vouchers/{voucher}/revoke", why="again")).status_code == 409


async def test_every_page_speaks_swahili(stall: Stall, owner: httpx.AsyncClient) -> None:
    batch = await made_of(stall, 3, kind="cash", prefix="MKT", note="soko")
    voucher = (await vouchers_of(batch))[0]
    english = re.compile(
        r"\b(Vouchers|Batch|Make|Sell|left|What became|How many|Take|Nothing|Codes have|Print|Older|router)\b"
    )
    for path in (
        "/vouchers",
        "/vouchers/new",
        "/vouchers/batches",
        f"/vouchers/batches/{batch}",
        f"/vouchers/{voucher}",
    ):
        main = (await owner.get(f"{path}?l=sw")).text.split("<main", 1)[1].split("</main>", 1)[0]
        text = re.sub(r"<[^>]*>", " ", main)
        assert not english.search(text), (path, english.search(text))
