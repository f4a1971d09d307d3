"""What the API answers is what it says it answers: every operation is asked, and every answer held against its schema."""

from datetime import timedelta
from typing import Any

import httpx
import pytest

from portal.clock import Clock
from portal.controllers.api.problems import TITLES
from portal.db import DB
from portal.vault import Vault
from tests import factories
from tests.portal.api.conftest import Programs
from tests.portal.api.schema import faults
from tests.portal.web.conftest import Cast


async def _document(program: httpx.AsyncClient) -> dict[str, Any]:
    return (await program.get("/api/openapi.json")).json()


@pytest.fixture
async def ids(cast: Cast, vault: Vault, clock: Clock) -> dict[str, Any]:
    """A shop in which everything a path may name is there."""
    await factories.mpesa_account(vault)
    voucher = await factories.voucher(
        vault, cast.merchant_id, cast.package_id, status="in_use", router_id=cast.router.id
    )
    grant = await factories.grant(vault, cast.merchant_id, cast.router.id, voucher, status="present")
    now = clock.now()
    await DB.fetch(
        """INSERT INTO hotspot_sessions (merchant_id, router_id, grant_id, mac, ip, started_at, seen_at, uptime_s, bytes_up, bytes_down)
           VALUES ($1, $2, $3, '02:11:22:33:44:55', '10.5.50.7', $4, $4, 60, 5, 6)""",
        cast.merchant_id,
        cast.router.id,
        grant,
        now - timedelta(minutes=1),
    )
    batch = await DB.value(
        "INSERT INTO batches (merchant_id, package_id, size, done_at) VALUES ($1, $2, 1, $3) RETURNING id",
        cast.merchant_id,
        cast.package_id,
        now,
    )
    payment = await factories.payment(cast.merchant_id, status="paid", voucher_id=voucher, receipt="QX1")
    return {
        "router_id": cast.router.id, "voucher_id": voucher, "batch_id": batch, "payment_id": payment,
        "package_id": cast.package_id, "site": cast.router.site,
    }  # fmt: skip


def _body(operation: str, ids: dict[str, Any]) -> dict[str, Any] | None:
    return {
        "generate_vouchers": {
            "package_id": ids["package_id"],
            "count": 3,
            "note": "Market",
            "kind": "cash",
            "prefix": "MK",
        },
        "revoke_voucher": {"why": "lost at the market"},
        "make_package": {"name": "Evening", "price_cents": 2000, "duration_s": 7200},
        "change_package": {"price_cents": 1500},
        "extend_voucher": {"minutes": 30, "why": "the line was down"},
    }.get(operation)


async def test_every_answer_is_as_described(program: httpx.AsyncClient, ids: dict[str, Any]) -> None:
    document = await _document(program)
    asked = sorted(
        (
            (path, method, operation)
            for path, methods in document["paths"].items()
            for method, operation in methods.items()
        ),
        key=lambda one: one[2]["operationId"] == "revoke_voucher",
    )
    assert len(asked) >= 20
    for path, method, operation in asked:
        if path.startswith("/api/captive"):
            continue
        answer = await program.request(method, path.format(**ids), json=_body(operation["operationId"], ids))
        described = operation["responses"].get(str(answer.status_code))
        assert described, (path, answer.status_code, answer.text)
        assert 200 <= answer.status_code < 300, (path, answer.text)
        content = described["content"]
        kind = answer.headers["content-type"].partition(";")[0]
        assert kind in content, (path, kind)
        if kind == "application/json":
            assert faults(answer.json(), content[kind]["schema"], document) == [], path


async def test_a_purchase_answers_as_described_from_the_list_to_the_code(
    programs: Programs, ids: dict[str, Any], cast: Cast
) -> None:
    phone = programs.with_token(None)
    document = await _document(phone)
    said = [
        await phone.get(
            "/api/captive/packages", params={"routerId": ids["site"], "mac": "02:AA:22:33:44:55", "ip": "10.5.50.9"}
        )
    ]
    offer = said[0].json()
    (package,) = offer["packages"]
    body = {
        "router_id": ids["site"], "package_id": package["id"], "mark": package["mark"], "phone": "0712 345 678", "visit": offer["visit"],
    }  # fmt: skip
    said.append(await phone.post("/api/captive/purchase", json=body))
    purchase = said[1].json()
    said.append(await phone.get("/api/captive/payment-status", params={"id": purchase["id"]}))
    await DB.fetch("UPDATE payments SET status = 'failed', result_code = '1032' WHERE checkout_id IS NOT NULL")
    said.append(await phone.get("/api/captive/payment-status", params={"id": purchase["id"]}))
    places = (
        ("/api/captive/packages", "get"),
        ("/api/captive/purchase", "post"),
        *[("/api/captive/payment-status", "get")] * 2,
    )
    for answer, (path, method) in zip(said, places, strict=True):
        described = document["paths"][path][method]["responses"][str(answer.status_code)]
        assert faults(answer.json(), described["content"]["application/json"]["schema"], document) == [], path
    assert said[-1].json()["state"] == "failed"
    assert said[-1].json()["result_code"] == "1032"
    assert cast.merchant_id


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/api/vouchers/999999", 404),
        ("GET", "/api/vouchers?limit=x", 422),
        ("POST", "/api/vouchers/{voucher_id}/extend", 422),
        ("GET", "/api/captive/payment-status?id=none", 404),
        ("GET", "/api/captive/packages", 422),
    ],
)
async def test_every_problem_is_as_described(
    program: httpx.AsyncClient, ids: dict[str, Any], method: str, path: str, status: int
) -> None:
    document = await _document(program)
    answer = await program.request(method, path.format(**ids))
    assert answer.status_code == status, answer.text
    assert faults(answer.json(), {"$ref": "#/components/schemas/Problem"}, document) == []


async def test_the_description_is_complete_and_names_tokens_keys_and_pages(program: httpx.AsyncClient) -> None:
    document = await _document(program)
    assert document["openapi"].startswith("3.1")
    assert document["components"]["securitySchemes"]["token"]["scheme"] == "bearer"
    names = [operation["operationId"] for methods in document["paths"].values() for operation in methods.values()]
    assert len(names) == len(set(names))
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            headers = {one["name"] for one in operation.get("parameters", ()) if one["in"] == "header"}
            assert operation.get("description") or operation.get("summary"), path
            assert ("Idempotency-Key" in headers) is (method in ("post", "patch")), path
            assert not {"caller", "clock", "vault", "signer"} & {one["name"] for one in operation.get("parameters", ())}
            assert bool(operation["security"]) is not path.startswith("/api/captive"), path
            for status, described in operation["responses"].items():
                if status[0] in "45":
                    assert "application/problem+json" in described["content"]


async def test_the_page_of_documentation_names_everything_and_loads_nothing_from_elsewhere(
    program: httpx.AsyncClient,
) -> None:
    document, page = await _document(program), await program.get("/api/docs")
    assert page.status_code == 200
    assert all(path in page.text for path in document["paths"])
    assert all(f'id="{status}"' in page.text for status in TITLES), "a problem's type leads here"
    assert "//" not in page.text.replace("http://portal.test", "").replace("https://", "").split("<main")[0]
    assert "<script" not in page.text


def test_the_schema_walker_finds_what_is_wrong() -> None:
    document = {
        "components": {
            "schemas": {"A": {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}}
        }
    }
    one = {"$ref": "#/components/schemas/A"}
    assert faults({"n": 1}, one, document) == []
    for wrong in ({}, {"n": "1"}, {"n": True}, {"n": 1, "m": 2}, []):
        assert faults(wrong, one, document), wrong
    assert faults("x", {"oneOf": [{"type": "null"}, {"type": "integer"}]}, document)
    assert faults("x", {"enum": ["y"], "type": "string"}, document)
