"""The phones on a simulated hotspot's network: who they are (MAC, address) and whether they are there.

Pure bookkeeping with stable, made-up MAC addresses; sockets live in `proxy.network`.
"""

import asyncio
import hashlib
import ipaddress
from collections.abc import Callable
from dataclasses import dataclass, field

from routeros.simulator.proxy.wire import reset
from routeros.simulator.values import parse_ip, parse_mac

#: Host parts 1…99 after the hotspot's address belong to the phones of the main listener, the rest to attached ones.
_FIRST_ATTACHED = 101


@dataclass(eq=False, slots=True)
class Line:
    """One open connection of a phone. `may_stay` is None unless something allowed by a login is under way on it."""

    writer: asyncio.StreamWriter
    task: asyncio.Task[None]
    may_stay: Callable[[], bool] | None = None

    def cut(self) -> None:
        """End it at once, with a reset."""
        reset(self.writer)
        self.task.cancel()


@dataclass(eq=False, slots=True)
class Phone:
    """One phone. `mac` is upper case with colons, `ip` its address on the hotspot's network, `proxy_url` the HTTP
    proxy that is its Wi-Fi. A phone that has left keeps MAC and address, but its connections fail."""

    label: str
    mac: str
    ip: str
    proxy_url: str
    addresses: "Addresses" = field(repr=False)
    is_present: bool = True
    lines: set[Line] = field(default_factory=set[Line], repr=False)
    on_presence: Callable[["Phone"], None] | None = field(default=None, repr=False)
    _changes: int = 0

    def change_mac(self, mac: str | None = None) -> None:
        """Show another MAC address, as phones with private addresses do: DHCP then gives another IP address too.
        Open connections are cut."""
        self.leave()
        self._changes += 1
        self.mac = parse_mac(mac) if mac else self.addresses.make_mac(f"{self.label}/{self._changes}")
        old, self.ip = self.ip, self.addresses.next_ip()
        self.addresses.release(old)
        self.join()

    def leave(self) -> None:
        """Walk out of range: open connections are cut and new ones fail."""
        self.is_present = False
        for line in tuple(self.lines):
            line.cut()
        if self.on_presence:
            self.on_presence(self)

    def join(self) -> None:
        """Come back with the same MAC and IP address."""
        self.is_present = True
        if self.on_presence:
            self.on_presence(self)


class Addresses:
    """The DHCP pool of one hotspot: a /24 around the hotspot's own address."""

    def __init__(self, hotspot_address: str, *, site: str) -> None:
        self._network = ipaddress.IPv4Network(f"{hotspot_address}/24", strict=False)
        self._site = site
        self._own = ipaddress.IPv4Address(hotspot_address)
        self._given: set[ipaddress.IPv4Address] = set()
        hosts = list(self._network.hosts())
        self._upper = hosts[_FIRST_ATTACHED - 1 :] + hosts[: _FIRST_ATTACHED - 1]
        self._turn = 0

    def make_mac(self, label: str) -> str:
        """A MAC address that is the same at every start for the same site and label; locally administered, unicast."""
        raw = bytearray(hashlib.sha256(f"{self._site}/{label}".encode()).digest()[:6])
        raw[0] = raw[0] & 0xFC | 0x02
        return ":".join(f"{byte:02X}" for byte in raw)

    def numbered_ip(self, number: int) -> str:
        """The address of phone `number` of the main listener: right after the hotspot's own, if it is free."""
        wanted = self._own + number
        if 1 <= number < _FIRST_ATTACHED - 1 and self._is_free(wanted):
            self._given.add(wanted)
            return str(wanted)
        return self.next_ip()

    def next_ip(self) -> str:
        """A free address, from the upper part of the network first, and going round so that an address just given
        back rests. Raises RuntimeError when the network is full."""
        for _ in self._upper:
            wanted = self._upper[self._turn]
            self._turn = (self._turn + 1) % len(self._upper)
            if self._is_free(wanted):
                self._given.add(wanted)
                return str(wanted)
        raise RuntimeError("no free address on the hotspot's network")

    def take(self, ip: str) -> str:
        """Reserve a chosen address. Raises ValueError when it is no IPv4 address or in use."""
        wanted = ipaddress.IPv4Address(parse_ip(ip))
        if wanted == self._own or wanted in self._given:
            raise ValueError(f"{ip} is in use")
        self._given.add(wanted)
        return str(wanted)

    def release(self, ip: str) -> None:
        """Give an address back."""
        self._given.discard(ipaddress.IPv4Address(ip))

    def _is_free(self, ip: ipaddress.IPv4Address) -> bool:
        return ip in self._network and ip not in {self._own, self._network.broadcast_address} and ip not in self._given
