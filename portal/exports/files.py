"""The files: vouchers, batches, events. What each line says, in the language of whoever saves it.

Codes stand only in the file of a batch's codes, which is asked for by a form and written down."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from datetime import datetime
from functools import partial
from zoneinfo import ZoneInfo

import msgspec
from asyncpg import Record

from portal import codes
from portal.db import DB
from portal.errors import Forbidden
from portal.exports.paging import PAGE, lines
from portal.identity import Actor, Role
from portal.msgid import N_
from portal.vault import Vault
from portal.voucher_lists import Wanted

ONLY_MANAGERS = N_("Only the owner or a manager can save this list.")
_CODES_AT_ONCE = 200


class Wording(msgspec.Struct, frozen=True):
    """How a file speaks: translation, the merchant's clock, and the words of statuses."""

    say: Callable[[str], str]
    zone: ZoneInfo
    statuses: Mapping[str, str]

    def at(self, moment: datetime | None) -> str:
        """ "2026-11-20 14:12:05" by the merchant's clock; empty for never. Spreadsheets read it as a moment."""
        return f"{moment.astimezone(self.zone):%Y-%m-%d %H:%M:%S}" if moment else ""

    def status(self, name: str) -> str:
        """A status in words."""
        return self.say(self.statuses[name]) if name in self.statuses else name

    def head(self, names: Sequence[str]) -> list[str]:
        """The first line."""
        return [self.say(name) for name in names]


_VOUCHERS = """
SELECT v.id, v.payment_reference, v.status, v.price_cents, v.created_at, v.paid_at, v.started_at, v.expires_at, v.ended_at,
       v.ended_why, v.batch_id, coalesce(b.note, '') AS note, v.terms->>'name' AS package, coalesce(r.name, '') AS router
FROM vouchers v LEFT JOIN batches b ON b.id = v.batch_id LEFT JOIN routers r ON r.id = v.router_id
WHERE v.merchant_id = $1 AND v.id > $2 AND v.status = ANY($4) AND {where} ORDER BY v.id LIMIT $3"""
_VOUCHER_HEAD = (
    N_("Payment reference"), N_("Status"), N_("Package"), N_("Price"), N_("Batch"), N_("Note"), N_("Made"), N_("Paid"),
    N_("First used"), N_("Until"), N_("Ended"), N_("Why it ended"), N_("Router"),
)  # fmt: skip
_NARROWED = (
    ("package_id", "v.package_id = ${}"), ("batch_id", "v.batch_id = ${}"), ("router_id", "v.router_id = ${}"),
    ("made_since", "v.created_at >= ${}"), ("made_until", "v.created_at < ${}"), ("ended_since", "v.ended_at >= ${}"),
    ("ended_until", "v.ended_at < ${}"),
)  # fmt: skip


def vouchers(actor: Actor, wanted: Wanted, wording: Wording, *, size: int = PAGE) -> AsyncGenerator[str]:
    """The merchant's vouchers that fit, oldest first, without their codes."""
    merchant_id = actor.at_merchant()
    chosen = [(text, value) for name, text in _NARROWED if (value := getattr(wanted, name)) is not None]
    where = " AND ".join(text.format(number) for number, (text, _) in enumerate(chosen, start=5)) or "true"
    values = [list(wanted.statuses), *(value for _, value in chosen)]

    async def read(after: int, most: int) -> list[Record]:
        return await DB.fetch(_VOUCHERS.format(where=where), merchant_id, after, most, *values)

    return lines(wording.head(_VOUCHER_HEAD), read, partial(_voucher, wording), size=size)


def _voucher(wording: Wording, row: Record) -> Sequence[object]:
    return (
        row["payment_reference"], wording.status(row["status"]), row["package"], row["price_cents"] / 100, row["batch_id"] or "",
        row["note"], *(wording.at(row[name]) for name in ("created_at", "paid_at", "started_at", "expires_at", "ended_at")),
        row["ended_why"] or "", row["router"],
    )  # fmt: skip


_BATCHES = """
SELECT b.id, b.kind, b.size, b.made, b.prefix, b.note, b.created_at, b.price_cents, p.name AS package, coalesce(u.name, '') AS by,
       (SELECT count(*) FROM vouchers WHERE batch_id = b.id AND paid_at IS NOT NULL) AS paid
FROM batches b JOIN packages p ON p.id = b.package_id LEFT JOIN users u ON u.id = b.created_by
WHERE b.merchant_id = $1 AND b.id > $2 ORDER BY b.id LIMIT $3"""
_BATCH_HEAD = (
    N_("Batch"), N_("Made"), N_("By"), N_("Package"), N_("Price"), N_("How many"), N_("Paid"), N_("Prefix"), N_("Note"),
)  # fmt: skip


def batches(actor: Actor, wording: Wording, *, size: int = 200) -> AsyncGenerator[str]:
    """The merchant's batches, oldest first, with how many of each are paid for."""
    merchant_id = actor.at_merchant()

    async def read(after: int, most: int) -> list[Record]:
        return await DB.fetch(_BATCHES, merchant_id, after, most)

    return lines(wording.head(_BATCH_HEAD), read, partial(_batch, wording), size=size)


def _batch(wording: Wording, row: Record) -> Sequence[object]:
    price = row["price_cents"] / 100 if row["price_cents"] is not None else ""
    made, by = wording.at(row["created_at"]), row["by"]
    return row["id"], made, by, row["package"], price, row["made"], row["paid"], row["prefix"], row["note"]


_EVENTS = """
SELECT e.id, e.at, e.entity, e.entity_id, e.name, e.was, e.became, e.actor, e.data::text AS data, coalesce(u.name, '') AS by
FROM events e LEFT JOIN users u ON u.id = CASE WHEN e.actor ~ '^user:[0-9]{1,18}$' THEN substr(e.actor, 6)::bigint END
WHERE e.merchant_id = $1 AND e.id > $2 AND ($4::timestamptz IS NULL OR e.at >= $4) AND ($5::timestamptz IS NULL OR e.at < $5)
ORDER BY e.id LIMIT $3"""
_EVENT_HEAD = (
    N_("Time"), N_("Who"), N_("What happened"), N_("Kind"), N_("Number"), N_("Before"), N_("After"), N_("Details"),
)  # fmt: skip


def events(
    actor: Actor, wording: Wording, *, since: datetime | None = None, until: datetime | None = None, size: int = PAGE
) -> AsyncGenerator[str]:
    """What happened at the merchant's, oldest first, in the house's own words. For owners and managers: it names people."""
    merchant_id = actor.at_merchant()
    if actor.role not in (Role.OWNER, Role.MANAGER):
        raise Forbidden(ONLY_MANAGERS)

    async def read(after: int, most: int) -> list[Record]:
        return await DB.fetch(_EVENTS, merchant_id, after, most, since, until)

    return lines(wording.head(_EVENT_HEAD), read, partial(_event, wording), size=size)


def _event(wording: Wording, row: Record) -> Sequence[object]:
    who = row["by"] or row["actor"]
    moves = row["was"] or "", row["became"] or ""
    return wording.at(row["at"]), who, row["name"], row["entity"], row["entity_id"], *moves, row["data"]


_CODES = """
SELECT v.id, v.payment_reference, v.status, v.price_cents, v.terms->>'name' AS package, v.expires_at, v.code_sealed, b.prefix
FROM vouchers v JOIN batches b ON b.id = v.batch_id
WHERE v.merchant_id = $1 AND v.id > $2 AND v.batch_id = $4
  AND (v.status IN ('paid', 'in_use') OR (v.status = 'unsold' AND b.kind = 'cash')) ORDER BY v.id LIMIT $3"""
_CODE_HEAD = (N_("Code"), N_("Payment reference"), N_("Status"), N_("Package"), N_("Price"), N_("Until"))


def codes_of(actor: Actor, batch_id: int, wording: Wording, *, vault: Vault) -> AsyncGenerator[str]:
    """The codes of a batch that may be seen. Whoever calls has looked whether the actor may, and written it down."""
    merchant_id = actor.at_merchant()

    async def read(after: int, most: int) -> list[Record]:
        rows = await DB.fetch(_CODES, merchant_id, after, most, batch_id)
        await asyncio.sleep(0)  # opening a page of codes takes a while: let others have their turn
        return rows

    def cells(row: Record) -> Sequence[object]:
        code = vault.open("vouchers", "code_sealed", row_id=row["id"], sealed=row["code_sealed"])
        printed, price = codes.print_code(code, prefix=row["prefix"]), row["price_cents"] / 100
        return (
            printed,
            row["payment_reference"],
            wording.status(row["status"]),
            row["package"],
            price,
            wording.at(row["expires_at"]),
        )

    return lines(wording.head(_CODE_HEAD), read, cells, size=_CODES_AT_ONCE)
