"""Copies of all a merchant has: asked for by its owner, fetched by whoever asked, for seven days. Made by `runs`."""

from datetime import datetime, timedelta

import msgspec

from portal import i18n
from portal.config import Settings
from portal.db import DB, atomic
from portal.errors import Conflict, Forbidden, NotFound
from portal.identity import Actor, Role
from portal.msgid import N_
from portal.privacy import shelf
from portal.privacy.contents import FILES
from portal.states import note
from portal.work import Work, defer

#: So long a finished copy may be fetched.
KEPT = timedelta(days=7)
_SWEEP_AFTER = timedelta(seconds=10)
ONLY_OWNERS = N_("Only the owner may save, look up or erase people's data.")
BUSY = N_("A copy is being made already. Wait until it is ready.")
GONE = N_("This copy is not there any more. Ask for a new one.")


class Copy(msgspec.Struct, frozen=True, kw_only=True):
    """One as its page tells it."""

    id: int
    has_codes: bool
    done: int
    total: int
    size_bytes: int | None
    created_at: datetime
    ready_at: datetime | None
    ended_at: datetime | None

    @property
    def is_ready(self) -> bool:
        """Whether its file can be fetched."""
        return self.ready_at is not None and self.ended_at is None

    @property
    def is_open(self) -> bool:
        """Whether it is still to come."""
        return self.ready_at is None and self.ended_at is None

    @property
    def until(self) -> datetime | None:
        """When its file goes."""
        return self.ready_at + KEPT if self.ready_at else None


def owner(actor: Actor) -> int:
    """The merchant the actor owns. Forbidden for everybody else, and for an operator in the owner's place."""
    if actor.role is not Role.OWNER or actor.visit is not None:
        raise Forbidden(ONLY_OWNERS)
    return actor.at_merchant()


async def ask(actor: Actor, *, has_codes: bool, language: str, now: datetime, form_key: str | None = None) -> int:
    """Have one made; the same form again is the same one. Forbidden; Conflict: one is being made. Returns its id."""
    merchant_id, by = owner(actor), f"user:{actor.user_id}"
    once = f"{actor.user_id}:{form_key}"[:64] if form_key else None
    async with atomic() as tx:
        await tx.execute("SELECT pg_advisory_xact_lock(hashtext('shop_copies'), $1::bigint::int)", merchant_id % 2**31)
        same = await tx.value("SELECT id FROM shop_copies WHERE form_key = $1 AND merchant_id = $2", once, merchant_id)
        if same is not None:
            return same
        open_ones = "SELECT true FROM shop_copies WHERE merchant_id = $1 AND ready_at IS NULL AND ended_at IS NULL"
        if await tx.value(open_ones, merchant_id):
            raise Conflict(BUSY)
        copy_id = await tx.value(
            """INSERT INTO shop_copies (merchant_id, asked_by, language, has_codes, form_key, total, next_try_at, created_at)
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8) RETURNING id""",
            merchant_id, actor.user_id, language if language in i18n.NAMES else i18n.SOURCE, has_codes, once,
            len(FILES) + has_codes, now + _SWEEP_AFTER, now,
        )  # fmt: skip
        data = {"codes": has_codes}
        await note(tx, "shop_copies", copy_id, "asked", merchant_id=merchant_id, at=now, actor=by, data=data)
        await defer(tx, Work.MAKE_COPY, copy_id)
    return copy_id


_LOOK = """
SELECT id, has_codes, done, total, size_bytes, created_at, ready_at, ended_at FROM shop_copies
WHERE asked_by = $1 AND merchant_id = $2"""


async def mine(actor: Actor, *, most: int = 10) -> list[Copy]:
    """The actor's own, newest first."""
    rows = await DB.fetch(f"{_LOOK} ORDER BY id DESC LIMIT $3", actor.user_id, owner(actor), most)
    return [Copy(**dict(row)) for row in rows]


async def fetch(actor: Actor, copy_id: int, *, settings: Settings, now: datetime) -> Copy:
    """One of the actor's own that may be read from the shelf; that it was fetched is kept. NotFound; Conflict: it is not there."""
    merchant_id = owner(actor)
    row = await DB.row(f"{_LOOK} AND id = $3", actor.user_id, merchant_id, copy_id)
    if row is None:
        raise NotFound
    found = Copy(**dict(row))
    if not found.is_ready or (found.until or now) <= now or not shelf.path_of(settings, copy_id).is_file():
        raise Conflict(GONE)
    async with atomic() as tx:
        by, data = f"user:{actor.user_id}", {"codes": found.has_codes}
        await note(tx, "shop_copies", copy_id, "fetched", merchant_id=merchant_id, at=now, actor=by, data=data)
    return found
