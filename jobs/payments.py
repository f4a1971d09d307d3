"""Pushing, settling, and asking M-Pesa what became of payments nobody told us about; bringing in what was spooled."""

import logging

from jobs import enquiries
from jobs.doors import Doors
from jobs.tally import Tally
from portal import callbacks, payments
from portal.callbacks import proof
from portal.db import DB
from portal.errors import MpesaError
from portal.mpesa import evidence
from portal.payments.enquire import BETWEEN_QUESTIONS
from portal.spool import Spool

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
    await enquiries.run(doors)


async def watch(doors: Doors) -> None:
    """Apart from the sweep, which waits for M-Pesa's answers: spooled callbacks, and successes M-Pesa is silent about."""
    await drain_spool(doors)
    await proof.lend_due(vault=doors.vault, now=doors.clock.now())


async def drain_spool(doors: Doors) -> callbacks.Drained:
    """Bring callbacks that were spooled on this machine into the database, as far as no web process is busy with them."""
    spool = Spool(doors.settings.spool_dir, most_bytes=doors.settings.spool_most_bytes)
    return await callbacks.drain(spool, doors.clock)


async def _enquire(doors: Doors) -> Tally:
    tally = Tally()
    for question in await payments.to_enquire(now=doors.clock.now()):
        await proof.asked(question.payment_id, now=doors.clock.now())
        said = await payments.enquire(question, doors.mpesa, vault=doors.vault, now=doors.clock.now())
        await proof.answered(question.payment_id, said, now=doors.clock.now())
        tally.processed += 1
    return tally


async def _judge(doors: Doors) -> Tally:
    """Ask about what was delivered on trust."""
    tally = Tally()
    for question in await proof.lent_questions(now=doors.clock.now(), between=BETWEEN_QUESTIONS):
        try:
            daraja = await doors.mpesa.for_account(question.account_id)
            answer = await daraja.query(question.checkout_request_id)
        except MpesaError as error:
            tally.failed += 1
            log.warning("delivery on trust still unproved", extra={"payment": question.payment_id, "said": str(error)})
            continue
        outcome = evidence.of_query(question.payment_id, answer).outcome
        verdict = await proof.judge(question, outcome, now=doors.clock.now())
        log.info("delivery on trust judged", extra={"payment": question.payment_id, "verdict": verdict})
        tally.processed += 1
    return tally


async def reconcile(doors: Doors) -> Tally:
    """Find pushes whose sender died, and ask M-Pesa about what is open or was delivered on trust."""
    stranded = await payments.find_stranded(now=doors.clock.now())
    tally, judged = await _enquire(doors), await _judge(doors)
    tally.processed += stranded + judged.processed
    tally.failed += judged.failed
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
