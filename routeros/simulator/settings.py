"""The hotspot's settings as its tables say them at this moment. Reads only; the tables are the truth."""

from __future__ import annotations

from collections.abc import Callable

from routeros.simulator.admission import RadiusOrder
from routeros.simulator.behaviour import Behaviour
from routeros.simulator.menus import hotspot_fields as menus
from routeros.simulator.tables import Row, Table, Tables


class HotspotSettings:
    """What the running server and its profile say. Without a running server names and addresses are empty."""

    def __init__(self, tables: Tables, behaviour: Behaviour) -> None:
        self.tables = tables
        self.behaviour = behaviour
        #: Says whether device-mode lets a hotspot run; a forbidden server is listed but inactive.
        self.may_run: Callable[[], bool] = lambda: True

    @property
    def users(self) -> Table:
        """Rows of `/ip/hotspot/user`."""
        return self.tables[menus.USER]

    @property
    def user_profiles(self) -> Table:
        """Rows of `/ip/hotspot/user/profile`."""
        return self.tables[menus.USER_PROFILE]

    @property
    def server(self) -> Row | None:
        """The first enabled row of `/ip/hotspot`; None while no hotspot runs."""
        if not self.may_run():
            return None
        return next((row for row in self.tables[menus.HOTSPOT] if not row.is_disabled), None)

    @property
    def profile(self) -> Row | None:
        """The server profile of the running server."""
        rows = self.tables[menus.SERVER_PROFILE].named(self.server.get("profile")) if self.server else []
        return rows[0] if rows else None

    @property
    def server_name(self) -> str:
        """Name of the running server, empty while none runs."""
        return self.server.get("name") if self.server else ""

    @property
    def address(self) -> str:
        """Address the servlet answers on."""
        return self.profile.get("hotspot-address") if self.profile else ""

    @property
    def dns_name(self) -> str:
        """Name the servlet answers on; empty when the profile has none."""
        return self.profile.get("dns-name") if self.profile else ""

    @property
    def login_by(self) -> frozenset[str]:
        """The login methods the server profile offers."""
        return frozenset(filter(None, self.profile.get("login-by").split(","))) if self.profile else frozenset()

    @property
    def asks_radius(self) -> RadiusOrder:
        """When the running server asks RADIUS about a user."""
        is_asking = self.profile is not None and self.profile.get("use-radius") == "true"
        return self.behaviour.radius_order if is_asking else "never"
