"""Callbacks in the database: many messages in one statement, each under what its address names; a repeat is the same row.

Not what they mean: that is `handling`."""

import hashlib
import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum

import msgspec
from asyncpg import Record

from portal.db import Tx
from portal.work import Work, defer_all

#: What is kept of a message; Daraja's are below 2 KB.
MOST_BYTES = 65_536
#: So many messages about one payment are kept from addresses nobody listed: it is asked about in any case.
MOST_UNTRUSTED = 64
#: Who counts what was sent to addresses we never gave out: a row of `limits`, a day at a time.
UNKNOWN_ADDRESSES = "callbacks:unknown-address"
_A_DAY = timedelta(days=1)
_TOKEN = re.compile(r"[0-9a-f]{64}")
_REQUEST_ID = re.compile(r"[A-Za-z0-9_.-]{1,64}")


class CallbackRoad(StrEnum):
    """How a message came; says what its `name` is."""

    STK = "stk"  # a payment's own address
    WEBHOOK = "webhook"  # the common address: named by CheckoutRequestID, never trusted
    C2B = "c2b"  # an account's address for payments by hand
    RESULT = "result"  # a request's address for its result
    TIMEOUT = "timeout"  # the same: it waited too long in a queue
    AIRTEL = "airtel"  # an Airtel Money account's address
    PAYSTACK = "paystack"  # a Paystack account's address


#: Roads whose proof is in the message itself; where it came from says nothing.
RAIL_ROADS = frozenset({CallbackRoad.AIRTEL, CallbackRoad.PAYSTACK})
_MOST_SIGNED = 200


class Message(msgspec.Struct, frozen=True, array_like=True):
    """A message as it came. `name`: the token in its address (hex), or a CheckoutRequestID. `body` is cut at MOST_BYTES,
    `digest` is of all that was read of it."""

    road: CallbackRoad
    name: str
    body: bytes
    digest: bytes
    is_cut: bool
    source: str
    is_trusted: bool
    received_at: datetime
    signature: str = ""

    @classmethod
    def of(
        cls, road: CallbackRoad, name: str, body: bytes, *, source: str, is_trusted: bool, now: datetime,
        signature: str = "",
    ) -> "Message":  # fmt: skip
        """From what was read of a request. The same body under another signature is another message: a forger who was first
        must not stand in the way of the true one."""
        is_ours = is_trusted and road is not CallbackRoad.WEBHOOK and road not in RAIL_ROADS
        kept = "".join(char for char in signature if char.isascii() and char.isprintable())[:_MOST_SIGNED]
        digest = hashlib.sha256(body + kept.encode()).digest()
        return cls(road, name, body[:MOST_BYTES], digest, len(body) > MOST_BYTES, source, is_ours, now, kept)

    @property
    def is_possible(self) -> bool:
        """Whether its name has the form of one; no other is looked up."""
        form = _REQUEST_ID if self.road is CallbackRoad.WEBHOOK else _TOKEN
        return form.fullmatch(self.name) is not None


class Kept(StrEnum):
    """What came of keeping a message."""

    NEW = "new"
    REPEAT = "repeat"
    ENOUGH = "enough"  # its payment has more than enough of the kind; answered, not kept
    UNKNOWN = "unknown"  # nothing has that name; not kept
    SPOOLED = "spooled"  # on the disk, until the database is back
    REFUSED = "refused"  # nowhere: the room left on the disk is for listed addresses


_KEEP = f"""
WITH came AS (
  SELECT * FROM unnest($1::text[], $2::text[], $3::bytea[], $4::bytea[], $5::bool[], $6::text[], $7::bool[], $8::timestamptz[],
                       $9::text[])
  WITH ORDINALITY AS came (road, name, body, body_hash, is_cut, source, is_trusted, received_at, signature, place)
), found AS (
  SELECT came.*, p.id AS named_id, p.merchant_id, p.id AS payment_id, p.account_id, NULL::bigint AS address_id
  FROM came JOIN payments p ON p.callback_token = came.name WHERE came.road = 'stk'
  UNION ALL
  SELECT came.*, p.id, p.merchant_id, p.id, p.account_id, NULL::bigint
  FROM came JOIN payments p ON p.checkout_request_id = came.name WHERE came.road = 'webhook'
  UNION ALL
  SELECT came.*, a.id, a.merchant_id, NULL::bigint, a.account_id, a.id
  FROM came JOIN callback_addresses a ON a.token = came.name
  AND a.road = CASE came.road WHEN 'timeout' THEN 'result' ELSE came.road END
  WHERE came.road IN ('c2b', 'result', 'timeout', 'airtel', 'paystack')
), one AS (
  SELECT DISTINCT ON (road, named_id, body_hash) found.*,
         count(*) OVER same AS times, bool_or(is_trusted) OVER same AS is_vouched
  FROM found WINDOW same AS (PARTITION BY road, named_id, body_hash)
  ORDER BY road, named_id, body_hash, received_at
), stored AS (
  INSERT INTO callbacks AS k (merchant_id, payment_id, account_id, address_id, road, named_id, body, body_hash, is_cut, source,
                              is_trusted, received_at, signature, repeats, next_try_at)
  SELECT merchant_id, payment_id, account_id, address_id, road, named_id, body, body_hash, is_cut, source,
         is_vouched, received_at, signature, times - 1, received_at
  FROM one WHERE is_vouched OR payment_id IS NULL
  OR (SELECT count(*) FROM callbacks o WHERE o.payment_id = one.payment_id AND NOT o.is_trusted) < {MOST_UNTRUSTED}
  ORDER BY road, named_id, body_hash
  ON CONFLICT (road, named_id, body_hash) DO UPDATE SET
    repeats = k.repeats + excluded.repeats + (k.received_at <> excluded.received_at)::int,
    is_trusted = k.is_trusted OR excluded.is_trusted,
    handled_at = CASE WHEN excluded.is_trusted AND NOT k.is_trusted THEN NULL ELSE k.handled_at END,
    next_try_at = CASE WHEN excluded.is_trusted AND NOT k.is_trusted THEN excluded.received_at ELSE k.next_try_at END
  RETURNING id, road, named_id, body_hash, xmax = 0 AS is_new
)
SELECT found.place, stored.id, stored.is_new FROM found LEFT JOIN stored USING (road, named_id, body_hash)"""

_COUNT = """
INSERT INTO limits AS l (name, window_at, hits) VALUES ($1, $2, $3)
ON CONFLICT (name) DO UPDATE SET
  hits = CASE WHEN l.window_at <= $4 THEN excluded.hits ELSE l.hits + excluded.hits END,
  window_at = CASE WHEN l.window_at <= $4 THEN excluded.window_at ELSE l.window_at END"""


async def keep(tx: Tx, messages: Sequence[Message], *, wakes: bool = True) -> list[Kept]:
    """Keep these; one outcome for each, in order. What has no address of ours is only counted. A worker is woken for each that
    is new, unless the next sweep will do (`wakes`). Repeatable: a message with the same moment of arrival is the same.

    A message that came from an unlisted address before and now from a listed one is handled again."""
    outcomes = [Kept.UNKNOWN] * len(messages)
    places = [place for place, message in enumerate(messages) if message.is_possible]
    fresh: set[int] = set()
    for row in await _store(tx, [messages[place] for place in places]) if places else ():
        place = places[row["place"] - 1]
        outcomes[place] = Kept.ENOUGH if row["id"] is None else Kept.NEW if row["is_new"] else Kept.REPEAT
        if row["is_new"]:
            fresh.add(row["id"])
    if fresh and wakes:
        await defer_all(tx, Work.SETTLE_CALLBACK, sorted(fresh))
    unknown = outcomes.count(Kept.UNKNOWN)
    if unknown:
        now = max(message.received_at for message in messages)
        await tx.execute(_COUNT, UNKNOWN_ADDRESSES, now, unknown, now - _A_DAY)
    return outcomes


async def _store(tx: Tx, messages: Sequence[Message]) -> list[Record]:
    return await tx.fetch(
        _KEEP,
        [message.road.value for message in messages],
        [message.name for message in messages],
        [message.body for message in messages],
        [message.digest for message in messages],
        [message.is_cut for message in messages],
        [message.source for message in messages],
        [message.is_trusted for message in messages],
        [message.received_at for message in messages],
        [message.signature for message in messages],
    )  # fmt: skip
