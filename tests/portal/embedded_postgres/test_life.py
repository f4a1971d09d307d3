"""From the first start to the last: fresh, again, attached, orphaned, killed."""

import asyncio
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import asyncpg
import pytest

from portal.embedded_postgres import EmbeddedPostgres, NotRunning, StartFailed

from .conftest import kill_whole_server, parent_of, servers_on, wait_until

Owner = Callable[[Path], "subprocess.Popen[str]"]


async def ask(dsn: str, question: str) -> object:
    connection = await asyncpg.connect(dsn)
    try:
        return await connection.fetchval(question)
    finally:
        await connection.close()


async def test_a_fresh_folder_becomes_a_database_that_answers(tmp_path: Path) -> None:
    async_start = EmbeddedPostgres(tmp_path / "new" / "pg", database="shop", user="keeper")
    pg = await async_start.start_async()
    try:
        assert await ask(pg.dsn, "SELECT current_database() || '/' || current_user") == "shop/keeper"
        assert pg.is_owner
        assert pg.postmaster_pid in servers_on(tmp_path)
    finally:
        await pg.stop_async()
    assert servers_on(tmp_path) == []
    with pytest.raises(NotRunning):
        _ = pg.dsn


async def test_what_was_written_is_there_after_a_restart(used_folder: Path) -> None:
    with EmbeddedPostgres(used_folder) as pg:
        await ask(pg.dsn, "CREATE TABLE kept AS SELECT 42 AS answer")
    with EmbeddedPostgres(used_folder) as pg:
        assert await ask(pg.dsn, "SELECT answer FROM kept") == 42


def test_a_warm_start_and_a_stop_are_quick(used_folder: Path) -> None:
    pg = EmbeddedPostgres(used_folder)
    starts: list[float] = []
    stops: list[float] = []
    for _ in range(3):
        began = time.perf_counter()
        pg.start()
        started = time.perf_counter()
        pg.stop()
        starts.append(started - began)
        stops.append(time.perf_counter() - started)
    assert min(starts) <= 0.3
    assert min(stops) <= 1.0


async def test_a_second_start_attaches_and_its_stop_leaves_the_server_alone(used_folder: Path) -> None:
    with EmbeddedPostgres(used_folder) as first:
        second = EmbeddedPostgres(used_folder, database="another").start()
        assert not second.is_owner
        assert second.postmaster_pid == first.postmaster_pid
        assert await ask(second.dsn, "SELECT current_database()") == "another"
        second.stop()
        assert await ask(first.dsn, "SELECT 1") == 1


def test_two_processes_that_start_a_new_folder_at_once_share_one_server(tmp_path: Path, start_owner: Owner) -> None:
    folder = tmp_path / "pg"
    both = [start_owner(folder), start_owner(folder)]
    said = [process.stdout.readline().split() for process in both if process.stdout]
    assert said[0][0] == said[1][0], "one server"
    assert sorted(is_owner for _, is_owner in said) == ["False", "True"]


def test_the_server_ends_when_its_owner_dies_by_kill_9(used_folder: Path, start_owner: Owner) -> None:
    owner = start_owner(used_folder)
    assert owner.stdout
    postmaster = int(owner.stdout.readline().split()[0])
    assert postmaster in servers_on(used_folder)
    owner.kill()
    owner.wait()
    took = wait_until(lambda: not servers_on(used_folder))
    assert took < 5, "13 ms on a machine at rest"
    assert not EmbeddedPostgres(used_folder).is_running
    assert "database system is shut down" in (used_folder / "server.log").read_text().splitlines()[-1]


async def test_the_same_owner_can_start_again_after_the_server_was_killed(used_folder: Path) -> None:
    with EmbeddedPostgres(used_folder) as pg:
        kill_whole_server(used_folder)
        assert not pg.is_running
        with pytest.raises(NotRunning):
            _ = pg.postmaster_pid
        pg.start()
        assert await ask(pg.dsn, "SELECT 1") == 1


def test_an_owner_whose_server_died_does_not_stop_the_one_that_replaced_it(
    used_folder: Path, start_owner: Owner
) -> None:
    pg = EmbeddedPostgres(used_folder).start()
    kill_whole_server(used_folder)
    other = start_owner(used_folder)
    assert other.stdout
    replacement = int(other.stdout.readline().split()[0])
    pg.start()
    assert pg.postmaster_pid == replacement
    assert not pg.is_owner
    pg.stop()
    assert replacement in servers_on(used_folder)


async def test_a_stop_while_a_cancelled_start_goes_on_leaves_nothing_running(used_folder: Path) -> None:
    pg = EmbeddedPostgres(used_folder)
    starting = asyncio.create_task(pg.start_async())
    await asyncio.sleep(0.01)
    starting.cancel()
    await pg.stop_async()
    await asyncio.sleep(0.3)  # a start that ignores the stop would have its server up by now
    assert servers_on(used_folder) == []


async def test_a_port_cannot_be_had_of_a_server_that_runs_without(used_folder: Path, free_port: int) -> None:
    with EmbeddedPostgres(used_folder) as pg:
        with pytest.raises(StartFailed, match=f"already running without TCP port {free_port}"):
            EmbeddedPostgres(used_folder, port=free_port).start(timeout=5)
        assert await ask(pg.dsn, "SELECT 1") == 1


def test_a_port_that_is_taken_is_said_plainly(used_folder: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        with pytest.raises(StartFailed, match="Another program listens on that TCP port"):
            EmbeddedPostgres(used_folder, port=other.getsockname()[1]).start(timeout=5)
    assert servers_on(used_folder) == []


def test_stop_works_even_if_somebody_killed_the_watchdog(used_folder: Path) -> None:
    pg = EmbeddedPostgres(used_folder).start()
    os.kill(parent_of(pg.postmaster_pid), signal.SIGKILL)
    pg.stop()
    assert servers_on(used_folder) == []


def test_a_signal_to_the_whole_process_group_does_not_orphan_the_server(used_folder: Path) -> None:
    with EmbeddedPostgres(used_folder) as pg:
        watchdog = parent_of(pg.postmaster_pid)
        for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM):
            os.kill(watchdog, number)
        time.sleep(0.1)
        assert pg.is_running
        assert parent_of(pg.postmaster_pid) == watchdog
    assert servers_on(used_folder) == []


@pytest.mark.parametrize("name", ["Shop", "a b", "", "x" * 64, "a;drop"])
def test_a_name_that_would_need_quoting_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match="small letters"):
        EmbeddedPostgres(tmp_path, database=name)
