"""Sending one claimed message, and writing down what came of it. Network first, then one transaction; a message is never sent twice.

A death between the two leaves a lease that runs out; the row is then `unknown`, because nobody can tell whether it went."""

import logging
import random
from datetime import datetime, timedelta

from asyncpg import Record, UniqueViolationError
from msgspec import structs

from portal import alerts, faults, ledger
from portal.clock import Clock
from portal.db import Tx, atomic
from portal.errors import PortalError
from portal.gateways.doors import GatewayDoors, NotHere
from portal.gateways.interface import Accepted, Broken, Later, Lost, Moved, Outcome, Refused, Why
from portal.ledger import Account, Entry, Kind
from portal.messages.kinds import Told
from portal.messages.outbox import write
from portal.messages.wording import Unreadable, compose
from portal.patience import patiently
from portal.states import E, move
from portal.vault import Vault

log = logging.getLogger(__name__)

#: After so many tries that went wrong for a while a message is dead.
MOST_TRIES = 10
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 20.0, 3600.0
#: A gateway that is busy or away is left alone this long at first, one that a person must mend for longer.
_GATEWAY_PAUSE_S, _BROKEN_PAUSE_S = 10.0, 120.0
#: Only we know the answer: so long we try to write it down while the database is away.
_HOLD_ANSWER_S = 30.0


def pause_s(tries: int, *, first: float = _FIRST_PAUSE_S) -> float:
    """How long to wait after so many tries: doubling, at most an hour, a quarter more or less by chance."""
    return min(_LONGEST_PAUSE_S, first * 2 ** max(0, tries - 1)) * random.uniform(0.75, 1.25)  # noqa: S311  (no secret)


async def send(row: Record, doors: GatewayDoors, *, vault: Vault, clock: Clock) -> str:
    """Send a claimed message. Returns what came of it: sent, failed, waiting, unknown."""
    faults.reach("message.claimed")
    try:
        gateway = await doors.for_gateway(row["gateway_id"])
        ready = await compose(row, vault=vault)
        if row["file_text"]:
            ready = structs.replace(ready, file_name=row["file_name"] or "", file_text=row["file_text"])
        outcome = await gateway.send(ready)
        repeats = gateway.repeats_safely
    except NotHere as error:
        outcome, repeats = Broken(why=Why.SET_UP, said=str(error)), True
    except UnicodeEncodeError:  # a key with a dash from a chat in it: nothing was sent, and only a person can mend it
        outcome, repeats = Broken(why=Why.WRONG_KEYS, said="a key holds a letter that cannot be sent"), True
    except (Unreadable, PortalError) as error:
        log.exception("message cannot be made", extra={"message_id": row["id"]})
        outcome, repeats = Refused(why=Why.UNREADABLE, said=type(error).__name__), True
    faults.reach("message.answered")
    if isinstance(outcome, Lost) and repeats:
        outcome = Later(why=Why.LOST, said=outcome.said)
    return await _record(row, outcome, now=clock.now())


async def _record(row: Record, outcome: Outcome, *, now: datetime) -> str:
    """With the name the gateway gave it, if no other message of its has that name: some call all of theirs alike."""
    try:
        return await patiently(lambda: record(row, outcome, now=now), within_s=_HOLD_ANSWER_S)
    except UniqueViolationError as error:
        if "messages_provider" not in str(error) or not isinstance(outcome, Accepted):
            raise
        log.warning("gateway named two messages alike", extra={"message_id": row["id"], "gateway": row["gateway_id"]})
    nameless = structs.replace(outcome, provider_id="")
    return await patiently(lambda: record(row, nameless, now=now), within_s=_HOLD_ANSWER_S)


async def record(row: Record, outcome: Outcome, *, now: datetime) -> str:
    """Write down what came of a try."""
    async with atomic() as tx:
        match outcome:
            case Accepted():
                return await _accepted(tx, row, outcome, now=now)
            case Refused():
                return await _refused(tx, row, outcome, now=now)
            case Later():
                return await _later(tx, row, outcome, now=now)
            case Broken():
                return await _broken(tx, row, outcome, now=now)
            case Moved(to=to):
                return await _moved(tx, row, to, now=now)
            case Lost(said=said):
                await _leave_alone(tx, row, _GATEWAY_PAUSE_S, now=now)
                await move(
                    tx, "messages", row["id"], E.LOSE, at=now, lease_until=None, why=Why.LOST.value, last_error=said[:300]
                )  # fmt: skip
                return "unknown"


async def _accepted(tx: Tx, row: Record, taken: Accepted, *, now: datetime) -> str:
    await move(
        tx, "messages", row["id"], E.ACCEPT, at=now, lease_until=None, sent_at=now, last_error=None, why=None,
        provider_id=taken.provider_id or None, parts=taken.parts, cost_cents=taken.cost_cents,
        cost_currency=taken.currency or None,
    )  # fmt: skip
    await charge(tx, row, taken.cost_cents or 0, taken.currency, now=now)
    await fine(tx, row["gateway_id"], now=now)
    await alerts.end(tx, "message_dead", _subject(row), now=now)
    return "sent"


async def charge(tx: Tx, row: Record, cents: int, currency: str, *, now: datetime) -> None:
    """Book what a message cost. Only what went by the platform's gateway in a merchant's name is between us and the merchant: it
    is taken from what we owe. By its own gateway the merchant pays the gateway itself."""
    merchant_id = row["merchant_id"]
    if not cents or merchant_id is None:
        return
    is_ours = await tx.value(
        """SELECT g.merchant_id IS NULL AND g.is_charged AND m.currency = $3 FROM message_gateways g, merchants m
           WHERE g.id = $1 AND m.id = $2""",
        row["gateway_id"],
        merchant_id,
        currency,
    )
    if is_ours:
        # Tries begin anew when a person sends it again, and that costs anew: named by the moment it was claimed.
        name = f"SMS-{row['id']}-{int(row['claimed_at'].timestamp())}"
        await ledger.post(
            tx, Kind.SMS, [Entry(Account.MERCHANT_PAYABLE, cents), Entry(Account.SMS_COST, -cents)],
            merchant_id=merchant_id, payment_id=None, receipt=name, currency=currency, now=now,
        )  # fmt: skip


async def _refused(tx: Tx, row: Record, no: Refused, *, now: datetime) -> str:
    await _fail(tx, row, no.why, no.said, now=now)
    if no.why is Why.UNWANTED and row["channel"] == "sms":
        await tx.execute(
            """INSERT INTO message_stops (merchant_id, phone, how, stopped_at) VALUES ($1, $2, 'gateway', $3)
               ON CONFLICT DO NOTHING""",
            row["merchant_id"],
            row["recipient"],
            now,
        )
    if no.why is not Why.UNREADABLE:
        await fine(tx, row["gateway_id"], now=now)  # it answers, and knows what it says
    return "failed"


async def _fail(tx: Tx, row: Record, why: Why, said: str, *, now: datetime) -> None:
    await move(
        tx, "messages", row["id"], E.FAIL, at=now, data={"why": why.value}, lease_until=None, why=why.value,
        last_error=said[:300],
    )  # fmt: skip


async def _later(tx: Tx, row: Record, no: Later, *, now: datetime) -> str:
    if not no.is_only_this:
        await _leave_alone(tx, row, max(no.retry_after, _GATEWAY_PAUSE_S), now=now)
    if row["tries"] >= MOST_TRIES:
        await _fail(tx, row, Why.GIVEN_UP, no.said, now=now)
        data = {"channel": row["channel"], "why": no.why.value}
        await alerts.begin(tx, "message_dead", _subject(row), now=now, data=data, merchant_id=row["merchant_id"])
        return "failed"
    wait = max(no.retry_after, pause_s(row["tries"]))
    await _again(tx, row, no.why, no.said, after_s=wait, now=now)
    return "waiting"


async def _again(tx: Tx, row: Record, why: Why, said: str, *, after_s: float, now: datetime) -> None:
    await move(
        tx, "messages", row["id"], E.RETRY, at=now, lease_until=None, next_try_at=now + timedelta(seconds=after_s),
        why=why.value, last_error=said[:300],
    )  # fmt: skip


async def _broken(tx: Tx, row: Record, no: Broken, *, now: datetime) -> str:
    """Every message waits until the gateway is mended; that this one met it first does not count against it."""
    await _again(tx, row, no.why, no.said, after_s=pause_s(1), now=now)
    await tx.execute("UPDATE messages SET tries = greatest(0, tries - 1) WHERE id = $1", row["id"])
    gateway = await tx.row(
        """UPDATE message_gateways SET trouble_at = CASE WHEN trouble = $2 THEN trouble_at ELSE $4 END, trouble = $2,
           trouble_text = $3 WHERE id = $1 RETURNING merchant_id, channel, trouble_at""",
        row["gateway_id"],
        no.why.value,
        no.said[:300],
        now,
    )
    assert gateway is not None
    await _leave_alone(tx, row, _BROKEN_PAUSE_S, now=now)
    data = {"channel": gateway["channel"], "why": no.why.value}
    subject = f"gateway:{row['gateway_id']}"
    if await alerts.begin(tx, "message_gateway", subject, now=now, data=data, merchant_id=gateway["merchant_id"]):
        await write(
            tx, Told.SHOP_GATEWAY, f"{row['gateway_id']}:{int(now.timestamp())}", merchant_id=gateway["merchant_id"],
            phone=None, params={"channel": gateway["channel"]}, now=now,
        )  # fmt: skip
    return "waiting"


async def _moved(tx: Tx, row: Record, to: str, *, now: datetime) -> str:
    """A group became a supergroup: the same chat under another number."""
    await move(tx, "messages", row["id"], E.RETRY, at=now, lease_until=None, next_try_at=now, recipient=to)
    await tx.execute(
        "UPDATE message_settings SET shop_chat = $3 WHERE merchant_id = $1 AND shop_chat = $2",
        row["merchant_id"],
        row["recipient"],
        to,
    )
    return "waiting"


async def _leave_alone(tx: Tx, row: Record, first_s: float, *, now: datetime) -> None:
    """Longer after each time in a row; the next message after that goes alone, to see."""
    faults_before: int = await tx.value("SELECT faults FROM message_gateways WHERE id = $1", row["gateway_id"])
    wait = timedelta(seconds=pause_s(faults_before + 1, first=first_s))
    await tx.execute(
        "UPDATE message_gateways SET faults = faults + 1, free_at = greatest(free_at, $2) WHERE id = $1",
        row["gateway_id"],
        now + wait,
    )


async def fine(tx: Tx, gateway_id: int, *, now: datetime) -> None:
    """It works: what was wrong with it is over."""
    mended = await tx.value(
        """UPDATE message_gateways SET faults = 0, free_at = NULL, trouble = NULL, trouble_text = NULL, trouble_at = NULL
           WHERE id = $1 AND (faults > 0 OR trouble IS NOT NULL OR free_at IS NOT NULL) RETURNING id""",
        gateway_id,
    )
    if mended is not None:
        await alerts.end(tx, "message_gateway", f"gateway:{gateway_id}", now=now)


def _subject(row: Record) -> str:
    return f"merchant:{row['merchant_id']}:{row['channel']}"
