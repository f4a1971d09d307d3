"""What a merchant keeps of one customer, found by a phone number: shown as counts, saved as a file, and what stands in the way of
erasing it. Money that is open comes first; sums and receipt numbers stay whatever is erased."""

import hashlib
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import msgspec
from asyncpg import Record

from portal import spreadsheets
from portal.customer_credits import of_phone
from portal.db import DB
from portal.errors import Invalid
from portal.msgid import N_
from portal.phones import PhoneError, parse_phone
from portal.privacy.contents import cell, columns_of

Fetch = Callable[..., Awaitable[list[Record]]]
KINDS = {
    "payments": N_("Payments"),
    "receipts": N_("Receipts of money"),
    "checkouts": N_("Purchases on a phone"),
    "vouchers": N_("Vouchers"),
    "hotspot_sessions": N_("Times online"),
    "devices": N_("Devices"),
    "messages": N_("Messages sent"),
    "message_stops": N_("Wishes for no messages"),
    "subscribers": N_("Subscribers"),
    "subscriber_bills": N_("Bills"),
    "redemptions": N_("Promo codes used"),
    "refunds": N_("Refunds"),
    "credits": N_("Money kept"),
}
#: Kind → its rows: $1 merchant, $2 phone, $3 payments, $4 receipts, $5 checkouts, $6 vouchers, $7 subscribers, $8 holder.
_ROWS = {
    "payments": "t.id = ANY($3::bigint[])", "receipts": "t.id = ANY($4::bigint[])", "checkouts": "t.id = ANY($5::bigint[])",
    "vouchers": "t.id = ANY($6::bigint[])", "subscribers": "t.id = ANY($7::bigint[])",
    "hotspot_sessions": "t.grant_id IN (SELECT id FROM access_grants WHERE voucher_id = ANY($6::bigint[]))",
    "devices": "t.id IN (SELECT device_id FROM device_vouchers WHERE voucher_id = ANY($6::bigint[]))",
    "messages": "t.recipient = $2", "message_stops": "t.phone = $2",
    "subscriber_bills": "t.subscriber_id = ANY($7::bigint[])",
    "redemptions": "(t.phone = $2 OR t.checkout_id = ANY($5::bigint[]))",
    "refunds": "(t.phone = $2 OR t.receipt_id = ANY($4::bigint[]))", "credits": "t.holder = $8",
}  # fmt: skip


class Person(msgspec.Struct, frozen=True, kw_only=True):
    """Rows of a merchant's that lead to one number (E.164 digits)."""

    merchant_id: int
    phone: str
    payments: Sequence[int]
    receipts: Sequence[int]
    checkouts: Sequence[int]
    vouchers: Sequence[int]
    subscribers: Sequence[int]

    @property
    def hashed(self) -> str:
        """As M-Pesa tells it on some roads: SHA-256 in hex."""
        return hashlib.sha256(self.phone.encode()).hexdigest()

    @property
    def args(self) -> tuple[Any, ...]:
        """$1 to $8."""
        lists = self.payments, self.receipts, self.checkouts, self.vouchers, self.subscribers
        return self.merchant_id, self.phone, *lists, of_phone(self.phone)


class Hindrance(msgspec.Struct, frozen=True):
    """Why nothing is erased yet, and where that is settled."""

    words: str
    path: str


def parsed(typed: str) -> str:
    """A typed number, as it is kept. Invalid at `phone`."""
    try:
        return parse_phone(typed)
    except PhoneError as error:
        raise Invalid({"phone": str(error)}) from error


async def person_of(merchant_id: int, phone: str, *, fetch: Fetch = DB.fetch) -> Person:
    """Everything of the merchant's that leads to this number."""

    async def ids(sql: str, *more: object) -> list[int]:
        return [row[0] for row in await fetch(sql, merchant_id, *more)]

    checkouts = await ids("SELECT id FROM checkouts WHERE merchant_id = $1 AND phone = $2", phone)
    payments = await ids(
        "SELECT id FROM payments WHERE merchant_id = $1 AND (phone = $2 OR checkout_id = ANY($3::bigint[]))",
        phone,
        checkouts,
    )
    hashed = hashlib.sha256(phone.encode()).hexdigest()
    receipts = await ids(
        "SELECT id FROM receipts WHERE merchant_id = $1 AND (phone = $2 OR lower(payer_hint) = $3 OR payment_id = ANY($4::bigint[]))",
        phone, hashed, payments,
    )  # fmt: skip
    payments = await ids(
        """SELECT id FROM payments WHERE merchant_id = $1 AND (id = ANY($2::bigint[])
           OR id IN (SELECT payment_id FROM receipts WHERE id = ANY($3::bigint[])))""",
        payments, receipts,
    )  # fmt: skip
    checkouts = await ids(
        """SELECT id FROM checkouts WHERE merchant_id = $1 AND (id = ANY($2::bigint[])
           OR id IN (SELECT checkout_id FROM payments WHERE id = ANY($3::bigint[])))""",
        checkouts, payments,
    )  # fmt: skip
    subscribers = await ids("SELECT id FROM subscribers WHERE merchant_id = $1 AND phone = $2", phone)
    vouchers = await ids(
        """SELECT id FROM vouchers WHERE merchant_id = $1 AND id IN (
             SELECT voucher_id FROM payments WHERE id = ANY($2::bigint[])
             UNION SELECT voucher_id FROM checkouts WHERE id = ANY($3::bigint[])
             UNION SELECT voucher_id FROM subscribers WHERE id = ANY($4::bigint[])
             UNION SELECT (params ->> 'voucher_id')::bigint FROM messages WHERE merchant_id = $1 AND recipient = $5)""",
        payments, checkouts, subscribers, phone,
    )  # fmt: skip
    return Person(
        merchant_id=merchant_id, phone=phone, payments=payments, receipts=receipts, checkouts=checkouts, vouchers=vouchers,
        subscribers=subscribers,
    )  # fmt: skip


async def counts(person: Person, *, fetch: Fetch = DB.fetch) -> dict[str, int]:
    """How many rows there are of each kind, of which there are any."""
    parts = [f"SELECT '{kind}' AS kind, (SELECT count(*) {_from(kind)}) AS rows" for kind in KINDS]
    rows = await fetch(" UNION ALL ".join(parts), *person.args)
    return {row["kind"]: row["rows"] for row in rows if row["rows"]}


def _from(kind: str) -> str:
    # All eight are named, so that each query takes the same.
    named = "($2::text, $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[], $8::text) IS NOT NULL"
    return f"FROM {kind} t WHERE t.merchant_id = $1 AND {_ROWS[kind]} AND {named}"


async def file(person: Person) -> str:
    """All of it as CSV: kind, number of the row, column, value. Money in cents, moments in UTC."""
    lines: list[Sequence[object]] = [("kind", "id", "column", "value")]
    for kind in KINDS:
        names = columns_of(kind)
        chosen = ", ".join(f't."{name}"' for name in names)
        for row in await DB.fetch(f"SELECT {chosen} {_from(kind)} ORDER BY t.id", *person.args):
            lines += [(kind, row["id"], name, cell(row[name])) for name in names[1:] if row[name] not in (None, "")]
    return spreadsheets.MARK + spreadsheets.table(lines)


_HINDRANCES: tuple[tuple[str, str, str], ...] = (
    (
        N_("A subscriber with this number is not closed. Close it first."), "/subscribers/{}",
        "SELECT id FROM subscribers WHERE id = ANY($7::bigint[]) AND status <> 'closed'",
    ),
    (
        N_("A bill is not paid. Take the money, or let the bill go, first."), "/subscribers/{}",
        "SELECT subscriber_id FROM subscriber_bills WHERE subscriber_id = ANY($7::bigint[]) AND status = 'due'",
    ),
    (
        N_("Money is kept for this number in a subscriber's wallet. Give it back first."), "/subscribers/{}",
        """SELECT s.id FROM subscribers s WHERE s.id = ANY($7::bigint[])
           AND (SELECT sum(amount_cents) FROM ledger_entries WHERE credit_id = s.credit_id) <> 0""",
    ),
    (
        N_("Money is kept for this number. Let the customer use it, or give it back, first."), "/search",
        """SELECT c.id FROM credits c WHERE c.merchant_id = $1 AND c.holder = $8
           AND (SELECT sum(amount_cents) FROM ledger_entries WHERE credit_id = c.id) <> 0""",
    ),
    (
        N_("A payment is not decided yet. Wait for M-PESA, or look into it, first."), "/payments/{}",
        """SELECT id FROM payments WHERE id = ANY($3::bigint[])
           AND status IN ('created', 'submitting', 'pending', 'unknown', 'refund_pending')""",
    ),
    (
        N_("Money that came in is nobody's yet. Decide on it first."), "/suspense",
        """SELECT s.id FROM suspense s WHERE (s.receipt_id = ANY($4::bigint[])) AND s.status IN ('open', 'refunding')""",
    ),
    (
        N_("A refund is not finished. Finish it first."), "/refunds/{}",
        """SELECT id FROM refunds WHERE merchant_id = $1 AND (phone = $2 OR receipt_id = ANY($4::bigint[]))
           AND status IN ('wanted', 'approved', 'sending', 'unknown')""",
    ),
    (
        N_("A voucher of this number is still good. Wait until it ends, or take it back, first."), "/vouchers/{}",
        "SELECT id FROM vouchers WHERE id = ANY($6::bigint[]) AND status IN ('paid', 'in_use')",
    ),
    (
        N_("A customer's question about a payment is open. Answer it first."), "/suspense",
        "SELECT id FROM claims WHERE checkout_id = ANY($5::bigint[]) AND status = 'open'",
    ),
    (
        N_("A message to this number is on its way. Try again in some minutes."), "/messages",
        "SELECT id FROM messages WHERE merchant_id = $1 AND recipient = $2 AND status IN ('queued', 'sending')",
    ),
    (
        N_("News from M-PESA about a payment is being taken in. Try again in some minutes."), "/payments",
        "SELECT id FROM callbacks WHERE payment_id = ANY($3::bigint[]) AND handled_at IS NULL",
    ),
    (
        N_("This is a number of your shop's own: for help, for payouts, for messages to you, or an agent's. Change it first."), "/settings",
        """SELECT $1 WHERE $2 IN (SELECT help_phone FROM merchants WHERE id = $1 UNION SELECT shop_phone FROM message_settings
             WHERE merchant_id = $1 UNION SELECT phone FROM payout_numbers WHERE merchant_id = $1
             UNION SELECT phone FROM agents WHERE merchant_id = $1)""",
    ),
)  # fmt: skip


async def hindrances(person: Person, *, fetch: Fetch = DB.fetch) -> list[Hindrance]:
    """What has to be settled before this number is erased; the first of each kind."""
    found: list[Hindrance] = []
    named = "($1::bigint, $2::text, $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[], $8::text) IS NOT NULL"
    for words, path, sql in _HINDRANCES:
        rows = await fetch(f"WITH these AS (SELECT WHERE {named}) SELECT * FROM ({sql}) x LIMIT 1", *person.args)
        found += [Hindrance(words, path.format(row[0])) for row in rows]
    return found
