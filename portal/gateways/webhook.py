"""Messages to the merchant's people as signed requests to an address of theirs: for alert tools. A `Gateway`.

The body is JSON; `X-Vocha-Signature: t=<unix seconds>,v1=<hex>` is the HMAC-SHA256 of "<t>.<body>" under the key the merchant was
given. `id` stays the same when a message is sent again, so that a receiver can tell."""

import hashlib
import hmac

import msgspec

from portal.addresses import AddressRefused
from portal.clock import Clock
from portal.gateways.interface import Accepted, Broken, Later, Lost, Outcome, Outgoing, Why
from portal.gateways.wire import Outside

SIGNATURE_HEADER = "X-Vocha-Signature"


def sign(body: bytes, *, key: str, at_s: int) -> str:
    """The signature's header for a body sent at a moment, in seconds since 1970."""
    digest = hmac.new(key.encode(), f"{at_s}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={at_s},v1={digest}"


class Webhook:
    """One address."""

    repeats_safely = True

    def __init__(self, outside: Outside, *, url: str, key: str, clock: Clock) -> None:
        self._outside = outside
        self._url = url
        self._key = key
        self._clock = clock

    async def send(self, message: Outgoing) -> Outcome:
        """One event. Any 2xx answer is a yes; 410 says that nobody wants them any more."""
        now = self._clock.now()
        body = msgspec.json.encode(
            {"id": message.key, "kind": message.kind, "text": message.text, "sent_at": now.isoformat()}
        )
        headers = {
            "Content-Type": "application/json",
            SIGNATURE_HEADER: sign(body, key=self._key, at_s=int(now.timestamp())),
        }
        try:
            reply = await self._outside.exchange("POST", self._url, door="webhook", headers=headers, content=body)
        except AddressRefused as error:
            return Broken(why=Why.SET_UP, said=str(error))
        if not reply.was_sent:
            return Later(why=Why.AWAY)
        if 200 <= reply.status < 300:
            return Accepted()
        if reply.status == 410:
            return Broken(why=Why.SET_UP, said="410 Gone")
        if reply.status == 0:
            return Lost()
        return Later(why=Why.BUSY, said=f"{reply.status} {reply.said}".strip(), retry_after=reply.retry_after)
