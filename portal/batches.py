"""Batches: vouchers made together, at once or, when there are many, bit by bit by the worker; and showing a voucher's code to the
shop.

Of kind `reference`: each is paid for by its public payment reference, its code stays secret until then. Of kind `cash`: the code is
printed and handed out for cash; the voucher counts as sold when somebody says so or, at the latest, when it is first used.
A row says how many are wanted and how many there are: whoever holds its lock makes the next ones, so a worker that dies loses
nothing and makes none twice."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum

import msgspec
from asyncpg import Record

from portal import access_grants, codes, packages, voucher_making
from portal.db import DB, Tx, atomic
from portal.errors import Conflict, Forbidden, Invalid, NotFound
from portal.identity import Actor, Role
from portal.msgid import N_
from portal.states import E, move_all, note
from portal.terms import decode_terms
from portal.vault import Vault
from portal.voucher_making import Lot
from portal.work import Work, defer

LARGEST = 10_000
#: So many are made while the form waits for its answer, and so many at a time by the worker.
AT_ONCE, CHUNK = 1000, 1000
_MOST_NOTE = 120
ONLY_MANAGERS = N_("Only the owner or a manager can make vouchers.")
HOW_MANY = N_("Make between 1 and 10,000 vouchers at a time.")
WHICH_ROUTERS = N_("Choose routers of yours, or all.")
WHICH_KIND = N_("Choose how they are paid for.")
NOT_SELLING = N_("You may look, but not hand out codes. Ask the owner.")
NOT_PAID = N_("This voucher is not paid for. Take the money first.")
IS_DONE = N_("All of these are made already. You can take them back instead.")
IS_MAKING = N_("These are still being made. Stop that first.")
SAY_WHY = N_("Write why, in a few words.")
_SELLERS = frozenset({Role.OWNER, Role.MANAGER, Role.CASHIER})
_MANAGERS = frozenset({Role.OWNER, Role.MANAGER})


class BatchKind(StrEnum):
    """How vouchers of a batch come to be paid for."""

    REFERENCE = "reference"
    CASH = "cash"


class Made(msgspec.Struct, frozen=True):
    """A batch: its row, and the public payment references there are already, of the first thousand."""

    id: int
    references: list[str]


class Making(msgspec.Struct, frozen=True, kw_only=True):
    """A batch that is being made."""

    id: int
    package: str
    size: int
    made: int


def manager(actor: Actor) -> int:
    """The merchant for whom the actor may make vouchers and take them back; Forbidden for cashiers and viewers."""
    merchant_id = actor.at_merchant()
    if actor.role not in _MANAGERS:
        raise Forbidden(ONLY_MANAGERS)
    return merchant_id


async def make(
    actor: Actor, package_id: int, *, count: int, note_text: str, vault: Vault, now: datetime, form_key: str | None = None,
    kind: str = BatchKind.REFERENCE, prefix: str = "", router_ids: Sequence[int] = (),
) -> Made:  # fmt: skip
    """Make unsold vouchers of a package at its full price of today; more than a thousand are left to the worker. The same form
    again is the same batch. `router_ids`: where the codes work, none: everywhere. For owners and managers; Invalid by field."""
    merchant_id = manager(actor)
    prefix = _checked(count, kind, prefix)
    package = await packages.one_on_sale(merchant_id, package_id)
    once = f"{merchant_id}:{form_key}"[:64] if form_key else None
    async with atomic() as tx:
        await _own_routers(tx, merchant_id, router_ids)
        row = await tx.row(
            """INSERT INTO batches (merchant_id, package_id, size, note, created_by, created_at, form_key, kind, prefix, router_ids,
                                    code_length, price_cents, terms)
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13::jsonb)
               ON CONFLICT (form_key) DO NOTHING RETURNING *""",
            merchant_id,
            package_id,
            count,
            _printable(note_text)[:_MOST_NOTE],
            actor.user_id,
            now,
            once,
            kind,
            prefix,
            sorted(set(router_ids)),
            await voucher_making.code_length(tx, merchant_id, more=count),
            package.price_cents,
            package.terms.encode(),
        )
        if row is None:  # a second tap: the first one's batch
            return await _made(tx, await tx.value("SELECT id FROM batches WHERE form_key = $1", once))
        await note(
            tx, "batches", row["id"], "made", merchant_id=merchant_id, at=now, actor=f"user:{actor.user_id}",
            data={"count": count, "package": package.name, "kind": str(kind)},
        )  # fmt: skip
        if count <= AT_ONCE:
            await _make_some(tx, row, count, vault=vault, now=now)
        else:
            await defer(tx, Work.MAKE_BATCH, row["id"])
        return await _made(tx, row["id"])


def _checked(count: int, kind: str, prefix: str) -> str:
    wrong: dict[str, str] = {}
    if not 1 <= count <= LARGEST:
        wrong["count"] = HOW_MANY
    if kind not in set(BatchKind):
        wrong["kind"] = WHICH_KIND
    try:
        prefix = codes.fold_prefix(prefix)
    except codes.CodeError as error:
        wrong["prefix"] = str(error)
    if wrong:
        raise Invalid(wrong)
    return prefix


def _printable(text: str) -> str:
    return "".join(char for char in text if char.isprintable()).strip()


async def _own_routers(tx: Tx, merchant_id: int, router_ids: Sequence[int]) -> None:
    own = await tx.value(
        "SELECT count(*) FROM routers WHERE merchant_id = $1 AND id = ANY($2) AND status <> 'removed'",
        merchant_id,
        list(set(router_ids)),
    )
    if own != len(set(router_ids)):
        raise Invalid({"routers": WHICH_ROUTERS})


async def _made(tx: Tx, batch_id: int) -> Made:
    rows = await tx.fetch(
        "SELECT payment_reference FROM vouchers WHERE batch_id = $1 ORDER BY id LIMIT $2", batch_id, AT_ONCE
    )
    return Made(batch_id, [row["payment_reference"] for row in rows])


async def _make_some(tx: Tx, row: Record, count: int, *, vault: Vault, now: datetime) -> int:
    """Make so many of a batch whose row is locked; how many are still missing."""
    lot = Lot(
        merchant_id=row["merchant_id"], package_id=row["package_id"], batch_id=row["id"], price_cents=row["price_cents"],
        terms=decode_terms(row["terms"]), code_length=row["code_length"], made_at=row["created_at"],
    )  # fmt: skip
    await voucher_making.make(tx, lot, count, vault=vault)
    missing = row["size"] - row["made"] - count
    await tx.execute(
        "UPDATE batches SET made = made + $2, done_at = $3 WHERE id = $1", row["id"], count, None if missing else now
    )
    return missing


async def make_more(batch_id: int, *, vault: Vault, now: datetime, most: int = CHUNK) -> int:
    """Make the next ones of a batch; how many are still missing. 0 as well when it is done or somebody else is at it."""
    async with atomic() as tx:
        row = await tx.row(
            "SELECT * FROM batches WHERE id = $1 AND done_at IS NULL FOR NO KEY UPDATE SKIP LOCKED", batch_id
        )
        if row is None:
            return 0
        return await _make_some(tx, row, min(most, row["size"] - row["made"]), vault=vault, now=now)


async def unfinished() -> list[int]:
    """Batches that are still to be made, the oldest first."""
    rows = await DB.fetch("SELECT id FROM batches WHERE done_at IS NULL ORDER BY id LIMIT 100")
    return [row["id"] for row in rows]


async def making(actor: Actor) -> list[Making]:
    """The merchant's batches that are being made, the oldest first."""
    rows = await DB.fetch(
        """SELECT id, terms ->> 'name' AS package, size, made FROM batches
           WHERE merchant_id = $1 AND done_at IS NULL ORDER BY id LIMIT 10""",
        actor.at_merchant(),
    )
    return [Making(**dict(row)) for row in rows]


async def cancel(actor: Actor, batch_id: int, *, now: datetime) -> int:
    """Stop the making, and take back what was made and not sold meanwhile; how many that were. For owners and managers.

    NotFound; Conflict: all are made, or it was stopped before."""
    async with atomic() as tx:
        row = await _own(tx, actor, batch_id)
        if row["done_at"] is not None:
            raise Conflict(IS_DONE)
        await tx.execute("UPDATE batches SET done_at = $2, cancelled_at = $2 WHERE id = $1", batch_id, now)
        ended = await _revoke(tx, row, ["unsold"], why="cancelled", actor=actor, now=now)
        await _note(tx, row, "cancelled", {"made": row["made"]}, actor=actor, now=now)
        return len(ended)


async def take_back(actor: Actor, batch_id: int, *, all_live: bool, why: str, now: datetime) -> int:
    """Take back what is not sold, or everything that still works, its devices off; how many. For owners and managers.

    NotFound; Invalid: no reason; Conflict: it is still being made."""
    async with atomic() as tx:
        row = await _own(tx, actor, batch_id)
        if len(why.strip()) < 3:
            raise Invalid({"why": SAY_WHY})
        if row["done_at"] is None:
            raise Conflict(IS_MAKING)
        statuses = ["unsold", "paid", "in_use"] if all_live else ["unsold"]
        reason = _printable(why)[:200]
        ended = await _revoke(tx, row, statuses, why=reason, actor=actor, now=now)
        data = {"count": len(ended), "why": reason, "sold_too": all_live}
        await _note(tx, row, "taken_back", data, actor=actor, now=now)
        return len(ended)


async def _own(tx: Tx, actor: Actor, batch_id: int) -> Record:
    """The batch, locked; NotFound for another merchant's, Forbidden for cashiers and viewers."""
    row = await tx.row(
        "SELECT * FROM batches WHERE id = $1 AND merchant_id = $2 FOR UPDATE", batch_id, actor.at_merchant()
    )
    if row is None:
        raise NotFound
    manager(actor)
    return row


async def _revoke(
    tx: Tx, batch: Record, statuses: Sequence[str], *, why: str, actor: Actor, now: datetime
) -> list[int]:
    rows = await tx.fetch(
        "SELECT id FROM vouchers WHERE batch_id = $1 AND status = ANY($2) ORDER BY id", batch["id"], list(statuses)
    )
    ended = await move_all(
        tx, "vouchers", [row["id"] for row in rows], E.REVOKE, at=now, actor=f"user:{actor.user_id}", data={"why": why},
        ended_at=now, ended_why="revoked",
    )  # fmt: skip
    await access_grants.end_for(tx, ended, now=now, actor=f"user:{actor.user_id}")
    return ended


async def _note(tx: Tx, batch: Record, name: str, data: Mapping[str, object], *, actor: Actor, now: datetime) -> None:
    await note(
        tx, "batches", batch["id"], name, merchant_id=batch["merchant_id"], at=now, actor=f"user:{actor.user_id}", data=data
    )  # fmt: skip


async def reveal_code(actor: Actor, voucher_id: int, *, vault: Vault, now: datetime) -> str:
    """A paid voucher's secret code, for the shop to give to who paid; each look is kept. For who may sell. An unsold one of a batch
    for cash is shown to owners and managers, as on its printed card.

    NotFound: another merchant's; Conflict: nobody paid for it yet, or it was taken back."""
    merchant_id = actor.at_merchant()
    async with atomic() as tx:
        row = await tx.row(
            """SELECT v.status, v.code_sealed, coalesce(b.kind, '') AS kind FROM vouchers v LEFT JOIN batches b ON b.id = v.batch_id
               WHERE v.id = $1 AND v.merchant_id = $2""",
            voucher_id,
            merchant_id,
        )
        if row is None:
            raise NotFound
        if actor.role not in _SELLERS:
            raise Forbidden(NOT_SELLING)
        is_card = row["status"] == "unsold" and row["kind"] == BatchKind.CASH and actor.role in _MANAGERS
        if row["status"] not in ("paid", "in_use") and not is_card:
            raise Conflict(NOT_PAID)
        await note(
            tx, "vouchers", voucher_id, "code_shown", merchant_id=merchant_id, at=now, actor=f"user:{actor.user_id}"
        )
    return vault.open("vouchers", "code_sealed", row_id=voucher_id, sealed=row["code_sealed"])
