"""The asynchronous commands over HTTP: checks and acknowledgement. What each does is in command_work.py.

Transaction status, reversal, B2C (v1 and v3), account balance. Source: the Daraja 3.0 pages of these names. The
acknowledgement says nothing about the credential: that comes with the result.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import msgspec
from litestar import Request, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.types import ASGIApp

from portal.mpesa.simulator import command_work
from portal.mpesa.simulator.answers import ACCEPTING_FAULTS, fault_answer, json_answer
from portal.mpesa.simulator.command_work import Asked, Outcome
from portal.mpesa.simulator.errors import DarajaRefusal, invalid
from portal.mpesa.simulator.gate import check_token, matching, read_json, text, web_address
from portal.mpesa.simulator.result_messages import conclude
from portal.mpesa.simulator.spellings import COMMAND, spelling_of
from portal.mpesa.simulator.world import World

_PARTY = r"\d{5,9}"
_ANY = r".+"
_REMARKS = r"(?s).{2,100}"
_AMOUNT = r"\d{1,9}"

AnyRequest = Request[Any, Any, Any]


@dataclass(slots=True, frozen=True)
class Command:
    """One API: its fields with their shapes in the order they are checked, who may, and what it does."""

    name: str
    role: str
    initiator_field: str
    party_field: str
    fields: tuple[tuple[str, str], ...]
    work: Callable[[World, Asked], Outcome]
    is_code_text: bool = False


STATUS = Command(
    name="transactionstatus",
    role="status",
    initiator_field="Initiator",
    party_field="PartyA",
    fields=(("CommandID", "TransactionStatusQuery"), ("PartyA", r"\d{5,12}"), ("IdentifierType", "[124]")),
    work=command_work.transaction_status,
)
REVERSAL = Command(
    name="reversal",
    role="reversal",
    initiator_field="Initiator",
    party_field="ReceiverParty",
    fields=(
        ("CommandID", "TransactionReversal"),
        ("TransactionID", r"[A-Za-z0-9]{1,20}"),
        ("Amount", r"\d{1,9}(\.0{1,2})?"),
        ("ReceiverParty", _PARTY),
        # Misspelt on the page and on the wire.
        ("RecieverIdentifierType", "11"),
        ("Remarks", _REMARKS),
    ),
    work=command_work.reversal,
)
B2C = Command(
    name="b2c",
    role="b2c",
    initiator_field="InitiatorName",
    party_field="PartyA",
    fields=(
        ("CommandID", "BusinessPayment|SalaryPayment|PromotionPayment"),
        ("Amount", _AMOUNT),
        ("PartyA", _PARTY),
        ("PartyB", r"254[17]\d{8}"),
        ("Remarks", _REMARKS),
    ),
    work=command_work.b2c,
)
BALANCE = Command(
    name="accountbalance",
    role="balance",
    initiator_field="Initiator",
    party_field="PartyA",
    fields=(("CommandID", "AccountBalance"), ("PartyA", _PARTY), ("IdentifierType", "[24]"), ("Remarks", _ANY)),
    work=command_work.account_balance,
    is_code_text=True,
)


@post("/mpesa/transactionstatus/v1/query", status_code=200)
async def transaction_status(request: AnyRequest, world: NamedDependency[World]) -> ASGIApp:
    """By receipt or by a conversation id, never by the merchant's own reference."""
    return await _take(world, request, STATUS)


@post("/mpesa/reversal/v1/request", status_code=200)
async def reversal(request: AnyRequest, world: NamedDependency[World]) -> ASGIApp:
    """A customer's payment goes back, whole."""
    return await _take(world, request, REVERSAL)


@post("/mpesa/b2c/{version:str}/paymentrequest", status_code=200)
async def b2c(request: AnyRequest, world: NamedDependency[World], version: FromPath[str]) -> ASGIApp:
    """Money to a phone. From version 3 on OriginatorConversationID is the caller's and is taken once only."""
    if version not in ("v1", "v3"):
        raise DarajaRefusal(*COMMAND.wrong_path)
    return await _take(world, request, B2C, brings_id=version == "v3")


@post("/mpesa/accountbalance/v1/query", status_code=200)
async def account_balance(request: AnyRequest, world: NamedDependency[World]) -> ASGIApp:
    return await _take(world, request, BALANCE)


async def _take(world: World, request: AnyRequest, command: Command, *, brings_id: bool = False) -> ASGIApp:
    fault = world.knobs.command_fault
    if fault != "none" and fault not in ACCEPTING_FAULTS:
        return fault_answer(world, fault)
    check_token(world, request)
    # A wrong content type leaves the reversal without its identifier type, so says the page's FAQ.
    first = "RecieverIdentifierType" if command is REVERSAL else command.initiator_field
    body = await read_json(request, first="OriginatorConversationID" if brings_id else first)
    asked = _asked(world, command, body, code=spelling_of(request.url.path).field_code, brings_id=brings_id)
    answer = msgspec.json.encode(
        {
            "OriginatorConversationID": asked.originator_conversation_id,
            "ConversationID": asked.conversation_id,
            "ResponseCode": "0",
            "ResponseDescription": "Accept the service request successfully.",
        }
    )

    def go_on() -> None:
        delay = world.knobs.result_after_seconds
        world.after(delay, lambda: conclude(world, asked, command.work, role=command.role))

    if fault != "none":
        go_on()
        return fault_answer(world, fault, answer)
    return json_answer(msgspec.Raw(answer), then=go_on)


def _asked(world: World, command: Command, body: dict[str, Any], *, code: str, brings_id: bool) -> Asked:
    """The request, every field well formed; a repeated OriginatorConversationID is refused."""
    own_id = _own_id(body, code) if brings_id else ""
    for name in (command.initiator_field, "SecurityCredential"):
        matching(body, name, re.compile(_ANY, re.DOTALL), code)
    fields = {name: matching(body, name, re.compile(shape), code) for name, shape in command.fields}
    if command is STATUS:
        fields |= _which_transaction(body, code)
    queue_timeout_url = web_address(body, "QueueTimeOutURL", code)
    result_url = web_address(body, "ResultURL", code)
    if own_id in world.conversations:
        raise DarajaRefusal(500, "500.002.1001", "Duplicate OriginatorConversationID.")
    asked = Asked(
        command=command.name,
        fields=fields,
        shortcode=world.find_shortcode(fields[command.party_field]),
        initiator=text(body, command.initiator_field),
        credential=text(body, "SecurityCredential"),
        occasion=text(body, "Occasion") or text(body, "Occassion"),
        result_url=result_url,
        queue_timeout_url=queue_timeout_url,
        originator_conversation_id=own_id or world.new_request_id(),
        conversation_id=world.new_conversation_id(),
        is_code_text=command.is_code_text,
    )
    world.conversations[asked.originator_conversation_id] = asked.conversation_id
    return asked


def _own_id(body: dict[str, Any], code: str) -> str:
    own_id = text(body, "OriginatorConversationID")
    if not own_id:
        raise invalid("OriginatorConversationID", code)
    return own_id


def _which_transaction(body: dict[str, Any], code: str) -> dict[str, str]:
    receipt, conversation = text(body, "TransactionID"), text(body, "OriginalConversationID")
    if not receipt and not conversation:
        raise invalid("TransactionID", code)
    return {"TransactionID": receipt, "OriginalConversationID": conversation}


HANDLERS = [transaction_status, reversal, b2c, account_balance]
