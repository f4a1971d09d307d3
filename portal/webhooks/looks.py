"""Addresses, messages and tries as their pages tell them. Reads only; secrets never stand here."""

from datetime import datetime, timedelta

import msgspec
from asyncpg import Record

from portal.api_tokens import manager
from portal.db import DB
from portal.errors import NotFound
from portal.identity import Actor

PAGE_SIZE = 30


class EndpointLine(msgspec.Struct, frozen=True, kw_only=True):
    """An address in the list, and how it is doing. `waiting`: messages that are due or will be tried again; `taken`: of the last day."""

    id: int
    url: str
    note: str
    kinds: list[str]
    created_at: datetime
    off_at: datetime | None
    off_why: str
    failing_since: datetime | None
    old_secret_until: datetime | None
    waiting: int
    taken: int
    failed: int


class MessageLine(msgspec.Struct, frozen=True, kw_only=True):
    """A message of one address. `standing`: sent, sending, waiting, given_up or kept (it happened while the address was off)."""

    id: int
    kind: str
    at: datetime
    tries: int
    standing: str
    next_try_at: datetime | None
    status: int
    why: str


class AttemptLine(msgspec.Struct, frozen=True, kw_only=True):
    """One try. `status` 0: no answer came, and `why` says what went wrong. `answer`: the far side's words, untrusted."""

    at: datetime
    took_ms: int
    status: int
    why: str
    answer: str


class MessagePage(msgspec.Struct, frozen=True, kw_only=True):
    """A message with what was sent and every try, the newest first."""

    line: MessageLine
    endpoint_id: int
    body: str
    attempts: list[AttemptLine]


class Page(msgspec.Struct, frozen=True):
    """Messages, newest first; `older`: where the next page begins."""

    messages: list[MessageLine]
    older: int | None


_ENDPOINTS = """
SELECT e.id, e.url, e.note, e.kinds, e.created_at, e.off_at, coalesce(e.off_why, '') AS off_why, e.failing_since, e.old_secret_until,
       (SELECT count(*) FROM (SELECT 1 FROM webhook_messages m WHERE m.endpoint_id = e.id AND m.next_try_at IS NOT NULL
                              LIMIT 1000) w) AS waiting,
       lately.taken, lately.failed
FROM webhook_endpoints e CROSS JOIN LATERAL (
  SELECT count(*) FILTER (WHERE status BETWEEN 200 AND 299) AS taken,
         count(*) FILTER (WHERE status NOT BETWEEN 200 AND 299) AS failed
  FROM (SELECT status FROM webhook_attempts a WHERE a.endpoint_id = e.id AND a.at > $2 ORDER BY a.id DESC LIMIT 1000) t) lately
WHERE e.merchant_id = $1 AND e.ended_at IS NULL AND ($3::bigint IS NULL OR e.id = $3) ORDER BY e.id"""


async def endpoints(actor: Actor, *, now: datetime) -> list[EndpointLine]:
    """The merchant's addresses. Counts stop at 1,000."""
    rows = await DB.fetch(_ENDPOINTS, manager(actor), now - timedelta(days=1), None)
    return [_endpoint(row) for row in rows]


async def endpoint(actor: Actor, endpoint_id: int, *, now: datetime) -> EndpointLine:
    """One address; NotFound for another merchant's. Forbidden after that: who may not."""
    row = await DB.row(_ENDPOINTS, actor.at_merchant(), now - timedelta(days=1), endpoint_id)
    if row is None:
        raise NotFound
    manager(actor)
    return _endpoint(row)


def _endpoint(row: Record) -> EndpointLine:
    return EndpointLine(**dict(row) | {"kinds": row["kinds"].split()})


_MESSAGES = """
SELECT m.*, coalesce(a.status, 0) AS status, coalesce(a.why, '') AS why FROM webhook_messages m
LEFT JOIN LATERAL (SELECT status, why FROM webhook_attempts a WHERE a.message_id = m.id ORDER BY a.id DESC LIMIT 1) a ON true
WHERE m.merchant_id = $1"""


async def messages(actor: Actor, endpoint_id: int, *, before: int | None = None, most: int = PAGE_SIZE) -> Page:
    """The messages of one address, the newest first, from below the id `before` on."""
    rows = await DB.fetch(
        _MESSAGES + " AND m.endpoint_id = $2 AND m.id < $3 ORDER BY m.id DESC LIMIT $4",
        manager(actor),
        endpoint_id,
        before or 2**63 - 1,
        most + 1,
    )
    lines = [_message(row) for row in rows[:most]]
    return Page(lines, lines[-1].id if len(rows) > most else None)


async def message(actor: Actor, message_id: int) -> MessagePage:
    """One message; NotFound for another merchant's."""
    row = await DB.row(_MESSAGES + " AND m.id = $2", actor.at_merchant(), message_id)
    if row is None:
        raise NotFound
    manager(actor)
    tries = await DB.fetch(
        """SELECT at, took_ms, status, why, answer FROM webhook_attempts WHERE message_id = $1 ORDER BY id DESC LIMIT 50""",
        message_id,
    )
    return MessagePage(
        line=_message(row), endpoint_id=row["endpoint_id"], body=row["body"] or "",
        attempts=[AttemptLine(**dict(one)) for one in tries],
    )  # fmt: skip


def _message(row: Record) -> MessageLine:
    standing = "kept"
    if row["lease_until"] is not None:
        standing = "sending"
    elif row["next_try_at"] is not None:
        standing = "waiting"
    elif row["sent_at"] is not None:
        standing = "sent"
    elif row["given_up_at"] is not None:
        standing = "given_up"
    return MessageLine(
        id=row["id"], kind=row["kind"], at=row["at"], tries=row["tries"], standing=standing, status=row["status"],
        next_try_at=row["next_try_at"], why=row["why"],
    )  # fmt: skip
