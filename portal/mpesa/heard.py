"""Which HTTP status M-Pesa's last answer had, told past the verbs to whoever records exchanges. Pure; per task, never shared."""

from contextvars import ContextVar

_status: ContextVar[int | None] = ContextVar("mpesa_http_status", default=None)


def nothing() -> None:
    """A new request begins: no answer yet."""
    _status.set(None)


def status(code: int) -> None:
    """An answer came."""
    _status.set(code)


def last_status() -> int | None:
    """Of the last answer since `nothing`; None when none came."""
    return _status.get()
