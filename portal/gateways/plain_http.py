"""SMS by any gateway that speaks HTTP: local resellers differ only in address, names of fields and what a yes looks like. A `Gateway`.

The template is a JSON object; placeholders in its texts ({to}, {plus_to}, {text}, {sender}, {key}, {secret}) are filled in after it
was read, so no message can break out of its place. It is sent as JSON, as a form, or in the address."""

import re
from collections.abc import Mapping
from typing import Any, Literal, cast
from urllib.parse import urlencode

import msgspec

from portal.addresses import AddressRefused
from portal.gateways.interface import Accepted, Broken, Later, Lost, Outcome, Outgoing, Refused, Why
from portal.gateways.wire import Outside, Reply

PLACES = ("to", "plus_to", "text", "sender", "key", "secret")
MOST_TEMPLATE = 2000
_PLACE = re.compile(r"\{(" + "|".join(PLACES) + r")\}")


class PlainHttpOptions(msgspec.Struct, frozen=True, kw_only=True):
    """What is written down about a gateway. `ok_text` "": any 2xx answer is a yes; otherwise the text must be in it. `id_path` is
    where a JSON answer names the message, such as `data.0.id`. `repeats_safely`: it refuses a second message with the same {key}."""

    url: str
    method: Literal["POST", "GET"] = "POST"
    sends: Literal["json", "form", "query"] = "json"
    template: str = '{"to": "{to}", "text": "{text}"}'
    header_name: str = ""
    header_value: str = "Bearer {secret}"
    ok_text: str = ""
    id_path: str = ""
    repeats_safely: bool = False


class TemplateError(ValueError):
    """Not a template; the text is for whoever wrote it."""


def read_template(text: str) -> dict[str, Any]:
    """The template as an object. TemplateError: not JSON, or without a place for number and text."""
    try:
        found = msgspec.json.decode(text[:MOST_TEMPLATE].encode(), type=dict[str, Any])
    except msgspec.MsgspecError as error:
        raise TemplateError("not a JSON object") from error
    if "{text}" not in text or ("{to}" not in text and "{plus_to}" not in text):
        raise TemplateError("no place for {to} or {text}")
    return found


def fill(template: object, places: Mapping[str, str]) -> Any:
    """The template with every place in every text filled in."""
    if isinstance(template, str):
        return _filled(template, places)
    if isinstance(template, dict):
        return {str(name): fill(value, places) for name, value in cast("dict[object, object]", template).items()}
    if isinstance(template, list):
        return [fill(value, places) for value in cast("list[object]", template)]
    return template


def _filled(text: str, places: Mapping[str, str]) -> str:
    """Each place once: what was filled in is not looked into again."""
    return _PLACE.sub(lambda found: places[found[1]], text)


class PlainHttp:
    """One gateway somebody described."""

    def __init__(self, outside: Outside, options: PlainHttpOptions, *, sender: str, secret: str) -> None:
        self._outside = outside
        self._options = options
        self._sender = sender
        self._secret = secret
        self._template = read_template(options.template)
        self.repeats_safely = options.repeats_safely

    async def send(self, message: Outgoing) -> Outcome:
        """One SMS."""
        places = {
            "to": message.to, "plus_to": f"+{message.to}", "text": message.text, "sender": self._sender,
            "key": message.key, "secret": self._secret,
        }  # fmt: skip
        filled, options = fill(self._template, places), self._options
        url, headers, content = options.url, dict[str, str](), None
        if options.header_name:
            headers[options.header_name] = _filled(options.header_value, places)
        if options.sends == "query":
            url += ("&" if "?" in url else "?") + urlencode(filled)
        elif options.sends == "form":
            headers["Content-Type"], content = "application/x-www-form-urlencoded", urlencode(filled).encode()
        else:
            headers["Content-Type"], content = "application/json", msgspec.json.encode(filled)
        try:
            reply = await self._outside.exchange(options.method, url, door="http sms", headers=headers, content=content)
        except AddressRefused as error:
            return Broken(why=Why.SET_UP, said=str(error))
        return self._read(reply)

    def _read(self, reply: Reply) -> Outcome:
        if reply.status == 0:
            return Lost() if reply.was_sent else Later(why=Why.AWAY)
        said = f"{reply.status} {reply.said}".strip().replace(self._secret or "\0", "•••")
        if 200 <= reply.status < 300:
            if self._options.ok_text and self._options.ok_text.encode() not in reply.raw:
                return Refused(why=Why.NOT_TAKEN, said=said)
            return Accepted(provider_id=self._id_of(reply))
        return self._refusal(reply, said)

    @staticmethod
    def _refusal(reply: Reply, said: str) -> Outcome:
        if reply.status in (401, 402, 403):
            return Broken(why=Why.NO_CREDIT if reply.status == 402 else Why.WRONG_KEYS, said=said)
        if reply.status in (429, 503):
            return Later(why=Why.BUSY, said=said, retry_after=reply.retry_after)
        return Lost(said=said) if reply.status >= 500 else Refused(why=Why.NOT_TAKEN, said=said)

    def _id_of(self, reply: Reply) -> str:
        if not self._options.id_path:
            return ""
        found: Any = reply.json
        for name in self._options.id_path.split("."):
            if isinstance(found, dict):
                found = cast("dict[str, Any]", found).get(name)
            elif isinstance(found, list) and name.isdecimal() and int(name) < len(cast("list[Any]", found)):
                found = cast("list[Any]", found)[int(name)]
            else:
                return ""
        return str(found)[:120] if isinstance(found, str | int) else ""
