"""The application for tests without a server: built once, since building takes a tenth of a second and more, and given each
test's own settings, clock and counters."""

import dataclasses
from pathlib import Path

from litestar import Litestar

from portal.app import create_app, state_of
from portal.clock import Clock
from portal.config import Settings

_built: list[tuple[Settings, Litestar]] = []


def app_for(settings: Settings, clock: Clock) -> Litestar:
    """As `create_app()`. The one a test had before is the same object and forgets that test."""
    # Routes, middleware and headers are made of the settings when it is built; its folders are only in the state.
    kind = dataclasses.replace(settings, data_dir=Path("/"), spool_dir=Path("/"))
    app = next((app for built_of, app in _built if built_of == kind), None)
    if app is None:
        app = create_app(settings, clock=clock)
        _built.append((kind, app))
        return app
    state = state_of(settings, clock)
    app.state.clear()
    app.state.update(state)
    for name, provided in app.dependencies.items():
        if name in state:
            provided.value = state[name]
    return app
