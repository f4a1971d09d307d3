"""Prints: PDFs of vouchers, asked for and fetched. Who asked may fetch, and nobody else; the file stays a day.

How they are made: portal.printing.runs."""

import asyncio
from datetime import datetime, timedelta

import msgspec

from portal import i18n
from portal.config import Settings
from portal.db import DB, Tx, atomic
from portal.errors import Conflict, Forbidden, Invalid, NotFound
from portal.identity import Actor
from portal.msgid import N_
from portal.printing import shelf
from portal.printing.cards_of import Wanted, counted, may_print
from portal.printing.layouts import LAYOUTS
from portal.states import note
from portal.vault import Vault
from portal.work import Work, defer

#: So long a finished PDF may be fetched.
KEPT = timedelta(hours=24)
#: So many may wait or be made for one person at once.
MOST_WAITING = 5
#: The queue is told; a sweep looks when it has not been heard for so long.
_SWEEP_AFTER = timedelta(seconds=10)
ONLY_SELLERS = N_("You may look, but not print codes. Ask the owner.")
NOTHING = N_("There is nothing to print: every voucher of these is used up or was taken back.")
UNFINISHED = N_("These vouchers are still being made. Wait until all are there.")
BUSY = N_("Five prints are being made for you already. Wait until one is ready.")
CHOOSE_LAYOUT = N_("Choose one of the papers.")
GONE = N_("This PDF was cleared away. Make it again.")


class Print(msgspec.Struct, frozen=True, kw_only=True):
    """One as its page tells it."""

    id: int
    batch_id: int | None
    voucher_ids: list[int]
    layout: str
    language: str
    status: str
    cards: int
    codes: int
    done: int
    size_bytes: int | None
    created_at: datetime
    ready_at: datetime | None

    @property
    def is_open(self) -> bool:
        """Whether it is still to come."""
        return self.status in ("queued", "making")


async def ask(
    actor: Actor, wanted: Wanted, *, layout: str, language: str, now: datetime, form_key: str | None = None
) -> Print:
    """Ask for a PDF; the same form again is the same print. Forbidden, Invalid (layout, language), Conflict: nothing, too much."""
    if not may_print(actor, wanted):
        raise Forbidden(ONLY_SELLERS)
    if layout not in LAYOUTS or language not in i18n.NAMES:
        raise Invalid({"layout": CHOOSE_LAYOUT})
    amount = await counted(wanted)
    if amount.missing:
        raise Conflict(UNFINISHED)
    if not amount.cards:
        raise Conflict(NOTHING)
    once = f"{actor.user_id}:{form_key}"[:64] if form_key else None
    async with atomic() as tx:
        if not once or not await tx.value("SELECT true FROM prints WHERE form_key = $1", once):
            await _check_pace(tx, actor)
        print_id = await tx.value(
            """INSERT INTO prints (merchant_id, batch_id, voucher_ids, layout, language, cards, codes, asked_by, form_key,
                                   next_try_at, created_at)
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT (form_key) DO NOTHING RETURNING id""",
            wanted.merchant_id, wanted.batch_id, msgspec.json.encode(list(wanted.voucher_ids)).decode(), layout, language,
            amount.cards, amount.codes, actor.user_id, once, now + _SWEEP_AFTER, now,
        )  # fmt: skip
        if print_id is not None:
            data = {"layout": layout, "cards": amount.cards, "codes": amount.codes, "batch": wanted.batch_id}
            await note(
                tx, "prints", print_id, "asked", merchant_id=wanted.merchant_id, at=now, actor=f"user:{actor.user_id}",
                data=data,
            )  # fmt: skip
            await _note_each(tx, actor, wanted, {"cards": amount.cards, "codes": amount.codes}, now=now)
            await defer(tx, Work.MAKE_PRINT, print_id)
    if print_id is None:  # a second tap: the first one's print
        print_id = await DB.value("SELECT id FROM prints WHERE form_key = $1", once)
    return await one(actor, print_id)


async def _check_pace(tx: Tx, actor: Actor) -> None:
    waiting = "SELECT count(*) FROM prints WHERE asked_by = $1 AND status IN ('queued', 'making')"
    if await tx.value(waiting, actor.user_id) >= MOST_WAITING:
        raise Conflict(BUSY)


_LOOK = """
SELECT id, batch_id, voucher_ids, layout, language, status, cards, codes, done, size_bytes, created_at, ready_at
FROM prints WHERE asked_by = $1 AND merchant_id = $2"""


async def one(actor: Actor, print_id: int) -> Print:
    """One of the actor's own; NotFound for anybody else's."""
    row = await DB.row(f"{_LOOK} AND id = $3", actor.user_id, actor.at_merchant(), print_id)
    if row is None:
        raise NotFound
    return _print(dict(row))


async def mine(actor: Actor, *, before: int | None = None, most: int = 20) -> list[Print]:
    """The actor's own, newest first, from below the id `before` on."""
    sql = f"{_LOOK} AND id < $3 ORDER BY id DESC LIMIT $4"
    rows = await DB.fetch(sql, actor.user_id, actor.at_merchant(), before or 2**63 - 1, most)
    return [_print(dict(row)) for row in rows]


def _print(row: dict[str, object]) -> Print:
    return Print(**{**row, "voucher_ids": msgspec.json.decode(str(row["voucher_ids"]))})  # pyright: ignore[reportArgumentType]


async def fetch(actor: Actor, print_id: int, *, settings: Settings, vault: Vault, now: datetime) -> bytes:
    """The PDF. Conflict: it is not made yet, or was cleared away; each fetch is kept in its history."""
    found = await one(actor, print_id)
    if not may_print(actor, Wanted(merchant_id=actor.at_merchant(), batch_id=found.batch_id)):
        raise Forbidden(ONLY_SELLERS)  # the role was taken away meanwhile
    pdf = await asyncio.to_thread(shelf.fetch, settings, vault, print_id) if found.status == "ready" else None
    if pdf is None:
        raise Conflict(GONE)
    async with atomic() as tx:
        await note(
            tx, "prints", print_id, "fetched", merchant_id=actor.at_merchant(), at=now, actor=f"user:{actor.user_id}",
            data={"codes": found.codes},
        )  # fmt: skip
    return pdf


async def note_shown(
    actor: Actor, wanted: Wanted, *, cards_shown: int, codes_shown: int, now: datetime, name: str = "codes_printed"
) -> None:
    """Keep that cards were shown in the browser, to be printed there, or their codes saved as a file."""
    data = {"cards": cards_shown, "codes": codes_shown}
    async with atomic() as tx:
        if wanted.batch_id is not None:
            by = f"user:{actor.user_id}"
            await note(
                tx, "batches", wanted.batch_id, name, merchant_id=wanted.merchant_id, at=now, actor=by, data=data
            )
        await _note_each(tx, actor, wanted, data, now=now)


async def _note_each(tx: Tx, actor: Actor, wanted: Wanted, data: dict[str, int], *, now: datetime) -> None:
    """Into the history of each voucher that was chosen by itself."""
    by = f"user:{actor.user_id}"
    for voucher_id in wanted.voucher_ids:
        await note(
            tx, "vouchers", voucher_id, "codes_printed", merchant_id=wanted.merchant_id, at=now, actor=by, data=data
        )
