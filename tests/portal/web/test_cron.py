"""The cron door: who is let in, what a slot is, and what schedulers are told. The runs themselves: tests/jobs/test_runner*.py."""

import asyncio
import re
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import httpx
import pytest

from jobs.schedule import JOBS, latest_slot
from portal import job_runs
from portal.clock import Clock
from portal.config import Settings, SettingsError
from portal.controllers import cron
from portal.db import DB
from portal.job_runs import Source
from portal.patience import LOST_DATABASE
from tests.apps import app_for
from tests.portal.web.conftest import browser

SECRET = "0123456789abcdef" * 2
GOOD = {"authorization": f"Bearer {SECRET}"}
DOOR = "/api/cron/expire-vouchers"


@asynccontextmanager
async def door(settings: Settings, clock: Clock, **changes: Any) -> AsyncGenerator[httpx.AsyncClient]:
    """A scheduler's connection to a house whose door is open."""
    app = app_for(replace(settings, **{"cron_secret": SECRET, **changes}), clock)
    async with browser(app) as client:
        yield client


@pytest.fixture
async def scheduler(db: str, settings: Settings, clock: Clock) -> AsyncIterator[httpx.AsyncClient]:
    assert db
    async with door(settings, clock) as client:
        yield client


async def runs() -> int:
    return await DB.value("SELECT count(*) FROM job_runs")


def problem(answer: httpx.Response, status: int, title: str) -> dict[str, Any]:
    """The answer is a refusal of this kind, as RFC 9457 has it."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"].startswith("application/problem+json")
    assert answer.headers["cache-control"] == "no-store"
    body = answer.json()
    assert (body["status"], body["title"]) == (status, title)
    assert body["detail"]
    return body


@pytest.mark.parametrize("method", ["POST", "GET"])
async def test_the_secret_asks_for_the_latest_slot_and_is_told_where_to_look(
    scheduler: httpx.AsyncClient, clock: Clock, method: str
) -> None:
    answer = await scheduler.request(method, DOOR, headers=GOOD)
    assert answer.status_code == 202
    told = answer.json()
    assert (told["job"], told["status"], told["is_new"]) == ("expire-vouchers", "queued", True)
    assert datetime.fromisoformat(told["slot"]) == latest_slot(JOBS["expire-vouchers"], clock.now())
    assert answer.headers["location"] == told["address"] == f"{DOOR}/runs/{told['id']}"
    looked = await scheduler.get(told["address"], headers=GOOD)
    assert looked.status_code == 200
    assert looked.json() == {name: value for name, value in told.items() if name != "is_new"}


async def test_asking_hundreds_of_times_for_a_slot_runs_it_once(
    settings: Settings, clock: Clock, monkeypatch: pytest.MonkeyPatch, db: str
) -> None:
    assert db
    monkeypatch.setattr(cron, "ASKED", (2000, 60))
    noon = Clock(datetime(2026, 11, 20, 12, 0, 30, tzinfo=UTC) - datetime.now(UTC))
    async with door(settings, noon) as client:
        for _ in range(12):
            answers = await asyncio.gather(*(client.post(DOOR, headers=GOOD) for _ in range(25)))
            assert {answer.status_code for answer in answers} == {202}
    slots = [row["slot"] for row in await DB.fetch("SELECT slot FROM job_runs")]
    assert slots == [datetime(2026, 11, 20, 12, 0, tzinfo=UTC)]
    events = await DB.fetch("SELECT name, actor, data FROM events WHERE entity = 'job_runs'")
    assert [(event["name"], event["actor"]) for event in events] == [("run_requested", "cron:127.0.0.1")]


async def test_a_slot_the_clock_asked_for_is_not_run_again(scheduler: httpx.AsyncClient, clock: Clock) -> None:
    slot = latest_slot(JOBS["daily-close"], clock.now())
    first = await job_runs.request("daily-close", slot)
    told = (await scheduler.post("/api/cron/daily-close", headers=GOOD)).json()
    assert (told["id"], told["is_new"]) == (first, False)
    assert await runs() == 1


@pytest.mark.parametrize(
    "headers",
    [
        {}, {"authorization": SECRET}, {"authorization": f"Basic {SECRET}"}, {"authorization": f"Bearer {SECRET}x"},
        {"authorization": f"Bearer {SECRET[:-1]}"}, {"authorization": "Bearer "}, {"authorization": "Bearer é"},
        {"x-cron-secret": SECRET},
    ],
)  # fmt: skip
async def test_nothing_but_the_secret_opens(scheduler: httpx.AsyncClient, headers: dict[str, str]) -> None:
    sent = [(name.encode(), value.encode()) for name, value in headers.items()]
    for answer in (await scheduler.post(DOOR, headers=sent), await scheduler.get(f"{DOOR}/runs/1", headers=sent)):
        problem(answer, 401, "Wrong secret")
        assert answer.headers["www-authenticate"].startswith("Bearer")
    assert await runs() == 0
    answer = await scheduler.post(f"{DOOR}?secret={SECRET}&authorization=Bearer%20{SECRET}")
    assert answer.status_code == 401


async def test_guessing_is_stopped_and_the_right_secret_still_opens(scheduler: httpx.AsyncClient) -> None:
    answers = [await scheduler.post(DOOR, headers={"authorization": f"Bearer {n}"}) for n in range(12)]
    assert [answer.status_code for answer in answers] == [401] * 10 + [429] * 2
    assert answers[-1].headers["retry-after"] == "60"
    problem(answers[-1], 429, "Too many wrong secrets")
    assert (await scheduler.post(DOOR, headers=GOOD)).status_code == 202


async def test_asking_without_end_is_slowed_down(scheduler: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cron, "ASKED", (3, 60))
    codes = [(await scheduler.post(DOOR, headers=GOOD)).status_code for _ in range(5)]
    assert codes == [202, 202, 202, 429, 429]


async def test_only_the_networks_named_may_knock(settings: Settings, clock: Clock, db: str) -> None:
    assert db
    async with door(settings, clock, cron_networks=(ip_network("10.1.0.0/16"),)) as client:
        problem(await client.post(DOOR, headers=GOOD), 403, "Not from this address")
        assert (await client.post(DOOR, headers=GOOD | {"x-forwarded-for": "10.1.2.3"})).status_code == 403
    proxied = (ip_network("127.0.0.0/8"),)
    async with door(settings, clock, cron_networks=(ip_network("10.1.0.0/16"),), trusted_proxies=proxied) as client:
        for address, status in (("10.1.2.3", 202), ("::ffff:10.1.2.3", 202), ("10.2.2.3", 403), ("nonsense", 403)):
            answer = await client.post(DOOR, headers=GOOD | {"x-forwarded-for": address})
            assert answer.status_code == status, address
    async with door(settings, clock, cron_networks=()) as client:
        assert (await client.post(DOOR, headers=GOOD)).status_code == 403


async def test_without_a_secret_the_door_says_how_to_open_it(settings: Settings, clock: Clock, db: str) -> None:
    assert db
    async with door(settings, clock, cron_secret=None) as client:
        for headers in ({}, GOOD, {"authorization": "Bearer "}, {"authorization": "Bearer None"}):
            told = problem(await client.post(DOOR, headers=headers), 403, "The cron door is closed")
            assert "PORTAL_CRON_SECRET" in told["detail"]


@pytest.mark.parametrize("secret", ["x" * 31, "short", "é" * 40])
def test_a_short_secret_stops_the_start_in_words(secret: str) -> None:
    with pytest.raises(SettingsError) as stopped:
        Settings.from_env({"PORTAL_CRON_SECRET": secret})
    assert "PORTAL_CRON_SECRET: write 32 characters or more" in str(stopped.value)
    assert secret not in str(stopped.value)


def test_networks_that_are_none_stop_the_start_in_words() -> None:
    with pytest.raises(SettingsError, match=r"PORTAL_CRON_NETWORKS: write addresses or ranges"):
        Settings.from_env({"PORTAL_CRON_SECRET": SECRET, "PORTAL_CRON_NETWORKS": "everywhere"})


async def test_an_unknown_job_is_told_with_the_names_there_are(scheduler: httpx.AsyncClient) -> None:
    told = problem(await scheduler.post("/api/cron/make-coffee", headers=GOOD), 404, "No such job")
    assert told["jobs"] == list(JOBS)
    assert "daily-maintenance" in told["aliases"]
    problem(await scheduler.get(f"{DOOR}/runs/1", headers=GOOD), 404, "No such run")
    problem(await scheduler.get(f"{DOOR}/runs/0", headers=GOOD), 400, "Bad Request")
    assert (await scheduler.put(DOOR, headers=GOOD)).status_code == 405


async def test_an_alias_asks_for_all_it_stands_for(scheduler: httpx.AsyncClient) -> None:
    answer = await scheduler.post("/api/cron/expire-and-sync", headers=GOOD)
    assert answer.status_code == 202
    assert [told["job"] for told in answer.json()["asked"]] == ["expire-vouchers", "sync-routers"]
    assert "location" not in answer.headers


def test_every_alias_stands_for_some_job_and_none_hides_one() -> None:
    for alias, named in cron.ALIASES.items():
        assert alias not in JOBS
        assert named, alias


def test_the_handbook_lists_every_alias_with_what_it_asks_for() -> None:
    text = (Path(__file__).parents[3] / "docs" / "jobs.md").read_text()
    listed = {
        alias: tuple(re.findall(r"`([a-z-]+)`", named))
        for alias, named in re.findall(r"^\| `([a-z-]+)` \| (`.*) \|$", text, re.M)
    }
    assert listed == cron.ALIASES


async def test_a_paused_job_is_said_to_be_paused(scheduler: httpx.AsyncClient) -> None:
    await job_runs.pause("expire-vouchers", "user:1", why="the router is being moved")
    told = problem(await scheduler.post(DOOR, headers=GOOD), 409, "The job is paused")
    assert "vocha jobs resume" in told["detail"]
    assert await runs() == 0


async def ends_soon(write: Callable[[int], Awaitable[object]]) -> None:
    """Play the worker: end the run as soon as it was asked for."""
    async with asyncio.timeout(10):
        while not (run_id := await DB.value("SELECT max(id) FROM job_runs")):  # noqa: ASYNC110  (a database tells nobody)
            await asyncio.sleep(0.01)
    await write(run_id)


@pytest.mark.parametrize(("status", "code"), [("done", 200), ("failed", 500), ("dead", 500)])
async def test_who_waits_is_told_the_tally(scheduler: httpx.AsyncClient, status: str, code: int) -> None:
    async def end(run_id: int) -> None:
        await DB.fetch(
            "UPDATE job_runs SET status = $2, started_at = now(), ended_at = now(), processed = 15, failed = 3 WHERE id = $1",
            run_id, status,
        )  # fmt: skip

    answer, _ = await asyncio.gather(scheduler.post(f"{DOOR}?wait=1", headers=GOOD), ends_soon(end))
    assert answer.status_code == code
    told = answer.json()
    assert (told["status"], told["processed"], told["failed"], told["is_new"]) == (status, 15, 3, True)


async def test_who_waits_too_long_is_told_where_to_look(
    scheduler: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cron, "WAIT_S", 0.0)
    answer = await scheduler.post(f"{DOOR}?wait=1", headers=GOOD)
    assert (answer.status_code, answer.json()["status"]) == (202, "queued")
    assert cron.WAIT_S < 30


async def test_without_a_database_the_door_says_so(
    scheduler: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def gone(*_args: object, **_named: object) -> object:
        raise LOST_DATABASE[1]("gone")

    monkeypatch.setattr(cron.limits, "hit", gone)
    answer = await scheduler.post(DOOR, headers=GOOD)
    problem(answer, 503, "Not now")
    assert answer.headers["retry-after"] == "30"


async def test_runs_of_other_jobs_are_not_found_under_a_job(scheduler: httpx.AsyncClient) -> None:
    run_id = await job_runs.request(
        "daily-close", datetime.now(UTC) - timedelta(hours=1), source=Source.HAND, by="user:1"
    )
    assert (await scheduler.get(f"{DOOR}/runs/{run_id}", headers=GOOD)).status_code == 404
    told = (await scheduler.get(f"/api/cron/daily-close/runs/{run_id}", headers=GOOD)).json()
    assert "user:1" not in str(told)
