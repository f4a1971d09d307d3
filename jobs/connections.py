"""One long-lived connection per router: every login is a line in the router's log, so we do not sign in per poll."""

from portal.routers import RouterAccess
from routeros.client import HotspotRouter
from routeros.values import RouterAddress


class Connections:
    """Open connections by router. A router whose address or password changed gets a new one."""

    def __init__(self, *, connect_timeout: float = 5.0, command_timeout: float = 10.0) -> None:
        self._open: dict[int, tuple[RouterAddress, HotspotRouter]] = {}
        self._connect_timeout = connect_timeout
        self._command_timeout = command_timeout

    async def to(self, router: RouterAccess) -> HotspotRouter:
        """The connection to a router; it dials at the first command, not here."""
        address = RouterAddress(router.host, router.port, router.user, router.password)
        known = self._open.get(router.id)
        if known is not None and known[0] == address:
            return known[1]
        if known is not None:
            await known[1].close()
        client = HotspotRouter(address, connect_timeout=self._connect_timeout, command_timeout=self._command_timeout)
        self._open[router.id] = (address, client)
        return client

    async def close(self) -> None:
        """Close them all."""
        for _, client in self._open.values():
            await client.close()
        self._open.clear()
