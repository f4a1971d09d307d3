"""What keeps a rail from being asked at all. What a provider answers is not an error: see `interface`.

RailError            502  a provider other than M-Pesa
├── RailConfig            our keys or our account there are wrong: a person must mend it
└── RailBusy         503  nothing was asked; `retry_after` seconds"""

# ruff: noqa: N818  (the names read as sentences where they are raised and caught)

from portal.errors import PortalError
from portal.msgid import N_


class RailError(PortalError):
    """`code` is the provider's own: for logs and for whoever mends it, not for the payer."""

    default = N_("The payment service did not answer as expected.")
    status_code = 502

    def __init__(self, code: str = "", *, message: str | None = None) -> None:
        super().__init__(message)
        self.code = code


class RailConfig(RailError):
    default = N_("The payment service is not set up correctly here.")


class RailBusy(RailError):
    """`retry_after` is in seconds."""

    default = N_("The payment service is busy. Try again in a moment.")
    status_code = 503
    permanent = False

    def __init__(self, code: str = "", *, retry_after: float = 30.0, message: str | None = None) -> None:
        super().__init__(code, message=message)
        self.retry_after = retry_after
