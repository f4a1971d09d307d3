"""Starting attempts at other rails than M-Pesa, asking about those nobody told us the outcome of, and comparing their lists."""

import asyncio
import logging

from jobs.doors import Doors
from jobs.tally import Tally
from portal.rails import asking, listing, starting
from portal.rails.errors import RailError

log = logging.getLogger(__name__)


async def start(payment_id: int, doors: Doors) -> None:
    """Start one payment, if it still waits for that."""
    await starting.start(payment_id, doors.rails, now=doors.clock.now())


async def sweep(doors: Doors) -> None:
    """What a lost wake-up left lying: attempts not started, questions due; and what nobody could start in time."""
    for payment_id in await starting.to_start(now=doors.clock.now()):
        try:
            await start(payment_id, doors)
        except Exception:
            log.exception("attempt not started", extra={"payment": payment_id})
    await starting.give_up(now=doors.clock.now())
    questions = await asking.to_ask(now=doors.clock.now())
    await asyncio.gather(*(_ask(question, doors) for question in questions))


async def _ask(question: asking.RailQuestion, doors: Doors) -> None:
    try:
        await asking.ask(question, doors.rails, vault=doors.vault, now=doors.clock.now())
    except Exception:
        log.exception("question not settled", extra={"payment": question.payment_id})


async def compare(doors: Doors) -> Tally:
    """The nightly look at every account's list. One that cannot be had stays due, and never stops the rest."""
    tally = Tally()
    for wanted in await listing.due(now=doors.clock.now()):
        try:
            await listing.look(wanted, doors.rails, vault=doors.vault, now=doors.clock.now())
        except RailError as error:
            log.warning("a rail's list was not told", extra={"account": wanted.account_id, "said": error.code})
            tally.failed += 1
        except Exception:
            log.exception("a rail's list was not compared", extra={"account": wanted.account_id})
            tally.failed += 1
        else:
            tally.processed += 1
    return tally
