"""Africa's Talking and Telegram's Bot API on one port. What arrived lies in the letterbox; what was charged is counted here.

Sources: see `portal.gateways.africastalking` and `.telegram`. What goes wrong is a switch: `mishaps`."""

from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import msgspec
from litestar import Litestar, Request, Response, post
from litestar.types import ASGIApp

from portal import codes, gsm7
from portal.clock import Clock
from portal.gateways.simulator.letterbox import Letterbox
from portal.rails.simulator.stage import Stage

AnyRequest = Request[Any, Any, Any]
#: Where a shop's own programs listen: /hooks/<name>.
HOOKS = "/hooks"
API_KEY, BOT_TOKEN = "sim-sms-key", "123456:sim-bot-token"
_PRICE_CENTS = 80
_WORDS = {
    101: "Success", 402: "InvalidSenderId", 403: "InvalidPhoneNumber", 404: "UnsupportedNumberType", 405: "InsufficientBalance",
    406: "UserInBlacklist", 407: "CouldNotRoute", 409: "DoNotDisturbRejection", 500: "InternalServerError", 501: "GatewayError",
}  # fmt: skip


@dataclass
class Mishaps:
    """What goes wrong, until it is turned off again."""

    #: Every request is answered with this HTTP status, and nothing is done.
    status: int = 0
    retry_after: int = 0
    #: It is taken, charged and delivered, and its answer is lost.
    answer_lost: bool = False
    #: Cents left; None: enough.
    credit_cents: int | None = None
    #: Digits of a number → the code it is refused with.
    numbers: dict[str, int] = field(default_factory=dict[str, int])
    #: Chats that blocked the bot, and those that moved.
    blocked: set[str] = field(default_factory=set[str])
    moved: dict[str, str] = field(default_factory=dict[str, str])
    #: What the delivery report says; "" for none.
    report: str = "Success"
    report_copies: int = 1
    report_delay_s: float = 0.2


class PostOffice(Stage):
    """The far side of SMS and Telegram. `reports_url` is where delivery reports go, `inbound_url` what people answer."""

    def __init__(
        self,
        *,
        clock: Clock | None = None,
        letterbox: Letterbox | None = None,
        reports_url: str = "",
        inbound_url: str = "",
    ) -> None:
        super().__init__(clock=clock)
        self.letters = letterbox or Letterbox()
        self.mishaps = Mishaps()
        self.reports_url = reports_url
        self.inbound_url = inbound_url
        self.charged_cents = 0
        self.asked = 0

    def application(self) -> ASGIApp:
        """Both APIs."""
        office = self

        @post("/version1/messaging", status_code=201)
        async def messaging(request: AnyRequest) -> Response[bytes]:
            return office._messaging(request.headers.get("apikey", ""), dict(await request.form()))

        @post("/{bot:str}/sendMessage", status_code=200)
        async def send_message(bot: str, request: AnyRequest) -> Response[bytes]:
            return office._telegram(bot, msgspec.json.decode(await request.body(), type=dict[str, Any]))

        @post(HOOKS + "/{name:str}", status_code=200)
        async def hook(name: str, request: AnyRequest) -> Response[bytes]:
            return office._hook(name, request.headers.get("webhook-id", ""), await request.body())

        return Litestar(route_handlers=[messaging, send_message, hook], openapi_config=None, logging_config=None)

    def answer(self, phone: str, text: str) -> None:
        """Somebody sends an SMS back: STOP, or whatever people write."""
        form = {
            "from": f"+{phone}",
            "to": "20880",
            "text": text,
            "id": codes.hex_token(8),
            "linkId": codes.hex_token(8),
        }
        self._form(self.inbound_url, form)

    def report(self, message_id: str, phone: str, status: str) -> None:
        """Send a delivery report now."""
        form = {
            "id": message_id,
            "status": status,
            "phoneNumber": f"+{phone}",
            "networkCode": "63902",
            "retryCount": "0",
        }
        if status in ("Rejected", "Failed"):
            form["failureReason"] = "AbsentSubscriber"
        self._form(self.reports_url, form)

    def _form(self, url: str, form: dict[str, str]) -> None:
        if url:
            headers = {"content-type": "application/x-www-form-urlencoded"}
            self.tell(url, urlencode(form).encode(), headers=headers, forged=(b"", {}))

    # -- SMS -------------------------------------------------------------------------------------------------

    def _messaging(self, key: str, form: dict[str, Any]) -> Response[bytes]:
        self.asked += 1
        if self.mishaps.status:
            return self._out_of_order()
        if key != API_KEY:
            return Response(b"The supplied authentication is invalid", status_code=401, media_type="text/plain")
        phone, text = str(form["to"]).removeprefix("+"), str(form["message"])
        parts = gsm7.measure(text).parts
        code, cost = self.mishaps.numbers.get(phone, 101), parts * _PRICE_CENTS
        if code == 101 and self.mishaps.credit_cents is not None:
            if self.mishaps.credit_cents < cost:
                code = 405
            else:
                self.mishaps.credit_cents -= cost
        message_id = (
            self._deliver_sms(phone, text, str(form.get("from", "AFRICASTKNG")), parts) if code == 101 else "None"
        )
        if self.mishaps.answer_lost:
            return Response(b"<html>Gateway Time-out</html>", status_code=504, media_type="text/html")
        recipient = {
            "statusCode": code, "number": f"+{phone}", "status": _WORDS.get(code, "Failed"), "messageId": message_id,
            "cost": f"KES {cost / 100:.4f}" if code == 101 else "0", "messageParts": parts,
        }  # fmt: skip
        told = f"Sent to {int(code == 101)}/1 Total Cost: {recipient['cost']}"
        return _json({"SMSMessageData": {"Message": told, "Recipients": [recipient]}}, status=201)

    def _deliver_sms(self, phone: str, text: str, sender: str, parts: int) -> str:
        message_id = f"ATXid_{codes.hex_token(16)}"
        self.charged_cents += parts * _PRICE_CENTS
        self.letters.put("sms", to=phone, sender=sender, text=text, at=self.clock.now(), parts=parts)
        for _ in range(self.mishaps.report_copies if self.mishaps.report else 0):
            self.after(self.mishaps.report_delay_s, lambda: self.report(message_id, phone, self.mishaps.report))
        return message_id

    def _out_of_order(self) -> Response[bytes]:
        headers = {"retry-after": str(self.mishaps.retry_after)} if self.mishaps.retry_after else {}
        return Response(b"busy", status_code=self.mishaps.status, media_type="text/plain", headers=headers)

    # -- A shop's own program --------------------------------------------------------------------------------

    def _hook(self, name: str, message_id: str, body: bytes) -> Response[bytes]:
        """A webhook of the shop's: what came is kept; the program called `broken` always fails."""
        if name == "broken":
            return Response(b"out of order", status_code=500, media_type="text/plain")
        text = body[:2000].decode("utf-8", "replace")
        self.letters.put("webhook", to=name, sender=message_id, text=text, at=self.clock.now())
        return Response(b"", status_code=200)

    # -- Telegram --------------------------------------------------------------------------------------------

    def _telegram(self, bot: str, body: dict[str, Any]) -> Response[bytes]:
        self.asked += 1
        chat, text = str(body["chat_id"]), str(body["text"])
        if bot != f"bot{BOT_TOKEN}":
            return _no(401, "Unauthorized")
        if self.mishaps.status:
            wait = {"retry_after": self.mishaps.retry_after} if self.mishaps.retry_after else {}
            return _no(self.mishaps.status, "Too Many Requests", wait)
        if chat in self.mishaps.blocked:
            return _no(403, "Forbidden: bot was blocked by the user")
        if chat in self.mishaps.moved:
            to = int(self.mishaps.moved[chat])
            return _no(400, "Bad Request: group chat was upgraded to a supergroup chat", {"migrate_to_chat_id": to})
        letter = self.letters.put("telegram", to=chat, sender="@vocha_demo_bot", text=text, at=self.clock.now())
        if self.mishaps.answer_lost:
            return Response(b"", status_code=502)
        return _json({"ok": True, "result": {"message_id": letter.id, "chat": {"id": int(chat)}, "text": text}})


def _no(code: int, said: str, parameters: dict[str, Any] | None = None) -> Response[bytes]:
    body: dict[str, Any] = {"ok": False, "error_code": code, "description": said}
    return _json(body | ({"parameters": parameters} if parameters else {}), status=code)


def _json(body: dict[str, Any], *, status: int = 200) -> Response[bytes]:
    return Response(msgspec.json.encode(body), status_code=status, media_type="application/json")
