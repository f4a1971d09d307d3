"""The run of a job that is under way in this task: its place among all processes, and how far it is.

Verbs may be called by people too: then there is no run, nothing is fenced and nobody is told of progress."""

from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from portal.db import Tx
from portal.errors import Conflict
from portal.msgid import N_


class PlaceLost(Conflict):
    """This run was taken for dead and another holds its place: nothing it does may count any more."""

    default = N_("Another run has taken over.")


@dataclass(slots=True)
class Running:
    """A run under way. The fence is the number it holds its place with; progress is what it told last."""

    run_id: int
    job: str
    key: str
    fence: int
    attempts: int = 1
    done: int = 0
    total: int | None = None
    what: str = ""
    has_news: bool = False


_CURRENT: ContextVar[Running | None] = ContextVar("running", default=None)


def current() -> Running | None:
    """The run this task belongs to; None when no job called."""
    return _CURRENT.get()


@contextmanager
def under_way(run: Running) -> Generator[None]:
    """Everything awaited inside, and every task created inside, belongs to this run."""
    token = _CURRENT.set(run)
    try:
        yield
    finally:
        _CURRENT.reset(token)


def tell(done: int, *, total: int | None = None, what: str = "") -> None:
    """Say how far the run is, as often as you like: it is written down at most once a second. `total` and `what` (such as
    "vouchers") stay as told until told again."""
    run = _CURRENT.get()
    if run is None:
        return
    run.done = done
    run.total = run.total if total is None else total
    run.what = what[:60] or run.what
    run.has_news = True


def advance(by: int = 1) -> None:
    """Say that so much more is done."""
    run = _CURRENT.get()
    if run is not None:
        tell(run.done + by)


async def hold(tx: Tx) -> None:
    """Fence the transaction: until it ends nobody can take the run's place, and PlaceLost if somebody has.

    For effects a run that was only taken for dead must not repeat: what goes outside, and what no unique key guards. The
    place's own heartbeat goes on meanwhile."""
    run = _CURRENT.get()
    if run is None:
        return
    held = await tx.value(
        "SELECT 1 FROM job_places WHERE job = $1 AND key = $2 AND fence = $3 FOR KEY SHARE", run.job, run.key, run.fence
    )
    if held is None:
        raise PlaceLost()
