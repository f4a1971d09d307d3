"""One run of the job that tells programs, in a process of its own: `python -m tests.portal.webhooks.one_run SECONDS_AHEAD`."""

import asyncio
import os
import sys
from datetime import timedelta

from jobs import webhooks
from portal.clock import Clock
from portal.config import Settings
from portal.db import DB
from portal.house import doors_open


async def main() -> None:
    settings, clock = Settings.from_env(os.environ), Clock(timedelta(seconds=float(sys.argv[1])))
    DB.configure(str(settings.database_url))
    await DB.open()
    try:
        async with doors_open(settings, clock) as doors:
            await webhooks.run(doors)
    finally:
        await DB.close()


if __name__ == "__main__":
    asyncio.run(main())
