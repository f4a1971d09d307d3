"""An office for every test of sending; whatever a test does with it, the invariants hold afterwards."""

from collections.abc import AsyncIterator

import pytest

from portal import invariants
from portal.clock import Clock
from portal.config import Settings
from portal.vault import Vault
from tests.portal.messages.office import Office, office_open


@pytest.fixture
async def office(db: str, settings: Settings, vault: Vault, clock: Clock) -> AsyncIterator[Office]:
    """A merchant whose messages go by the simulators."""
    async with office_open(settings, vault, clock) as opened:
        yield opened
    found = await invariants.breaches(now=clock.now(), besides=("I4 a voucher in use without",))
    assert found == [], [one.invariant for one in found]
