"""The state machine of prints, beside those of `portal.machines`. Pure.

A print is a PDF of vouchers somebody asked for. Making one again is harmless, so a worker that died leaves one that is begun anew."""

from enum import StrEnum

from portal.machines import E, Transitions


class PrintStatus(StrEnum):
    """Where a PDF stands."""

    QUEUED = "queued"
    MAKING = "making"
    READY = "ready"
    FAILED = "failed"
    GONE = "gone"


_S = PrintStatus

PRINT: Transitions = {
    (_S.QUEUED, E.START): _S.MAKING,
    (_S.MAKING, E.RETRY): _S.QUEUED,
    (_S.MAKING, E.ARRIVE): _S.READY,
    (_S.MAKING, E.FAIL): _S.FAILED,
    (_S.READY, E.EXPIRE): _S.GONE,
    (_S.READY, E.LOSE): _S.GONE,
    (_S.FAILED, E.EXPIRE): _S.GONE,
}
