"""How every command of `vocha` runs: settings read, logs set up, and what a person can mend said in one line."""

import os
import sys
from collections.abc import Callable, Coroutine
from typing import Any

import click
import uvloop

from portal.config import Settings
from portal.embedded_postgres import EmbeddedPostgresError
from portal.errors import PortalError
from portal.logs import configure_logging
from routeros.errors import RouterError


def run(work: Callable[[Settings], Coroutine[Any, Any, None]]) -> None:
    """Read the settings and run; what a person can mend is one line, not a traceback."""
    try:
        settings = Settings.from_env(os.environ)
        configure_logging(level=settings.log_level, log_format=settings.log_format)
        uvloop.run(work(settings))
    except (PortalError, RouterError, EmbeddedPostgresError, OSError) as error:
        raise click.ClickException(str(error)) from error
    except KeyboardInterrupt:
        sys.exit(130)
