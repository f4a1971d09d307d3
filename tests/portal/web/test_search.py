"""One box for everything: what is found alone is opened, nothing of others is ever found, and nothing typed breaks it."""

import httpx
import pytest

from portal import codes
from portal.db import DB
from portal.vault import Vault
from tests.portal.web import rows
from tests.portal.web.conftest import Cast, sign_in
from tests.portal.web.test_home import NOW, clock

__all__ = ["clock"]

CODE, REFERENCE = "24R4VH92CB", "7CTRVC7N"


async def voucher(vault: Vault, merchant_id: int, package_id: int, *, code: str, reference: str) -> int:
    return await DB.value(
        """INSERT INTO vouchers (merchant_id, package_id, code_hash, code_sealed, payment_reference, price_cents, terms, created_at)
           VALUES ($1, $2, $3, '-', $4, 5000, '{"name": "1 day"}', $5) RETURNING id""",
        merchant_id, package_id, vault.code_hash(code), reference, NOW,
    )  # fmt: skip


async def goes_to(client: httpx.AsyncClient, typed: str) -> str:
    """Where the search leads; "" when it lists."""
    answer = await client.get("/search", params={"q": typed})
    assert answer.status_code in (200, 303), typed
    return answer.headers.get("location", "")


@pytest.mark.parametrize(
    "typed", [CODE, f" {CODE[:4].lower()} {CODE[4:].lower()} ", f"{CODE[:4]}-{CODE[4:]}", REFERENCE]
)
async def test_a_voucher_is_opened_by_its_whole_code_or_reference(
    client: httpx.AsyncClient, cast: Cast, vault: Vault, typed: str
) -> None:
    found = await voucher(vault, cast.merchant_id, cast.package_id, code=CODE, reference=REFERENCE)
    await sign_in(client, cast.cashier)
    assert await goes_to(client, typed) == f"/vouchers/{found}"


async def test_a_part_of_a_code_finds_nothing(client: httpx.AsyncClient, cast: Cast, vault: Vault) -> None:
    await voucher(vault, cast.merchant_id, cast.package_id, code=CODE, reference=REFERENCE)
    await sign_in(client, cast.owner)
    for typed in (CODE[:-1], CODE[:4], "%", "_"):
        assert "Nothing found" in (await client.get("/search", params={"q": typed})).text, typed


async def test_a_payment_is_opened_by_its_receipt_and_a_phone_lists_all_of_its(
    client: httpx.AsyncClient, cast: Cast
) -> None:
    first = await rows.payment(cast.router, cast.package_id, at=NOW, receipt="SKL4H7T2QX")
    await rows.payment(cast.router, cast.package_id, at=NOW, receipt="SKL4H7T2QY")
    await sign_in(client, cast.owner)
    assert await goes_to(client, "skl4h7t2qx") == f"/payments/{first}"
    page = (await client.get("/search?q=0712 345 678")).text
    assert "SKL4H7T2QX" in page
    assert "SKL4H7T2QY" in page


async def test_a_subscriber_is_opened_by_number(client: httpx.AsyncClient, cast: Cast) -> None:
    account = codes.payment_reference()
    found = await DB.value(
        """WITH c AS (INSERT INTO credits (merchant_id, holder, created_at) VALUES ($1, 'acc:x', $4) RETURNING id)
           INSERT INTO subscribers (merchant_id, router_id, package_id, credit_id, name, phone, account_number, kind, user_name,
             password_sealed, terms, price_cents, starts_on, paid_until_on, why, created_at)
           SELECT $1, $2, $3, id, 'Wanjiku', '254722000001', $5, 'pppoe', 'w', 'x', '{}', 1000, '2026-11-01', '2026-12-01', '',
             $4 FROM c RETURNING id""",
        cast.merchant_id, cast.router.id, cast.package_id, NOW, account,
    )  # fmt: skip
    await sign_in(client, cast.owner)
    assert await goes_to(client, f"{account[:4].lower()} {account[4:]}") == f"/subscribers/{found}"


async def test_nothing_of_another_merchant_is_found(client: httpx.AsyncClient, cast: Cast, vault: Vault) -> None:
    await voucher(vault, cast.rival_id, cast.rival_package_id, code=CODE, reference=REFERENCE)
    await rows.payment(cast.rival_router, cast.rival_package_id, at=NOW, receipt="RIVAL00001", phone="254799999999")
    await sign_in(client, cast.owner)
    for typed in (CODE, REFERENCE, "RIVAL00001", "0799999999"):
        page = await client.get("/search", params={"q": typed})
        assert page.status_code == 200, typed
        assert "Nothing found" in page.text, typed


async def test_odd_words_are_only_words(client: httpx.AsyncClient, cast: Cast) -> None:
    await sign_in(client, cast.owner)
    for typed in (
        "<script>alert(1)</script>",
        "'; DROP TABLE vouchers; --",
        "😀" * 50,
        "\u202eabc",
        "\x00",
        "x" * 500,
        " ",
    ):
        page = await client.get("/search", params={"q": typed})
        assert page.status_code == 200, typed
        assert "<script>alert" not in page.text
    assert (await client.get("/search", params={"q": "x" * 501})).status_code == 400
    assert "What are you looking for?" in (await client.get("/search")).text


async def test_a_name_is_never_taken_for_markup(client: httpx.AsyncClient, cast: Cast, vault: Vault) -> None:
    """Who did a thing is told by `_()`, which knows names of jobs; people's pass through it."""
    canary = "<img src=x> 100% & more"
    await DB.fetch("UPDATE users SET name = $1", canary)
    user = await DB.value("SELECT id FROM users WHERE email = $1", cast.owner)
    paid = await rows.payment(cast.router, cast.package_id, at=NOW)
    await DB.fetch(
        """INSERT INTO events (merchant_id, entity, entity_id, name, became, actor, at, data)
           VALUES ($1, 'payments', $2, 'noted', '', $3, $4, '{}')""",
        cast.merchant_id, paid, f"user:{user}", NOW,
    )  # fmt: skip
    await sign_in(client, cast.owner)
    page = await client.get(f"/payments/{paid}")
    assert page.status_code == 200
    assert "<img" not in page.text
