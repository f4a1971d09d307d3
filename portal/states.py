"""The state machines: who may become what by which event, and the only code that writes a status column.

Late truth stands in the tables, not in an `if`: a failed or unknown payment may still become paid, a paid one never fails."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any

import msgspec

from portal.db import Tx


class VoucherStatus(StrEnum):
    """Where a voucher stands."""

    UNSOLD = "unsold"
    PAID = "paid"
    IN_USE = "in_use"
    EXPIRED = "expired"
    REVOKED = "revoked"


class PaymentStatus(StrEnum):
    """Where an attempt to collect money stands."""

    CREATED = "created"
    SUBMITTING = "submitting"
    PENDING = "pending"
    PAID = "paid"
    FAILED = "failed"
    UNKNOWN = "unknown"
    REFUND_PENDING = "refund_pending"
    REFUNDED = "refunded"


class GrantStatus(StrEnum):
    """Where a wish for access stands on its router."""

    WANTED = "wanted"
    PRESENT = "present"
    ENDING = "ending"
    GONE = "gone"


class RouterStatus(StrEnum):
    """How a router is doing, as we see it."""

    NEW = "new"
    ONLINE = "online"
    LATE = "late"
    OFFLINE = "offline"
    PAUSED = "paused"
    REMOVED = "removed"


class SuspenseStatus(StrEnum):
    """Where money that was nobody's stands."""

    OPEN = "open"
    RESOLVED = "resolved"
    REFUNDING = "refunding"
    REFUNDED = "refunded"


class RefundStatus(StrEnum):
    """Where money that is to go back to its payer stands."""

    WANTED = "wanted"
    SENDING = "sending"
    UNKNOWN = "unknown"
    DONE = "done"
    FAILED = "failed"
    DROPPED = "dropped"


class ClaimStatus(StrEnum):
    """Where a customer's "I already paid" stands."""

    OPEN = "open"
    LINKED = "linked"
    REFUSED = "refused"


class E(StrEnum):
    """Every event that moves a status."""

    SELL = "sell"
    START = "start"
    EXPIRE = "expire"
    REVOKE = "revoke"
    REVIVE = "revive"
    REVIVE_UNUSED = "revive_unused"
    SUBMIT = "submit"
    RETRY = "retry"
    ACCEPT = "accept"
    PAY = "pay"
    FAIL = "fail"
    LOSE = "lose"
    REFUND = "refund"
    REFUND_DONE = "refund_done"
    RESOLVE = "resolve"
    REOPEN = "reopen"
    LINK = "link"
    REFUSE = "refuse"
    APPEAR = "appear"
    END = "end"
    LEAVE = "leave"
    ANSWER = "answer"
    MISS = "miss"
    DROP = "drop"
    PAUSE = "pause"
    RESUME = "resume"
    REPLACE = "replace"
    REMOVE = "remove"


Transitions = Mapping[tuple[str, E], str]

_V, _P, _G, _R = VoucherStatus, PaymentStatus, GrantStatus, RouterStatus
_S, _B, _C = SuspenseStatus, RefundStatus, ClaimStatus

VOUCHER: Transitions = {
    (_V.UNSOLD, E.SELL): _V.PAID,
    (_V.PAID, E.START): _V.IN_USE,
    (_V.UNSOLD, E.EXPIRE): _V.EXPIRED,
    (_V.PAID, E.EXPIRE): _V.EXPIRED,
    (_V.IN_USE, E.EXPIRE): _V.EXPIRED,
    (_V.UNSOLD, E.REVOKE): _V.REVOKED,
    (_V.PAID, E.REVOKE): _V.REVOKED,
    (_V.IN_USE, E.REVOKE): _V.REVOKED,
    (_V.EXPIRED, E.REVIVE): _V.IN_USE,
    (_V.EXPIRED, E.REVIVE_UNUSED): _V.PAID,
}
PAYMENT: Transitions = {
    (_P.CREATED, E.SUBMIT): _P.SUBMITTING,
    (_P.CREATED, E.FAIL): _P.FAILED,
    (_P.SUBMITTING, E.RETRY): _P.CREATED,
    (_P.SUBMITTING, E.ACCEPT): _P.PENDING,
    (_P.SUBMITTING, E.FAIL): _P.FAILED,
    (_P.SUBMITTING, E.LOSE): _P.UNKNOWN,
    (_P.PENDING, E.FAIL): _P.FAILED,
    (_P.PENDING, E.LOSE): _P.UNKNOWN,
    (_P.UNKNOWN, E.FAIL): _P.FAILED,
    (_P.CREATED, E.PAY): _P.PAID,
    (_P.SUBMITTING, E.PAY): _P.PAID,
    (_P.PENDING, E.PAY): _P.PAID,
    (_P.UNKNOWN, E.PAY): _P.PAID,
    (_P.FAILED, E.PAY): _P.PAID,
    (_P.PAID, E.REFUND): _P.REFUND_PENDING,
    (_P.REFUND_PENDING, E.REFUND_DONE): _P.REFUNDED,
}
GRANT: Transitions = {
    (_G.WANTED, E.APPEAR): _G.PRESENT,
    (_G.WANTED, E.END): _G.ENDING,
    (_G.PRESENT, E.END): _G.ENDING,
    (_G.ENDING, E.LEAVE): _G.GONE,
    (_G.ENDING, E.REVIVE): _G.WANTED,
    (_G.GONE, E.REVIVE): _G.WANTED,
}
ROUTER: Transitions = {
    (_R.NEW, E.ANSWER): _R.ONLINE,
    (_R.LATE, E.ANSWER): _R.ONLINE,
    (_R.OFFLINE, E.ANSWER): _R.ONLINE,
    (_R.ONLINE, E.MISS): _R.LATE,
    (_R.ONLINE, E.DROP): _R.OFFLINE,
    (_R.LATE, E.DROP): _R.OFFLINE,
    (_R.NEW, E.DROP): _R.OFFLINE,
    (_R.NEW, E.PAUSE): _R.PAUSED,
    (_R.ONLINE, E.PAUSE): _R.PAUSED,
    (_R.LATE, E.PAUSE): _R.PAUSED,
    (_R.OFFLINE, E.PAUSE): _R.PAUSED,
    (_R.PAUSED, E.RESUME): _R.NEW,
    (_R.ONLINE, E.REPLACE): _R.NEW,
    (_R.LATE, E.REPLACE): _R.NEW,
    (_R.OFFLINE, E.REPLACE): _R.NEW,
    (_R.NEW, E.REPLACE): _R.NEW,
    (_R.NEW, E.REMOVE): _R.REMOVED,
    (_R.ONLINE, E.REMOVE): _R.REMOVED,
    (_R.LATE, E.REMOVE): _R.REMOVED,
    (_R.OFFLINE, E.REMOVE): _R.REMOVED,
    (_R.PAUSED, E.REMOVE): _R.REMOVED,
}
SUSPENSE: Transitions = {
    (_S.OPEN, E.RESOLVE): _S.RESOLVED,
    (_S.OPEN, E.REFUND): _S.REFUNDING,
    (_S.REFUNDING, E.REFUND_DONE): _S.REFUNDED,
    (_S.REFUNDING, E.REOPEN): _S.OPEN,
}
REFUND: Transitions = {
    (_B.WANTED, E.SUBMIT): _B.SENDING,
    (_B.FAILED, E.SUBMIT): _B.SENDING,
    (_B.SENDING, E.REFUND_DONE): _B.DONE,
    (_B.UNKNOWN, E.REFUND_DONE): _B.DONE,
    (_B.SENDING, E.LOSE): _B.UNKNOWN,
    (_B.SENDING, E.FAIL): _B.FAILED,
    (_B.UNKNOWN, E.FAIL): _B.FAILED,
    (_B.WANTED, E.DROP): _B.DROPPED,
    (_B.FAILED, E.DROP): _B.DROPPED,
}
CLAIM: Transitions = {(_C.OPEN, E.LINK): _C.LINKED, (_C.OPEN, E.REFUSE): _C.REFUSED}
MACHINES: Mapping[str, Transitions] = {
    "vouchers": VOUCHER,
    "payments": PAYMENT,
    "suspense": SUSPENSE,
    "refunds": REFUND,
    "claims": CLAIM,
    "access_grants": GRANT,
    "routers": ROUTER,
}

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
    names = "".join(f", {name} = ${number}" for number, name in enumerate(columns, start=7))
    rows = await tx.fetch(
        _MOVE.format(table=table, cases=cases, columns=names),
        list(row_ids),
        list(arrows),
        event.value,
        actor,
        msgspec.json.encode(data or {}).decode(),
        at,
        *columns.values(),
    )
    return [row["id"] for row in rows]


async def note(
    tx: Tx, table: str, row_id: int, name: str, *, merchant_id: int | None, at: datetime, actor: str = "system",
    data: Mapping[str, Any] | None = None,
) -> None:  # fmt: skip
    """Write an event that moves nothing."""
    await tx.execute(
        "INSERT INTO events (merchant_id, entity, entity_id, name, actor, data, at) VALUES ($1, $2, $3, $4, $5, $6::jsonb, $7)",
        merchant_id,
        table,
        row_id,
        name,
        actor,
        msgspec.json.encode(data or {}).decode(),
        at,
    )
