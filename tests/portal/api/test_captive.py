"""The captive API under the captive pages' own rules: nobody floods a phone, nobody learns of another device, nothing is guessed."""

from datetime import timedelta
from typing import Any

import httpx
import pytest

from portal.clock import Clock
from portal.db import DB
from portal.vault import Vault
from tests import factories
from tests.portal.api.conftest import Programs, problem
from tests.portal.web.conftest import Cast


@pytest.fixture
async def phone(programs: Programs, vault: Vault, cast: Cast) -> httpx.AsyncClient:
    """Anybody: no token."""
    await factories.mpesa_account(vault)
    assert cast
    return programs.with_token(None)


async def _offer(phone: httpx.AsyncClient, site: str, mac: str = "02:AA:22:33:44:55") -> dict[str, Any]:
    return (await phone.get("/api/captive/packages", params={"routerId": site, "mac": mac, "ip": "10.5.50.9"})).json()


async def _buy(browser: httpx.AsyncClient, cast: Cast, /, **more: Any) -> httpx.Response:
    offer = await _offer(browser, cast.router.site, more.pop("mac", "02:AA:22:33:44:55"))
    body = {
        "router_id": cast.router.site,
        "package_id": cast.package_id,
        "phone": "0712345678",
        "visit": offer["visit"],
    } | more
    return await browser.post("/api/captive/purchase", json=body)


async def test_a_phone_buys_and_sees_its_code_once_it_is_paid(
    phone: httpx.AsyncClient, cast: Cast, vault: Vault
) -> None:
    bought = await _buy(phone, cast)
    assert bought.status_code == 202
    told = bought.json()
    assert (told["state"], told["code"], told["phone"]) == ("waiting", None, "0712 ••• 678")
    assert bought.headers["location"] == f"/api/captive/payment-status?id={told['id']}"
    assert await DB.value("SELECT count(*) FROM pgqueuer WHERE entrypoint = 'push-payment'") == 1
    voucher = await factories.voucher(vault, cast.merchant_id, cast.package_id, status="paid", router_id=cast.router.id)
    await DB.fetch("UPDATE checkouts SET voucher_id = $1", voucher)
    paid = (await phone.get(bought.headers["location"])).json()
    assert paid["state"] == "connecting"
    assert len(paid["code"]) >= 10
    assert "02:AA" not in str(paid)


async def test_packages_are_told_by_the_routers_site_only(phone: httpx.AsyncClient, cast: Cast) -> None:
    offer = (await phone.get("/api/captive/packages", params={"routerId": cast.router.site})).json()
    assert [one["id"] for one in offer["packages"]] == [cast.package_id]
    assert offer["visit"] is None
    for wrong in (str(cast.router.id), "0" * 32, "../x", "a" * 33):
        answer = await phone.get("/api/captive/packages", params={"routerId": wrong})
        assert answer.status_code in (404, 422)
    problem(await phone.get("/api/captive/packages", params={"routerId": cast.router.site, "mac": "x", "ip": "y"}), 422)


async def test_nothing_is_sold_while_the_router_is_away(phone: httpx.AsyncClient, cast: Cast) -> None:
    await DB.fetch("UPDATE routers SET status = 'offline' WHERE id = $1", cast.router.id)
    offer = await _offer(phone, cast.router.site)
    assert (offer["is_open"], offer["packages"]) == (False, [])
    problem(await _buy(phone, cast), 503)
    assert await DB.value("SELECT count(*) FROM payments") == 0


async def test_a_strangers_phone_is_not_flooded(phone: httpx.AsyncClient, cast: Cast, clock: Clock) -> None:
    said: list[int] = []
    for number in range(6):
        said.append((await _buy(phone, cast, mac=f"02:AA:22:33:44:{number:02X}")).status_code)
        clock.shift(timedelta(seconds=5))
    assert said == [202, 202, 202, 429, 429, 429]
    assert await DB.value("SELECT count(*) FROM payments") == 3


async def test_the_same_tap_and_the_same_key_are_one_purchase(
    phone: httpx.AsyncClient, cast: Cast, clock: Clock
) -> None:
    first, again = await _buy(phone, cast), await _buy(phone, cast)
    assert first.json()["id"] == again.json()["id"]
    clock.shift(timedelta(hours=1))
    offer = await _offer(phone, cast.router.site, "02:AA:22:33:44:66")
    body = {
        "router_id": cast.router.site,
        "package_id": cast.package_id,
        "phone": "0713000111",
        "visit": offer["visit"],
    }
    keyed = [
        (await phone.post("/api/captive/purchase", json=body, headers={"idempotency-key": "tap"})).json()["id"]
        for _ in range(2)
    ]
    assert keyed[0] == keyed[1]
    other = await _offer(phone, cast.router.site, "02:AA:22:33:44:77")
    stolen = await phone.post(
        "/api/captive/purchase",
        json=body | {"visit": other["visit"], "phone": "0714000111"},
        headers={"idempotency-key": "tap"},
    )
    assert stolen.json()["id"] != keyed[0], "another device's key is its own"


@pytest.mark.parametrize(
    ("change", "status", "pointer"),
    [
        ({"visit": "made-up"}, 422, "#/visit"),
        ({"phone": "12345"}, 422, "#/phone"),
        ({"mark": "0123456789ab"}, 409, None),
        ({"package_id": 999_999}, 404, None),
        ({"router_id": "0" * 32}, 404, None),
        ({"price_cents": 1}, 422, "#"),
        ({"language": "fr"}, 422, "#/language"),
    ],
)
async def test_what_is_wrong_with_a_purchase_is_named_and_nothing_is_asked_for(
    phone: httpx.AsyncClient, cast: Cast, change: dict[str, Any], status: int, pointer: str | None
) -> None:
    told = problem(await _buy(phone, cast, **change), status)
    assert [one["pointer"] for one in told.get("errors", [])] == ([pointer] if pointer else [])
    assert await DB.value("SELECT count(*) FROM payments") == 0


async def test_a_visit_is_good_at_its_own_router_and_for_three_hours(
    phone: httpx.AsyncClient, cast: Cast, clock: Clock
) -> None:
    theirs = await _offer(phone, cast.rival_router.site)
    problem(await _buy(phone, cast, visit=theirs["visit"]), 422)
    old = await _offer(phone, cast.router.site)
    clock.shift(timedelta(hours=4))
    problem(await _buy(phone, cast, visit=old["visit"]), 422)


async def test_a_rivals_package_is_not_sold_here(phone: httpx.AsyncClient, cast: Cast) -> None:
    problem(await _buy(phone, cast, package_id=cast.rival_package_id), 404)


async def test_a_purchase_is_found_by_its_token_only_and_sets_no_cookie(phone: httpx.AsyncClient, cast: Cast) -> None:
    bought = await _buy(phone, cast)
    for wrong in ("1", "f" * 64, bought.json()["id"][:-1] + "g", bought.json()["id"].upper()):
        problem(await phone.get("/api/captive/payment-status", params={"id": wrong}), 404)
    answer = await phone.get("/api/captive/payment-status", params={"id": bought.json()["id"]})
    assert "set-cookie" not in answer.headers
    assert "access-control-allow-origin" not in answer.headers
    assert answer.headers["cache-control"] == "no-store"


async def test_a_purchase_is_json_or_nothing(phone: httpx.AsyncClient, cast: Cast) -> None:
    problem(await phone.post("/api/captive/purchase", data={"phone": "0712345678"}), 415)
    assert cast
