"""The list of vouchers: found by what people type, narrowed by state, package, batch, router and day, page by page both ways.

A page costs the same among a thousand and a million: for each state wanted its newest are read from the end of an index, and of
those few the newest make the page. Reads only; no code is opened."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from enum import StrEnum

import msgspec

from portal import codes, phones, references
from portal.db import DB
from portal.identity import Actor
from portal.imports import entering
from portal.vault import Vault
from portal.voucher_entry import prefixes

PAGE_SIZE = 50
STATUSES = ("unsold", "paid", "in_use", "expired", "revoked")
_MOST_FOUND = 200
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Show(StrEnum):
    """Vouchers that belong together in a list."""

    UNSOLD = "unsold"
    PAID = "paid"
    IN_USE = "in_use"
    ENDED = "ended"
    REVOKED = "revoked"


_OF_SHOW = {Show.ENDED: ("expired",)}


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """Which vouchers are listed; what is None does not matter. `made_*` and `ended_*`: since inclusive, until exclusive. With days of
    ending the list is in the order of those."""

    show: Show | None = None
    package_id: int | None = None
    batch_id: int | None = None
    router_id: int | None = None
    made_since: datetime | None = None
    made_until: datetime | None = None
    ended_since: datetime | None = None
    ended_until: datetime | None = None

    @property
    def statuses(self) -> Sequence[str]:
        """What the vouchers may stand at."""
        if self.show is not None:
            return _OF_SHOW.get(self.show, (self.show.value,))
        return ("expired", "revoked") if self.is_by_end else STATUSES

    @property
    def is_by_end(self) -> bool:
        """Whether it is about vouchers that ended in certain days."""
        return self.ended_since is not None or self.ended_until is not None


class VoucherLine(msgspec.Struct, frozen=True, kw_only=True):
    """One voucher of the list. `at`: when it was made, or ended where the list is about that."""

    id: int
    reference: str
    status: str
    package: str
    price_cents: int
    batch_id: int | None
    at: datetime


class VoucherList(msgspec.Struct, frozen=True, kw_only=True):
    """A page, newest first. `newer` and `older` are where its neighbours begin, None at the ends."""

    lines: list[VoucherLine]
    newer: str | None
    older: str | None


class _Question:
    """A statement in the making: conditions, and the values they name."""

    def __init__(self) -> None:
        self.values: list[object] = []
        self.conditions: list[str] = []

    def add(self, condition: str, value: object) -> None:
        """A condition with one place for a value, written {}."""
        self.conditions.append(condition.format(self.value(value)))

    def value(self, value: object) -> str:
        """A value's place in the statement."""
        self.values.append(value)
        return f"${len(self.values)}"


async def look(
    actor: Actor, wanted: Wanted, *, before: str = "", after: str = "", most: int = PAGE_SIZE
) -> VoucherList:
    """A page: the newest, those before a place, or those after one (see `place`). What is no place is the beginning."""
    back, on = _read(after), _read(before)
    sql, values = _page(actor.at_merchant(), wanted, place=back or on, is_back=back is not None, most=most + 1)
    rows = await DB.fetch(sql, *values)
    has_more = len(rows) > most
    lines = [VoucherLine(**dict(row)) for row in rows[:most]]
    if back:
        lines.reverse()
    has_newer, has_older = (has_more, True) if back else (on is not None, has_more)
    return VoucherList(
        lines=lines,
        newer=place(lines[0]) if lines and has_newer else None,
        older=place(lines[-1]) if lines and has_older else None,
    )


def _page(
    merchant_id: int, wanted: Wanted, *, place: tuple[datetime, int] | None, is_back: bool, most: int
) -> tuple[str, list[object]]:
    """The statement of a page and its values."""
    asked, at = _Question(), "ended_at" if wanted.is_by_end else "created_at"
    sign, order = (">", "ASC") if is_back else ("<", "DESC")
    _narrow(asked, merchant_id, wanted)
    in_order = f"o.id {order}" if wanted.batch_id is not None else f"o.{at} {order}, o.id {order}"
    outer = in_order.replace(f"o.{at} ", "o.at ")
    if place is not None and wanted.batch_id is not None:
        asked.add(f"o.id {sign} {{}}", place[1])
    elif place is not None:
        asked.conditions.append(f"(o.{at}, o.id) {sign} ({asked.value(place[0])}, {asked.value(place[1])})")
    statuses, limit = asked.value(list(wanted.statuses)), asked.value(most)
    # A batch's index holds no moment, and its order needs none.
    shown = "o.id" if wanted.batch_id is not None else f"o.id, o.{at} AS at"
    chosen, narrowed = f"SELECT {shown} FROM vouchers o", " AND ".join(asked.conditions)
    if wanted.batch_id is not None or wanted.is_by_end:
        found = f"{chosen} WHERE o.status = ANY({statuses}) AND {narrowed} ORDER BY {in_order} LIMIT {limit}"
    else:
        found = f"""SELECT o.* FROM unnest({statuses}::text[]) AS s (status) CROSS JOIN LATERAL (
                      {chosen} WHERE o.status = s.status AND {narrowed} ORDER BY {in_order} LIMIT {limit}) o
                    ORDER BY {outer} LIMIT {limit}"""
    return (
        f"""SELECT v.id, v.payment_reference AS reference, v.status, v.terms ->> 'name' AS package, v.price_cents, v.batch_id,
                   v.{at} AS at
            FROM ({found}) o JOIN vouchers v ON v.id = o.id ORDER BY {outer}""",
        asked.values,
    )


def _narrow(asked: _Question, merchant_id: int, wanted: Wanted) -> None:
    """The conditions that do not depend on the place in the list."""
    merchant = asked.value(merchant_id)
    # Whose a package, router or batch is, is asked once and not of each voucher: the planner takes the two for independent, and would
    # read all of the merchant's.
    scopes = {
        f"o.{name}_id = (SELECT id FROM {table} WHERE id = {{}} AND merchant_id = {merchant})": value
        for name, table, value in (
            ("batch", "batches", wanted.batch_id), ("package", "packages", wanted.package_id),
            ("router", "routers", wanted.router_id),
        ) if value is not None
    }  # fmt: skip
    if not scopes:
        asked.conditions.append(f"o.merchant_id = {merchant}")
    for condition, value in (
        *scopes.items(),
        ("o.created_at >= {}", wanted.made_since), ("o.created_at < {}", wanted.made_until),
        ("o.ended_at >= {}", wanted.ended_since), ("o.ended_at < {}", wanted.ended_until),
    ):  # fmt: skip
        if value is not None:
            asked.add(condition, value)


def place(line: VoucherLine) -> str:
    """Where a line stands, for addresses."""
    return f"{(line.at - _EPOCH) // timedelta(microseconds=1):x}-{line.id:x}"


def _read(text: str) -> tuple[datetime, int] | None:
    moment, _, row_id = text.partition("-")
    try:
        at, found = int(moment, 16), int(row_id, 16)
        return (_EPOCH + timedelta(microseconds=at), found) if 0 < found < 2**63 and at > 0 else None
    except (ValueError, OverflowError):
        return None


async def find(actor: Actor, typed: str, *, vault: Vault) -> list[VoucherLine]:
    """The merchant's vouchers that what was typed may mean, newest first, two hundred at most: a whole code (with or without its
    prefix), a payment reference, the phone that paid, or a part of a batch's note."""
    merchant_id = actor.at_merchant()
    text = typed.replace("\0", "").strip()[:80]
    if not text:
        return []
    try:
        phone = phones.parse_phone(text)
    except phones.PhoneError:
        phone = ""
    rows = await DB.fetch(
        _FIND,
        merchant_id,
        await _hashes(merchant_id, text, vault),
        references.readings(text),
        phone,
        "".join(f"\\{char}" if char in "\\%_" else char for char in text),
        _MOST_FOUND,
    )
    return [VoucherLine(**dict(row)) for row in rows]


_FIND = """
SELECT v.id, v.payment_reference AS reference, v.status, v.terms ->> 'name' AS package, v.price_cents, v.batch_id,
       v.created_at AS at
FROM vouchers v WHERE v.merchant_id = $1 AND v.id IN (
  SELECT id FROM vouchers WHERE merchant_id = $1 AND code_hash = ANY($2)
  UNION SELECT id FROM vouchers WHERE merchant_id = $1 AND payment_reference = ANY($3)
  UNION SELECT coalesce(p.voucher_id, c.voucher_id) FROM payments p LEFT JOIN checkouts c ON c.id = p.checkout_id
        WHERE p.merchant_id = $1 AND p.phone = $4 AND $4 <> ''
  UNION (SELECT o.id FROM batches b JOIN vouchers o ON o.batch_id = b.id
         WHERE b.merchant_id = $1 AND b.note ILIKE '%' || $5 || '%' ORDER BY b.id DESC, o.id DESC LIMIT $6))
ORDER BY v.id DESC LIMIT $6"""


async def _hashes(merchant_id: int, text: str, vault: Vault) -> list[bytes]:
    brought = await entering.find(merchant_id, text, vault=vault)
    try:
        return [*vault.code_hashes(codes.fold_prefixed(text, await prefixes(merchant_id))), *brought]
    except codes.CodeError:
        return [*brought]
