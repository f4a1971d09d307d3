"""The STK callback: its body with Daraja's own types and quirks, and what goes with it. When it goes is dispatch.py.

Source: Daraja 3.0 page "M-Pesa Express Simulate", callback payload; sandbox observations for header and types.
"""

from dataclasses import replace

import msgspec

from portal.mpesa.simulator.confirmations import confirmation_of_push
from portal.mpesa.simulator.dispatch import dispatch
from portal.mpesa.simulator.ids import eat_stamp
from portal.mpesa.simulator.records import Callback, Push
from portal.mpesa.simulator.results import callback_text
from portal.mpesa.simulator.world import World

JsonObject = dict[str, object]


def queue_callback(world: World, push: Push) -> None:
    """Write the body now and hand it over; with C2B URLs, a payment's confirmation goes after it or before it."""

    def forge() -> bytes:
        return build_body(world, replace(push, result_code="0", receipt=world.new_receipt()))

    callback = Callback(
        kind="stk",
        url=push.callback_url,
        result_code=push.result_code or "",
        body=build_body(world, push),
        deliveries=push.deliveries,
        label=push.merchant_request_id,
        push=push,
        headers=(("Businessshortcode", push.shortcode.number),),
    )
    confirmation = confirmation_of_push(world, push)
    if confirmation and world.knobs.stk_confirmation == "before":
        dispatch(world, confirmation, follower=callback)
    else:
        dispatch(world, callback, follower=confirmation, forge=forge)


def build_body(world: World, push: Push) -> bytes:
    """The JSON of the callback for the push's present result; metadata only when it was paid."""
    code = push.result_code or ""
    is_text = world.knobs.callback_text_code or not code.isdigit()
    message: JsonObject = {
        "MerchantRequestID": push.merchant_request_id,
        "CheckoutRequestID": push.checkout_request_id,
        "ResultCode": code if is_text else int(code),
        "ResultDesc": callback_text(code),
    }
    if code == "0":
        message["CallbackMetadata"] = {"Item": _items(world, push)}
    return msgspec.json.encode({"Body": {"stkCallback": message}})


def _items(world: World, push: Push) -> list[JsonObject]:
    knobs = world.knobs
    paid_at = push.finished_at or world.clock.now()
    items: list[JsonObject] = [
        {
            "Name": "Amount",
            "Value": _two_decimals(push.amount if knobs.callback_amount is None else knobs.callback_amount),
        },
        {"Name": "MpesaReceiptNumber", "Value": push.receipt},
        {"Name": "TransactionDate", "Value": int(eat_stamp(paid_at))},
    ]
    balance = knobs.callback_balance
    if balance == "random":
        balance = world.random.choice(("absent", "empty", "value"))
    if balance != "absent":
        cents = push.shortcode.balance_cents
        item: JsonObject = {"Name": "Balance"}
        if balance == "value":
            item["Value"] = _two_decimals(cents / 100)
        items.append(item)
    if knobs.callback_phone == "full":
        items.append({"Name": "PhoneNumber", "Value": int(push.msisdn)})
    elif knobs.callback_phone == "masked":
        items.append({"Name": "PhoneNumber", "Value": f"{push.msisdn[:5]}****{push.msisdn[-3:]}"})
    if knobs.callback_shuffle:
        world.random.shuffle(items)
    return items


def _two_decimals(kes: float) -> msgspec.Raw:
    # A JSON number with two decimals, as in Safaricom's sample: a plain float would print 1.0.
    return msgspec.Raw(f"{kes:.2f}".encode())
