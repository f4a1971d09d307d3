"""Logging: one line per event to stderr, JSON or for the eye, in UTC, with secrets dropped and phone numbers masked.

Every library's records pass through the same filter. Bodies, headers and query strings are not logged at all.
"""

import logging
import math
import re
import sys
from collections.abc import Iterable, Mapping
from typing import TextIO, cast

from portal.lean import without
from portal.phones import mask_for_log, mask_name

# Its tracebacks in colours would load rich and pygments, 4 MiB; ours are plain.
with without("rich"):
    import structlog
    from structlog.types import EventDict, Processor, WrappedLogger

# A key is dropped when it is one of these words or ends in one ("mpesa_passkey", "X-Api-Key"). "status_code" and
# "result_code" are wanted, so "code" must stand alone or name what it opens.
_SECRET_KEY = re.compile(
    r"(?:.*[_\-. ])?(?:password|passwd|passkey|token|secret|credential|credentials|authorization|cookie|pin|otp"
    r"|api[_-]?key|consumer[_-]?key|private[_-]?key|secret[_-]?keys?)"
    r"|(?:voucher|login|access|recovery)?[_\-. ]?codes?"
    r"|(?:request|response)?[_\-. ]?(?:body|headers|content|payload)",
    re.IGNORECASE,
)
# With the country code nothing else looks like it. A local form must stand alone, and dots are no separators here:
# 192.168.88.1 has nine digits as well. The bare nine digits are looked for in texts only, not in numbers.
_WITH_COUNTRY = re.compile(r"(?<![0-9])(?:\+|00)?254[ -]?0?([17](?:[ -]?[0-9]){8})(?![0-9])")
_LOCAL = re.compile(r"(?<![0-9A-Za-z.])(?:0([17](?:[ -]?[0-9]){8})|([17][0-9]{8}))(?!\.?[0-9A-Za-z])")
# Daraja's CheckoutRequestID ends in the nine digits of the phone (seen in the documentation's own samples).
_CHECKOUT_ID = re.compile(r"(ws_CO_[0-9]{8,20}?)([0-9]{9})(?![0-9])", re.IGNORECASE)
_CREDENTIALS = re.compile(r"\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]{8,}", re.IGNORECASE)
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_DEEPEST = 6
#: Names by which customers dial in.
_NAMES = {"user_name", "dialin"}
_MULTI_LINE = {"exception", "stack"}

# Never below these, whatever the general level: httpx tells whole addresses, uvicorn's access log tells tokens in
# paths, librouteros' DEBUG prints router passwords.
_QUIET = {
    "apscheduler": logging.WARNING,
    "asyncio": logging.WARNING,
    "httpcore": logging.WARNING,
    "httpx": logging.WARNING,
    "librouteros": logging.WARNING,
    "pgqueuer": logging.WARNING,
    "piccolo": logging.WARNING,
    "uvicorn.access": logging.WARNING,
    "uvicorn.error": logging.INFO,
}


def clean_text(text: str) -> str:
    """`text` without phone numbers, bearer and basic credentials, and control characters that would forge lines."""
    masked = _CHECKOUT_ID.sub(lambda found: f"{found[1]}•••{found[2][-3:]}", text)
    masked = _LOCAL.sub(_mask_found, _WITH_COUNTRY.sub(_mask_found, masked))
    masked = _CREDENTIALS.sub(lambda found: f"{found[1]} •••", masked)
    return _CONTROL.sub(lambda found: f"\\x{ord(found[0]):02x}", masked)


def _mask_found(found: re.Match[str]) -> str:
    local = next(group for group in found.groups() if group)
    return mask_for_log("254" + re.sub(r"[ -]", "", local))


def clean(_logger: WrappedLogger, _method: str, event_dict: EventDict) -> EventDict:
    """A structlog processor: drop secret keys, mask phone numbers anywhere in the values, however deep."""
    kept = {key: value for key, value in event_dict.items() if not _is_secret(key)}
    return {key: _clean_named(key, value) for key, value in kept.items()}


def _clean_named(key: str, value: object) -> object:
    if key in _MULTI_LINE:
        return _clean_lines(value)
    return mask_name(str(value)) if key in _NAMES else _clean_value(value, 0)


def _clean_lines(text: object) -> str:
    return "\n".join(clean_text(line) for line in str(text).split("\n"))


def _is_secret(key: object) -> bool:
    return isinstance(key, str) and _SECRET_KEY.fullmatch(key) is not None


def _clean_value(value: object, depth: int) -> object:
    if value is None or isinstance(value, bool) or (isinstance(value, float) and math.isfinite(value)):
        return value
    if isinstance(value, int):
        return _clean_number(value)
    if depth < _DEEPEST and isinstance(value, Mapping):
        found = cast("Mapping[object, object]", value)
        return {clean_text(str(key)): _clean_value(one, depth + 1) for key, one in found.items() if not _is_secret(key)}
    if depth < _DEEPEST and isinstance(value, list | tuple | set | frozenset):
        return [_clean_value(one, depth + 1) for one in cast("Iterable[object]", value)]
    if isinstance(value, bytes | bytearray | memoryview):
        return f"{len(cast('bytes', value))} bytes"
    # Deeper than that a value is not looked into, so it is not shown either.
    return "…" if isinstance(value, Mapping | list | tuple | set | frozenset) else clean_text(str(value))


def _clean_number(value: int) -> int | str:
    if abs(value) >= 10**20:
        return "a very large number"
    masked = _WITH_COUNTRY.sub(_mask_found, str(value))
    return value if masked == str(value) else masked


def configure_logging(*, level: str = "info", log_format: str = "json", stream: TextIO | None = None) -> None:
    """Send structlog and every stdlib logger through one handler; `log_format` is json or console. Repeatable."""
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
    ]
    handler = logging.StreamHandler(sys.stderr if stream is None else stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, structlog.stdlib.ExtraAdder(), _drop_echo],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.StackInfoRenderer(),
                structlog.processors.format_exc_info,
                clean,
                _renderer(log_format),
            ],
        )
    )
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.PositionalArgumentsFormatter(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    _route(handler, logging.getLevelNamesMapping()[level.upper()])


def _drop_echo(_logger: WrappedLogger, _method: str, event_dict: EventDict) -> EventDict:
    """Another handler that formatted the record first leaves its result on it, and it passes for an extra."""
    event_dict.pop("message", None)
    event_dict.pop("asctime", None)
    return event_dict


def _renderer(log_format: str) -> Processor:
    if log_format == "json":
        return structlog.processors.JSONRenderer(ensure_ascii=False)
    return structlog.dev.ConsoleRenderer(
        colors=False, exception_formatter=structlog.dev.plain_traceback, timestamp_key="at", pad_event_to=0
    )


def _route(handler: logging.Handler, level: int) -> None:
    root = logging.getLogger()
    # Only plain stream handlers (basicConfig's, our own earlier one) are replaced; others were put there on purpose.
    for old in [old for old in root.handlers if type(old) is logging.StreamHandler]:
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(level)
    for name in ("uvicorn", *_QUIET):
        library = logging.getLogger(name)
        library.handlers.clear()
        library.propagate = True
        library.setLevel(max(level, _QUIET.get(name, level)))
    logging.captureWarnings(capture=True)
