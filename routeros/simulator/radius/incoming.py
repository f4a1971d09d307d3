"""Orders of a RADIUS server: Disconnect and Change of Authorization, over UDP, signed with a server's secret.

Source: MikroTik manual, RADIUS (Connection terminating, Change of Authorization); RFC 5176 for codes and Error-Cause.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from routeros.simulator.radius import packets
from routeros.simulator.radius.client import is_loopback
from routeros.simulator.radius.desk import RADIUS
from routeros.simulator.radius.grants import (
    ACCT_SESSION,
    CALLING_STATION,
    CHANGEABLE,
    FRAMED_IP,
    USER_NAME,
    address,
)
from routeros.simulator.radius.packets import Attribute, Packet, answered, decode, is_signed
from routeros.simulator.sessions import Active
from routeros.simulator.tables import Tables

_ERROR_CAUSE = 101
_UNSUPPORTED, _NO_IDENTITY, _NO_SESSION = 401, 402, 503
#: What names the router, the moment or the packet itself, and asks for nothing.
_PASSED_OVER = frozenset({(0, 4), (0, 5), (0, 32), (0, 33), (0, 55), (0, 80), (0, 87), (0, 30)})
_IDENTITY = frozenset({USER_NAME, FRAMED_IP, ACCT_SESSION, CALLING_STATION})


@dataclass(slots=True)
class Orders:
    """What `/radius/incoming/monitor` counts."""

    requests: int = 0
    bad_requests: int = 0
    acks: int = 0
    naks: int = 0


@dataclass(slots=True, eq=False)
class Incoming(asyncio.DatagramProtocol):
    """The listener of one router. `accepts` says whether it takes orders now; `disconnect` ends a session, `change`
    applies attributes to one. Orders that are not signed as they should are dropped without a word."""

    tables: Tables
    active: dict[str, Active]
    accepts: Callable[[], bool]
    disconnect: Callable[[Active], None]
    change: Callable[[Active, tuple[Attribute, ...]], None]
    orders: Orders = field(default_factory=Orders)
    port: int = 0
    _transport: asyncio.DatagramTransport | None = None

    async def listen(self, host: str) -> None:
        """Take orders; the port stays the same afterwards. Raises OSError when it is taken."""
        if self._transport is None:
            loop = asyncio.get_running_loop()
            self._transport, _ = await loop.create_datagram_endpoint(lambda: self, local_addr=(host, self.port))
            self.port = self._transport.get_extra_info("sockname")[1]

    def close(self) -> None:
        """Give the port up."""
        if self._transport is not None:
            self._transport.close()
            self._transport = None

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        """Obey an order and answer it."""
        if not self.accepts() or self._transport is None:
            return
        self.orders.requests += 1
        try:
            order = decode(data)
        except ValueError:
            self.orders.bad_requests += 1
            return
        secret = self._secret_of(order, addr[0])
        if secret is None or order.code not in {packets.DISCONNECT, packets.COA}:
            self.orders.bad_requests += 1
            return
        cause = self._obey(order)
        is_coa = order.code == packets.COA
        if cause is None:
            self.orders.acks += 1
            answer = answered(order, packets.COA_ACK if is_coa else packets.DISCONNECT_ACK, (), secret)
        else:
            self.orders.naks += 1
            why = ((0, _ERROR_CAUSE, cause.to_bytes(4, "big")),)
            answer = answered(order, packets.COA_NAK if is_coa else packets.DISCONNECT_NAK, why, secret)
        self._transport.sendto(answer.encode(), addr)

    def error_received(self, exc: Exception) -> None:
        """Whoever asked did not wait for the answer."""

    def _secret_of(self, order: Packet, sender: str) -> bytes | None:
        """The secret of a server the order comes from and is signed with."""
        for row in self.tables[RADIUS]:
            if row.is_disabled or row.get("address").partition("@")[0] != sender or not is_loopback(sender):
                continue
            secret = row.get("secret").encode("utf-8", "surrogateescape")
            if is_signed(order, secret):
                return secret
        return None

    def _obey(self, order: Packet) -> int | None:
        """Do it; return an Error-Cause when it cannot be done."""
        identity = [each for each in order.attributes if each[:2] in _IDENTITY]
        wanted = tuple(each for each in order.attributes if each[:2] not in _IDENTITY | _PASSED_OVER)
        if not identity:
            return _NO_IDENTITY
        if order.code == packets.COA and any(each[:2] not in CHANGEABLE for each in wanted):
            return _UNSUPPORTED
        found = [active for active in self.active.values() if all(_is_of(each, active) for each in identity)]
        if len(found) != 1:  # a name alone may be that of several; routers are said to take any, or none (inferred)
            return _NO_SESSION
        if order.code == packets.COA:
            self.change(found[0], wanted)
        else:
            self.disconnect(found[0])
        return None


def _is_of(attribute: Attribute, active: Active) -> bool:
    kind, value = attribute[:2], attribute[2]
    if kind == FRAMED_IP:
        return value == address(active.ip)
    text = value.decode("utf-8", "surrogateescape")
    if kind == CALLING_STATION:
        return text.upper() == active.mac
    return text == (active.user if kind == USER_NAME else active.accounting_id)
