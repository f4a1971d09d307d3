"""A real PostgreSQL server in a folder, for the demo, development, tests and small boxes; nothing to install or set up.

Not for production behind `PORTAL_DATABASE_URL`: there somebody else runs the server and this package is never touched.
"""

from portal.embedded_postgres.errors import (
    AnotherServer,
    EmbeddedPostgresError,
    FolderUnusable,
    NoBinaries,
    NotRunning,
    OtherMajorVersion,
    StartFailed,
    StopFailed,
)
from portal.embedded_postgres.launcher import EmbeddedPostgres

__all__ = [
    "AnotherServer",
    "EmbeddedPostgres",
    "EmbeddedPostgresError",
    "FolderUnusable",
    "NoBinaries",
    "NotRunning",
    "OtherMajorVersion",
    "StartFailed",
    "StopFailed",
]
