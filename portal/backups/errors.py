"""What can go wrong with backups, each with a sentence for the operator that says the next step.

BackupError
├── NothingThere     no backup where one was looked for
├── Busy             another backup, drill or restore is under way
├── DiskFull         the disk did not take it; older backups are as they were
├── NoPrograms       no pg_dump and pg_restore that know this server's version
├── DumpFailed       pg_dump or pg_restore ended with an error; its own last words are in the text
├── KeyMissing       encrypted by a secret key that is not in the list
├── Damaged          cut short, altered, or no backup at all
├── NewerVersion     made by a version of Vocha that this one does not understand
├── NotFit           what was restored is not what was backed up
├── InUse            a restore was asked for while Vocha runs
└── AfterwardsFailed the backup is made; the copy elsewhere or the command after it failed
"""

# ruff: noqa: N818  (the names read as sentences where they are raised and caught)

from portal.errors import PortalError


class BackupError(PortalError):
    """Anything that keeps a backup from being made or read."""

    default = "The backup could not be made or read."


class NothingThere(BackupError):
    """No backup where one was looked for."""


class Busy(BackupError):
    """Another process works on the same shelf; later it may be free."""

    permanent = False


class DiskFull(BackupError):
    """The disk did not take it all."""


class NoPrograms(BackupError):
    """No usable pg_dump and pg_restore."""


class DumpFailed(BackupError):
    """A PostgreSQL program ended with an error."""

    permanent = False


class KeyMissing(BackupError):
    """Encrypted by a key that is not in the list."""


class Damaged(BackupError):
    """Cut short, altered, or something else altogether."""


class NewerVersion(BackupError):
    """Made by a later version of Vocha."""


class NotFit(BackupError):
    """The restored database is not what the manifest says."""


class InUse(BackupError):
    """Somebody works with the database that is to be replaced."""


class AfterwardsFailed(BackupError):
    """The backup stands; bringing it elsewhere failed."""

    permanent = False
