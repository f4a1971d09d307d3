"""What must hold when a test ends, whatever it did: asked after every flow, job and browser test that used the database."""

from collections.abc import Collection

import pytest

from portal import invariants
from portal.clock import Clock


async def assert_all_holds(request: pytest.FixtureRequest, clock: Clock, *, besides: Collection[str] = ()) -> None:
    """Every invariant holds; `besides` names those that cannot be asked where rows were made by hand."""
    if "pool" in request.fixturenames:
        broken = await invariants.breaches(now=clock.now(), besides=besides)
        if broken:
            pytest.fail("\n".join(f"{breach.invariant}: {', '.join(breach.rows)}" for breach in broken), pytrace=False)
