"""Everything of one router that runs scripts: its console, jobs, schedules, files, and the commands that need them.

Puts itself into the router's dispatcher: what is done here is the same over the API and from a script.
"""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Callable, Coroutine, Mapping
from datetime import datetime, timedelta
from typing import Any, Protocol, TypedDict, TypeVar, cast

from routeros.simulator import traps
from routeros.simulator.board import Board
from routeros.simulator.clock import VirtualClock, WallClock
from routeros.simulator.dispatch import Dispatcher
from routeros.simulator.faults import Faults
from routeros.simulator.hotspot import Hotspot
from routeros.simulator.latency import Latency, Processor
from routeros.simulator.log import RouterLog
from routeros.simulator.menus.base import SettingsMenu
from routeros.simulator.schema import Schema
from routeros.simulator.scripting import hooks, system_commands
from routeros.simulator.scripting.errors import LimitError, ScriptError
from routeros.simulator.scripting.exporting import Exporter
from routeros.simulator.scripting.fetching import Fetch, Fetcher, no_network
from routeros.simulator.scripting.files import FileMenu
from routeros.simulator.scripting.functions import Functions
from routeros.simulator.scripting.interpreter import Context, Interpreter
from routeros.simulator.scripting.jobs import Job, finish
from routeros.simulator.scripting.language import Language
from routeros.simulator.scripting.menu_commands import MenuCommands
from routeros.simulator.scripting.running import Runner
from routeros.simulator.scripting.scheduling import FiringScheduler, ScriptMenu
from routeros.simulator.scripting.tree import command_tree
from routeros.simulator.scripting.values import outward
from routeros.simulator.tables import Tables

T = TypeVar("T")
_LOCAL = timedelta(hours=3)  # the zone of /system/clock: Africa/Nairobi
_MOST_JOBS = 100
_MOST_TICKS = 600
_LONGEST_RUN = timedelta(days=2)


class _Saved(TypedDict):
    state: dict[str, Any]
    settings: dict[str, dict[str, str]]


class Router(Protocol):
    """What the scripts need of their router."""

    version: str
    serial: str
    board: Board
    clock: VirtualClock
    wall: WallClock
    log: RouterLog
    faults: Faults
    latency: Latency
    processor: Processor
    schema: Schema
    tables: Tables
    hotspot: Hotspot
    dispatcher: Dispatcher

    def tick(self) -> None:
        """Apply what time did."""
        ...

    def reboot(self) -> None:
        """Reboot cleanly."""
        ...

    def save_state(self) -> str:
        """Return the configuration."""
        ...

    def load_state(self, text: str) -> None:
        """Take a configuration back."""
        ...


class ScriptHost:
    """The scripting side of one router. `fetcher` is its only way out; set it to let `/tool/fetch` reach something."""

    def __init__(self, router: Router, *, allows: Callable[[str], bool], uptime: Callable[[], float]) -> None:
        self.router = router
        self.fetcher: Fetcher = no_network
        self.jobs: list[Job[Any]] = []
        self._jobs_made = 0
        self._reboots = False
        self._waiting: list[Callable[[], None]] = []
        version, is_iso = router.schema.version, router.schema.version >= (7, 10)
        self.functions = Functions(router.wall.now, random.Random(router.serial))  # noqa: S311  (not a secret)
        menus, tables = router.dispatcher.menus, router.tables
        space = router.board.disk // 4
        self.files = FileMenu(tables["/file"], version=version, space=space, now=self.local_now)
        self.scheduler = FiringScheduler(
            tables["/system/scheduler"],
            is_allowed=lambda: allows("scheduler"),
            now=self.local_now,
            uptime=uptime,
            is_iso=is_iso,
        )
        self.stored = ScriptMenu(tables["/system/script"], now=self.local_now, is_iso=is_iso)
        self.runner = Runner(command_tree(router.schema), self.interpreter)
        jobs, environment = system_commands.JobMenu(self.jobs), system_commands.EnvironmentMenu(self.runner.globals)
        for menu in (self.files, self.scheduler, self.stored, jobs, environment):
            menus[menu.path] = menu
        self.exporter = Exporter(router.version, version, menus, self.local_now)
        self.fetch = Fetch(
            version,
            lambda request: self.fetcher(request),  # noqa: PLW0108  (the fetcher may be changed later)
            lambda: allows("fetch"),
            self._trusts_any,
            lambda: router.wall.now().year,
            self.files.write,
        )
        self._language = Language(
            self.runner.tree, self.functions, lambda i, given: system_commands.execute(self, i, given)
        )
        self._menus = MenuCommands(self.runner.tree, lambda: router.dispatcher, self._export, self._write_file)
        system_commands.install(self)
        hooks.install(self)

    def local_now(self) -> datetime:
        """Return the router's local wall clock."""
        return self.router.wall.now() + _LOCAL

    def interpreter(self, context: Context) -> Interpreter:
        """Make an interpreter for one run."""
        return Interpreter(context, self._language, self._menus)

    def tick(self) -> None:
        """Go on with the jobs whose time has come, start what is due."""
        if self._reboots:
            self._reboots = False
            self.router.reboot()
        waiting, self._waiting[:] = list(self._waiting), []
        for start in waiting:
            start()
        for job in list(self.jobs):
            job.wake()
        for row in self.scheduler.due():
            hooks.run_scheduled(self, row)

    def soon(self, start: Callable[[], None]) -> None:
        """Do something at the next tick, when nothing else is in the middle of its work."""
        self._waiting.append(start)

    def boot(self) -> None:
        """Forget what a reboot forgets: running scripts, global variables, files outside of flash."""
        for job in list(self.jobs):
            job.cancel()
        self._waiting.clear()
        self.runner.globals.clear()
        self.files.lose_memory()
        self.stored.boot()
        self.scheduler.boot()

    def save(self) -> str:
        """Return the whole configuration but the files, settings included."""
        state = json.loads(self.router.save_state())
        state["tables"].pop("/file", None)
        menus = self.router.dispatcher.menus
        settings = {path: menu.values for path, menu in menus.items() if isinstance(menu, SettingsMenu)}
        return json.dumps({"state": state, "settings": settings})

    def restore(self, text: str) -> None:
        """Take back what `save` gave; the files of now stay. Raises Trap for anything else."""
        try:
            saved = cast("_Saved", json.loads(text))
            self.router.load_state(json.dumps(saved["state"]))
            settings = saved["settings"]
        except (ValueError, KeyError, TypeError):
            raise traps.Trap("failure: not a backup file") from None
        for path, menu in self.router.dispatcher.menus.items():
            if isinstance(menu, SettingsMenu) and path in settings:
                menu.values.clear()
                menu.values.update(settings[path])

    def reboot_soon(self) -> None:
        """Reboot at the next tick."""
        self._reboots = True

    def start(
        self,
        coroutine: Coroutine[Any, Any, T],
        name: str,
        done: Callable[[T | None, BaseException | None], None],
    ) -> Job[T]:
        """Run a coroutine as a job. Raises Trap when there are too many."""
        if len(self.jobs) >= _MOST_JOBS:
            coroutine.close()
            raise traps.Trap("failure: too many jobs")
        self._jobs_made += 1

        def over(result: T | None, error: BaseException | None) -> None:
            if job in self.jobs:
                self.jobs.remove(job)
            done(result, error)

        clock = self.router.clock
        job = Job(coroutine, clock.now, over, name, f"*{self._jobs_made:X}", self.local_now())
        self.jobs.append(job)
        job.step()
        return job

    def live(self, coroutine: Coroutine[Any, Any, T], name: str) -> asyncio.Future[T]:
        """Run a coroutine as a job that ends when its future is cancelled. A script's error becomes a Trap."""
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()

        def done(result: T | None, error: BaseException | None) -> None:
            if future.done():
                return
            if isinstance(error, asyncio.CancelledError):
                future.cancel()
            elif isinstance(error, ScriptError):
                future.set_exception(traps.Trap(outward(error.message)))
            elif error is not None:
                future.set_exception(error)
            else:
                future.set_result(cast("T", result))

        job = self.start(coroutine, name, done)
        future.add_done_callback(lambda _done: job.cancel())
        return future

    def finish(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine to its end now; its waits move the virtual clock. Raises what it raises."""
        until = self.router.clock.now() + _LONGEST_RUN

        def sleep(seconds: float) -> None:
            if self.router.clock.now() + timedelta(seconds=seconds) > until:
                raise LimitError("script waits for days; let it run as a job")
            piece = max(1.0, seconds / _MOST_TICKS)
            while seconds > 0:
                self.router.clock.advance(min(piece, seconds))
                self.router.tick()
                seconds -= piece

        return finish(coroutine, sleep)

    def _trusts_any(self) -> bool:
        """Say whether a server's certificate can be checked: an authority was imported, or the version brings some."""
        if any(row.get("trusted") in {"true", "yes"} for row in self.router.tables["/certificate"]):
            return True
        settings = next(iter(self.router.dispatcher.menus["/certificate/settings"].shown()))
        asked = (settings.get("builtin-trust-store", ""), settings.get("builtin-trust-anchors", ""))
        return self.router.schema.version >= (7, 19) and not {"untrusted", "not-trusted"} & set(asked)

    def _export(self, menu: str, options: Mapping[str, str], context: Context) -> list[str]:
        if "read" not in context.policies:
            raise traps.not_permitted()
        return self.exporter.lines(menu, options, sees_secrets="sensitive" in context.policies)

    def _write_file(self, name: str, contents: str, context: Context) -> None:
        if "ftp" not in context.policies:
            raise traps.not_permitted()
        self.files.write(name, contents)
