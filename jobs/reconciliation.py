"""Asking for M-Pesa's list when it is due or wished for, taking confirmed statements in, and closing days."""

import logging
from datetime import UTC, datetime, time, timedelta

from jobs.doors import Doors
from jobs.tally import Tally
from portal.reconciliation import closes, pulling, statements

log = logging.getLogger(__name__)

#: Every account is looked at once a night from this moment on (03:10 in Nairobi).
NIGHTLY_UTC = time(0, 10, tzinfo=UTC)
_ACTOR = "job:daily-close"


async def pull(doors: Doors) -> Tally:
    """Carry out the looks at M-Pesa's lists that are due or wished for; then confirmed statements. `processed` counts payments
    taken in, `failed` looks that were not answered."""
    now, tally = doors.clock.now(), Tally()
    await pulling.want_due(now=now, nightly_at=_last_nightly(now))
    for comparison_id in await pulling.wanted():
        found = await pulling.look(comparison_id, doors.mpesa, vault=doors.vault, clock=doors.clock)
        if found is None:
            tally.failed += 1
        else:
            tally.processed += found.taken
    await statements.find_stranded(now=now)
    for comparison_id in await statements.confirmed():
        tally.processed += await statements.take(comparison_id, vault=doors.vault, now=doors.clock.now())
    return tally


def _last_nightly(now: datetime) -> datetime:
    today = datetime.combine(now.astimezone(UTC).date(), NIGHTLY_UTC)
    return today if today <= now else today - timedelta(days=1)


async def close(doors: Doors) -> Tally:
    """Close the days that are over; before that, ask for the balance of those that have just ended."""
    tally = Tally()
    await closes.ask_balances(now=doors.clock.now())
    for day in await closes.due(now=doors.clock.now()):
        try:
            tally.processed += len(await closes.close(day, by=_ACTOR, now=doors.clock.now()))
        except Exception:
            tally.failed += 1
            log.exception("day not closed", extra={"account": day.account_id, "day": day.day.isoformat()})
    return tally
