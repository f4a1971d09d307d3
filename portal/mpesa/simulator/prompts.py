"""From an accepted push to its result: what rings, what the payer does, what money moves. No HTTP.

    accepted --ring--> prompt on the phone --answer--> finished (0, 1, 1032, 2001, 8006)
        |                    |
        +--no prompt---------+------time--------------> finished (1037 or 1019) --late PIN--> paid after all
        +--rule, pairing, long text, knob-------------> finished (17, 2028, SFC_IC0003, 1025, ...)

Codes: Daraja 3.0 page "M-Pesa Express Simulate". Results are final and money moves whether or not the callback arrives.
"""

from datetime import timedelta
from enum import StrEnum

from portal.mpesa.simulator.callbacks import queue_callback
from portal.mpesa.simulator.errors import DarajaRefusal, NothingToAnswer
from portal.mpesa.simulator.records import DEFAULT_BALANCE_CENTS, AutoAnswer, Phone, Push, Shortcode, Sms
from portal.mpesa.simulator.results import NO_ANSWER_CODES
from portal.mpesa.simulator.texts import failure
from portal.mpesa.simulator.wallets import collect, reason_not_to_pay
from portal.mpesa.simulator.world import World

PROMPT_LIMIT = 182
REFERENCE_LIMIT = 12
REPEAT_WINDOW = timedelta(minutes=2)
PIN_TRIES = 3
SANDBOX_PHONE = "254708374149"


class Action(StrEnum):
    """What a person can do with a virtual phone."""

    PIN = "pin"
    WRONG_PIN = "wrong_pin"
    CANCEL = "cancel"
    IGNORE = "ignore"
    NO_MONEY = "no_money"
    OFF = "off"
    ON = "on"
    LATE_PIN = "late_pin"
    TOP_UP = "top_up"
    UNLOCK = "unlock"


def prompt_text(push: Push) -> str:
    """What the phone asks; over 182 characters Daraja cannot send it."""
    return (
        f"Do you want to pay KES {push.amount:,}.00 to {push.shortcode.name} "
        f"Account no. {push.account_reference}? Enter M-PESA PIN"
    )


def accept(
    world: World,
    shortcode: Shortcode,
    *,
    transaction_type: str,
    party_b: str,
    msisdn: str,
    amount: int,
    account_reference: str,
    callback_url: str,
) -> Push:
    """Take a checked push and start it. DarajaRefusal 500.001.1001 while the phone has a live one."""
    phone = world.phone(msisdn)
    if phone.live:
        raise DarajaRefusal(
            500,
            "500.001.1001",
            "Unable to lock subscriber, a transaction is already in process for the current subscriber",
        )
    push = Push(
        checkout_request_id=world.new_checkout_request_id(msisdn),
        merchant_request_id=world.new_request_id(),
        shortcode=shortcode,
        transaction_type=transaction_type,
        party_b=party_b,
        msisdn=msisdn,
        amount=amount,
        account_reference=account_reference,
        callback_url=callback_url,
        accepted_at=world.clock.now(),
    )
    refusal = _result_without_prompt(world, phone, push)
    world.pushes[push.checkout_request_id] = push
    phone.pushes.append(push)
    phone.live = push
    delay = world.knobs.prompt_after_seconds
    world.after(delay, lambda: finish(world, push, refusal) if refusal else _ring(world, phone, push))
    world.after(delay + world.knobs.no_answer_seconds, lambda: finish(world, push, world.knobs.no_answer_result))
    return push


def acknowledge(world: World, push: Push) -> None:
    """The HTTP answer is out: callbacks may go. Repeatable."""
    push.acknowledged = True
    world.outbox.extend(push.waiting_callbacks)
    push.waiting_callbacks.clear()
    world.notify()


def finish(world: World, push: Push, code: str) -> None:
    """Give the push its result, once; a later result is ignored. Code 0 debits the wallet and issues the receipt."""
    if push.result_code is not None:
        return
    phone = world.phone(push.msisdn)
    phone.live = phone.prompt = None
    _conclude(world, phone, push, code)


def answer(world: World, msisdn: str, action: Action, *, pin: str | None = None) -> Phone:
    """Do something with a phone. NothingToAnswer if it needs a prompt and none shows; ValueError for a bad number.

    `pin` matters to PIN and LATE_PIN only; None types the right one. NO_MONEY empties the wallet and, with a prompt
    on the screen, types the right PIN, so that the result is 1.
    """
    phone = world.phone(msisdn)
    match action:
        case Action.PIN:
            _type_pin(world, phone, phone.pin if pin is None else pin)
        case Action.WRONG_PIN:
            _type_pin(world, phone, "")
        case Action.CANCEL:
            finish(world, _shown(phone), "1032")
        case Action.IGNORE:
            _shown(phone)
            phone.prompt = None
        case Action.LATE_PIN:
            _pay_late(world, phone)
        case Action.NO_MONEY:
            phone.balance_cents = 0
            if phone.prompt:
                _type_pin(world, phone, phone.pin)
        case Action.OFF:
            phone.is_on, phone.prompt = False, None
        case Action.ON:
            phone.is_on = True
        case Action.TOP_UP:
            phone.balance_cents = DEFAULT_BALANCE_CENTS
        case Action.UNLOCK:
            phone.is_locked, phone.wrong_pins = False, 0
    world.notify()
    return phone


def _result_without_prompt(world: World, phone: Phone, push: Push) -> str | None:
    """The code of a push that never rings, or None. Which mistake gives 2028 and which SFC_IC0003 is inferred."""
    forced = world.knobs.force_result
    if forced is not None:
        return (reason_not_to_pay(world, phone, push.amount * 100) or "0") if forced == "0" else forced
    if world.knobs.persona == "sandbox" and push.msisdn != SANDBOX_PHONE:
        return "E3008"
    return _result_of_fields(push) or _result_of_rules(world, phone, push)


def _result_of_fields(push: Push) -> str | None:
    paybill = push.shortcode.kind == "paybill"
    if push.party_b != push.shortcode.party_b:
        return "SFC_IC0003"
    if push.transaction_type != ("CustomerPayBillOnline" if paybill else "CustomerBuyGoodsOnline"):
        return "2028"
    return None


def _result_of_rules(world: World, phone: Phone, push: Push) -> str | None:
    if _is_repeat(world, phone, push):
        return "17"
    if len(push.account_reference) <= REFERENCE_LIMIT and len(prompt_text(push)) > PROMPT_LIMIT:
        return "1025"
    return None


def _is_repeat(world: World, phone: Phone, push: Push) -> bool:
    rule = world.knobs.repeat_rule
    return rule != "off" and any(
        earlier.amount == push.amount
        and push.accepted_at - earlier.accepted_at < REPEAT_WINDOW
        and (earlier.has_rung if rule == "initiated" else earlier.result_code == "0")
        for earlier in phone.pushes
    )


def _ring(world: World, phone: Phone, push: Push) -> None:
    # A reference that is too long is accepted and never reaches the phone (reported): the payer sees nothing.
    if push.result_code is not None or len(push.account_reference) > REFERENCE_LIMIT or not phone.is_on:
        return
    push.has_rung = True
    phone.prompt = push
    auto = phone.answers.popleft() if phone.answers else phone.auto or _auto_by_knobs(world)
    if auto:
        world.after(auto.after_seconds, lambda: _answer_by_itself(world, phone, push, Action(auto.action)))
    world.notify()


def _auto_by_knobs(world: World) -> AutoAnswer | None:
    knobs = world.knobs
    name, drawn = knobs.auto_answer, world.random.random() if knobs.auto_chances else 1.0
    for candidate, chance in knobs.auto_chances.items():
        if drawn < chance:
            name = candidate
            break
        drawn -= chance
    return AutoAnswer(name, knobs.auto_answer_after_seconds) if name else None


def _answer_by_itself(world: World, phone: Phone, push: Push, action: Action) -> None:
    if phone.prompt is push:
        answer(world, phone.msisdn, action)


def _shown(phone: Phone) -> Push:
    if phone.prompt is None:
        raise NothingToAnswer("no prompt shows on this phone")
    return phone.prompt


def _type_pin(world: World, phone: Phone, pin: str) -> None:
    finish(world, _shown(phone), result_of_pin(world, phone, pin, cents=_shown(phone).amount * 100))


def result_of_pin(world: World, phone: Phone, pin: str, *, cents: int) -> str:
    """Result code of typing this PIN to pay so much; the third wrong one locks the phone's PIN."""
    if phone.is_locked:
        return "8006"
    if pin != phone.pin:
        phone.wrong_pins += 1
        phone.is_locked = phone.wrong_pins >= PIN_TRIES
        return "8006" if phone.is_locked else "2001"
    phone.wrong_pins = 0
    return reason_not_to_pay(world, phone, cents) or "0"


def _pay_late(world: World, phone: Phone) -> None:
    """The newest unanswered push succeeds after its failure was told: a second callback, and the query changes too."""
    push = phone.pushes[-1] if phone.pushes else None
    if push is None or push.result_code not in NO_ANSWER_CODES:
        raise NothingToAnswer("the newest push of this phone did not time out")
    code = result_of_pin(world, phone, phone.pin, cents=push.amount * 100)
    if code != "0":
        raise NothingToAnswer("this wallet cannot pay: locked or empty")
    _conclude(world, phone, push, code)


def _conclude(world: World, phone: Phone, push: Push, code: str) -> None:
    push.result_code = code
    push.finished_at = world.clock.now()
    if code == "0":
        _pay(world, phone, push)
    elif told := failure(phone, code):
        phone.messages.append(Sms(push.finished_at, told))
    queue_callback(world, push)
    world.notify()


def _pay(world: World, phone: Phone, push: Push) -> None:
    push.receipt = world.new_receipt()
    collect(
        world, phone, push.shortcode, kind="stk", cents=push.amount * 100, receipt=push.receipt,
        account_reference=push.account_reference, checkout_request_id=push.checkout_request_id,
    )  # fmt: skip
