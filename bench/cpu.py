"""What work costs in seconds of a processor: unlike time, it does not depend on what else the machine does meanwhile."""

import os
from pathlib import Path

from portal.db import DB

_TICK_S = 1 / os.sysconf("SC_CLK_TCK")
#: Fields of /proc/PID/stat behind the name (proc(5)): the parent, and user, system, and both of children that have ended.
_PARENT, _TIMES = 1, slice(11, 15)


def of_process(pid: int) -> float:
    """Seconds a process and its ended children have used."""
    return sum(map(int, _stat(pid)[_TIMES])) * _TICK_S


async def of_database() -> float:
    """Seconds that all processes of our database server have used; it must be on this machine."""
    server = int(_stat(await DB.value("SELECT pg_backend_pid()"))[_PARENT])
    return of_process(server) + sum(map(_of_child, _children(server)))


async def of_backends() -> float:
    """The same of the server's processes that live now, to the microsecond (/proc/PID/schedstat): for what takes milliseconds."""
    server = int(_stat(await DB.value("SELECT pg_backend_pid()"))[_PARENT])
    return sum(_on_cpu(pid) for pid in _children(server))


def _on_cpu(pid: int) -> float:
    try:
        return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e9
    except FileNotFoundError:
        return 0.0


def _of_child(pid: int) -> float:
    try:
        return of_process(pid)
    except FileNotFoundError:  # it has ended since, and counts as its parent's at the next look
        return 0.0


def _children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _stat(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
