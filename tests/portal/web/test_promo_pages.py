"""Promo codes, reminders and a voucher's devices as the shop's people see them: all look, managers change, strangers find nothing."""

import re
from collections.abc import AsyncIterator
from datetime import timedelta

import httpx
import pytest
from litestar import Litestar

from portal.access_grants import Wish, want
from portal.clock import Clock
from portal.db import DB, atomic
from portal.devices import Proof
from portal.terms import Terms
from portal.vault import Vault
from tests import factories
from tests.portal.web import rows
from tests.portal.web.conftest import Cast, browser, form_token, sign_in

CANARY = "<img src=x onerror=alert(1)>"
LOOKS, FORMS = ("/promos", "/promos/{p}"), ("/promos/new", "/promos/{p}/edit", "/settings/reminders")
BUTTONS = ("/promos", "/promos/{p}", "/promos/{p}/stop", "/promos/{p}/restart", "/settings/reminders")
FIELDS = {"code": "NEWONE", "kind": "percent", "percent": "15"}


@pytest.fixture
async def owner(app: Litestar, cast: Cast) -> AsyncIterator[httpx.AsyncClient]:
    async with browser(app) as client:
        await sign_in(client, cast.owner)
        yield client


async def post(client: httpx.AsyncClient, path: str, **fields: object) -> httpx.Response:
    token = await form_token(client, "/account")
    return await client.post(path, data={"_csrf": token, **fields})


@pytest.fixture
async def promo(cast: Cast, clock: Clock) -> int:
    """A promo with a paid use, one under way and one that came to nothing."""
    promo_id = await DB.value(
        """INSERT INTO promos (merchant_id, code, note, kind, percent, starts_at, most_uses, package_ids)
           VALUES ($1, 'KARIBU20', $2, 'percent', 20, $3, 50, $4) RETURNING id""",
        cast.merchant_id, CANARY, clock.now() - timedelta(days=3), [cast.package_id],
    )  # fmt: skip
    for n, status in enumerate(("paid", "pending", "failed")):
        payment = await rows.payment(
            cast.router, cast.package_id, at=clock.now(), status=status, cents=4000, phone=f"25471234567{n}"
        )
        checkout = await DB.value("SELECT checkout_id FROM payments WHERE id = $1", payment)
        if status == "paid":
            voucher = await factories.voucher(Vault((("test", bytes(range(32))),)), cast.merchant_id, cast.package_id)
            await DB.fetch("UPDATE checkouts SET voucher_id = $2 WHERE id = $1", checkout, voucher)
        await DB.fetch(
            """INSERT INTO redemptions (promo_id, merchant_id, checkout_id, phone, mac, price_cents, off_cents, created_at)
               VALUES ($1, $2, $3, $4, 'A4:5E:60:11:22:33', 5000, 1000, $5)""",
            promo_id, cast.merchant_id, checkout, f"25471234567{n}", clock.now(),
        )  # fmt: skip
    return promo_id


async def test_strangers_find_nothing_and_change_nothing(app: Litestar, cast: Cast, promo: int) -> None:
    async with browser(app) as rival:
        await sign_in(rival, cast.rival)
        for path in ("/promos/{p}", "/promos/{p}/edit"):
            assert (await rival.get(path.format(p=promo))).status_code == 404, path
        for path in BUTTONS:
            if "{p}" in path:
                assert (await post(rival, path.format(p=promo), **FIELDS)).status_code == 404, path
        assert "KARIBU20" not in (await rival.get("/promos")).text
    assert tuple(await DB.row("SELECT percent, is_active FROM promos") or ()) == (20, True)


@pytest.mark.parametrize("role", ["cashier", "viewer"])
async def test_cashiers_and_viewers_look_and_change_nothing(app: Litestar, cast: Cast, promo: int, role: str) -> None:
    await DB.fetch("UPDATE memberships SET role = $1 WHERE role = 'cashier'", role)
    async with browser(app) as client:
        await sign_in(client, cast.cashier)
        for path in LOOKS:
            page = await client.get(path.format(p=promo))
            assert page.status_code == 200, path
            assert 'method="post"' not in page.text.split("<main")[-1], path
        for path in FORMS:
            assert (await client.get(path.format(p=promo))).status_code == 403, path
        for path in BUTTONS:
            assert (await post(client, path.format(p=promo), **FIELDS)).status_code == 403, path
    assert await DB.value("SELECT count(*) FROM promos WHERE is_active AND percent = 20") == 1


async def test_the_page_tells_what_came_of_it(owner: httpx.AsyncClient, promo: int) -> None:
    page = (await owner.get(f"/promos/{promo}")).text
    main = page.split("<main", 1)[1]
    for words in ("KARIBU20", "1 / 50", "1 under way", "KES 40", "KES 10", "0712 ••• 670", "0712 ••• 671"):
        assert words in main.replace("\u00a0", " "), words
    assert "0712 ••• 672" not in main.replace("\u00a0", " "), "a failed payment is no use"
    assert CANARY not in page
    assert "used 1 of 50 times" in (await owner.get("/promos")).text


async def test_a_promo_is_made_changed_stopped_and_restarted_by_forms_alone(
    owner: httpx.AsyncClient, cast: Cast
) -> None:
    made = await post(owner, "/promos", **FIELDS, packages=[str(cast.package_id)], until="2030-01-31", most_uses="9")
    assert made.status_code == 303
    path = made.headers["location"]
    edit = (await owner.get(f"{path}/edit")).text
    for shown in ('value="15"', 'value="2030-01-31"', 'value="9"'):
        assert shown in edit, shown
    assert re.search(rf'value="{cast.package_id}" checked', edit)
    assert (await post(owner, path, kind="amount", amount="5")).status_code == 303
    assert tuple(await DB.row("SELECT kind, amount_cents, percent FROM promos") or ()) == ("amount", 500, None)
    await post(owner, f"{path}/stop")
    assert "Stopped" in (await owner.get(path)).text
    await post(owner, f"{path}/restart")
    assert "Runs" in (await owner.get(path)).text


async def test_a_wrong_form_comes_back_with_what_was_typed(owner: httpx.AsyncClient, cast: Cast) -> None:
    answer = await post(
        owner, "/promos", code="x", kind="percent", percent="200", note=CANARY, packages=str(cast.package_id)
    )
    assert answer.status_code == 422
    for words in ("Use 3 to 20 letters", "from 1 to 100", 'value="200"', 'href="#code"', 'id="code"'):
        assert words in answer.text, words
    assert CANARY not in answer.text
    assert re.search(rf'value="{cast.package_id}" checked', answer.text)


async def test_reminders_are_boxes_that_stay_ticked(owner: httpx.AsyncClient) -> None:
    assert " checked" not in (await owner.get("/settings/reminders")).text
    saved = await post(owner, "/settings/reminders", hour_before="yes", win_back="yes", least_price="20")
    assert saved.headers["location"] == "/settings/reminders?saved=true"
    page = (await owner.get("/settings/reminders?saved=true")).text
    assert page.count(" checked") == 2
    assert 'value="20"' in page
    wrong = await post(owner, "/settings/reminders", when_over="yes", least_price="-1")
    assert wrong.status_code == 422
    assert 'value="-1"' in wrong.text


async def test_a_vouchers_devices_are_on_its_page(
    owner: httpx.AsyncClient, cast: Cast, vault: Vault, clock: Clock
) -> None:
    voucher = await factories.voucher(vault, cast.merchant_id, cast.package_id)
    assert "No device yet" in (await owner.get(f"/vouchers/{voucher}")).text
    for mac, proof in (("02:AA:00:00:00:01", Proof.BOUGHT), ("06:BB:00:00:00:02", Proof.LINK)):
        async with atomic() as tx:
            wish = Wish(
                merchant_id=cast.merchant_id, router_id=cast.router.id, voucher_id=voucher, mac=mac, ip="10.5.50.9",
                terms=Terms(name="1 hour", duration_s=3600), proof=proof,
            )  # fmt: skip
            await want(tx, wish, vault=vault, now=clock.now())
        clock.shift(timedelta(minutes=5))
    page = (await owner.get(f"/vouchers/{voucher}")).text
    for words in (
        "06:BB:00:00:00:02",
        "The same device as 02:AA:00:00:00:01",
        "It was bought on this device",
        "made up",
    ):
        assert words in page, words


async def test_every_page_speaks_swahili(owner: httpx.AsyncClient, promo: int) -> None:
    english = re.compile(r"\b(Promo code|price|Used|Taken|Change|Reminders|Save|customers|under way|Stop it|devices)\b")
    for path in (*LOOKS, *FORMS):
        text = (await owner.get(f"{path.format(p=promo)}?l=sw")).text.split("<main", 1)[-1]
        assert not english.search(text), (path, english.search(text))
