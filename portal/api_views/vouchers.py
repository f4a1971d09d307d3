"""Vouchers and batches for programs. A code is there only for whoever may see codes, and only while it works."""

from collections.abc import AsyncGenerator, Sequence
from datetime import datetime
from typing import Any

import msgspec
from asyncpg import Record

from portal.api_views.cursors import NEWEST, After, micros, moment
from portal.db import DB
from portal.errors import NotFound
from portal.identity import Actor
from portal.states import VoucherStatus
from portal.vault import Vault, VaultError

_EXPORTED_AT_ONCE = 500


class Voucher(msgspec.Struct, frozen=True, kw_only=True):
    """A voucher. `code`: only with the scope vouchers:codes, while it is paid or in use, and for cards sold for cash before that.
    `router_id`: where it was first used or bought. Moments in UTC, money in cents of the merchant's currency."""

    id: int
    payment_reference: str
    code: str | None
    status: str
    package_id: int
    package: str
    price_cents: int
    currency: str
    batch_id: int | None
    router_id: int | None
    created_at: datetime
    paid_at: datetime | None
    started_at: datetime | None
    expires_at: datetime | None
    ended_at: datetime | None
    ended_why: str | None


class Batch(msgspec.Struct, frozen=True, kw_only=True):
    """Vouchers made together. `made` of `size` are there; `done_at` null: the rest is still being made. `router_ids` empty: all."""

    id: int
    package_id: int
    package: str
    kind: str
    size: int
    made: int
    prefix: str
    note: str
    router_ids: list[int]
    created_at: datetime
    done_at: datetime | None
    cancelled_at: datetime | None


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """Which vouchers; what is None does not matter. `router_id`: bought or used there, or made for it alone."""

    status: str | None = None
    package_id: int | None = None
    batch_id: int | None = None
    router_id: int | None = None
    reference: str | None = None


EVERYTHING = Wanted()

_COLUMNS = """v.id, v.payment_reference, v.code_sealed, v.status, v.package_id, v.terms ->> 'name' AS package, v.price_cents, m.currency,
              v.batch_id, v.router_id, v.created_at, v.paid_at, v.started_at, v.expires_at, v.ended_at, v.ended_why,
              coalesce(b.kind, '') AS batch_kind"""
# A walk per status down its own index, merged: whatever the filters, no page reads more than a page's rows of each.
_LIST = f"""
SELECT {_COLUMNS} FROM unnest($2::text[]) s CROSS JOIN LATERAL (
  SELECT v.* FROM vouchers v WHERE v.merchant_id = $1 AND v.status = s AND (v.created_at, v.id) < ($3, $4)
  AND ($6::bigint IS NULL OR v.package_id = $6) AND ($7::bigint IS NULL OR v.batch_id = $7)
  AND ($8::bigint IS NULL OR v.router_id = $8
       OR v.batch_id IN (SELECT id FROM batches WHERE merchant_id = $1 AND router_ids = ARRAY[$8::bigint]))
  AND ($9::text IS NULL OR v.payment_reference = $9)
  ORDER BY v.created_at DESC, v.id DESC LIMIT $5) v
JOIN merchants m ON m.id = v.merchant_id LEFT JOIN batches b ON b.id = v.batch_id
ORDER BY v.created_at DESC, v.id DESC LIMIT $5"""
_STATUSES = [str(status) for status in VoucherStatus]


async def vouchers(
    actor: Actor, wanted: Wanted, *, after: After, most: int, vault: Vault | None
) -> tuple[list[Voucher], After | None]:
    """A page, the newest first, and where the next one begins. `vault` None: without codes."""
    rows = await _rows(actor.at_merchant(), wanted, after=after, most=most + 1)
    found = [_voucher(row, vault) for row in rows[:most]]
    last = rows[most - 1] if len(rows) > most else None
    return found, None if last is None else After(micros(last["created_at"]), last["id"])


async def _rows(merchant_id: int, wanted: Wanted, *, after: After, most: int) -> Sequence[Record]:
    return await DB.fetch(
        _LIST, merchant_id, [wanted.status] if wanted.status else _STATUSES, moment(after),
        after.id, most, wanted.package_id, wanted.batch_id, wanted.router_id, wanted.reference,
    )  # fmt: skip


async def every(actor: Actor, wanted: Wanted, *, vault: Vault | None) -> AsyncGenerator[list[Voucher]]:
    """All of them, some hundred at a time: memory stays the same however many there are."""
    after = NEWEST
    while True:
        rows = await _rows(actor.at_merchant(), wanted, after=after, most=_EXPORTED_AT_ONCE)
        if rows:
            yield [_voucher(row, vault) for row in rows]
        if len(rows) < _EXPORTED_AT_ONCE:
            return
        after = After(micros(rows[-1]["created_at"]), rows[-1]["id"])


async def voucher(actor: Actor, voucher_id: int, *, vault: Vault | None) -> Voucher:
    """One; NotFound for another merchant's."""
    row = await DB.row(
        f"""SELECT {_COLUMNS} FROM vouchers v JOIN merchants m ON m.id = v.merchant_id LEFT JOIN batches b ON b.id = v.batch_id
            WHERE v.id = $1 AND v.merchant_id = $2""",
        voucher_id,
        actor.at_merchant(),
    )
    if row is None:
        raise NotFound
    return _voucher(row, vault)


def _voucher(row: Record, vault: Vault | None) -> Voucher:
    values: dict[str, Any] = {name: row[name] for name in Voucher.__struct_fields__ if name != "code"}
    return Voucher(code=_code(row, vault), **values)


def _code(row: Record, vault: Vault | None) -> str | None:
    is_card = row["status"] == "unsold" and row["batch_kind"] == "cash"
    if vault is None or not (is_card or row["status"] in ("paid", "in_use")):
        return None
    try:
        return vault.open("vouchers", "code_sealed", row_id=row["id"], sealed=row["code_sealed"])
    except VaultError:  # the list has more to say than this one code
        return None


async def batch(actor: Actor, batch_id: int) -> Batch:
    """One batch; NotFound for another merchant's."""
    row = await DB.row(
        """SELECT b.id, b.package_id, p.name AS package, b.kind, b.size, b.made, b.prefix, b.note, b.router_ids, b.created_at,
                  b.done_at, b.cancelled_at
           FROM batches b JOIN packages p ON p.id = b.package_id WHERE b.id = $1 AND b.merchant_id = $2""",
        batch_id,
        actor.at_merchant(),
    )
    if row is None:
        raise NotFound
    return Batch(**dict(row))
