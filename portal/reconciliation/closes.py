"""Closing a day: what our ledger and M-Pesa say of an account, and if they differ, by how much and why. Never edited: closing
again, with what was learnt since, is another revision."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import msgspec

from portal import enquiries
from portal.db import DB, Tx, atomic
from portal.reconciliation import causes, movements
from portal.reconciliation.movements import Movement, Theirs

PLATFORM_ZONE = "Africa/Nairobi"
#: A day is closed so long after its end: by then the night's Pull has seen it.
SETTLE_FOR = timedelta(hours=3)
#: Days missed while we were away are closed later, so many at most.
CATCH_UP = 7
#: A balance M-Pesa told so soon after a day's end is that day's.
BALANCE_WITHIN = timedelta(hours=2)


class Day(msgspec.Struct, frozen=True, kw_only=True):
    """A day of an account: the account's, and its first moment and the first after it, in UTC."""

    account_id: int
    merchant_id: int | None
    currency: str
    day: date
    since: datetime
    until: datetime


async def due(*, now: datetime) -> list[Day]:
    """Days that are over and not closed, oldest first; of an account never closed, yesterday."""
    rows = await DB.fetch(
        """SELECT a.id, a.merchant_id, coalesce(m.timezone, $1) AS zone, coalesce(m.currency, 'KES') AS currency,
                  (SELECT max(day) FROM daily_closes c WHERE c.account_id = a.id
                   AND c.merchant_id IS NOT DISTINCT FROM a.merchant_id) AS last
           FROM mpesa_accounts a LEFT JOIN merchants m ON m.id = a.merchant_id ORDER BY a.id""",
        PLATFORM_ZONE,
    )
    found: list[Day] = []
    for row in rows:
        zone = ZoneInfo(row["zone"])
        newest = (now - SETTLE_FOR).astimezone(zone).date() - timedelta(days=1)
        first = (
            newest if row["last"] is None else max(row["last"] + timedelta(days=1), newest - timedelta(CATCH_UP - 1))
        )
        while first <= newest:
            found.append(_day(row["id"], row["merchant_id"], row["currency"], first, zone))
            first += timedelta(days=1)
    return sorted(found, key=lambda each: each.day)


async def day_of(account_id: int, day: date) -> Day:
    """A day of an account. LookupError: there is no such account."""
    row = await DB.row(
        """SELECT a.merchant_id, coalesce(m.timezone, $2) AS zone, coalesce(m.currency, 'KES') AS currency
           FROM mpesa_accounts a LEFT JOIN merchants m ON m.id = a.merchant_id WHERE a.id = $1""",
        account_id,
        PLATFORM_ZONE,
    )
    if row is None:
        raise LookupError(f"account {account_id} is gone")
    return _day(account_id, row["merchant_id"], row["currency"], day, ZoneInfo(row["zone"]))


def _day(account_id: int, merchant_id: int | None, currency: str, day: date, zone: ZoneInfo) -> Day:
    begin = datetime.combine(day, time.min, zone).astimezone(UTC)
    end = datetime.combine(day + timedelta(days=1), time.min, zone).astimezone(UTC)
    return Day(account_id=account_id, merchant_id=merchant_id, currency=currency, day=day, since=begin, until=end)


async def close(day: Day, *, by: str, now: datetime) -> list[int]:
    """Close a day of an account, and of a platform's account the part of every merchant; the new rows' ids, the whole first.

    Each call is another revision: the jobs ask `due` what is still to be closed."""
    balance = await _balance(day)
    async with atomic() as tx:
        await tx.execute("SELECT pg_advisory_xact_lock(hashtext($1))", f"close:{day.account_id}")
        theirs = await movements.theirs(tx, day.account_id, since=day.since, until=day.until)
        if theirs.closing_cents is None:
            theirs = msgspec.structs.replace(theirs, closing_cents=balance)
        made = [await _write(tx, day, day.merchant_id, theirs, by=by, now=now)]
        if day.merchant_id is None:
            for merchant_id in await movements.parts(tx, day.account_id, since=day.since, until=day.until):
                made.append(await _write(tx, day, merchant_id, Theirs(), by=by, now=now))
        return made


async def _balance(day: Day) -> int | None:
    """What M-Pesa told shortly after the day's end, over all accounts of the shortcode in the day's currency."""
    enquiry_id = await DB.value(
        """SELECT id FROM mpesa_enquiries WHERE account_id = $1 AND kind = 'balance' AND verdict = 'done'
           AND answered_at >= $2 AND answered_at < $3 ORDER BY answered_at LIMIT 1""",
        day.account_id,
        day.until,
        day.until + BALANCE_WITHIN,
    )
    if enquiry_id is None:
        return None
    told = (await enquiries.answer_of(enquiry_id)).balances
    return sum(each.current_cents for each in told if each.currency == day.currency) if told else None


async def ask_balances(*, now: datetime) -> int:
    """Ask for the balance of every account whose day has just ended and that has an API user, once a day; how many were asked for."""
    rows = await DB.fetch(
        """SELECT a.id, coalesce(m.timezone, $1) AS zone FROM mpesa_accounts a LEFT JOIN merchants m ON m.id = a.merchant_id
           WHERE a.initiator_name <> '' ORDER BY a.id""",
        PLATFORM_ZONE,
    )
    asked = 0
    for row in rows:
        today = datetime.combine(now.astimezone(ZoneInfo(row["zone"])).date(), time.min, ZoneInfo(row["zone"]))
        if now - today > BALANCE_WITHIN / 2:
            continue
        async with atomic() as tx:
            is_asked = await tx.value(
                "SELECT EXISTS (SELECT FROM mpesa_enquiries WHERE account_id = $1 AND kind = 'balance' AND created_at >= $2)",
                row["id"],
                today,
            )
            if not is_asked:
                await enquiries.queue(tx, "balance", account_id=row["id"], by="job:daily-close", now=now)
                asked += 1
    return asked


async def _write(tx: Tx, day: Day, merchant_id: int | None, theirs: Theirs, *, by: str, now: datetime) -> int:
    ours = await movements.ours(tx, day.account_id, merchant_id, since=day.since, until=day.until)
    opening = await movements.total_before(tx, day.account_id, merchant_id, at=day.since)
    came, went = _sum(ours, "in"), -_sum(ours, "out")
    difference, why = await _compare(tx, day, theirs, ours) if theirs.source != "none" else (None, [])
    has_outs = theirs.source != "none" and theirs.has_outs
    return await tx.value(
        """INSERT INTO daily_closes (account_id, merchant_id, day, revision, currency, opening_cents, in_cents, out_cents,
             closing_cents, theirs, their_opening_cents, their_in_cents, their_out_cents, their_fees_cents, their_closing_cents,
             difference_cents, causes, made_by, created_at)
           VALUES ($1, $2, $3, (SELECT count(*) FROM daily_closes WHERE account_id = $1 AND day = $3
                                AND merchant_id IS NOT DISTINCT FROM $2), $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15,
                   $16::jsonb, $17, $18) RETURNING id""",
        day.account_id,
        merchant_id,
        day.day,
        day.currency,
        opening,
        came,
        went,
        opening + came - went,
        theirs.source,
        theirs.opening_cents,
        _sum(theirs.movements, "in") if theirs.source != "none" else None,
        -_sum(theirs.movements, "out") if has_outs else None,
        -_sum(theirs.movements, "fee") if has_outs else None,
        theirs.closing_cents,
        difference,
        msgspec.json.encode(why).decode(),
        by,
        now,
    )


def _sum(found: list[Movement] | tuple[Movement, ...], kind: str) -> int:
    return sum(each.cents for each in found if each.kind == kind)


async def _compare(tx: Tx, day: Day, theirs: Theirs, ours: list[Movement]) -> tuple[int, list[causes.Cause]]:
    """Only what M-Pesa's side speaks of is held against it: Pull says nothing about what went out."""
    spoken = ours if theirs.has_outs else [each for each in ours if each.kind == "in"]
    listed = [each.receipt for each in theirs.movements if each.receipt]
    mine = [each.receipt for each in spoken if each.receipt]
    booked = await movements.booked(tx, day.account_id, listed) if listed else set[str]()
    outside = await movements.moved_outside(tx, mine, since=day.since, until=day.until) if mine else set[str]()
    return causes.explain(theirs.movements, spoken, booked=booked, moved_outside=outside)
