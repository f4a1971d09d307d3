"""Callbacks: raw messages from outside. Stored first, answered, handled second; a repeat is the same row."""

import hashlib
import re
from datetime import datetime

import msgspec

from portal import faults, payments
from portal.access_grants import wait_before
from portal.db import DB, atomic
from portal.errors import NotFound
from portal.evidence import Outcome
from portal.mpesa import evidence
from portal.patience import patiently
from portal.vault import Vault
from portal.work import Work, defer

MOST_BYTES = 65_536
GIVE_UP_AFTER = 20
#: How long M-Pesa waits for our answer is not documented; nobody claims less than five seconds.
STORE_WITHIN_S = 4.0
_TOKEN = re.compile(r"[0-9a-f]{64}")


class Arrived(msgspec.Struct, frozen=True):
    """A stored callback; `is_repeat` when the same message was there already."""

    id: int
    is_repeat: bool


async def store(token: str, body: bytes, *, source: str, is_trusted: bool, now: datetime) -> Arrived:
    """Keep a message under the payment its address names, and queue its settling. NotFound: no such address (nothing is kept).

    Waits some seconds for a database that is away: the message comes only once."""
    if not _TOKEN.fullmatch(token):
        raise NotFound
    return await patiently(
        lambda: _store(token, body, source=source, is_trusted=is_trusted, now=now), within_s=STORE_WITHIN_S
    )


async def _store(token: str, body: bytes, *, source: str, is_trusted: bool, now: datetime) -> Arrived:
    async with atomic() as tx:
        payment = await tx.row("SELECT id, merchant_id FROM payments WHERE callback_token = $1", token)
        if payment is None:
            raise NotFound
        row = await tx.row(
            """INSERT INTO callbacks (merchant_id, payment_id, named_id, body, body_hash, source, is_trusted, received_at, next_try_at)
               VALUES ($1, $2, $2, $3, $4, $5, $6, $7, $7)
               ON CONFLICT (road, named_id, body_hash) DO UPDATE
               SET repeats = callbacks.repeats + 1, is_trusted = callbacks.is_trusted OR excluded.is_trusted
               RETURNING id, repeats""",
            payment["merchant_id"],
            payment["id"],
            body[:MOST_BYTES],
            hashlib.sha256(body).digest(),
            source,
            is_trusted,
            now,
        )
        assert row is not None  # an upsert always returns its row
        if row["repeats"] == 0:
            await defer(tx, Work.SETTLE_CALLBACK, row["id"])
        return Arrived(row["id"], row["repeats"] > 0)


async def handle(callback_id: int, *, vault: Vault, now: datetime) -> str | None:
    """Settle a stored callback, once, in one transaction. Returns its outcome; None when it was handled before.

    A success from an address the provider does not publish is believed only after M-Pesa itself was asked."""
    async with atomic() as tx:
        row = await tx.row("SELECT * FROM callbacks WHERE id = $1 FOR UPDATE", callback_id)
        if row is None or row["handled_at"] is not None:
            return None
        found = evidence.of_callback(row["payment_id"], row["body"])
        if found is None:
            outcome = "unreadable"
            await tx.execute(
                "UPDATE payments SET next_query_at = $2 WHERE id = $1 AND status <> 'paid'", row["payment_id"], now
            )
        elif found.outcome is Outcome.PAID and not row["is_trusted"]:
            outcome = "to_verify"
            await tx.execute(
                "UPDATE payments SET next_query_at = $2 WHERE id = $1 AND status <> 'paid'", row["payment_id"], now
            )
        else:
            outcome = str(await payments.settle_in(tx, found, vault=vault, now=now))
        await tx.execute(
            "UPDATE callbacks SET handled_at = $2, outcome = $3, next_try_at = NULL WHERE id = $1",
            callback_id,
            now,
            outcome,
        )
        faults.reach("settle.inside")
    faults.reach("settle.committed")
    return outcome


async def failed(callback_id: int, error: str, *, now: datetime) -> None:
    """Handling failed: remember why and when to try again; after many tries it stays, shown, for a person."""
    async with atomic() as tx:
        tries = await tx.value(
            "UPDATE callbacks SET tries = tries + 1, last_error = $2 WHERE id = $1 AND handled_at IS NULL RETURNING tries",
            callback_id,
            error[:500],
        )
        again = now + wait_before(tries) if tries and tries < GIVE_UP_AFTER else None
        await tx.execute(
            "UPDATE callbacks SET next_try_at = $2 WHERE id = $1 AND handled_at IS NULL", callback_id, again
        )


async def waiting(*, now: datetime, limit: int = 500) -> list[int]:
    """Stored callbacks nobody handled yet, the oldest first: what a lost wake-up would have left lying."""
    rows = await DB.fetch(
        "SELECT id FROM callbacks WHERE handled_at IS NULL AND next_try_at <= $1 ORDER BY next_try_at LIMIT $2",
        now,
        limit,
    )
    return [row["id"] for row in rows]
