"""Idle memory (Pss) of `vocha up` with the embedded PostgreSQL; limit: Python with an event loop and that PostgreSQL alone."""

import asyncio
import re
import sys
import tempfile
from pathlib import Path

from bench import house
from bench.result import Result
from portal.embedded_postgres import EmbeddedPostgres
from portal.serving import listen

BAR_MIB = 140
#: Idle connections to the database are closed after 8 s; what only a start needs is then long gone.
_SETTLE_S = 24.0


def own_pss_mib(pid: int) -> float:
    """Proportional set size of one process, in MiB."""
    found = re.search(r"^Pss:\s+(\d+) kB", Path(f"/proc/{pid}/smaps_rollup").read_text(), re.MULTILINE)
    if found is None:
        raise RuntimeError(f"the kernel does not tell the Pss of process {pid}")
    return int(found.group(1)) / 1024


def pss_mib(pid: int) -> float:
    """Of a process and all its descendants, whichever thread started them."""
    tasks = Path(f"/proc/{pid}/task").iterdir()
    children = [int(child) for task in tasks for child in (task / "children").read_text().split()]
    return own_pss_mib(pid) + sum(pss_mib(child) for child in children)


async def run(quick: bool) -> Result:
    """Start, let it settle, weigh it."""
    with tempfile.TemporaryDirectory(prefix="vocha-bench-") as folder:
        bare = await _bare(Path(folder) / "bare")
        with listen("127.0.0.1", 0) as free:
            port = free.getsockname()[1]
        async with house.up(Path(folder) / "up", port) as pid:
            await asyncio.sleep(_SETTLE_S if quick else 2 * _SETTLE_S)
            total, own = pss_mib(pid), own_pss_mib(pid)
    if total - own < 1:
        raise RuntimeError("the database was not found among the descendants")
    figures = {"pss_mib": round(total, 1), "python_pss_mib": round(own, 1), "postgres_pss_mib": round(total - own, 1)}
    return Result(
        "memory",
        figures,
        {"bare_pss_mib": round(bare, 1)},
        round(total / bare, 2),
        {"pss_mib": BAR_MIB},
        total <= BAR_MIB,
    )


async def _bare(folder: Path) -> float:
    """A Python that sleeps in an event loop, and the embedded server with nobody connected."""
    with EmbeddedPostgres(folder) as server:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", "import asyncio; asyncio.run(asyncio.sleep(60))"
        )
        await asyncio.sleep(1)
        weight = pss_mib(process.pid) + pss_mib(server.postmaster_pid)
        process.kill()
        await process.wait()
    return weight
