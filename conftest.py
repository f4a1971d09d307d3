"""What every test may use, with or without a browser: a real PostgreSQL, emptied between tests, and the house's keys and clock."""

import os
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from portal.clock import Clock
from portal.config import Settings
from portal.db import DB
from portal.embedded_postgres import EmbeddedPostgres
from portal.migrations import migrate
from portal.signing import Signer
from portal.vault import Vault
from tests.emptying import empty_all

KEYS = (("test", bytes(range(32))),)
#: What waits for browsers, processes and whole shops. First, so that at the end of a run nobody waits for one long file.
_LONG = ("e2e/", "tests/chaos/", "tests/kill/", "tests/flows/", "tests/mutants/", "tests/portal/demo/", "tests/jobs/")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The folders whose files take long come first; otherwise the order stays."""
    items.sort(key=lambda item: not item.nodeid.startswith(_LONG))


@pytest.fixture(scope="session")
def postgres_dsn() -> Iterator[str]:
    """A database of this test process: the one TEST_DATABASE_URL names, else on an embedded server of its own."""
    given = os.environ.get("TEST_DATABASE_URL")
    if given:
        if "PYTEST_XDIST_WORKER" in os.environ:
            pytest.exit("TEST_DATABASE_URL names one database, and tests empty it: run them without -n")
        yield given
        return
    with tempfile.TemporaryDirectory(prefix="vocha-test-") as folder, EmbeddedPostgres(Path(folder)) as server:
        yield server.dsn


@pytest.fixture(scope="session")
async def migrated(postgres_dsn: str) -> str:
    """The DSN of a database that has every table."""
    DB.configure(postgres_dsn)
    if "TEST_DATABASE_URL" not in os.environ:
        await _write_lazily()
    await migrate()
    return postgres_dsn


async def _write_lazily() -> None:
    """Let the tests' own server trust the operating system, which no test crashes: every commit waited for the disk."""
    connection = await DB.connect()
    try:
        for setting in ("fsync", "full_page_writes", "synchronous_commit"):
            await connection.execute(f"ALTER SYSTEM SET {setting} = off")
        await connection.execute("SELECT pg_reload_conf()")
    finally:
        await connection.close()


@pytest.fixture(scope="session")
async def pool(migrated: str) -> AsyncIterator[str]:
    """The application's pool, open for the whole run."""
    await DB.open(min_size=2, max_size=12)
    yield migrated
    await DB.close()


@pytest.fixture
async def db(pool: str) -> str:
    """The open database, every table empty."""
    await empty_all()
    return pool


@pytest.fixture
def clock() -> Clock:
    """A clock that tests may shift."""
    return Clock()


@pytest.fixture
def vault() -> Vault:
    """Seals with the test key."""
    return Vault(KEYS)


@pytest.fixture
def signer() -> Signer:
    """Signs with the test key."""
    return Signer(KEYS)


@pytest.fixture
def settings(tmp_path: Path, migrated: str) -> Settings:
    """Settings as the tests run under."""
    return Settings.from_env(
        {
            "PORTAL_DATABASE_URL": migrated,
            "PORTAL_DATA_DIR": str(tmp_path),
            "PORTAL_SECRET_KEYS": "test:" + bytes(range(32)).hex(),
            "PORTAL_BASE_URL": "http://portal.test",
            "PORTAL_MPESA_TRUSTED_SOURCES": "127.0.0.1",
            "PORTAL_ROUTER_NETWORKS": "127.0.0.0/8",
            "PORTAL_ROUTER_SOURCE": "197.248.1.1",
        }
    )
