"""A demo world on the test database, shared by the tests of a module: filling one for each would take too long."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from portal.demo.page import page_running
from portal.demo.world import DemoWorld
from tests.emptying import empty_all


@pytest.fixture(scope="module")
async def world(pool: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[DemoWorld]:
    """A running demo with eight days behind it, a payday among them, and its page open."""
    await empty_all()
    folder: Path = tmp_path_factory.mktemp("demo")
    async with DemoWorld.started(folder, days=8, guests=[page_running]) as started:
        yield started


@pytest.fixture
async def frame(world: DemoWorld) -> AsyncIterator[httpx.AsyncClient]:
    """The browser that shows the demo page."""
    async with httpx.AsyncClient(base_url=world.page_url, trust_env=False, follow_redirects=True, timeout=10) as client:
        yield client
