"""From where the present request comes, and by which token, for the history of what people do. Set by the guards and by the API's
door; read by `portal.states`.

A context variable: verbs need not pass an address through, and what no person asked for has none."""

from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar

_ADDRESS: ContextVar[str] = ContextVar("whence", default="")
_IN_PLACE_OF: ContextVar[str] = ContextVar("in_place_of", default="")
_TOKEN: ContextVar[int | None] = ContextVar("token", default=None)


def come_from(address: str) -> None:
    """The request being answered comes from this address."""
    _ADDRESS.set(address)


def stand_in(owner: str) -> None:
    """The request being answered is an operator's, who looks at a shop in place of its owner; "": it is not."""
    _IN_PLACE_OF.set(owner)


def besides() -> dict[str, str]:
    """What the history says beside who did it: in whose place."""
    owner = _IN_PLACE_OF.get()
    return {"in_place_of": owner} if owner else {}


def address() -> str:
    """Its address; "" outside of a signed-in request."""
    return _ADDRESS.get()


@contextmanager
def by_token(token_id: int, from_address: str) -> Generator[None]:
    """What is done inside, a program does with this token, from this address."""
    came, acted = _ADDRESS.set(from_address), _TOKEN.set(token_id)
    try:
        yield
    finally:
        _ADDRESS.reset(came)
        _TOKEN.reset(acted)


def token() -> int | None:
    """The token a program asks with; None for people and for ourselves."""
    return _TOKEN.get()
