"""The door to Paystack for one account: a page to pay on, verifying, listing, refunds. A `Rail`.

Sources: see `messages`. Initialising moves no money and its page is known to nobody but whom we tell: when the answer is lost
nothing can come of it, and asking again is harmless."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from urllib.parse import quote, urlencode, urlsplit

import httpx
import msgspec

from portal.mpesa.loose_json import text
from portal.msgid import N_
from portal.paystack import messages
from portal.rails.errors import RailBusy, RailConfig
from portal.rails.interface import (
    Accepted,
    Answer,
    Attempt,
    Flags,
    Later,
    Observation,
    QueryKey,
    Refund,
    Rejected,
    Signed,
    Started,
    Why,
)
from portal.rails.wire import Reply, exchange

URL = "https://api.paystack.co"
FLAGS = Flags(
    name="paystack",
    echoes_our_ref=True,
    query_key=QueryKey.OURS,
    signed=Signed.ALWAYS,
    unsolicited_inbound=False,
    max_query_rate=120,  # not published; far below what its clients do
    min_repush_gap=0,
    amount_step=1,
    has_page=True,
    needs_phone=False,
)
WRONG_KEY = N_(
    "Paystack refuses the secret key. Copy it again from Paystack's dashboard: Settings, API Keys & Webhooks."
)
_MOST_PAGES = 50
_PAGE = 100


class PaystackKeys(msgspec.Struct, frozen=True, kw_only=True):
    """A business's secret key, which also signs its webhooks."""

    secret_key: str

    def __repr__(self) -> str:
        return "PaystackKeys()"


class PaystackRail:
    """One account."""

    flags = FLAGS

    def __init__(self, http: httpx.AsyncClient, keys: PaystackKeys, *, base_url: str = URL) -> None:
        self._http = http
        self._key = keys.secret_key
        self._base = base_url
        #: Pages are Paystack's own; only a simulator's are on its own address.
        self._pages = None if base_url == URL else urlsplit(base_url).netloc

    async def start(self, attempt: Attempt) -> Started:
        """Have a page made on which the payer pays."""
        reply = await self._ask("initialize", "POST", "/transaction/initialize", messages.initialize_body(attempt))
        said = messages.said_by(reply)
        if reply.status in (0, 429) or reply.status >= 500 or not reply.is_object:
            # Sent again it is made, or refused as a duplicate whose page nobody was told of: never two that can be paid.
            return Later(retry_after=reply.retry_after if reply.was_sent else 10, said=said)
        if reply.status == 401:
            raise RailConfig("401", message=WRONG_KEY)
        data = reply.part("data")
        url = text(data.get("authorization_url"), 500)
        if reply.body.get("status") is not True or reply.status >= 400:
            is_twin = "duplicate" in said.casefold()
            return Rejected(why=Why.NOT_STARTED if is_twin else Why.OTHER, said=said)
        if text(data.get("reference"), 64) != attempt.reference or not self._is_page(url):
            return Rejected(why=Why.NOT_STARTED, said="an answer to something else")
        return Accepted(their_id=None, pay_url=url)

    def _is_page(self, url: str) -> bool:
        """Whether a payer may be sent there: nobody else's page, and only by https."""
        parts = urlsplit(url)
        if self._pages is not None:
            return parts.netloc == self._pages
        host = parts.hostname or ""
        return parts.scheme == "https" and host.endswith((".paystack.com", ".paystack.co"))

    def parse_callback(
        self, raw: bytes, headers: Mapping[str, str], peer_ip: str, url_token: str
    ) -> Sequence[Observation]:
        """What a webhook says; its signature is its proof."""
        del peer_ip, url_token
        return messages.read_webhook(raw, messages.header_of(headers), key=self._key)

    async def query(self, attempt: Attempt) -> Answer:
        """What became of it, by our reference."""
        reply = await self._ask("verify", "GET", f"/transaction/verify/{quote(attempt.reference, safe='')}")
        if reply.status in (0, 429) or reply.status >= 500 or not reply.is_object:
            raise RailBusy(str(reply.status), retry_after=reply.retry_after)
        if reply.status == 401:
            raise RailConfig("401", message=WRONG_KEY)
        return messages.read_verified(reply)

    async def list_window(self, since: datetime, until: datetime) -> Sequence[Observation]:
        """Every successful transaction between two moments, the newest first; RailBusy when a page is not told."""
        found: list[Observation] = []
        for page in range(1, _MOST_PAGES + 1):
            asked = {
                "status": "success", "perPage": str(_PAGE), "page": str(page),
                "from": since.astimezone(UTC).isoformat(), "to": until.astimezone(UTC).isoformat(),
            }  # fmt: skip
            reply = await self._ask("list", "GET", f"/transaction?{urlencode(asked)}")
            if reply.status == 401:
                raise RailConfig("401", message=WRONG_KEY)
            if reply.status != 200 or not isinstance(reply.body.get("data"), list):
                raise RailBusy(str(reply.status), retry_after=reply.retry_after)
            rows = messages.read_listed(reply)
            found += rows
            if len(rows) < _PAGE:
                return found
        raise RailBusy(
            "pages", message=N_("There are more payments than can be listed at once. Ask for a shorter time.")
        )

    async def refund(self, receipt: str, *, amount_cents: int, reference: str, reason: str) -> Refund:
        """Give a transaction's money back, by the receipt."""
        del reference
        body = {"transaction": receipt, "amount": str(amount_cents), "merchant_note": reason[:200]}
        reply = await self._ask("refund", "POST", "/refund", body)
        if reply.status == 401:
            raise RailConfig("401", message=WRONG_KEY)
        return messages.read_refund(reply)

    async def refund_state(self, receipt: str, *, amount_cents: int, reference: str) -> Refund:
        """What the list of a transaction's refunds says. None there: LATER, for a refund is listed as soon as it is taken."""
        del reference
        reply = await self._ask("refund list", "GET", f"/refund?{urlencode({'transaction': receipt})}")
        if reply.status == 401:
            raise RailConfig("401", message=WRONG_KEY)
        if reply.status != 200 or not isinstance(reply.body.get("data"), list):
            raise RailBusy(str(reply.status), retry_after=reply.retry_after)
        return messages.read_refund_list(reply, amount_cents=amount_cents)

    async def _ask(self, verb: str, method: str, path: str, body: Mapping[str, object] | None = None) -> Reply:
        headers = {"Authorization": f"Bearer {self._key}"}
        url = f"{self._base}{path}"
        return await exchange(self._http, method, url, rail="paystack", verb=verb, headers=headers, body=body)
