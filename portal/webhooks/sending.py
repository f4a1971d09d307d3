"""Sending what is due for one address: made, signed by the secrets that count now, posted, and written down."""

import asyncio
import logging
from datetime import datetime

from asyncpg import Record

from portal import faults
from portal.clock import Clock
from portal.patience import patiently
from portal.vault import Vault, VaultError
from portal.webhooks import bodies, outbox, signing
from portal.webhooks.door import Told, WebhookDoor

log = logging.getLogger(__name__)

#: Only we know the answer: so long we try to write it down while the database is away.
_HOLD_ANSWER_S = 20.0


def message_id(row: Record) -> str:
    """What a message is called outside; the same however often it is sent. With its moment: after the house was brought back from a
    backup, numbers come a second time."""
    return f"msg_{row['id']}_{int(row['at'].timestamp())}"


def secrets_of(endpoint: Record, *, vault: Vault, now: datetime) -> list[str]:
    """What messages to this address are signed with now, the newest first; VaultError when it does not open."""
    columns = ["secret_sealed"]
    if endpoint["old_secret_until"] is not None and endpoint["old_secret_until"] > now:
        columns.append("old_secret_sealed")
    return [
        vault.open("webhook_endpoints", column, row_id=endpoint["id"], sealed=endpoint[column])
        for column in columns
        if endpoint[column] is not None
    ]


async def send_due(endpoint_id: int, door: WebhookDoor, *, vault: Vault, clock: Clock) -> list[str]:
    """The next few messages of one address. Returns what came of each: sent, waiting, given_up or nothing."""
    endpoint, claimed = await outbox.claim(endpoint_id, now=clock.now())
    if endpoint is None:
        return []
    said = await asyncio.gather(
        *(_send(endpoint, row, door, vault=vault, clock=clock) for row in claimed), return_exceptions=True
    )
    for one in said:
        if isinstance(one, BaseException):  # its lease runs out, and it goes again
            log.error("webhook not sent", extra={"endpoint": endpoint_id}, exc_info=one)
    return [one if isinstance(one, str) else "failed" for one in said]


async def _send(endpoint: Record, row: Record, door: WebhookDoor, *, vault: Vault, clock: Clock) -> str:
    text: str | None = row["body"]
    if text is None:
        text = await bodies.body_of(row)
        await outbox.keep_body(row["id"], text)
        if text is None:
            return "nothing"
    faults.reach("webhook.claimed")
    began = clock.now()
    told = await _post(endpoint, row, text.encode(), door, vault=vault, now=began)
    faults.reach("webhook.answered")
    return await patiently(lambda: outbox.record(row, told, began=began, now=clock.now()), within_s=_HOLD_ANSWER_S)


async def _post(endpoint: Record, row: Record, body: bytes, door: WebhookDoor, *, vault: Vault, now: datetime) -> Told:
    try:
        keys = secrets_of(endpoint, vault=vault, now=now)
    except VaultError:
        log.exception("a webhook's secret cannot be read", extra={"endpoint": endpoint["id"]})
        return Told(why="secret")
    headers = signing.headers(keys, message_id(row), at_s=int(now.timestamp()), body=body)
    return await door.post(endpoint["url"], headers=headers, body=body)
