"""`vocha` as a person runs it: one command, ready soon, gone at once, nothing left behind, and the database looked after."""

import asyncio
import os
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from jobs.schedule import JOBS
from portal.config import Settings
from portal.db import DB
from portal.embedded_postgres import EmbeddedPostgres
from portal.vault import Vault
from tests import factories
from tests.flows.programs import KEY, ROOT, Program, answers, free_port, until

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="these tests look into /proc")


@pytest.fixture(scope="module")
def used_folder() -> Iterator[Path]:
    """A data folder whose database was made before: what every start but the first finds."""
    with tempfile.TemporaryDirectory(prefix="vocha-up-") as folder:
        Path(folder).chmod(0o755)  # the account the database runs under must get through
        data = Path(folder) / "data"
        subprocess.run(
            [sys.executable, "-m", "portal.cli", "migrate"], cwd=ROOT, env=environment(data), check=True, timeout=60
        )
        yield data


def environment(data: Path, **more: str) -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "PORTAL_DATA_DIR": str(data), **more}


def processes_of(folder: Path) -> dict[int, str]:
    """Every process that works in the folder or names it in its command line or environment; id and command."""
    found: dict[int, str] = {}
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            command = (entry / "cmdline").read_bytes()
            traces = command + (entry / "environ").read_bytes() + os.fsencode((entry / "cwd").readlink())
        except OSError:
            continue  # ended meanwhile
        if os.fsencode(folder) in traces:
            found[int(entry.name)] = command.replace(b"\0", b" ").decode(errors="replace")
    return found


class House:
    """`vocha up` on a folder."""

    def __init__(self, data: Path, log: Path) -> None:
        self.data = data
        port = free_port()
        self.portal = f"http://127.0.0.1:{port}"
        settings = environment(data, PORTAL_PORT=str(port), PORTAL_BASE_URL=self.portal)
        self.up = Program("up", settings=settings, log=log)

    async def is_ready(self) -> None:
        await until(lambda: answers(f"{self.portal}/readyz"), "the house is ready", within=15)


@pytest.fixture
async def house(used_folder: Path, tmp_path: Path) -> AsyncIterator[House]:
    built = House(used_folder, tmp_path / "up.log")
    await built.up.start()
    await built.is_ready()
    yield built
    await built.up.stop()
    await until(lambda: is_empty(used_folder), "every process of the house is gone", within=15)


async def is_empty(folder: Path) -> bool:
    return not processes_of(folder)


async def test_it_is_alive_and_ready_and_sigterm_ends_all_of_it_within_three_seconds(house: House) -> None:
    assert await answers(f"{house.portal}/healthz")
    assert any("postgres" in command for command in processes_of(house.data).values())
    async with httpx.AsyncClient(trust_env=False) as idle:
        await idle.get(f"{house.portal}/healthz")  # a browser's connection that stays open must not hold the end up
        house.up.signal(signal.SIGTERM)
        assert await house.up.ended(within=3) == 0
    assert processes_of(house.data) == {}


async def test_kill_9_leaves_no_database_behind(house: House) -> None:
    house.up.signal(signal.SIGKILL)
    assert await house.up.ended(within=3) == -signal.SIGKILL
    await until(lambda: is_empty(house.data), "every process of the house is gone", within=5)


async def test_a_database_that_dies_comes_back_by_itself(house: House) -> None:
    database = EmbeddedPostgres(house.data / "postgres")
    died = (await database.start_async()).postmaster_pid  # attaches to the running one
    assert not database.is_owner
    os.kill(died, signal.SIGKILL)

    await asyncio.sleep(0.1)  # until the last of its processes has noticed
    await house.is_ready()
    assert (await database.start_async()).postmaster_pid != died
    assert not database.is_owner
    assert await answers(f"{house.portal}/healthz")
    house.up.signal(signal.SIGTERM)
    assert await house.up.ended(within=3) == 0


@pytest.fixture
def beside(settings: Settings) -> Callable[..., Awaitable[str]]:
    """Runs another `vocha` command on the database of the tests; returns what it printed."""
    assert settings.database_url

    async def run(*command: str) -> str:
        given = {"PORTAL_DATABASE_URL": settings.database_url or "", "PORTAL_SECRET_KEYS": KEY, "TZ": "Africa/Nairobi"}
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "portal.cli", *command, cwd=ROOT, env=environment(settings.data_dir, **given),
            stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        said, error = await process.communicate()
        assert process.returncode == 0, error.decode()
        return said.decode()

    return run


async def test_jobs_run_does_a_job_and_jobs_list_tells_of_it(
    db: str, vault: Vault, beside: Callable[..., Awaitable[str]]
) -> None:
    assert db
    listed = (await beside("jobs", "list")).splitlines()
    assert re.sub(r"\s+", " ", listed[0]) == "JOB NEXT RUN (EAT) NEXT RUN (UTC) LAST RUN (UTC) STATUS DONE FAILED"
    upcoming = re.findall(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", listed[1])
    here, there = [datetime.strptime(at, "%Y-%m-%d %H:%M:%S") for at in upcoming]
    assert here - there == timedelta(hours=3), upcoming
    assert [line.split()[0] for line in listed[1:]] == list(JOBS)
    assert all("never" in line for line in listed[1:])

    merchant = await factories.merchant()
    package = await factories.package(merchant)
    over = datetime.now(UTC) - timedelta(seconds=1)
    ended = await factories.voucher(vault, merchant, package, status="in_use", expires_at=over)
    running = await factories.voucher(vault, merchant, package, status="in_use")
    said = (await beside("jobs", "run", "expire-vouchers")).splitlines()
    assert said[0].startswith("[expire-vouchers] Starting at 20")
    assert "[expire-vouchers] COMPLETE" in said
    assert [line.split() for line in said if line[:6] in ("Proces", "Failed")] == [
        ["Processed:", "1"],
        ["Failed:", "0"],
    ]
    assert said[-1] == "expire-vouchers: 1 done, 0 failed."
    statuses = await DB.fetch("SELECT id, status FROM vouchers ORDER BY id")
    assert [tuple(row) for row in statuses] == [(ended, "expired"), (running, "in_use")]

    line = next(line for line in (await beside("jobs", "list")).splitlines() if line.startswith("expire-vouchers"))
    assert line.split()[-3:] == ["done", "1", "0"]
    assert "never" not in line
    ran = (await beside("jobs", "history", "expire-vouchers", "--status", "done", "--hours", "1")).splitlines()
    assert len(ran) == 2, ran
    assert ran[1].split()[1] == "expire-vouchers"


async def test_jobs_are_paused_and_runs_tried_again_by_hand(db: str, beside: Callable[..., Awaitable[str]]) -> None:
    assert db
    run_id = await DB.value("INSERT INTO job_runs (job, slot, status) VALUES ('refunds', now(), 'dead') RETURNING id")
    assert await beside("jobs", "pause", "refunds", "--why", "M-Pesa is away") == "refunds is paused.\n"
    assert await beside("jobs", "retry", str(run_id)) == f"Run {run_id} is tried again.\n"
    assert await DB.value("SELECT status FROM job_runs") == "queued"
    told = await DB.fetch("SELECT name, actor FROM events ORDER BY id")
    assert [tuple(row) for row in told] == [("job_paused", "cli"), ("run_retried", "cli")]
    assert await DB.value("SELECT paused_why FROM job_places WHERE job = 'refunds'") == "M-Pesa is away"


async def test_a_wrong_setting_is_told_in_one_line_without_a_traceback(tmp_path: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "portal.cli", "up", cwd=ROOT, env=environment(tmp_path, PORTAL_PORT="many"),
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    _, error = await process.communicate()
    assert process.returncode == 1
    assert b"PORTAL_PORT" in error
    assert b"Traceback" not in error
