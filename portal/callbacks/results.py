"""Results of what we asked M-Pesa for: each kind of request says once who takes its results, and is called in the transaction
that handles the message. What nobody takes is kept, and told."""

from collections.abc import Awaitable, Callable

import msgspec

from portal.db import Tx

__all__ = ["HANDLERS", "Result", "on_result"]


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """A message about one of our requests. `body` is the envelope as it came (read it with `portal.mpesa`); `is_timeout`: M-Pesa
    says only that it waited too long: the outcome is unknown, ask. `is_trusted` False: it may be forged, ask before believing."""

    kind: str
    request_id: int
    body: bytes
    is_timeout: bool
    is_trusted: bool
    callback_id: int
    account_id: int | None
    merchant_id: int | None


Handler = Callable[[Tx, Result], Awaitable[str]]

HANDLERS: dict[str, Handler] = {}


def on_result(kind: str, handler: Handler) -> None:
    """Name the step that takes results of this kind, such as "reversal". It returns a word for the callback's row (at most 24
    characters), and must be repeatable: a result may come twice, or in two wordings."""
    if kind in HANDLERS and HANDLERS[kind] is not handler:
        raise ValueError(f"results of {kind} are taken already")
    HANDLERS[kind] = handler
