"""Giving money back by other rails than M-Pesa: claimed, asked for once, its answer kept; then the provider is asked until it tells.

The sibling of `transfers.sending` and `transfers.watching`. Never twice: what may have been done is sent again only where the
provider says that it knows of nothing; one that does not tell has a person look (`refunds.seen`)."""

import logging
from datetime import datetime, timedelta

from asyncpg import Record

from portal import exchanges, faults
from portal.db import DB, Tx, atomic
from portal.exchanges import Asking, Exchange
from portal.msgid import N_
from portal.rails import accounts
from portal.rails.doors import RailDoors
from portal.rails.errors import RailBusy, RailConfig, RailError
from portal.rails.interface import Refund, Returned
from portal.states import E, move
from portal.transfers import outcomes
from portal.transfers.outcomes import Became
from portal.transfers.watching import STRANDED_AFTER, STUCK_AFTER_TRIES

log = logging.getLogger(__name__)

NOT_TOLD = N_("The payment service has not told what became of it. We ask by ourselves; nothing is sent twice.")
NOT_TAKEN = N_("The payment service does not give this back. Look into its portal, or give the money back another way.")
_ACTOR = "job:refunds"
#: When a question follows the last one, by how many were asked; a card's refund takes days.
_WAITS_S = (120, 600, 3600, 21_600, 86_400)
_DUE = """
SELECT id, status FROM transfers WHERE rail_account_id IS NOT NULL AND status IN ('created', 'sent', 'unknown')
AND next_try_at <= $1 ORDER BY next_try_at LIMIT $2"""


async def due(*, now: datetime, limit: int = 50) -> list[int]:
    """Transfers by other rails that are to be sent or asked about now, the oldest first."""
    return [row["id"] for row in await DB.fetch(_DUE, now, limit)]


async def find_stranded(*, now: datetime) -> int:
    """Transfers whose sender died: nobody knows whether they were sent. Returns how many."""
    rows = await DB.fetch(
        "SELECT id FROM transfers WHERE rail_account_id IS NOT NULL AND status = 'submitting' AND submitted_at < $1",
        now - STRANDED_AFTER,
    )
    for found in rows:
        async with atomic() as tx:
            row = await outcomes.locked(tx, found["id"])
            if row["status"] == "submitting":
                await _unknown(tx, row, "stranded", now=now)
    return len(rows)


async def drive(transfer_id: int, doors: RailDoors, *, now: datetime) -> str:
    """One step for a transfer that is due: sent, or asked about. Returns the status it has afterwards, or "not due"."""
    status = await DB.value("SELECT status FROM transfers WHERE id = $1", transfer_id)
    return await (_send if status == "created" else _ask)(transfer_id, doors, now=now)


async def _send(transfer_id: int, doors: RailDoors, *, now: datetime, again: bool = False) -> str:
    """Claim it and ask for it. `again`: it is unknown, and the provider has told that it knows of nothing."""
    async with atomic() as tx:
        row = await outcomes.locked(tx, transfer_id)
        if row["status"] != ("unknown" if again else "created") or not _is_due(row, now):
            return "not due"
        await move(
            tx, "transfers", transfer_id, E.SUBMIT, at=now, actor=_ACTOR, tries=row["tries"] + 1, submitted_at=now,
            next_try_at=None,
        )  # fmt: skip
        await outcomes.tell(tx, row, Became.SENDING, now=now)
        payment = await _payment(tx, row)
    faults.reach("rail_refund.claimed")
    asking = Asking("refund", now=now)
    try:
        rail = await doors.for_account(row["rail_account_id"])
        said = await rail.refund(
            row["receipt"], amount_cents=row["amount_cents"], reference=payment["account_reference"], reason="Refund"
        )
    except RailError as error:
        return await _not_asked(row, payment["id"], error, asking.ended(error.code or "setup", error.message), now=now)
    faults.reach("rail_refund.answered")
    return await _write(row, payment["id"], said, asking.ended(said.state.value, said.said), now=now, was_unknown=again)


async def _ask(transfer_id: int, doors: RailDoors, *, now: datetime) -> str:
    """Ask what became of it. The turn is taken by moving its next question, so that two workers never ask the same."""
    async with atomic() as tx:
        row = await outcomes.locked(tx, transfer_id)
        if row["status"] not in ("sent", "unknown") or not _is_due(row, now):
            return "not due"
        payment = await _payment(tx, row)
        asked = await tx.value(
            "SELECT count(*) FROM exchanges WHERE payment_id = $1 AND verb = 'refund query' AND asked_at >= $2",
            payment["id"],
            row["submitted_at"],
        )
        wait = timedelta(seconds=_WAITS_S[min(asked, len(_WAITS_S) - 1)])
        await tx.execute("UPDATE transfers SET next_try_at = $2 WHERE id = $1", transfer_id, now + wait)
    asking = Asking("refund query", now=now)
    try:
        rail = await doors.for_account(row["rail_account_id"])
        said = await rail.refund_state(
            row["receipt"], amount_cents=row["amount_cents"], reference=payment["account_reference"]
        )
    except RailError as error:
        return await _not_told(row, payment["id"], error, asking.ended(error.code or "setup", error.message), now=now)
    faults.reach("rail_refund.told")
    status = await _told(row, payment["id"], said, asking.ended(said.state.value, said.said), asked=asked + 1, now=now)
    return await _send(transfer_id, doors, now=now, again=True) if status == "send again" else status


def _is_due(row: Record, now: datetime) -> bool:
    return row["next_try_at"] is not None and row["next_try_at"] <= now


async def _payment(tx: Tx, row: Record) -> Record:
    """The payment the money came by: our reference there is what the provider knows it by."""
    found = await tx.row(
        """SELECT p.id, p.account_reference FROM refunds f JOIN receipts r ON r.id = f.receipt_id
           JOIN payments p ON p.rail_account_id = $2 AND (p.id = f.payment_id OR p.account_reference = r.typed)
           WHERE f.id = $1""",
        row["refund_id"],
        row["rail_account_id"],
    )
    assert found is not None  # such a transfer is made for such a payment only
    return found


async def _write(
    claimed: Record, payment_id: int, said: Refund, exchange: Exchange, *, now: datetime, was_unknown: bool
) -> str:
    """What the request came to."""
    async with atomic() as tx:
        row = await outcomes.locked(tx, claimed["id"])
        await exchanges.keep(tx, payment_id, exchange)
        match said.state:
            case Returned.LATER if was_unknown:  # it was asked for before: who knows now
                await _unknown(tx, row, said.said, now=now)
            case Returned.LATER:
                again = now + timedelta(seconds=30 * min(row["tries"], 20))
                data = {"why": said.said}
                await move(tx, "transfers", row["id"], E.RETRY, at=now, actor=_ACTOR, data=data, next_try_at=again)
            case Returned.UNKNOWN:
                await _unknown(tx, row, said.said, now=now)
            case _:
                await _take(tx, row, said, now=now)
        return await _status(tx, row)


async def _told(
    asked_about: Record, payment_id: int, said: Refund, exchange: Exchange, *, asked: int, now: datetime
) -> str:
    """What a question came to; "send again" where the provider knows of nothing and may be asked for it anew."""
    async with atomic() as tx:
        row = await outcomes.locked(tx, asked_about["id"])
        await exchanges.keep(tx, payment_id, exchange)
        if row["status"] not in ("sent", "unknown"):
            return row["status"]
        if said.state is Returned.LATER and row["status"] == "unknown" and row["tries"] < STUCK_AFTER_TRIES:
            await tx.execute("UPDATE transfers SET next_try_at = $2 WHERE id = $1", row["id"], now)
            return "send again"
        if said.state in (Returned.LATER, Returned.UNKNOWN):
            if asked >= len(_WAITS_S) - 1:
                await outcomes.alarm(tx, row, "transfer_stuck", now=now, actor=_ACTOR)
        else:
            await _take(tx, row, said, now=now)
        return await _status(tx, row)


async def _take(tx: Tx, row: Record, said: Refund, *, now: datetime) -> None:
    """Done, refused, or taken by a provider that needs its time."""
    actor = await tx.value("SELECT rail FROM rail_accounts WHERE id = $1", row["rail_account_id"])
    if said.state is Returned.DONE:
        await outcomes.done(tx, row, receipt=said.their_id, now=now, actor=actor, said=said.said)
    elif said.state is Returned.REFUSED:
        await outcomes.failed(tx, row, code="refused", said=said.said, words=NOT_TAKEN, now=now, actor=actor)
    elif row["status"] == "submitting":
        again = now + timedelta(seconds=_WAITS_S[0])
        await move(
            tx, "transfers", row["id"], E.ACCEPT, at=now, actor=actor, data={"said": said.said[:120]},
            next_try_at=again, conversation_id=said.their_id, result_text=said.said[:500],
        )  # fmt: skip


async def _not_asked(claimed: Record, payment_id: int, error: RailError, exchange: Exchange, *, now: datetime) -> str:
    """Nothing was sent: later when the provider is busy, failed when our keys are wrong."""
    await _trouble(claimed["rail_account_id"], error, now=now)
    async with atomic() as tx:
        row = await outcomes.locked(tx, claimed["id"])
        await exchanges.keep(tx, payment_id, exchange)
        if claimed["status"] == "unknown":  # an earlier request may have been carried out
            await _unknown(tx, row, error.code, now=now)
        elif isinstance(error, RailBusy):
            later = now + timedelta(seconds=max(error.retry_after, 30))
            data = {"why": error.code}
            await move(tx, "transfers", row["id"], E.RETRY, at=now, actor=_ACTOR, data=data, next_try_at=later)
        else:
            await outcomes.failed(
                tx, row, code=error.code or "setup", said="", words=error.message, now=now, actor=_ACTOR
            )
        return await _status(tx, row)


async def _not_told(asked: Record, payment_id: int, error: RailError, exchange: Exchange, *, now: datetime) -> str:
    """Could not be asked: its next question is due anyway."""
    await _trouble(asked["rail_account_id"], error, now=now)
    async with atomic() as tx:
        await exchanges.keep(tx, payment_id, exchange)
        return await _status(tx, asked)


async def _trouble(account_id: int, error: RailError, *, now: datetime) -> None:
    if isinstance(error, RailConfig):
        await accounts.note_trouble(account_id, error.code, error.message, now=now)


async def _unknown(tx: Tx, row: Record, why: str, *, now: datetime) -> None:
    later = now + timedelta(seconds=_WAITS_S[0])
    await outcomes.unknown(tx, row, why=why[:120], now=now, actor=_ACTOR, next_try_at=later, words=NOT_TOLD)


async def _status(tx: Tx, row: Record) -> str:
    return await tx.value("SELECT status FROM transfers WHERE id = $1", row["id"])
