"""What a power cut leaves behind: rows that were acknowledged, stale pid files, half-made folders."""

import asyncio
import os
import subprocess
from pathlib import Path

import asyncpg
import pytest

from portal.embedded_postgres import AnotherServer, EmbeddedPostgres, StartFailed

from .conftest import copy_at_rest, kill_whole_server, parent_of, servers_on, wait_until

_SALE = "CREATE TABLE IF NOT EXISTS sale (writer int, number int, PRIMARY KEY (writer, number))"
_CUT_OFF = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)


async def write_until_cut_off(connection: asyncpg.Connection, writer: int, acknowledged: set[tuple[int, int]]) -> None:
    try:
        for number in range(1_000_000):
            await connection.execute("INSERT INTO sale VALUES ($1, $2)", writer, number)
            acknowledged.add((writer, number))
    except _CUT_OFF:
        return
    finally:
        connection.terminate()


async def test_every_acknowledged_row_survives_kill_9_of_the_whole_server(used_folder: Path) -> None:
    acknowledged: set[tuple[int, int]] = set()
    pg = await EmbeddedPostgres(used_folder).start_async()
    try:
        for cut in range(3):
            connections = [await asyncpg.connect(pg.dsn) for _ in range(6)]
            await connections[0].execute(_SALE)
            writers = [
                asyncio.create_task(write_until_cut_off(each, cut * 10 + n, acknowledged))
                for n, each in enumerate(connections)
            ]
            goal = len(acknowledged) + 500
            await asyncio.to_thread(wait_until, lambda goal=goal: len(acknowledged) >= goal, 20)
            await asyncio.to_thread(kill_whole_server, used_folder)
            await asyncio.gather(*writers)
            await pg.start_async()
            connection = await asyncpg.connect(pg.dsn)
            there = {(row[0], row[1]) for row in await connection.fetch("SELECT writer, number FROM sale")}
            await connection.close()
            assert acknowledged - there == set()
    finally:
        await pg.stop_async()


def account_of(folder: Path) -> dict[str, int]:
    """What makes a child process run under the account that the server of this folder runs under."""
    owner = (folder / "cluster").stat()
    return {"user": owner.st_uid, "group": owner.st_gid} if os.geteuid() == 0 else {}


def test_a_stale_pid_file_that_names_a_live_process_does_not_harm_it(used_folder: Path) -> None:
    pg = EmbeddedPostgres(used_folder).start()
    files = [used_folder / "cluster" / "postmaster.pid", used_folder / "socket" / ".s.PGSQL.5432.lock"]
    old = str(pg.postmaster_pid)
    kill_whole_server(used_folder)
    texts = [file.read_text() for file in files]
    # Under the server's own account: only there would PostgreSQL, or a careless launcher, find it alive.
    with subprocess.Popen(["sleep", "30"], cwd="/", **account_of(used_folder)) as bystander:
        try:
            for file, text in zip(files, texts, strict=True):
                file.write_text(text.replace(old, str(bystander.pid), 1))
            with pg.start():
                assert pg.postmaster_pid != bystander.pid
            assert bystander.poll() is None
        finally:
            bystander.kill()


@pytest.mark.parametrize("scrap", ["", "not a number\n", "-7\n", "99999999\n"])
def test_a_torn_pid_file_is_no_obstacle(used_folder: Path, scrap: str) -> None:
    (used_folder / "cluster" / "postmaster.pid").write_text(scrap)
    with EmbeddedPostgres(used_folder) as pg:
        assert pg.is_running


def test_a_server_started_by_other_hands_is_refused_and_left_alone(used_folder: Path) -> None:
    with EmbeddedPostgres(used_folder) as pg:  # learn under which account and behind what it runs
        command = Path(f"/proc/{parent_of(pg.postmaster_pid)}/cmdline").read_bytes().decode().split("\0")[4:-1]
    assert [word for word in command if word.endswith("/bin/postgres")]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL, cwd="/", **account_of(used_folder)) as foreign:
        try:
            wait_until(lambda: "ready" in _pid_file(used_folder))
            with pytest.raises(AnotherServer, match="Stop it first"):
                EmbeddedPostgres(used_folder).start()
            assert foreign.poll() is None
            assert str(foreign.pid) in _pid_file(used_folder), "its pid file is its own"
        finally:
            foreign.terminate()


def _pid_file(folder: Path) -> str:
    try:
        return (folder / "cluster" / "postmaster.pid").read_text()
    except FileNotFoundError:
        return ""


def test_a_first_start_that_was_cut_short_is_begun_anew(tmp_path: Path) -> None:
    draft = tmp_path / "pg" / "cluster.new"
    (draft / "base").mkdir(parents=True)
    (draft / "PG_VERSION").write_text("18\n")
    (draft / "base" / "half").write_text("?")
    with EmbeddedPostgres(tmp_path / "pg") as pg:
        assert pg.is_running
    assert not draft.exists()


def test_a_damaged_cluster_fails_at_once_with_the_servers_own_words(used_folder: Path, tmp_path: Path) -> None:
    damaged = copy_at_rest(used_folder, tmp_path / "pg")
    (damaged / "cluster" / "global" / "pg_control").unlink()
    with pytest.raises(StartFailed, match="pg_control"):
        EmbeddedPostgres(damaged).start(timeout=10)
    assert servers_on(damaged) == []
