"""While PostgreSQL is away callbacks live on the disk: whoever dies there with -9, and whenever, no sale is lost or made twice."""

import asyncio
import signal
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import httpx
import pytest

from portal import codes
from portal.db import DB
from portal.patience import patiently
from portal.terms import Terms
from tests import factories
from tests.flows.programs import answers, until
from tests.kill.house import House
from tests.kill.shop import Shop

AWAY_S = 20.0
PER_SECOND = 20


@asynccontextmanager
async def paid_without_database(shop: Shop) -> AsyncGenerator[None]:
    """A customer's prompt is open when the database goes away; it is back at the end."""
    await shop.order()
    await shop.house.daraja.wait_prompt(shop.msisdn, timeout=20)
    await until(lambda: shop.count("payments", "checkout_request_id IS NOT NULL"), "the push is noted")
    async with shop.house.database.away():
        yield


async def drained(house: House) -> bool:
    return house.spool.depth().files == 0


async def struck(house: House) -> bool:
    return house.has_struck


async def spooled(house: House) -> bool:
    return house.spool.depth().size > 0


async def test_a_callback_without_the_database_is_answered_and_sold_later(house: House, shop: Shop) -> None:
    """Case 32."""
    async with paid_without_database(shop):
        await shop.house.daraja.approve(shop.msisdn)
        await house.daraja.wait_delivered(shop.pushes[0])
        assert [delivery.status for delivery in shop.pushes[0].deliveries] == [200]
        assert await spooled(house)
    await shop.wait_online()
    await shop.assert_sold_once()
    assert await shop.count("callbacks", "repeats = 0 AND outcome = 'sold'") == 1
    await until(lambda: drained(house), "the spool is empty")


@pytest.mark.parametrize("point", ["spool.appended", "spool.synced"])
async def test_web_dies_when_the_message_is_on_the_disk(house: House, shop: Shop, point: str) -> None:
    """Before the fsync nothing was promised, before the answer M-Pesa knows nothing; what lies there is used all the same."""
    async with paid_without_database(shop):
        house.arm(point, "web")
        await shop.house.daraja.approve(shop.msisdn)
        await until(lambda: struck(house), f"web dies at {point}", within=15)
        await house.daraja.wait_delivered(shop.pushes[0])
        assert [delivery.status for delivery in shop.pushes[0].deliveries] == [None]
        assert await spooled(house)
    await shop.wait_online(within=40)
    await shop.assert_sold_once()
    assert await shop.count("callbacks", "outcome = 'sold'") == 1
    await until(lambda: drained(house), "the spool is empty")


async def test_who_drains_dies_between_commit_and_removal(house: House, shop: Shop) -> None:
    async with paid_without_database(shop):
        await shop.house.daraja.approve(shop.msisdn)
        await house.daraja.wait_delivered(shop.pushes[0])
        house.arm("spool.drained", "web")  # `self`: web or worker, whichever drains
    await until(lambda: struck(house), "somebody dies while draining", within=20)
    await shop.wait_online(within=40)
    await shop.assert_sold_once()
    assert await shop.count("callbacks", "outcome = 'sold'") == 1
    await until(lambda: drained(house), "the spool is empty")


async def sales(shop: Shop, count: int) -> list[tuple[str, str]]:
    """Payments that wait for their callbacks, at a router nobody dials; their names and ids."""
    router = await DB.value(
        """INSERT INTO routers (merchant_id, name, site, status, api_host, api_port, api_user, api_password_sealed, hotspot_hosts)
           SELECT merchant_id, 'Away', $2, 'paused', api_host, api_port, api_user, api_password_sealed, hotspot_hosts
           FROM routers WHERE merchant_id = $1 LIMIT 1 RETURNING id""",
        shop.merchant_id,
        codes.hex_token(16),
    )
    made: list[tuple[str, str]] = []
    for number in range(count):
        checkout = await DB.value(
            """INSERT INTO checkouts (merchant_id, router_id, package_id, token, form_key, phone, mac, ip, price_cents,
                                      commission_bp, terms)
               VALUES ($1, $2, $3, $4, $5, '254712345678', $6, '10.5.50.7', 1000, 2000, $7::jsonb) RETURNING id""",
            shop.merchant_id,
            router,
            shop.package_id,
            codes.hex_token(32),
            codes.hex_token(32),
            f"02:00:00:00:{number >> 8:02X}:{number & 255:02X}",
            Terms(name="1 hour", duration_s=3600).encode(),
        )
        request_id = f"ws_CO_{checkout}_{number}"
        payment = await factories.payment(
            shop.merchant_id, status="pending", checkout_id=checkout, checkout_request_id=request_id
        )
        made.append((await DB.value("SELECT callback_token FROM payments WHERE id = $1", payment), request_id))
    return made


def success(request_id: str, receipt: str) -> dict[str, object]:
    items = [{"Name": "Amount", "Value": 10.0}, {"Name": "MpesaReceiptNumber", "Value": receipt}]
    said = {"CheckoutRequestID": request_id, "ResultCode": 0, "ResultDesc": "ok", "CallbackMetadata": {"Item": items}}
    return {"Body": {"stkCallback": said}}


async def test_twenty_seconds_without_a_database_under_load_lose_nothing(house: House, shop: Shop) -> None:
    waiting = await sales(shop, int((AWAY_S + 2) * PER_SECOND))
    statuses: list[int] = []

    async def send(name: str, request_id: str, number: int) -> None:
        receipt = f"T{shop.merchant_id:03d}{number:06d}"
        answer = await client.post(f"{house.portal}/cb/{name}", json=success(request_id, receipt))
        statuses.append(answer.status_code)

    async with httpx.AsyncClient(trust_env=False, timeout=20) as client, asyncio.TaskGroup() as group:
        began = time.monotonic()
        async with house.database.away():
            for number, (name, request_id) in enumerate(waiting):
                await asyncio.sleep(max(0.0, began + number / PER_SECOND - time.monotonic()))
                group.create_task(send(name, request_id, number))
    assert statuses == [200] * len(waiting)

    async def are_sold() -> bool:
        sold = await patiently(
            lambda: DB.value(
                "SELECT count(*) FROM callbacks WHERE merchant_id = $1 AND outcome = 'sold' AND repeats = 0",
                shop.merchant_id,
            ),
            within_s=20,
        )
        return sold == len(waiting)

    await until(are_sold, "everything is sold", within=60)
    assert await shop.count("vouchers") == len(waiting)
    assert await shop.count("ledger_postings", "kind = 'sale'") == len(waiting)
    assert await DB.value("SELECT sum(amount_cents) FROM ledger_entries WHERE merchant_id = $1", shop.merchant_id) == 0


async def test_web_that_starts_without_a_database_takes_callbacks(house: House, shop: Shop) -> None:
    """It died, and was started again, while the database was away; nothing else works until that is back."""
    async with paid_without_database(shop):
        was = house.web.pid
        house.web.signal(signal.SIGKILL)

        async def is_back() -> bool:
            return house.web.pid != was and await answers(f"{house.portal}/healthz")

        await until(is_back, "web is there again", within=20)
        assert await answers(f"{house.portal}/readyz", 503)
        await shop.house.daraja.approve(shop.msisdn)
        await house.daraja.wait_delivered(shop.pushes[0])
        assert [delivery.status for delivery in shop.pushes[0].deliveries] == [200]
    await house.is_ready()
    await shop.wait_online(within=40)
    await shop.assert_sold_once()
