"""From the spool into the database: every message there once, the file gone once all of it is committed.

May be done by any process of this machine, by several at once, and again after a death in the middle."""

import asyncio
import logging
from collections.abc import Sequence

import asyncpg
import msgspec

from portal import faults
from portal.callbacks.store import Kept, Message, keep
from portal.clock import Clock
from portal.db import atomic
from portal.patience import LOST_DATABASE
from portal.spool import Segment, Spool, read_frames
from portal.states import note

log = logging.getLogger(__name__)

_BATCH = 100
#: What says that a message itself can never be stored. On anything else the file stays and is tried again.
_REFUSED = (asyncpg.DataError, asyncpg.IntegrityConstraintViolationError)
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Message).decode


class Drained(msgspec.Struct):
    """What a drain did: files emptied; messages new to the database, there already, and to no address of ours; and how many
    could not be read or stored, and lie aside for a person."""

    files: int = 0
    new: int = 0
    known: int = 0
    unknown: int = 0
    aside: int = 0


def to_record(message: Message) -> bytes:
    """A message as it stands in the spool."""
    return _encode(message)


def waiting_in(spool: Spool) -> list[tuple[str, list[Message], int]]:
    """What waits, a file at a time: its name, the messages that can be read, and how many bytes cannot. Takes nothing away."""
    found: list[tuple[str, list[Message], int]] = []
    for path in spool.files():
        records, spoilt = read_frames(path.read_bytes())
        messages, unreadable = _messages(records)
        found.append((path.name, messages, len(spoilt) + sum(map(len, unreadable))))
    return found


async def drain(spool: Spool, clock: Clock) -> Drained:
    """Bring everything nobody else is busy with into the database. A file that meets an error stays, and the error is raised
    once the others were tried."""
    drained = Drained()
    errors: list[Exception] = []
    for segment in spool.claim():
        try:
            await _empty(segment, drained, clock)
        except Exception as error:
            errors.append(error)
            if isinstance(error, LOST_DATABASE):
                break
    if drained.files:
        log.info("spool drained", extra=msgspec.structs.asdict(drained))
    if errors:
        raise errors[-1]
    return drained


async def _empty(segment: Segment, drained: Drained, clock: Clock) -> None:
    try:
        aside = await _bring(segment, drained)
        lost = len(aside) + bool(segment.spoilt)
        if lost:
            drained.aside += lost
            await _alarm(segment, lost, clock)
        await asyncio.to_thread(segment.remove, aside=aside)
    except BaseException:
        segment.close()
        raise
    drained.files += 1


async def _bring(segment: Segment, drained: Drained) -> list[bytes]:
    """The records that cannot be stored, whatever is tried."""
    messages, aside = _messages(segment.records)
    for at in range(0, len(messages), _BATCH):
        batch = messages[at : at + _BATCH]
        try:
            _count(await _keep(batch), drained)
        except _REFUSED:
            log.exception("messages from the spool refused together, now one by one")
            aside += await _one_by_one(batch, drained)
    return aside


def _messages(records: Sequence[bytes]) -> tuple[list[Message], list[bytes]]:
    messages: list[Message] = []
    strange: list[bytes] = []
    for record in records:
        try:
            messages.append(_decode(record))
        except msgspec.DecodeError:
            strange.append(record)
    return messages, strange


async def _one_by_one(batch: Sequence[Message], drained: Drained) -> list[bytes]:
    aside: list[bytes] = []
    for message in batch:
        try:
            _count(await _keep([message]), drained)
        except _REFUSED:
            log.exception("a message from the spool cannot be stored")
            aside.append(to_record(message))
    return aside


async def _keep(batch: Sequence[Message]) -> list[Kept]:
    async with atomic() as tx:
        kept = await keep(tx, batch, wakes=False)  # they come by the thousand: the sweep is cheaper
    faults.reach("spool.drained")
    return kept


def _count(kept: Sequence[Kept], drained: Drained) -> None:
    drained.new += kept.count(Kept.NEW)
    drained.unknown += kept.count(Kept.UNKNOWN)
    drained.known += kept.count(Kept.REPEAT) + kept.count(Kept.ENOUGH)


async def _alarm(segment: Segment, lost: int, clock: Clock) -> None:
    log.error("part of the spool cannot be read", extra={"file": segment.path.name, "parts": lost})
    data = {"file": segment.path.name, "parts": lost, "bytes": len(segment.spoilt)}
    async with atomic() as tx:
        await note(tx, "callbacks", 0, "spool_unreadable", merchant_id=None, at=clock.now(), actor="spool", data=data)
