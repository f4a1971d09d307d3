"""What a watcher outside hears of our jobs; and that nothing it does holds one up."""

import asyncio
import time
from datetime import UTC, datetime

import httpx
import pytest

from jobs import runner
from jobs.doors import Doors
from jobs.pings import Pings
from jobs.schedule import Job
from jobs.tally import Tally
from portal.config_watching import ping_address, ping_addresses
from portal.errors import Unavailable
from tests.jobs.test_runner import doors

__all__ = ["doors"]


class Watcher:
    """Keeps what it hears; answers with `statuses`, one after the other, then with 200."""

    def __init__(self, *statuses: int) -> None:
        self.heard: list[tuple[str, str]] = []
        self._statuses = list(statuses)
        self.http = httpx.AsyncClient(transport=httpx.MockTransport(self._answer))

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.heard.append((str(request.url), request.content.decode()))
        status = self._statuses.pop(0) if self._statuses else 200
        if status == 0:
            raise httpx.ConnectError("no way there")
        return httpx.Response(status)


async def settled(pings: Pings) -> None:
    await pings.close()


async def test_start_end_and_failure_go_to_their_addresses_with_the_reason() -> None:
    watcher = Watcher()
    pings = Pings(watcher.http, base="https://watch.test/key/", addresses={"backup": "https://other.test/1234"})
    pings.started("payouts")
    pings.ended("payouts", is_done=True)
    pings.ended("backup", is_done=False, error="Unavailable: the disk is full")
    await settled(pings)
    assert watcher.heard == [
        ("https://watch.test/key/payouts/start", ""),
        ("https://watch.test/key/payouts", ""),
        ("https://other.test/1234/fail", "Unavailable: the disk is full"),
    ]


async def test_jobs_of_every_few_seconds_are_told_of_once_a_minute_but_failures_always() -> None:
    watcher = Watcher()
    pings = Pings(watcher.http, base="https://watch.test")
    for is_done in (True, True, False, False, True, True):
        pings.ended("refunds", is_done=is_done)
    await settled(pings)
    assert [url.removeprefix("https://watch.test/refunds") for url, _ in watcher.heard] == ["", "/fail", "/fail", ""]


@pytest.mark.parametrize("statuses", [(500,), (0,), (429,)])
async def test_an_undelivered_ping_is_repeated_once(statuses: tuple[int, ...]) -> None:
    watcher = Watcher(*statuses)
    pings = Pings(watcher.http, base="https://watch.test")
    pings.started("refunds")
    await settled(pings)
    assert len(watcher.heard) == 2
    lost = Watcher(0, 0, 0, 0)
    pings = Pings(lost.http, base="https://watch.test")
    pings.started("refunds")
    await settled(pings)
    assert len(lost.heard) == 2, "and no more"


async def test_without_an_address_nobody_is_told() -> None:
    watcher = Watcher()
    pings = Pings(watcher.http, addresses={"backup": "https://other.test/1234"})
    pings.started("refunds")
    pings.ended("refunds", is_done=False)
    await settled(pings)
    assert watcher.heard == []


async def test_a_watcher_that_does_not_answer_holds_no_job_up(doors: Doors) -> None:
    async def never(_: httpx.Request) -> httpx.Response:
        await asyncio.sleep(60)
        return httpx.Response(200)

    async def work(_: Doors) -> Tally:
        raise Unavailable("later")

    pings = Pings(httpx.AsyncClient(transport=httpx.MockTransport(never)), base="https://watch.test")
    object.__setattr__(doors, "pings", pings)
    job = Job("refunds", work, {"second": "0"}, timeout_s=5, overdue_s=60, max_tries=1)
    run_id = await runner.request(job, datetime(2026, 11, 20, 9, 0, tzinfo=UTC))
    assert run_id is not None
    began = time.monotonic()
    ended = await runner.run(run_id, doors, jobs={"refunds": job})
    assert time.monotonic() - began < 4
    assert ended is not None
    assert ended.error == "Unavailable: later"


def test_addresses_are_checked_and_their_words_keep_no_secret() -> None:
    assert ping_address("https://hc-ping.com/key/") == "https://hc-ping.com/key"
    assert ping_addresses("backup=https://a.test/1, payouts = https://b.test/2") == {
        "backup": "https://a.test/1",
        "payouts": "https://b.test/2",
    }
    for wrong in ("hc-ping.com/key", "https://user@a.test/secretword", "https://a.test/1?rid=secretword"):
        with pytest.raises(ValueError, match="like https") as told:
            ping_address(wrong)
        assert "secretword" not in str(told.value)
    for wrong in ("https://a.test/1", "Backup=https://a.test/1", "backup=ftp://a.test/1"):
        with pytest.raises(ValueError, match="pairs"):
            ping_addresses(wrong)
