"""What sells best: the packages sold most in the last seven days."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec

from portal.db import DB
from portal.identity import Actor
from portal.reports import hours
from portal.reports.today import day_start

DAYS = 7
MOST = 5


class Best(msgspec.Struct, frozen=True, kw_only=True):
    """A package and how often it was sold; its price is today's, in cents."""

    name: str
    price_cents: int
    sold: int


_BEST = """SELECT k.name, k.price_cents, s.sold FROM (
  SELECT package_id, sum(sold)::bigint AS sold FROM (
    SELECT package_id, sold FROM sales_hours WHERE merchant_id = $1 AND hour_at >= $2 AND hour_at < $3
    UNION ALL
    SELECT coalesce(c.package_id, v.package_id), 1 FROM payments p
    LEFT JOIN checkouts c ON c.id = p.checkout_id LEFT JOIN vouchers v ON v.id = p.voucher_id
    WHERE p.merchant_id = $1 AND p.status = 'paid' AND p.paid_at >= greatest($2, $3)
    AND EXISTS (SELECT FROM ledger_postings l WHERE l.payment_id = p.id AND l.kind IN ('sale', 'wallet'))) each
  WHERE package_id IS NOT NULL GROUP BY 1) s
JOIN packages k ON k.id = s.package_id ORDER BY s.sold DESC, k.price_cents DESC, k.id LIMIT $4"""


async def most_sold(actor: Actor, *, zone: ZoneInfo, now: datetime) -> list[Best]:
    """The merchant's, the most sold first; days before yesterday from the sums by the hour, where those are kept."""
    merchant_id = actor.at_merchant()
    first = day_start(now.astimezone(zone).date() - timedelta(days=DAYS - 1), zone)
    counted = await hours.counted_until(merchant_id, zone=zone, now=now)
    cut = day_start(counted, zone) if counted else datetime.min.replace(tzinfo=UTC)
    return [Best(**dict(row)) for row in await DB.fetch(_BEST, merchant_id, first, cut, MOST)]
