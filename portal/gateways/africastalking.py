"""SMS by Africa's Talking: the request, and what its answers mean. A `Gateway`.

Sources: Africa's Talking documentation, SMS sending and delivery reports; its SDK 2.0.3. `POST /version1/messaging`, a form with
the header `apiKey`. A 2xx answer may still say of a recipient that it failed. There is no key that would make a repeat harmless,
and no question by which a lost answer could be made up for."""

from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any
from urllib.parse import urlencode

import httpx
import msgspec

from portal.gateways.interface import Accepted, Broken, Later, Lost, Outcome, Outgoing, Refused, Why
from portal.gateways.wire import Reply, exchange

URLS = {"sandbox": "https://api.sandbox.africastalking.com", "production": "https://api.africastalking.com"}
PATH = "/version1/messaging"
#: The user of the sandbox; every other is production's.
SANDBOX_USER = "sandbox"
_TAKEN = frozenset({100, 101, 102})
_REFUSED = {403: Why.BAD_ADDRESS, 404: Why.BAD_ADDRESS, 406: Why.UNWANTED, 407: Why.NO_ROUTE, 409: Why.UNWANTED}
_BROKEN = {402: Why.WRONG_SENDER, 405: Why.NO_CREDIT}


class AfricasTalkingKeys(msgspec.Struct, frozen=True, kw_only=True):
    """An app of Africa's Talking. `sender` "": its shared short code."""

    user_name: str
    api_key: str
    sender: str = ""

    def __repr__(self) -> str:
        return f"AfricasTalkingKeys({self.user_name})"


class AfricasTalking:
    """One app."""

    repeats_safely = False

    def __init__(self, http: httpx.AsyncClient, keys: AfricasTalkingKeys, *, base_url: str) -> None:
        self._http = http
        self._keys = keys
        self._url = base_url + PATH

    async def send(self, message: Outgoing) -> Outcome:
        """One SMS."""
        form = {"username": self._keys.user_name, "to": f"+{message.to}", "message": message.text, "bulkSMSMode": "1"}
        if self._keys.sender:
            form["from"] = self._keys.sender
        headers = {
            "apiKey": self._keys.api_key,
            "Accept": "application/json",
            "Content-Type": "application/x-www-form-urlencoded",
        }
        reply = await exchange(
            self._http, "POST", self._url, door="africastalking", headers=headers, content=urlencode(form).encode()
        )
        return read_answer(reply)


def read_answer(reply: Reply) -> Outcome:
    """What an answer means for the one recipient that was asked for."""
    if reply.status not in (200, 201):
        return _by_status(reply)
    data: Any = reply.json.get("SMSMessageData")
    recipients: Any = data.get("Recipients") if isinstance(data, dict) else None
    if not isinstance(data, dict):
        return Lost(said=reply.said)
    if not isinstance(recipients, list) or not recipients or not isinstance(recipients[0], dict):
        return _nobody(str(data.get("Message", ""))[:200])
    return _recipient(recipients[0])


def _by_status(reply: Reply) -> Outcome:
    if not reply.was_sent:
        return Later(why=Why.AWAY)
    if reply.status in (401, 403):
        return Broken(why=Why.WRONG_KEYS, said=reply.said)
    if reply.status in (429, 503):
        return Later(why=Why.BUSY, said=reply.said, retry_after=reply.retry_after)
    if reply.status == 400:
        return Refused(why=Why.NOT_TAKEN, said=reply.said)
    return Lost(said=f"{reply.status} {reply.said}".strip())


def _nobody(said: str) -> Outcome:
    """An answer without recipients: the message says why, in one word."""
    if "InvalidSenderId" in said:
        return Broken(why=Why.WRONG_SENDER, said=said)
    return Refused(why=Why.BAD_ADDRESS if "Invalid" in said else Why.NOT_TAKEN, said=said)


def _recipient(found: dict[str, Any]) -> Outcome:
    code = found.get("statusCode")
    code = int(code) if isinstance(code, int | str) and str(code).isdecimal() else 0
    said = f"{code} {str(found.get('status', ''))[:100]}".strip()
    if code in _TAKEN:
        cents, currency = read_cost(str(found.get("cost", "")))
        parts = found.get("messageParts")
        return Accepted(
            provider_id=str(found.get("messageId", ""))[:120], cost_cents=cents, currency=currency,
            parts=parts if isinstance(parts, int) and 0 < parts < 256 else 0,
        )  # fmt: skip
    if code in _REFUSED:
        return Refused(why=_REFUSED[code], said=said)
    if code in _BROKEN:
        return Broken(why=_BROKEN[code], said=said)
    if code in (500, 501, 502):
        return Later(why=Why.BUSY, said=said)
    # 401, held for risk: it may yet go out. And whatever we do not know.
    return Lost(said=said)


def read_cost(text: str) -> tuple[int | None, str]:
    """ "KES 0.8000" as whole cents, rounded to the nearest, and the currency; None when it is no such text. ("0" costs nothing.)"""
    currency, _, number = text.strip().rpartition(" ")
    try:
        amount = Decimal(number)
    except InvalidOperation:
        return None, ""
    if not amount.is_finite() or amount < 0 or amount > 10_000:
        return None, ""
    return int((amount * 100).to_integral_value(ROUND_HALF_UP)), currency[:3].upper()
