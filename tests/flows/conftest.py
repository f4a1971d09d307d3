"""A shop for every flow that asks for one."""

from collections.abc import AsyncIterator

import pytest

from portal.clock import Clock
from portal.config import Settings
from portal.vault import Vault
from tests.flows.world import Shop, shop_open
from tests.holding import assert_all_holds


@pytest.fixture
async def shop(db: str, settings: Settings, vault: Vault, clock: Clock) -> AsyncIterator[Shop]:
    async with shop_open(settings, vault, clock) as open_shop:
        yield open_shop


@pytest.fixture(autouse=True)
async def all_holds(request: pytest.FixtureRequest, clock: Clock) -> AsyncIterator[None]:
    """After every flow, whatever went wrong in it on purpose; where no shop was open, vouchers are made without money."""
    yield
    await assert_all_holds(request, clock, besides=() if "shop" in request.fixturenames else ("I4", "I5"))
