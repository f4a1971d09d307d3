"""Pushing, settling, and asking M-Pesa what became of payments nobody told us about; bringing in what was spooled."""

import asyncio
import logging
from collections.abc import Sequence
from datetime import timedelta

from jobs import enquiries
from jobs.doors import Doors
from jobs.tally import Tally
from portal import callbacks, exchanges, payments
from portal.callbacks import proof
from portal.db import DB
from portal.errors import MpesaError
from portal.evidence import Outcome
from portal.exchanges import Asking
from portal.mpesa import evidence
from portal.payments import pace
from portal.spool import Spool

log = logging.getLogger(__name__)

#: Callbacks handled at a time by one look; each holds a connection of the pool.
_LANES = 6


async def push(payment_id: int, doors: Doors) -> None:
    """Send one payment's push, if it still waits for that."""
    await payments.push(payment_id, doors.mpesa, now=doors.clock.now())


async def settle_callback(callback_id: int, doors: Doors) -> str | None:
    """Handle one stored callback; its outcome, None when it is handled already. A failure is noted on its row, and tried again."""
    try:
        return await callbacks.handle(callback_id, vault=doors.vault, now=doors.clock.now())
    except Exception as error:
        await callbacks.failed(callback_id, f"{type(error).__name__}: {error}", now=doors.clock.now())
        raise


async def sweep(doors: Doors) -> None:
    """What a lost wake-up left lying: pushes not sent, questions due."""
    for payment_id in await payments.to_push(now=doors.clock.now()):
        try:
            await push(payment_id, doors)
        except Exception:
            log.exception("payment not pushed", extra={"payment": payment_id})
    await _judge(doors)
    await _enquire(doors)
    await enquiries.run(doors)


async def watch(doors: Doors) -> None:
    """Apart from the sweep, which waits for M-Pesa: spooled callbacks, those nobody was woken for, and successes M-Pesa is
    silent about."""
    await drain_spool(doors)
    while ids := await callbacks.waiting(now=doors.clock.now()):
        handled = await _settle_all(ids, doors)
        if not handled:  # the rest is being handled by others
            break
    await proof.lend_due(vault=doors.vault, now=doors.clock.now())


async def _settle_all(ids: Sequence[int], doors: Doors) -> int:
    """Handle these, several at a time; returns how many were handled here."""
    left = iter(ids)

    async def lane() -> int:
        handled = 0
        for callback_id in left:
            try:
                handled += await settle_callback(callback_id, doors) is not None
            except Exception:
                log.exception("callback not handled", extra={"callback": callback_id})
        return handled

    return sum(await asyncio.gather(*(lane() for _ in range(_LANES))))


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
    for question in await proof.lent_questions(now=doors.clock.now()):
        now, asking = doors.clock.now(), Asking("query", now=doors.clock.now())
        error, outcome = None, Outcome.OPEN
        try:
            daraja = await doors.mpesa.for_account(question.account_id)
            answer = await daraja.query(question.checkout_request_id)
        except MpesaError as refused:
            tally.failed += 1
            error, exchange = refused, asking.ended(refused.code or type(refused).__name__, refused.provider_message)
            log.warning(
                "delivery on trust still unproved", extra={"payment": question.payment_id, "said": str(refused)}
            )
        else:
            tally.processed += 1
            exchange = asking.ended(answer.result_code, answer.result_text)
            outcome = evidence.of_query(question.payment_id, answer).outcome
        await exchanges.kept(question.payment_id, exchange)
        await pace.ended(question.account_id, error, took=timedelta(milliseconds=exchange.took_ms), now=now)
        if error is None:
            verdict = await proof.judge(question, outcome, now=doors.clock.now())
            log.info("delivery on trust judged", extra={"payment": question.payment_id, "verdict": verdict})
    return tally


async def reconcile(doors: Doors) -> Tally:
    """Find pushes whose sender died, and ask M-Pesa about what is open or was delivered on trust."""
    stranded = await payments.find_stranded(now=doors.clock.now())
    await proof.ask_forgotten(now=doors.clock.now())
    judged, tally = await _judge(doors), await _enquire(doors)
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
