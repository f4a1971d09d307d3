"""Reading a router for reconcile and carrying its plan out, row by row. Decides nothing itself."""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final, TypeVar

from routeros.client import HotspotRouter
from routeros.errors import Refused, RouterError
from routeros.operations import AddUser, ChangeUser, EndAccess, EnsureProfile, Operation, Plan
from routeros.reconcile import Observed

T = TypeVar("T")

ENDED_AT_ONCE: Final = 50


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one operation; `error` None is done."""

    operation: Operation
    error: RouterError | None = None


@dataclass(frozen=True, slots=True)
class Applied:
    """What became of a plan, one outcome per operation, in order."""

    outcomes: tuple[Outcome, ...]

    @property
    def failed(self) -> tuple[Outcome, ...]:
        return tuple(outcome for outcome in self.outcomes if outcome.error)

    @property
    def lost(self) -> RouterError | None:
        """The error that ended the work early (router lost or not letting us in), None if all was tried."""
        return next((o.error for o in self.outcomes if o.error and not isinstance(o.error, Refused)), None)


async def observe(router: HotspotRouter, *, names: Iterable[str] | None = None) -> Observed:
    """Read what reconcile compares: everything, or with `names` only those users (the fast path; hosts are left out).

    Raises Unreachable or AuthFailed. A menu the router refuses to show leaves the read incomplete.
    """
    wanted = None if names is None else list(names)
    refused: list[Refused] = []

    async def read(verb: Callable[[], Awaitable[list[T]]]) -> tuple[T, ...]:
        try:
            return tuple(await verb())
        except Refused as refusal:
            refused.append(refusal)
            return ()

    profiles = await read(router.user_profiles)
    active = await read(lambda: router.active(wanted))  # before the users, see Observed
    users = await read(lambda: router.users(wanted))
    cookies = await read(lambda: router.cookies(wanted))
    hosts = await read(router.hosts) if wanted is None else ()
    return Observed(users, active, cookies, hosts, profiles, complete=not refused)


async def apply(plan: Plan, router: HotspotRouter) -> Applied:
    """Carry the plan out in its order. A refused row does not stop the rest; a lost router stops and marks the rest.

    Repeatable: what was done already is found done. Never raises RouterError; it is in the outcomes.
    """
    outcomes: list[Outcome] = []
    try:
        for _, group in groupby(plan.operations, key=type):
            await _apply_alike(list(group), router, outcomes)
    except RouterError as error:
        outcomes += [Outcome(operation, error) for operation in plan.operations[len(outcomes) :]]
    return Applied(tuple(outcomes))


async def _apply_alike(group: Sequence[Operation], router: HotspotRouter, outcomes: list[Outcome]) -> None:
    """Operations of one kind; appends an outcome for each until the router is lost, then raises."""
    if isinstance(group[0], EndAccess):
        for start in range(0, len(group), ENDED_AT_ONCE):
            await _end(group[start : start + ENDED_AT_ONCE], router, outcomes)
    elif isinstance(group[0], AddUser):
        rows = await router.add_users([operation.user for operation in group if isinstance(operation, AddUser)])
        outcomes += [Outcome(operation, row.error) for operation, row in zip(group, rows, strict=True)]
        lost = next((row.error for row in rows if row.error and not isinstance(row.error, Refused)), None)
        if lost:
            raise lost
    else:
        for operation in group:
            outcomes.append(Outcome(operation, await _refusal(_one(operation, router))))


async def _end(group: Sequence[Operation], router: HotspotRouter, outcomes: list[Outcome]) -> None:
    """Many at once; one by one when the router refuses, to find out which."""
    if await _refusal(router.end_access([operation.name for operation in group])) is None:
        outcomes += [Outcome(operation) for operation in group]
        return
    for operation in group:
        outcomes.append(Outcome(operation, await _refusal(router.end_access([operation.name]))))


async def _one(operation: Operation, router: HotspotRouter) -> None:
    if isinstance(operation, EnsureProfile):
        await router.ensure_user_profile(operation.profile)
    elif isinstance(operation, ChangeUser):
        await router.set_user(operation.name, **operation.changes)


async def _refusal(work: Awaitable[object]) -> Refused | None:
    try:
        await work
    except Refused as refusal:
        return refusal
    return None
