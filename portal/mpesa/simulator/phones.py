"""Virtual phones over HTTP: pages for people, JSON for tests. What an action means is in prompts.py.

Paying by hand has a page of its own, because the phone's page reloads by itself.
"""

from pathlib import Path
from typing import Any, Literal

import msgspec
from jinja2 import Environment, FileSystemLoader
from litestar import Request, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.types import ASGIApp

from portal.mpesa.simulator import hand_payments, prompts
from portal.mpesa.simulator.answers import Answer, json_answer
from portal.mpesa.simulator.errors import CannotPay, DarajaRefusal, NothingToAnswer
from portal.mpesa.simulator.ids import EAT
from portal.mpesa.simulator.prompts import Action
from portal.mpesa.simulator.records import AutoAnswer, Phone, Push
from portal.mpesa.simulator.results import NO_ANSWER_CODES, callback_text
from portal.mpesa.simulator.world import World

_TEMPLATES = Path(__file__).parent / "templates"
_PAGES = Environment(loader=FileSystemLoader(_TEMPLATES), autoescape=True, trim_blocks=True, lstrip_blocks=True)
_STYLE = (_TEMPLATES / "phone.css").read_bytes()
# No frame-ancestors: the demo page shows this phone beside the customer's browser.
_POLICY = "default-src 'none'; style-src 'self'; img-src data:; form-action 'self'; base-uri 'none'"
_HEADERS = {"content-security-policy": _POLICY, "cache-control": "no-store", "x-content-type-options": "nosniff"}
REFRESH_SECONDS = 2

AnyRequest = Request[Any, Any, Any]


class Answering(msgspec.Struct, forbid_unknown_fields=True):
    """One action on a phone."""

    action: Action
    pin: str | None = None


class HandPaying(msgspec.Struct, forbid_unknown_fields=True):
    """A payment from the phone's menu: to a paybill with an account, or to a till. `pin` null types the right one."""

    number: str
    amount: int
    account: str = ""
    pin: str | None = None


class AutoSetting(msgspec.Struct, forbid_unknown_fields=True):
    """What a phone does by itself; action null switches it off."""

    action: str | None
    after: float = 0.0


def show_money(cents: int) -> str:
    """`KES 1,234.50`, without a break inside."""
    return f"KES\u00a0{cents / 100:,.2f}"


def show_number(msisdn: str) -> str:
    """`0712 345 678`, as people in Kenya write it."""
    return f"0{msisdn[3:6]}\u00a0{msisdn[6:9]}\u00a0{msisdn[9:]}"


def unbroken(text: str) -> str:
    """Words that must not break at the line's end: M-PESA and amounts."""
    return text.replace("M-PESA", "M\u2011PESA").replace("KES ", "KES\u00a0")


_PAGES.filters.update(money=show_money, number=show_number, unbroken=unbroken)


def find_phone(world: World, number: str) -> Phone:
    """By 254712345678, 0712345678 or +254 712 345 678; DarajaRefusal 404 for what is no Kenyan mobile."""
    digits = "".join(character for character in number if character.isdigit())
    try:
        return world.phone("254" + digits[1:] if digits.startswith("0") else digits)
    except ValueError as error:
        raise DarajaRefusal(404, "sim.no_phone", str(error)) from error


def describe_push(push: Push) -> dict[str, Any]:
    return {
        "checkout_request_id": push.checkout_request_id,
        "amount": push.amount,
        "shortcode": push.shortcode.number,
        "account_reference": push.account_reference,
        "accepted_at": push.accepted_at,
        "has_rung": push.has_rung,
        "result_code": push.result_code,
        "result_desc": callback_text(push.result_code) if push.result_code else None,
        "receipt": push.receipt,
        "deliveries": push.deliveries,
    }


def describe(phone: Phone) -> dict[str, Any]:
    """The phone as JSON; `prompt` is null or has the text on the screen."""
    prompt = phone.prompt
    return {
        "msisdn": phone.msisdn,
        "owner": str(phone.owner),
        "language": phone.language,
        "is_on": phone.is_on,
        "is_locked": phone.is_locked,
        "wrong_pins": phone.wrong_pins,
        "balance_cents": phone.balance_cents,
        "is_busy": phone.live is not None,
        "prompt": describe_push(prompt) | {"text": prompts.prompt_text(prompt)} if prompt else None,
        "auto": phone.auto,
        "messages": list(phone.messages),
        "pushes": [describe_push(push) for push in phone.pushes],
    }


def _page(name: str, **values: Any) -> Answer:
    body = _PAGES.get_template(name).render(**values).encode()
    return Answer(200, body, media_type="text/html; charset=utf-8", headers=_HEADERS)


@get("/_sim/phones")
async def list_phones(request: AnyRequest, world: NamedDependency[World]) -> ASGIApp:
    """Every phone; `?number=` opens one."""
    wanted = request.query_params.get("number")
    if wanted:
        return Answer(303, b"", headers={"location": f"/_sim/phone/{find_phone(world, wanted).msisdn}"})
    return _page("phones.html", phones=sorted(world.phones.values(), key=lambda phone: phone.msisdn))


@get("/_sim/phone/{number:str}")
async def show_phone(request: AnyRequest, world: NamedDependency[World], number: FromPath[str]) -> ASGIApp:
    """The page; with `.json` at the end, its twin."""
    phone = find_phone(world, number.removesuffix(".json"))
    if number.endswith(".json"):
        return json_answer(describe(phone))
    left = _seconds_left(world, phone)
    last = phone.pushes[-1] if phone.pushes else None
    return _page(
        "phone.html",
        phone=phone,
        prompt=prompts.prompt_text(phone.prompt) if phone.prompt else None,
        seconds_left=left,
        # With a prompt on the screen somebody may be typing: look again only when it has timed out.
        refresh=left + 1 if phone.prompt else REFRESH_SECONDS,
        last=last,
        last_result=callback_text(last.result_code or "") if last else "",
        can_pay_late=last is not None and last.result_code in NO_ANSWER_CODES,
        is_gone="gone" in request.query_params,
        waiting=[
            payment
            for payment in world.hand_payments.values()
            if payment.msisdn == phone.msisdn and payment.status == "validating"
        ],
        zone=EAT,
    )


@post("/_sim/phone/{number:str}/answer", status_code=200)
async def answer_phone(request: AnyRequest, world: NamedDependency[World], number: FromPath[str]) -> ASGIApp:
    """`{"action": ..., "pin": ...}` gives the phone, 409 when there is nothing to answer; a form gives the page."""
    phone = find_phone(world, number)
    if not _is_form(request):
        asked = msgspec.json.decode(await request.body(), type=Answering)
        return json_answer(describe(prompts.answer(world, phone.msisdn, asked.action, pin=asked.pin)))
    fields = await request.form()
    asked = msgspec.convert({name: fields[name] for name in ("action", "pin") if name in fields}, Answering)
    note = ""
    try:
        prompts.answer(world, phone.msisdn, asked.action, pin=asked.pin)
    except NothingToAnswer:
        note = "?gone"
    return Answer(303, b"", headers={"location": f"/_sim/phone/{phone.msisdn}{note}"})


@get("/_sim/phone/{number:str}/pay")
async def show_menu(world: NamedDependency[World], number: FromPath[str]) -> ASGIApp:
    """Lipa na M-PESA: the form to pay by hand, and what can be paid here."""
    return _menu(world, find_phone(world, number), {}, told=None)


@post("/_sim/phone/{number:str}/pay", status_code=200)
async def pay(request: AnyRequest, world: NamedDependency[World], number: FromPath[str]) -> ASGIApp:
    """JSON gives receipt and status, 409 with what the payer reads; the form goes back to the phone or shows why not."""
    phone = find_phone(world, number)
    if not _is_form(request):
        asked = msgspec.json.decode(await request.body(), type=HandPaying)
        payment = hand_payments.pay_by_hand(
            world, phone.msisdn, asked.number, amount=asked.amount, account=asked.account, pin=asked.pin
        )
        return json_answer({"receipt": payment.receipt, "status": payment.status})
    fields = {name: str(value) for name, value in (await request.form()).items()}
    amount = fields.get("amount", "")
    try:
        hand_payments.pay_by_hand(
            world,
            phone.msisdn,
            fields.get("number", ""),
            amount=int(amount) if amount.isdecimal() and len(amount) < 9 else 0,
            # As typed: stray spaces and small letters are what merchants get.
            account=fields.get("account", ""),
            pin=fields.get("pin", ""),
        )
    except CannotPay as refusal:
        return _menu(world, phone, fields, told=refusal.message)
    return Answer(303, b"", headers={"location": f"/_sim/phone/{phone.msisdn}"})


@post("/_sim/phone/{number:str}/language", status_code=200)
async def set_language(request: AnyRequest, world: NamedDependency[World], number: FromPath[str]) -> ASGIApp:
    """A form with `language` en or sw: the language of the messages to come."""
    phone = find_phone(world, number)
    fields = await request.form()
    phone.language = msgspec.convert(fields.get("language"), Literal["en", "sw"])
    return Answer(303, b"", headers={"location": f"/_sim/phone/{phone.msisdn}"})


@post("/_sim/phone/{number:str}/auto", status_code=200)
async def set_auto(request: AnyRequest, world: NamedDependency[World], number: FromPath[str]) -> ASGIApp:
    """`{"action": "pin"|"cancel"|"wrong_pin"|"ignore"|null, "after": seconds}`: what the phone does by itself."""
    phone = find_phone(world, number)
    asked = msgspec.json.decode(await request.body(), type=AutoSetting)
    setting = {"action": asked.action, "after_seconds": asked.after}
    phone.auto = msgspec.convert(setting, AutoAnswer) if asked.action else None
    return json_answer(describe(phone))


@get("/_sim/phone.css")
async def style() -> ASGIApp:
    return Answer(200, _STYLE, media_type="text/css; charset=utf-8", headers={"cache-control": "no-cache"})


def _is_form(request: AnyRequest) -> bool:
    return request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded")


def _menu(world: World, phone: Phone, fields: dict[str, str], *, told: str | None) -> Answer:
    businesses = sorted(world.shortcodes.values(), key=lambda shortcode: shortcode.party_b)
    page = _page("pay.html", phone=phone, businesses=businesses, fields=fields, told=told)
    if told:
        page.status = 422
    return page


def _seconds_left(world: World, phone: Phone) -> int:
    """Until the live push times out; rounded up, never negative."""
    if phone.live is None:
        return 0
    knobs = world.knobs
    age = (world.clock.now() - phone.live.accepted_at).total_seconds()
    return max(0, int(knobs.prompt_after_seconds + knobs.no_answer_seconds - age) + 1)


HANDLERS = [list_phones, show_phone, answer_phone, show_menu, pay, set_language, set_auto, style]
