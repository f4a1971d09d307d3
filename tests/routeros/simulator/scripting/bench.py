"""What the tests of scripts share: a router whose clock stands still, and short ways to run a text on it."""

from datetime import UTC, datetime

from routeros.simulator.clock import VirtualClock, frozen
from routeros.simulator.router import SimulatedRouter
from routeros.simulator.scripting.engine import ALL, ScriptEngine, ScriptResult

START = datetime(2026, 3, 1, 9, 0, tzinfo=UTC)


def still_router(version: str = "7.16", **options: str) -> SimulatedRouter:
    return SimulatedRouter(version=version, clock=VirtualClock(START, monotonic=frozen), **options)  # pyright: ignore[reportArgumentType]


def run(text: str, *, version: str = "7.16", router: SimulatedRouter | None = None) -> ScriptResult:
    return ScriptEngine(router or still_router(version)).run(text)


def said(text: str, *, version: str = "7.16", router: SimulatedRouter | None = None) -> str:
    """What a script that must succeed prints."""
    result = run(text, version=version, router=router)
    assert result.error is None, result
    return result.output


def refused(text: str, *, version: str = "7.16", router: SimulatedRouter | None = None) -> str:
    """The error a script must end with."""
    result = run(text, version=version, router=router)
    assert result.error is not None, result
    return result.error


def allowed(*policies: str) -> frozenset[str]:
    return frozenset(policies) if policies else ALL


def logged(router: SimulatedRouter) -> list[str]:
    return [line.message for line in router.log.lines]
