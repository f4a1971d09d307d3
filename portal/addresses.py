"""Where a merchant's router may be: only addresses of the public internet, or of ranges the operator allows.

Every name is looked up and every answer judged; the connection goes to the judged address, never to the name. What is
refused is refused in the same words after the same time, whatever the reason: a form must not become a map of our network.
"""

import asyncio
import re
import socket
from collections.abc import Awaitable, Callable, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Final

from portal.config_values import Network
from routeros.errors import Unreachable

Address = IPv4Address | IPv6Address
#: Name → every address it has; OSError (also UnicodeError) when there is none.
Lookup = Callable[[str], Awaitable[Sequence[str]]]

#: API, API over TLS, and the REST service's port. Only allowed ranges may use others.
PORTS: Final = frozenset({8728, 8729, 443})
#: A look-up that is refused takes exactly this long, and none takes longer.
PATIENCE_S: Final = 2.0
REFUSED: Final = "no router can be reached at this address"

_LABEL: Final = r"(?!-)[A-Za-z0-9-]{1,63}(?<!-)"
# The last label has a letter first: "127.1", "0x7f.1" and "2130706433" are numbers in disguise, not names.
_NAME: Final = re.compile(rf"(?:{_LABEL}\.)*(?=[A-Za-z]){_LABEL}", re.ASCII)
_LONGEST: Final = 253

# IANA special-purpose address registries. Python's is_global lets 6to4, NAT64, multicast and mapped addresses through.
_NOT_PUBLIC_4: Final = tuple(
    IPv4Network(text)
    for text in (
        *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12"),
        *("192.0.0.0/24", "192.0.2.0/24", "192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24", "192.168.0.0/16"),
        *("192.175.48.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/3"),
    )
)
#: Everything public lies in here, less what follows. Mapped, NAT64, link-local, unique local and multicast lie outside.
_PUBLIC_6: Final = IPv6Network("2000::/3")
_NOT_PUBLIC_6: Final = tuple(
    IPv6Network(text) for text in ("2001::/23", "2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3fff::/20")
)


class AddressRefused(Unreachable):
    """No connection is made. Always the same words."""

    permanent = True

    def __init__(self) -> None:
        super().__init__(REFUSED)


def is_public(address: Address) -> bool:
    """Whether an address belongs to a host of the internet, by itself and not as a wrapping of another."""
    if isinstance(address, IPv4Address):
        return not any(address in network for network in _NOT_PUBLIC_4)
    # A scope ("%eth0") names an interface of ours.
    return (
        address.scope_id is None and address in _PUBLIC_6 and not any(address in network for network in _NOT_PUBLIC_6)
    )


def literal(host: str) -> Address | None:
    """The address a text spells out in full; None for a name, ValueError for what is neither.

    Short, octal, hexadecimal and whole-number forms are neither: resolvers take `127.1` and `2130706433` for 127.0.0.1.
    """
    if len(host) > _LONGEST or "%" in host:
        raise ValueError("too long, or with a zone")
    try:
        return ip_address(host)
    except ValueError:
        if _NAME.fullmatch(host) is None:
            raise
        return None


class Addresses:
    """Judges addresses. `networks`: what the operator allows besides the internet (PORTAL_ROUTER_NETWORKS)."""

    def __init__(
        self, networks: Sequence[Network] = (), *, lookup: Lookup | None = None, patience_s: float = PATIENCE_S
    ) -> None:
        self._networks = tuple(networks)
        self._lookup = lookup or _look_up
        self._patience_s = patience_s

    def allows(self, address: Address, port: int) -> bool:
        """Whether we may connect there."""
        if any(address.version == network.version and address in network for network in self._networks):
            return not (isinstance(address, IPv6Address) and address.scope_id)
        return port in PORTS and is_public(address)

    def is_hopeless(self, host: str, port: int) -> bool:
        """Whether a look at the text alone is enough to refuse it: no name is looked up."""
        try:
            address = literal(host)
        except ValueError:
            return True
        return address is not None and not self.allows(address, port)

    async def checked(self, host: str, port: int) -> str:
        """The address to connect to; AddressRefused unless every address of the name is allowed."""
        started = asyncio.get_running_loop().time()
        try:
            async with asyncio.timeout(self._patience_s):
                found = await self._allowed(host, port)
        except (TimeoutError, OSError, ValueError):  # UnicodeError, of names no DNS can carry, is a ValueError
            found = None
        if found is not None:
            return found
        await asyncio.sleep(max(0.0, started + self._patience_s - asyncio.get_running_loop().time()))
        raise AddressRefused

    async def _allowed(self, host: str, port: int) -> str | None:
        spelt = literal(host)
        answers = [str(spelt)] if spelt is not None else await self._lookup(host)
        judged = [ip_address(answer) for answer in answers]
        if not judged or not all(self.allows(address, port) for address in judged):
            return None
        # Hotspots are IPv4 only, and so are most of the lines behind them.
        return str(min(judged, key=lambda address: address.version))


async def _look_up(host: str) -> list[str]:
    found = await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return [str(address[4][0]) for address in found]
