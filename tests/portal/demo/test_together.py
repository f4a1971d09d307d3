"""What ends together ends at the same time, and no failure is lost."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from portal.demo.together import together

SLOW_S = 0.3


@asynccontextmanager
async def slow(name: str, said: list[str], *, fails_to: str = "") -> AsyncIterator[None]:
    if fails_to == "open":
        raise RuntimeError(name)
    said.append(f"{name} open")
    yield
    await asyncio.sleep(SLOW_S)
    said.append(f"{name} closed")
    if fails_to == "close":
        raise RuntimeError(name)


async def test_three_slow_ends_take_as_long_as_one() -> None:
    said: list[str] = []
    async with together([slow(name, said) for name in "abc"]):
        assert said == ["a open", "b open", "c open"]
        began = time.monotonic()
    assert SLOW_S <= time.monotonic() - began < 2 * SLOW_S
    assert len(said) == 6


async def test_what_was_open_is_closed_when_the_next_cannot_open() -> None:
    said: list[str] = []
    with pytest.raises(RuntimeError, match="b"):
        async with together([slow("a", said), slow("b", said, fails_to="open"), slow("c", said)]):
            raise AssertionError("it never opened")
    assert said == ["a open", "a closed"]


async def test_a_failing_end_is_raised_and_the_others_end() -> None:
    said: list[str] = []
    with pytest.raises(RuntimeError, match="a"):
        async with together([slow("a", said, fails_to="close"), slow("b", said)]):
            pass
    assert "b closed" in said
