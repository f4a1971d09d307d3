"""Each metric against rows we know, and who may read them."""

import re
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from portal import alerts, health, job_runs, limits, meters
from portal.clock import Clock
from portal.config import Settings
from portal.config_watching import Watching
from portal.db import DB, atomic
from portal.meters import Histogram
from portal.metrics import Metrics
from portal.metrics.exposition import Family, Kind, render
from portal.metrics.flow import Flow
from portal.spool import Spool, frame
from portal.states import E, move
from portal.vault import Vault
from tests import factories
from tests.apps import app_for

TOKEN = "a" * 40
LINE = re.compile(r'^[a-z_]+(\{[a-z_]+="[^"\n]*"(,[a-z_]+="[^"\n]*")*\})? -?[0-9.e+-]+$')


@pytest.fixture
def metrics(db: str, settings: Settings) -> Metrics:
    return Metrics(Spool(settings.spool_dir))


def sample(text: str, name: str) -> float | None:
    """The value of a sample, by its whole name with labels."""
    for line in text.splitlines():
        if line.startswith(name + " "):
            return float(line.rpartition(" ")[2])
    return None


async def read_twice(flow: Flow) -> Flow:
    await flow.read()
    await flow.read()
    return flow


async def test_the_format_is_prometheus_own(metrics: Metrics, vault: Vault) -> None:
    await factories.router(vault, await factories.merchant())
    text = await metrics.text()
    named: set[str] = set()
    for line in text.splitlines():
        if line.startswith("# TYPE "):
            _, _, name, kind = line.split(" ")
            assert name not in named, "each metric once"
            assert kind in ("counter", "gauge", "histogram")
            assert kind != "counter" or name.endswith("_total")
            named.add(name)
        elif not line.startswith("# HELP "):
            assert LINE.match(line), line
            base = line.split("{")[0].split(" ")[0]
            assert base in named or re.sub(r"_(bucket|sum|count)$", "", base) in named
    assert sample(text, "metrics_unanswered") == 0
    assert sample(text, "database_up") == 1


def test_histograms_add_up_and_labels_are_escaped() -> None:
    histogram = Histogram(ends=(0.1, 1.0))
    histogram.add_all([0.05, 0.1, 0.5, 7.0])
    text = render(Family("wait_seconds", Kind.HISTOGRAM, "how\nlong", ("who",)), {('a"b\n',): histogram})
    assert text.splitlines() == [
        "# HELP wait_seconds how\\nlong",
        "# TYPE wait_seconds histogram",
        'wait_seconds_bucket{who="a\\"b\\n",le="0.1"} 2',
        'wait_seconds_bucket{who="a\\"b\\n",le="1"} 3',
        'wait_seconds_bucket{who="a\\"b\\n",le="+Inf"} 4',
        'wait_seconds_sum{who="a\\"b\\n"} 7.65',
        'wait_seconds_count{who="a\\"b\\n"} 4',
    ]


async def test_how_things_stand(metrics: Metrics, vault: Vault, settings: Settings) -> None:
    merchant = await factories.merchant("Secret Name Ltd")
    router = await factories.router(vault, merchant)
    package = await factories.package(merchant)
    await DB.fetch("UPDATE routers SET status = 'online', reconciled_at = clock_timestamp() - interval '20 s'")
    for status in ("in_use", "in_use", "paid"):
        await factories.voucher(vault, merchant, package, status=status)
    await factories.payment(merchant, status="unknown")
    await DB.fetch("UPDATE payments SET created_at = clock_timestamp() - interval '90 s'")
    async with atomic() as tx:
        await alerts.begin(tx, "invariant", "I2 a posting that does not balance", now=datetime.now(UTC))
        await tx.execute(
            """INSERT INTO drift_looks (merchant_id, router_id, asked_by, error, done_at, after)
               VALUES ($1, $2, 'test', '', now(), '[{"kind": "free"}, {"kind": "free"}]')""",
            merchant,
            router.id,
        )
    await health.beat("one", began=datetime.now(UTC))
    await job_runs.know(["backup", "refunds"])
    await job_runs.pause("refunds", "user:7")
    await DB.fetch("UPDATE job_places SET last_done_at = clock_timestamp() - interval '1 hour' WHERE job = 'backup'")
    await job_runs.request("backup", datetime.now(UTC))
    await DB.fetch("UPDATE job_runs SET asked_at = clock_timestamp() - interval '40 s'")
    await DB.fetch("INSERT INTO job_runs (job, slot, status, ended_at) VALUES ('payouts', now(), 'dead', now())")
    Spool(settings.spool_dir).append([b"x" * 100])

    text = await metrics.text()
    exact = {
        "vouchers_active": 2, 'router_state{state="online"}': 1, "jobs_dead": 1, "jobs_paused": 1, "workers_alive": 1,
        "scheduler_leader": 1, "ledger_imbalance_cents": 0, 'router_drift_objects{kind="free"}': 2,
        'invariant_violations{name="I2 a posting that does not balance"}': 1, "payments_callback_waiting": 0,
        'router_sync_lag_seconds_bucket{le="10"}': 0, 'router_sync_lag_seconds_bucket{le="30"}': 1,
        "payments_callback_spool_depth": len(frame(b"x" * 100)),
    }  # fmt: skip
    assert {name: sample(text, name) for name in exact} == exact
    for name, at_least in (("payments_unknown_oldest_seconds", 90), ("backup_age_seconds", 3600),
                           ('jobs_due_oldest_seconds{kind="backup"}', 40)):  # fmt: skip
        value = sample(text, name)
        assert value is not None
        assert at_least <= value < at_least + 60
    assert "Secret" not in text, "no tenant in any label"


async def test_an_imbalance_shows(metrics: Metrics) -> None:
    merchant = await factories.merchant()
    async with DB.opened.acquire() as connection, connection.transaction():
        await connection.execute("SET LOCAL session_replication_role = replica")
        await connection.execute("INSERT INTO ledger_postings (merchant_id, kind) VALUES ($1, 'sale')", merchant)
        await connection.execute(
            "INSERT INTO ledger_entries (posting_id, account, amount_cents) VALUES (1, 'cash', 700)"
        )
    assert sample(await metrics.text(), "ledger_imbalance_cents") == 700


async def test_what_a_later_run_made_good_is_dead_no_more(metrics: Metrics) -> None:
    await job_runs.know(["payouts"])
    await DB.fetch("INSERT INTO job_runs (job, slot, status, ended_at) VALUES ('payouts', now(), 'dead', now())")
    await DB.fetch("UPDATE job_places SET last_done_at = clock_timestamp()")
    assert sample(await metrics.text(), "jobs_dead") == 0


async def test_payments_and_prompts_are_counted_as_they_move(db: str) -> None:
    merchant = await factories.merchant()
    before = await factories.payment(merchant, status="created")
    flow = await read_twice(Flow())
    payment = await factories.payment(merchant, status="created")
    now = datetime.now(UTC)
    async with atomic() as tx:
        for event in (E.SUBMIT, E.ACCEPT):
            assert await move(tx, "payments", payment, event, at=now)
        assert await move(tx, "payments", payment, E.PAY, at=now, paid_at=now)
        assert await move(tx, "payments", before, E.SUBMIT, at=now)
        assert await move(tx, "payments", before, E.LOSE, at=now)
    await read_twice(flow)
    assert flow.intents == {
        ("created",): 1, ("submitting",): 2, ("pending",): 1, ("paid",): 1, ("unknown",): 1,
    }  # fmt: skip
    assert flow.pushes == {("accept",): 1, ("lose",): 1}
    await read_twice(flow)
    assert flow.intents[("paid",)] == 1, "once"


async def test_paid_to_online_and_lateness_of_ends_are_measured(db: str, vault: Vault) -> None:
    merchant = await factories.merchant()
    router, package = await factories.router(vault, merchant), await factories.package(merchant)
    flow = await read_twice(Flow())
    paid_at = datetime.now(UTC) - timedelta(hours=2)
    bought = await factories.voucher(vault, merchant, package, paid_at=paid_at)
    typed = await factories.voucher(vault, merchant, package, paid_at=paid_at)
    checkout = await factories.checkout(router, package)
    await DB.fetch("UPDATE checkouts SET voucher_id = $2 WHERE id = $1", checkout, bought)
    grant = await factories.grant(vault, merchant, router.id, bought, status="present")
    ends = paid_at + timedelta(hours=1)
    async with atomic() as tx:
        for voucher in (bought, typed):
            at = paid_at + timedelta(seconds=4)
            assert await move(tx, "vouchers", voucher, E.START, at=at, started_at=at, expires_at=ends)
        assert await move(tx, "vouchers", bought, E.EXPIRE, at=ends, ended_at=ends, ended_why="usage")
        assert await move(tx, "access_grants", grant, E.END, at=ends)
        assert await move(tx, "access_grants", grant, E.LEAVE, at=ends + timedelta(seconds=2))
    await read_twice(flow)
    assert (flow.to_online.total, flow.to_online.sum) == (1, pytest.approx(4.0))
    assert (flow.lateness.total, flow.lateness.sum) == (1, pytest.approx(2.0))


async def test_callbacks_are_counted_by_outcome_and_source(db: str) -> None:
    payment = await factories.payment(await factories.merchant())
    flow = await read_twice(Flow())
    for number, (outcome, is_trusted) in enumerate((("settled", True), ("settled", False), (None, True))):
        await DB.fetch(
            """INSERT INTO callbacks (payment_id, named_id, body, body_hash, is_trusted, received_at, handled_at, outcome)
               VALUES ($1, $1, '', $2, $3, now() - interval '3 s', CASE WHEN $4::varchar IS NULL THEN NULL ELSE now() END, $4)""",
            payment,
            bytes([number]),
            is_trusted,
            outcome,
        )
    await read_twice(flow)
    assert flow.callbacks == {("settled", "yes"): 1, ("settled", "no"): 1, ("waiting", "yes"): 1}
    assert (flow.settle.total, flow.settle.sum) == (2, pytest.approx(6.0))


async def test_messages_are_counted_by_what_became_of_them(db: str) -> None:
    flow = await read_twice(Flow())
    for became in ("sending", "sent", "failed", "sent"):
        await DB.fetch(
            "INSERT INTO events (entity, entity_id, name, became, at) VALUES ('messages', 1, 'any', $1, now())", became
        )
    await read_twice(flow)
    assert flow.messages == {("sent",): 2, ("failed",): 1}


async def test_runs_are_counted_by_job_and_outcome_once(db: str) -> None:
    flow = Flow()
    await flow.read()
    flow._runs_until = datetime.now(UTC) - timedelta(minutes=5)  # pyright: ignore[reportPrivateUsage]
    for number, (status, covered) in enumerate((("done", None), ("done", 1), ("dead", None))):
        await DB.fetch(
            """INSERT INTO job_runs (job, slot, status, covered_by, ended_at)
               VALUES ('refunds', now() + make_interval(mins => $1), $2, $3, now() - interval '1 minute')""",
            number,
            status,
            covered,
        )
    for _ in range(2):
        await flow.read()
    assert flow.runs == {("refunds", "done"): 1, ("refunds", "covered"): 1, ("refunds", "dead"): 1}


async def test_tries_a_limit_refused_are_counted_by_rule(db: str) -> None:
    before = meters.blocked[("knock",)]
    for _ in range(5):
        await limits.hit("knock:7:AA:BB:CC:DD:EE:FF", limit=3, window_s=60, now=datetime.now(UTC))
    assert meters.blocked[("knock",)] == before + 2


@pytest.fixture
async def watched(db: str, settings: Settings, clock: Clock) -> AsyncIterator[httpx.AsyncClient]:
    app = app_for(replace(settings, watching=Watching(metrics_token=TOKEN)), clock)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url=settings.base_url) as client:  # pyright: ignore[reportArgumentType]
        yield client


async def test_only_the_token_opens_metrics(watched: httpx.AsyncClient) -> None:
    for given in ({}, {"authorization": "Bearer wrong"}, {"authorization": f"Basic {TOKEN}"}):
        answer = await watched.get("/metrics", headers=given)
        assert answer.status_code == 401
        assert "vouchers_active" not in answer.text
    answer = await watched.get("/metrics", headers={"authorization": f"Bearer {TOKEN}"})
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert "vouchers_active 0" in answer.text


async def test_without_a_token_there_are_no_metrics(db: str, settings: Settings, clock: Clock) -> None:
    app = app_for(settings, clock)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url=settings.base_url) as client:  # pyright: ignore[reportArgumentType]
        answer = await client.get("/metrics", headers={"authorization": "Bearer "})
    assert answer.status_code == 404
    assert "vouchers_active" not in answer.text


async def test_answers_are_timed_by_route_and_not_by_address(watched: httpx.AsyncClient) -> None:
    token = "0123456789abcdef" * 4
    await watched.get(f"/w/{token}")
    await watched.get("/healthz")
    text = (await watched.get("/metrics", headers={"authorization": f"Bearer {TOKEN}"})).text
    assert (sample(text, 'http_request_seconds_count{route="/healthz"}') or 0) >= 1
    assert token not in text


async def test_without_a_database_what_is_known_is_told(metrics: Metrics) -> None:
    pool, DB.pool = DB.pool, None
    try:
        text = await metrics.text()
    finally:
        DB.pool = pool
    assert sample(text, "database_up") == 0
    assert sample(text, "payments_callback_spool_depth") == 0
    assert (sample(text, "metrics_unanswered") or 0) > 10
