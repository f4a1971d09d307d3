"""What watches us can tell a dead process from a dead database."""

from datetime import UTC, datetime

import httpx

from portal import alerts, invariants
from portal.db import DB, atomic


async def test_alive_and_ready(client: httpx.AsyncClient) -> None:
    for path in ("/healthz", "/readyz"):
        answer = await client.get(path)
        assert (answer.status_code, answer.text) == (200, "ok\n")
        assert answer.headers["cache-control"] == "no-store"


async def test_alive_but_not_ready_without_a_migration(client: httpx.AsyncClient) -> None:
    stamp = await DB.value("SELECT obj_description(to_regclass('migration'))")
    await DB.fetch("COMMENT ON TABLE migration IS 'older'")
    try:
        assert (await client.get("/readyz")).status_code == 503
        assert (await client.get("/healthz")).status_code == 200
    finally:
        await DB.fetch(f"COMMENT ON TABLE migration IS '{stamp}'")


async def test_alive_but_not_ready_without_a_database(client: httpx.AsyncClient) -> None:
    pool, DB.pool = DB.pool, None
    try:
        answer = await client.get("/readyz")
        assert (answer.status_code, answer.text) == (503, "the database does not answer\n")
        assert (await client.get("/healthz")).status_code == 200
    finally:
        DB.pool = pool


async def test_a_broken_invariant_is_told_and_selling_goes_on(client: httpx.AsyncClient) -> None:
    async with atomic() as tx:
        await alerts.begin(tx, invariants.KIND, "I2 a posting that does not balance", now=datetime.now(UTC))
    answer = await client.get("/readyz")
    assert (answer.status_code, answer.text) == (200, "ok\nbroken: I2 a posting that does not balance\n")
