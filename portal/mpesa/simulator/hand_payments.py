"""A payer sends money from the phone's menu: checks, validation by the merchant, money, confirmation. No HTTP pages.

    typed --validation off--------------------------> completed --> confirmation
      |---validation on--> asked --0---------------> completed --> confirmation with its ThirdPartyTransID
                             |----other code--------> cancelled, and the code decides the SMS
                             +----no answer---------> as the registration's ResponseType says

Source: Daraja 3.0 page "Customer To Business Register URL", steps 1 to 8. Without URLs the payment completes silently.
"""

import msgspec

from portal.mpesa.simulator import confirmations, texts, wallets
from portal.mpesa.simulator.dispatch import dispatch
from portal.mpesa.simulator.errors import CannotPay
from portal.mpesa.simulator.prompts import result_of_pin
from portal.mpesa.simulator.records import Callback, Delivery, HandPayment, Phone, Shortcode, Sms
from portal.mpesa.simulator.world import World

LARGEST_AMOUNT = 250_000
REFERENCE_LIMIT = 20


def pay_by_hand(
    world: World, msisdn: str, number: str, *, amount: int, account: str = "", pin: str | None = None
) -> HandPayment:
    """Lipa na M-PESA: to a paybill with an account number as typed, or to a till. `pin` None types the right one.

    CannotPay with what the payer reads: no such business, no account, amount, PIN, money. ValueError for a bad msisdn.
    """
    phone = world.phone(msisdn)
    shortcode = _business(world, number)
    if not 1 <= amount <= LARGEST_AMOUNT:
        raise CannotPay("The amount must be from KES 1 to 250,000.", result_code="3")
    if shortcode.kind == "paybill" and not account.strip():
        raise CannotPay("Type an account number.")
    if len(account) > REFERENCE_LIMIT:
        raise CannotPay("The account number has 20 characters at most.")
    code = result_of_pin(world, phone, phone.pin if pin is None else pin, cents=amount * 100)
    if code != "0":
        told = texts.failure(phone, code) or "Failed."
        phone.messages.append(Sms(world.clock.now(), told))
        world.notify()
        raise CannotPay(told, result_code=code)
    return start(world, phone, shortcode, amount=amount, account=account)


def start(world: World, phone: Phone, shortcode: Shortcode, *, amount: int, account: str) -> HandPayment:
    """A payment whose PIN was right: ask the merchant if it wishes to be asked, else complete it at once."""
    payment = HandPayment(world.new_receipt(), phone.msisdn, shortcode, account, amount, world.clock.now())
    world.hand_payments[payment.receipt] = payment
    registration = shortcode.registration
    if shortcode.validates and registration and registration.validation_url:
        world.outbox.append(_question(world, payment, registration.validation_url))
        world.notify()
    else:
        _complete(world, payment)
    return payment


def _business(world: World, number: str) -> Shortcode:
    found = world.find_shortcode(number.strip())
    if found is None or found.party_b != number.strip():
        raise CannotPay("The business number is not known. Check it and try again.", result_code="SFC_IC0003")
    return found


def _question(world: World, payment: HandPayment, url: str) -> Callback:
    return Callback(
        kind="validation",
        url=url,
        result_code="",
        body=confirmations.validation_of(world, payment),
        deliveries=payment.deliveries,
        label=payment.receipt,
        timeout_seconds=world.knobs.validation_timeout_seconds,
        heard=lambda delivery, answer: _decide(world, payment, delivery, answer),
    )


def _decide(world: World, payment: HandPayment, delivery: Delivery, answer: bytes) -> None:
    verdict = _verdict(delivery, answer)
    registration = payment.shortcode.registration
    if verdict is None:
        if registration is None or registration.response_type == "Completed":
            _complete(world, payment)
        else:
            _cancel(world, payment, "C2B00016")
        return
    code, payment.third_party_id = verdict
    if code == "0":
        _complete(world, payment)
    else:
        _cancel(world, payment, code)


def _verdict(delivery: Delivery, answer: bytes) -> tuple[str, str] | None:
    """ResultCode and ThirdPartyTransID of a readable answer; None counts as not reached."""
    if delivery.status is None or not 200 <= delivery.status < 300:
        return None
    try:
        told = msgspec.json.decode(answer, type=dict[str, msgspec.Raw])
        code = msgspec.json.decode(told["ResultCode"], type=str | int)
        given = told.get("ThirdPartyTransID")
        third = msgspec.json.decode(given, type=str | int | None) if given else None
    except (msgspec.MsgspecError, KeyError):
        return None
    return str(code).strip(), "" if third is None else str(third)


def _complete(world: World, payment: HandPayment) -> None:
    phone, cents = world.phone(payment.msisdn), payment.amount * 100
    code = wallets.reason_not_to_pay(world, phone, cents)
    if code:
        # Something else was paid while the merchant was thinking.
        payment.status, payment.reason = "declined", code
        phone.messages.append(Sms(world.clock.now(), texts.failure(phone, code) or "Failed."))
    else:
        payment.status = "completed"
        row = wallets.collect(
            world, phone, payment.shortcode, kind="c2b", cents=cents, receipt=payment.receipt,
            account_reference=payment.bill_reference,
        )  # fmt: skip
        confirmation = confirmations.confirmation_of(world, payment, row)
        if confirmation:
            dispatch(world, confirmation)
    world.notify()


def _cancel(world: World, payment: HandPayment, code: str) -> None:
    phone = world.phone(payment.msisdn)
    payment.status, payment.reason = "cancelled", code
    phone.messages.append(Sms(world.clock.now(), texts.rejected(phone, payment.shortcode, code)))
    world.notify()
