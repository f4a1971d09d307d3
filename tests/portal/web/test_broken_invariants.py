"""An operator sees what is broken before anything else; a merchant does not hear of it."""

from datetime import UTC, datetime

import httpx

from portal import alerts, invariants
from portal.db import atomic
from tests.portal.web.conftest import Cast, sign_in


async def test_the_operators_page_begins_with_what_is_broken(client: httpx.AsyncClient, cast: Cast) -> None:
    await sign_in(client, cast.operator)
    assert 'id="broken"' not in (await client.get("/operator")).text
    async with atomic() as tx:
        name = "I2 a posting that does not balance"
        await alerts.begin(tx, invariants.KIND, name, now=datetime.now(UTC), data={"rows": ["posting 7"]})
    page = (await client.get("/operator")).text
    assert "I2 a posting that does not balance: posting 7" in " ".join(page.split())
    async with atomic() as tx:
        await alerts.end(tx, invariants.KIND, name, now=datetime.now(UTC))
    assert 'id="broken"' not in (await client.get("/operator")).text
