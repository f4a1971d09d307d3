"""Making payouts and setting them out: booked first, once per request and per day of a plan, held while something is wrong."""

import logging
from collections.abc import Awaitable, Callable
from datetime import datetime

from asyncpg import Record

from portal import faults, invariants, ledger, transfers
from portal.db import DB, Tx, atomic
from portal.errors import Conflict, Invalid, NotFound
from portal.identity import Actor
from portal.ledger import Account, Entry, Kind
from portal.msgid import N_
from portal.payouts import numbers, rights
from portal.payouts.plans import Due
from portal.states import E, move, note
from portal.transfers import Became, News, Order

log = logging.getLogger(__name__)

#: Invariants about devices and handling, which hold no money up.
NOT_MONEY = ("I5", "I6", "I7")
MOST_CENTS = 25_000_000
LEAST_CENTS = 1000
AMOUNT = N_("Write an amount in whole shillings, 10 or more, and not more than what we owe you.")
TOO_LITTLE = N_("There is not enough to pay out yet.")
DECIDED = N_("This payout has gone on meanwhile. Look again.")
SENT = N_("This money may be on its way already. Wait until M-Pesa has told what became of it.")


async def ask(actor: Actor, *, amount_cents: int | None, form_key: str, now: datetime) -> list[int]:
    """Pay out now: this much, or everything (None). The ids of the payouts; the same form twice is the same payouts.

    Forbidden; Invalid: more than there is, or less than the least."""
    merchant_id = rights.reader(actor)
    if amount_cents is not None and (amount_cents < LEAST_CENTS or amount_cents % 100):
        raise Invalid({"amount": AMOUNT})
    once = f"form:{merchant_id}:{form_key[:40]}"
    async with atomic() as tx:
        known = await _known(tx, merchant_id, once)
        made = known or await _make(
            tx, merchant_id, once, by=f"user:{actor.user_id}", least_cents=LEAST_CENTS, cents=amount_cents, now=now
        )
        if not made:
            raise Invalid({"amount": TOO_LITTLE if amount_cents is None else AMOUNT})
        return made


async def by_plan(due: Due, *, now: datetime) -> list[int]:
    """Pay everything out that a plan's day is due for. Empty: too little, or that day was paid."""
    async with atomic() as tx:
        if await _known(tx, due.merchant_id, due.once):
            return []
        return await _make(
            tx, due.merchant_id, due.once, by="schedule", least_cents=due.least_cents, cents=None, now=now
        )


async def _known(tx: Tx, merchant_id: int, once: str) -> list[int]:
    """What was made for this already; the merchant's row is locked, so that two cannot make it at once."""
    await tx.execute("SELECT FROM merchants WHERE id = $1 FOR UPDATE", merchant_id)
    rows = await tx.fetch(
        "SELECT id FROM payouts WHERE merchant_id = $1 AND once LIKE $2 || ':%' ORDER BY id", merchant_id, once
    )
    return [row["id"] for row in rows]


async def _make(
    tx: Tx, merchant_id: int, once: str, *, by: str, least_cents: int, cents: int | None, now: datetime
) -> list[int]:
    fee = await tx.value("SELECT fee_cents FROM payout_plans WHERE merchant_id = $1", merchant_id) or 0
    parts = split(await ledger.owed_now(tx, merchant_id), fee_cents=fee, cents=cents)
    if sum(parts) < max(least_cents, LEAST_CENTS):
        return []
    made: list[int] = []
    for number, amount in enumerate(parts, start=1):
        payout_id: int = await tx.value(
            """INSERT INTO payouts (merchant_id, amount_cents, fee_cents, currency, wanted_by, once, created_at)
               VALUES ($1, $2, $3, (SELECT currency FROM merchants WHERE id = $1), $4, $5, $6) RETURNING id""",
            merchant_id,
            amount,
            fee,
            by,
            f"{once}:{number}",
            now,
        )
        entries = [
            Entry(Account.MERCHANT_PAYABLE, amount + fee), Entry(Account.PAYOUTS, -amount), Entry(Account.PAYOUT_FEES, -fee),
        ]  # fmt: skip
        await _book(tx, Kind.PAYOUT, entries, await _row(tx, payout_id), now=now)
        data = {"amount_cents": amount, "fee_cents": fee, "part": number}
        await note(tx, "payouts", payout_id, "wanted", merchant_id=merchant_id, at=now, actor=by, data=data)
        made.append(payout_id)
    faults.reach("payout.made")
    return made


def split(owed_cents: int, *, fee_cents: int, cents: int | None) -> list[int]:
    """The payments that pay this much (None: everything) out, each within M-Pesa's limits, the fee for each still covered by what
    is owed. Empty: it cannot be."""
    for count in range(1, max(1, owed_cents // LEAST_CENTS) + 1):
        there = (owed_cents - count * fee_cents) // 100 * 100
        total = there if cents is None else cents
        if total < LEAST_CENTS or total > there:
            return []
        if total <= count * MOST_CENTS:
            each, rest = divmod(total // 100, count)
            return [100 * (each + (1 if number < rest else 0)) for number in range(count)]
    return []


async def _book(tx: Tx, kind: Kind, entries: list[Entry], row: Record, *, now: datetime) -> None:
    await ledger.book(
        tx, kind, entries, merchant_id=row["merchant_id"], payment_id=None, receipt=f"payout:{row['id']}",
        currency=row["currency"], now=now,
    )  # fmt: skip


async def _row(tx: Tx, payout_id: int) -> Record:
    row = await tx.row("SELECT * FROM payouts WHERE id = $1 FOR UPDATE", payout_id)
    assert row is not None  # payouts are never deleted
    return row


async def set_out_due(*, now: datetime, limit: int = 100) -> int:
    """Give every payout that waits its transfer, as far as nothing holds it; returns how many. What holds it stands on its row."""
    rows = await DB.fetch(
        """SELECT p.id FROM payouts p WHERE p.status = 'wanted'
           AND NOT EXISTS (SELECT FROM transfers t WHERE t.payout_id = p.id AND t.status <> 'failed')
           ORDER BY p.id LIMIT $1""",
        limit,
    )
    if not rows:
        return 0
    broken = await invariants.breaches(now=now, besides=NOT_MONEY)
    if broken:
        log.error("payouts held", extra={"why": [breach.invariant for breach in broken]})
    done = 0
    for found in rows:
        async with atomic() as tx:
            row = await _row(tx, found["id"])
            done += row["status"] == "wanted" and await _set_out(tx, row, is_broken=bool(broken), now=now)
    return done


async def _set_out(tx: Tx, row: Record, *, is_broken: bool, now: datetime) -> bool:
    """Give it its transfer. False: held, and why stands on its row."""
    number = await numbers.live(tx, row["merchant_id"])
    account_id = await tx.value(
        "SELECT id FROM mpesa_accounts WHERE merchant_id IS NULL AND initiator_name <> '' ORDER BY id DESC LIMIT 1"
    )
    held = None
    if is_broken:
        held = "invariant"
    elif number is None:
        held = "number"
    elif number["usable_at"] > now:
        held = "cooling"
    elif account_id is None:
        held = "account"
    if held is not None or number is None or account_id is None:
        if held != row["held_why"]:
            await tx.execute("UPDATE payouts SET held_why = $2 WHERE id = $1", row["id"], held)
            await note(
                tx, "payouts", row["id"], "held", merchant_id=row["merchant_id"], at=now, actor="job:payouts",
                data={"why": held},
            )  # fmt: skip
        return False
    order = Order(
        kind="b2c", account_id=account_id, amount_cents=row["amount_cents"], merchant_id=row["merchant_id"],
        payout_id=row["id"], phone=number["phone"],
    )  # fmt: skip
    if await transfers.make(tx, order, now=now) is None:
        return False
    await tx.execute(
        "UPDATE payouts SET number_id = $2, held_why = NULL, last_error = NULL WHERE id = $1", row["id"], number["id"]
    )
    return True


async def heard(tx: Tx, news: News) -> None:
    """What became of its transfer (the step of `transfers.on_outcome`)."""
    row, now = await _row(tx, news.owner_id), news.now
    match news.became:
        case Became.SENDING:
            await move(tx, "payouts", row["id"], E.SUBMIT, at=now, actor="job:payouts", tries=row["tries"] + 1)
        case Became.UNKNOWN:
            await move(tx, "payouts", row["id"], E.LOSE, at=now, actor="mpesa", last_error=news.words)
        case Became.FAILED:
            await move(tx, "payouts", row["id"], E.FAIL, at=now, actor="mpesa", last_error=news.words)
        case Became.DONE:
            receipt = news.transfer["receipt_out"]
            data = {"receipt": receipt}
            if await move(
                tx, "payouts", row["id"], E.ARRIVE, at=now, actor="mpesa", data=data, done_at=now, receipt=receipt,
                last_error=None,
            ):  # fmt: skip
                cents = row["amount_cents"]
                entries = [Entry(Account.PAYOUTS, cents), Entry(Account.MPESA_CLEARING, -cents)]
                await _book(tx, Kind.PAYOUT_DONE, entries, row, now=now)


async def retry(actor: Actor, payout_id: int, *, now: datetime) -> None:
    """Send a failed payout again, to the number that counts now. Conflict: it did not fail, or may be on its way."""
    broken = bool(await invariants.breaches(now=now, besides=NOT_MONEY))

    async def step(tx: Tx, row: Record) -> None:
        if row["status"] != "failed":
            raise Conflict(DECIDED)
        await _set_out(tx, row, is_broken=broken, now=now)

    await _decide(actor, payout_id, step)


async def drop(actor: Actor, payout_id: int, *, now: datetime) -> None:
    """Do not pay it out: we owe it again. Conflict: it was sent."""

    async def step(tx: Tx, row: Record) -> None:
        by = f"user:{actor.user_id}"
        if not await transfers.take_back(tx, payout_id=payout_id, now=now, actor=by):
            raise Conflict(SENT)
        if not await move(tx, "payouts", row["id"], E.DROP, at=now, actor=by, held_why=None):
            raise Conflict(DECIDED)
        posting_id = await tx.value(
            "SELECT id FROM ledger_postings WHERE kind = 'payout' AND receipt = $1", f"payout:{payout_id}"
        )
        await ledger.reverse(tx, posting_id, why="payout dropped", now=now)

    await _decide(actor, payout_id, step)


async def _decide(actor: Actor, payout_id: int, step: Callable[[Tx, Record], Awaitable[None]]) -> None:
    merchant_id = actor.at_merchant()
    async with atomic() as tx:
        row = await tx.row(
            "SELECT * FROM payouts WHERE id = $1 AND merchant_id = $2 FOR UPDATE", payout_id, merchant_id
        )
        if row is None:
            raise NotFound
        rights.reader(actor)
        await step(tx, row)


transfers.on_outcome("payout", heard)
