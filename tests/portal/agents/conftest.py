"""A stall for every test of settling."""

from collections.abc import AsyncIterator

import pytest

from portal.clock import Clock
from portal.vault import Vault
from tests.portal.payments.stall import Stall, all_is_well


@pytest.fixture
async def stall(db: str, vault: Vault, clock: Clock) -> AsyncIterator[Stall]:
    """A stall; whatever a test does with it, the invariants hold afterwards."""
    yield await Stall.opened(vault, clock)
    await all_is_well()
