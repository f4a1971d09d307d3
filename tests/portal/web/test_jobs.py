"""Pages of jobs: the operator sees and presses everything, a merchant reads in words what works for him, strangers nothing."""

import re
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from litestar import Litestar

from jobs.schedule import JOBS
from portal import alerts, job_runs
from portal.clock import Clock
from portal.controllers.dashboard import job_words
from portal.db import DB, atomic
from portal.states import note
from tests.portal.web.conftest import Cast, browser, form_token, sign_in
from tests.portal.web.report_rows import main
from tests.portal.web.test_routers import owner

__all__ = ["owner"]

CANARY = "<img src=x onerror=alert(1)>\"'"
LOOKS = ("/jobs/list", "/jobs/{name}", "/jobs/{name}/standing")
BUTTONS = (
    "/jobs/{name}/run",
    "/jobs/{name}/pause",
    "/jobs/{name}/resume",
    "/jobs/{name}/runs/{run_id}/{verb}",
    "/jobs/discard-over",
)
VERBS = ("retry", "discard")


async def made(
    job: str = "expire-vouchers", status: str = "done", *, at: datetime | None = None, **columns: object
) -> int:
    """A run's id, as the runner leaves it behind."""
    slot = at or datetime.now(UTC) - timedelta(seconds=20)
    began = None if status == "queued" else slot
    ended = None if status in ("queued", "running") else slot + timedelta(milliseconds=250)
    values = {
        "job": job, "slot": slot, "status": status, "asked_at": slot, "started_at": began, "ended_at": ended, "attempts": 1,
        "next_try_at": slot + timedelta(minutes=5) if status == "retry" else None, **columns,
    }  # fmt: skip
    marks = ", ".join(f"${number}" for number in range(1, len(values) + 1))
    return await DB.value(f"INSERT INTO job_runs ({', '.join(values)}) VALUES ({marks}) RETURNING id", *values.values())


@pytest.fixture
async def operator(client: httpx.AsyncClient, cast: Cast) -> httpx.AsyncClient:
    """The operator's browser, signed in."""
    await sign_in(client, cast.operator)
    return client


async def post(client: httpx.AsyncClient, path: str, **fields: str) -> httpx.Response:
    """Send a form as a page of ours does."""
    page = "/jobs/expire-vouchers"
    text = (await client.get(page)).text
    token = await form_token(client, page if 'name="_csrf"' in text else "/account")
    return await client.post(path, data={"_csrf": token, **fields})


async def events() -> list[tuple[str, str]]:
    rows = await DB.fetch("SELECT name, actor FROM events WHERE name <> 'signed_in' ORDER BY id")
    return [(row["name"], row["actor"]) for row in rows]


async def operator_id() -> int:
    return await DB.value("SELECT id FROM users WHERE is_operator")


@pytest.mark.parametrize("who", ["owner", "cashier", "rival"])
async def test_only_the_operator_finds_the_whole_and_its_buttons(app: Litestar, cast: Cast, who: str) -> None:
    run_id = await made(status="failed", error="somebody's secret trouble")
    async with browser(app) as client:
        await sign_in(client, getattr(cast, who))
        before = await DB.value("SELECT count(*) FROM events")
        for path in LOOKS:
            assert (await client.get(path.format(name="expire-vouchers"))).status_code == 404, path
        for verb in VERBS:
            for path in BUTTONS:
                answer = await post(client, path.format(name="expire-vouchers", run_id=run_id, verb=verb), why="mine")
                assert answer.status_code == 404, path
        shown = await client.get("/jobs")
        assert shown.status_code == 200
        assert "somebody" not in shown.text
        assert 'method="post"' not in main(shown)
        assert await DB.value("SELECT count(*) FROM events") == before
        assert await DB.value("SELECT array_agg(status) FROM job_runs") == ["failed"]


async def test_nobody_gets_in_without_signing_in_or_without_a_form_of_ours(
    client: httpx.AsyncClient, cast: Cast
) -> None:
    assert (await client.get("/jobs")).headers["location"].startswith("/sign-in")
    await sign_in(client, cast.operator)
    for verb in VERBS:
        for path in BUTTONS:
            answer = await client.post(path.format(name="expire-vouchers", run_id=1, verb=verb), data={"why": "x"})
            assert answer.status_code == 403, path
    assert await events() == []


async def test_the_operator_sees_every_job_and_how_it_stands(operator: httpx.AsyncClient, clock: Clock) -> None:
    now = clock.now()
    await made("expire-vouchers", processed=15)
    await made("sync-routers", processed=3, failed=2)
    await made("refunds", "dead", error="M-Pesa is away", attempts=5)
    await made("payouts", "retry", error="M-Pesa is busy", attempts=2)
    await made("daily-close", "running", progress_done=120, progress_total=500, progress_what="days")
    await job_runs.pause("doctor-routers", f"user:{await operator_id()}", why="the fibre is cut")
    await DB.fetch("INSERT INTO job_places (job, known_at) VALUES ('check-invariants', $1)", now - timedelta(days=1))
    shown = " ".join(main(await operator.get("/jobs")).split())
    parts = shown.split('id="job-list"')[1].split("</section>")[0].split("<li>")[1:]
    assert len(parts) == len(JOBS)
    lines = dict(zip(JOBS, parts, strict=True))
    for name, words in {
        "expire-vouchers": ["Works", "15 done", "p95</abbr> 250 ms", "ago", "next "],
        "sync-routers": ["Works, with errors", "3 done, 2 failed"],
        "refunds": ["Given up", "1 failed"],
        "payouts": ["Tries again"],
        "daily-close": ["Running", 'value="24"', "120 of 500", "days"],
        "doctor-routers": ["Paused", "paused by Olive M.: the fibre is cut"],
        "check-invariants": ["Overdue"],
        "credit-outages": ["Not run yet"],
    }.items():
        for word in words:
            assert word in lines[name], (name, word, lines[name])
    assert "every 2s" in shown, "something runs, so the list asks for itself"
    troubled = shown.split('id="troubles"')[1].split("</section>")[0]
    assert "M-Pesa is away" in troubled
    assert "M-Pesa is busy" in troubled
    assert "next try" in troubled
    assert shown.count('role="img"') == len(JOBS), "one picture of slots for each job"


async def test_the_list_asks_for_itself_only_while_something_runs(operator: httpx.AsyncClient) -> None:
    run_id = await made(status="running")
    for path in ("/jobs/list", "/jobs/expire-vouchers/standing"):
        assert 'hx-trigger="every' in (await operator.get(path)).text
    await DB.fetch("UPDATE job_runs SET status = 'done', ended_at = now() WHERE id = $1", run_id)
    for path in ("/jobs/list", "/jobs/expire-vouchers/standing"):
        assert "hx-trigger" not in (await operator.get(path)).text


async def test_the_picture_says_in_words_what_it_shows(operator: httpx.AsyncClient, clock: Clock) -> None:
    hour = clock.now().replace(minute=0, second=0, microsecond=0)
    for hours, status in ((1, "done"), (2, "done"), (3, "failed"), (30, "failed")):
        await made(at=hour - timedelta(hours=hours), status=status)
    await made("refunds", at=hour - timedelta(hours=1))
    shown = (await operator.get("/jobs")).text
    assert "Ending access: failed in 1 of 3 hours" in shown
    assert "Sending refunds: all well in 1 of 1 hours" in shown
    assert "Sending payouts: no runs" in shown
    strip = shown.split("Ending access: failed in 1 of 3 hours")[1].split("</svg>")[0]
    assert re.findall(r'class="(\w+)"', strip) == ["none"] * 20 + ["bad", "ok", "ok", "none"]


async def test_run_now_asks_once_and_writes_who(operator: httpx.AsyncClient, cast: Cast, app: Litestar) -> None:
    answer = await post(operator, "/jobs/expire-vouchers/run")
    assert (answer.status_code, answer.headers["location"]) == (303, "/jobs/expire-vouchers")
    row = await DB.row("SELECT job, source, status, requested_by FROM job_runs")
    by = f"user:{await operator_id()}"
    assert tuple(row or ()) == ("expire-vouchers", "hand", "queued", by)
    assert await events() == [("run_requested", by)]
    shown = main(await operator.get("/jobs/expire-vouchers"))
    assert "by hand" in shown
    assert "Olive M." in shown
    assert "Waiting" in shown
    assert (await post(operator, "/jobs/make-coffee/run")).status_code == 404


async def test_pausing_needs_a_reason_and_resuming_makes_up_for_what_was_missed(operator: httpx.AsyncClient) -> None:
    empty = await post(operator, "/jobs/expire-vouchers/pause", why="  ")
    assert empty.status_code == 422
    assert "Write a reason" in empty.text
    assert "<title>Error:" in empty.text
    assert (await post(operator, "/jobs/expire-vouchers/pause", why=CANARY)).status_code == 303
    await DB.fetch("UPDATE job_places SET first_seen_at = '2026-01-01'")
    shown = await operator.get("/jobs/expire-vouchers")
    assert "by Olive M." in main(shown)
    assert "<img" not in shown.text
    assert (await post(operator, "/jobs/expire-vouchers/resume")).status_code == 303
    assert [row["source"] for row in await DB.fetch("SELECT source FROM job_runs")] == ["start"]
    assert [name for name, _ in await events()] == ["job_paused", "job_resumed"]
    assert (await post(operator, "/jobs/expire-vouchers/resume")).status_code == 303
    assert await DB.value("SELECT count(*) FROM job_runs") == 1


async def test_failed_runs_are_tried_again_or_discarded_by_name(operator: httpx.AsyncClient) -> None:
    first, second = (
        await made(status="dead", error=CANARY),
        await made(status="failed", at=datetime(2026, 1, 1, tzinfo=UTC)),
    )
    shown = (await operator.get("/jobs")).text
    assert "<img" not in shown
    assert f"/jobs/expire-vouchers/runs/{first}/retry" in shown
    assert (await post(operator, f"/jobs/expire-vouchers/runs/{first}/retry")).status_code == 303
    assert (await post(operator, f"/jobs/expire-vouchers/runs/{second}/discard")).status_code == 303
    statuses = await DB.fetch("SELECT status FROM job_runs ORDER BY id")
    assert [row["status"] for row in statuses] == ["queued", "discarded"]
    by = f"user:{await operator_id()}"
    assert await events() == [("run_retried", by), ("run_discarded", by)]
    again = await post(operator, f"/jobs/expire-vouchers/runs/{first}/retry")
    assert again.status_code == 409
    assert "goes on or has ended" in again.text
    for path in (f"/jobs/refunds/runs/{first}/retry", f"/jobs/expire-vouchers/runs/{first}/erase"):
        assert (await post(operator, path)).status_code == 404, path


async def test_a_failure_that_is_over_says_so(operator: httpx.AsyncClient, clock: Clock) -> None:
    await made(status="failed", error="deadlock", at=clock.now() - timedelta(hours=2))
    assert "It has run well since." not in (await operator.get("/jobs")).text
    still = await made("refunds", "dead", error="M-Pesa is away")
    await DB.fetch("INSERT INTO job_places (job, known_at, last_done_at) VALUES ('expire-vouchers', now(), now())")
    assert "It has run well since." in (await operator.get("/jobs")).text
    assert (await post(operator, "/jobs/discard-over")).status_code == 303
    assert [row["id"] for row in await DB.fetch("SELECT id FROM job_runs WHERE status <> 'discarded'")] == [still]
    shown = (await operator.get("/jobs")).text
    assert "M-Pesa is away" in shown
    assert "discard-over" not in shown


async def test_history_goes_on_by_pages_without_gaps_or_doubles(operator: httpx.AsyncClient, clock: Clock) -> None:
    ids = [await made(at=clock.now() - timedelta(hours=each)) for each in range(120, 0, -1)]
    await made("refunds", "failed")
    path, seen = "/jobs/expire-vouchers", list[str]()
    for _ in range(3):
        shown = (await operator.get(path)).text
        seen += re.findall(r'<b class="num">([^<]+)</b> <small>by the clock', shown)
        older = re.search(r'href="([^"]+)" rel="next"', shown)
        path = older[1] if older else ""
    assert path == ""
    assert len(seen) == len(ids)
    assert len(set(seen)) == len(ids)
    assert "No runs here" in (await operator.get("/jobs/expire-vouchers?only=hand")).text
    assert "No runs here" in (await operator.get("/jobs/expire-vouchers?only=troubled")).text
    assert (await operator.get("/jobs/expire-vouchers?only=nonsense")).status_code == 400


async def test_how_long_runs_took_is_charted_with_words(operator: httpx.AsyncClient, clock: Clock) -> None:
    for each in range(5):
        at = clock.now() - timedelta(hours=each + 1)
        run_id = await made(at=at)
        await DB.fetch("UPDATE job_runs SET ended_at = $2 WHERE id = $1", run_id, at + timedelta(seconds=each))
    shown = (await operator.get("/jobs/expire-vouchers")).text
    assert "How long the last 5 runs took: 4 s at most" in shown


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.0, "0 ms"),
        (0.25, "250 ms"),
        (1, "1 s"),
        (3.21, "3.2 s"),
        (59.94, "59.9 s"),
        (125, "2 min 5 s"),
        (3840, "1 h 4 min"),
        (7200, "2 h"),
        (90_000, "1 d 1 h"),
    ],
)
def test_times_are_told_in_units_that_need_no_words(seconds: float, words: str) -> None:
    assert job_words.took(seconds) == words


async def test_a_merchant_reads_what_works_for_him_and_what_it_did_to_his_own(
    owner: httpx.AsyncClient, cast: Cast, clock: Clock
) -> None:
    now = clock.now()
    await DB.fetch(
        "INSERT INTO job_places (job, known_at, last_done_at) VALUES ('expire-vouchers', $1, $1)",
        now - timedelta(seconds=20),
    )
    async with atomic() as tx:
        for merchant_id, count in ((cast.merchant_id, 3), (cast.rival_id, 5)):
            for each in range(count):
                await note(
                    tx, "vouchers", each + 1, "expire", merchant_id=merchant_id, at=now, actor="job:expire-vouchers"
                )
        await note(
            tx,
            "vouchers",
            9,
            "expire",
            merchant_id=cast.merchant_id,
            at=now - timedelta(days=2),
            actor="job:expire-vouchers",
        )
    shown = " ".join(main(await owner.get("/jobs")).split())
    assert re.search(r"Ran 2\d s ago\.", shown)
    assert "3 things done for you" in shown
    assert "Works" in shown
    assert "refresh-tokens" not in shown
    assert "Checking the books" not in shown


@pytest.mark.parametrize("path", ["/operator", "/jobs"])
async def test_an_operator_meets_open_alerts_with_the_next_step(operator: httpx.AsyncClient, path: str) -> None:
    assert "Needs a look" not in (await operator.get(path)).text
    async with atomic() as tx:
        for job in ("refunds", "payouts"):
            await alerts.begin(tx, "job_failed", job, now=datetime.now(UTC))
        await alerts.begin(tx, "unheard_of", "row 7", now=datetime.now(UTC))
    shown = " ".join((await operator.get(path)).text.split())
    assert "A job failed: refunds, payouts (2)" in shown
    assert "try it again or discard it" in shown
    assert "Something needs a look: row 7" in shown
    async with atomic() as tx:
        for kind, subject in (("job_failed", "refunds"), ("job_failed", "payouts"), ("unheard_of", "row 7")):
            await alerts.end(tx, kind, subject, now=datetime.now(UTC))
    assert "Needs a look" not in (await operator.get(path)).text


async def test_a_merchant_meets_his_own_alerts_and_nobody_elses(owner: httpx.AsyncClient, cast: Cast) -> None:
    async with atomic() as tx:
        await alerts.begin(tx, "job_failed", "refunds", now=datetime.now(UTC))
        await alerts.begin(tx, "sms_cap", "theirs", now=datetime.now(UTC), merchant_id=cast.rival_id)
    for path in ("/home", "/jobs"):
        assert "Needs a look" not in (await owner.get(path)).text
    async with atomic() as tx:
        await alerts.begin(tx, "sms_cap", "ours", now=datetime.now(UTC), merchant_id=cast.merchant_id)
        for number in range(4):
            known = {"router": f"Kiosk {number}"}
            await alerts.begin(
                tx, "router_away", f"router:{number}", now=datetime.now(UTC), merchant_id=cast.merchant_id, data=known
            )
    for path in ("/home", "/jobs"):
        shown = (await owner.get(path)).text
        assert "limit of messages is reached" in shown, path
        assert "router:" not in shown, path
        # The first page tells of routers away by itself.
        assert ("A router does not answer: Kiosk 0, Kiosk 1, Kiosk 2 (4)" in shown) == (path == "/jobs"), path


def test_every_job_has_words() -> None:
    assert set(JOBS) <= set(job_words.JOB_WORDS), "give new jobs words in job_words.py"
    assert set(job_words.SHOP_JOBS) <= set(job_words.JOB_WORDS)


@pytest.mark.parametrize("path", ["/jobs", "/jobs/expire-vouchers"])
async def test_the_operators_pages_speak_swahili(operator: httpx.AsyncClient, path: str) -> None:
    await made(status="failed", error="x", attempts=2)
    await made(at=datetime.now(UTC) - timedelta(hours=1))
    shown = re.sub(r"<[^>]+>", " ", main(await operator.get(f"{path}?l=sw")))
    for word in (
        "Works",
        "Failed",
        "Try again",
        "Discard",
        "History",
        "Next run",
        "ago",
        "hours",
        "tried",
        "Run now",
        "done",
    ):
        assert not re.search(rf"\b{word}\b", shown), word
