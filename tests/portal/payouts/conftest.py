"""A till for every test of payouts."""

from collections.abc import AsyncIterator

import pytest

from portal import passwords
from portal.clock import Clock
from portal.config import Settings
from portal.db import DB
from portal.vault import Vault
from tests.portal.refunds.till import Till, till_open

WORD = "correct horse battery"


@pytest.fixture
async def till(db: str, settings: Settings, vault: Vault, clock: Clock) -> AsyncIterator[Till]:
    """A till with packages of KES 1,000 whose owner has a password."""
    async with till_open(settings, vault, clock, price_cents=100_000) as open_till:
        hashed = await passwords.hash_password(WORD)
        await DB.fetch("UPDATE users SET password_hash = $2 WHERE id = $1", open_till.owner.user_id, hashed)
        yield open_till
