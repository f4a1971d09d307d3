"""The state machine of imports, beside those of `portal.machines`. Pure.

A file is looked at first, which makes nothing; somebody has it taken over, and may take that back. Each step is done row by row with
its own mark, so a worker that died leaves one that goes on where it stopped."""

from enum import StrEnum

from portal.machines import E, Transitions


class ImportStatus(StrEnum):
    """Where an import stands."""

    WAITING = "waiting"
    CHECKED = "checked"
    RUNNING = "running"
    DONE = "done"
    UNDOING = "undoing"
    UNDONE = "undone"
    FAILED = "failed"
    DROPPED = "dropped"


_I = ImportStatus

IMPORT: Transitions = {
    (_I.WAITING, E.ACCEPT): _I.CHECKED,
    (_I.WAITING, E.FAIL): _I.FAILED,
    (_I.CHECKED, E.START): _I.RUNNING,
    (_I.CHECKED, E.DROP): _I.DROPPED,
    (_I.RUNNING, E.ARRIVE): _I.DONE,
    (_I.DONE, E.REMOVE): _I.UNDOING,
    (_I.UNDOING, E.LEAVE): _I.UNDONE,
}
