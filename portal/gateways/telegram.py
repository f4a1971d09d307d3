"""Messages by a Telegram bot. A `Gateway`.

Source: Telegram Bot API, sendMessage and ResponseParameters. There is no key against repeats, so what was lost is not repeated."""

from typing import Any

import httpx
import msgspec

from portal.gateways.interface import Accepted, Broken, Later, Lost, Moved, Outcome, Outgoing, Refused, Why
from portal.gateways.wire import Reply, exchange

URL = "https://api.telegram.org"
#: Longer texts are refused by the Bot API.
LONGEST = 4096


class TelegramBot:
    """One bot. Its token is part of every address, so addresses are never logged."""

    repeats_safely = False

    def __init__(self, http: httpx.AsyncClient, *, token: str, base_url: str = URL) -> None:
        self._http = http
        self._token = token
        self._base = base_url

    async def send(self, message: Outgoing) -> Outcome:
        """One message to a chat."""
        text = f"{message.subject}\n\n{message.text}" if message.subject else message.text
        body = {"chat_id": message.to, "text": text[:LONGEST], "link_preview_options": {"is_disabled": True}}
        url = f"{self._base}/bot{self._token}/sendMessage"
        headers = {"Content-Type": "application/json"}
        reply = await exchange(
            self._http, "POST", url, door="telegram", headers=headers, content=msgspec.json.encode(body)
        )
        return read_answer(reply)


def read_answer(reply: Reply) -> Outcome:
    """What the Bot API's answer means."""
    if not reply.was_sent:
        return Later(why=Why.AWAY)
    found = reply.json
    said = str(found.get("description", ""))[:200]
    if found.get("ok") is True:
        result: Any = found.get("result")
        return Accepted(provider_id=_id(result))
    if found.get("ok") is not False:
        return Lost(said=f"{reply.status} {reply.said}".strip())
    parameters: Any = found.get("parameters")
    extra: dict[str, Any] = parameters if isinstance(parameters, dict) else {}
    if (moved := extra.get("migrate_to_chat_id")) is not None:
        return Moved(to=str(moved)[:32])
    return _refusal(reply, said, wait=extra.get("retry_after"))


def _refusal(reply: Reply, said: str, *, wait: object) -> Outcome:
    if reply.status in (401, 404):
        return Broken(why=Why.WRONG_KEYS, said=said)
    if reply.status == 403:
        return Refused(why=Why.UNWANTED, said=said)
    if reply.status == 400:
        return Refused(why=Why.BAD_ADDRESS if "chat" in said.lower() else Why.NOT_TAKEN, said=said)
    return Later(why=Why.BUSY, said=said, retry_after=float(wait) if isinstance(wait, int) else reply.retry_after)


def _id(result: Any) -> str:
    """Message ids are numbered within a chat: both together name a message."""
    if not isinstance(result, dict):
        return ""
    found: dict[str, Any] = result
    chat: Any = found.get("chat")
    where = chat.get("id", "") if isinstance(chat, dict) else ""
    return f"{where}:{found.get('message_id', '')}"[:120]
