"""RADIUS of one router put together: desk, sockets and menus around its hotspot."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from routeros.simulator.admission import granted_profile
from routeros.simulator.hotspot import Hotspot
from routeros.simulator.menus.base import Menu
from routeros.simulator.menus.radius import RADIUS, IncomingMenu, RadiusMenu
from routeros.simulator.radius.client import RadiusClient
from routeros.simulator.radius.desk import RadiusDesk
from routeros.simulator.radius.grants import Grant
from routeros.simulator.radius.incoming import Incoming, Orders
from routeros.simulator.radius.packets import Attribute
from routeros.simulator.sessions import Active


class Radius:
    """Owns the sockets. `port` is where Disconnect and CoA are heard, 0 for any free one."""

    def __init__(self, hotspot: Hotspot, *, host: str, port: int, is_connected: Callable[[], bool]) -> None:
        self._hotspot, self._host = hotspot, host
        client = RadiusClient(host, is_connected)
        self.desk = hotspot.radius = RadiusDesk(hotspot, client)
        hotspot.session_watchers.append(self.desk.session_changed)
        tables = hotspot.tables
        settings = IncomingMenu(
            tables,
            port=hotspot.behaviour.radius_incoming_port,
            forget=self._forget_orders,
            changed=self._open_if_wanted,
        )
        self.menus: list[Menu] = [RadiusMenu(tables[RADIUS], client.tallies.clear), settings]
        self._settings = settings
        self._is_started = False
        self._opening: asyncio.Task[None] | None = None
        self.incoming = Incoming(
            tables,
            hotspot.active,
            accepts=lambda: settings.accepts and is_connected(),
            disconnect=lambda active: hotspot.logout(active.ip, cause="admin reset"),
            change=self._change,
            port=port,
        )

    async def start(self) -> None:
        """Hear orders where they are accepted; a router that accepts none has no socket. Raises OSError when the port is
        taken."""
        self._is_started = True
        if self._settings.accepts:
            await self.incoming.listen(self._host)

    async def stop(self) -> None:
        """Give the sockets up."""
        self._is_started = False
        if self._opening is not None:
            await asyncio.gather(self._opening, return_exceptions=True)
            self._opening = None
        self.incoming.close()
        await self.desk.close()
        await asyncio.sleep(0)  # a datagram socket is closed at the loop's next turn

    def _open_if_wanted(self) -> None:
        if self._is_started and self._settings.accepts and self._opening is None:
            self._opening = asyncio.get_running_loop().create_task(self.incoming.listen(self._host))

    def _forget_orders(self) -> None:
        self.incoming.orders = Orders()

    def _change(self, active: Active, changes: tuple[Attribute, ...]) -> None:
        """Apply a CoA. A new session timeout counts from the login, as the one of an Access-Accept (inferred)."""
        hotspot = self._hotspot
        active.grant = (active.grant or Grant()).merged(changes)
        rows = hotspot.user_profiles.named(active.grant.group or active.profile)
        if not rows:
            return
        active.profile = rows[0].get("name")
        profile = granted_profile(rows[0], active.grant, active.started_at)
        hotspot.accounts.retune(active, profile, active.grant)
