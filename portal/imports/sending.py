"""Bringing a file, having it taken over, and taking that back: what people ask for. The worker's part: `steps`.

For owners and managers. Every one of these is an event."""

import asyncio
from datetime import datetime, timedelta
from enum import StrEnum

from asyncpg import Record

from portal.config import Settings
from portal.db import DB, Tx, atomic
from portal.errors import Conflict, Forbidden, Invalid, NotFound
from portal.identity import Actor, Role
from portal.imports import shelf
from portal.imports.letters import EMPTY, FIELD, MOST_BYTES, TOO_BIG, printable, refuse
from portal.msgid import N_
from portal.states import E, move, note
from portal.vault import Vault
from portal.work import Work, defer

#: The queue is told; a sweep looks when it has not been heard for so long.
SWEEP_AFTER = timedelta(seconds=30)
WEAK_DAYS = ("30", "60", "90")
#: Unused cards are sold when they are first used, or were before: then no book of ours has them.
SOLD = ("later", "before")
ONLY_MANAGERS = N_("Only the owner or a manager can bring codes from another system.")
WHICH_SOURCE = N_("Choose where the file comes from.")
WHICH_ROUTER = N_("Choose one of your routers, or all.")
WHICH_DAYS = N_("Choose one of these.")
NOT_NOW = N_("This was started or dropped already. Look at it again.")
NOT_DONE = N_("Only what was taken over can be taken back.")
ONE_AT_A_TIME = N_("Another file of yours is still waiting or being worked on. Wait until that is done.")
_MANAGERS = frozenset({Role.OWNER, Role.MANAGER})


class Source(StrEnum):
    """What wrote the file."""

    MIKHMON = "mikhmon"
    PHPNUXBILL = "nuxbill"
    CSV = "csv"


def manager(actor: Actor) -> int:
    """The merchant the actor may bring codes for; Forbidden for cashiers and viewers."""
    merchant_id = actor.at_merchant()
    if actor.role not in _MANAGERS:
        raise Forbidden(ONLY_MANAGERS)
    return merchant_id


async def send(
    actor: Actor, raw: bytes, *, source: str, file_name: str, router: str, weak_days: str, form_key: str, settings: Settings,
    vault: Vault, now: datetime, sold: str = "later",
) -> int:  # fmt: skip
    """Keep a file to be looked at; its import's id. Nothing is made by that. The same form again is the same import. Invalid, Conflict."""
    merchant_id = manager(actor)
    router_id = await _checked(merchant_id, raw, source=source, router=router, weak_days=weak_days, sold=sold)
    once = f"{merchant_id}:{form_key}"[:64] if form_key else None
    found = await DB.value("SELECT id FROM imports WHERE form_key = $1", once)
    if found is not None:
        return found
    if await DB.value(
        "SELECT count(*) FROM imports WHERE merchant_id = $1 AND status IN ('waiting', 'running', 'undoing')",
        merchant_id,
    ):
        raise Conflict(ONE_AT_A_TIME)
    import_id = await DB.value("SELECT nextval('imports_id_seq')")
    # The file first: a row without one would wait for ever. A file without a row is swept away.
    await asyncio.to_thread(shelf.keep, settings, vault, import_id, raw)
    async with atomic() as tx:
        made = await tx.value(
            """INSERT INTO imports (id, merchant_id, source, file_name, size_bytes, router_id, weak_days, created_by, form_key,
                                    next_try_at, created_at, counts_sales)
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) ON CONFLICT (form_key) DO NOTHING RETURNING id""",
            import_id, merchant_id, source, printable(file_name, 120), len(raw), router_id, int(weak_days),
            actor.user_id or None, once, now + SWEEP_AFTER, now, sold == "later",
        )  # fmt: skip
        if made is not None:
            await _note(tx, import_id, merchant_id, "sent", actor=actor, now=now, source=source, bytes=len(raw))
            await defer(tx, Work.STEP_IMPORT, import_id)
            return import_id
    await asyncio.to_thread(shelf.drop, settings, import_id)
    return await DB.value("SELECT id FROM imports WHERE form_key = $1", once)


async def _checked(merchant_id: int, raw: bytes, *, source: str, router: str, weak_days: str, sold: str) -> int | None:
    wrong: dict[str, str] = {}
    if source not in set(Source):
        wrong["source"] = WHICH_SOURCE
    if weak_days not in WEAK_DAYS:
        wrong["weak_days"] = WHICH_DAYS
    if sold not in SOLD:
        wrong["sold"] = WHICH_DAYS
    router_id = int(router) if router.isascii() and router.isdigit() and len(router) < 19 else None
    if router and router != "all":
        is_own = await DB.value(
            "SELECT EXISTS (SELECT FROM routers WHERE id = $1 AND merchant_id = $2 AND status <> 'removed')",
            router_id, merchant_id,
        )  # fmt: skip
        if not is_own:
            wrong["router"] = WHICH_ROUTER
    if not raw.strip():
        wrong[FIELD] = EMPTY
    if wrong:
        raise Invalid(wrong)
    if len(raw) > MOST_BYTES:
        raise refuse(TOO_BIG)
    return router_id


async def start(actor: Actor, import_id: int, *, now: datetime) -> None:
    """Have it taken over. NotFound; Conflict: it was started before, or dropped, or is not looked at yet."""
    async with atomic() as tx:
        row = await _own(tx, actor, import_id)
        if row["status"] in ("running", "done"):  # a second tap
            return
        if not await move(
            tx, "imports", import_id, E.START, at=now, actor=f"user:{actor.user_id}", started_at=now,
            next_try_at=now + SWEEP_AFTER, tries=0,
        ):  # fmt: skip
            raise Conflict(NOT_NOW)
        await defer(tx, Work.STEP_IMPORT, import_id)


async def drop(actor: Actor, import_id: int, *, now: datetime) -> None:
    """Do not take it over; what was read is forgotten. NotFound; Conflict: it was started."""
    async with atomic() as tx:
        row = await _own(tx, actor, import_id)
        if row["status"] == "dropped":
            return
        if not await move(tx, "imports", import_id, E.DROP, at=now, actor=f"user:{actor.user_id}", next_try_at=None):
            raise Conflict(NOT_NOW)
        await tx.execute("UPDATE import_rows SET data_sealed = NULL WHERE import_id = $1", import_id)


async def undo(actor: Actor, import_id: int, *, now: datetime) -> None:
    """Take back what was made and nobody touched since. NotFound; Conflict: nothing was taken over."""
    async with atomic() as tx:
        row = await _own(tx, actor, import_id)
        if row["status"] in ("undoing", "undone"):
            return
        if not await move(
            tx,
            "imports",
            import_id,
            E.REMOVE,
            at=now,
            actor=f"user:{actor.user_id}",
            next_try_at=now + SWEEP_AFTER,
            tries=0,
        ):
            raise Conflict(NOT_DONE)
        await defer(tx, Work.STEP_IMPORT, import_id)


async def _own(tx: Tx, actor: Actor, import_id: int) -> Record:
    row = await tx.row(
        "SELECT * FROM imports WHERE id = $1 AND merchant_id = $2 FOR UPDATE", import_id, actor.at_merchant()
    )
    if row is None:
        raise NotFound
    manager(actor)
    return row


async def _note(
    tx: Tx, import_id: int, merchant_id: int, name: str, *, actor: Actor, now: datetime, **data: object
) -> None:
    await note(
        tx, "imports", import_id, name, merchant_id=merchant_id, at=now, actor=f"user:{actor.user_id}", data=data
    )
