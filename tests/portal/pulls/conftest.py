"""A site for every test that asks for one."""

from collections.abc import AsyncIterator

import pytest

from portal.clock import Clock
from portal.config import Settings
from portal.vault import Vault
from tests.portal.pulls.site import Site, site_open


@pytest.fixture
def version() -> str:
    """The router's RouterOS version; a test may parametrise it."""
    return "7.16"


@pytest.fixture
async def site(db: str, settings: Settings, vault: Vault, clock: Clock, version: str) -> AsyncIterator[Site]:
    async with site_open(settings, vault, clock, version=version) as open_site:
        yield open_site
