"""100,000 slots, 3 clocks, 4 workers, 20 kill -9 and 4 freezes: each effect exactly once; then a day of downtime caught up."""

import asyncio
import os
import random
import signal
import sys
import tempfile
import time
from contextlib import AsyncExitStack
from pathlib import Path

from bench import house
from bench.result import Result
from bench.slot_players import START, TABLES, names, slot
from portal.db import DB, atomic

CLOCKS, WORKERS = 3, 4
DAY = 24 * 60
BAR = {"missing": 0, "doubled": 0, "unfinished_runs": 0, "catch_up_s": 300}
#: Frozen for longer than a holder's silence is borne, so that others take its work over while it still means to go on.
FROZEN_S = 11.0


class Crew:
    """Processes of ours by their part, started again when they die. Only these are ever signalled."""

    def __init__(self, dsn: str, jobs: int, slots: int, log: Path) -> None:
        self._env = os.environ | {"BENCH_DSN": dsn}
        self._jobs, self._slots, self._log = jobs, slots, log
        self._keepers: list[asyncio.Task[None]] = []
        self._frozen: set[int] = set()
        self.living: dict[int, tuple[str, asyncio.subprocess.Process]] = {}

    def keep(self, part: str, number: int) -> None:
        """Keep so many of a part alive; a clock that came to its end stays there."""
        self._keepers += [asyncio.create_task(self._keep(part)) for _ in range(number)]

    async def _keep(self, part: str) -> None:
        while True:
            with self._log.open("ab") as log:
                process = await asyncio.create_subprocess_exec(
                    sys.executable, "-m", "bench.slot_players", part, str(self._jobs), str(self._slots),
                    cwd=house.ROOT, env=self._env, stdout=log, stderr=log,
                )  # fmt: skip
            self.living[process.pid] = (part, process)
            try:
                status = await process.wait()
            finally:
                self.living.pop(process.pid, None)
                if process.returncode is None:
                    process.kill()
                    await process.wait()
            if status == 0 and part == "clock":
                return

    def signal(self, part: str, number: signal.Signals) -> int | None:
        """Signal one of a part that is not frozen, at random; its process id."""
        pids = [pid for pid, (what, _) in self.living.items() if what == part and pid not in self._frozen]
        if not pids:
            return None
        pid = random.choice(pids)
        if number == signal.SIGSTOP:
            self._frozen.add(pid)
        self.living[pid][1].send_signal(number)
        return pid

    def thaw(self, pid: int) -> None:
        """Let a frozen one go on, if it lives."""
        self._frozen.discard(pid)
        if pid in self.living:
            self.living[pid][1].send_signal(signal.SIGCONT)

    async def end(self) -> None:
        """Kill all of it."""
        for keeper in self._keepers:
            keeper.cancel()
        await asyncio.gather(*self._keepers, return_exceptions=True)
        self._keepers.clear()


async def run(quick: bool) -> Result:
    """Ask, run, kill; compare with the ledger of slots; then be down for a day."""
    jobs, slots = (20, 150) if quick else (50, 2000)
    kills, freezes = (4, 2) if quick else (20, 4)
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="vocha-bench-")))
        dsn = await stack.enter_async_context(house.database(folder / "db"))
        await _lay_out(jobs, slots + DAY)
        bare_s = await _bare(2000)
        crew = Crew(dsn, jobs, slots, folder / "log")
        stack.push_async_callback(crew.end)
        crew.keep("worker", WORKERS)
        await _until_alive(within_s=60)
        began = time.monotonic()
        crew.keep("clock", CLOCKS)
        kill = asyncio.create_task(_trouble(crew, kills=kills, freezes=freezes, slots=slots))
        took = await _until_done(jobs * slots, within_s=900) - began
        killed, frozen = await kill
        await _until_over(within_s=120)
        await crew.end()
        figures: dict[str, float | int] = {
            "slots": jobs * slots,
            "took_s": round(took, 1),
            "killed": killed,
            "frozen": frozen,
        }
        figures |= await _ledger(jobs, slots)
        # Each had been frozen, was taken for dead, and meant to go on.
        figures["fenced_off"] = (folder / "log").read_text().count("taken over by another")
        figures |= {"catch_up_s": await _day_of_downtime(dsn, jobs, slots, folder / "log2")}
    ok = all(figures[name] <= most for name, most in BAR.items()) and killed == kills
    limit = {"bare_inserts_s": round(bare_s * jobs * slots, 1)}
    return Result("slots", figures, limit, round(took / limit["bare_inserts_s"], 1), dict(BAR), ok)


async def _lay_out(jobs: int, slots: int) -> None:
    for statement in TABLES:
        await DB.fetch(statement)
    await DB.fetch("INSERT INTO bench_now VALUES ($1)", START)
    async with atomic() as tx:
        await tx.execute(
            """INSERT INTO bench_slots SELECT j, $2::timestamptz + make_interval(mins => m) FROM unnest($1::text[]) j,
               generate_series(0, $3 - 1) m""",
            names(jobs), START, slots,
        )  # fmt: skip


async def _bare(rows: int) -> float:
    """Seconds of one bare insert with a unique key, one after the other: what noting a slot costs at least."""
    await DB.fetch("CREATE TABLE bench_bare (job text, slot timestamptz, PRIMARY KEY (job, slot))")
    began = time.monotonic()
    for number in range(rows):
        await DB.fetch("INSERT INTO bench_bare VALUES ('bare', $1) ON CONFLICT DO NOTHING", slot(number))
    return (time.monotonic() - began) / rows


async def _trouble(crew: Crew, *, kills: int, freezes: int, slots: int) -> tuple[int, int]:
    """Kill and freeze, spread over the virtual time; returns how many of each were hit."""
    plan = ["kill"] * kills + ["freeze"] * freezes
    random.shuffle(plan)
    killed = frozen = 0
    thaws: list[asyncio.Task[None]] = []
    for number, deed in enumerate(plan, start=1):
        moment = slot(slots * number // (len(plan) + 2))
        while await DB.value("SELECT at FROM bench_now") < moment:  # noqa: ASYNC110  (virtual time tells nobody)
            await asyncio.sleep(0.05)
        if deed == "freeze":
            pid = crew.signal("worker", signal.SIGSTOP)
            if pid is not None:
                frozen += 1
                thaws.append(asyncio.create_task(_thaw(crew, pid)))
            continue
        part = "clock" if number % 5 == 0 else "worker"
        pid = crew.signal(part, signal.SIGKILL) or crew.signal("worker", signal.SIGKILL)
        killed += pid is not None
    await asyncio.gather(*thaws)
    return killed, frozen


async def _thaw(crew: Crew, pid: int) -> None:
    await asyncio.sleep(FROZEN_S)
    crew.thaw(pid)
    await asyncio.sleep(2)  # so that it acts, or would


async def _until_alive(*, within_s: float) -> None:
    async with asyncio.timeout(within_s):
        while await DB.value("SELECT count(*) FROM job_workers") < WORKERS:  # noqa: ASYNC110
            await asyncio.sleep(0.1)


async def _until_done(expected: int, *, within_s: float) -> float:
    """Wait until the ledger says that every slot asked for is done; returns the moment it was."""
    async with asyncio.timeout(within_s):
        while await DB.value("SELECT count(*) FROM bench_slots WHERE done_at IS NOT NULL") < expected:  # noqa: ASYNC110
            await asyncio.sleep(0.25)
    return time.monotonic()


async def _until_over(*, within_s: float) -> None:
    async with asyncio.timeout(within_s):
        while await DB.value("SELECT 1 FROM job_runs WHERE status IN ('queued', 'running', 'retry') LIMIT 1"):  # noqa: ASYNC110
            await asyncio.sleep(0.25)


async def _ledger(jobs: int, slots: int) -> dict[str, int]:
    """Effects and runs beside the slots there were."""
    row = await DB.row(
        """SELECT (SELECT count(*) FROM bench_slots s WHERE slot < $1 AND NOT EXISTS
                   (SELECT FROM bench_effects e WHERE e.job = s.job AND e.slot = s.slot)) AS missing,
                  (SELECT count(*) - count(DISTINCT (job, slot)) FROM bench_effects) AS doubled,
                  (SELECT count(*) FROM job_runs WHERE status <> 'done' AND slot < $1) AS unfinished_runs,
                  (SELECT $2 - count(*) FROM job_runs WHERE slot >= $3 AND slot < $1) AS slots_without_run,
                  (SELECT count(*) FROM job_runs WHERE attempts > 0 AND slot >= $3) AS runs_begun,
                  (SELECT count(*) FROM job_runs WHERE slot >= $3
                   AND (attempts > 1 OR attempts > 0 AND covered_by IS NOT NULL)) AS taken_over,
                  (SELECT count(*) FROM job_runs WHERE covered_by IS NOT NULL) AS covered""",
        slot(slots), jobs * slots, START,
    )  # fmt: skip
    assert row is not None
    return dict(row)


async def _day_of_downtime(dsn: str, jobs: int, slots: int, log: Path) -> float:
    """All were down for a day of virtual time: seconds until every effect of it is there, with all that starts again."""
    await DB.fetch("UPDATE bench_now SET at = $1", slot(slots + DAY - 1))
    crew = Crew(dsn, jobs, slots + DAY, log)
    began = time.monotonic()
    crew.keep("worker", WORKERS)
    crew.keep("clock", CLOCKS)
    try:
        done = await _until_done(jobs * (slots + DAY), within_s=BAR["catch_up_s"] + 60)
        await _until_over(within_s=120)
        after = await _ledger(jobs, slots + DAY)
    finally:
        await crew.end()
    return round(done - began, 1) if not after["missing"] and not after["doubled"] else 10.0**9
