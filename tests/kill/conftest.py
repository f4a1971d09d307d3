"""One house for all of the kill tests; a shop, a router, a phone and a payer of its own for each."""

import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from portal.vault import Vault
from tests.kill.house import House, house_standing
from tests.kill.shop import Shop, shop_open


@pytest.fixture(scope="package")
async def standing(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    logs = tmp_path_factory.mktemp("kill")
    # pytest's own folders are closed to the account the database may run under.
    with tempfile.TemporaryDirectory(prefix="vocha-kill-") as folder:
        async with house_standing(Path(folder), logs=logs) as house:
            yield house


@pytest.fixture
async def house(standing: House) -> AsyncIterator[House]:
    """The house, everything in it alive; what a test planned and did not reach is taken back."""
    await standing.is_ready()
    yield standing
    standing.disarm()


@pytest.fixture
async def shop(house: House, vault: Vault) -> AsyncIterator[Shop]:
    async with shop_open(house, vault) as open_shop:
        yield open_shop
