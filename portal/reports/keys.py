"""Key figures of the last thirty days: how many vouchers were made and sold, and how well paying and routers work.

Every figure is a count of the merchant's rows of the window; the page is opened now and then, so no index is kept for it alone."""

from datetime import datetime, timedelta
from typing import Any

import msgspec

from portal.db import DB
from portal.identity import Actor

WINDOW = timedelta(days=30)
#: Younger ones may still be on their way and are not judged.
_SETTLED = timedelta(minutes=10)


class Keys(msgspec.Struct, frozen=True, kw_only=True):
    """The window; money in cents. `made`, `sold_of_made`: vouchers made in it, and how many of those are paid for by now. `asked`:
    requests to pay that came to an end, `paid` of them were paid; `cancelled`, `no_money`, `no_answer`, `wrong_pin`: why not, all
    else in `otherwise`. `told`, `handled`: what M-Pesa and others told us, and what of it was settled. `wanted`, `reached`: logins we
    wanted on a router, and those a router took. `away_s` of `watched_s`: seconds in which routers did not answer."""

    made: int
    sold_of_made: int
    cents: int
    before_cents: int
    online: int
    in_use: int
    asked: int
    paid: int
    cancelled: int
    no_money: int
    no_answer: int
    wrong_pin: int
    told: int
    handled: int
    wanted: int
    reached: int
    away_s: int
    watched_s: int

    @property
    def otherwise(self) -> int:
        """Requests that were not paid for any other reason."""
        return self.asked - self.paid - self.cancelled - self.no_money - self.no_answer - self.wrong_pin

    @property
    def conversion(self) -> float | None:
        """Of a hundred vouchers made, how many are sold; None: none were made."""
        return _share(self.sold_of_made, self.made)

    @property
    def payments_well(self) -> float | None:
        """Of a hundred requests to pay, how many were paid."""
        return _share(self.paid, self.asked)

    @property
    def callbacks_well(self) -> float | None:
        """Of a hundred messages of M-Pesa and others, how many were settled."""
        return _share(self.handled, self.told)

    @property
    def routers_well(self) -> float | None:
        """Of a hundred logins, how many a router took."""
        return _share(self.reached, self.wanted)

    @property
    def routers_up(self) -> float | None:
        """In percent of the time, how long routers answered."""
        return _share(self.watched_s - self.away_s, self.watched_s)

    @property
    def growth_percent(self) -> int | None:
        """Takings against the thirty days before, in whole percent."""
        return round(100 * (self.cents - self.before_cents) / self.before_cents) if self.before_cents else None


def _share(part: int, whole: int) -> float | None:
    """In percent with one place, never rounded up to a hundred."""
    return min(round(100 * part / whole, 1), 99.9 if part < whole else 100.0) if whole else None


_VOUCHERS = """SELECT count(*) AS made, count(*) FILTER (WHERE v.paid_at IS NOT NULL) AS sold_of_made
FROM unnest(ARRAY['unsold', 'paid', 'in_use', 'expired', 'revoked']) AS s (status)
JOIN vouchers v ON v.merchant_id = $1 AND v.status = s.status AND v.created_at >= $2"""
#: What came in before the window is read from the sums by the hour: its days are counted by now.
_MONEY = """SELECT coalesce(sum(coalesce(p.received_cents, p.amount_cents)), 0)::bigint AS cents,
  (SELECT coalesce(sum(received_cents), 0)::bigint FROM sales_hours
   WHERE merchant_id = $1 AND hour_at >= $3 AND hour_at < $2) AS before_cents,
  (SELECT count(*) FROM hotspot_sessions s JOIN routers r ON r.id = s.router_id
   WHERE r.merchant_id = $1 AND r.status IN ('online', 'late') AND s.ended_at IS NULL) AS online,
  (SELECT count(*) FROM vouchers v WHERE v.merchant_id = $1 AND v.status = 'in_use') AS in_use
FROM payments p WHERE p.merchant_id = $1 AND p.status = 'paid' AND p.paid_at >= $2
AND EXISTS (SELECT FROM ledger_postings l WHERE l.payment_id = p.id AND l.kind IN ('sale', 'wallet'))"""
_PAYING = """SELECT count(*) FILTER (WHERE status <> 'failed') AS paid, count(*) AS asked,
  count(*) FILTER (WHERE status = 'failed' AND result_code = '1032') AS cancelled,
  count(*) FILTER (WHERE status = 'failed' AND result_code = '1') AS no_money,
  count(*) FILTER (WHERE status = 'failed' AND result_code IN ('1019', '1037')) AS no_answer,
  count(*) FILTER (WHERE status = 'failed' AND result_code = '2001') AS wrong_pin
FROM payments WHERE merchant_id = $1 AND created_at >= $2 AND method IN ('stk', 'airtel', 'paystack')
AND status IN ('paid', 'failed', 'refund_pending', 'refunded')"""
_TOLD = """SELECT count(*) AS told, count(*) FILTER (WHERE handled_at IS NOT NULL) AS handled
FROM callbacks WHERE merchant_id = $1 AND received_at >= $2 AND (handled_at IS NOT NULL OR received_at < $3)"""
_REACHED = """SELECT count(*) AS wanted, count(*) FILTER (WHERE status <> 'wanted' OR logged_in_at IS NOT NULL) AS reached
FROM access_grants WHERE merchant_id = $1 AND created_at >= $2
AND (status <> 'wanted' OR created_at < $3)"""
_AWAY = """SELECT coalesce(sum(extract(epoch FROM $3::timestamptz - greatest(r.created_at, $2))), 0)::bigint AS watched_s,
  coalesce(sum(a.s), 0)::bigint AS away_s FROM routers r
LEFT JOIN LATERAL (
  SELECT extract(epoch FROM sum(least(coalesce(o.ended_at, $3), $3) - greatest(o.began_at, $2, r.created_at))) AS s FROM router_outages o
  WHERE o.router_id = r.id AND o.began_at < $3 AND coalesce(o.ended_at, $3) > greatest($2, r.created_at)) a ON true
WHERE r.merchant_id = $1 AND r.status NOT IN ('removed', 'new', 'paused')"""


async def keys(actor: Actor, *, now: datetime) -> Keys:
    """The merchant's key figures up to now."""
    merchant_id, since, settled = actor.at_merchant(), now - WINDOW, now - _SETTLED
    found: dict[str, Any] = {}
    for question, *values in (
        (_VOUCHERS, since), (_MONEY, since, since - WINDOW), (_PAYING, since), (_TOLD, since, settled), (_REACHED, since, settled),
        (_AWAY, since, now),
    ):  # fmt: skip
        row = await DB.row(question, merchant_id, *values)
        assert row is not None  # sums without GROUP BY
        found |= dict(row)
    return Keys(**found)
