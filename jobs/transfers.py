"""Driving transfers of one kind of owner: those whose sender died or that M-Pesa is silent about become unknown, new ones are sent,
unknown ones asked about. One bad row never stops the rest."""

import logging
from collections.abc import Awaitable, Callable

from jobs.doors import Doors
from jobs.tally import Tally
from portal import transfers

log = logging.getLogger(__name__)


async def drive(owner: str, doors: Doors, tally: Tally) -> None:
    """One step for every transfer of "refund" or "payout" that is due."""
    now = doors.clock.now()
    await transfers.find_stranded(now=now)
    await transfers.find_silent(now=now)

    async def send(transfer_id: int) -> str:
        return await transfers.send(transfer_id, doors.mpesa, now=doors.clock.now())

    async def watch(transfer_id: int) -> str:
        return await transfers.watch(transfer_id, doors.mpesa, now=doors.clock.now())

    for transfer_id in await transfers.due(owner, now=now):
        await _one(transfer_id, send, tally)
    for transfer_id in await transfers.to_clear_up(owner, now=now):
        await _one(transfer_id, watch, tally)


async def _one(transfer_id: int, step: Callable[[int], Awaitable[str]], tally: Tally) -> None:
    try:
        said = await step(transfer_id)
    except Exception:
        log.exception("transfer not driven", extra={"transfer": transfer_id})
        said = "failed"
    tally.processed += said not in ("failed", "not due")
    tally.failed += said == "failed"
