"""Forged callbacks by the hundred thousand: true ids, wrong names or amounts, a listed address in X-Forwarded-For. Nothing granted."""

import asyncio
import multiprocessing
import random
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path

from bench import house
from bench.posting import body_for, post, read_status
from bench.result import Result
from portal import codes
from portal.callbacks.store import MOST_UNTRUSTED, UNKNOWN_ADDRESSES
from portal.db import DB
from portal.mpesa.simulator import (
    DEFAULT_KEY,
    DEFAULT_SECRET,
    SANDBOX_PASSKEY,
    SANDBOX_SHORTCODE,
    DarajaSimulator,
    Knobs,
    World,
)
from portal.serving import listen
from portal.terms import Terms
from tests import factories

BAR = {"granted": 0, "seconds_per_1000": 5.0}
CONNECTIONS = 16
PAYMENTS = 20
#: An address nobody listed; the one in the header is Safaricom's.
FORGER = "127.0.0.66"
FORWARDED = "X-Forwarded-For: 196.201.214.200, 127.0.0.1\r\n"


async def run(quick: bool) -> Result:
    """Forge, count what was granted, and see that a true payment still goes through afterwards."""
    forged = 10_000 if quick else 100_000
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="vocha-bench-")))
        with listen("127.0.0.1", 0) as free:
            port: int = free.getsockname()[1]
        world = World.sandbox(seed=1, knobs=Knobs(query_per_minute=None, no_answer_seconds=3600))
        daraja = await stack.enter_async_context(DarajaSimulator(world))
        dsn = await stack.enter_async_context(house.database(folder / "db"))
        await _sales()
        await stack.enter_async_context(house.up(folder / "house", port, mpesa_url=daraja.url, dsn=dsn))
        targets = await _pushed()
        began = time.perf_counter()
        answers = await _forge(port, targets, forged)
        seconds = time.perf_counter() - began
        await _until("SELECT count(*) = 0 FROM callbacks WHERE handled_at IS NULL", "everything kept is handled")
        granted = await _granted()
        await daraja.approve(f"2547{10_000_000}")
        await _until("SELECT count(*) = 1 FROM vouchers", "the true payment is sold")
        kept = await DB.value("SELECT count(*) FROM callbacks")
        counted = await DB.value("SELECT coalesce(sum(hits), 0)::bigint FROM limits WHERE name = $1", UNKNOWN_ADDRESSES)
    figures = {
        "forged": forged,
        "seconds": round(seconds, 1),
        "per_s": round(forged / seconds),
        "answered_404": answers[404],
        "answered_200": answers[200],
        "answered_5xx": sum(count for status, count in answers.items() if status >= 500),
        "kept": kept,
        "unknown_counted": counted,
        "granted": granted,
        "sold_afterwards": 1,
    }
    most_kept = PAYMENTS * 3 * (MOST_UNTRUSTED + 100)
    ok = (
        granted == 0
        and kept <= most_kept
        and not figures["answered_5xx"]
        and counted == answers[404]
        and seconds <= BAR["seconds_per_1000"] * forged / 1000
    )
    return Result("forgeries", figures, {"most_kept": most_kept}, round(kept / most_kept, 3), dict(BAR), ok)


async def _sales() -> None:
    """Payments about to be pushed, each by a phone of its own."""
    vault = house.vault()
    merchant = await factories.merchant()
    account = await factories.mpesa_account(
        vault, shortcode=SANDBOX_SHORTCODE, key=DEFAULT_KEY, secret=DEFAULT_SECRET, passkey=SANDBOX_PASSKEY
    )
    router = await factories.router(vault, merchant, status="paused")
    package = await factories.package(merchant)
    for number in range(PAYMENTS):
        phone = f"2547{10_000_000 + number}"
        checkout = await DB.value(
            """INSERT INTO checkouts (merchant_id, router_id, package_id, token, form_key, phone, mac, ip, price_cents,
                                      commission_bp, terms)
               VALUES ($1, $2, $3, $4, $5, $6, $7, '10.5.50.7', 1000, 2000, $8::jsonb) RETURNING id""",
            merchant,
            router.id,
            package,
            codes.hex_token(32),
            codes.hex_token(32),
            phone,
            f"02:00:00:00:00:{number:02X}",
            Terms(name="1 hour", duration_s=3600).encode(),
        )
        payment = await factories.payment(merchant, checkout_id=checkout, account_id=account, phone=phone)
        await DB.fetch("UPDATE payments SET next_try_at = now() WHERE id = $1", payment)


async def _pushed() -> list[tuple[str, str]]:
    """Names and true ids of the payments, once all were pushed."""
    await _until(
        f"SELECT count(*) = {PAYMENTS} FROM payments WHERE checkout_request_id IS NOT NULL", "every push is accepted"
    )
    rows = await DB.fetch("SELECT callback_token, checkout_request_id FROM payments ORDER BY id")
    return [(row["callback_token"], row["checkout_request_id"]) for row in rows]


async def _until(question: str, what: str) -> None:
    try:
        async with asyncio.timeout(60):
            while not await DB.value(question):  # noqa: ASYNC110  (nobody tells)
                await asyncio.sleep(0.1)
    except TimeoutError:
        raise RuntimeError(f"not within a minute: {what}") from None


async def _granted() -> int:
    """Everything a forger might have gained."""
    return await DB.value(
        """SELECT (SELECT count(*) FROM vouchers) + (SELECT count(*) FROM access_grants) + (SELECT count(*) FROM ledger_entries)
           + (SELECT count(*) FROM payments WHERE status = 'paid') + (SELECT count(*) FROM callbacks WHERE verdict = 'lent')"""
    )


async def _forge(port: int, targets: list[tuple[str, str]], count: int) -> Counter[int]:
    loop = asyncio.get_running_loop()
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return await loop.run_in_executor(None, pool.apply, _flood, (port, targets, count))


def _flood(port: int, targets: list[tuple[str, str]], count: int) -> Counter[int]:
    return asyncio.run(_send(port, _forgeries(port, targets, count)))


def _forgeries(port: int, targets: list[tuple[str, str]], count: int) -> Iterator[bytes]:
    """Half to names that are wrong by a little or by much, half to right ones and to the address everybody knows."""
    dice = random.Random(7)
    for number in range(count):
        name, request_id = targets[number % len(targets)]
        amount = dice.choice((10.0, 10.0, 1.0, 1000.0))
        body = body_for(request_id, f"F{number:09d}", amount=amount)
        paths = (
            f"/cb/{dice.randbytes(32).hex()}",
            f"/cb/{name[:-1]}{'0' if name[-1] != '0' else '1'}",
            f"/cb/{name}",
            "/api/webhooks/mpesa",
        )
        yield post(port, paths[number // len(targets) % 4], body, headers=FORWARDED)


async def _send(port: int, requests: Iterator[bytes]) -> Counter[int]:
    answers: Counter[int] = Counter()
    await asyncio.gather(*(_client(port, requests, answers) for _ in range(CONNECTIONS)))
    return answers


async def _client(port: int, requests: Iterator[bytes], answers: Counter[int]) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=(FORGER, 0))
    try:
        for request in requests:
            writer.write(request)
            status = await read_status(reader)
            answers[status] += 1
    finally:
        writer.close()
