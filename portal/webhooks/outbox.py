"""Messages on their way: claimed under a lease, sent, and what came of it written down. Each address waits for itself alone.

A death between sending and writing leaves a lease that runs out, and the message goes again: a receiver knows it by its id."""

import random
from datetime import datetime, timedelta

from asyncpg import Record

from portal import alerts
from portal.db import DB, Tx, atomic
from portal.states import note
from portal.webhooks.door import Told

#: Claimed at once for one address; one only while it fails.
BATCH = 10
#: Sending takes fifteen seconds at most; whoever began is dead after this.
LEASE = timedelta(seconds=60)
#: Pauses after the first, second … try that failed (Standard Webhooks, "Deliverability"); after the last one it is given up.
PAUSES_S = (5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400)
#: An address that has failed for so long is no longer sent to.
OFF_AFTER = timedelta(days=5)
#: After a failure an address is left alone so long at first, then twice as long, at most ten minutes: others of its messages wait.
_ALONE_S, _MOST_ALONE_S = 5.0, 600.0
_GONE = 410


async def waited_for(*, now: datetime) -> list[int]:
    """The addresses that have something due and are not being left alone."""
    rows = await DB.fetch(
        """SELECT e.id FROM webhook_endpoints e
           WHERE e.off_at IS NULL AND e.ended_at IS NULL AND (e.free_at IS NULL OR e.free_at <= $1)
           AND EXISTS (SELECT FROM webhook_messages m WHERE m.endpoint_id = e.id AND m.next_try_at <= $1)
           ORDER BY e.free_at NULLS FIRST, e.id""",
        now,
    )
    return [row["id"] for row in rows]


async def claim(endpoint_id: int, *, now: datetime) -> tuple[Record | None, list[Record]]:
    """The address and its next messages in the order of what happened, under a lease. None: it is not to be sent to now."""
    async with atomic() as tx:
        endpoint = await tx.row(
            """SELECT * FROM webhook_endpoints WHERE id = $1 AND off_at IS NULL AND ended_at IS NULL
               AND (free_at IS NULL OR free_at <= $2)""",
            endpoint_id,
            now,
        )
        if endpoint is None:
            return None, []
        rows = await tx.fetch(
            """WITH next AS (
                 SELECT id FROM webhook_messages WHERE endpoint_id = $1 AND next_try_at <= $2
                 ORDER BY id LIMIT $3 FOR UPDATE SKIP LOCKED)
               UPDATE webhook_messages m SET next_try_at = NULL, lease_until = $4, tries = m.tries + 1 FROM next
               WHERE m.id = next.id RETURNING m.*""",
            endpoint_id,
            now,
            1 if endpoint["faults"] else BATCH,
            now + LEASE,
        )
        return endpoint, sorted(rows, key=lambda row: row["id"])


async def keep_body(message_id: int, text: str | None) -> None:
    """Keep what a message says, before it is said for the first time; one with nothing to say goes."""
    if text is None:
        await DB.fetch("DELETE FROM webhook_messages WHERE id = $1", message_id)
        return
    await DB.fetch("UPDATE webhook_messages SET body = $2 WHERE id = $1", message_id, text)


async def record(message: Record, told: Told, *, began: datetime, now: datetime) -> str:
    """Write down what came of a try. Returns sent, waiting or given_up."""
    async with atomic() as tx:
        await tx.execute(
            """INSERT INTO webhook_attempts (merchant_id, endpoint_id, message_id, at, took_ms, status, why, answer)
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8)""",
            message["merchant_id"],
            message["endpoint_id"],
            message["id"],
            began,
            told.took_ms,
            told.status,
            told.why,
            told.answer,
        )
        if told.is_taken:
            await tx.execute(
                "UPDATE webhook_messages SET lease_until = NULL, sent_at = $2 WHERE id = $1", message["id"], now
            )
            await _fine(tx, message["endpoint_id"])
            return "sent"
        return await _failed(tx, message, told, now=now)


async def _failed(tx: Tx, message: Record, told: Told, *, now: datetime) -> str:
    tries: int = message["tries"]
    is_over = tries > len(PAUSES_S)
    wait_s = 0.0 if is_over else max(told.retry_after, PAUSES_S[tries - 1] * random.uniform(0.9, 1.1))  # noqa: S311
    await tx.execute(
        "UPDATE webhook_messages SET lease_until = NULL, next_try_at = $2, given_up_at = $3 WHERE id = $1",
        message["id"],
        None if is_over else now + timedelta(seconds=wait_s),
        now if is_over else None,
    )
    endpoint = await tx.row(
        """UPDATE webhook_endpoints SET faults = faults + 1, failing_since = coalesce(failing_since, $2) WHERE id = $1
           RETURNING *""",
        message["endpoint_id"],
        now,
    )
    assert endpoint is not None
    alone_s = min(_MOST_ALONE_S, _ALONE_S * 2 ** min(20, endpoint["faults"] - 1))
    await tx.execute(
        "UPDATE webhook_endpoints SET free_at = $2 WHERE id = $1",
        endpoint["id"],
        now + timedelta(seconds=max(alone_s, told.retry_after)),
    )
    if endpoint["off_at"] is None:
        if told.status == _GONE:
            await switch_off(tx, endpoint, "gone", now=now)
        elif now - endpoint["failing_since"] >= OFF_AFTER:
            await switch_off(tx, endpoint, "failing", now=now)
    return "given_up" if is_over else "waiting"


async def switch_off(tx: Tx, endpoint: Record, why: str, *, now: datetime, actor: str = "system") -> None:
    """Send nothing more to an address; what happens meanwhile is kept for when it is asked for. Told once, unless a person did it."""
    await tx.execute(
        "UPDATE webhook_endpoints SET off_at = $2, off_why = $3, free_at = NULL WHERE id = $1", endpoint["id"], now, why
    )
    await tx.execute(
        "UPDATE webhook_messages SET next_try_at = NULL WHERE endpoint_id = $1 AND next_try_at IS NOT NULL",
        endpoint["id"],
    )
    merchant_id = endpoint["merchant_id"]
    await note(
        tx, "webhook_endpoints", endpoint["id"], "off", merchant_id=merchant_id, at=now, actor=actor, data={"why": why}
    )  # fmt: skip
    if why != "person":
        subject = f"webhook:{endpoint['id']}"
        await alerts.begin(tx, "webhook_off", subject, now=now, data={"why": why}, merchant_id=merchant_id)


async def _fine(tx: Tx, endpoint_id: int) -> None:
    await tx.execute(
        """UPDATE webhook_endpoints SET faults = 0, failing_since = NULL, free_at = NULL
           WHERE id = $1 AND (faults > 0 OR failing_since IS NOT NULL OR free_at IS NOT NULL)""",
        endpoint_id,
    )


async def sweep(*, now: datetime) -> int:
    """Messages whose sender died go again, and secrets of before that no longer count are forgotten. Returns how many go again."""
    await DB.fetch(
        "UPDATE webhook_endpoints SET old_secret_sealed = NULL, old_secret_until = NULL WHERE old_secret_until <= $1",
        now,
    )
    rows = await DB.fetch(
        """UPDATE webhook_messages m SET lease_until = NULL,
                  next_try_at = CASE WHEN e.off_at IS NULL AND e.ended_at IS NULL THEN $1 END
           FROM webhook_endpoints e WHERE e.id = m.endpoint_id AND m.lease_until < $1 RETURNING m.id""",
        now,
    )
    return len(rows)
