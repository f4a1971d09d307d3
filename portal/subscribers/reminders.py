"""Reminders to pay: three days before the next bill if the wallet does not hold it, on the day it is due, and the day after.

Each once, by a unique key. A reminder that could not be written in its time is written late, unless the next one has come: an
old one would only confuse. Money on time means no reminder at all."""

import logging
from collections.abc import Sequence
from datetime import date, datetime, timedelta

import msgspec

from portal import messages
from portal.db import DB, Tx, atomic
from portal.messages import Told
from portal.money import format_amount
from portal.patience import LOST_DATABASE
from portal.subscribers.accounts import Held, hold_all
from portal.subscribers.calendar import REMINDING, day_at, moment
from portal.subscribers.course import Account, to_pay

log = logging.getLogger(__name__)

BEFORE, DUE, AFTER = "before", "due", "after"
#: Accounts one transaction takes in hand.
BATCH = 500
_DAYS_BEFORE = timedelta(days=3)
_DAY = timedelta(days=1)
#: An account whose reminder cannot be written is tried again after this.
_AGAIN = timedelta(minutes=15)
_REMIND = (
    """SELECT id FROM subscribers WHERE status IN ('active', 'grace') AND remind_at <= $1 ORDER BY remind_at LIMIT $2"""
)
_TOLD = {BEFORE: Told.BILL_SOON, DUE: Told.BILL_DUE, AFTER: Told.BILL_LATE}


class Reminder(msgspec.Struct, frozen=True, kw_only=True):
    """A reminder of an account: which, about the period that begins on which day, and when it is due."""

    stage: str
    about_on: date
    at: datetime


def of(account: Account) -> list[Reminder]:
    """The reminders of the account as it stands, in order."""
    if account.status == "active" and account.next_bill_on is not None:
        first = account.next_bill_on
        return [Reminder(stage=BEFORE, about_on=first, at=moment(first - _DAYS_BEFORE, REMINDING, account.zone))]
    if account.status == "grace":
        oldest = account.dues[0]
        day = day_at(oldest.due_at, account.zone)
        return [
            Reminder(stage=stage, about_on=oldest.starts_on, at=moment(day + later, REMINDING, account.zone))
            for stage, later in ((DUE, 0 * _DAY), (AFTER, _DAY))
        ]
    return []


def look_at(account: Account, now: datetime) -> datetime | None:
    """When to look at the account for reminders: the latest that is due already, else the first to come."""
    moments = [reminder.at for reminder in of(account)]
    return max((at for at in moments if at <= now), default=None) or min(moments, default=None)


def is_needed(account: Account) -> bool:
    """Whether money is missing: for the next bill, or for one that is due."""
    if account.status == "active":
        return account.wallet_cents < (account.next_offer or account.offer).price_cents
    return account.owed_cents > account.wallet_cents


async def remind_due(*, now: datetime, limit: int = BATCH) -> tuple[int, int]:
    """Write the reminders that are due, a batch of them. Returns how many accounts were looked at and how many reminders
    written; repeatable, what another worker has in hand is passed over. An account that fails waits a while and stops nobody."""
    try:
        async with atomic() as tx:
            rows = await tx.fetch(f"{_REMIND} FOR UPDATE SKIP LOCKED", now, limit)
            return len(rows), await _remind(tx, [row["id"] for row in rows], now=now)
    except LOST_DATABASE:
        raise
    except Exception:
        log.exception("a batch of reminders failed; one by one")
    rows = await DB.fetch(_REMIND, now, limit)
    return len(rows), sum([await _remind_one(row["id"], now=now) for row in rows])


async def _remind_one(subscriber_id: int, *, now: datetime) -> int:
    try:
        async with atomic() as tx:
            return await _remind(tx, [subscriber_id], now=now)
    except LOST_DATABASE:
        raise
    except Exception:
        log.exception("subscriber not reminded", extra={"subscriber": subscriber_id})
        await DB.fetch("UPDATE subscribers SET remind_at = $2 WHERE id = $1", subscriber_id, now + _AGAIN)
        return 0


async def _remind(tx: Tx, ids: Sequence[int], *, now: datetime) -> int:
    """Write what is due for these accounts; how many reminders."""
    helds = await hold_all(tx, ids, now=now)
    due = [(held, reminder) for held in helds if (reminder := _due(held.account, now)) is not None]
    written = await _write(tx, due, now=now)
    for held, reminder in written:
        await _tell(tx, held, reminder, now=now)
    later = [min((each.at for each in of(held.account) if each.at > now), default=None) for held in helds]
    await tx.execute(
        """UPDATE subscribers s SET remind_at = n.at FROM unnest($1::bigint[], $2::timestamptz[]) AS n (id, at)
           WHERE s.id = n.id""",
        [held.id for held in helds],
        later,
    )
    return len(written)


def _due(account: Account, now: datetime) -> Reminder | None:
    past = [reminder for reminder in of(account) if reminder.at <= now]
    return past[-1] if past and is_needed(account) else None


async def _write(tx: Tx, due: Sequence[tuple[Held, Reminder]], *, now: datetime) -> list[tuple[Held, Reminder]]:
    """Those that were not written before; the unique key says which."""
    rows = await tx.fetch(
        """INSERT INTO subscriber_reminders (merchant_id, subscriber_id, about_on, stage, due_at, created_at)
           SELECT n.*, $6 FROM unnest($1::bigint[], $2::bigint[], $3::date[], $4::text[], $5::timestamptz[]) AS n
           ON CONFLICT DO NOTHING RETURNING subscriber_id""",
        [held.row["merchant_id"] for held, _ in due],
        [held.id for held, _ in due],
        [reminder.about_on for _, reminder in due],
        [reminder.stage for _, reminder in due],
        [reminder.at for _, reminder in due],
        now,
    )
    new = {row["subscriber_id"] for row in rows}
    return [(held, reminder) for held, reminder in due if held.id in new]


async def _tell(tx: Tx, held: Held, reminder: Reminder, *, now: datetime) -> None:
    account, row = held.account, held.row
    if reminder.stage == BEFORE:
        missing = (account.next_offer or account.offer).price_cents - account.wallet_cents
        day = reminder.about_on
    else:
        missing = to_pay(account, now)
        day = day_at(account.access_until or now, account.zone)
    params = {
        "shop": row["shop"],
        "amount": format_amount(missing, row["currency"]),
        "day": f"{day:%d.%m.%Y}",
        "account": row["account_number"],
    }
    await messages.write(
        tx, _TOLD[reminder.stage], f"{held.id}:{reminder.about_on}", merchant_id=row["merchant_id"],
        phone=row["phone"] or None, params=params, now=now, language=row["language"],
    )  # fmt: skip


async def next_remind_at() -> datetime | None:
    """When the next reminder is to be looked for."""
    return await DB.value("SELECT min(remind_at) FROM subscribers WHERE status IN ('active', 'grace')")
