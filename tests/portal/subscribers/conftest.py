"""A village for every test of subscriptions; whatever a test does with it, the invariants hold afterwards."""

from collections.abc import AsyncIterator

import pytest

from portal import invariants
from portal.vault import Vault
from tests.portal.subscribers.village import Village, local


@pytest.fixture
async def village(db: str, vault: Vault) -> AsyncIterator[Village]:
    """It is noon on 21 November 2026 in Nairobi."""
    founded = await Village.founded(vault, now=local("2026-11-21"))
    yield founded
    assert await invariants.breaches(now=founded.now) == []
