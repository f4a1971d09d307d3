"""The door to Airtel Money for one account: OAuth, push, enquiry, refund. A `Rail`.

Sources: see `messages`. A token lives for `expires_in` seconds (180 in Airtel's sample); nothing says that a new one ends the
old, so each process has its own. One refused token is fetched anew, once."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import httpx
import msgspec

from portal.airtel import messages
from portal.clock import Clock
from portal.mpesa.loose_json import text
from portal.msgid import N_
from portal.rails.errors import RailBusy, RailConfig
from portal.rails.interface import (
    Answer,
    Attempt,
    Flags,
    Later,
    Observation,
    QueryKey,
    Refund,
    Rejected,
    Returned,
    Signed,
    Started,
    Why,
)
from portal.rails.wire import Reply, exchange

URLS = {"sandbox": "https://openapiuat.airtel.africa", "production": "https://openapi.airtel.africa"}
FLAGS = Flags(
    name="airtel",
    echoes_our_ref=True,
    query_key=QueryKey.OURS,
    signed=Signed.OPTIONAL,
    unsolicited_inbound=False,
    max_query_rate=60,  # not published; one a second and account is careful
    min_repush_gap=60,  # not published either: as M-Pesa's
    amount_step=100,
)
WRONG_KEYS = N_(
    "Airtel Money refuses the client id or the client secret. Copy both again from the Airtel developer portal."
)
NOT_ALLOWED = N_(
    "Airtel Money does not let this app collect payments. Add the Collection product to it on the developer portal."
)
NO_REFUNDS = N_(
    "Airtel Money does not let this app give payments back. Ask Airtel for refunds on the developer portal."
)
_TOKEN, _PUSH = "/auth/oauth2/token", "/merchant/v1/payments/"
_ENQUIRY, _REFUND = "/standard/v1/payments/", "/standard/v1/payments/refund"
#: A token is not used in the last seconds of its life.
_EARLY = timedelta(seconds=20)


class AirtelKeys(msgspec.Struct, frozen=True, kw_only=True):
    """An app of the developer portal. `signing_key` "": its callbacks are not signed."""

    client_id: str
    client_secret: str
    country: str = "KE"
    currency: str = "KES"
    signing_key: str = ""

    def __repr__(self) -> str:
        return f"AirtelKeys({self.client_id})"


class AirtelRail:
    """One account. Kept for as long as its keys are: it holds the token."""

    flags = FLAGS

    def __init__(self, http: httpx.AsyncClient, keys: AirtelKeys, *, base_url: str, clock: Clock) -> None:
        self._http = http
        self._keys = keys
        self._base = base_url
        self._clock = clock
        self._token = ""
        self._good_until = datetime.min.replace(tzinfo=clock.now().tzinfo)

    async def start(self, attempt: Attempt) -> Started:
        """Ask the payer's phone for the money."""
        try:
            reply = await self._ask("push", "POST", _PUSH, messages.push_body(attempt, country=self._keys.country))
        except RailBusy as error:
            return Later(retry_after=error.retry_after, said=error.code)
        except ValueError as error:
            return Rejected(why=Why.AMOUNT, said=str(error))
        if reply.status in (401, 403):
            raise RailConfig(messages.code_of(reply) or str(reply.status), message=NOT_ALLOWED)
        return messages.read_pushed(reply)

    def parse_callback(
        self, raw: bytes, headers: Mapping[str, str], peer_ip: str, url_token: str
    ) -> Sequence[Observation]:
        """What a message says; its hash, if this account has a key for it, is its proof."""
        del headers, peer_ip, url_token
        return messages.read_callback(raw, key=self._keys.signing_key)

    async def query(self, attempt: Attempt) -> Answer:
        """What became of it, by our reference: also when the answer to the push was lost."""
        reply = await self._ask("enquiry", "GET", f"{_ENQUIRY}{attempt.reference}")
        if reply.status == 404 and not reply.is_object:
            raise RailConfig("404", message=NOT_ALLOWED)
        if reply.status in (0, 429) or reply.status >= 500 or not reply.is_object:
            raise RailBusy(str(reply.status), retry_after=reply.retry_after)
        if reply.status in (401, 403):
            raise RailConfig(messages.code_of(reply), message=NOT_ALLOWED)
        return messages.read_enquiry(reply)

    async def list_window(self, since: datetime, until: datetime) -> Sequence[Observation]:
        """Airtel's Collection product lists nothing."""
        del since, until
        raise LookupError("Airtel Money lists no payments")

    async def refund(self, receipt: str, *, amount_cents: int, reference: str, reason: str) -> Refund:
        """Give a payment back whole. The amount is what Airtel has for the receipt: it takes none."""
        del amount_cents, reference, reason
        try:
            reply = await self._ask("refund", "POST", _REFUND, messages.refund_body(receipt))
        except RailBusy as error:
            return Refund(state=Returned.LATER, said=error.code)
        if reply.status in (401, 403):
            raise RailConfig(messages.code_of(reply) or str(reply.status), message=NO_REFUNDS)
        return messages.read_refund(reply)

    async def refund_state(self, receipt: str, *, amount_cents: int, reference: str) -> Refund:
        """What the enquiry says about the payment itself: nothing documented asks about a refund. Mostly UNKNOWN."""
        del receipt, amount_cents
        reply = await self._ask("refund enquiry", "GET", f"{_ENQUIRY}{reference}")
        if reply.status in (401, 403):
            raise RailConfig(messages.code_of(reply) or str(reply.status), message=NOT_ALLOWED)
        if reply.status != 200 or not reply.is_object:
            raise RailBusy(str(reply.status), retry_after=reply.retry_after)
        return messages.read_refund_enquiry(reply)

    async def _ask(self, verb: str, method: str, path: str, body: Mapping[str, object] | None = None) -> Reply:
        token = await self._fresh_token()
        reply = await self._send(verb, method, path, token, body)
        if reply.status != 401:
            return reply
        self._token = ""  # refused, so nothing was done: the same request may go out again
        return await self._send(verb, method, path, await self._fresh_token(), body)

    async def _send(self, verb: str, method: str, path: str, token: str, body: Mapping[str, object] | None) -> Reply:
        headers = {
            "Authorization": f"Bearer {token}",
            "X-Country": self._keys.country,
            "X-Currency": self._keys.currency,
        }
        url = f"{self._base}{path}"
        return await exchange(self._http, method, url, rail="airtel", verb=verb, headers=headers, body=body)

    async def _fresh_token(self) -> str:
        """A token that lives for a while yet. RailConfig: the keys are wrong; RailBusy: there is none to be had now."""
        now = self._clock.now()
        if self._token and now < self._good_until:
            return self._token
        body = {
            "client_id": self._keys.client_id,
            "client_secret": self._keys.client_secret,
            "grant_type": "client_credentials",
        }
        reply = await exchange(
            self._http, "POST", f"{self._base}{_TOKEN}", rail="airtel", verb="token", headers={}, body=body
        )
        token = text(reply.body.get("access_token"), 4000)
        if reply.status == 200 and token:
            lives = text(reply.body.get("expires_in"), 10)
            seconds = int(lives) if lives.isascii() and lives.isdecimal() else 180
            self._token, self._good_until = token, now + timedelta(seconds=seconds) - _EARLY
            return token
        if reply.status in (400, 401, 403):
            raise RailConfig(text(reply.body.get("error"), 60) or str(reply.status), message=WRONG_KEYS)
        raise RailBusy(str(reply.status), retry_after=reply.retry_after)
