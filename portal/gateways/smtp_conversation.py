"""One mail handed to a mail server, and what its answers mean. aiosmtplib speaks; choosing the address is
`portal.gateways.smtp`'s, which loads this when the first mail goes out.

Sources: RFC 5321 (commands, replies, 4xx and 5xx, 421), RFC 3207 (STARTTLS), RFC 4954 (AUTH), RFC 8314 (TLS from the start)."""

import asyncio
import logging
import re
import socket
import ssl

import aiosmtplib

from portal.gateways.interface import Accepted, Broken, Later, Lost, Outcome, Refused, Why
from portal.gateways.smtp import SmtpOptions

log = logging.getLogger(__name__)

_ANSWER_S = 10.0
_GOODBYE_S = 1.0
_CLOSING = 421


class Conversation:
    """One connection for one mail. `address` is the judged one and the only one called; `options.host` is the name its
    certificate must bear. `trust`: authorities of that certificate; None: the system's."""

    def __init__(
        self, options: SmtpOptions, *, address: str, sender: str, trust: ssl.SSLContext | None, patience_s: float
    ) -> None:
        self._options = options
        self._address = address
        self._sender = sender
        self._patience_s = patience_s
        self._smtp = aiosmtplib.SMTP(
            hostname=options.host, local_hostname=sender.rpartition("@")[2], timeout=_ANSWER_S,
            use_tls=options.tls == "tls", start_tls=False, tls_context=trust,
        )  # fmt: skip
        # What was said last decides what a refusal or a break means.
        self._at = "greeting"

    async def hand_over(self, mail: bytes, *, to: str, user: str, password: str) -> Outcome:
        """Hand it over, within `patience_s` altogether. Never raises for what the far side does."""
        try:
            async with asyncio.timeout(self._patience_s):
                await self._smtp.connect(sock=await _line_to(self._address, self._options.port))
                await self._introduce(user, password)
                self._at = "MAIL"
                await self._smtp.mail(self._sender)
                self._at = "RCPT"
                await self._smtp.rcpt(to)
                self._at = "DATA"
                outcome = _taken((await self._smtp.data(mail, timeout=self._patience_s)).message)
        except aiosmtplib.SMTPResponseException as no:
            outcome = _refusal(self._at, no.code, no.message)
        except (OSError, ValueError, aiosmtplib.SMTPException) as error:
            outcome = _break(self._at, error)
        finally:
            await self._say_goodbye()
        return outcome

    async def _introduce(self, user: str, password: str) -> None:
        await self._greet()
        if self._options.tls == "starttls":
            self._at = "STARTTLS"
            await self._smtp.starttls()
            await self._greet()
        if user and self._smtp.supports_extension("auth"):
            self._at = "AUTH"
            # `login` goes on to the next method after every no: a wrong password would be tried three times a mail,
            # and providers lock such senders out.
            is_plain = "plain" in self._smtp.server_auth_methods
            await (self._smtp.auth_plain if is_plain else self._smtp.login)(user, password)

    async def _greet(self) -> None:
        self._at = "EHLO"
        await self._smtp.ehlo()

    async def _say_goodbye(self) -> None:
        """Hang up. What is answered to it changes nothing about the mail."""
        try:
            if self._smtp.is_connected:
                await self._smtp.quit(timeout=_GOODBYE_S)
        except (OSError, aiosmtplib.SMTPException) as error:
            log.debug("mail connection ended", extra={"error": repr(error)})
        finally:
            self._smtp.close()


async def _line_to(address: str, port: int) -> socket.socket:
    """A connection to this address: given a name, the library would look it up again, and nobody would judge the answer."""
    line = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_STREAM)
    line.setblocking(False)
    try:
        await asyncio.get_running_loop().sock_connect(line, (address, port))
    except BaseException:
        line.close()
        raise
    return line


def _taken(said: str) -> Accepted:
    """Servers name what they took in their own words; nothing depends on it."""
    found = re.search(r"queued as ([A-Za-z0-9]{4,40})", said)
    return Accepted(provider_id=found[1] if found else "")


def _refusal(at: str, code: int, words: str) -> Outcome:
    said = _in_a_line(f"{at}: {code} {words}")
    hundred = code // 100
    if hundred == 4:
        # RFC 5321, 3.8: 421 is said to everybody, whatever was asked.
        return Later(why=Why.BUSY, said=said, is_only_this=at in ("RCPT", "DATA") and code != _CLOSING)
    if at == "DATA":
        return _verdict(hundred, said=said, words=words)
    if hundred < 1:  # the library's word for what is no reply at all, or one without an end
        return Later(why=Why.AWAY, said=said)
    if at == "RCPT":
        return Refused(why=Why.BAD_ADDRESS, said=said)
    return Broken(why={"AUTH": Why.WRONG_KEYS, "MAIL": Why.WRONG_SENDER}.get(at, Why.SET_UP), said=said)


def _verdict(hundred: int, *, said: str, words: str) -> Outcome:
    """What the mail itself was answered, by the first digit (RFC 5321, 4.2): the library knows 250 alone as a yes."""
    if hundred == 2:
        return _taken(words)
    return Refused(why=Why.NOT_TAKEN, said=said) if hundred == 5 else Lost(said=said)


def _break(at: str, error: Exception) -> Outcome:
    """No reply at all. The library does not tell where within DATA, so the mail may have been taken."""
    if at == "DATA":
        return Lost(said=type(error).__name__)
    tls = error if isinstance(error, ssl.SSLError) else error.__cause__
    if isinstance(tls, ssl.SSLError):
        return Broken(why=Why.SET_UP, said=f"TLS: {tls.reason}")
    if isinstance(error, OSError | ValueError):
        return Later(why=Why.AWAY, said=type(error).__name__)
    return Broken(why=Why.SET_UP, said=_in_a_line(f"{at}: {error}"))  # no STARTTLS, no way to sign in that both know


def _in_a_line(text: str) -> str:
    """Without control characters and bytes that are no text: it is shown, and kept in the database."""
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())[:200]
