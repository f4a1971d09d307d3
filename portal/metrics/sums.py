"""What all processes counted together: each adds its part to the rows, and whoever is asked for metrics reads them.

So a worker's visits to routers show at the web process that is scraped, and no restart sets them back."""

import asyncio
import logging

from portal import meters
from portal.db import DB
from portal.meters import Histogram

log = logging.getLogger(__name__)

#: How often a process writes down what it counted.
EVERY_S = 15.0
#: An end of the process must not wait for a database that is away.
_PATIENCE_S = 1.0

_ADD = """
INSERT INTO meter_sums AS m (metric, label, counts, total, seconds) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (metric, label) DO UPDATE SET
  counts = ARRAY(SELECT coalesce(was, 0) + coalesce(more, 0)
                 FROM unnest(m.counts, excluded.counts) WITH ORDINALITY AS each (was, more, place) ORDER BY place),
  total = m.total + excluded.total, seconds = m.seconds + excluded.seconds"""


async def keep() -> None:
    """Write down what this process counted since the last time. With the database away it is kept for the next time."""
    taken = meters.take()
    if not taken:
        return
    # In one order everywhere: two processes that write the same rows must not wait for each other in a circle.
    rows = [(*key, each.counts, each.total, each.sum) for key, each in sorted(taken.items())]
    try:
        async with asyncio.timeout(_PATIENCE_S), DB.opened.acquire() as connection:
            await connection.executemany(_ADD, rows)
    except BaseException:
        meters.give_back(taken)
        raise


async def keep_keeping() -> None:
    """Write down again and again, and once more when cancelled."""
    try:
        while True:
            await asyncio.sleep(EVERY_S)
            await _try_to_keep()
    finally:
        await _try_to_keep()


async def _try_to_keep() -> None:
    try:
        await keep()
    except Exception:  # the database comes back, and what was counted is kept
        log.warning("counts not written down", exc_info=True)


async def read() -> dict[str, dict[str, Histogram]]:
    """Everything written down, by metric and label."""
    found: dict[str, dict[str, Histogram]] = {}
    for row in await DB.fetch("SELECT metric, label, counts, total, seconds FROM meter_sums ORDER BY metric, label"):
        histogram = Histogram(total=row["total"], sum=row["seconds"])
        # After an update with other ends the old counts stand for nothing: the total and the sum still do.
        if len(row["counts"]) == len(histogram.counts):
            histogram.counts = list(row["counts"])
        found.setdefault(row["metric"], {})[row["label"]] = histogram
    return found
