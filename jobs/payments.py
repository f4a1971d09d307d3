"""Pushing, settling, and asking M-Pesa what became of payments nobody told us about."""

import logging

from jobs.doors import Doors
from jobs.tally import Tally
from portal import callbacks, payments
from portal.db import DB
from portal.errors import MpesaError

log = logging.getLogger(__name__)


async def push(payment_id: int, doors: Doors) -> None:
    """Send one payment's push, if it still waits for that."""
    await payments.push(payment_id, doors.mpesa, now=doors.clock.now())


async def settle_callback(callback_id: int, doors: Doors) -> None:
    """Handle one stored callback; a failure is noted on its row, and the sweep tries again."""
    try:
        await callbacks.handle(callback_id, vault=doors.vault, now=doors.clock.now())
    except Exception as error:
        await callbacks.failed(callback_id, f"{type(error).__name__}: {error}", now=doors.clock.now())
        raise


async def sweep(doors: Doors) -> None:
    """What a lost wake-up left lying: callbacks not handled, pushes not sent, questions due."""
    now = doors.clock.now()
    for callback_id in await callbacks.waiting(now=now):
        try:
            await settle_callback(callback_id, doors)
        except Exception:
            log.exception("callback not handled", extra={"callback": callback_id})
    for payment_id in await payments.to_push(now=now):
        try:
            await push(payment_id, doors)
        except Exception:
            log.exception("payment not pushed", extra={"payment": payment_id})
    await _enquire(doors)


async def _enquire(doors: Doors) -> Tally:
    tally = Tally()
    for question in await payments.to_enquire(now=doors.clock.now()):
        await payments.enquire(question, doors.mpesa, vault=doors.vault, now=doors.clock.now())
        tally.processed += 1
    return tally


async def reconcile(doors: Doors) -> Tally:
    """Find pushes whose sender died, and ask M-Pesa about what is open."""
    stranded = await payments.find_stranded(now=doors.clock.now())
    tally = await _enquire(doors)
    tally.processed += stranded
    return tally


async def refresh_tokens(doors: Doors) -> Tally:
    """Make sure every M-Pesa account has a token that lasts until the next run."""
    tally = Tally()
    for row in await DB.fetch("SELECT id FROM mpesa_accounts ORDER BY id"):
        try:
            daraja = await doors.mpesa.for_account(row["id"])
            await daraja.ensure_token()
            tally.processed += 1
        except MpesaError as error:
            tally.failed += 1
            log.warning("token not refreshed", extra={"account": row["id"], "said": str(error)})
    return tally
