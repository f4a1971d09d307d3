"""One long-lived connection per router: every login is a line in the router's log, so we do not sign in per poll."""

from portal.addresses import Addresses
from portal.routers import RouterAccess
from portal.routers.forms import PULL
from routeros.client import Budget, HotspotRouter
from routeros.errors import Unreachable
from routeros.values import RouterAddress, TlsPin


class Connections:
    """Open connections by router. A router whose address or password changed gets a new one.

    Whatever a merchant typed as an address is judged at every dial, and dialled as the address that was judged. Addresses
    of the tunnel are assigned by us: they are dialled only for routers that have one, never because somebody typed one.
    """

    def __init__(
        self,
        addresses: Addresses,
        *,
        tunnel: Addresses | None = None,
        connect_timeout: float = 5.0,
        command_timeout: float = 10.0,
    ) -> None:
        self._tunnel = tunnel
        self._addresses = addresses
        self._open: dict[int, tuple[tuple[str, RouterAddress], HotspotRouter]] = {}
        self._budget = Budget()
        self._connect_timeout = connect_timeout
        self._command_timeout = command_timeout

    async def to(self, router: RouterAccess) -> HotspotRouter:
        """The connection to a router; it dials at the first command, not here. Unreachable for a router that asks us."""
        if router.way == PULL:
            raise Unreachable("nobody dials this router: it asks us")
        tls = TlsPin(router.tls_pin) if router.tls_pin else None
        address = RouterAddress(router.host, router.port, router.user, router.password, tls=tls)
        way = (router.way, address)
        known = self._open.get(router.id)
        if known is not None and known[0] == way:
            return known[1]
        if known is not None:
            await known[1].close()
        client = HotspotRouter(
            address,
            connect_timeout=self._connect_timeout,
            command_timeout=self._command_timeout,
            budget=self._budget,
            resolve=(self._tunnel if router.way == "tunnel" and self._tunnel else self._addresses).checked,
        )
        self._open[router.id] = (way, client)
        return client

    async def close(self) -> None:
        """Close them all."""
        for _, client in self._open.values():
            await client.close()
        self._open.clear()
