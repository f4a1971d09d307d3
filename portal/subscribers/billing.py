"""Bills and the end of grace, when they are due: for one subscriber, or for all of them in batches. What happens is said by
`course`; here it is looked up and written down."""

import logging
from datetime import datetime, timedelta

import msgspec

from portal import messages
from portal.db import DB, Tx, atomic
from portal.messages import Told
from portal.money import format_amount
from portal.subscribers.accounts import Held, hold_all, hold_one
from portal.subscribers.course import advance, to_pay
from portal.subscribers.keeping import keep

log = logging.getLogger(__name__)

#: Accounts one transaction takes in hand.
BATCH = 500
#: A row that cannot be billed is tried again after this.
_AGAIN = timedelta(minutes=15)


class Course(msgspec.Struct, frozen=True):
    """What a run came to: accounts brought up to date, and those that failed."""

    done: int
    failed: int


async def proceed(tx: Tx, subscriber_id: int, *, now: datetime, actor: str, has_paid: bool = False) -> Held:
    """Let everything happen to one subscriber that is due by now, and when money has just come in, that too; its account as it
    stands afterwards."""
    held = await hold_one(tx, subscriber_id, now=now)
    advance(held.account, now, has_paid=has_paid)
    await keep(tx, [held], now=now, actor=actor)
    return held


_DUE = """SELECT id FROM subscribers WHERE status IN ('active', 'grace') AND next_at <= $1 AND id <> ALL($3)
          AND ($4 OR status = 'grace') ORDER BY next_at LIMIT $2 FOR UPDATE SKIP LOCKED"""


async def proceed_due(*, now: datetime, actor: str, bills: bool = True) -> Course:
    """Bring every account up to date whose moment has come; with `bills` False only those whose grace may be over. Repeatable;
    what another worker has in hand is passed over. An account that fails is left out and does not stop the rest."""
    done, failed = 0, set[int]()
    while True:
        try:
            seen = await _batch(BATCH, besides=failed, bills=bills, now=now, actor=actor)
        except Exception:
            log.exception("a batch of subscribers failed; one by one")
            seen = await _one_by_one(failed, bills=bills, now=now, actor=actor)
        done += seen
        if seen < BATCH:
            return Course(done - len(failed), len(failed))


async def _batch(limit: int, *, besides: set[int], bills: bool, now: datetime, actor: str) -> int:
    async with atomic() as tx:
        ids = [row["id"] for row in await tx.fetch(_DUE, now, limit, sorted(besides), bills)]
        helds = await hold_all(tx, ids, now=now)
        for held in helds:
            advance(held.account, now)
        await keep(tx, helds, now=now, actor=actor)
    return len(helds)


async def _one_by_one(failed: set[int], *, bills: bool, now: datetime, actor: str) -> int:
    """The batch again, each in a transaction of its own; who fails waits a while."""
    rows = await DB.fetch(_DUE.replace("FOR UPDATE SKIP LOCKED", ""), now, BATCH, sorted(failed), bills)
    for row in rows:
        try:
            async with atomic() as tx:
                await proceed(tx, row["id"], now=now, actor=actor)
        except Exception:
            log.exception("subscriber not billed", extra={"subscriber": row["id"]})
            failed.add(row["id"])
            await DB.fetch("UPDATE subscribers SET next_at = $2 WHERE id = $1", row["id"], now + _AGAIN)
    return len(rows)


async def next_due_at() -> datetime | None:
    """When the next account is to be brought up to date."""
    return await DB.value("SELECT min(next_at) FROM subscribers WHERE status IN ('active', 'grace')")


async def tell_paid(tx: Tx, held: Held, cents: int, *, payment_id: int, now: datetime) -> None:
    """Say that money came into the wallet: until when it pays, or what is still missing."""
    row, account = held.row, held.account
    missing = to_pay(account, now)
    params = {
        "shop": row["shop"],
        "amount": format_amount(cents, row["currency"]),
        "rest": format_amount(missing, row["currency"]),
        "account": row["account_number"],
        "day": f"{account.paid_until_on:%d.%m.%Y}",
    }
    told = Told.WALLET_SHORT if missing else Told.WALLET_PAID
    await messages.write(
        tx, told, f"payment:{payment_id}", merchant_id=row["merchant_id"], phone=row["phone"] or None, params=params,
        now=now, language=row["language"],
    )  # fmt: skip
