"""Moving rows by the state machines of `portal.machines`: the only code that writes a status column.

Each move and each note is an event: who, when, what; and for what people do by the pages, from where (`event_places`)."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from portal import whence
from portal.agent_machine import AGENT, AgentStatus
from portal.db import Tx
from portal.import_machine import IMPORT
from portal.machines import MACHINES as _FIRST_MACHINES
from portal.machines import (
    AlertStatus,
    ClaimStatus,
    E,
    GrantStatus,
    PaymentStatus,
    PayoutStatus,
    RefundStatus,
    RouterStatus,
    SuspenseStatus,
    TransferStatus,
    Transitions,
    VoucherStatus,
)
from portal.message_machine import MESSAGE, MessageStatus
from portal.print_machine import PRINT
from portal.subscriber_machine import MACHINES as _SUBSCRIBER_MACHINES

__all__ = [
    "MACHINES",
    "AgentStatus",
    "AlertStatus",
    "ClaimStatus",
    "E",
    "GrantStatus",
    "MessageStatus",
    "PaymentStatus",
    "PayoutStatus",
    "RefundStatus",
    "RouterStatus",
    "SuspenseStatus",
    "TransferStatus",
    "Transitions",
    "VoucherStatus",
    "move",
    "move_all",
    "note",
]

#: Every table with a status, and how it moves.
MACHINES: Mapping[str, Transitions] = {
    **_FIRST_MACHINES, **_SUBSCRIBER_MACHINES, "messages": MESSAGE, "prints": PRINT, "agents": AGENT, "imports": IMPORT,
}  # fmt: skip

_MOVE = """
WITH old AS (
  SELECT id, status FROM {table} WHERE id = ANY($1) AND status = ANY($2) ORDER BY id FOR UPDATE
), moved AS (
  UPDATE {table} t SET status = CASE old.status {cases} END{columns}
  FROM old WHERE t.id = old.id
  RETURNING t.id, t.merchant_id, old.status AS was, t.status AS became
), noted AS (
  INSERT INTO events (merchant_id, entity, entity_id, name, was, became, actor, data, at)
  SELECT merchant_id, '{table}', id, $3, was, became, $4, $5::jsonb, $6 FROM moved ORDER BY id
  RETURNING id
), placed AS (
  INSERT INTO event_places (id, ip, at) SELECT id, $7::text, $6 FROM noted WHERE $7::text <> ''
)
SELECT id FROM moved ORDER BY id"""


async def move(
    tx: Tx, table: str, row_id: int, event: E, *, at: datetime, actor: str = "system",
    data: Mapping[str, Any] | None = None, **columns: object,
) -> bool:  # fmt: skip
    """Move one row by compare-and-set and note the event; also set `columns`.

    False: the row was not in a status this event leaves from (somebody else moved it first): re-read, do not repeat."""
    return bool(await move_all(tx, table, [row_id], event, at=at, actor=actor, data=data, **columns))


async def move_all(
    tx: Tx, table: str, row_ids: Sequence[int], event: E, *, at: datetime, actor: str = "system",
    data: Mapping[str, Any] | None = None, **columns: object,
) -> list[int]:  # fmt: skip
    """The same rule for a set, in one statement. Returns the ids that moved, in order."""
    arrows = {was: became for (was, by), became in MACHINES[table].items() if by == event}
    if not arrows:
        raise ValueError(f"{table} knows no event {event}")
    cases = " ".join(f"WHEN '{was}' THEN '{became}'" for was, became in arrows.items())
    names = "".join(f", {name} = ${number}" for number, name in enumerate(columns, start=8))
    rows = await tx.fetch(
        _MOVE.format(table=table, cases=cases, columns=names),
        list(row_ids),
        list(arrows),
        event.value,
        actor,
        _text(data),
        at,
        whence.address(),
        *columns.values(),
    )
    return [row["id"] for row in rows]


def _text(data: Mapping[str, Any] | None) -> str:
    """What is known of an event; of what a program did, by which token, too, and in whose place an operator did it."""
    token = whence.token()
    known = dict(data or {}) | ({"token": token} if token is not None else {}) | whence.besides()
    return msgspec.json.encode(known).decode()


async def note(
    tx: Tx, table: str, row_id: int, name: str, *, merchant_id: int | None, at: datetime, actor: str = "system",
    data: Mapping[str, Any] | None = None,
) -> None:  # fmt: skip
    """Write an event that moves nothing."""
    await tx.execute(
        """WITH noted AS (
             INSERT INTO events (merchant_id, entity, entity_id, name, actor, data, at) VALUES ($1, $2, $3, $4, $5, $6::jsonb, $7)
             RETURNING id)
           INSERT INTO event_places (id, ip, at) SELECT id, $8::text, $7 FROM noted WHERE $8::text <> ''""",
        merchant_id,
        table,
        row_id,
        name,
        actor,
        _text(data),
        at,
        whence.address(),
    )
