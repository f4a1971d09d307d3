"""A house with some rows worth backing up."""

import pytest

from portal.clock import Clock
from portal.db import atomic
from portal.states import note
from portal.vault import Vault
from tests import factories


@pytest.fixture
async def shop(db: str, vault: Vault, clock: Clock) -> int:
    """A merchant with a router (its password is sealed), a package and some history."""
    merchant = await factories.merchant()
    await factories.router(vault, merchant, api_port=1)
    await factories.package(merchant)
    async with atomic() as tx:
        for number in range(50):
            await note(tx, "merchants", merchant, "seen", merchant_id=merchant, at=clock.now(), data={"n": number})
    return merchant
