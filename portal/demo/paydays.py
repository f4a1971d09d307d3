"""The demo shop's payouts: where they go, and those of the Mondays before, each of what was owed when its week ended. Written as if sent:
no M-Pesa is asked about the past."""

from datetime import datetime, time, timedelta
from random import Random
from zoneinfo import ZoneInfo

from portal import ledger
from portal.db import DB, Tx, atomic
from portal.demo.cast import HELP_PHONE, TIMEZONE
from portal.ledger import Account, Entry, Kind
from portal.mpesa.simulator import ids
from portal.payouts import paying
from portal.subscribers import calendar

_ZONE = ZoneInfo(TIMEZONE)
_AT, _TAKES = time(7), timedelta(seconds=9)


async def name_number(tx: Tx, merchant_id: int, *, now: datetime) -> None:
    """Where the shop is paid, every Monday."""
    await tx.execute(
        "INSERT INTO payout_plans (merchant_id, schedule, weekday, changed_at) VALUES ($1, 'weekly', 1, $2)",
        merchant_id,
        now,
    )
    await tx.execute(
        """INSERT INTO payout_numbers (merchant_id, phone, named_by, is_first, created_at, usable_at)
           VALUES ($1, $2, 'demo', true, $3, $3)""",
        merchant_id,
        HELP_PHONE,
        now,
    )


async def pay(*, now: datetime) -> None:
    """Pay every Monday up to `now` for which there was something to pay. Repeatable."""
    row = await DB.row(
        """SELECT n.merchant_id, n.id AS number_id, min(l.created_at) AS first FROM payout_numbers n
           JOIN ledger_postings l ON l.merchant_id = n.merchant_id WHERE n.named_by = 'demo' GROUP BY 1, 2"""
    )
    if row is None:
        return
    day = calendar.day_at(row["first"], _ZONE)
    day += timedelta(days=7 - day.weekday())
    while (at := calendar.moment(day, _AT, _ZONE)) + _TAKES <= now:
        await _pay(row["merchant_id"], row["number_id"], at, owed_at=calendar.moment(day, time(0), _ZONE))
        day += timedelta(days=7)


async def _pay(merchant_id: int, number_id: int, at: datetime, *, owed_at: datetime) -> None:
    cents = await ledger.owed(merchant_id, before=owed_at) // 100 * 100
    if cents < paying.LEAST_CENTS:
        return
    there, once = at + _TAKES, f"plan:{merchant_id}:{at:%Y-%m-%d}:1"
    receipt = ids.receipt(there, Random(once).getrandbits(36))  # noqa: S311  (a made-up past, not a secret)
    async with atomic() as tx:
        payout_id = await tx.value(
            """INSERT INTO payouts (merchant_id, number_id, amount_cents, status, wanted_by, once, tries, receipt, created_at, done_at)
               VALUES ($1, $2, $3, 'done', 'schedule', $4, 1, $5, $6, $7) ON CONFLICT DO NOTHING RETURNING id""",
            merchant_id, number_id, cents, once, receipt, at, there,
        )  # fmt: skip
        if payout_id is None:
            return
        for kind, entries, when in (
            (Kind.PAYOUT, [Entry(Account.MERCHANT_PAYABLE, cents), Entry(Account.PAYOUTS, -cents)], at),
            (Kind.PAYOUT_DONE, [Entry(Account.PAYOUTS, cents), Entry(Account.MPESA_CLEARING, -cents)], there),
        ):
            await ledger.book(
                tx, kind, entries, merchant_id=merchant_id, payment_id=None, receipt=f"payout:{payout_id}", currency="KES",
                now=when,
            )  # fmt: skip
