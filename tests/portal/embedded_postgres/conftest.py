"""Folders, sight of the kernel's view, and other processes that own a server."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from portal.embedded_postgres import EmbeddedPostgres

ROOT = Path(__file__).resolve().parents[3]

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="these tests look into /proc")

# A process that starts the server, says so and waits: the owner to be killed.
OWNER = """
import sys, time
from pathlib import Path
from portal.embedded_postgres import EmbeddedPostgres
pg = EmbeddedPostgres(Path(sys.argv[1])).start()
print(pg.postmaster_pid, pg.is_owner, flush=True)
time.sleep(60)
"""


def servers_on(folder: Path) -> list[int]:
    """Every process that works inside a cluster below `folder`, or in the cluster itself: postgres does."""
    found: list[int] = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            cwd = (entry / "cwd").readlink()
        except OSError:
            continue  # ended meanwhile, or not ours to look at
        if cwd == folder or folder in cwd.parents:
            found.append(int(entry.name))
    return found


def copy_at_rest(used_folder: Path, folder: Path) -> Path:
    """A copy of a stopped server's data, owners and all: much quicker than making a new one."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    subprocess.run(["cp", "-a", str(used_folder), str(folder)], check=True)
    return folder


def parent_of(pid: int) -> int:
    """The process that started `pid`, or that took it over when the first one died; for a server, its watchdog."""
    return int(Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[1])


def wait_until(condition: Callable[[], bool], seconds: float = 5.0) -> float:
    """Seconds it took; fails the test when it takes longer."""
    began = time.monotonic()
    while not condition():
        assert time.monotonic() - began < seconds, "it never came true"
        time.sleep(0.002)
    return time.monotonic() - began


def kill_whole_server(folder: Path) -> None:
    """What a power cut does to the processes: all gone at once, the postmaster first so that it cannot tidy up."""
    pids = servers_on(folder)
    assert pids
    for pid in sorted(pids):
        with contextlib.suppress(ProcessLookupError):  # who misses the postmaster goes by itself
            os.kill(pid, signal.SIGKILL)
    wait_until(lambda: not servers_on(folder))


def reachable_folder() -> Iterator[Path]:
    """A folder that any account may enter, so that root's server need not go into a namespace or elsewhere."""
    folder = Path(tempfile.mkdtemp(prefix="vocha-", dir="/tmp"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def tmp_path() -> Iterator[Path]:
    """Instead of pytest's own, which is closed to other accounts."""
    yield from reachable_folder()


@pytest.fixture
def open_folder(tmp_path: Path) -> Path:
    """A data folder that does not exist yet, in a place that any account may enter."""
    return tmp_path / "pg"


@pytest.fixture(scope="package")
def used_folder() -> Iterator[Path]:
    """A data folder that has been in use and is at rest; tests start it again, which is quick."""
    for folder in reachable_folder():
        with EmbeddedPostgres(folder / "pg"):
            pass
        yield folder / "pg"


@pytest.fixture
def free_port() -> int:
    """A TCP port of 127.0.0.1 that nobody uses at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


@pytest.fixture
def start_owner() -> Iterator[Callable[[Path], "subprocess.Popen[str]"]]:
    """Start another process that owns a server on a folder; returns when its first line is there to be read."""
    started: list[tuple[subprocess.Popen[str], Path]] = []

    def start(folder: Path) -> "subprocess.Popen[str]":
        owner = subprocess.Popen(
            [sys.executable, "-c", OWNER, str(folder)],
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        )
        started.append((owner, folder))
        return owner

    yield start
    for owner, _ in started:
        owner.kill()
        owner.communicate()
    for _, folder in started:
        wait_until(lambda folder=folder: not servers_on(folder), 20)
