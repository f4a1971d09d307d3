"""Fixtures of the router door: a scripted peer and a client that talks to it."""

from collections.abc import AsyncGenerator

import pytest

from routeros.client import HotspotRouter
from tests.routeros.peer import Peer


@pytest.fixture
async def peer() -> AsyncGenerator[Peer]:
    each = Peer()
    await each.start()
    yield each
    await each.stop()


@pytest.fixture
async def router(peer: Peer) -> AsyncGenerator[HotspotRouter]:
    async with HotspotRouter(peer.address(), connect_timeout=2, command_timeout=2) as each:
        yield each
