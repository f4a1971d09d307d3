"""Whose certificate routers believe: Let's Encrypt's root, or the one the operator names."""

from pathlib import Path

import pytest

from portal import config_values
from portal.config import Settings, SettingsError
from routeros.script.values import MOST_CONTENTS

ROOT = Path(config_values.__file__).parent / "routers" / "isrg_root_x1.pem"
BASE = {"PORTAL_DATABASE_URL": "postgresql://x/y", "PORTAL_SECRET_KEYS": "test:" + "00" * 32}


def test_an_authority_is_read_from_its_file(tmp_path: Path) -> None:
    file = tmp_path / "root.pem"
    file.write_bytes(ROOT.read_bytes().replace(b"\n", b"\r\n"))
    settings = Settings.from_env(BASE | {"PORTAL_ROUTER_AUTHORITY_FILE": str(file)})
    assert settings.router_authority == ROOT.read_text()
    assert Settings.from_env(BASE).router_authority == ""


def test_ours_fits_into_a_file_of_version_6() -> None:
    assert len(ROOT.read_text()) <= MOST_CONTENTS


@pytest.mark.parametrize("pem", ["no certificate", "-----BEGIN CERTIFICATE-----\n$(x)\n-----END CERTIFICATE-----\n"])
def test_what_is_no_certificate_stops_the_start(tmp_path: Path, pem: str) -> None:
    file = tmp_path / "root.pem"
    file.write_text(pem)
    with pytest.raises(SettingsError) as stopped:
        Settings.from_env(BASE | {"PORTAL_ROUTER_AUTHORITY_FILE": str(file)})
    assert [name for name, _ in stopped.value.problems] == ["PORTAL_ROUTER_AUTHORITY_FILE"]
