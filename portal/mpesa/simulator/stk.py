"""The STK push and its query: checks and answers. What happens after an accepted push is in prompts.py.

Source: Daraja 3.0 pages "M-Pesa Express Simulate" and "M-Pesa Express Query"; sandbox observations for the rest.
"""

import re
from typing import Any

import msgspec
from litestar import Request, post
from litestar.di import NamedDependency
from litestar.types import ASGIApp

from portal.mpesa.simulator import prompts
from portal.mpesa.simulator.answers import ACCEPTING_FAULTS, fault_answer, json_answer, rate_limit_answer
from portal.mpesa.simulator.errors import DarajaRefusal, invalid
from portal.mpesa.simulator.gate import check_password, check_shape, check_token, matching, read_json, text, web_address
from portal.mpesa.simulator.records import Push
from portal.mpesa.simulator.results import PENDING_CODE, PENDING_TEXT, query_text
from portal.mpesa.simulator.world import World, wait_until

_PHONE = re.compile(r"254[17]\d{8}")
_PARTY = re.compile(r"\d{5,7}")
_AMOUNT = re.compile(r"\d{1,6}")
_TYPE = re.compile(r"CustomerPayBillOnline|CustomerBuyGoodsOnline")
LARGEST_AMOUNT = 250_000
BEFORE_RESPONSE_SECONDS = 20.0


@post("/mpesa/stkpush/v1/processrequest", status_code=200)
async def push(request: Request[Any, Any, Any], world: NamedDependency[World]) -> ASGIApp:
    """Accept a push ("queued", not "the phone rang"), refuse it, or fail in the way `push_fault` says."""
    fault = world.take_push_fault()
    accepts = fault in ACCEPTING_FAULTS if world.knobs.push_fault_accepts is None else world.knobs.push_fault_accepts
    if fault != "none" and not accepts:
        return fault_answer(world, fault, _accepted("", ""))
    check_token(world, request)
    made = _make(world, await read_json(request))
    body = _accepted(made.merchant_request_id, made.checkout_request_id)
    if fault != "none":
        prompts.acknowledge(world, made)
        return fault_answer(world, fault, body)
    if world.knobs.callback_before_response:
        prompts.acknowledge(world, made)
        await wait_until(world, lambda: bool(made.deliveries), seconds=BEFORE_RESPONSE_SECONDS)
    return json_answer(msgspec.Raw(body), then=lambda: prompts.acknowledge(world, made))


@post("/mpesa/stkpushquery/v1/query", status_code=200)
async def query(request: Request[Any, Any, Any], world: NamedDependency[World]) -> ASGIApp:
    """The result of a push by its CheckoutRequestID: text codes, never a receipt or an amount."""
    fault = world.knobs.query_fault
    if fault != "none" and fault not in ACCEPTING_FAULTS:
        return fault_answer(world, fault)
    token = check_token(world, request)
    if not world.take_query_allowance(token):
        return rate_limit_answer(world)
    body = await read_json(request)
    number, password, stamp = check_shape(body)
    checkout_request_id = text(body, "CheckoutRequestID")
    if not checkout_request_id:
        raise invalid("CheckoutRequestID")
    check_password(world, number, password, stamp)
    found = world.pushes.get(checkout_request_id)
    if found is None or found.shortcode.number != number:
        # Indistinguishable by its code from a fault; so it is on the sandbox.
        raise DarajaRefusal(500, "500.001.1001", "The transaction does not Exist")
    answer = json_answer(_state_of(world, found))
    return answer if fault == "none" else fault_answer(world, fault, answer.body)


def _make(world: World, body: dict[str, Any]) -> Push:
    """Check every field, then the merchant, then the phone: the first thing wrong is the answer."""
    number, password, stamp = check_shape(body)
    kind = matching(body, "TransactionType", _TYPE)
    amount = _amount(body)
    matching(body, "PartyA", _PHONE)
    party_b = matching(body, "PartyB", _PARTY)
    msisdn = matching(body, "PhoneNumber", _PHONE)
    callback_url = web_address(body, "CallBackURL")
    reference = text(body, "AccountReference")
    if not reference:
        raise invalid("AccountReference")
    if not text(body, "TransactionDesc"):
        # Documented as optional; the sandbox refuses its absence under another name.
        raise invalid("Remarks")
    shortcode = check_password(world, number, password, stamp)
    return prompts.accept(
        world,
        shortcode,
        transaction_type=kind,
        party_b=party_b,
        msisdn=msisdn,
        amount=amount,
        account_reference=reference,
        callback_url=callback_url,
    )


def _amount(body: dict[str, Any]) -> int:
    amount = int(matching(body, "Amount", _AMOUNT))
    if not 1 <= amount <= LARGEST_AMOUNT:
        raise invalid("Amount")
    return amount


def _accepted(merchant_request_id: str, checkout_request_id: str) -> bytes:
    success = "Success. Request accepted for processing"
    return msgspec.json.encode(
        {
            "MerchantRequestID": merchant_request_id,
            "CheckoutRequestID": checkout_request_id,
            "ResponseCode": "0",
            "ResponseDescription": success,
            "CustomerMessage": success,
        }
    )


def _state_of(world: World, found: Push) -> dict[str, str]:
    code = found.result_code
    if code is None:
        code = _pending_code(world, found)
    return {
        "ResponseCode": "0",
        "ResponseDescription": "The service request has been accepted successfully",
        "MerchantRequestID": found.merchant_request_id,
        "CheckoutRequestID": found.checkout_request_id,
        "ResultCode": code,
        "ResultDesc": PENDING_TEXT if code == PENDING_CODE else query_text(code),
    }


def _pending_code(world: World, found: Push) -> str:
    """ "Not yet" has three shapes: too early, being processed (a 500), and code 4999 in a 200."""
    age = (world.clock.now() - found.accepted_at).total_seconds()
    if age < world.knobs.query_too_early_seconds:
        raise invalid("CheckoutRequestID")
    found.queries += 1
    style = world.knobs.query_pending
    if style == "being_processed" or (style == "mixed" and found.queries % 2 == 0):
        raise DarajaRefusal(500, "500.001.1001", "The transaction is being processed")
    return PENDING_CODE
