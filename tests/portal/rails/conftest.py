"""A till for every rail."""

from collections.abc import AsyncIterator

import pytest

from portal.clock import Clock
from portal.config import Settings
from portal.vault import Vault
from tests.portal.payments.stall import all_is_well
from tests.portal.rails.tills import Till, till_open


@pytest.fixture(params=["mpesa", "airtel", "paystack"])
async def till(
    request: pytest.FixtureRequest, db: str, settings: Settings, vault: Vault, clock: Clock
) -> AsyncIterator[Till]:
    """The same shop, by each rail; whatever a test does with it, the invariants hold afterwards."""
    async with till_open(request.param, settings, vault, clock) as opened:
        yield opened
    await all_is_well()
