"""A thousand vouchers as a PDF, from rows to the sealed file: seconds, and memory of the process that draws; limit: the squares alone."""

import asyncio
import resource
import tempfile
import time
from pathlib import Path

from bench import house
from bench.result import Result
from portal.clock import Clock
from portal.db import DB
from portal.identity import Actor, Role
from portal.printing import prints, runs
from portal.printing.cards_of import wanted_of
from portal.printing.squares import square
from tests import factories
from tests.portal.printing import rows

BAR = {"seconds": 3.0, "peak_mib": 120}
_LOOK_EVERY_S = 0.005


async def run(quick: bool) -> Result:
    """Make 1,000 cards, 40 on a page; without --quick 10,000 as well, and each other paper."""
    with tempfile.TemporaryDirectory(prefix="vocha-bench-") as name:
        async with house.database(Path(name)) as dsn:
            made = await _made(Path(name), dsn, 1000, "a4-40")
            figures: dict[str, float | int] = dict(made)
            for layout in () if quick else ("a4-24", "mm80", "mm58"):
                figures[f"{layout}_seconds"] = (await _made(Path(name), dsn, 1000, layout))["seconds"]
            if not quick:
                many = await _made(Path(name), dsn, 10_000, "a4-40")
                figures |= {f"{key}_of_10000": value for key, value in many.items()}
    limit = _squares(1000)
    ok = all(made[key] <= most for key, most in BAR.items())
    return Result("pdf", figures, {"squares_s": limit}, round(made["cpu_s"] / limit, 2), BAR, ok)


async def _made(folder: Path, dsn: str, count: int, layout: str) -> dict[str, float | int]:
    """Ask for one, and have it made as the worker does. `ours_mib`: how much the worker itself grew meanwhile."""
    settings, vault, clock = house.settings(folder, dsn), house.vault(), Clock()
    merchant = await factories.merchant()
    package = await factories.package(merchant)
    user = await factories.user(f"{count}-{layout}@bench.test", merchant)
    actor = Actor(user_id=user, merchant_id=merchant, role=Role.OWNER, is_operator=False, name="B", email="")
    batch = await rows.batch(vault, merchant, package, cards=count)
    await DB.fetch("ANALYZE vouchers")
    wanted = await wanted_of(actor, batch_id=batch)
    asked = await prints.ask(actor, wanted, layout=layout, language="en", now=clock.now())
    before, watch = _rss_mib("self"), asyncio.create_task(_peak())
    began, burnt = time.perf_counter(), _cpu_s()
    if not await runs.make(asked.id, settings=settings, vault=vault, clock=clock):
        raise RuntimeError(await DB.value("SELECT error FROM prints WHERE id = $1", asked.id))
    took, burnt = time.perf_counter() - began, _cpu_s() - burnt
    watch.cancel()
    found = await prints.one(actor, asked.id)
    return {
        "seconds": round(took, 2),
        "cpu_s": round(burnt, 2),
        "peak_mib": round(await watch, 1),
        "ours_mib": round(max(0.0, _rss_mib("self") - before), 1),
        "pdf_kib": round((found.size_bytes or 0) / 1024),
    }


async def _peak() -> float:
    """The most that the process that draws held, in MiB."""
    most = 0.0
    try:
        while True:
            most = max([most, *map(_rss_mib, _drawers())])
            await asyncio.sleep(_LOOK_EVERY_S)
    except asyncio.CancelledError:
        return most


def _cpu_s() -> float:
    """Processor seconds of ours and of the processes that drew and have ended."""
    ours, theirs = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return ours.ru_utime + ours.ru_stime + theirs.ru_utime + theirs.ru_stime


def _drawers() -> list[str]:
    """The processes of ours that draw."""
    found = [child for task in Path("/proc/self/task").iterdir() for child in (task / "children").read_text().split()]
    return [child for child in found if b"portal.printing.child" in _command(child)]


def _command(pid: str) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return b""


def _rss_mib(pid: str) -> float:
    """Of a child its highest so far, of ourselves what it is now."""
    field = "VmRSS" if pid == "self" else "VmHWM"
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith(field)), 0.0)


def _squares(count: int) -> float:
    """Seconds for nothing but that many code squares."""
    square("HTTPS://WIFI.KILIMANI.CO.KE/V/7TB4XQ2", "K7QM2XWP4H")
    began = time.process_time()
    for _ in range(count):
        square("HTTPS://WIFI.KILIMANI.CO.KE/V/7TB4XQ2", "K7QM2XWP4H")
    return round(time.process_time() - began, 3)
