"""Starting an attempt at another rail: claim, commit, ask, write what it said. Sent once; a lost answer is "unknown", asked about.

The sibling of `payments.push`, which is M-Pesa's."""

import logging
from datetime import datetime, timedelta

from asyncpg import Record

from portal import exchanges, faults
from portal.db import DB, atomic
from portal.exchanges import Asking, Exchange
from portal.patience import patiently
from portal.payments.push import FIRST_QUERY_AFTER, GIVE_UP_AFTER, HOLD_ANSWER_S
from portal.rails import accounts
from portal.rails.doors import RailDoors
from portal.rails.errors import RailBusy, RailConfig
from portal.rails.interface import Accepted, Attempt, Later, Lost, Rejected, Started, Why
from portal.states import E, move

log = logging.getLogger(__name__)

#: Longer than a sender can take: then nobody knows what became of its request, and it is asked about.
_ASK_ANYWAY_AFTER = timedelta(seconds=60)


async def start(payment_id: int, doors: RailDoors, *, now: datetime) -> str:
    """Send one payment's request if it still waits for that. Returns the status it ends in; repeatable."""
    account_id = await DB.value("SELECT rail_account_id FROM payments WHERE id = $1 AND status = 'created'", payment_id)
    if account_id is None:
        return "not waiting"
    payment = await _claim(payment_id, now=now)
    if payment is None:
        return "not waiting"
    faults.reach("rail.claimed")
    asking = Asking("push", now=now)
    started = await _send(payment, doors, now=now)
    exchange = _ended(asking, started)
    faults.reach("rail.answered")
    return await patiently(lambda: _write(payment, started, exchange, now=now), within_s=HOLD_ANSWER_S)


def _ended(asking: Asking, started: Started) -> Exchange:
    """As the timeline tells it; a refusal by why it was refused."""
    match started:
        case Accepted():
            return asking.ended("accepted")
        case Rejected():
            return asking.ended(started.why.value, started.said)
        case Later():
            return asking.ended("later", started.said)
        case Lost():
            return asking.ended("lost", started.said)


async def _claim(payment_id: int, *, now: datetime) -> Record | None:
    async with atomic() as tx:
        if not await move(
            tx, "payments", payment_id, E.SUBMIT, at=now, actor="worker", submitted_at=now, next_try_at=None,
            next_query_at=now + _ASK_ANYWAY_AFTER,
        ):  # fmt: skip
            return None
        await tx.execute("UPDATE payments SET tries = tries + 1 WHERE id = $1", payment_id)
        return await tx.row(
            """SELECT p.*, c.terms->>'name' AS package_name, c.token FROM payments p
               LEFT JOIN checkouts c ON c.id = p.checkout_id WHERE p.id = $1""",
            payment_id,
        )


async def _send(payment: Record, doors: RailDoors, *, now: datetime) -> Started:
    """What the provider says; a wrong set-up is told to the shop and refuses the attempt."""
    account_id = payment["rail_account_id"]
    try:
        rail = await doors.for_account(account_id)
        started = await rail.start(attempt_of(payment, doors))
    except RailConfig as error:
        await accounts.note_trouble(account_id, error.code, error.message, now=now)
        return Rejected(why=Why.SETUP, said=error.code)
    except RailBusy as error:
        return Later(retry_after=error.retry_after, said=error.code)
    if isinstance(started, Accepted):
        await accounts.note_fine(account_id, now=now)
    return started


def attempt_of(payment: Record, doors: RailDoors) -> Attempt:
    """A payment's row as rails see it."""
    reference = payment["account_reference"]
    return Attempt(
        reference=reference,
        amount_cents=payment["amount_cents"],
        currency=payment["currency"],
        phone=payment["phone"],
        email=payment["email"] or doors.guest_address(reference),
        description=payment["package_name"] or "WiFi",
        return_url=doors.return_url(payment["token"] or ""),
        their_id=payment["checkout_request_id"],
    )


async def _write(payment: Record, started: Started, exchange: Exchange, *, now: datetime) -> str:
    """The callback may have been faster: then only what is new is filled in."""
    payment_id, actor = payment["id"], payment["method"]
    async with atomic() as tx:
        await exchanges.keep(tx, payment_id, exchange)
        match started:
            case Accepted():
                await move(
                    tx, "payments", payment_id, E.ACCEPT, at=now, actor=actor, next_query_at=now + FIRST_QUERY_AFTER
                )
                await tx.execute("UPDATE payments SET pay_url = $2 WHERE id = $1", payment_id, started.pay_url)
            case Later() if now - payment["created_at"] < GIVE_UP_AFTER:
                again = now + timedelta(seconds=min(started.retry_after, 30))
                data = {"said": started.said}
                await move(
                    tx,
                    "payments",
                    payment_id,
                    E.RETRY,
                    at=now,
                    actor=actor,
                    data=data,
                    next_try_at=again,
                    next_query_at=None,
                )
            case Lost():
                await move(
                    tx, "payments", payment_id, E.LOSE, at=now, actor=actor, data={"said": started.said},
                    next_query_at=now + FIRST_QUERY_AFTER, result_text=started.said[:500],
                )  # fmt: skip
            case Later() | Rejected():
                why = started.why if isinstance(started, Rejected) else Why.NOT_STARTED
                await move(
                    tx, "payments", payment_id, E.FAIL, at=now, actor=actor, data={"why": why.value, "said": started.said},
                    result_code=why.value, result_text=started.said[:500], next_query_at=None,
                )  # fmt: skip
        log.info("attempt started", extra={"payment": payment_id, "rail": actor, "said": type(started).__name__})
        return await tx.value("SELECT status FROM payments WHERE id = $1", payment_id)


async def to_start(*, now: datetime) -> list[int]:
    """Payments that wait to be started and nobody was woken for."""
    rows = await DB.fetch(
        """SELECT id FROM payments WHERE status = 'created' AND rail_account_id IS NOT NULL AND next_try_at <= $1
           ORDER BY id LIMIT 200""",
        now,
    )
    return [row["id"] for row in rows]


async def give_up(*, now: datetime) -> int:
    """Attempts nobody could start in time: failed, for nothing was asked for."""
    async with atomic() as tx:
        stale = await tx.fetch(
            """SELECT id, method FROM payments WHERE status = 'created' AND rail_account_id IS NOT NULL AND created_at < $1
               FOR UPDATE SKIP LOCKED""",
            now - GIVE_UP_AFTER,
        )
        for row in stale:
            await move(
                tx, "payments", row["id"], E.FAIL, at=now, actor=row["method"], result_code=Why.NOT_STARTED.value,
                result_text="nothing was sent in time", next_try_at=None,
            )  # fmt: skip
        return len(stale)
