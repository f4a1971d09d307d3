"""One simulated MikroTik router on loopback: API server, hotspot, configuration, virtual clock, faults."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Collection
from datetime import datetime
from functools import partial
from typing import Self, TypedDict, Unpack

from routeros.simulator import factory, state
from routeros.simulator.behaviour import Behaviour
from routeros.simulator.board import Board, DeviceMode
from routeros.simulator.calls import Answer, Call
from routeros.simulator.clock import VirtualClock, WallClock
from routeros.simulator.dispatch import Dispatcher
from routeros.simulator.faults import Faults
from routeros.simulator.hotspot import Hotspot
from routeros.simulator.inbox import Meter
from routeros.simulator.latency import Latency, Processor
from routeros.simulator.log import RouterLog
from routeros.simulator.menus import access, chores, generic, system
from routeros.simulator.menus.base import Handler, Menu
from routeros.simulator.menus.hotspot import hotspot_menus
from routeros.simulator.ppp.menus import ppp_menus
from routeros.simulator.ppp.server import PppServer
from routeros.simulator.radius.assembly import Radius
from routeros.simulator.scripting.host import ScriptHost
from routeros.simulator.security import Tls
from routeros.simulator.server import ApiServer
from routeros.simulator.services import Ports, Rest, Services
from routeros.simulator.tables import Row

_LICENSED_SESSIONS = {0: 1, 1: 1, 3: 1, 4: 200, 5: 500, 6: None}
_TICK, _DEVICE_MODE_SINCE, _EMPTY_REPLY_SINCE = 0.25, (7, 17), (7, 18)


class HotspotOptions(TypedDict, total=False):
    """What a router's hotspot starts with; defaults are those of Hotspot."""

    identity: str
    server_name: str
    address: str
    dns_name: str
    login_by: str


class SimulatedRouter:
    """A router to connect clients to. `start` and `stop` may be repeated; the API port stays the same.

    The first API user is full. The hotspot runs on the first of `interfaces`; with `server_name=""` the router comes
    without one, as from the factory. `tls` opens api-ssl too: with a server context, or "anonymous" as on a router
    without a certificate. `rest` opens REST: "http", or a server context for https. `latency` is copied.
    """

    _writes = _writes_before = 0
    _ticking: asyncio.Task[None] | None = None

    def __init__(
        self,
        *,
        version: str = "7.16",
        serial: str = "HEX0SIM0001",
        board: Board | None = None,
        api_user: str = "admin",
        api_password: str = "",
        api_host: str = "127.0.0.1",
        api_port: int = 0,
        clock: VirtualClock | None = None,
        behaviour: Behaviour | None = None,
        latency: Latency | None = None,
        tls: Tls = None,
        tls_port: int = 0,
        rest: Rest = None,
        rest_port: int = 0,
        coa_port: int = 0,
        device_mode: str = "advanced",
        interfaces: Collection[str] = ("bridge", "ether1", "ether2"),
        **hotspot: Unpack[HotspotOptions],
    ) -> None:
        self.version, self.serial, self.board = version, serial, board or Board()
        self.clock = clock or VirtualClock()
        self.wall = WallClock(self.clock)
        self.log = RouterLog(self.wall.now)
        self.behaviour, self.faults = behaviour or Behaviour(), Faults()
        self.latency, self.meter = (latency or Latency()).copy(), Meter()
        self.processor = Processor(self.latency, seed=len(serial))
        self.device_mode, self.schema = DeviceMode(device_mode), factory.schema_of(version, self.behaviour)
        self.tables = factory.router_tables(self.schema)
        self._interfaces = tuple(interfaces)
        factory.seed_router(self.tables, self.schema, interfaces, user=api_user, password=api_password)
        self.booted_at = self.clock.now()
        self.hotspot = Hotspot(clock=self.clock, tables=self.tables, log=self.log, behaviour=self.behaviour, **hotspot)
        self.hotspot.license_cap = _LICENSED_SESSIONS.get(self.board.license_level, 1)
        self.hotspot.may_run = lambda: self._allows("hotspot")
        self.ppp = PppServer(self.tables, self.clock, self.log)
        ports = Ports(host=api_host, api=api_port, tls=tls, api_ssl=tls_port, rest=rest, web=rest_port)
        self.services = Services(self, ports)
        self.radius = Radius(self.hotspot, host=api_host, port=coa_port, is_connected=lambda: self.is_online)
        self._device_mode_menu = system.DeviceModeMenu(self.device_mode, self.clock.now)
        self.dispatcher = self._make_dispatcher()
        self.scripts = ScriptHost(self, allows=self._allows, uptime=self._uptime)
        for table in self.tables.values():
            table.watchers.append(self._count_write)

    @property
    def has_empty_reply(self) -> bool:
        """Say whether this version answers `!empty` where a print has no rows."""
        return self.schema.version >= _EMPTY_REPLY_SINCE

    @property
    def server(self) -> ApiServer:
        """The API's listener."""
        return self.services.api

    @property
    def api_host(self) -> str:
        """Address the API listens on."""
        return self.services.api.host

    @property
    def api_port(self) -> int:
        """Port the API listens on; 0 before the first start when none was given."""
        return self.services.api.port

    @property
    def tls_port(self) -> int:
        """Port of api-ssl; 0 without one."""
        return self.services.api_ssl.port if self.services.api_ssl else 0

    @property
    def rest_url(self) -> str:
        """Where REST answers, "http://127.0.0.1:PORT/rest" or https; empty without it."""
        rest = self.services.rest
        scheme = "https" if rest and rest.service == "www-ssl" else "http"
        return f"{scheme}://{rest.host}:{rest.port}/rest" if rest else ""

    @property
    def is_online(self) -> bool:
        """Say whether API clients can connect."""
        return self.services.api.is_listening

    async def start(self) -> Self:
        """Listen for API clients and let time act. Raises OSError when the port is taken."""
        await self.services.listen()
        await self.radius.start()
        if self._ticking is None:
            self._ticking = asyncio.create_task(self._keep_ticking())
        return self

    async def stop(self) -> None:
        """Cut everything and give the port up. The state stays in the object."""
        if self._ticking is not None:
            self._ticking.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._ticking
            self._ticking = None
        await self.services.close()
        await self.radius.stop()

    async def __aenter__(self) -> Self:
        return await self.start()

    async def __aexit__(self, *_exc: object) -> None:
        await self.stop()

    async def set_online(self, is_online: bool) -> None:
        """Take the router off the air (connections cut, new ones refused) or bring it back. The hotspot runs on."""
        await (self.services.listen() if is_online else self.services.refuse())

    async def vanish(self) -> None:
        """Drop the link without a word: packets get lost, no connection is reset. `set_online(True)` mends it."""
        await self.services.vanish()

    def tick(self) -> None:
        """Apply what time did to the hotspot, start the scripts that are due."""
        self.hotspot.tick()
        self.ppp.tick()
        self.radius.desk.tick(self.clock.now())
        self.scripts.tick()

    def now(self) -> datetime:
        """Return the router's wall clock, which may be wrong after a power cut."""
        return self.wall.now()

    async def _keep_ticking(self) -> None:
        while True:
            self.tick()
            await asyncio.sleep(_TICK)

    def power_cut(self) -> None:
        """Lose power and come back at once: sessions and unsaved usage gone, configuration kept, date 1970-01-02."""
        self.hotspot.lose_memory()
        if not self.behaviour.cookies_survive_power_cut:
            self.hotspot.cookies.cookies.clear()
        self._device_mode_menu.power_was_cut()
        self.wall.lose_power(ntp_after=self.behaviour.ntp_after_seconds)
        self._boot("router was rebooted without proper shutdown")

    def reboot(self) -> None:
        """Reboot cleanly: usage of running sessions is saved first. The date is lost all the same: no battery."""
        self.hotspot.shut_down()
        self.ppp.shut_down()
        self.wall.lose_power(ntp_after=self.behaviour.ntp_after_seconds)
        self._boot("router rebooted")

    def press_button(self) -> None:
        """Confirm a pending device-mode change by hand."""
        self._device_mode_menu.power_was_cut()

    def reset(self, *, keeps_users: bool = False) -> None:
        """Forget the whole configuration and reboot: what is left has no hotspot, and `admin` has no password."""
        factory.reset(self.hotspot, self.dispatcher.menus, self.schema, self._interfaces, keeps_users=keeps_users)
        self.reboot()

    def replace_board(self, *, serial: str, board: Board | None = None, device_mode: str | None = None) -> None:
        """Put another board in this one's place: same cable and ports, another serial number, factory state."""
        self.serial, self.board = serial, board or self.board
        self.hotspot.license_cap = _LICENSED_SESSIONS.get(self.board.license_level, 1)
        self.device_mode.become(device_mode or self.device_mode.mode)
        self._writes = self._writes_before = 0
        self.reset()

    def _boot(self, words: str) -> None:
        self.services.cut()
        self.ppp.lose_memory()
        self.booted_at = self.clock.now()
        self.radius.desk.boots += 1
        self._writes_before += self._writes
        self._writes = 0
        self.log.clear()
        if self.behaviour.ids_change_at_boot:
            for table in self.tables.values():
                table.renumber()
        self.log.write("system,info", words)
        self.scripts.boot()

    def save_state(self, *, is_hot: bool = False) -> str:
        """Return configuration, user counters and cookies as JSON, and with `is_hot` what only memory holds too.

        It holds passwords: keep it where the router's are kept.
        """
        return state.dump(self, is_hot=is_hot)

    def load_state(self, text: str) -> None:
        """Take back what `save_state` gave; a hot state goes on as if nothing had happened, on a clock not behind.

        Raises ValueError for anything else.
        """
        state.load(self, text)

    def _make_dispatcher(self) -> Dispatcher:
        machine = system.Machine(
            self.version,
            lambda: self.board,
            lambda: self.serial,
            self.wall,
            self._uptime,
            lambda: self.hotspot.identity,
            partial(setattr, self.hotspot, "identity"),
            lambda: (self._writes, self._writes_before + self._writes),
        )
        made: list[Menu] = [
            *hotspot_menus(self.hotspot),
            *access.access_menus(self.tables, self.services.present),
            *system.system_menus(machine, self.tables),
            system.QueueMenu(self.tables["/queue/simple"], self.ppp.counting(self.hotspot.accounts.traffic_of_queue)),
            system.SchedulerMenu(self.tables["/system/scheduler"], is_allowed=lambda: self._allows("scheduler")),
            system.LogMenu(self.log, is_iso=self.schema.version >= (7, 10)),
            self._device_mode_menu,
            *ppp_menus(self.ppp, is_iso=self.schema.version >= (7, 10)),
            *self.radius.menus,
        ]
        menus = {menu.path: menu for menu in made if menu.path in self.schema.menus}
        generic.add_generic_menus(menus, self.tables, self.schema, settings=factory.settings_of(self.schema))
        chores.add_chores(menus, self.hotspot, self.version)
        commands: dict[str, Handler] = {
            **chores.chore_commands(self.hotspot, self.schema),
            "/system/reboot": lambda _call: self._soon(self.reboot),
            "/system/reset-configuration": self._reset_by_command,
        }
        return Dispatcher(self.schema, menus, commands)

    def _allows(self, feature: str) -> bool:
        return self.schema.version < _DEVICE_MODE_SINCE or self.device_mode.allows(feature)

    def _soon(self, deed: Callable[[], None]) -> Answer:
        asyncio.get_running_loop().call_later(0.05, deed)
        return Answer()

    def _reset_by_command(self, call: Call) -> Answer:
        return self._soon(partial(self.reset, keeps_users=call.arguments.get("keep-users") == "yes"))

    def _uptime(self) -> float:
        return (self.clock.now() - self.booted_at).total_seconds()

    def _count_write(self, row: Row, _is_gone: bool) -> None:
        self._writes += not row.is_dynamic
