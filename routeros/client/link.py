"""One API connection to a router: opened when needed, one caller at a time, dropped at the first doubt."""

import asyncio
import contextlib
import logging
import ssl
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from typing import Final

from librouteros.connections import AsyncSocketTransport
from librouteros.exceptions import ConnectionClosed, LibRouterosError, ProtocolError
from librouteros.login import encode_password

from routeros.client.budget import Budget
from routeros.client.wire import Command, Reply, Wire
from routeros.errors import AuthFailed, BadReply, RouterError, Unreachable
from routeros.values import RouterAddress
from routeros.words import attribute

log = logging.getLogger(__name__)

CLOSE_TIMEOUT: Final = 1.0
#: Of the time to connect, what the TLS handshake may take.
HANDSHAKE_SHARE: Final = 0.8
#: So many command timeouts at most for one flight, if each answer comes within one: a thousand adds take a small board a minute.
LONGEST_FLIGHT: Final = 10

#: Host and port as typed → the address to dial; raises RouterError for one that must not be.
Resolve = Callable[[str, int], Awaitable[str]]


def _tls_context() -> ssl.SSLContext:
    """Routers sign their own certificates, so trust is the pin (checked before the password is sent), not a CA."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


class Link:
    """The connection of one HotspotRouter. Safe to use from several tasks: commands queue behind one lock.

    `connect_timeout` covers name lookup, TCP, TLS and login; `command_timeout` each answer of a flight of commands.
    Both in seconds. Anything but a trap drops the connection: what is still to come would be taken for the answer
    to the next command.
    """

    def __init__(
        self,
        address: RouterAddress,
        *,
        connect_timeout: float,
        command_timeout: float,
        resolve: Resolve | None = None,
        budget: Budget | None = None,
    ) -> None:
        self._resolve = resolve
        self._budget = budget or Budget()
        self.name = f"{address.host}:{address.port}"
        self._address = address
        self._connect_timeout = connect_timeout
        self._command_timeout = command_timeout
        self._lock = asyncio.Lock()
        self._wire: Wire | None = None
        #: How many connections were opened so far: what was learnt of one need not hold for the next.
        self.dials = 0

    @property
    def user(self) -> str:
        """Who we sign in as."""
        return self._address.user

    async def ask(self, command: Command) -> Reply:
        """One command, one reply. Raises the trap as Refused, everything else as Unreachable or AuthFailed."""
        [reply] = await self.fly([command])
        if reply.refusal:
            raise reply.refusal
        return reply

    async def fly(self, commands: Sequence[Command], *, patience: int = 1) -> list[Reply]:
        """Many commands, as few round trips as can be. Traps are in the replies; the rest raises as in ask().

        The router may work on them in any order: what must come after something else goes in another flight.
        `patience`: so many command timeouts for each answer, where one command is the work of many.
        """
        replies, lost = await self.attempt(commands, patience=patience)
        if lost:
            raise lost
        return replies

    async def attempt(
        self, commands: Sequence[Command], *, patience: int = 1
    ) -> tuple[list[Reply], RouterError | None]:
        """fly(), but what ended it early is given back with what was answered until then (`is_done`)."""
        replies = [Reply() for _ in commands]
        if not commands:
            return replies, None
        async with self._lock:
            started = asyncio.get_running_loop().time()
            try:
                wire = await self._connected()
                silence = self._command_timeout * patience
                async with self._trouble_drops_the_line(silence) as timeout:
                    await wire.talk(commands, replies, on_progress=self._patience(timeout, silence))
            except RouterError as error:
                log.info("router %s: %s failed: %s", self.name, commands[0].path, type(error).__name__)
                return replies, error
            spent = (asyncio.get_running_loop().time() - started) * 1000
            rows = sum(len(reply.rows) for reply in replies)
            log.debug("router %s: %s x%d, %d rows, %.0f ms", self.name, commands[0].path, len(commands), rows, spent)
            return replies, None

    def _patience(self, timeout: asyncio.Timeout, silence: float) -> Callable[[], None]:
        """What an answer or many rows buy: as long again for the next, up to LONGEST_FLIGHT command timeouts in all."""
        loop = asyncio.get_running_loop()
        latest = loop.time() + self._command_timeout * LONGEST_FLIGHT
        return lambda: timeout.reschedule(min(latest, loop.time() + silence))

    async def _connected(self) -> Wire:
        if self._wire and self._wire.is_dead:
            self._drop()
        if not self._wire:
            async with self._trouble_drops_the_line(self._connect_timeout):
                self._wire = Wire(await self._dial(), self._budget)
                self._wire.tune()
                if self._address.tls:
                    self._wire.check_certificate(self._address.tls.digest)
                await self._log_in(self._wire)
                self.dials += 1
        return self._wire

    async def _dial(self) -> AsyncSocketTransport:
        host = self._address.host
        if self._resolve is not None:
            host = await self._resolve(host, self._address.port)
        is_secure = self._address.tls is not None
        try:
            reader, writer = await asyncio.open_connection(
                host,
                self._address.port,
                ssl=_tls_context() if is_secure else None,
                # A little less than the whole: a port that never answers the handshake is told from a silent address.
                ssl_handshake_timeout=HANDSHAKE_SHARE * self._connect_timeout if is_secure else None,
            )
        except (ConnectionResetError, ConnectionAbortedError, ssl.SSLError) as broken:
            if not is_secure:
                raise
            raise Unreachable(f"no TLS handshake: {broken}") from broken
        return AsyncSocketTransport(reader, writer)

    async def _log_in(self, wire: Wire) -> None:
        who, password = attribute("name", self._address.user), self._address.password
        reply = Reply()
        try:
            await wire.talk([Command("/login", (who, attribute("password", password)))], [reply], tagged=False)
        except (ConnectionClosed, ConnectionResetError, BrokenPipeError) as closed:
            raise Unreachable(f"hung up at sign-in: {closed}") from closed
        if reply.ret and not reply.refusal:  # before 6.43 the router answers with a challenge instead
            try:
                proof = encode_password(reply.ret, password)
            except ValueError as unusable:
                raise BadReply("an unusable login challenge") from unusable
            reply = Reply()
            await wire.talk([Command("/login", (who, attribute("response", proof)))], [reply], tagged=False)
        if reply.refusal:
            raise AuthFailed(reply.refusal.text, category=reply.refusal.category)

    @contextlib.asynccontextmanager
    async def _trouble_drops_the_line(self, seconds: float) -> AsyncGenerator[asyncio.Timeout]:
        try:
            async with asyncio.timeout(seconds) as timeout:
                yield timeout
        except TimeoutError as late:
            self._drop()
            raise Unreachable(f"no answer within {seconds:g} s") from late
        except ProtocolError as babble:
            self._drop()
            raise BadReply("not the RouterOS API") from babble
        except (OSError, LibRouterosError, UnicodeError) as lost:  # UnicodeError: a host name DNS cannot carry
            self._drop()
            raise Unreachable(str(lost) or type(lost).__name__) from lost
        except BaseException:  # cancelled, or refused at login
            self._drop()
            raise

    def _drop(self) -> None:
        wire, self._wire = self._wire, None
        if wire:
            wire.abort()

    async def close(self) -> None:
        """Close politely. A command still running fails as Unreachable; the next command opens a new connection."""
        wire, self._wire = self._wire, None
        if not wire:
            return
        try:
            async with asyncio.timeout(CLOSE_TIMEOUT):
                await wire.close()
        except (OSError, TimeoutError):
            wire.abort()
