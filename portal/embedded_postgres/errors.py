"""What can go wrong with the embedded server, each with a message that tells the person at the keyboard what to do.

EmbeddedPostgresError (RuntimeError)
├── NoBinaries          no PostgreSQL programs on this machine
├── OtherMajorVersion   the data was written by a PostgreSQL we do not have
├── FolderUnusable      the data folder cannot be used (rights, read-only, not a folder, somebody else's)
├── AnotherServer       a server that we did not start is using the data
├── StartFailed         the server was started and ended, or did not become ready
├── StopFailed          the server did not end
└── NotRunning          asked for an address or a process id while nothing runs
"""

# ruff: noqa: N818  (the names read as sentences where they are raised and caught)


class EmbeddedPostgresError(RuntimeError):
    """Anything that keeps the embedded PostgreSQL from running; the text is for the operator."""


class NoBinaries(EmbeddedPostgresError):
    """No usable PostgreSQL programs were found."""


class OtherMajorVersion(EmbeddedPostgresError):
    """The data belongs to another major version and no programs of that version are here."""


class FolderUnusable(EmbeddedPostgresError):
    """The data folder cannot be created, written, reached or owned."""


class AnotherServer(EmbeddedPostgresError):
    """A live server that was not started by this launcher uses the same data."""


class StartFailed(EmbeddedPostgresError):
    """The server did not start; the text carries its own last words."""


class StopFailed(EmbeddedPostgresError):
    """The server did not end in time."""


class NotRunning(EmbeddedPostgresError):
    """There is no running server to speak of."""
