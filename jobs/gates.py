"""Gates: how many visits to routers are under way at the same time. One that is silent costs no work, only time: it does not
keep the others out."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

#: A healthy router is read within this; whoever takes longer is being waited for.
MOMENT_S = 1.0
#: So many visits are under way for each place at most: each may hold what its router said.
WAITED_FOR = 4


class Gate:
    """`places` visits at the same time. One that takes longer than a moment gives its place to the next, until `places` times
    WAITED_FOR are under way."""

    def __init__(self, places: int, *, moment_s: float = MOMENT_S) -> None:
        self._under_way = asyncio.Semaphore(places * WAITED_FOR)
        self._places = asyncio.Semaphore(places)
        self._moment_s = moment_s

    @asynccontextmanager
    async def place(self) -> AsyncGenerator[None]:
        """Hold a place, for a moment at least."""
        async with self._under_way:
            await self._places.acquire()
            is_given_back = False

            def give_back() -> None:
                nonlocal is_given_back
                if not is_given_back:
                    is_given_back = True
                    self._places.release()

            timer = asyncio.get_running_loop().call_later(self._moment_s, give_back)
            try:
                yield
            finally:
                timer.cancel()
                give_back()
