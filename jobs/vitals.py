"""The worker's signs of life, and its ear for the silence of jobs: that nothing ran must be noticed as surely as a failure."""

import os
import secrets
import socket
from datetime import UTC, datetime

from jobs.doors import Doors
from jobs.schedule import JOBS
from portal import health
from portal.metrics import sums

#: This process, among all that ever were.
NAME = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"
_BEGAN = datetime.now(UTC)

EXPECTED = [health.Expected(job.name, overdue_s=job.overdue_s, is_critical=job.is_critical) for job in JOBS.values()]


async def beat(_: Doors) -> None:
    """Say that this worker lives."""
    await health.beat(NAME, began=_BEGAN)


async def keep_sums(_: Doors) -> None:
    """Write down what this worker counted, for the web process that is scraped."""
    await sums.keep()


async def watch_silence(_: Doors) -> None:
    """Open an alert for each job that has been silent for too long."""
    await health.watch(EXPECTED)
