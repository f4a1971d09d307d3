"""Every failure that has a meaning for somebody, as a class. Not for bugs: those stay ordinary exceptions.

PortalError
├── Invalid              422  what was typed is wrong; `fields` says where
├── Forbidden            403  known actor, not allowed
├── NotFound             404  absent, or another merchant's: the answer is the same
├── Conflict             409  somebody else was first
├── TooMany              429  a limit was reached; `retry_after` seconds
├── Unavailable          503  something we depend on is away
└── MpesaError           502  the payment door
    ├── MpesaRefused          Daraja said no to this request; nothing was started
    ├── MpesaConfig           our keys, shortcode, passkey or product are wrong: a person must repair it
    ├── MpesaBusy             nothing was started; the same attempt may be sent again after `retry_after`
    ├── MpesaAlready          M-Pesa has done this before and does it once only; nothing new was started
    ├── MpesaPromptOpen       this phone already shows a prompt: show that one, send no second
    └── MpesaUnknown          the request may or may not have been carried out: never send it again, ask later

`permanent` says whether trying the same thing again is pointless. Messages are catalogue texts (gettext msgids) with
%-placeholders filled from `params`, so a page can translate first and fill in afterwards.
"""

# ruff: noqa: N818  (the names read as sentences where they are raised and caught)

from collections.abc import Mapping

from portal.msgid import N_


class PortalError(Exception):
    """Base of the family. `message` is a sentence for people, untranslated; `str(error)` is it filled in."""

    default = N_("Something went wrong on our side.")
    status_code = 500
    permanent = True

    def __init__(self, message: str | None = None, *, params: Mapping[str, object] | None = None) -> None:
        self.message = self.default if message is None else message
        self.params: dict[str, object] = dict(params or {})
        super().__init__(self.message)

    def __str__(self) -> str:
        return self.message % self.params if self.params else self.message


class Invalid(PortalError):
    """What was typed cannot be used. `fields` maps a field's name to a sentence about it."""

    default = N_("Please check what you typed.")
    status_code = 422

    def __init__(
        self,
        fields: Mapping[str, str] | None = None,
        *,
        message: str | None = None,
        params: Mapping[str, object] | None = None,
    ) -> None:
        super().__init__(message, params=params)
        self.fields: dict[str, str] = dict(fields or {})


class Forbidden(PortalError):
    default = N_("You are not allowed to do this.")
    status_code = 403


class NotFound(PortalError):
    default = N_("There is nothing here.")
    status_code = 404


class Conflict(PortalError):
    default = N_("This was changed by somebody else in the meantime. Look at it again.")
    status_code = 409


class TooMany(PortalError):
    """A limit was reached; `retry_after` is in seconds."""

    default = N_("Too many tries. Wait a little and try again.")
    status_code = 429
    permanent = False

    def __init__(
        self, message: str | None = None, *, retry_after: float = 60.0, params: Mapping[str, object] | None = None
    ) -> None:
        super().__init__(message, params=params)
        self.retry_after = retry_after


class Unavailable(PortalError):
    default = N_("This does not work at the moment. Try again in a minute.")
    status_code = 503
    permanent = False


class MpesaError(PortalError):
    """The payment door. `code` and `provider_message` are Daraja's own words: for logs, not for the payer."""

    default = N_("M-Pesa did not answer as expected.")
    status_code = 502

    def __init__(self, code: str = "", provider_message: str = "", *, message: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.provider_message = provider_message

    def __str__(self) -> str:
        detail = f"{self.code} {self.provider_message}".strip()
        return f"{self.message} ({detail})" if detail else self.message


class MpesaRefused(MpesaError):
    default = N_("M-Pesa refused the request.")


class MpesaConfig(MpesaError):
    default = N_("M-Pesa is not set up correctly here.")


class MpesaBusy(MpesaError):
    """Nothing was started. `retry_after` is in seconds; the same attempt may be sent again after it."""

    default = N_("M-Pesa is busy. Try again in a moment.")
    status_code = 503
    permanent = False

    def __init__(
        self, code: str = "", provider_message: str = "", *, retry_after: float = 30.0, message: str | None = None
    ) -> None:
        super().__init__(code, provider_message, message=message)
        self.retry_after = retry_after


class MpesaAlready(MpesaError):
    """Addresses registered before, or an id of ours that M-Pesa knows: for a payout that means it was taken."""

    default = N_("M-Pesa has done this before. It does it only once.")
    status_code = 409


class MpesaPromptOpen(MpesaError):
    """Daraja asks for at least a minute before the next prompt to the same phone."""

    default = N_("Your phone already shows an M-Pesa request. Answer that one first.")
    status_code = 409
    permanent = False


class MpesaUnknown(MpesaError):
    default = N_("We do not know yet whether M-Pesa took the request.")
    permanent = False
