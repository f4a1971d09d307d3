"""Packages by a program: made and changed under the form's own rules, told by the names fields have in JSON; what was sold stays."""

from typing import Any

import httpx
import pytest

from portal.db import DB
from portal.vault import Vault
from tests import factories
from tests.portal.api.conftest import Programs, problem
from tests.portal.web.conftest import Cast

WISH = {
    "name": "Evening", "price_cents": 2000, "duration_s": 7200, "data_bytes": 500 * 1024**2, "rate_down_kbps": 5000,
    "rate_up_kbps": 1500, "devices": 2, "purchase_days": 30, "description": "After six",
}  # fmt: skip


async def test_a_package_is_made_as_it_was_asked_for_and_once_per_key(program: httpx.AsyncClient) -> None:
    headers = {"idempotency-key": "evening"}
    made = await program.post("/api/packages", json=WISH, headers=headers)
    assert made.status_code == 201, made.text
    told = made.json()
    assert {name: told[name] for name in WISH} == WISH
    assert (told["is_active"], told["is_sold_now"], told["router_ids"]) == (True, True, [])
    again = await program.post("/api/packages", json=WISH, headers=headers)
    assert again.json()["id"] == told["id"]
    assert (await program.get(made.headers["location"])).json() == told


async def test_a_change_says_only_what_is_otherwise_and_leaves_what_was_sold(
    program: httpx.AsyncClient, cast: Cast, vault: Vault
) -> None:
    package = (await program.post("/api/packages", json=WISH)).json()
    sold = await factories.voucher(vault, cast.merchant_id, package["id"], price_cents=2000)
    path = f"/api/packages/{package['id']}"
    changed = await program.patch(path, json={"price_cents": 2500, "data_bytes": None, "router_ids": [cast.router.id]})
    assert changed.status_code == 200, changed.text
    wanted = package | {
        "price_cents": 2500, "full_price_cents": 2500, "data_bytes": None, "router_ids": [cast.router.id],
    }  # fmt: skip
    assert changed.json() == wanted
    assert (await program.patch(path, json={})).json() == wanted
    assert (await program.get(f"/api/vouchers/{sold}")).json()["price_cents"] == 2000
    for deed, is_active in (("archive", False), ("archive", False), ("restore", True)):
        assert (await program.post(f"{path}/{deed}")).json()["is_active"] is is_active


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"price_cents": -1}, "#/price_cents"),
        ({"price_cents": 2050}, "#/price_cents"),
        ({"duration_s": 0}, "#/duration_s"),
        ({"duration_s": 61}, "#/duration_s"),
        ({"data_bytes": 5}, "#/data_bytes"),
        ({"name": ""}, "#/name"),
        ({"devices": 0}, "#/devices"),
        ({"rate_down_kbps": 2**50}, "#/rate_down_kbps"),
        ({"router_ids": [999_999]}, "#/router_ids"),
        ({"clock_from": "dawn"}, "#/clock_from"),
        ({"merchant_id": 1}, "#"),
    ],
)
async def test_what_is_wrong_is_named_as_json_names_it(
    program: httpx.AsyncClient, cast: Cast, change: dict[str, Any], pointer: str
) -> None:
    for answer in (
        await program.post("/api/packages", json=WISH | change),
        await program.patch(f"/api/packages/{cast.package_id}", json=change),
    ):
        assert [one["pointer"] for one in problem(answer, 422)["errors"]] == [pointer]
    assert await DB.value("SELECT count(*) FROM packages") == 2


async def test_a_strangers_package_is_not_there_to_change(programs: Programs, cast: Cast) -> None:
    rival = await programs.of(cast.rival)
    for method, path in (("PATCH", ""), ("POST", "/archive"), ("POST", "/restore")):
        told = [
            problem(
                await rival.request(method, f"/api/packages/{row}{path}", json={} if method == "PATCH" else None), 404
            )
            for row in (cast.package_id, 999_999)
        ]
        assert told[0]["detail"] == told[1]["detail"]
    weak = await programs.of(cast.owner, ["packages:read"])
    problem(await weak.patch(f"/api/packages/{cast.package_id}", json={"price_cents": 100}), 403)
