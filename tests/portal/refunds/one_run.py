"""The jobs of refunds and payouts once, in a process of their own that may be killed (PORTAL_FAULT says where): for test_killed.

Arguments: `send` runs both jobs and asks what is due, `hear` handles callbacks that wait."""

import asyncio
import os
import sys
from datetime import timedelta

from jobs import enquiries, payments, payouts, refunds
from portal.clock import Clock
from portal.config import Settings
from portal.db import DB
from portal.house import doors_open


async def main(what: str, ahead_s: float) -> None:
    """One run, the clock so many seconds ahead."""
    settings = Settings.from_env(os.environ)
    clock = Clock()
    clock.shift(timedelta(seconds=ahead_s))
    DB.configure(settings.database_url or "")
    await DB.open(min_size=1, max_size=4)
    try:
        async with doors_open(settings, clock) as doors:
            if what == "hear":
                await payments.watch(doors)
                return
            await refunds.run(doors)
            await payouts.run(doors)
            await enquiries.run(doors)
    finally:
        await DB.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], float(sys.argv[2])))
