"""The job that sends messages once, in a process of its own that may be killed (PORTAL_FAULT says where): for test_killed."""

import asyncio
import os
import sys
from datetime import timedelta

from jobs import messages
from portal.clock import Clock
from portal.config import Settings
from portal.db import DB
from portal.house import doors_open


async def main(ahead_s: float) -> None:
    """One run, the clock so many seconds ahead."""
    settings = Settings.from_env(os.environ)
    clock = Clock(timedelta(seconds=ahead_s))
    DB.configure(settings.database_url or "")
    await DB.open(min_size=1, max_size=4)
    try:
        async with doors_open(settings, clock) as doors:
            await messages.run(doors)
    finally:
        await DB.close()


if __name__ == "__main__":
    asyncio.run(main(float(sys.argv[1])))
