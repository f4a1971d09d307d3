"""Mail by SMTP: one message, one connection. A `Gateway`.

Here the server's address is judged; `portal.gateways.letters` composes the mail, `portal.gateways.smtp_conversation` hands it over."""

import re
import ssl
from typing import Literal

import msgspec

from portal.addresses import AddressRefused
from portal.clock import Clock
from portal.gateways.interface import Broken, Outcome, Outgoing, Refused, Why
from portal.gateways.wire import Outside

PORTS = (465, 587, 25, 2525)
PATIENCE_S = 25.0
# A dot-string of RFC 5321: no quotes, comments or lists, which whoever reads addresses may take for another address.
_ADDRESS = re.compile(
    r"(?=.{3,254}\Z)(?=[^@]{1,64}@)[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]+@[A-Za-z0-9](?:[A-Za-z0-9.-]{0,250}[A-Za-z0-9])?"
)


class SmtpOptions(msgspec.Struct, frozen=True, kw_only=True):
    """Where the mail server is. `tls`: "tls" from the start (465), "starttls" (587), or "none": only on this machine."""

    host: str
    port: int = 587
    tls: Literal["tls", "starttls", "none"] = "starttls"


def is_address(text: str) -> bool:
    """Whether mail can go there: one plain address, which no header or command can be broken out of."""
    return _ADDRESS.fullmatch(text) is not None


class Smtp:
    """One mail server and the user we are there. `trust`: authorities of its certificate; None: the system's.
    `patience_s`: how long one mail may take altogether, in seconds."""

    #: The Message-ID stays the same, and readers fold copies: better twice than never.
    repeats_safely = True

    def __init__(
        self, outside: Outside, options: SmtpOptions, *, user: str, password: str, sender: str, clock: Clock,
        trust: ssl.SSLContext | None = None, patience_s: float = PATIENCE_S,
    ) -> None:  # fmt: skip
        self._outside = outside
        self._options = options
        self._user = user
        self._password = password
        self._sender = sender
        self._clock = clock
        self._trust = trust
        self._patience_s = patience_s

    async def send(self, message: Outgoing) -> Outcome:
        """One mail. Whatever goes wrong once DATA was said is Lost."""
        if not is_address(message.to):
            return Refused(why=Why.BAD_ADDRESS)
        if not is_address(self._sender):
            return Broken(why=Why.WRONG_SENDER)
        try:
            address = await self._outside.judged(self._options.host)
        except AddressRefused as error:
            return Broken(why=Why.SET_UP, said=str(error))
        # Only here: some 4 MB that no process needs until a mail goes out.
        from portal.gateways.letters import compose  # noqa: PLC0415
        from portal.gateways.smtp_conversation import Conversation  # noqa: PLC0415

        talk = Conversation(
            self._options, address=address, sender=self._sender, trust=self._trust, patience_s=self._patience_s
        )
        return await talk.hand_over(
            compose(message, sender=self._sender, at=self._clock.now()),
            to=message.to,
            user=self._user,
            password=self._password,
        )
