"""Sorts every answer of Daraja that is not the wanted one. Pure: status, headers and body in, a Failure out.

The question is always the same: may the request have been carried out? Where that cannot be ruled out, it is UNKNOWN.
Source: Daraja documentation, "Error codes" of each API; the gateway's own shape ("fault") as seen on the sandbox.
"""

import re
from collections.abc import Mapping
from enum import StrEnum

import msgspec

from portal.errors import (
    MpesaAlready,
    MpesaBusy,
    MpesaConfig,
    MpesaError,
    MpesaPromptOpen,
    MpesaRefused,
    MpesaUnknown,
)
from portal.mpesa.loose_json import JsonObject, inner, read_object, text


class Kind(StrEnum):
    REFUSED = "refused"
    BUSY = "busy"
    PROMPT_OPEN = "prompt_open"
    ALREADY = "already"  # what we ask for was done before, and is done once only
    BAD_TOKEN = "bad_token"  # noqa: S105  (a kind of failure)
    CONFIG = "config"
    PENDING = "pending"  # queries only: not decided yet
    NO_SUCH_REQUEST = "no_such_request"  # queries only: Daraja does not know the id, or has a fault
    UNKNOWN = "unknown"


class Failure(msgspec.Struct, frozen=True, kw_only=True):
    """`code` and `message` are Daraja's own; `retry_after` is in seconds and counts for BUSY only."""

    kind: Kind
    code: str = ""
    message: str = ""
    retry_after: float = 30.0


#: One thing, a dead token, spelled differently by each API.
TOKEN_CODES = frozenset({"404.001.03", "401.002.01", "400.003.01", "401.003.01", "401.001"})
BY_CODE = {
    "404.001.01": Kind.CONFIG,  # wrong path
    "404.002.01": Kind.CONFIG,  # wrong path, B2C and balance
    "404.003.01": Kind.CONFIG,  # wrong path, C2B and status
    "404.001.04": Kind.CONFIG,  # wrong verb or header
    "400.001": Kind.CONFIG,  # Pull: not our shortcode, or not registered
    "400.008.01": Kind.CONFIG,  # token request: authentication type
    "400.008.02": Kind.CONFIG,  # token request: grant type
    "00.002.1001": Kind.BUSY,  # under maintenance
    "500.003.02": Kind.BUSY,  # spike arrest, or our callback addresses err too often
    "500.003.03": Kind.BUSY,  # quota
}
#: Codes of many meanings; texts unknown to us stay UNKNOWN, as failing them might hide that something was done.
BY_TEXT: Mapping[str, tuple[tuple[str, Kind], ...]] = {
    "500.001.1001": (
        ("lock subscriber", Kind.PROMPT_OPEN),
        ("merchant does not exist", Kind.CONFIG),
        ("being processed", Kind.PENDING),
        ("does not exist", Kind.NO_SUCH_REQUEST),
        ("wrong credentials", Kind.CONFIG),
    ),
    "500.002.1001": (("duplicate", Kind.ALREADY), ("maintenance", Kind.BUSY)),
    "500.003.1001": (("already registered", Kind.ALREADY), ("duplicate notification", Kind.ALREADY)),
}
_SPIKE_S = 30.0
_QUOTA_S = 900.0
_LONGEST_WAIT_S = 3_600.0


def sort_failure(status: int, raw: bytes, headers: Mapping[str, str]) -> Failure:
    """What an answer without the expected content means. `headers` are looked up in lower case."""
    document = read_object(raw)
    code, message = text(_get(document, "errorCode"), 40), text(_get(document, "errorMessage"))
    fault = inner(document, "fault")
    if fault:
        code = text(inner(fault, "detail").get("errorcode"), 80)
        message = text(fault.get("faultstring"))
    kind = _kind(status, code, message=message)
    if kind is not Kind.BUSY:
        return Failure(kind=kind, code=code or f"HTTP {status}", message=message)
    wait = _QUOTA_S if code == "500.003.03" or "QuotaViolation" in code else _SPIKE_S
    told = _told_wait(headers.get("retry-after", "")) or _period(message)
    return Failure(kind=kind, code=code or f"HTTP {status}", message=message, retry_after=told or wait)


def _kind(status: int, code: str, *, message: str) -> Kind:
    words = f"{code} {message}".lower()
    if status == 429 or code.startswith("policies.ratelimit."):
        return Kind.BUSY
    if "apiproduct match" in words:  # the app lacks this product: a new token would not help
        return Kind.CONFIG
    if code in TOKEN_CODES or re.search(r"(?:invalid|expired).?access.?token", words):
        return Kind.BAD_TOKEN
    if code in BY_TEXT:
        return next((kind for part, kind in BY_TEXT[code] if part in words), Kind.UNKNOWN)
    return BY_CODE.get(code, Kind.REFUSED if code and 400 <= status < 500 else Kind.UNKNOWN)


def _get(document: JsonObject | None, name: str) -> object:
    return None if document is None else document.get(name)


def _told_wait(retry_after: str) -> float | None:
    """Seconds of a Retry-After header; its date form is not used by this gateway."""
    if not re.fullmatch(r"[0-9]{1,6}", retry_after.strip()):
        return None
    return min(max(float(retry_after), 1.0), _LONGEST_WAIT_S)


def _period(message: str) -> float | None:
    """The gateway tells its rate in words: messagesPerPeriod=5, periodInMicroseconds=60000000 → one per 12 s."""
    found = re.search(r"messagesPerPeriod=([0-9]{1,9}),\s*periodInMicroseconds=([0-9]{1,15})", message)
    if found is None or int(found[1]) == 0:
        return None
    return min(max(int(found[2]) / 1_000_000 / int(found[1]), 1.0), _LONGEST_WAIT_S)


def error_of(failure: Failure) -> MpesaError:
    """The exception for a failure of a request that may have moved money, or asked for it to be moved."""
    match failure.kind:
        case Kind.REFUSED:
            return MpesaRefused(failure.code, failure.message)
        case Kind.BUSY:
            return MpesaBusy(failure.code, failure.message, retry_after=failure.retry_after)
        case Kind.PROMPT_OPEN:
            return MpesaPromptOpen(failure.code, failure.message)
        case Kind.ALREADY:
            return MpesaAlready(failure.code, failure.message)
        case Kind.CONFIG | Kind.BAD_TOKEN:
            return MpesaConfig(failure.code, failure.message)
        case Kind.PENDING | Kind.NO_SUCH_REQUEST | Kind.UNKNOWN:
            return MpesaUnknown(failure.code, failure.message)
