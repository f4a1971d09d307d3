"""Messages as people look at them: the list, and sending one again. What a code is nobody reads here."""

from datetime import datetime, timedelta

import msgspec

from portal.db import DB, atomic
from portal.errors import Conflict, Forbidden, NotFound
from portal.identity import Actor
from portal.messages.wording import ONLY_MANAGERS
from portal.msgid import N_
from portal.phones import is_stored_form, mask
from portal.routers.rights import may_change, named
from portal.states import E, move

PAGE_SIZE = 50
#: What may be sent again by hand, and not within this of the last try: the first may only be slow.
AGAIN = frozenset({"failed", "dropped", "unknown"})
_NOT_BEFORE = timedelta(minutes=2)
TOO_SOON = N_("It was tried just now. Wait two minutes: it may still arrive.")
NOT_NOW = N_("This message cannot be sent again.")


class MessageView(msgspec.Struct, frozen=True, kw_only=True):
    """A message in a list; `to` is masked for cashiers and viewers."""

    id: int
    kind: str
    channel: str
    to: str
    status: str
    why: str | None
    last_error: str | None
    parts: int
    cost_cents: int | None
    cost_currency: str | None
    tries: int
    next_try_at: datetime | None
    created_at: datetime
    sent_at: datetime | None
    delivered_at: datetime | None
    may_go_again: bool


class Today(msgspec.Struct, frozen=True, kw_only=True):
    """What went out since the merchant's midnight."""

    sent: int
    parts: int
    cost_cents: int
    failed: int


async def latest(actor: Actor, *, before: int | None = None, only_trouble: bool = False) -> list[MessageView]:
    """The newest messages, or only those that did not go well. Pages by `before`, the id of the last one seen."""
    rows = await DB.fetch(
        """SELECT * FROM messages WHERE merchant_id = $1 AND status <> 'split' AND ($2::bigint IS NULL OR id < $2)
           AND (NOT $3 OR status IN ('failed', 'dropped', 'unknown')) ORDER BY id DESC LIMIT $4""",
        actor.at_merchant(),
        before,
        only_trouble,
        PAGE_SIZE,
    )
    is_whole = may_change(actor)
    names = set(MessageView.__struct_fields__) - {"to", "may_go_again"}
    return [
        MessageView(
            **{name: row[name] for name in names},
            to=_shown(row["recipient"], is_whole=is_whole),
            may_go_again=is_whole and row["status"] in AGAIN,
        )
        for row in rows
    ]


def _shown(recipient: str, *, is_whole: bool) -> str:
    if is_whole or not recipient:
        return recipient
    if is_stored_form(recipient):
        return mask(recipient)
    name, at, host = recipient.partition("@")
    return f"{name[:1]}•••{at}{host}" if at else "•••"


async def today(actor: Actor, *, since: datetime) -> Today:
    """The figures above the list."""
    row = await DB.row(
        """SELECT count(*) FILTER (WHERE status IN ('sent', 'delivered')) AS sent,
                  coalesce(sum(parts), 0)::bigint AS parts, coalesce(sum(cost_cents), 0)::bigint AS cost_cents,
                  count(*) FILTER (WHERE status = 'failed') AS failed
           FROM messages WHERE merchant_id = $1 AND claimed_at >= $2""",
        actor.at_merchant(),
        since,
    )
    return Today(**dict(row)) if row else Today(sent=0, parts=0, cost_cents=0, failed=0)


async def price_of_a_part(actor: Actor) -> tuple[int | None, str]:
    """What a part of an SMS cost the last time, in cents; None before the first."""
    row = await DB.row(
        """SELECT cost_cents / parts AS price, cost_currency FROM messages
           WHERE merchant_id = $1 AND channel = 'sms' AND parts > 0 AND cost_cents > 0 ORDER BY id DESC LIMIT 1""",
        actor.at_merchant(),
    )
    return (row["price"], row["cost_currency"] or "KES") if row else (None, "KES")


async def again(actor: Actor, message_id: int, *, now: datetime) -> None:
    """Send one again, because a person says so: the only way a message whose answer was lost goes out twice.

    NotFound, Forbidden; Conflict: it is under way, arrived, or was tried just now."""
    merchant_id = actor.at_merchant()
    async with atomic() as tx:
        row = await tx.row(
            "SELECT id, claimed_at FROM messages WHERE id = $1 AND merchant_id = $2 FOR UPDATE", message_id, merchant_id
        )
        if row is None:
            raise NotFound
        if not may_change(actor):
            raise Forbidden(ONLY_MANAGERS)
        if row["claimed_at"] is not None and now - row["claimed_at"] < _NOT_BEFORE:
            raise Conflict(TOO_SOON)
        moved = await move(
            tx, "messages", message_id, E.RETRY, at=now, actor=named(actor), next_try_at=now, tries=0, why=None,
            provider_id=None, sent_at=None, not_after=now + timedelta(days=1),
        )  # fmt: skip
        if not moved:
            raise Conflict(NOT_NOW)
