"""An office whose messages go by the simulators; sales are put there by hand, so that their vouchers are not asked for."""

from collections.abc import AsyncIterator

import pytest

from portal.clock import Clock
from portal.config import Settings
from portal.vault import Vault
from tests.holding import assert_all_holds
from tests.portal.messages.office import Office, office_open


@pytest.fixture
async def office(
    request: pytest.FixtureRequest, db: str, settings: Settings, vault: Vault, clock: Clock
) -> AsyncIterator[Office]:
    """A merchant whose messages go by the simulators."""
    async with office_open(settings, vault, clock) as opened:
        yield opened
    await assert_all_holds(request, clock, besides=("I1 a sale without", "I4", "I5"))
