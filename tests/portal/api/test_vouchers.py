"""Vouchers by a program: made once however often it is asked, paged without gaps, exported whole, codes only for whoever may see them."""

import asyncio
import csv
import io
from datetime import timedelta

import httpx
import msgspec
import pytest

from portal.clock import Clock
from portal.db import DB
from portal.vault import Vault
from tests import factories
from tests.portal.api.conftest import ALL, Programs, problem
from tests.portal.web.conftest import Cast


def _generate(cast: Cast) -> str:
    return f"/api/routers/{cast.router.id}/vouchers/generate"


async def test_vouchers_are_made_for_a_router_and_listed_there(program: httpx.AsyncClient, cast: Cast) -> None:
    made = await program.post(_generate(cast), json={"package_id": cast.package_id, "count": 5})
    assert made.status_code == 201
    batch = made.json()["batch"]
    assert (batch["size"], batch["made"], batch["router_ids"]) == (5, 5, [cast.router.id])
    assert made.headers["location"] == f"/api/batches/{batch['id']}"
    listed = (await program.get(f"/api/routers/{cast.router.id}/vouchers")).json()["items"]
    assert [one["id"] for one in listed] == [one["id"] for one in made.json()["vouchers"]]
    assert {one["status"] for one in listed} == {"unsold"}
    assert {one["code"] for one in listed} == {None}, "unsold and by reference: nobody sees its code"
    other = await factories.router(Vault((("test", bytes(range(32))),)), cast.merchant_id, name="Other")
    assert (await program.get(f"/api/routers/{other.id}/vouchers")).json()["items"] == []
    event = await DB.row("SELECT actor FROM events WHERE entity = 'batches' AND name = 'made'")
    assert event


async def test_many_vouchers_are_left_to_the_worker(program: httpx.AsyncClient, cast: Cast) -> None:
    made = await program.post(_generate(cast), json={"package_id": cast.package_id, "count": 1500})
    assert made.status_code == 202
    batch = (await program.get(made.headers["location"])).json()
    assert (batch["size"], batch["made"], batch["done_at"]) == (1500, 0, None)


async def test_codes_are_for_whoever_may_see_them_and_only_while_they_work(
    programs: Programs, cast: Cast, vault: Vault, clock: Clock
) -> None:
    paid = await factories.voucher(vault, cast.merchant_id, cast.package_id, status="paid")
    over = await factories.voucher(vault, cast.merchant_id, cast.package_id, status="expired")
    sees = await programs.of(cast.owner)
    blind = await programs.of(cast.owner, [scope for scope in ALL if scope != "vouchers:codes"])
    assert (await sees.get(f"/api/vouchers/{paid}")).json()["code"]
    assert (await sees.get(f"/api/vouchers/{over}")).json()["code"] is None
    assert (await blind.get(f"/api/vouchers/{paid}")).json()["code"] is None
    read = "SELECT count(*) FROM events WHERE entity = 'api_tokens' AND name = 'codes_read'"
    assert await DB.value(read) == 1, "whoever was told codes stands in the history, once an hour"
    clock.shift(timedelta(minutes=61))
    await sees.get("/api/vouchers")
    assert await DB.value(read) == 2


async def test_the_same_request_under_the_same_key_is_done_once_and_answered_twice(
    program: httpx.AsyncClient, cast: Cast, clock: Clock
) -> None:
    async def ask(count: int, key: str = "order-1") -> httpx.Response:
        body = {"package_id": cast.package_id, "count": count}
        return await program.post(_generate(cast), json=body, headers={"idempotency-key": key})

    first, second = await ask(2), await ask(2)
    assert (first.status_code, first.content) == (second.status_code, second.content)
    assert second.headers["idempotent-replayed"] == "true"
    assert "idempotent-replayed" not in first.headers
    assert second.headers["location"] == first.headers["location"]
    assert await DB.value("SELECT count(*) FROM batches") == 1
    told = problem(await ask(3), 422)
    assert told["errors"][0]["parameter"] == "Idempotency-Key"
    assert (await ask(2, key="order-2")).json()["batch"]["id"] != first.json()["batch"]["id"]
    codes = await DB.fetch("SELECT answer_sealed FROM api_answers")
    assert all(first.content not in row["answer_sealed"] for row in codes)
    clock.shift(timedelta(hours=25))
    assert (await ask(3)).status_code == 201, "a key is free again after a day"


async def test_a_key_of_a_request_that_failed_by_our_fault_may_be_used_again(
    program: httpx.AsyncClient, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: object, **__: object) -> None:
        raise RuntimeError

    headers, body = {"idempotency-key": "a"}, {"package_id": cast.package_id, "count": 1}
    with monkeypatch.context() as patch:
        patch.setattr("portal.controllers.api.vouchers.batches.make", broken)
        problem(await program.post(_generate(cast), json=body, headers=headers), 500)
    assert (await program.post(_generate(cast), json=body, headers=headers)).status_code == 201
    problem(await program.post(_generate(cast), json=body, headers={"idempotency-key": "x" * 256}), 400)


async def test_ten_at_once_under_one_key_make_one_batch(program: httpx.AsyncClient, cast: Cast) -> None:
    async def ask() -> httpx.Response:
        body = {"package_id": cast.package_id, "count": 1}
        return await program.post(_generate(cast), json=body, headers={"idempotency-key": "race"})

    said = await asyncio.gather(*(ask() for _ in range(10)))
    assert {answer.status_code for answer in said} <= {201, 409}
    assert any(answer.status_code == 201 for answer in said)
    assert await DB.value("SELECT count(*) FROM batches") == 1


async def test_one_programs_key_is_nothing_to_another(programs: Programs, cast: Cast) -> None:
    ours, theirs = await programs.of(cast.owner), await programs.of(cast.rival)
    headers = {"idempotency-key": "order-1"}
    body = {"package_id": cast.package_id, "count": 1}
    assert (await ours.post(_generate(cast), json=body, headers=headers)).status_code == 201
    problem(await theirs.post(_generate(cast), json=body, headers=headers), 404)


async def test_pages_have_no_gap_and_no_double_while_more_are_made(
    program: httpx.AsyncClient, cast: Cast, vault: Vault
) -> None:
    statuses = ["paid", "unsold", "expired"]
    made = [
        await factories.voucher(vault, cast.merchant_id, cast.package_id, status=statuses[number % 3])
        for number in range(13)
    ]
    seen: list[int] = []
    address: str | None = "/api/vouchers?limit=4"
    while address:
        answer = await program.get(address)
        seen += [one["id"] for one in answer.json()["items"]]
        await factories.voucher(vault, cast.merchant_id, cast.package_id)
        link = answer.headers.get("link")
        assert (link is None) is (answer.json()["next_cursor"] is None)
        address = link.partition(">")[0].removeprefix("<") if link else None
    assert seen == made[::-1]


async def test_a_cursor_is_of_its_own_list_and_cannot_be_made_up(
    programs: Programs, cast: Cast, vault: Vault, clock: Clock
) -> None:
    program = await programs.of(cast.owner)
    for _ in range(3):
        await factories.voucher(vault, cast.merchant_id, cast.package_id)
    cursor = (await program.get("/api/vouchers?limit=1")).json()["next_cursor"]
    for path in (
        f"/api/vouchers?status=paid&cursor={cursor}",
        f"/api/payments?cursor={cursor}",
        f"/api/vouchers?cursor={cursor}x",
    ):
        assert problem(await program.get(path), 422)["errors"][0]["parameter"] == "cursor"
    clock.shift(timedelta(days=8))
    problem(await program.get(f"/api/vouchers?cursor={cursor}"), 422)


async def test_filters_narrow_the_list(program: httpx.AsyncClient, cast: Cast, vault: Vault) -> None:
    paid = await factories.voucher(vault, cast.merchant_id, cast.package_id, status="paid")
    await factories.voucher(vault, cast.merchant_id, cast.package_id, status="unsold")
    reference = await DB.value("SELECT payment_reference FROM vouchers WHERE id = $1", paid)
    for query in ("status=paid", f"paymentReference={reference}"):
        assert [one["id"] for one in (await program.get(f"/api/vouchers?{query}")).json()["items"]] == [paid]
    assert (await program.get("/api/vouchers?packageId=999")).json()["items"] == []


async def test_what_has_not_changed_is_not_sent_again(program: httpx.AsyncClient, cast: Cast, vault: Vault) -> None:
    voucher = await factories.voucher(vault, cast.merchant_id, cast.package_id)
    first = await program.get(f"/api/vouchers/{voucher}")
    same = {"if-none-match": first.headers["etag"]}
    again = await program.get(f"/api/vouchers/{voucher}", headers=same)
    assert (again.status_code, again.content) == (304, b"")
    assert (await program.post(f"/api/vouchers/{voucher}/revoke", json={"why": "a mistake"})).status_code == 200
    changed = await program.get(f"/api/vouchers/{voucher}", headers=same)
    assert (changed.status_code, changed.json()["status"]) == (200, "revoked")


async def test_deeds_are_the_shops_own_with_their_own_refusals(
    program: httpx.AsyncClient, cast: Cast, vault: Vault
) -> None:
    voucher = await factories.voucher(vault, cast.merchant_id, cast.package_id, status="in_use")
    before = (await program.get(f"/api/vouchers/{voucher}")).json()["expires_at"]
    longer = await program.post(f"/api/vouchers/{voucher}/extend", json={"minutes": 60, "why": "line was down"})
    assert longer.status_code == 200
    assert longer.json()["expires_at"] > before
    assert (await program.post(f"/api/vouchers/{voucher}/revoke", json={"why": "a mistake"})).json()[
        "status"
    ] == "revoked"
    problem(await program.post(f"/api/vouchers/{voucher}/revoke", json={"why": "a mistake"}), 409)
    events = await DB.fetch(
        "SELECT id, name, data ->> 'token' AS token FROM events WHERE entity = 'vouchers' ORDER BY id"
    )
    token = await DB.value("SELECT id FROM api_tokens")
    assert [(row["name"], row["token"]) for row in events] == [("extended", str(token)), ("revoke", str(token))]
    assert await DB.value("SELECT count(*) FROM event_places WHERE id = ANY($1)", [row["id"] for row in events]) == 2


async def test_an_export_is_whole_and_safe_for_spreadsheets(
    program: httpx.AsyncClient, cast: Cast, vault: Vault
) -> None:
    evil = await factories.package(cast.merchant_id, name="=cmd|calc")
    terms = '{"name": "=cmd|calc", "duration_s": 60}'
    for _ in range(3):
        await factories.voucher(vault, cast.merchant_id, evil, router_id=cast.router.id, terms=terms)
    path = f"/api/routers/{cast.router.id}/vouchers/export"
    text = await program.get(path)
    assert text.headers["content-type"].startswith("text/csv")
    assert "attachment" in text.headers["content-disposition"]
    rows = list(csv.DictReader(io.StringIO(text.text)))
    assert len(rows) == 3
    assert {row["package"] for row in rows} == {"'=cmd|calc"}
    lines = (await program.get(f"{path}?format=jsonl")).text.strip().split("\n")
    assert {msgspec.json.decode(line)["package"] for line in lines} == {"=cmd|calc"}


async def test_a_sync_is_asked_for_and_can_be_watched(program: httpx.AsyncClient, cast: Cast) -> None:
    asked = await program.post(f"/api/routers/{cast.router.id}/vouchers/bulk-sync")
    assert asked.status_code == 202
    assert asked.json()["poll"] == asked.headers["location"] == f"/api/routers/{cast.router.id}"
    assert not (await program.get(asked.json()["poll"])).json()["is_in_step"]
    waiting = await DB.fetch("SELECT payload FROM pgqueuer WHERE entrypoint = 'reconcile-router'")
    assert [row["payload"] for row in waiting] == [str(cast.router.id).encode()]
    await DB.fetch("UPDATE routers SET status = 'paused' WHERE id = $1", cast.router.id)
    problem(await program.post(f"/api/routers/{cast.router.id}/vouchers/bulk-sync"), 409)
