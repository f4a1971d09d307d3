"""What a server that has just started must not have loaded: each costs memory on a box that has little."""

import subprocess
import sys
from pathlib import Path

_ROOT = Path(__file__).parents[2]
#: Loaded with their first use, or never.
_NOT_AT_START = (
    "rich", "pygments", "pydantic.v1", "litestar.plugins.pydantic", "email.mime", "aiosmtplib", "openpyxl", "reportlab", "PIL",
    "fido2", "segno", "pyotp", "phonenumbers.geodata", "phonenumbers.carrier", "babel", "portal.demo",
    "piccolo.apps.migrations.auto.schema_differ",
)  # fmt: skip
_START = f"""
import sys
from portal import cli
from portal.app import create_app
from portal.config import Settings
create_app(Settings.from_env({{"PORTAL_DATABASE_URL": "postgresql:///none", "PORTAL_SECRET_KEYS": "test:" + "00" * 32,
                              "PORTAL_DATA_DIR": sys.argv[1], "PORTAL_BASE_URL": "http://portal.test"}}))
print(*(name for name in {_NOT_AT_START!r} if name in sys.modules))
"""


def test_a_server_starts_without_what_few_requests_need(tmp_path: Path) -> None:
    command = [sys.executable, "-c", _START, str(tmp_path)]
    started = subprocess.run(command, cwd=_ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert started.returncode == 0, started.stderr
    assert started.stdout.split() == []
