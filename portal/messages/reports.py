"""What gateways tell us of their own accord: that an SMS arrived or did not, and what people answered. Stored first, handled second.

Sources: Africa's Talking documentation, delivery reports (form: id, status, phoneNumber, failureReason) and incoming messages (form:
from, to, text, id, linkId). Nothing is signed: the unguessable address is all there is, so a report may only ever say something about a
message of its own gateway, and a STOP only ever stops."""

import hashlib
import logging
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl

import msgspec
from asyncpg import Record

from portal import limits
from portal.db import DB, Tx, atomic
from portal.errors import TooMany
from portal.gateways.interface import Why
from portal.patience import LOST_DATABASE
from portal.phones import PhoneError, is_stored_form, parse_phone
from portal.states import E, move, note

log = logging.getLogger(__name__)

ROADS = ("delivery", "inbound")
MOST_BYTES = 8192
#: Of one gateway, within so many seconds: reports come in bursts, some for each SMS, and we send a few SMS a second; what is
#: refused is sent again by gateways that are honest.
MOST = {"delivery": (3000, 60), "inbound": (600, 60)}
#: A report may be faster than the answer it belongs to: so long it waits for its message.
_PATIENCE = timedelta(minutes=10)
#: The same answer in the same words after this is said anew, and no repeat of the gateway's.
_SAID_ANEW = timedelta(hours=1)
#: A report for a message whose answer was lost is taken for it within this, when no other could be meant.
_LOST_FOR = timedelta(hours=24)
_ARRIVED = frozenset({"success", "delivered", "deliveredtoterminal"})
_NOT_ARRIVED = frozenset({"rejected", "failed", "undeliverable", "expired", "undelivered", "absentsubscriber"})
STOP_WORDS = frozenset({"stop", "stopall", "unsubscribe", "cancel", "end", "quit", "optout", "acha", "sitaki", "ondoa"})
START_WORDS = frozenset({"start", "unstop", "anza", "nataka"})


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """A delivery report or an answer, as far as it could be read."""

    provider_id: str = ""
    status: str = ""
    phone: str = ""
    reason: str = ""
    text: str = ""


async def store(token: str, road: str, body: bytes, *, now: datetime) -> bool:
    """Keep what came. False: no gateway has this address. TooMany: the gateway says more than it can have to say."""
    gateway_id = await DB.value("SELECT id FROM message_gateways WHERE token = $1", token)
    if gateway_id is None or road not in ROADS:
        return False
    most, window_s = MOST[road]
    if not await limits.hit(f"sms-{road}:{gateway_id}", limit=most, window_s=window_s, now=now):
        raise TooMany(retry_after=window_s)
    kept = body[:MOST_BYTES]
    await DB.fetch(
        """INSERT INTO message_reports AS r (gateway_id, road, body, body_hash, received_at) VALUES ($1, $2, $3, $4, $5)
           ON CONFLICT (gateway_id, road, body_hash) DO UPDATE SET repeats = r.repeats + 1,
             handled_at = CASE WHEN r.road = 'inbound' AND r.handled_at < $6 THEN NULL ELSE r.handled_at END""",
        gateway_id,
        road,
        kept,
        hashlib.sha256(kept).digest(),
        now,
        now - _SAID_ANEW,
    )
    return True


#: A turn for each gateway, so that one that floods us delays itself only; answers first, then reports nobody has looked at.
_WAITING = """WITH turns AS (
  SELECT id, row_number() OVER (PARTITION BY gateway_id ORDER BY road = 'delivery', outcome IS NOT NULL, id) AS turn
  FROM message_reports WHERE handled_at IS NULL)
SELECT r.*, g.merchant_id FROM turns t JOIN message_reports r ON r.id = t.id JOIN message_gateways g ON g.id = r.gateway_id
ORDER BY t.turn, r.id LIMIT $1"""


async def handle_waiting(*, now: datetime, limit: int = 200) -> tuple[int, int]:
    """Handle what waits; how many were, and how many could not be. What cannot be for ten minutes is given up."""
    handled = failed = 0
    for row in await DB.fetch(_WAITING, limit):
        try:
            handled += await handle(row, now=now)
        except LOST_DATABASE:
            raise
        except Exception:
            log.exception("report not handled", extra={"report_id": row["id"]})
            failed += 1
            await DB.fetch(
                """UPDATE message_reports SET outcome = 'failed', handled_at = CASE WHEN received_at <= $3 THEN $2::timestamptz END
                   WHERE id = $1""",
                row["id"],
                now,
                now - _PATIENCE,
            )
    return handled, failed


async def handle(row: Record, *, now: datetime) -> bool:
    """Handle one; False: it waits for its message."""
    found = read(row["body"])
    async with atomic() as tx:
        locked = await tx.value(
            "SELECT id FROM message_reports WHERE id = $1 AND handled_at IS NULL FOR UPDATE SKIP LOCKED", row["id"]
        )
        if locked is None:
            return False
        if row["road"] == "inbound":
            outcome = await _heard(tx, row, found, now=now)
        else:
            outcome = await _delivered(tx, row, found, now=now)
            if outcome == "nothing" and now - row["received_at"] < _PATIENCE:
                await tx.execute("UPDATE message_reports SET outcome = 'waits' WHERE id = $1", row["id"])
                return False
        await tx.execute(
            "UPDATE message_reports SET handled_at = $2, outcome = $3 WHERE id = $1", row["id"], now, outcome
        )
        return True


def read(body: bytes) -> Report:
    """What a report says; names as Africa's Talking has them, and as many others do."""
    fields = _fields(body)

    def one(*names: str) -> str:
        return next((fields[name].strip()[:480] for name in names if fields.get(name)), "")

    return Report(
        provider_id=one("id", "messageid", "message_id")[:120], status=one("status", "deliverystatus"),
        phone=_phone(one("phonenumber", "from", "msisdn", "to")), reason=one("failurereason", "reason", "error"),
        text=one("text", "message", "body"),
    )  # fmt: skip


def _fields(body: bytes) -> Mapping[str, str]:
    if body[:1] == b"{":
        try:
            found: dict[str, Any] = msgspec.json.decode(body, type=dict[str, Any])
        except msgspec.MsgspecError:
            return {}
        return {
            name.lower(): str(value).replace("\0", "") for name, value in found.items() if isinstance(value, str | int)
        }
    try:
        pairs = parse_qsl(body.decode("utf-8", "replace"), max_num_fields=40)
    except ValueError:
        return {}
    return {name.lower(): value.replace("\0", "") for name, value in pairs}


def _phone(text: str) -> str:
    try:
        return parse_phone(text) if text else ""
    except PhoneError:
        return ""


async def _delivered(tx: Tx, row: Record, found: Report, *, now: datetime) -> str:
    status = found.status.lower().replace(" ", "").replace("_", "")
    message_id = await _message_of(tx, row, found, now=now)
    if message_id is None:
        return "nothing"
    if found.provider_id:
        await tx.execute(
            "UPDATE messages SET provider_id = coalesce(provider_id, $2) WHERE id = $1", message_id, found.provider_id
        )
    if status in _ARRIVED:
        moved = await move(tx, "messages", message_id, E.ARRIVE, at=now, actor="gateway", delivered_at=now, why=None)
        return "arrived" if moved else "known"
    if status in _NOT_ARRIVED:
        data = {"why": found.reason[:60] or status[:20]}
        moved = await move(
            tx, "messages", message_id, E.FAIL, at=now, actor="gateway", data=data, why=Why.UNDELIVERED.value,
            last_error=f"{found.status} {found.reason}".strip()[:300],
        )  # fmt: skip
        return "failed" if moved else "known"
    # Sent, Submitted, Buffered, Queued: on its way. What was lost is not lost any more.
    moved = await move(tx, "messages", message_id, E.ACCEPT, at=now, actor="gateway", sent_at=now, why=None)
    return "on_its_way" if moved else "known"


async def _message_of(tx: Tx, row: Record, found: Report, *, now: datetime) -> int | None:
    """By its name at the gateway; else the one message to this number whose answer was lost."""
    known = found.provider_id and await tx.value(
        "SELECT id FROM messages WHERE gateway_id = $1 AND provider_id = $2", row["gateway_id"], found.provider_id
    )
    if known or not is_stored_form(found.phone):
        return known or None
    lost = await tx.fetch(
        """SELECT id FROM messages WHERE gateway_id = $1 AND recipient = $2 AND channel = 'sms' AND status = 'unknown'
           AND provider_id IS NULL AND claimed_at > $3 LIMIT 2""",
        row["gateway_id"],
        found.phone,
        now - _LOST_FOR,
    )
    return lost[0]["id"] if len(lost) == 1 else None


async def _heard(tx: Tx, row: Record, found: Report, *, now: datetime) -> str:
    word = "".join(char for char in (found.text.split() or [""])[0].lower() if char.isalpha())
    if not is_stored_form(found.phone) or word not in STOP_WORDS | START_WORDS:
        return "no_word"
    merchant_id = row["merchant_id"]
    if word in STOP_WORDS:
        made = await stop(tx, found.phone, merchant_id=merchant_id, how="reply", now=now)
        return "stopped" if made else "known"
    ended = await start(tx, found.phone, merchant_id=merchant_id, now=now)
    return "started" if ended else "known"


async def stop(tx: Tx, phone: str, *, merchant_id: int | None, how: str, now: datetime) -> bool:
    """A number wants no messages but those about its own money. False: it did not before either."""
    stop_id = await tx.value(
        """INSERT INTO message_stops (merchant_id, phone, how, stopped_at) VALUES ($1, $2, $3, $4)
           ON CONFLICT DO NOTHING RETURNING id""",
        merchant_id,
        phone,
        how,
        now,
    )
    if stop_id is None:
        return False
    await note(tx, "message_stops", stop_id, "stopped", merchant_id=merchant_id, at=now, actor=how)
    return True


async def start(tx: Tx, phone: str, *, merchant_id: int | None, now: datetime) -> bool:
    """It wants them again. False: it was not stopped."""
    ended = await tx.fetch(
        """UPDATE message_stops SET ended_at = $3
           WHERE merchant_id IS NOT DISTINCT FROM $1 AND phone = $2 AND ended_at IS NULL RETURNING id""",
        merchant_id,
        phone,
        now,
    )
    for row in ended:
        await note(tx, "message_stops", row["id"], "started", merchant_id=merchant_id, at=now, actor="reply")
    return bool(ended)
