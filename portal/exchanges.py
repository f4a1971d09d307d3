"""Exchanges: what a provider was asked about a payment, how long it took and what it said, kept for the payment's timeline.

Written by whoever asks, in the transaction that writes down the outcome. No keys and no phone numbers are kept."""

import re
import time
from datetime import datetime

import msgspec

from portal.db import Tx, atomic
from portal.mpesa import heard

_MOST_SAID = 200
_NUMBER = re.compile(r"\+?\d{9,}")


class Exchange(msgspec.Struct, frozen=True, kw_only=True):
    """One request, answered or not. `http_status` None: no answer came."""

    verb: str
    asked_at: datetime
    took_ms: int
    http_status: int | None
    code: str
    said: str


class Asking:
    """A request on its way. Made just before it is sent; `ended` tells what came."""

    def __init__(self, verb: str, *, now: datetime) -> None:
        self._verb = verb
        self._asked_at = now
        self._started = time.monotonic()
        heard.nothing()

    def ended(self, code: str, said: str = "") -> Exchange:
        """What came of it, in the provider's code and words; long numbers in them are hidden."""
        return Exchange(
            verb=self._verb,
            asked_at=self._asked_at,
            took_ms=round((time.monotonic() - self._started) * 1000),
            http_status=heard.last_status(),
            code=code[:24],
            said=_NUMBER.sub("•••", said)[:_MOST_SAID],
        )


async def keep(tx: Tx, payment_id: int, exchange: Exchange) -> None:
    """Write it down in the caller's transaction; whose payment it is and by which account is read from the payment."""
    await tx.execute(
        """INSERT INTO exchanges (merchant_id, payment_id, account_id, verb, asked_at, took_ms, http_status, code, said)
           SELECT merchant_id, id, account_id, $2, $3, $4, $5, $6, $7 FROM payments WHERE id = $1""",
        payment_id,
        exchange.verb,
        exchange.asked_at,
        exchange.took_ms,
        exchange.http_status,
        exchange.code,
        exchange.said,
    )


async def kept(payment_id: int, exchange: Exchange) -> None:
    """`keep`, for who has nothing else to write."""
    async with atomic() as tx:
        await keep(tx, payment_id, exchange)
