"""`vocha spool`, and the settings of the spool."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from portal.callbacks.spooled import to_record
from portal.config import Settings
from portal.config_values import SettingsError
from portal.db import DB
from portal.spool import Spool
from tests.flows.programs import KEY, ROOT
from tests.portal.callbacks.conftest import Counter
from tests.portal.callbacks.test_intake import message


def vocha(*words: str, **settings: str) -> str:
    """What `vocha` prints; its environment holds these settings and no others of ours."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("PORTAL_")} | settings
    done = subprocess.run(
        [sys.executable, "-m", "portal.cli", *words],
        cwd=ROOT,
        env=env,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


async def test_what_waits_is_listed_without_what_it_says_and_brought_in(counter: Counter, tmp_path: Path) -> None:
    payment = await counter.pending()
    spool = Spool(tmp_path / "spool")
    spool.append([to_record(message(payment.token, counter.clock))])
    spool.release()
    env = {
        "PORTAL_DATABASE_URL": str(DB.config["dsn"]),
        "PORTAL_DATA_DIR": str(tmp_path),
        "PORTAL_SECRET_KEYS": KEY,
        "PORTAL_BASE_URL": "http://portal.test",
    }
    listed = vocha("spool", "list", **env)
    assert "stk" in listed
    assert "127.0.0.1" in listed
    assert "1 files" in listed
    assert payment.token not in listed
    assert "TKJ7XK2P1Q" not in listed
    assert vocha("spool", "drain", **env).startswith("1 new, 0 known already")
    assert await DB.value("SELECT count(*) FROM callbacks") == 1
    assert "0 files" in vocha("spool", "list", **env)


def settings(**values: str) -> Settings:
    """Settings with what must be there and these."""
    return Settings.from_env({"PORTAL_SECRET_KEYS": KEY, "PORTAL_DATABASE_URL": "postgresql://a@b/c", **values})


def test_the_spool_is_in_the_data_folder_unless_told_otherwise(tmp_path: Path) -> None:
    plain = settings(PORTAL_DATA_DIR=str(tmp_path))
    assert (plain.spool_dir, plain.spool_most_bytes) == (tmp_path / "spool", 512 * 1024 * 1024)
    told = settings(PORTAL_DATA_DIR=str(tmp_path), PORTAL_SPOOL_DIR=str(tmp_path / "disk"), PORTAL_SPOOL_MOST_MB="1")
    assert (told.spool_dir, told.spool_most_bytes) == (tmp_path / "disk", 1024 * 1024)


@pytest.mark.parametrize("size", ["0", "much", "-5"])
def test_a_wrong_size_stops_the_start(size: str) -> None:
    with pytest.raises(SettingsError, match="PORTAL_SPOOL_MOST_MB"):
        settings(PORTAL_SPOOL_MOST_MB=size)
