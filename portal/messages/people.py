"""Messages to the merchant's own people: one is split into a copy for every way they chose, each sent and counted by itself.

Without a choice the owners get mail, where there is a mail server: an alert that nobody set up must still reach somebody. The
platform's own go to its operators."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from asyncpg import Record

from portal.db import DB, Tx, atomic
from portal.gateways.interface import Why
from portal.messages.kinds import SENTENCES, Channel, Told
from portal.states import E, move

_ORDER = (Channel.SMS, Channel.EMAIL, Channel.TELEGRAM, Channel.WEBHOOK)


class Way(NamedTuple):
    """A copy's way: by what, and to where ("" for a webhook, whose address is its gateway's)."""

    channel: str
    recipient: str


async def split_due(*, now: datetime, limit: int = 100) -> int:
    """Split what waits for that; returns how many messages."""
    rows = await DB.fetch(
        """SELECT id FROM messages WHERE status = 'queued' AND recipient = '' AND channel <> 'webhook' AND next_try_at <= $1
           ORDER BY id LIMIT $2""",
        now,
        limit,
    )
    for row in rows:
        await split(row["id"], now=now)
    return len(rows)


async def split(message_id: int, *, now: datetime) -> int:
    """Make the copies of one message; returns how many. Safe twice: each copy is there once."""
    async with atomic() as tx:
        row = await tx.row("SELECT * FROM messages WHERE id = $1 AND status = 'queued' FOR UPDATE", message_id)
        if row is None:
            return 0
        ways = await ways_of(tx, row["merchant_id"], only=row["channel"])
        if not ways:
            await move(tx, "messages", message_id, E.DROP, at=now, data={"why": Why.NOBODY.value}, why=Why.NOBODY.value)
            return 0
        for way in ways:
            await _copy(tx, row, way)
        await move(tx, "messages", message_id, E.REPLACE, at=now, sent_at=now)
        return len(ways)


async def _copy(tx: Tx, row: Record, way: Way) -> None:
    is_letter = row["subject"] is not None and way.channel == Channel.EMAIL
    body = row["body"] if is_letter or row["subject"] is None else SENTENCES[Told(row["kind"])]
    await tx.execute(
        """INSERT INTO messages (merchant_id, kind, once, recipient, language, body, params, next_try_at, created_at, channel,
                                 is_urgent, not_after, subject, html, parent_id, file_name, file_text)
           SELECT merchant_id, kind, $2, $3, language, $4, params, next_try_at, created_at, $5, is_urgent, not_after, $6::text, $7, id,
             CASE WHEN $6::text IS NOT NULL THEN file_name END, CASE WHEN $6::text IS NOT NULL THEN file_text END
           FROM messages WHERE id = $1 ON CONFLICT (once) DO NOTHING""",
        row["id"],
        f"copy:{row['id']}:{way.channel}:{way.recipient}"[:80],
        way.recipient,
        body,
        way.channel,
        row["subject"] if is_letter else None,
        row["html"] if is_letter else None,
    )


async def ways_of(tx: Tx, merchant_id: int | None, *, only: str = "") -> Sequence[Way]:
    """The ways to a merchant's people that have a gateway; `only` one channel."""
    live = await tx.fetch(
        """SELECT DISTINCT channel FROM message_gateways
           WHERE ended_at IS NULL AND (merchant_id IS NULL OR merchant_id = $1)""",
        merchant_id,
    )
    own_hook = await tx.value(
        """SELECT EXISTS (SELECT FROM message_gateways WHERE ended_at IS NULL AND channel = 'webhook'
           AND merchant_id IS NOT DISTINCT FROM $1)""",
        merchant_id,
    )
    chosen = await tx.row("SELECT * FROM message_settings WHERE merchant_id = $1", merchant_id)
    if chosen is None:
        found = [Way(Channel.EMAIL, address) for address in await _mail_of(tx, merchant_id)]
    else:
        wanted = {Channel.SMS: "shop_phone", Channel.EMAIL: "shop_email", Channel.TELEGRAM: "shop_chat"}
        found = [Way(channel, chosen[column]) for channel, column in wanted.items() if chosen[column]]
    usable = {row["channel"] for row in live}
    ways = [way for way in found if way.channel in usable] + ([Way(Channel.WEBHOOK, "")] if own_hook else [])
    return sorted(
        (way for way in ways if only in ("", way.channel)), key=lambda way: _ORDER.index(Channel(way.channel))
    )


async def _mail_of(tx: Tx, merchant_id: int | None) -> list[str]:
    if merchant_id is None:
        rows = await tx.fetch("SELECT email FROM users WHERE is_operator ORDER BY id LIMIT 5")
    else:
        rows = await tx.fetch(
            """SELECT u.email FROM users u JOIN memberships s ON s.user_id = u.id
               WHERE s.merchant_id = $1 AND s.role = 'owner' ORDER BY u.id LIMIT 5""",
            merchant_id,
        )
    return [row["email"] for row in rows]
