"""Looking at every subscriber anew: dates by today's rules of its zone, its bill, its wallet, its access. What can be set right is;
what cannot is told, once, until it is gone. Safe at any time and any number of times."""

import logging
from datetime import datetime, timedelta

import msgspec

from portal import alerts
from portal.db import DB, Tx, atomic
from portal.patience import LOST_DATABASE
from portal.subscribers.accounts import Held, hold_all
from portal.subscribers.course import advance
from portal.subscribers.keeping import keep

log = logging.getLogger(__name__)

KIND = "subscriptions"
ACTOR = "job:reconcile-subscriptions"
_BATCH = 500
UNREADABLE = "an account that cannot be looked at"
#: A request whose outcome nobody is asking about any more is asked about again after this.
_FORGOTTEN = timedelta(minutes=30)

#: Each selects (merchant_id, subscriber_id) of what is wrong; $1 is now.
QUESTIONS = {
    "nothing is planned": """
        SELECT merchant_id, id FROM subscribers WHERE status IN ('active', 'grace')
        AND (next_at IS NULL OR next_bill_on IS NULL OR next_at < $1::timestamptz - interval '2 hours')""",
    "a paid bill without its posting": """
        SELECT b.merchant_id, b.subscriber_id FROM subscriber_bills b WHERE b.status <> 'due' AND b.paid_at <= $1::timestamptz
        AND b.amount_cents - b.returned_cents <> coalesce((SELECT sum(e.amount_cents) FROM ledger_postings l
          JOIN ledger_entries e ON e.posting_id = l.id AND e.account = 'customer_credit' WHERE l.bill_id = b.id), 0)""",
    "two bills for one day": """
        SELECT b.merchant_id, b.subscriber_id FROM subscriber_bills b JOIN subscriber_bills o
          ON o.subscriber_id = b.subscriber_id AND o.id > b.id AND o.starts_on < b.ends_on AND b.starts_on < o.ends_on
        WHERE b.status <> 'dropped' AND o.status <> 'dropped' AND b.created_at <= $1::timestamptz""",
    "a wallet below zero": """
        SELECT s.merchant_id, s.id FROM subscribers s WHERE s.created_at <= $1::timestamptz AND
          (SELECT sum(e.amount_cents) FROM ledger_entries e WHERE e.credit_id = s.credit_id) > 0""",
    "access is not what the account says": """
        SELECT s.merchant_id, s.id FROM subscribers s JOIN vouchers v ON v.id = s.voucher_id
        WHERE (s.status IN ('active', 'grace') AND s.access_until > $1::timestamptz) <> (v.status = 'in_use')""",
}


class Look(msgspec.Struct, frozen=True):
    """What a look came to: accounts seen, accounts whose dates were set right, and what is wrong, by name."""

    seen: int
    mended: int
    wrong: dict[str, list[int]]


async def reconcile(*, now: datetime) -> Look:
    """Look at every subscriber that is not closed, and tell what is wrong. One that cannot be looked at is told of, too."""
    seen = mended = last = 0
    bad: list[int] = []
    while True:
        rows = await DB.fetch(
            "SELECT id FROM subscribers WHERE id > $1 AND status <> 'closed' ORDER BY id LIMIT $2", last, _BATCH
        )
        mended += await _look_at([row["id"] for row in rows], bad, now=now)
        seen += len(rows)
        if len(rows) < _BATCH:
            break
        last = rows[-1]["id"]
    await _ask_forgotten(now=now)
    wrong = {name: [row[1] for row in await DB.fetch(question, now)] for name, question in QUESTIONS.items()}
    wrong[UNREADABLE] = bad
    await _tell(wrong, now=now)
    return Look(seen, mended, {name: ids for name, ids in wrong.items() if ids})


async def _look_at(ids: list[int], bad: list[int], *, now: datetime) -> int:
    """These together, or each by itself when one cannot be looked at: it is put among the `bad` and stops nobody else."""
    try:
        async with atomic() as tx:
            helds = [held for held in await hold_all(tx, ids, now=now) if held.row["status"] != "closed"]
            return await _mend(tx, helds, now=now)
    except LOST_DATABASE:
        raise
    except Exception:
        log.exception("subscribers could not be looked at", extra={"subscribers": ids[:5], "count": len(ids)})
        if len(ids) == 1:
            bad += ids
            return 0
    return sum([await _look_at([each], bad, now=now) for each in ids])


async def _mend(tx: Tx, helds: list[Held], *, now: datetime) -> int:
    """Moments follow from days by the rules of the zone, and rules change: a merchant's zone, or a country's clocks."""
    for held in helds:
        advance(held.account, now)
    off = [held for held in helds if _is_off(held)]
    await keep(tx, off, now=now, actor=ACTOR)
    if off:
        log.warning("subscribers' dates set right", extra={"subscribers": [held.id for held in off][:50]})
    return len(off)


def _is_off(held: Held) -> bool:
    account, row = held.account, held.row
    return bool(account.moves) or (account.next_at, account.access_until) != (row["next_at"], row["access_until"])


async def _ask_forgotten(*, now: datetime) -> None:
    """Requests to subscribers' phones that hang without anybody asking: asked about again by the payments' own job."""
    await DB.fetch(
        """UPDATE payments SET next_query_at = $1 WHERE subscriber_id IS NOT NULL AND status IN ('pending', 'unknown')
           AND next_query_at IS NULL AND checkout_request_id IS NOT NULL AND submitted_at < $2""",
        now,
        now - _FORGOTTEN,
    )


async def _tell(wrong: dict[str, list[int]], *, now: datetime) -> None:
    async with atomic() as tx:
        for name, ids in wrong.items():
            if ids:
                if await alerts.begin(tx, KIND, name, now=now, data={"subscribers": ids[:50]}):
                    log.error("subscriptions differ", extra={"what": name, "subscribers": ids[:5]})
            elif await alerts.end(tx, KIND, name, now=now):
                log.warning("subscriptions are right again", extra={"what": name})
