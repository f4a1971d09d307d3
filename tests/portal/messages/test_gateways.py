"""What gateways' answers mean, and where we do not go. Answers as the providers' documentation prints them."""

import hashlib
import hmac
import json
from typing import Any

import httpx
import msgspec
import pytest

from portal.addresses import Addresses
from portal.clock import Clock
from portal.gateways import africastalking, telegram
from portal.gateways.interface import Accepted, Broken, Gateway, Later, Lost, Moved, Outcome, Outgoing, Refused, Why
from portal.gateways.plain_http import PlainHttp, PlainHttpOptions, TemplateError, fill, read_template
from portal.gateways.smtp import Smtp, SmtpOptions
from portal.gateways.webhook import SIGNATURE_HEADER, Webhook
from portal.gateways.wire import Outside, Reply
from tests.portal.messages.office import mock

MESSAGE = Outgoing(key="vocha-7", to="254712345678", text='Code "K7" {secret}', kind="test", subject="Hello")


def at_reply(code: int, cost: str = "KES 0.8000") -> Reply:
    found = {"statusCode": code, "number": "+254712345678", "status": "Success", "cost": cost, "messageId": "ATXid_1"}
    body = {"SMSMessageData": {"Message": "Sent to 1/1", "Recipients": [found]}}
    return Reply(status=201, raw=json.dumps(body).encode())


def why_of(outcome: Outcome) -> tuple[str, str]:
    return type(outcome).__name__, getattr(outcome, "why", "")


@pytest.mark.parametrize(
    ("reply", "meaning"),
    [
        (at_reply(403), ("Refused", Why.BAD_ADDRESS)),
        (at_reply(406), ("Refused", Why.UNWANTED)),
        (at_reply(402), ("Broken", Why.WRONG_SENDER)),
        (at_reply(405), ("Broken", Why.NO_CREDIT)),
        (at_reply(501), ("Later", Why.BUSY)),
        (at_reply(401), ("Lost", "")),  # held for risk: it may yet go out
        (Reply(status=401, raw=b"The supplied authentication is invalid"), ("Broken", Why.WRONG_KEYS)),
        (Reply(status=429, retry_after=9), ("Later", Why.BUSY)),
        (Reply(status=504, raw=b"<html>"), ("Lost", "")),
        (Reply(status=201, raw=b"{"), ("Lost", "")),
        (Reply(status=201, raw=b'{"SMSMessageData":{"Message":"InvalidSenderId","Recipients":[]}}'), ("Broken", Why.WRONG_SENDER)),
        (Reply(), ("Lost", "")),
        (Reply(was_sent=False), ("Later", Why.AWAY)),
    ],
)  # fmt: skip
def test_africas_talkings_answers_are_told_apart(reply: Reply, meaning: tuple[str, str]) -> None:
    assert why_of(africastalking.read_answer(reply)) == meaning


@pytest.mark.parametrize("code", [100, 101, 102])
def test_what_africas_talking_took_has_its_name_and_cost(code: int) -> None:
    expected = Accepted(provider_id="ATXid_1", cost_cents=80, currency="KES")
    assert africastalking.read_answer(at_reply(code)) == expected


@pytest.mark.parametrize(
    ("text", "cost"),
    [("KES 0.8000", (80, "KES")), ("UGX 26.0000", (2600, "UGX")), ("KES 0.7950", (80, "KES")), ("0", (0, "")), ("free", (None, "")),
     ("KES -1", (None, "")), ("KES NaN", (None, "")), ("KES 1e99", (None, ""))],
)  # fmt: skip
def test_a_cost_is_whole_cents_or_not_told(text: str, cost: tuple[int | None, str]) -> None:
    assert africastalking.read_cost(text) == cost


@pytest.mark.parametrize(
    ("status", "body", "meaning"),
    [
        (200, {"ok": True, "result": {"message_id": 5, "chat": {"id": 7}}}, Accepted(provider_id="7:5")),
        (429, {"ok": False, "description": "Slow", "parameters": {"retry_after": 33}}, Later(why=Why.BUSY, said="Slow", retry_after=33)),
        (403, {"ok": False, "description": "bot was blocked"}, Refused(why=Why.UNWANTED, said="bot was blocked")),
        (400, {"ok": False, "description": "upgraded", "parameters": {"migrate_to_chat_id": -100}}, Moved(to="-100")),
        (400, {"ok": False, "description": "chat not found"}, Refused(why=Why.BAD_ADDRESS, said="chat not found")),
        (401, {"ok": False, "description": "Unauthorized"}, Broken(why=Why.WRONG_KEYS, said="Unauthorized")),
    ],
)  # fmt: skip
def test_telegrams_answers_are_told_apart(status: int, body: dict[str, Any], meaning: Outcome) -> None:
    assert telegram.read_answer(Reply(status=status, raw=json.dumps(body).encode())) == meaning


def test_telegrams_silence_is_not_taken_for_a_no() -> None:
    assert isinstance(telegram.read_answer(Reply(status=502, raw=b"<html>")), Lost)


# -- gateways somebody described ---------------------------------------------------------------------------------


def outside(answer: httpx.Response | Exception, *, found: str = "93.184.216.34") -> Outside:
    async def look_up(_: str) -> list[str]:
        return [found]

    return Outside(mock(answer), Addresses(lookup=look_up, patience_s=0.01), plays=False)


def described(outside: Outside, **options: Any) -> Gateway:
    chosen = PlainHttpOptions(url="https://sms.example.com/send", **options)
    return PlainHttp(outside, chosen, sender="SHOP", secret="s3cr3t")


async def test_a_template_is_filled_and_nothing_breaks_out_of_it() -> None:
    seen: list[httpx.Request] = []

    def handle(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, json={"data": [{"id": 991}], "ok": "yes"})

    wide = outside(httpx.Response(200))
    wide.http = httpx.AsyncClient(transport=httpx.MockTransport(handle))
    template = '{"recipient": "{plus_to}", "body": {"text": "{text}"}, "from": "{sender}", "ref": "{key}"}'
    gateway = described(wide, template=template, header_name="Authorization", ok_text='"yes"', id_path="data.0.id")
    assert await gateway.send(MESSAGE) == Accepted(provider_id="991")
    [request] = seen
    assert json.loads(request.content) == {
        "recipient": "+254712345678", "body": {"text": 'Code "K7" {secret}'}, "from": "SHOP", "ref": "vocha-7",
    }  # fmt: skip
    assert request.headers["authorization"] == "Bearer s3cr3t"
    assert request.url.host == "93.184.216.34", "to the address that was judged"
    assert request.headers["host"] == "sms.example.com"
    assert request.extensions["sni_hostname"] == "sms.example.com"


@pytest.mark.parametrize(
    ("answer", "meaning"),
    [
        (httpx.Response(200, text="ERROR: no such number"), ("Refused", Why.NOT_TAKEN)),
        (httpx.Response(401), ("Broken", Why.WRONG_KEYS)),
        (httpx.Response(402), ("Broken", Why.NO_CREDIT)),
        (httpx.Response(429), ("Later", Why.BUSY)),
        (httpx.Response(500), ("Lost", "")),
        (httpx.ReadTimeout(""), ("Lost", "")),
        (httpx.ConnectError(""), ("Later", Why.AWAY)),
    ],
)
async def test_a_described_gateways_answers_are_told_apart(
    answer: httpx.Response | Exception, meaning: tuple[str, str]
) -> None:
    assert why_of(await described(outside(answer), ok_text="OK").send(MESSAGE)) == meaning


@pytest.mark.parametrize(
    "found",
    ["127.0.0.1", "10.1.2.3", "169.254.169.254", "192.168.88.1", "100.64.0.1", "::1", "::ffff:10.0.0.1", "fd00::1"],
)
async def test_no_gateway_leads_into_a_private_network(found: str) -> None:
    wide = outside(AssertionError("somebody was called"), found=found)
    assert why_of(await described(wide).send(MESSAGE)) == ("Broken", Why.SET_UP)
    assert why_of(await Webhook(wide, url="https://x.example", key="k", clock=Clock()).send(MESSAGE)) == (
        "Broken",
        Why.SET_UP,
    )
    smtp = Smtp(wide, SmtpOptions(host="x.example"), user="", password="", sender="a@b.test", clock=Clock())
    assert why_of(await smtp.send(msgspec.structs.replace(MESSAGE, to="a@b.test"))) == ("Broken", Why.SET_UP)


async def test_play_money_calls_nobody_but_this_machine() -> None:
    wide = outside(AssertionError("somebody was called"))
    wide = Outside(wide.http, Addresses(), plays=True)
    gateway = PlainHttp(wide, PlainHttpOptions(url="https://93.184.216.34/"), sender="", secret="")
    assert why_of(await gateway.send(MESSAGE)) == ("Broken", Why.SET_UP)


def test_a_secret_is_never_part_of_what_is_told() -> None:
    gateway = described(outside(httpx.Response(500)))
    assert isinstance(gateway, PlainHttp)
    said = gateway._read(Reply(status=403, raw=b"key s3cr3t is wrong"))  # pyright: ignore[reportPrivateUsage]
    assert isinstance(said, Broken)
    assert "s3cr3t" not in said.said


@pytest.mark.parametrize("text", ["[]", "{", '{"to": "{to}"}', '{"text": "{text}"}', ""])
def test_a_template_without_number_or_text_is_refused(text: str) -> None:
    with pytest.raises(TemplateError):
        read_template(text)


def test_what_was_filled_in_is_not_filled_in_again() -> None:
    assert fill(["{text}", 3], {"text": "{to}", "to": "no"}) == ["{to}", 3]


async def test_a_webhook_is_signed_over_time_and_body() -> None:
    seen: list[httpx.Request] = []

    def handle(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(204)

    wide = outside(httpx.Response(204))
    wide.http = httpx.AsyncClient(transport=httpx.MockTransport(handle))
    await Webhook(wide, url="https://hooks.example/x", key="sekrit", clock=Clock()).send(MESSAGE)
    stamp, digest = (part.split("=")[1] for part in seen[0].headers[SIGNATURE_HEADER].split(","))
    right = hmac.new(b"sekrit", f"{stamp}.".encode() + seen[0].content, hashlib.sha256).hexdigest()
    assert hmac.compare_digest(digest, right)
    assert json.loads(seen[0].content)["id"] == "vocha-7"
