"""From where the present request comes, for the history of what people do. Set by the guards; read by `portal.states`.

A context variable: verbs need not pass an address through, and what no person asked for has none."""

from contextvars import ContextVar

_ADDRESS: ContextVar[str] = ContextVar("whence", default="")


def come_from(address: str) -> None:
    """The request being answered comes from this address."""
    _ADDRESS.set(address)


def address() -> str:
    """Its address; "" outside of a signed-in request."""
    return _ADDRESS.get()
