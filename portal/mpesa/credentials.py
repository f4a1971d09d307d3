"""What one M-Pesa app needs to speak, and the one live token it may have. No HTTP here: see client.

A new token makes Safaricom forget the old one (Daraja documentation, Authorization), so a token is shared, never
fetched per request or per worker.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from portal.clock import Clock

#: Fetched again this long before the end, so that no request leaves with a token that dies on the way.
REFRESH_EARLY = timedelta(minutes=2)


class TransactionType(StrEnum):
    PAYBILL = "CustomerPayBillOnline"
    BUY_GOODS = "CustomerBuyGoodsOnline"


@dataclass(frozen=True, slots=True, kw_only=True)
class Initiator:
    """The API user of M-Pesa's organisation portal that signs reversals, payouts and questions about transactions."""

    name: str
    password: str = field(repr=False)
    #: Safaricom's certificate of the account's environment, PEM; the password is encrypted with it.
    certificate: str = field(repr=False, default="")


@dataclass(frozen=True, slots=True, kw_only=True)
class MpesaApp:
    """One app of the developer portal with its shortcode. Secrets are kept out of its repr."""

    #: sandbox, production or loopback.
    environment: str
    #: Scheme and host, no slash at the end.
    base_url: str
    consumer_key: str = field(repr=False)
    consumer_secret: str = field(repr=False)
    #: The paybill; for a till the head-office or store number of the go-live mail.
    shortcode: str
    passkey: str = field(repr=False)
    transaction_type: TransactionType = TransactionType.PAYBILL
    #: The till for BUY_GOODS; empty: the shortcode.
    party_b: str = ""
    #: None: only pushes, queries and C2B work.
    initiator: Initiator | None = None
    #: Pays out; empty: the shortcode.
    b2c_shortcode: str = ""
    #: v1 or v2.
    c2b_version: str = "v2"

    @property
    def receiver(self) -> str:
        return self.party_b or self.shortcode

    @property
    def identity(self) -> tuple[str, str]:
        """What a token belongs to: shortcodes of one app share theirs."""
        return self.base_url, self.consumer_key


@dataclass(frozen=True, slots=True)
class Token:
    """A bearer token and the moment (UTC) it stops working."""

    value: str = field(repr=False)
    expires_at: datetime


Fetch = Callable[[], Awaitable[Token]]


class TokenSource:
    """The live tokens of this process. While one is being fetched, everybody waits for that one.

    Not for several processes with the same app: they would make each other's token invalid.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._live: dict[tuple[str, str], Token] = {}
        self._fetching: dict[tuple[str, str], asyncio.Task[Token]] = {}

    async def current(self, app: MpesaApp, fetch: Fetch) -> str:
        """A token good for two minutes at least; whatever `fetch` raises reaches everyone who waited."""
        live = self._live.get(app.identity)
        if live is not None and self._clock.now() < live.expires_at - REFRESH_EARLY:
            return live.value
        return await self._fetched(app, fetch)

    async def replace(self, app: MpesaApp, fetch: Fetch, *, failed: str) -> str:
        """The token after `failed` was turned down: fetched only if nobody has replaced that one already."""
        live = self._live.get(app.identity)
        if live is not None and live.value == failed:
            del self._live[app.identity]
        return await self.current(app, fetch)

    async def _fetched(self, app: MpesaApp, fetch: Fetch) -> str:
        task = self._fetching.get(app.identity)
        if task is None:
            task = asyncio.ensure_future(self._fetch(app, fetch))
            self._fetching[app.identity] = task
            task.add_done_callback(lambda done: self._finished(app, done))
        # Shielded: when one of the waiting requests is cancelled, the others still get their token.
        return (await asyncio.shield(task)).value

    async def _fetch(self, app: MpesaApp, fetch: Fetch) -> Token:
        token = await fetch()
        self._live[app.identity] = token
        return token

    def _finished(self, app: MpesaApp, task: asyncio.Task[Token]) -> None:
        self._fetching.pop(app.identity, None)
        if not task.cancelled():
            task.exception()  # looked at, so that a failure nobody waited for any more does not warn
