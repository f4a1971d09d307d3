"""What may arrive at a callback's address: wrong, forged, repeated, broken, huge. Nothing lost, nothing granted by hearsay."""

import asyncio
import gzip
import json
from collections.abc import AsyncIterator

import httpx
import msgspec
import pytest

from portal.db import DB
from portal.mpesa.simulator.callbacks import build_body
from portal.mpesa.simulator.records import Push
from tests.flows.programs import until
from tests.flows.test_sale import MSISDN, is_online, pay_for
from tests.flows.world import Shop


@pytest.fixture
async def safaricom() -> AsyncIterator[httpx.AsyncClient]:
    """Sends what it likes from an address the portal lists."""
    async with httpx.AsyncClient(trust_env=False, timeout=10) as client:
        yield client


@pytest.fixture
async def stranger() -> AsyncIterator[httpx.AsyncClient]:
    """Sends what it likes from an address nobody listed."""
    transport = httpx.AsyncHTTPTransport(local_address="127.0.0.66")
    async with httpx.AsyncClient(transport=transport, trust_env=False, timeout=10) as client:
        yield client


async def asked(browser: httpx.AsyncClient, shop: Shop) -> tuple[str, Push]:
    """A customer whose phone shows the prompt: the waiting page and the push."""
    waiting = await pay_for(browser, shop)
    return waiting, await shop.daraja.wait_prompt(MSISDN)


async def count(table: str, which: str = "true") -> int:
    return await DB.value(f"SELECT count(*) FROM {table} WHERE {which}")


async def all_handled() -> bool:
    return await count("callbacks", "handled_at IS NULL") == 0


async def assert_nothing_granted(browser: httpx.AsyncClient) -> None:
    assert not await is_online(browser)
    assert await count("vouchers") + await count("access_grants") == 0
    assert await count("ledger_postings", "kind = 'sale'") == 0


async def wait_sold_once(browser: httpx.AsyncClient) -> None:
    """Online, and all that came is handled, and it was one sale."""
    await until(lambda: is_online(browser), "the phone is online", within=15)
    await until(all_handled, "every callback is handled")
    assert await count("vouchers") == await count("access_grants") == await count("ledger_postings") == 1
    assert await DB.value("SELECT sum(amount_cents) FROM ledger_entries") == 0


def success(push: Push, *, receipt: str = "SKJ7XK2P1Q", amount: float = 10.0) -> bytes:
    """A success callback as Daraja writes it, by somebody who knows the push's ids."""
    items = [{"Name": "Amount", "Value": amount}, {"Name": "MpesaReceiptNumber", "Value": receipt}]
    return json.dumps(
        {
            "Body": {
                "stkCallback": {
                    "MerchantRequestID": push.merchant_request_id,
                    "CheckoutRequestID": push.checkout_request_id,
                    "ResultCode": 0,
                    "ResultDesc": "The service request is processed successfully.",
                    "CallbackMetadata": {"Item": items},
                }
            }
        }
    ).encode()


async def test_a_callback_to_an_unknown_address_is_404_and_leaves_nothing(
    shop: Shop, safaricom: httpx.AsyncClient
) -> None:
    async with shop.browser() as browser:
        _, push = await asked(browser, shop)
        known = push.callback_url.rsplit("/", 1)[1]
        wrong = [
            "0" * 64,
            known[:-1],
            known[:-1] + ("0" if known[-1] != "0" else "1"),
            known.upper() + "0",
            "x",
            "%00",
            "../w",
        ]
        for token in wrong:
            answer = await safaricom.post(f"{shop.portal}/cb/{token}", content=success(push))
            assert answer.status_code == 404, token
        assert await count("callbacks") == 0
        await assert_nothing_granted(browser)


async def test_another_amount_is_held_and_buys_nothing(shop: Shop) -> None:
    shop.daraja.world.turn(callback_amount=5.0)
    async with shop.browser() as browser:
        waiting, _ = await asked(browser, shop)
        await shop.daraja.approve(MSISDN)

        async def page() -> str | None:
            text = (await browser.get(waiting)).text
            return text if "KES\u00a05 more" in text or "KES 5 more" in text else None

        said = await until(page, "the page tells what is missing")
        assert said
        assert "What you paid is kept for it." in said
        shop.shift(minutes=10)  # long enough for any query that might take the amount for right
        await asyncio.sleep(1.5)
        await assert_nothing_granted(browser)
    held = await DB.fetch("SELECT account, amount_cents FROM ledger_entries ORDER BY account")
    assert [tuple(row) for row in held] == [("customer_credit", -500), ("mpesa_clearing", 500)]


async def test_the_same_callback_many_times_at_once_is_one_sale(shop: Shop) -> None:
    shop.daraja.world.turn(callback_copies=8)
    async with shop.browser() as browser:
        _, push = await asked(browser, shop)
        await shop.daraja.approve(MSISDN)
        await shop.daraja.wait_delivered(push, count=8)
        await wait_sold_once(browser)
    assert [delivery.status for delivery in push.deliveries] == [200] * 8
    assert await DB.value("SELECT repeats FROM callbacks") == 7


async def test_one_payment_told_in_many_ways_at_once_is_one_sale(shop: Shop, safaricom: httpx.AsyncClient) -> None:
    """Different bodies about the same receipt: also what is no exact repeat settles once."""
    shop.daraja.world.turn(callback_lost=True)
    async with shop.browser() as browser:
        _, push = await asked(browser, shop)
        await shop.daraja.approve(MSISDN)
        bodies = [build_body(shop.daraja.world, push) + b" " * number for number in range(6)]
        answers = await asyncio.gather(*(safaricom.post(push.callback_url, content=body) for body in bodies))
        assert {answer.status_code for answer in answers} == {200}
        await wait_sold_once(browser)
    assert await count("callbacks") == 6
    assert await count("callbacks", "outcome = 'sold'") == 1


async def test_a_callback_from_elsewhere_is_verified_before_it_counts(shop: Shop) -> None:
    shop.daraja.world.turn(callback_source="foreign", query_fault="busy")
    async with shop.browser() as browser:
        waiting, _ = await asked(browser, shop)
        await shop.daraja.approve(MSISDN)
        await until(lambda: count("callbacks", "outcome = 'to_verify'"), "the callback is set aside")
        await until(lambda: count("payments", "queries > 0"), "M-Pesa is asked")
        await assert_nothing_granted(browser)
        shop.daraja.world.turn(query_fault="none")
        shop.shift(seconds=31)
        await wait_sold_once(browser)
        assert "You have paid" in (text := (await browser.get(waiting)).text) or "You are connected" in text


async def test_a_forged_success_from_elsewhere_buys_nothing(shop: Shop, stranger: httpx.AsyncClient) -> None:
    """Even by somebody who knows the address and the ids: M-Pesa is asked, and says no."""
    async with shop.browser() as browser:
        _, push = await asked(browser, shop)
        assert (await stranger.post(push.callback_url, content=success(push))).status_code == 200
        await until(lambda: count("payments", "queries > 0"), "M-Pesa is asked")
        await asyncio.sleep(0.5)
        await assert_nothing_granted(browser)
        await shop.daraja.cancel(MSISDN)
        await until(lambda: count("payments", "status = 'failed'"), "the payment failed")
        await assert_nothing_granted(browser)
    assert await count("ledger_entries") == 0


async def test_a_callback_about_another_request_changes_nothing(shop: Shop, safaricom: httpx.AsyncClient) -> None:
    async with shop.browser() as browser:
        _, push = await asked(browser, shop)
        told = success(push).replace(push.checkout_request_id.encode(), b"ws_CO_01012026000000000712345678")
        assert (await safaricom.post(push.callback_url, content=told)).status_code == 200
        await until(all_handled, "the callback is handled")
        assert await DB.value("SELECT outcome FROM callbacks") == "wrong_request"
        await assert_nothing_granted(browser)


def broken_bodies(push: Push) -> list[bytes]:
    """Bodies no settlement can be read from, the last of them as long as may be."""
    good = success(push)
    return [
        b"",
        b"{",
        b"null",
        b"[]",
        b'"paid"',
        b"\x00" * 100,
        b"\xff\xfe{}",
        b"[" * 30_000,
        b'{"a":' * 10_000,
        b'{"Body":{}}',
        b'{"Body":{"stkCallback":[]}}',
        good[:-2],
        good.replace(b'"ResultCode": 0', b'"ResultCode": 1e999'),
        good.replace(b'"ResultCode": 0', b'"ResultCode": ' + b"9" * 5000),
        success(push, receipt=""),
        success(push, receipt="\x00\x00"),
        success(push, receipt="R" * 5000),
        good.replace(b"10.0", b"1e308"),
        good.replace(b"10.0", b'"ten"'),
        gzip.compress(good),
        good + b" " * (65_536 - len(good) - 1) + b"}",
    ]


async def test_broken_bodies_are_kept_as_they_came_and_the_payment_is_asked_about(
    shop: Shop, safaricom: httpx.AsyncClient
) -> None:
    shop.daraja.world.turn(callback_lost=True, query_per_minute=None)
    async with shop.browser() as browser:
        _, push = await asked(browser, shop)
        bodies = broken_bodies(push)
        for body in bodies:
            packed = {"content-encoding": "gzip"} if body[:2] == b"\x1f\x8b" else {}
            answer = await safaricom.post(push.callback_url, content=body, headers=packed)
            assert answer.status_code == 200, body[:40]
        await until(all_handled, "every callback is handled")
        await assert_nothing_granted(browser)
        kept = await DB.fetch("SELECT body, outcome FROM callbacks ORDER BY id")
        assert [row["body"] for row in kept] == bodies
        # A code nobody knows may be read, but says nothing.
        assert {row["outcome"] for row in kept} == {"unreadable", "open"}
        await shop.daraja.approve(MSISDN)
        shop.shift(seconds=31)
        await wait_sold_once(browser)
    assert await count("payments", "status = 'paid' AND receipt IS NULL AND queries > 0") == 1


@pytest.mark.parametrize("is_chunked", [False, True])
async def test_a_body_too_large_is_kept_cut_and_the_payment_is_asked_about(
    shop: Shop,
    safaricom: httpx.AsyncClient,
    is_chunked: bool,
) -> None:
    """Case 47. The right address never gets an error for what is sent to it."""
    shop.daraja.world.turn(callback_lost=True)

    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(80):
            yield b" " * 1024

    async with shop.browser() as browser:
        _, push = await asked(browser, shop)
        answer = await safaricom.post(push.callback_url, content=chunks() if is_chunked else b" " * 65_537)
        assert answer.status_code == 200
        await until(all_handled, "the callback is handled")
        kept = await DB.fetch("SELECT octet_length(body) AS size, is_cut, outcome FROM callbacks")
        assert [tuple(row) for row in kept] == [(65_536, True, "unreadable")]
        assert await count("events", "name = 'callback_too_large'") == 1
        await shop.daraja.approve(MSISDN)
        shop.shift(seconds=31)
        await wait_sold_once(browser)


async def test_a_late_receipt_joins_the_sale_a_query_made(shop: Shop, safaricom: httpx.AsyncClient) -> None:
    """The query has no receipt; the callback that comes after it adds it, and sells nothing again."""
    shop.daraja.world.turn(callback_hold=True)
    async with shop.browser() as browser:
        _, push = await asked(browser, shop)
        await shop.daraja.approve(MSISDN)
        shop.shift(seconds=31)
        await wait_sold_once(browser)
        shop.daraja.world.release_held()
        await until(lambda: count("callbacks", "outcome = 'receipt_added'"), "the receipt is added")
        await wait_sold_once(browser)
    assert await DB.value("SELECT receipt FROM payments") == push.receipt
    assert (
        msgspec.json.decode((await safaricom.post(push.callback_url, content=success(push))).content)["ResultCode"] == 0
    )
