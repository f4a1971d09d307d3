"""Who the server runs as: never root. Tried as root, as an ordinary user, in a namespace and where that is refused."""

import json
import os
import pwd
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import asyncpg
import pytest

from portal.embedded_postgres import EmbeddedPostgres, NotRunning
from portal.embedded_postgres.binaries import find_binaries

from .conftest import ROOT

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")

# Starts a server, says what it sees, and stops; needs the standard library only, so any Python may run it.
REPORT = """
import json, os, sys
from pathlib import Path
from portal.embedded_postgres import EmbeddedPostgres, EmbeddedPostgresError
try:
    with EmbeddedPostgres(Path(sys.argv[1])) as pg:
        status = Path(f"/proc/{pg.postmaster_pid}/status").read_text()
        uid = int(status.split("Uid:")[1].split()[0])
        namespace = os.readlink(f"/proc/{pg.postmaster_pid}/ns/user") != os.readlink("/proc/self/ns/user")
        cluster = str(Path(f"/proc/{pg.postmaster_pid}/cwd").readlink())
        print(json.dumps({"uid": uid, "in_namespace": namespace, "cluster": cluster}))
except EmbeddedPostgresError as error:
    print(json.dumps({"error": type(error).__name__, "text": str(error)}))
"""


def report(folder: Path, *words: str, python: str = sys.executable, **environment: str) -> dict[str, object]:
    done = subprocess.run(
        [*words, python, "-c", REPORT, str(folder)],
        env=_python_environment() | environment,
        stdout=subprocess.PIPE,
        text=True,
        cwd="/",
        timeout=30,
        check=True,
    )
    answer: dict[str, object] = json.loads(done.stdout)
    return answer


def _python_environment() -> dict[str, str]:
    packages = [path for path in sys.path if path.endswith("site-packages")]
    return {"PATH": os.environ["PATH"], "PYTHONPATH": os.pathsep.join([str(ROOT), *packages])}


def python_for_everybody() -> str:
    """A Python that an account without rights can run; the developer's own, or all this, may lie in a closed home."""
    for candidate in (sys.executable, "/usr/bin/python3"):
        tried = subprocess.run(
            [*_AS_NOBODY, candidate, "-c", "from portal.embedded_postgres.binaries import find_binaries as f; f()"],
            env=_python_environment(),
            capture_output=True,
            check=False,
        )
        if tried.returncode == 0:
            return candidate
    pytest.skip("the account nobody cannot reach a Python 3.11 and this folder")


_AS_NOBODY = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")


@as_root
def test_root_starts_it_under_another_account(open_folder: Path) -> None:
    seen = report(open_folder)
    account = pwd.getpwuid(int(str(seen["uid"])))
    assert account.pw_name in ("postgres", "nobody")
    assert seen["in_namespace"] is False


@as_root
def test_root_in_a_closed_folder_uses_a_namespace_and_opens_nothing(open_folder: Path) -> None:
    if subprocess.run(["unshare", "--user", "true"], capture_output=True, check=False).returncode:
        pytest.skip("user namespaces are forbidden here")
    home = open_folder
    home.mkdir(mode=0o700)
    seen = report(home / "pg")
    assert seen["in_namespace"] is True
    assert stat.S_IMODE(home.stat().st_mode) == 0o700
    home.chmod(0o755)  # what was made in the namespace is handed to the account that can reach it now
    seen = report(home / "pg")
    assert seen["in_namespace"] is False
    assert seen["uid"] != 0


@as_root
def test_root_without_namespaces_moves_programs_and_data_and_finds_them_again(open_folder: Path) -> None:
    closed = open_folder.parent / "root-home"
    closed.mkdir(mode=0o700)
    programs = _copy_of_programs(closed)
    refusing = open_folder.parent / "bin"
    refusing.mkdir()
    (refusing / "unshare").write_text("#!/bin/sh\nexit 1\n")
    (refusing / "unshare").chmod(0o755)
    place = open_folder.parent / "place"
    environment = {
        "PATH": f"{refusing}:{os.environ['PATH']}",
        "PORTAL_PG_HOME": str(place),
        "PORTAL_PG_BIN": str(programs),
    }
    first = report(closed / "pg", **environment)
    assert str(first["cluster"]).startswith(str(place))
    assert first["uid"] != 0
    assert stat.S_IMODE(closed.stat().st_mode) == 0o700
    second = report(closed / "pg", **environment)
    assert second == first
    later = report(closed / "pg", PORTAL_PG_HOME=str(place))  # namespaces are allowed again: still the same data
    assert later["cluster"] == first["cluster"]


def _copy_of_programs(closed: Path) -> Path:
    source = find_binaries().folder.parent
    package = closed / source.parent.name  # programs find their libraries by the package's name
    shutil.copytree(source, package / source.name, symlinks=True, ignore=shutil.ignore_patterns("include", "*.a"))
    libraries = source.parent.parent / f"{source.parent.name}.libs"
    if libraries.is_dir():
        shutil.copytree(libraries, closed / libraries.name)
    return package / source.name / "bin"


@as_root
def test_an_ordinary_user_runs_it_as_himself_and_root_later_as_that_user(open_folder: Path) -> None:
    python = python_for_everybody()
    os.chown(open_folder.parent, 65534, 65534)
    first = report(open_folder, *_AS_NOBODY, python=python)
    assert first["uid"] == 65534
    assert first["in_namespace"] is False
    assert report(open_folder) == first, "root runs it as the account that owns the data"


@as_root
def test_a_folder_of_roots_is_refused_to_an_ordinary_user_plainly(open_folder: Path) -> None:
    open_folder.mkdir()
    refused = report(open_folder, *_AS_NOBODY, python=python_for_everybody())
    assert refused["error"] == "FolderUnusable"
    assert "belongs to user number 0, and you are 65534" in str(refused["text"])


@as_root
def test_an_unwritable_place_is_said_plainly(open_folder: Path) -> None:
    refused = report(open_folder, *_AS_NOBODY, python=python_for_everybody())
    assert refused["error"] == "FolderUnusable"
    assert "permission denied" in str(refused["text"])


async def test_tcp_asks_for_the_password_and_the_socket_does_not(used_folder: Path, free_port: int) -> None:
    with EmbeddedPostgres(used_folder, port=free_port) as pg:
        for dsn in (pg.dsn, pg.tcp_dsn):
            connection = await asyncpg.connect(dsn)
            assert await connection.fetchval("SELECT 1") == 1
            await connection.close()
        with pytest.raises(asyncpg.InvalidPasswordError):
            await asyncpg.connect(host="127.0.0.1", port=free_port, user="vocha", database="vocha", password="guess")
    assert stat.S_IMODE((used_folder / "tcp-password").stat().st_mode) == 0o600


def test_without_a_port_nothing_listens_on_the_network(used_folder: Path) -> None:
    with EmbeddedPostgres(used_folder) as pg:
        inodes = {str(link.readlink()) for link in Path(f"/proc/{pg.postmaster_pid}/fd").iterdir()}
        listening = [
            line.split()[9]
            for table in ("/proc/net/tcp", "/proc/net/tcp6")
            for line in Path(table).read_text().splitlines()[1:]
        ]
        assert any(inode.startswith("socket:") for inode in inodes), "its own socket is among them"
        with pytest.raises(NotRunning, match="socket only"):
            _ = pg.tcp_dsn
        assert not [inode for inode in listening if f"socket:[{inode}]" in inodes]


async def test_speed_is_never_bought_with_durability(used_folder: Path) -> None:
    with EmbeddedPostgres(used_folder) as pg:
        connection = await asyncpg.connect(pg.dsn)
        for name in ("fsync", "synchronous_commit", "full_page_writes", "data_checksums"):
            assert await connection.fetchval(f"SHOW {name}") == "on"
        assert await connection.fetchval("SHOW server_encoding") == "UTF8"
        await connection.close()


async def test_a_refused_row_leaves_no_phone_number_in_the_log(used_folder: Path) -> None:
    with EmbeddedPostgres(used_folder) as pg:
        connection = await asyncpg.connect(pg.dsn)
        await connection.execute("CREATE TABLE customer (phone text PRIMARY KEY)")
        await connection.execute("INSERT INTO customer VALUES ('254712345678')")
        with pytest.raises(asyncpg.UniqueViolationError):
            await connection.execute("INSERT INTO customer VALUES ('254712345678')")
        await connection.close()
        log = pg.log_path.read_text()
    assert "duplicate key" in log
    assert "254712345678" not in log
