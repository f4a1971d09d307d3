"""A shop for every flow that asks for one."""

from collections.abc import AsyncIterator

import pytest

from portal.clock import Clock
from portal.config import Settings
from portal.vault import Vault
from tests.flows.world import Shop, shop_open


@pytest.fixture
async def shop(db: str, settings: Settings, vault: Vault, clock: Clock) -> AsyncIterator[Shop]:
    async with shop_open(settings, vault, clock) as open_shop:
        yield open_shop
