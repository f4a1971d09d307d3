"""A room for every test of a job that asks for one."""

from collections.abc import AsyncIterator

import pytest

from portal.clock import Clock
from portal.config import Settings
from portal.vault import Vault
from tests.holding import assert_all_holds
from tests.jobs.room import Room, room_open


@pytest.fixture
async def room(db: str, settings: Settings, vault: Vault, clock: Clock) -> AsyncIterator[Room]:
    async with room_open(settings, vault, clock) as open_room:
        yield open_room


@pytest.fixture(autouse=True)
async def all_holds(request: pytest.FixtureRequest, clock: Clock) -> AsyncIterator[None]:
    """After every test of jobs; vouchers and grants are put there by hand, so that each has a cause and the other is not asked."""
    yield
    await assert_all_holds(request, clock, besides=("I4", "I5"))
