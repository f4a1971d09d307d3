"""Pages of monthly customers: who sees and presses what, and the customer's own page behind its link."""

import re

import httpx
import pytest
from litestar import Litestar
from litestar.routes import HTTPRoute

from portal.clock import Clock
from portal.db import DB
from portal.identity import Actor, Role
from portal.signing import Signer
from portal.subscribers import links, looks
from portal.vault import Vault
from tests import factories
from tests.portal.web.conftest import Cast, browser, sign_in
from tests.portal.web.test_routers import owner, post

__all__ = ["owner"]

CANARY = "<img src=x onerror=alert(1)>\"'"


@pytest.fixture
async def package(cast: Cast) -> int:
    """A monthly package of KES 1500 for two devices."""
    return await factories.package(
        cast.merchant_id, name="Home 10", price_cents=150_000, duration_s=2_678_400, period="month", devices=2,
        rate_down_kbps=10_000,
    )  # fmt: skip


async def made(owner: httpx.AsyncClient, cast: Cast, package: int, **fields: str) -> int:
    """Fill the form in; the new subscriber's id."""
    typed = {
        "name": f"Njeri {CANARY}", "phone": "0712345678", "package": str(package), "router": str(cast.router.id),
        "billing_day": "1", "grace_days": "3", "form_key": "k" * 32, "kind": "hotspot",
    }  # fmt: skip
    answer = await post(owner, "/subscribers", **(typed | fields))
    assert answer.status_code == 303, answer.text
    return int(answer.headers["location"].rsplit("/", 1)[1])


async def test_a_shop_makes_a_package_and_a_subscriber_and_takes_the_cash(
    owner: httpx.AsyncClient, cast: Cast, package: int
) -> None:
    assert (
        await post(owner, "/subscribers/packages", name="Home 20", price="3000", down="20", devices="3")
    ).status_code == 303
    assert "Home 20" in (await owner.get("/subscribers/packages")).text
    who = await made(owner, cast, package)
    assert await made(owner, cast, package) == who  # the form again
    page = await owner.get(f"/subscribers/{who}")
    [link] = re.findall(r'href="[^"]*(/my/[^"]+)"', page.text)
    assert (await owner.get(link)).status_code == 200
    assert (page.status_code, CANARY in page.text, "&lt;img" in page.text) == (200, False, True)
    answer = await post(owner, f"/subscribers/{who}/cash", amount="2000", form_key="c" * 32)
    assert answer.status_code == 303
    await post(owner, f"/subscribers/{who}/cash", amount="2000", form_key="c" * 32)
    one = (await looks.latest(_actor(cast))).lines[0]
    bill = await DB.value("SELECT amount_cents FROM subscriber_bills WHERE subscriber_id = $1", who)
    assert (one.status, one.wallet_cents) == ("active", 200_000 - bill)
    statement = (await owner.get(f"/subscribers/{who}/statement.csv")).text
    assert "2000.0" in statement
    assert str(bill / 100) in statement
    assert (await owner.get(f"/subscribers/{who}/statement")).status_code == 200
    assert "Njeri" in (await owner.get("/subscribers?q=njeri")).text
    assert "Njeri" not in (await owner.get("/subscribers?show=suspended")).text


def _actor(cast: Cast) -> Actor:
    return Actor(
        user_id=1, merchant_id=cast.merchant_id, role=Role.OWNER, is_operator=False, name="A", email="a@example.com"
    )


async def test_wrong_fields_are_told_and_nothing_is_made(owner: httpx.AsyncClient, cast: Cast, package: int) -> None:
    answer = await post(
        owner, "/subscribers", name=" ", phone="12", package="9", router="x", billing_day="32", grace_days="28",
        kind="pppoe", user_name="a", password="short",
    )  # fmt: skip
    assert answer.status_code == 422
    for field in ("name", "phone", "package", "router", "billing_day", "grace_days", "user_name", "password"):
        assert f'id="{field}-wrong"' in answer.text, field
    assert await DB.value("SELECT count(*) FROM subscribers") == 0


async def test_the_secret_is_shown_when_asked_and_each_look_is_kept(
    owner: httpx.AsyncClient, cast: Cast, package: int
) -> None:
    who = await made(owner, cast, package, kind="pppoe", user_name="njeri", password="abcdefgh12")
    assert "abcdefgh12" not in (await owner.get(f"/subscribers/{who}")).text
    assert "abcdefgh12" in (await post(owner, f"/subscribers/{who}/secret")).text
    assert await DB.value("SELECT count(*) FROM events WHERE name = 'password_shown'") == 1


async def test_deeds_answer_what_is_wrong_and_do_what_is_right(
    owner: httpx.AsyncClient, cast: Cast, package: int
) -> None:
    other = await factories.package(cast.merchant_id, name="Slow", price_cents=100_000, period="month")
    who = await made(owner, cast, package)
    assert (await post(owner, f"/subscribers/{who}/suspend", why="")).status_code == 422
    assert (await post(owner, f"/subscribers/{who}/device", mac="02:11:22:33:44:55", name="Phone")).status_code == 303
    assert (await post(owner, f"/subscribers/{who}/device", mac="02:11:22:33:44:55")).status_code == 409
    assert (await post(owner, f"/subscribers/{who}/device", mac="nonsense")).status_code == 422
    device = await DB.value("SELECT id FROM subscriber_devices")
    assert (await post(owner, f"/subscribers/{who}/remove-device", device=str(device))).status_code == 303
    assert "is charged for the rest" in (await owner.get(f"/subscribers/{who}?to={other}")).text
    assert (await post(owner, f"/subscribers/{who}/package", package=str(other), when="next")).status_code == 303
    assert (await post(owner, f"/subscribers/{who}/suspend", why="on holiday")).status_code == 303
    assert (await post(owner, f"/subscribers/{who}/suspend", why="on holiday")).status_code == 409
    assert (await post(owner, f"/subscribers/{who}/resume")).status_code == 303
    assert (await post(owner, f"/subscribers/{who}/edit", name="", phone="12")).status_code == 422
    assert (await post(owner, f"/subscribers/{who}/edit", name="Wanjiku", phone="", language="sw")).status_code == 303
    assert "Wanjiku" in (await owner.get(f"/subscribers/{who}")).text
    assert (await post(owner, f"/subscribers/{who}/close", why="moved away")).status_code == 303
    assert (await post(owner, f"/subscribers/{who}/cash", amount="100", form_key="d" * 32)).status_code == 409
    assert (await post(owner, f"/subscribers/{who}/dance")).status_code == 404


async def test_a_stranger_finds_nothing_and_a_cashier_decides_nothing(
    app: Litestar, owner: httpx.AsyncClient, cast: Cast, package: int
) -> None:
    who = await made(owner, cast, package)
    paths = [
        (method, route.path.replace("{subscriber_id:int}", str(who)).replace("{package_id:int}", str(package)))
        for route in app.routes
        if isinstance(route, HTTPRoute) and route.path.startswith("/subscribers/") and "{" in route.path
        for method in route.methods
    ]
    assert len(paths) >= 5
    async with browser(app) as rival:
        await sign_in(rival, cast.rival)
        assert "Njeri" not in (await rival.get("/subscribers")).text
        for method, path in paths:
            for what in (
                "suspend",
                "resume",
                "close",
                "cash",
                "ask",
                "package",
                "device",
                "remove-device",
                "link",
                "secret",
                "router",
                "dialin",
                "billing-day",
                "reopen",
                "give-back",
                "send-link",
            ):
                at = path.replace("{what:str}", what)
                fields = {"why": "because", "amount": "100", "form_key": "x" * 32, "package": str(package), "device": "1",
                          "phone": "0712345678", "mac": "02:11:22:33:44:55", "router": str(cast.router.id), "road": "cash",
                          "refund_why": "because", "billing_day": "9", "user_name": "njeri", "password": ""}  # fmt: skip
                answer = await (post(rival, at, **fields) if method == "POST" else rival.request(method, at))
                assert answer.status_code in (404, 204, 405), (method, at, answer.status_code)
    async with browser(app) as cashier:
        await sign_in(cashier, cast.cashier)
        for what in ("suspend", "close", "package", "device", "remove-device", "link", "resume", "router", "reopen"):
            answer = await post(
                cashier, f"/subscribers/{who}/{what}", why="because", package=str(package), mac="02:11:22:33:44:55"
            )
            assert answer.status_code == 403, what
        assert (await post(cashier, "/subscribers", name="x")).status_code == 403
        answer = await post(cashier, f"/subscribers/{who}/cash", amount="100", form_key="z" * 32)
        assert (answer.status_code, "drawer" in answer.text) == (409, True)
        assert (await post(cashier, f"/subscribers/{who}/dialin", user_name="njeri")).status_code == 403
        assert (await post(cashier, f"/subscribers/{who}/billing-day", billing_day="9")).status_code == 403
    assert await DB.value("SELECT status FROM subscribers") == "grace"


async def test_a_customer_moves_gets_the_link_another_day_and_the_money_back(
    owner: httpx.AsyncClient, cast: Cast, package: int, vault: Vault
) -> None:
    branch = await factories.router(vault, cast.merchant_id, name="Branch", site="b" * 32)
    who = await made(owner, cast, package, kind="pppoe", user_name="njeri")
    page = f"/subscribers/{who}"
    assert "Branch" in (await owner.get(page)).text
    assert (await post(owner, f"{page}/router", router=str(branch.id))).status_code == 303
    assert (await post(owner, f"{page}/router", router=str(branch.id))).status_code == 409
    assert (await post(owner, f"{page}/router", router="x")).status_code == 422
    shown = await post(owner, f"{page}/dialin", user_name="njeri.2", password="")
    assert (shown.status_code, "PPPoE password:" in shown.text, "njeri.2" in shown.text) == (200, True, True)
    assert (await post(owner, f"{page}/dialin", user_name="x y")).status_code == 422
    assert (await owner.get(f"{page}?day=40")).status_code == 422
    assert "is charged for the days until" in (await owner.get(f"{page}?day=9")).text
    assert (await post(owner, f"{page}/billing-day", billing_day="9")).status_code == 303
    for key in ("a", "a", "b", "c"):
        assert (await post(owner, f"{page}/send-link", form_key=key * 32)).status_code == 303
    assert (await post(owner, f"{page}/send-link", form_key="d" * 32)).status_code == 429
    sent = await DB.fetch("SELECT params->>'link' AS link FROM messages WHERE kind = 'own_page'")
    assert len(sent) == 3
    assert (await owner.get("/my/" + sent[0]["link"].split("/my/")[1])).status_code == 200
    await post(owner, f"{page}/cash", amount="9000", form_key="c" * 32)
    assert (await post(owner, f"{page}/give-back", road="cash", refund_why="")).status_code == 422
    assert (await post(owner, f"{page}/give-back", road="b2c", refund_why="moved")).status_code == 409
    assert (await post(owner, f"{page}/close", why="moved away")).status_code == 303
    done = await post(owner, f"{page}/give-back", road="cash", refund_why="moved away")
    assert "What is in the wallet" in (await owner.get(done.headers["location"])).text
    assert (await post(owner, f"{page}/give-back", road="cash", refund_why="moved away")).status_code == 409
    assert (await post(owner, f"{page}/reopen")).status_code == 303
    account = await DB.value("SELECT account_number FROM subscribers WHERE id = $1", who)
    assert page in (await owner.get(f"/sales?q={account}")).text


async def test_the_customers_own_page_asks_the_phone_once(
    app: Litestar,
    owner: httpx.AsyncClient,
    cast: Cast,
    package: int,
    vault: Vault,
    clock: Clock,
    signer: Signer,
) -> None:
    await factories.mpesa_account(vault)
    who = await made(owner, cast, package)
    path = links.path(await looks.full(who, now=clock.now()), signer, now=clock.now())
    async with browser(app) as customer:
        page = await customer.get(path)
        assert (page.status_code, "Njeri" in page.text, "csrf" in page.text) == (200, True, False)
        key = re.search(r'name="form_key" value="(\w+)"', page.text)
        assert key
        for _ in range(2):
            answer = await customer.post(
                f"{path}/pay", data={"phone": "0712345678", "amount": "500", "form_key": key[1]}
            )
            assert answer.status_code == 303
        assert await DB.value("SELECT count(*) FROM payments WHERE subscriber_id = $1 AND method = 'stk'", who) == 1
        assert await DB.value("SELECT count(*) FROM pgqueuer WHERE entrypoint = 'push-payment'") == 1
        assert 'http-equiv="refresh"' in (await customer.get(path)).text
        assert (
            await customer.post(f"{path}/pay", data={"phone": "1", "amount": "x", "form_key": "k"})
        ).status_code == 422
        assert (await customer.get(f"{path}/statement")).status_code == 200
        assert "Mfuko" in (await customer.get(f"{path}?l=sw")).text or "l=sw" in page.text
        assert (await customer.get(f"{path}x")).status_code == 400
        await post(owner, f"/subscribers/{who}/link")
        assert (await customer.get(path)).status_code == 404
