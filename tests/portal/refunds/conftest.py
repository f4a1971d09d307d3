"""A till for every test of refunds."""

from collections.abc import AsyncIterator

import pytest

from portal.clock import Clock
from portal.config import Settings
from portal.vault import Vault
from tests.portal.refunds.till import Till, till_open


@pytest.fixture
async def till(db: str, settings: Settings, vault: Vault, clock: Clock) -> AsyncIterator[Till]:
    """A till with packages of KES 100 and a refund limit of KES 500."""
    async with till_open(settings, vault, clock, price_cents=10_000, refund_limit_cents=50_000) as open_till:
        yield open_till
