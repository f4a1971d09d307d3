"""What happened to accounts, written down: bills, postings, dates, moves and access, a statement per kind for all of them.

Steps only: whoever calls holds the accounts in its transaction."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from portal import ledger, money
from portal.db import Tx
from portal.ledger import Account as Books
from portal.ledger import Entry, Kind, Posting
from portal.machines import E
from portal.states import move_all
from portal.subscribers import access, reminders
from portal.subscribers.accounts import Held
from portal.subscribers.course import Bill

Billed = tuple[Held, Bill]


async def keep(tx: Tx, helds: Sequence[Held], *, now: datetime, actor: str) -> None:
    """Write down what these accounts became. Once: an account that was kept must be read anew before more happens to it."""
    bills = [(held, bill) for held in helds for bill in held.account.bills]
    await _change_bills(tx, [each for each in bills if each[1].id is not None and _is_changed(each[1])])
    await _drop(tx, [each for each in bills if each[1].id is not None], now=now, actor=actor)
    born = [each for each in bills if each[1].id is None and each[1].status != "dropped"]
    await _write_bills(tx, born, now=now)
    await _pay(tx, bills, now=now, actor=actor)
    await _set_dates(tx, helds, now=now)
    for turn in range(max((len(held.account.moves) for held in helds), default=0)):
        await _move(tx, helds, turn, now=now, actor=actor)
    await access.follow(tx, helds, now=now, actor=actor)


def _is_changed(bill: Bill) -> bool:
    return bill.is_changed or bill.returned_cents > 0


async def _change_bills(tx: Tx, bills: Sequence[Billed]) -> None:
    """A bill that was paid before keeps its amount and says what went back; one that is owed, or is being paid, is made smaller."""
    await tx.execute(
        """UPDATE subscriber_bills b SET ends_on = c.ends_on, due_at = c.due_at,
             amount_cents = CASE WHEN b.status = 'paid' THEN b.amount_cents ELSE c.amount END,
             returned_cents = b.returned_cents + c.returned
           FROM unnest($1::bigint[], $2::date[], $3::timestamptz[], $4::bigint[], $5::bigint[])
             AS c (id, ends_on, due_at, amount, returned) WHERE b.id = c.id""",
        [bill.id for _, bill in bills],
        [bill.ends_on for _, bill in bills],
        [bill.due_at for _, bill in bills],
        [bill.amount_cents + bill.returned_cents for _, bill in bills],
        [bill.returned_cents for _, bill in bills],
    )


async def _drop(tx: Tx, bills: Sequence[Billed], *, now: datetime, actor: str) -> None:
    gone = [bill.id for _, bill in bills if bill.status == "dropped" and bill.was != "dropped" and bill.id is not None]
    if gone:
        await move_all(tx, "subscriber_bills", gone, E.DROP, at=now, actor=actor)


async def _write_bills(tx: Tx, bills: Sequence[Billed], *, now: datetime) -> None:
    """New bills, each owed at first. The unique key lets a period have one only."""
    if not bills:
        return
    ids = await tx.fetch("SELECT nextval('subscriber_bills_id_seq') AS id FROM generate_series(1, $1::int)", len(bills))
    for (held, bill), row in zip(bills, ids, strict=True):
        bill.id, bill.commission_bp = row["id"], held.commission_bp
    await tx.execute(
        """INSERT INTO subscriber_bills (id, merchant_id, subscriber_id, package_id, package_name, starts_on, ends_on, full_cents,
                                         amount_cents, returned_cents, currency, commission_bp, due_at, created_at)
           SELECT n.*, $14 FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::text[], $6::date[], $7::date[],
             $8::bigint[], $9::bigint[], $10::bigint[], $11::text[], $12::bigint[], $13::timestamptz[]) AS n""",
        [bill.id for _, bill in bills],
        [held.row["merchant_id"] for held, _ in bills],
        [held.id for held, _ in bills],
        [bill.offer.id for _, bill in bills],
        [bill.offer.name for _, bill in bills],
        [bill.starts_on for _, bill in bills],
        [bill.ends_on for _, bill in bills],
        [bill.full_cents for _, bill in bills],
        [bill.amount_cents + bill.returned_cents for _, bill in bills],
        [bill.returned_cents for _, bill in bills],
        [held.row["currency"] for held, _ in bills],
        [bill.commission_bp for _, bill in bills],
        [bill.due_at for _, bill in bills],
        now,
    )


async def _pay(tx: Tx, bills: Sequence[Billed], *, now: datetime, actor: str) -> None:
    """Bills the wallet paid, moved and booked, and what of bills went back. A database's unique key debits each bill once."""
    paid = [(held, bill) for held, bill in bills if bill.was == "due" and bill.status == "paid" and bill.id is not None]
    moved = await move_all(
        tx, "subscriber_bills", [bill.id or 0 for _, bill in paid], E.PAY, at=now, actor=actor, paid_at=now
    )
    if len(moved) != len(paid):
        raise RuntimeError("a bill was paid by somebody else while its subscriber was locked")
    debits = [_posting(held, bill, Kind.BILL, bill.amount_cents + bill.returned_cents, 0) for held, bill in paid]
    given = [
        _posting(held, bill, Kind.BILL_RETURN, bill.amount_cents, bill.amount_cents + bill.returned_cents)
        for held, bill in bills
        if bill.returned_cents and bill.id is not None
    ]
    await ledger.post_all(tx, [posting for posting in (*debits, *given) if posting.entries], now=now)


def _posting(held: Held, bill: Bill, kind: Kind, cents: int, before: int) -> Posting:
    """The wallet's and the shop's sides of a bill that costs `cents` now and was booked at `before`."""
    fee, rest = money.split(cents, bill.commission_bp)
    old_fee, old_rest = money.split(before, bill.commission_bp)
    entries = [
        Entry(Books.CUSTOMER_CREDIT, cents - before, held.row["credit_id"]),
        Entry(Books.MERCHANT_PAYABLE, old_rest - rest),
        Entry(Books.COMMISSION, old_fee - fee),
    ]
    last = max(bill.starts_on, bill.ends_on - timedelta(days=1))
    return Posting(
        kind=kind, entries=[entry for entry in entries if entry.cents], merchant_id=held.row["merchant_id"],
        bill_id=bill.id or 0, currency=held.row["currency"],
        note=f"{bill.offer.name[:60]}: {bill.starts_on:%d/%m/%Y} – {last:%d/%m/%Y}",
    )  # fmt: skip


async def _set_dates(tx: Tx, helds: Sequence[Held], *, now: datetime) -> None:
    accounts = [held.account for held in helds]
    await tx.execute(
        """UPDATE subscribers s SET package_id = n.package_id, next_package_id = n.next_package_id, price_cents = n.price_cents,
             next_bill_on = n.next_bill_on, paid_until_on = n.paid_until_on, access_until = n.access_until, next_at = n.next_at,
             remind_at = n.remind_at, is_held = n.is_held, billing_day = n.billing_day,
             terms = CASE WHEN s.package_id = n.package_id THEN s.terms ELSE (SELECT jsonb_strip_nulls(jsonb_build_object(
               'name', p.name, 'duration_s', p.duration_s, 'rate_down_kbps', p.rate_down_kbps, 'rate_up_kbps', p.rate_up_kbps,
               'devices', p.devices)) FROM packages p WHERE p.id = n.package_id) END
           FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::date[], $6::date[], $7::timestamptz[],
             $8::timestamptz[], $9::timestamptz[], $10::bool[], $11::int[]) AS n (id, package_id, next_package_id, price_cents,
             next_bill_on, paid_until_on, access_until, next_at, remind_at, is_held, billing_day) WHERE s.id = n.id""",
        [held.id for held in helds],
        [account.offer.id for account in accounts],
        [account.next_offer.id if account.next_offer else None for account in accounts],
        [account.offer.price_cents for account in accounts],
        [account.next_bill_on for account in accounts],
        [account.paid_until_on for account in accounts],
        [account.access_until for account in accounts],
        [account.next_at for account in accounts],
        [reminders.look_at(account, now) for account in accounts],
        [account.is_held for account in accounts],
        [account.billing_day for account in accounts],
    )


async def _move(tx: Tx, helds: Sequence[Held], turn: int, *, now: datetime, actor: str) -> None:
    """The `turn`-th thing that happened to the status of each."""
    turns = [(held.id, held.account.moves[turn]) for held in helds if len(held.account.moves) > turn]
    for event in sorted({event for _, event in turns}):
        ids = [subscriber_id for subscriber_id, what in turns if what is event]
        columns: dict[str, Any] = {E.CLOSE: {"closed_at": now}, E.REOPEN: {"closed_at": None}}.get(event, {})
        if len(await move_all(tx, "subscribers", ids, event, at=now, actor=actor, **columns)) != len(ids):
            raise RuntimeError("a subscriber was moved by somebody else while it was locked")
