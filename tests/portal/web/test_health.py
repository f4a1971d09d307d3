"""What watches us can tell a dead process from a dead database."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from jobs.schedule import JOBS
from portal import alerts, health, invariants, job_runs
from portal.db import DB, atomic


async def test_alive_and_ready(client: httpx.AsyncClient) -> None:
    await health.beat("this one", began=datetime.now(UTC))
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
    assert (answer.status_code, answer.text) == (
        200,
        "ok\nno worker has been seen\nbroken: I2 a posting that does not balance\n",
    )


async def test_not_ready_while_every_worker_is_silent(client: httpx.AsyncClient) -> None:
    for name in ("one", "two"):
        await health.beat(name, began=datetime.now(UTC))
    await DB.fetch("UPDATE job_workers SET beat_at = beat_at - interval '40 s' WHERE name = 'one'")
    assert (await client.get("/readyz")).status_code == 200, "the other lives"
    await DB.fetch("UPDATE job_workers SET beat_at = beat_at - interval '40 s' WHERE name = 'two'")
    answer = await client.get("/readyz")
    assert answer.status_code == 503
    assert answer.text.startswith("no worker has given a sign of life for 4")
    assert (await client.get("/healthz")).status_code == 200


async def _cron_health(client: httpx.AsyncClient) -> tuple[int, dict[str, Any]]:
    answer = await client.get("/api/cron/health")
    assert answer.headers["content-type"].startswith("application/json")
    return answer.status_code, answer.json()


async def test_jobs_are_well_when_a_worker_lives_and_none_is_silent(client: httpx.AsyncClient) -> None:
    await health.beat("this one", began=datetime.now(UTC))
    await job_runs.know(list(JOBS))
    status, said = await _cron_health(client)
    assert (status, said["status"], said["issues"], said["workers"]) == (200, "healthy", [], 1)


@pytest.mark.parametrize(
    "job", ["bill-subscribers", "backup", "send-messages", "expire-vouchers", "reconcile-payments"]
)
async def test_a_house_without_bills_backups_or_messages_is_unwell(client: httpx.AsyncClient, job: str) -> None:
    await health.beat("this one", began=datetime.now(UTC))
    await job_runs.know(list(JOBS))
    await DB.fetch("UPDATE job_places SET known_at = known_at - interval '2 days' WHERE job = $1", job)
    status, said = await _cron_health(client)
    assert (status, said["status"], [issue["job"] for issue in said["issues"]]) == (503, "unhealthy", [job])


async def test_a_critical_job_that_is_silent_is_named_and_unwell(client: httpx.AsyncClient) -> None:
    await health.beat("this one", began=datetime.now(UTC))
    await job_runs.know(list(JOBS))
    critical = next(job for job in JOBS.values() if job.is_critical)
    await DB.fetch("UPDATE job_places SET known_at = known_at - make_interval(secs => $2) WHERE job = $1",
                   critical.name, critical.overdue_s + 10)  # fmt: skip
    status, said = await _cron_health(client)
    assert (status, said["status"]) == (503, "unhealthy")
    assert [(issue["kind"], issue["job"], issue["is_critical"]) for issue in said["issues"]] == [
        ("overdue", critical.name, True)
    ]
    assert await job_runs.pause(critical.name, "user:7")
    status, said = await _cron_health(client)
    assert (status, said["status"], said["paused"]) == (200, "healthy", [critical.name]), "paused is not overdue"


async def test_what_can_wait_is_told_and_not_unwell(client: httpx.AsyncClient) -> None:
    await health.beat("this one", began=datetime.now(UTC))
    slack = next(job for job in JOBS.values() if not job.is_critical)
    async with atomic() as tx:
        await alerts.begin(tx, job_runs.FAILED_ALERT, f"{slack.name} north", now=datetime.now(UTC))
    status, said = await _cron_health(client)
    assert (status, said["status"], said["issues"][0]["kind"]) == (200, "degraded", "failed")
    assert "north" not in json.dumps(said), "keys may name a merchant"


async def test_no_worker_is_unwell(client: httpx.AsyncClient) -> None:
    status, said = await _cron_health(client)
    assert (status, [issue["kind"] for issue in said["issues"]]) == (503, ["no_worker"])


async def test_the_last_run_of_each_job_is_told(client: httpx.AsyncClient) -> None:
    at = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
    for minute, status in ((0, "failed"), (1, "done")):
        began = at + timedelta(minutes=minute)
        await DB.fetch(
            """INSERT INTO job_runs (job, slot, status, started_at, ended_at, processed)
               VALUES ('refunds', $1, $2, $1, $1::timestamptz + interval '1.5 s', 4)""",
            began,
            status,
        )
    _, said = await _cron_health(client)
    assert [(run["job"], run["status"], run["seconds"], run["processed"]) for run in said["last_runs"]] == [
        ("refunds", "done", 1.5, 4)
    ]


async def test_silence_is_told_once_and_ends(db: str) -> None:
    expected = [health.Expected("refunds", overdue_s=60)]
    await job_runs.know(["refunds"])
    assert await health.watch(expected) == 0
    await DB.fetch("UPDATE job_places SET known_at = known_at - interval '61 s'")
    for _ in range(3):
        assert await health.watch(expected) == 1
    told = "SELECT count(*) FROM alerts WHERE kind = 'job_silent' AND subject = 'refunds'"
    assert await DB.value(told) == 1
    await DB.fetch("UPDATE job_places SET last_done_at = clock_timestamp()")
    assert await health.watch(expected) == 0
    assert await DB.value(told + " AND status = 'closed'") == 1


async def test_who_asks_for_the_health_of_jobs_without_end_is_told_to_wait(client: httpx.AsyncClient) -> None:
    await health.beat("this one", began=datetime.now(UTC))
    assert (await _cron_health(client))[0] in (200, 503)
    await DB.fetch("UPDATE limits SET hits = 60 WHERE name LIKE 'cron-health:%'")
    answer = await client.get("/api/cron/health")
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "60")


async def test_without_a_database_the_health_of_jobs_is_answered_however_often(client: httpx.AsyncClient) -> None:
    pool, DB.pool = DB.pool, None
    try:
        for _ in range(70):
            status, said = await _cron_health(client)
            assert (status, said["what"]) == (503, "the database does not answer")
    finally:
        DB.pool = pool
