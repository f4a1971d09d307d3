"""Customers who have not bought for 90 days: counted once a month for their merchant, and those who asked for offers written to.

Only who ticked the box in a purchase that the number itself then paid by its PIN is written to, once for each time they stay away,
and never after STOP. Who stays away for longer than two more months is left in peace."""

from datetime import datetime, timedelta

from asyncpg import Record

from portal import messages
from portal.db import DB, atomic
from portal.messages import Told
from portal.money import format_amount

AWAY_FOR = timedelta(days=90)
#: Two looks a month apart, and days to spare: a look that failed once is made up for.
STILL_WORTH_IT = timedelta(days=62)

#: The look of a month is due from the first at 05:00 where the merchant is, and for who chose it before then.
_DUE = """SELECT m.id, m.name, m.currency, n.month::date AS month
FROM reminder_choices h JOIN merchants m ON m.id = h.merchant_id AND m.is_active
CROSS JOIN LATERAL (SELECT date_trunc('month', $1::timestamptz AT TIME ZONE m.timezone) AS month) n
WHERE h.win_back AND $1::timestamptz AT TIME ZONE m.timezone >= n.month + interval '5 hours'
AND h.updated_at < (n.month + interval '5 hours') AT TIME ZONE m.timezone
AND NOT EXISTS (SELECT FROM win_backs w WHERE w.merchant_id = m.id AND w.month = n.month::date)
ORDER BY m.id"""
_AWAY = """SELECT p.phone, max(p.id) AS last_id, max(p.paid_at) AS last_at,
       coalesce(bool_or(c.wants_offers AND p.method = 'stk'), false) AS wants_offers
FROM payments p LEFT JOIN checkouts c ON c.id = p.checkout_id
WHERE p.merchant_id = $1 AND p.status IN ('paid', 'refund_pending', 'refunded') AND p.phone <> ''
GROUP BY p.phone HAVING max(p.paid_at) <= $2 ORDER BY last_id"""


async def find_inactive(*, now: datetime) -> tuple[int, int]:
    """The month's look for every merchant it is due for; (customers found away, of them written to). Safe to repeat."""
    away = told = 0
    for merchant in await DB.fetch(_DUE, now):
        found, written = await _look(merchant, now=now)
        away, told = away + found, told + written
    return away, told


async def _look(merchant: Record, *, now: datetime) -> tuple[int, int]:
    """One merchant's: the row says it was done, in the transaction that writes the messages."""
    async with atomic() as tx:
        look_id = await tx.value(
            "INSERT INTO win_backs (merchant_id, month, created_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING RETURNING id",
            merchant["id"],
            merchant["month"],
            now,
        )
        if look_id is None:
            return 0, 0
        cheapest = await tx.value(
            "SELECT min(price_cents) FROM packages WHERE merchant_id = $1 AND is_active AND period = 'once' AND price_cents > 0",
            merchant["id"],
        )
        away = await tx.fetch(_AWAY, merchant["id"], now - AWAY_FOR)
        told = 0
        for row in away:
            is_worth_it = row["last_at"] > now - AWAY_FOR - STILL_WORTH_IT
            if cheapest is not None and row["wants_offers"] and is_worth_it:
                told += await messages.write(
                    tx, Told.WIN_BACK, f"last:{row['last_id']}", merchant_id=merchant["id"], phone=row["phone"], now=now,
                    params={"shop": merchant["name"], "amount": format_amount(cheapest, merchant["currency"])},
                )  # fmt: skip
        await tx.execute("UPDATE win_backs SET inactive = $2, told = $3 WHERE id = $1", look_id, len(away), told)
    return len(away), told
