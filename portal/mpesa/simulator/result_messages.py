"""From an acknowledged command to its message: who may, what came of it, the Result envelope, and by which road.

Source: Daraja 3.0 result payloads. Traps kept: codes as numbers or text, ReferenceItem as object or array, parameters
without a Value, none at all on failure. What QueueTimeOutURL is sent is unknown: the envelope here is a guess.
"""

from collections.abc import Callable
from typing import Any

import msgspec

from portal.mpesa.simulator.command_work import NO_VALUE, Asked, Outcome
from portal.mpesa.simulator.dispatch import dispatch
from portal.mpesa.simulator.ids import no_receipt
from portal.mpesa.simulator.initiators import refuse_initiator
from portal.mpesa.simulator.records import Callback
from portal.mpesa.simulator.results import command_text
from portal.mpesa.simulator.world import World

_TIMEOUT_PAGES = {
    "transactionstatus": "transactionstatusresults",
    "reversal": "reversalresults",
    "b2c": "b2cresults",
    "accountbalance": "abresults",
}


def conclude(world: World, asked: Asked, work: Callable[[World, Asked], Outcome], *, role: str) -> None:
    """Carry the command out, if its road lets it, and tell the merchant."""
    road = world.knobs.result_road
    if road == "timeout" and not world.knobs.queue_timeout_executes:
        _send_timeout(world, asked)
        return
    refused = refuse_initiator(asked.shortcode, asked.initiator, asked.credential, role=role)
    outcome = Outcome(refused) if refused else work(world, asked)
    if road == "timeout":
        _send_timeout(world, asked)
    elif road == "result":
        callback = Callback(
            kind="result",
            url=asked.result_url,
            result_code=outcome.code,
            body=build_result(world, asked, outcome),
            deliveries=asked.deliveries,
            label=asked.conversation_id,
        )
        dispatch(world, callback)
    world.notify()


def build_result(world: World, asked: Asked, outcome: Outcome) -> bytes:
    """The Result envelope as JSON. A code with letters is always text."""
    style = world.knobs.result_code_as
    is_text = style == "string" or (style == "documented" and asked.is_code_text)
    result: dict[str, Any] = {
        "ResultType": "0" if is_text else 0,
        "ResultCode": outcome.code if is_text or not outcome.code.isdigit() else int(outcome.code),
        "ResultDesc": command_text(outcome.code),
        "OriginatorConversationID": asked.originator_conversation_id,
        "ConversationID": asked.conversation_id,
        "TransactionID": outcome.receipt or no_receipt(world.clock.now()),
    }
    if outcome.parameters:
        result["ResultParameters"] = {"ResultParameter": [_pair(*pair) for pair in outcome.parameters]}
    result["ReferenceData"] = {"ReferenceItem": _reference(world, asked)}
    return msgspec.json.encode({"Result": result})


def _reference(world: World, asked: Asked) -> dict[str, Any] | list[dict[str, Any]]:
    page = f"https://internalsandbox.safaricom.co.ke/mpesa/{_TIMEOUT_PAGES[asked.command]}/v1/submit"
    items = [_pair("QueueTimeoutURL", page)]
    if asked.command == "transactionstatus":
        items = [_pair("Occasion", asked.occasion or NO_VALUE)]
    style = world.knobs.reference_item
    if style == "random":
        style = world.random.choice(("object", "array"))
    if style == "object":
        return items[0]
    return [*items, _pair("Occasion", asked.occasion or NO_VALUE)] if len(items) == 1 else items


def _pair(key: str, value: Any) -> dict[str, Any]:
    if value is NO_VALUE:
        return {"Key": key}
    if isinstance(value, float):
        # As in the samples: 1.00 and not 1.0.
        return {"Key": key, "Value": msgspec.Raw(f"{value:.2f}".encode())}
    return {"Key": key, "Value": value}


def _send_timeout(world: World, asked: Asked) -> None:
    body = {
        "Result": {
            "ResultType": 1,
            "ResultCode": "100000000",
            "ResultDesc": command_text("100000000"),
            "OriginatorConversationID": asked.originator_conversation_id,
            "ConversationID": asked.conversation_id,
            "TransactionID": no_receipt(world.clock.now()),
        }
    }
    callback = Callback(
        kind="timeout",
        url=asked.queue_timeout_url,
        result_code="100000000",
        body=msgspec.json.encode(body),
        deliveries=asked.deliveries,
        label=asked.conversation_id,
    )
    dispatch(world, callback)
    world.notify()
