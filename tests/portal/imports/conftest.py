"""A stall for every test of imports; whatever a test does with it, the invariants hold afterwards."""

from collections.abc import AsyncIterator

import pytest

from portal.clock import Clock
from portal.vault import Vault
from tests.portal.payments.stall import Stall, all_is_well


@pytest.fixture
async def stall(db: str, vault: Vault, clock: Clock) -> AsyncIterator[Stall]:
    yield await Stall.opened(vault, clock)
    await all_is_well()
