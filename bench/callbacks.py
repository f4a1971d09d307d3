"""Callbacks kept per second by one web process, durably, and none lost while PostgreSQL is away; limit: single-row commits."""

import asyncio
import tempfile
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench import house
from bench.posting import body_for, post, post_all, read_status
from bench.result import Result, quantile
from portal.db import DB
from portal.embedded_postgres import EmbeddedPostgres
from portal.migrations import migrate
from portal.mpesa.simulator import SANDBOX_SHORTCODE
from portal.serving import listen
from portal.terms import Terms
from tests import factories

BAR = {"per_s": 1000, "p99_ms": 50, "ratio": 0.25, "processed_within_s": 30}
PER_SECOND_AWAY = 50
ROUTERS = 40


async def run(quick: bool) -> Result:
    """Flood one web process with callbacks, then take its database away under 50 of them a second."""
    rounds, each, away_s = (2, 3000, 10) if quick else (3, 6000, 60)
    with tempfile.TemporaryDirectory(prefix="vocha-bench-") as name:
        folder = Path(name)
        floods, bare = await _capture(folder, rounds, each)
        outage = await _outage(folder, away_s)
    best = max(floods, key=lambda flood: flood.per_s)
    rate, p99, kept, limit = best.per_s, best.p99_ms, all(flood.is_kept for flood in floods), max(bare)
    ratio = rate / limit
    figures = {
        "per_s": round(rate),
        "p99_ms": round(p99, 1),
        "kept_all": int(kept),
        "away_s": away_s,
        "sent_while_away": outage.while_away,
        "answered_200": outage.accepted,
        "sent": outage.sent,
        "slowest_answer_ms": round(outage.slowest_ms),
        "processed": outage.processed,
        "processed_within_s": round(outage.processed_within_s, 1),
    }
    ok = (
        rate >= BAR["per_s"]
        and p99 <= BAR["p99_ms"]
        and ratio >= BAR["ratio"]
        and kept
        and outage.accepted == outage.sent == outage.processed
        and outage.processed_within_s <= BAR["processed_within_s"]
    )
    return Result("callbacks", figures, {"single_row_commits_per_s": round(limit)}, round(ratio, 3), dict(BAR), ok)


@dataclass
class Flood:
    """What a flood came to."""

    per_s: float
    p99_ms: float
    is_kept: bool


async def _capture(folder: Path, rounds: int, each: int) -> tuple[list[Flood], list[float]]:
    """Floods and bare commits in turns, so that both meet the same weather."""
    floods: list[Flood] = []
    bare: list[float] = []
    async with AsyncExitStack() as stack:
        dsn = await stack.enter_async_context(house.database(folder / "capture"))
        with listen("127.0.0.1", 0) as free:
            port: int = free.getsockname()[1]
        await stack.enter_async_context(house.up(folder / "web", port, dsn=dsn, command="serve"))
        merchant = await factories.merchant()
        await DB.fetch("CREATE TABLE bare (id bigserial PRIMARY KEY, hash bytea, body bytea)")
        for number in range(rounds):
            bare.append(await _bare_commits(1.5))
            tokens = await _payments(merchant, each, first=number * each)
            seconds, took = await post_all(port, tokens)
            kept = await DB.value("SELECT count(*) FROM callbacks")
            floods.append(Flood(each / seconds, quantile(took, 0.99) * 1000, kept == (number + 1) * each))
    return floods, bare


async def _payments(merchant: int, count: int, *, first: int) -> list[str]:
    """Payments that wait for their callbacks; returns the names in their addresses."""
    rows = await DB.fetch(
        """INSERT INTO payments (merchant_id, status, amount_cents, phone, account_reference, callback_token, checkout_request_id)
           SELECT $1, 'pending', 1000, '254712345678', 'B' || n, encode(sha256(n::text::bytea), 'hex'), 'ws_CO_' || n
           FROM generate_series($2::bigint, $3::bigint) AS n RETURNING callback_token""",
        merchant,
        first,
        first + count - 1,
    )
    await DB.fetch("ANALYZE payments")
    return [row["callback_token"] for row in rows]


async def _bare_commits(seconds: float) -> float:
    """Durable commits of one row a second, from as many connections as are of use: what this disk and server can do."""
    end = time.perf_counter() + seconds

    async def one(connection: Any) -> int:
        count = 0
        while time.perf_counter() < end:
            await connection.execute("INSERT INTO bare (hash, body) VALUES ($1, $2)", b"h" * 32, b"b" * 600)
            count += 1
        return count

    connections = [await DB.connect() for _ in range(8)]
    try:
        return sum(await asyncio.gather(*(one(connection) for connection in connections))) / seconds
    finally:
        for connection in connections:
            await connection.close()


@dataclass
class Outage:
    """What became of callbacks sent before, while and after the database was away."""

    sent: int = 0
    accepted: int = 0
    while_away: int = 0
    slowest_ms: float = 0.0
    processed: int = 0
    processed_within_s: float = 0.0
    under_way: set["asyncio.Task[None]"] = field(default_factory=set["asyncio.Task[None]"])


async def _outage(folder: Path, away_s: int) -> Outage:
    """50 callbacks a second to a house whose database stops for a while; each pays for a checkout of its own."""
    server = EmbeddedPostgres(folder / "outage")
    await server.start_async()
    try:
        DB.configure(server.dsn)
        await migrate()
        await DB.open(min_size=1, max_size=2)
        total = (away_s + 10) * PER_SECOND_AWAY
        tokens = await _sales(total)
        await DB.close()
        with listen("127.0.0.1", 0) as free:
            port: int = free.getsockname()[1]
        async with house.up(folder / "house", port, dsn=server.dsn):
            outage = await _through(server, port, tokens, away_s)
            await _until_processed(outage, server)
    finally:
        await DB.close()
        await server.stop_async()
    return outage


async def _sales(count: int) -> list[str]:
    """Payments with checkouts at routers that are paused: everything is sold, nothing is dialled. Fifty sales a second are not
    one router's."""
    vault = house.vault()
    merchant = await factories.merchant()
    await factories.mpesa_account(vault, shortcode=SANDBOX_SHORTCODE)
    routers = [
        (await factories.router(vault, merchant, name=f"Router {n}", status="paused")).id for n in range(ROUTERS)
    ]
    package = await factories.package(merchant)
    await DB.fetch(
        """INSERT INTO checkouts (merchant_id, router_id, package_id, token, form_key, phone, mac, ip, price_cents, commission_bp,
                                  terms)
           SELECT $1, ($2::bigint[])[n % array_length($2::bigint[], 1) + 1], $3, md5(n::text), md5('f' || n), '254712345678',
                  '02' || regexp_replace(substr(md5(n::text), 1, 10), '(..)', ':\\1', 'g'), '10.5.50.7', 1000, 2000,
                  $4::jsonb FROM generate_series(0, $5::bigint - 1) AS n""",
        merchant,
        routers,
        package,
        Terms(name="1 hour", duration_s=3600).encode(),
        count,
    )
    rows = await DB.fetch(
        """INSERT INTO payments (merchant_id, checkout_id, status, amount_cents, phone, account_reference, callback_token,
                                 checkout_request_id)
           SELECT merchant_id, id, 'pending', 1000, phone, 'B' || id, encode(sha256(id::text::bytea), 'hex'), 'ws_CO_' || id
           FROM checkouts RETURNING callback_token, checkout_request_id"""
    )
    return [f"{row['callback_token']} {row['checkout_request_id']}" for row in rows]


async def _through(server: EmbeddedPostgres, port: int, tokens: list[str], away_s: int) -> Outage:
    """Send at an even pace; the database stops after five seconds, for as long as it should."""
    outage = Outage()
    began = time.monotonic()
    stopping = asyncio.create_task(_stop_for(server, 5, away_s))
    for number, token in enumerate(tokens):
        await asyncio.sleep(max(0.0, began + number / PER_SECOND_AWAY - time.monotonic()))
        task = asyncio.create_task(_one(port, token, number, outage))
        outage.under_way.add(task)
        task.add_done_callback(outage.under_way.discard)
        outage.while_away += not server.is_running
    await stopping
    await asyncio.gather(*outage.under_way)
    return outage


async def _stop_for(server: EmbeddedPostgres, after_s: float, away_s: float) -> None:
    await asyncio.sleep(after_s)
    await server.stop_async()
    await asyncio.sleep(away_s)
    await server.start_async()


async def _one(port: int, token: str, number: int, outage: Outage) -> None:
    name, request_id = token.split()
    began = time.perf_counter()
    outage.sent += 1
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(post(port, f"/cb/{name}", body_for(request_id, f"R{number:09d}")))
        status = await read_status(reader)
    finally:
        writer.close()
    outage.accepted += status == 200
    outage.slowest_ms = max(outage.slowest_ms, (time.perf_counter() - began) * 1000)


async def _until_processed(outage: Outage, server: EmbeddedPostgres) -> None:
    """Until every callback is sold. Counted from the last one sent, which came five seconds after the database was back."""
    DB.configure(server.dsn)
    await DB.open(min_size=1, max_size=1)
    began = time.monotonic()
    while time.monotonic() < began + 120:
        outage.processed = await DB.value("SELECT count(*) FROM callbacks WHERE outcome = 'sold'")
        if outage.processed >= outage.sent:
            break
        await asyncio.sleep(0.2)
    outage.processed_within_s = time.monotonic() - began + 5
