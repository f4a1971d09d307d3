"""Builds the web application: doors, routes, dependencies, what happens at start and end. The only place that does.

Handlers get by name: `settings`, `clock`, `vault`, `signer`, and on signed-in pages `actor`.
"""

import asyncio
import ctypes
import gc
import sys
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from functools import partial

from litestar import Litestar
from litestar.datastructures import State
from litestar.di import Provide
from litestar.plugins import PluginProtocol
from litestar.plugins.core import MsgspecDIPlugin
from litestar.types import ControllerRouterHandler

from jobs.schedule import JOBS, latest_slot, next_run_at
from portal import error_pages, guards
from portal.assets import no_favicon, ours
from portal.callbacks import Checker, Intake
from portal.clock import Clock
from portal.config import Settings
from portal.controllers import (
    api,
    callbacks,
    captive,
    cards,
    checkout,
    cron,
    cron_health,
    dashboard,
    free_trials,
    health,
    identity,
    kept_money,
    metrics,
    my,
    promo_codes,
    pull,
    receipts,
    setup_scripts,
    sms,
    ways,
)
from portal.controllers.api import problems
from portal.db import DB
from portal.headers import Policy
from portal.metrics import Metrics, sums
from portal.signing import Signer
from portal.spool import Spool
from portal.timetables import Entry, Timetable
from portal.vault import Vault
from portal.web import Pages

#: Bigger bodies are refused: nothing people or M-Pesa send comes near.
MAX_BODY_BYTES = 64 * 1024
#: The option's number in glibc's malloc.h.
_M_MMAP_THRESHOLD = -3

#: Everything that answers, besides the static files.
_ROUTES: Sequence[ControllerRouterHandler] = (
    no_favicon,
    *health.ROUTES,
    *metrics.ROUTES,
    *callbacks.ROUTES,
    *setup_scripts.ROUTES,
    sms.ROUTER,
    *pull.ROUTES,
    cron_health.ROUTER,
    cron.ROUTER,
    *api.ROUTERS,
    captive.ROUTER,
    cards.ROUTER,
    ways.ROUTER,
    kept_money.ROUTER,
    promo_codes.ROUTER,
    free_trials.ROUTER,
    checkout.ROUTER,
    my.ROUTER,
    receipts.ROUTER,
    identity.ROUTER,
    dashboard.ROUTER,
)

#: Of the state, what handlers get by name.
_BY_NAME = ("settings", "clock", "vault", "signer", "timetable")


class _App(Litestar):
    """Litestar without its plugins for pydantic and attrs, whose models no handler of ours takes: they would load all of
    pydantic's version 1, and be asked about every parameter."""

    @staticmethod
    def _get_default_plugins(plugins: list[PluginProtocol]) -> list[PluginProtocol]:
        return [*plugins, MsgspecDIPlugin()]


def create_app(
    settings: Settings,
    *,
    clock: Clock | None = None,
    routes: Sequence[ControllerRouterHandler] = (),
) -> Litestar:
    """The application. `clock` is real time unless given; `routes` are further handlers, such as the demo's page.

    Opens the database at start unless it is open already (then whoever opened it closes it).
    """
    state = state_of(settings, clock or Clock())
    return _App(
        route_handlers=[ours().route(), *_ROUTES, *routes],
        dependencies={
            **{name: _always(state[name]) for name in _BY_NAME},
            "actor": Provide(guards.provide_actor),
        },
        state=State(state),
        middleware=[metrics.Timing] if settings.watching.metrics_token else [],
        exception_handlers={**problems.besides(error_pages.HANDLERS), **guards.HANDLERS},
        before_send=[Policy.of(settings).before_send],
        request_max_body_size=MAX_BODY_BYTES,
        lifespan=[_database],
        openapi_config=None,
        logging_config=None,
    )


def state_of(settings: Settings, clock: Clock) -> dict[str, object]:
    """What one application has and another has not, by name: the same that handlers are given, and what pages and counters keep.
    Tests build one application and give it another state for each test."""
    intake = Intake(Spool(settings.spool_dir, most_bytes=settings.spool_most_bytes), clock)
    return {
        "settings": settings,
        "clock": clock,
        "vault": Vault(settings.secret_keys),
        "signer": Signer(settings.secret_keys),
        "timetable": _timetable(),
        "pages": Pages(ours(), Policy.of(settings)),
        "intake": intake,
        "checker": Checker(),
        "metrics": Metrics(intake.spool),
    }


def _timetable() -> Timetable:
    return Timetable(
        {
            job.name: Entry(
                name=job.name, overdue_s=job.overdue_s, is_critical=job.is_critical,
                next_slot=partial(next_run_at, job), latest_slot=partial(latest_slot, job),
            )
            for job in JOBS.values()
        }
    )  # fmt: skip


def create_counter(settings: Settings, *, clock: Clock) -> Litestar:
    """What stands in for the application while there is no database to start with: callbacks are spooled, nothing else works."""
    intake = Intake(Spool(settings.spool_dir, most_bytes=settings.spool_most_bytes), clock)

    async def close() -> None:
        await intake.close()

    return _App(
        route_handlers=[*health.ROUTES, *callbacks.ROUTES],
        state=State({"settings": settings, "clock": clock, "intake": intake, "checker": Checker()}),
        before_send=[Policy.of(settings).before_send],
        on_shutdown=[close],
        openapi_config=None,
        logging_config=None,
    )


def _always(value: object) -> Provide:
    return Provide(lambda: value, use_cache=True, sync_to_thread=False)


@asynccontextmanager
async def _database(app: Litestar) -> AsyncGenerator[None]:
    settings: Settings = app.state["settings"]
    is_ours = DB.pool is None
    if is_ours:
        if settings.database_url is not None:
            DB.configure(settings.database_url)
        await DB.open()
    _calm_collector()
    _return_big_blocks()
    intake: Intake = app.state["intake"]
    intake.recover()
    keeper = asyncio.create_task(sums.keep_keeping())
    try:
        yield
    finally:
        keeper.cancel()
        await asyncio.gather(keeper, return_exceptions=True)
        await intake.close()
        if is_ours:
            await DB.close()


def _calm_collector() -> None:
    """What was loaded at start lives for ever: keep the collector off it, and let it run less often. Takes the slowest
    percent of pages from 4-14 ms down to 1-2 ms."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)


def _return_big_blocks() -> None:
    """Let glibc give blocks of a megabyte and more back at once. Left alone it raises its own limit after the first and
    keeps them: 19 MiB for each thread that ever hashed a password. Other C libraries have no such call, nor the need."""
    if sys.platform == "linux":
        mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
        if mallopt is not None:
            mallopt(_M_MMAP_THRESHOLD, 1 << 20)
