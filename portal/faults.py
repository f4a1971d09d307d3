"""Named points of a sale at which a test may kill a process. Inert unless PORTAL_FAULT is set; never set it in service.

PORTAL_FAULT is `point=pid file or "self"=marker file`: when execution first reaches the point, the marker is made (so that it
happens once, also after a restart) and the process named by the first line of the pid file, or this one, is killed (-9)."""

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

_ARMED = os.environ.get("PORTAL_FAULT", "")


def reach(point: str) -> None:
    """Mark that execution is at this point of the sale."""
    if _ARMED and _ARMED.startswith(f"{point}="):
        _strike(*_ARMED.split("=", 2)[1:])


def _strike(victim: str, marker: str) -> None:
    try:
        Path(marker).touch(exist_ok=False)
    except FileExistsError:
        return
    pid = os.getpid() if victim == "self" else int(Path(victim).read_text().split("\n", 1)[0])
    os.kill(pid, signal.SIGKILL)
    while victim != "self" and Path(f"/proc/{pid}").exists():
        time.sleep(0.005)
