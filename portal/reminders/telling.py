"""Warning that a voucher's time is about to end, and telling that it is over. Everything due now, once for each end.

A warning says when the time ends, so that it is right however late it comes. An end that moved later by less than the warning's own
lead is the same end; one that moved further is warned of anew. What would come too late to be of use is not sent at all."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec
from asyncpg import Record

from portal import messages
from portal.db import Tx, atomic
from portal.messages import Told
from portal.states import VoucherStatus

HOUR, MINUTES = timedelta(hours=1), timedelta(minutes=10)
#: Nearer to the end than this, the hour's warning is none any more: the other one is due soon.
HOUR_AT_LEAST = timedelta(minutes=15)
#: Older news than this is not told, whatever kept us.
OVER_AT_MOST = timedelta(hours=2)
#: A voucher that ended again so soon after it was told of is told of once.
_SAME_END = timedelta(minutes=10)
BATCH = 500


class _Stage(msgspec.Struct, frozen=True):
    """One warning: its name, the merchant's column for it, how long before the end, and how near to it still."""

    kind: str
    column: str
    lead: timedelta
    at_least: timedelta


STAGES = (
    _Stage("hour", "hour_before", HOUR, HOUR_AT_LEAST),
    _Stage("minutes", "minutes_before", MINUTES, timedelta(0)),
)

#: Who bought: the phone of its checkout, else of the payment that paid its reference. Nobody else is written to.
_BUYER = """JOIN LATERAL (
  SELECT coalesce((SELECT nullif(c.phone, '') FROM checkouts c WHERE c.voucher_id = v.id),
                  (SELECT p.phone FROM payments p WHERE p.voucher_id = v.id AND p.phone <> '' ORDER BY p.id LIMIT 1)) AS phone
) b ON b.phone IS NOT NULL"""
_ENDING = """SELECT v.id, v.merchant_id, v.expires_at AS ends_at, v.terms ->> 'name' AS package, b.phone, m.name AS shop, m.timezone
FROM vouchers v JOIN reminder_choices h ON h.merchant_id = v.merchant_id AND h.{column} AND v.price_cents >= h.least_price_cents
JOIN merchants m ON m.id = v.merchant_id {buyer}
WHERE v.status IN ('unsold', 'paid', 'in_use') AND v.expires_at > $1 AND v.expires_at <= $2
AND (v.status = 'in_use' OR (v.status = 'paid' AND v.terms ->> 'clock_from' = 'purchase'))
AND (v.terms ->> 'duration_s')::bigint >= $3
AND NOT EXISTS (SELECT FROM reminders r WHERE r.voucher_id = v.id AND r.kind = $4 AND r.for_end > v.expires_at - $5::interval)
ORDER BY v.expires_at, v.id LIMIT $6 FOR UPDATE OF v SKIP LOCKED"""
#: Not to whoever bought again before the end: the same device holds another voucher that may be used.
_OVER = """SELECT v.id, v.merchant_id, v.ended_at AS ends_at, v.terms ->> 'name' AS package, b.phone, m.name AS shop, m.timezone
FROM vouchers v JOIN reminder_choices h ON h.merchant_id = v.merchant_id AND h.when_over AND v.price_cents >= h.least_price_cents
JOIN merchants m ON m.id = v.merchant_id {buyer}
WHERE v.status = 'expired' AND v.ended_at > $1 AND v.ended_at <= $2 AND v.started_at IS NOT NULL
AND v.ended_why IN ('usage', 'purchase', 'uptime', 'data')
AND NOT EXISTS (SELECT FROM reminders r WHERE r.voucher_id = v.id AND r.kind = 'over' AND r.for_end > v.ended_at - $3::interval)
AND NOT EXISTS (SELECT FROM device_vouchers d JOIN device_vouchers o ON o.device_id = d.device_id AND o.voucher_id <> v.id
                JOIN vouchers n ON n.id = o.voucher_id AND n.status = ANY($5) WHERE d.voucher_id = v.id)
ORDER BY v.ended_at, v.id LIMIT $4 FOR UPDATE OF v SKIP LOCKED"""
_LIVE = [VoucherStatus.PAID.value, VoucherStatus.IN_USE.value]


async def warn(*, now: datetime, most: int = BATCH) -> int:
    """Warn of at most `most` ends of each kind; how many were told. 0: nobody is to be warned now. Safe to repeat."""
    return sum([await _warn(stage, now=now, most=most) for stage in STAGES])


async def _warn(stage: _Stage, *, now: datetime, most: int) -> int:
    async with atomic() as tx:
        due = await tx.fetch(
            _ENDING.format(column=stage.column, buyer=_BUYER),
            now + stage.at_least,
            now + stage.lead,
            2 * int(stage.lead.total_seconds()),
            stage.kind,
            stage.lead,
            most,
        )
        await _mark(tx, due, stage.kind, now=now)
        for row in due:
            once = f"{row['id']}:{stage.kind}:{int(row['ends_at'].timestamp())}"
            await messages.write(
                tx, Told.EXPIRY_WARNING, once, merchant_id=row["merchant_id"], phone=row["phone"], params=_params(row),
                not_after=row["ends_at"], now=now,
            )  # fmt: skip
    return len(due)


async def tell_over(*, now: datetime, most: int = BATCH) -> int:
    """Tell at most `most` customers that their time is over; how many. 0: nobody is to be told now. Safe to repeat."""
    async with atomic() as tx:
        due = await tx.fetch(_OVER.format(buyer=_BUYER), now - OVER_AT_MOST, now, _SAME_END, most, _LIVE)
        await _mark(tx, due, "over", now=now)
        for row in due:
            await messages.write(
                tx, Told.TIME_OVER, f"{row['id']}:{int(row['ends_at'].timestamp())}", merchant_id=row["merchant_id"],
                phone=row["phone"], params=_params(row), not_after=row["ends_at"] + OVER_AT_MOST, now=now,
            )  # fmt: skip
    return len(due)


async def _mark(tx: Tx, due: list[Record], kind: str, *, now: datetime) -> None:
    await tx.execute(
        """INSERT INTO reminders (merchant_id, voucher_id, kind, for_end, created_at)
           SELECT merchant, voucher, $4, ends, $5 FROM unnest($1::bigint[], $2::bigint[], $3::timestamptz[]) AS n (merchant, voucher, ends)
           ON CONFLICT DO NOTHING""",
        [row["merchant_id"] for row in due],
        [row["id"] for row in due],
        [row["ends_at"] for row in due],
        kind,
        now,
    )


def _params(row: Record) -> Mapping[str, object]:
    """The end in the merchant's own hours; no voucher's id, for these messages carry no code."""
    local = row["ends_at"].astimezone(ZoneInfo(row["timezone"]))
    return {"shop": row["shop"], "package": row["package"], "time": f"{local:%H:%M}"}
