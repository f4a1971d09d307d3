"""The demo throws away its own data only, and never while another demo uses it."""

from pathlib import Path

import pytest

from portal.demo.folder import MARKER, DemoFolder, FolderRefused, default_folder


def test_a_folder_with_other_things_in_it_is_refused_and_left_alone(tmp_path: Path) -> None:
    precious = tmp_path / "precious.txt"
    precious.write_text("mine")
    for is_fresh in (False, True):
        with pytest.raises(FolderRefused, match="something else"):
            DemoFolder(tmp_path, is_fresh=is_fresh)
    assert precious.read_text() == "mine"
    assert not (tmp_path / MARKER).exists()


def test_fresh_empties_our_own_folder_and_nothing_behind_its_links(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "kept").touch()
    folder = DemoFolder(tmp_path / "demo")
    (folder.path / "cluster").mkdir()
    (folder.path / "cluster" / "old").touch()
    (folder.path / "link").symlink_to(outside)
    folder.close()
    again = DemoFolder(tmp_path / "demo", is_fresh=True)
    assert [entry.name for entry in again.path.iterdir()] == [MARKER]
    assert (outside / "kept").exists()
    again.close()


def test_a_folder_in_use_is_refused_even_when_asked_for_fresh(tmp_path: Path) -> None:
    first = DemoFolder(tmp_path)
    (tmp_path / "data").touch()
    for is_fresh in (False, True):
        with pytest.raises(FolderRefused, match="running"):
            DemoFolder(tmp_path, is_fresh=is_fresh)
    assert (tmp_path / "data").exists()
    first.close()
    DemoFolder(tmp_path).close()


def test_what_is_remembered_survives_and_damage_is_forgotten(tmp_path: Path) -> None:
    folder = DemoFolder(tmp_path)
    folder.memory.ports, folder.memory.offset_s = {"portal": 1}, 3600.0
    folder.remember()
    folder.close()
    again = DemoFolder(tmp_path)
    assert (again.memory.ports, again.memory.offset_s) == ({"portal": 1}, 3600.0)
    again.close()
    (tmp_path / "demo.json").write_text('{"ports": {"por')
    damaged = DemoFolder(tmp_path)
    assert damaged.memory.offset_s == 0
    damaged.close()


def test_the_usual_folder_follows_xdg() -> None:
    assert default_folder({"XDG_DATA_HOME": "/x/y"}) == Path("/x/y/vocha-demo")
    assert default_folder({"XDG_DATA_HOME": "relative"}) == Path.home() / ".local/share/vocha-demo"
