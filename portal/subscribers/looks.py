"""Subscribers as people see them: the list, one with all that is known, the wallet's statement. Reads only."""

from collections.abc import Sequence
from datetime import date, datetime
from zoneinfo import ZoneInfo

import msgspec
from asyncpg import Record

from portal import codes, phones
from portal.db import DB, atomic
from portal.errors import NotFound
from portal.identity import Actor
from portal.subscribers.accounts import Held, hold_one
from portal.subscribers.course import advance, to_pay

PAGE_SIZE = 50


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """A line of the list. `wallet_cents` is the wallet's sum; `paid_until_on` the first day that is not paid for."""

    id: int
    name: str
    phone: str
    account_number: str
    kind: str
    status: str
    package: str
    router: str
    paid_until_on: date
    wallet_cents: int
    currency: str


class Listed(msgspec.Struct, frozen=True, kw_only=True):
    """A page of the list, the newest first; `older` is where the next begins, None on the last."""

    lines: list[Line]
    older: int | None


_COLUMNS = """s.id, s.name, s.phone, s.account_number, s.kind, s.status, s.paid_until_on, p.name AS package, r.name AS router,
       m.currency, (SELECT coalesce(-sum(e.amount_cents), 0)::bigint FROM ledger_entries e
                    WHERE e.credit_id = s.credit_id) AS wallet_cents"""
_FROM = """FROM subscribers s JOIN packages p ON p.id = s.package_id JOIN routers r ON r.id = s.router_id
JOIN merchants m ON m.id = s.merchant_id"""
_LIST = f"""SELECT {_COLUMNS} {_FROM}
WHERE s.merchant_id = $1 AND s.id < $2 AND ($4 = '' OR s.status = $4) AND ($4 <> '' OR $5 <> '' OR s.status <> 'closed')
AND ($5 = '' OR s.name ILIKE $6 OR s.phone = $7 OR s.account_number = $8 OR s.user_name = $5)
ORDER BY s.id DESC LIMIT $3"""


async def latest(actor: Actor, *, show: str = "", q: str = "", before: int | None = None) -> Listed:
    """The merchant's subscribers: of one status, or all that are not closed; `q` is part of a name, a phone number, an account
    number or a user name as people type them."""
    text = q.strip()[:80]
    part = "%" + text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"
    rows = await DB.fetch(
        _LIST, actor.at_merchant(), before or 2**63 - 1, PAGE_SIZE + 1, show, text, part, _phone(text), _account(text)
    )
    lines = [_line(row) for row in rows[:PAGE_SIZE]]
    return Listed(lines=lines, older=lines[-1].id if len(rows) > PAGE_SIZE else None)


def _phone(text: str) -> str:
    try:
        return phones.parse_phone(text)
    except phones.PhoneError:
        return "-"


def _account(text: str) -> str:
    try:
        return codes.fold_reference(text)
    except codes.CodeError:
        return "-"


def _line(row: Record) -> Line:
    return Line(**{name: row[name] for name in Line.__struct_fields__})


class Billed(msgspec.Struct, frozen=True, kw_only=True):
    """A bill: what it costs now, what of it went back, and the days it covers, without the last."""

    id: int
    package: str
    starts_on: date
    ends_on: date
    cents: int
    returned_cents: int
    status: str
    due_at: datetime


class FamilyDevice(msgspec.Struct, frozen=True, kw_only=True):
    """A device of the family."""

    id: int
    mac: str
    name: str
    added_at: datetime


class Full(msgspec.Struct, frozen=True, kw_only=True):
    """One subscriber with everything. `missing_cents` is what is to be paid to be let in or stay so; `next_cents` what the next
    bill will ask for beyond what is in the wallet, on `next_bill_on`; `access_until` None: it is over."""

    line: Line
    merchant_id: int
    shop: str
    shortcode: str
    help_phone: str
    zone: ZoneInfo
    language: str
    price_cents: int
    next_package: str
    billing_day: int
    grace_days: int
    is_held: bool
    why: str
    user_name: str
    voucher_id: int | None
    package_id: int
    router_id: int
    owed_cents: int
    missing_cents: int
    next_cents: int
    next_bill_on: date | None
    access_until: datetime | None
    devices_most: int
    bills: list[Billed]
    devices: list[FamilyDevice]
    link_round: int
    created_at: datetime


async def one(actor: Actor, subscriber_id: int, *, now: datetime) -> Full:
    """One of the actor's merchant; NotFound otherwise."""
    owner = await DB.value("SELECT merchant_id FROM subscribers WHERE id = $1", subscriber_id)
    if owner is None or owner != actor.at_merchant():
        raise NotFound
    return await full(subscriber_id, now=now)


async def full(subscriber_id: int, *, now: datetime) -> Full:
    """One, whoever asks: for whoever holds its signed link. NotFound: there is none. Nothing is changed by looking."""
    row = await DB.row(_FULL, subscriber_id)
    if row is None:
        raise NotFound
    bills = await DB.fetch(
        """SELECT id, package_name AS package, starts_on, ends_on, amount_cents - returned_cents AS cents, returned_cents,
                  status, due_at FROM subscriber_bills WHERE subscriber_id = $1 ORDER BY id DESC LIMIT 24""",
        subscriber_id,
    )
    devices = await DB.fetch(
        "SELECT id, mac, name, added_at FROM subscriber_devices WHERE subscriber_id = $1 AND removed_at IS NULL ORDER BY id",
        subscriber_id,
    )
    async with atomic() as tx:
        held = await hold_one(tx, subscriber_id, now=now)
    return _full(row, held, bills, devices, now=now)


_FULL = f"""
SELECT {_COLUMNS}, s.merchant_id, s.language, s.price_cents, s.billing_day, s.grace_days, s.is_held, s.why, s.user_name, s.voucher_id,
       s.package_id, s.router_id, s.link_round, s.created_at, m.name AS shop, m.timezone, m.help_phone,
       coalesce((s.terms ->> 'devices')::int, 1) AS devices_most,
       coalesce((SELECT a.shortcode FROM mpesa_accounts a WHERE a.merchant_id = m.id OR a.merchant_id IS NULL
                 ORDER BY a.merchant_id NULLS LAST, a.id DESC LIMIT 1), '') AS shortcode
{_FROM} WHERE s.id = $1"""


def _full(row: Record, held: Held, bills: Sequence[Record], devices: Sequence[Record], *, now: datetime) -> Full:
    account = held.account
    advance(account, now)  # as it stands once the work of this moment is done
    same = {
        name: row[name]
        for name in (
            "merchant_id", "shop", "shortcode", "help_phone", "language", "price_cents", "billing_day", "grace_days",
            "is_held", "why", "user_name", "voucher_id", "package_id", "router_id", "devices_most", "link_round", "created_at",
        )
    }  # fmt: skip
    coming = (account.next_offer or account.offer).price_cents
    return Full(
        line=_line(row),
        zone=ZoneInfo(row["timezone"]),
        next_package=account.next_offer.name if account.next_offer else "",
        owed_cents=account.owed_cents,
        missing_cents=to_pay(account, now),
        next_cents=max(0, coming - account.wallet_cents),
        next_bill_on=account.next_bill_on,
        access_until=account.access_until,
        bills=[Billed(**dict(bill)) for bill in bills],
        devices=[FamilyDevice(**dict(device)) for device in devices],
        **same,
    )


class Moved(msgspec.Struct, frozen=True, kw_only=True):
    """A line of the wallet's statement: what came in (positive) or was taken, and what was in it afterwards."""

    id: int
    at: datetime
    kind: str
    note: str
    receipt: str
    cents: int
    balance_cents: int


_STATEMENT = """
SELECT * FROM (
  SELECT e.id, l.created_at AS at, l.kind, CASE WHEN l.bill_id IS NULL THEN '' ELSE l.note END AS note,
         coalesce(l.receipt, p.receipt, '') AS receipt, -e.amount_cents AS cents,
         (-sum(e.amount_cents) OVER (ORDER BY e.id))::bigint AS balance_cents
  FROM ledger_entries e JOIN ledger_postings l ON l.id = e.posting_id LEFT JOIN payments p ON p.id = l.payment_id
  WHERE e.credit_id = (SELECT credit_id FROM subscribers WHERE id = $1)) lines
WHERE id < $2 ORDER BY id DESC LIMIT $3"""


async def statement(subscriber_id: int, *, before: int | None = None, most: int = PAGE_SIZE) -> list[Moved]:
    """The wallet's movements, the newest first, from below the id `before` on. For who has seen the subscriber already."""
    rows = await DB.fetch(_STATEMENT, subscriber_id, before or 2**63 - 1, most)
    return [Moved(**dict(row)) for row in rows]


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """A request for money to a phone, as it stands."""

    id: int
    status: str
    cents: int
    at: datetime
    result_code: str


async def last_asked(subscriber_id: int) -> Asked | None:
    """The newest request to a phone for this subscriber."""
    row = await DB.row(
        """SELECT id, status, amount_cents AS cents, created_at AS at, coalesce(result_code, '') AS result_code
           FROM payments WHERE subscriber_id = $1 AND method = 'stk' ORDER BY id DESC LIMIT 1""",
        subscriber_id,
    )
    return Asked(**dict(row)) if row else None
