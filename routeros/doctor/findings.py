"""A finding: what is the case, how bad it is, and the line to paste. Its sentence, in people's language, is the portal's."""

from dataclasses import dataclass, field
from enum import StrEnum


class Severity(StrEnum):
    """In order: all is well, worth knowing, should be mended, does not work or is dangerous."""

    OK = "ok"
    NOTE = "note"
    WARN = "warn"
    BAD = "bad"


@dataclass(frozen=True, slots=True)
class Finding:
    """`code` names the sentence, `params` fill it; `fix` is what to paste into the router's terminal, "" for nothing."""

    code: str
    severity: Severity
    params: dict[str, str] = field(default_factory=dict[str, str])
    fix: str = ""
