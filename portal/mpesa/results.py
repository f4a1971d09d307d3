"""The result of an asynchronous request, as it comes to a ResultURL or QueueTimeOutURL: the envelope. Pure.

What a result tells of each verb is in result_facts. Source: Daraja documentation, Transaction Status, Reversal, B2C, Account
Balance. Traps met there: codes as number or text, ReferenceItem as object or list, keys twice or without a Value, no
ResultParameters on failure. The body of a queue timeout is not documented: it always means that nothing is known.
"""

import msgspec

from portal.mpesa.fields import opaque_id, receipt
from portal.mpesa.initiator_codes import Verb, Verdict, verdict_of
from portal.mpesa.loose_json import JsonObject, as_object, inner, read_object, text
from portal.mpesa.messages import Malformed

TIMED_OUT = "timeout"


class Parameter(msgspec.Struct, frozen=True):
    """One Key with its Value, which may be missing (None) or of any kind."""

    key: str
    value: object


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """What M-Pesa says became of a request, as a hint: nothing in it proves that Safaricom sent it.

    `receipt` is the transaction M-Pesa made for it (for a status or balance, a meaningless one). `verb` is what was asked for,
    by the address the result came to.
    """

    verdict: Verdict
    verb: Verb | None
    result_code: str
    result_text: str = ""
    originator_conversation_id: str = ""
    conversation_id: str = ""
    receipt: str | None = None
    parameters: tuple[Parameter, ...] = ()
    references: tuple[Parameter, ...] = ()

    def all(self, key: str) -> list[object]:
        """Every value of a key that may come more than once, in order, without those that are missing."""
        return [found.value for found in self.parameters if found.key == key and found.value is not None]

    def only(self, key: str) -> object:
        """The value of a key; None when it is missing, or comes twice with different values and so says nothing."""
        values = self.all(key)
        return values[0] if values and all(value == values[0] for value in values) else None


def read_result(raw: bytes, *, verb: Verb | None = None) -> Result | Malformed:
    """A result; Malformed when there is no ResultCode in a Result."""
    document = read_object(raw)
    if document is None:
        return Malformed("not a JSON object, or too large")
    found = inner(document, "Result")
    code = text(found.get("ResultCode"), 24)
    if not code:
        return Malformed("no Result with a ResultCode")
    is_final = text(found.get("ResultType"), 4) in {"", "0"}  # 1: further messages follow
    return Result(
        verdict=verdict_of(verb, code) if is_final else Verdict.UNKNOWN,
        verb=verb,
        result_code=code,
        result_text=text(found.get("ResultDesc")),
        originator_conversation_id=opaque_id(found.get("OriginatorConversationID")) or "",
        conversation_id=opaque_id(found.get("ConversationID")) or "",
        receipt=receipt(found.get("TransactionID")),
        parameters=_pairs(inner(found, "ResultParameters").get("ResultParameter")),
        references=_pairs(inner(found, "ReferenceData").get("ReferenceItem")),
    )


def timed_out(raw: bytes, *, verb: Verb | None = None) -> Result:
    """What came to a QueueTimeOutURL: whatever stands in it, nothing is known; ids are kept where there are any."""
    document = read_object(raw)
    found: JsonObject = inner(document, "Result") or document or {}
    return Result(
        verdict=Verdict.UNKNOWN,
        verb=verb,
        result_code=TIMED_OUT,
        result_text=text(found.get("ResultDesc")),
        originator_conversation_id=opaque_id(found.get("OriginatorConversationID")) or "",
        conversation_id=opaque_id(found.get("ConversationID")) or "",
    )


def _pairs(listed: object) -> tuple[Parameter, ...]:
    rows = [as_object(row) for row in listed] if isinstance(listed, list) else [as_object(listed)]
    named = [(text(row.get("Key"), 64), row.get("Value")) for row in rows if row is not None]
    return tuple(Parameter(key, value) for key, value in named if key)
