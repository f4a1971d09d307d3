"""Named points of a sale at which a test may kill a process. Inert unless PORTAL_FAULT is set; never set it in service.

PORTAL_FAULT is the path of a file. When execution reaches a point while the file says `point victim` (a process id, or
`self`), the file is renamed to `….struck`, so that it happens once over all processes, and the victim is killed (-9)."""

import os
import signal
import time
from pathlib import Path

POINTS = (
    "checkout.stored",
    "push.claimed",
    "push.answered",
    "callback.arrived",
    "callback.stored",
    "settle.inside",
    "settle.committed",
    "login.user_added",
    "login.confirmed",
    "start.committed",
)

_PLAN = os.environ.get("PORTAL_FAULT", "")


def reach(point: str) -> None:
    """Mark that execution is at this point of the sale."""
    if _PLAN:
        _strike(point, Path(_PLAN))


def _strike(point: str, plan: Path) -> None:
    try:
        planned, victim = plan.read_text().split()
        if planned != point:
            return
        plan.rename(f"{plan}.struck")
    except FileNotFoundError:  # nothing is planned, or another process was here first
        return
    pid = os.getpid() if victim == "self" else int(victim)
    os.kill(pid, signal.SIGKILL)
    while Path(f"/proc/{pid}").exists():  # what is dead must not be asked as if it lived
        time.sleep(0.005)
