"""C2B over HTTP: registration of the two URLs, and the sandbox's simulated payment. The flow is hand_payments.py.

Source: Daraja 3.0 pages "Customer To Business" (v2) and "Customer To Business Register URL" (v1). Which code answers a
forbidden address is not documented: 400.003.02 naming the field is inferred.
"""

import re
from typing import Any, Literal, cast
from urllib.parse import urlsplit

from litestar import Request, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.types import ASGIApp

from portal.mpesa.simulator import hand_payments
from portal.mpesa.simulator.answers import json_answer
from portal.mpesa.simulator.errors import DarajaRefusal, invalid
from portal.mpesa.simulator.gate import check_token, matching, read_json, text, web_address
from portal.mpesa.simulator.records import Registration, Shortcode
from portal.mpesa.simulator.spellings import C2B
from portal.mpesa.simulator.world import SANDBOX_SHORTCODE, World

_NUMBER = re.compile(r"\d{5,9}")
_PHONE = re.compile(r"254[17]\d{8}")
_AMOUNT = re.compile(r"\d{1,6}")
_COMMAND = re.compile(r"CustomerPayBillOnline|CustomerBuyGoodsOnline")
_RESPONSE_TYPE = re.compile(r"Completed|Cancelled")
_FORBIDDEN = re.compile(
    r"m-?pesa|safaricom|exe|cmd|sql|query|ngrok|mockbin|requestbin", re.IGNORECASE
)  # "exe" covers "exec"
AnyRequest = Request[Any, Any, Any]


@post("/mpesa/c2b/{version:str}/registerurl", status_code=200)
async def register(request: AnyRequest, world: NamedDependency[World], version: FromPath[str]) -> ASGIApp:
    """Keep the two URLs. On production rules once only, over HTTPS only, without the words the page forbids."""
    spoken = _version(version)
    check_token(world, request)
    body = await read_json(request, first="ShortCode")
    shortcode = _shortcode(world, matching(body, "ShortCode", _NUMBER, C2B.field_code))
    response_type = matching(body, "ResponseType", _RESPONSE_TYPE, C2B.field_code)
    confirmation = _address(world, body, "ConfirmationURL")
    # Only asked when validation is on; an empty one is taken.
    validation = _address(world, body, "ValidationURL") if text(body, "ValidationURL") else ""
    if shortcode.is_on_old_broker:
        message = f"Duplicate notification info, SP ID is {shortcode.number}, correlator is {world.new_request_id()}"
        raise DarajaRefusal(500, "500.003.1001", message)
    if shortcode.registration and world.knobs.c2b_rules == "production":
        raise DarajaRefusal(500, "500.003.1001", "Urls are already registered.")
    shortcode.registration = Registration(
        spoken, cast("Literal['Completed', 'Cancelled']", response_type), confirmation, validation
    )
    return json_answer(_acknowledged(world, "Success" if spoken == "v2" else "success"))


@post("/mpesa/c2b/{version:str}/simulate", status_code=200)
async def simulate(request: AnyRequest, world: NamedDependency[World], version: FromPath[str]) -> ASGIApp:
    """A payment by hand, asked for by the merchant: sandbox only, no PIN."""
    _version(version)
    if world.knobs.c2b_rules == "production":
        raise DarajaRefusal(*C2B.wrong_path)
    check_token(world, request)
    body = await read_json(request, first="ShortCode")
    shortcode = _shortcode(world, matching(body, "ShortCode", _NUMBER, C2B.field_code))
    command = matching(body, "CommandID", _COMMAND, C2B.field_code)
    amount = int(matching(body, "Amount", _AMOUNT, C2B.field_code))
    if not 1 <= amount <= hand_payments.LARGEST_AMOUNT:
        raise invalid("Amount", C2B.field_code)
    msisdn = matching(body, "Msisdn", _PHONE, C2B.field_code)
    is_bill = command == "CustomerPayBillOnline"
    if is_bill != (shortcode.kind == "paybill"):
        raise invalid("CommandID", C2B.field_code)
    account = text(body, "BillRefNumber")
    if len(account) > hand_payments.REFERENCE_LIMIT or (is_bill and not account):
        raise invalid("BillRefNumber", C2B.field_code)
    phone = world.phone(msisdn)
    answer = _acknowledged(world, "Accept the service request successfully.")
    # After the answer: here the receipt is not the asker's business, it comes by the confirmation.
    return json_answer(
        answer, then=lambda: _pay(world, phone.msisdn, shortcode, amount=amount, account=account if is_bill else "")
    )


def _pay(world: World, msisdn: str, shortcode: Shortcode, *, amount: int, account: str) -> None:
    hand_payments.start(world, world.phone(msisdn), shortcode, amount=amount, account=account)


def _version(given: str) -> Literal["v1", "v2"]:
    if given not in ("v1", "v2"):
        raise DarajaRefusal(*C2B.wrong_path)
    return given


def _shortcode(world: World, number: str) -> Shortcode:
    found = world.find_shortcode(number)
    if found is None or (world.knobs.persona == "sandbox" and number == SANDBOX_SHORTCODE):
        raise invalid("ShortCode", C2B.field_code)
    return found


def _address(world: World, body: dict[str, Any], name: str) -> str:
    url = web_address(body, name, C2B.field_code)
    is_strict = world.knobs.c2b_rules == "production"
    if is_strict and (urlsplit(url).scheme != "https" or _FORBIDDEN.search(url)):
        raise invalid(name, C2B.field_code)
    return url


def _acknowledged(world: World, description: str) -> dict[str, str]:
    return {
        # Spelt without its second "n" in every sample of these two calls.
        "OriginatorCoversationID": world.new_request_id(),
        "ResponseCode": "0",
        "ResponseDescription": description,
    }


HANDLERS = [register, simulate]
