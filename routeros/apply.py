"""Reading a router for reconcile and carrying its plan out, row by row. Decides nothing itself."""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any, Final, TypeVar

from routeros import dialin_menus, menus
from routeros.client import HotspotRouter
from routeros.dialins import ObservedDialins
from routeros.errors import BadReply, Refused, RouterError
from routeros.menus import Menu
from routeros.operations import AddUser, ChangeUser, EndAccess, EnsureProfile, Operation, Plan
from routeros.reconcile import Observed
from routeros.values import Resource, RowResult
from routeros.words import Row

T = TypeVar("T")

_DIALINS: Final = (dialin_menus.PROFILES, dialin_menus.SESSIONS, dialin_menus.BOUND, dialin_menus.INTERFACES)


def _clock_at(row: Row) -> datetime | None:
    """The clock by the way: one that shows nonsense must not spoil a read that is for something else."""
    try:
        return menus.CLOCK.read(row).at
    except ValueError:
        return None


_CLOCK: Final = Menu(menus.CLOCK.path, menus.CLOCK.fields, _clock_at)

#: A router that refuses some endings is asked this often which; then the rest counts as refused too.
MOST_TRIES: Final = 64


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
    if names is None:
        return (await _read_whole(router))[1]
    wanted = list(names)
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
    return Observed(users, active, cookies, (), profiles, complete=not refused)


@dataclass(frozen=True, slots=True)
class Survey:
    """A full read, and which board it came from: `serial` is "" where the router does not tell it; `clock_at` None where its
    clock cannot be read."""

    resource: Resource
    serial: str
    observed: Observed
    dialins: ObservedDialins | None = None
    clock_at: datetime | None = None


async def survey(router: HotspotRouter, *, with_dialins: bool = False) -> Survey:
    """Read a router whole, in two round trips: sessions in the first, users in the second, see Observed. `with_dialins`: the
    PPP menus too, in the same two.

    Raises Unreachable or AuthFailed, and Refused for a router that does not even tell its version.
    """
    also = _DIALINS if with_dialins else ()
    last = (dialin_menus.SECRETS,) if with_dialins else ()
    [resource, board, clock, *ppp], observed, secrets = await _read_all(
        router, menus.RESOURCE, menus.ROUTERBOARD, _CLOCK, *also, last=last
    )
    if isinstance(resource, Refused):
        raise resource
    if len(resource) != 1:
        raise BadReply("a router has one resource row")
    serial = "" if isinstance(board, Refused) or not board else board[0]  # a virtual router has no board
    clock_at = None if isinstance(clock, Refused) or not clock else clock[0]
    return Survey(resource[0], serial, observed, _dialins(*secrets, *ppp) if with_dialins else None, clock_at)


async def observe_dialins(router: HotspotRouter) -> ObservedDialins:
    """Read what is compared of PPPoE customers: sessions first, in two round trips. Raises Unreachable or AuthFailed."""
    ppp = await router.look(*_DIALINS)
    return _dialins(*await router.look(dialin_menus.SECRETS), *ppp)


def _dialins(*shown: list[Any] | Refused) -> ObservedDialins:
    """Secrets, profiles, sessions, bound interfaces, interfaces. Bytes nobody shows are no reason to do nothing."""
    rows = [() if isinstance(each, Refused) else tuple(each) for each in shown]
    return ObservedDialins(*rows, complete=not any(isinstance(each, Refused) for each in shown[:3]))


async def _read_whole(router: HotspotRouter, *also: Menu[Any]) -> tuple[list[list[Any] | Refused], Observed]:
    more, observed, _ = await _read_all(router, *also)
    return more, observed


async def _read_all(
    router: HotspotRouter, *also: Menu[Any], last: tuple[Menu[Any], ...] = ()
) -> tuple[list[list[Any] | Refused], Observed, list[list[Any] | Refused]]:
    """What the other menus hold, everything reconcile compares (sessions first, then users, see Observed), and what the
    menus of the second round trip hold."""
    *more, profiles, active = await router.look(*also, menus.USER_PROFILES, menus.ACTIVE)
    users, cookies, hosts, *rest = await router.look(menus.USERS, menus.COOKIES, menus.HOSTS, *last)
    read = (users, active, cookies, hosts, profiles)
    rows = [() if isinstance(each, Refused) else tuple(each) for each in read]
    return more, Observed(*rows, complete=not any(isinstance(each, Refused) for each in read)), rest


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
        await _end(group, router, outcomes)
    elif isinstance(group[0], AddUser):
        _take(group, await router.add_users([each.user for each in group if isinstance(each, AddUser)]), outcomes)
    elif isinstance(group[0], ChangeUser):
        changes = [(each.name, each.changes) for each in group if isinstance(each, ChangeUser)]
        _take(group, await router.set_users(changes), outcomes)
    else:
        written = await router.ensure_user_profiles([each.profile for each in group if isinstance(each, EnsureProfile)])
        _take(group, [RowResult(each.name, written.get(each.name)) for each in group], outcomes)


def _take(group: Sequence[Operation], rows: Sequence[RowResult], outcomes: list[Outcome]) -> None:
    outcomes += [Outcome(operation, row.error) for operation, row in zip(group, rows, strict=True)]
    lost = next((row.error for row in rows if row.error and not isinstance(row.error, Refused)), None)
    if lost:
        raise lost


async def _end(group: Sequence[Operation], router: HotspotRouter, outcomes: list[Outcome]) -> None:
    """All at once; by halves where the router refuses, to find out which, as long as that takes few tries."""
    waiting, tries = [group], 0
    while waiting:
        some = waiting.pop()
        refused = await _refusal(router.end_access([operation.name for operation in some]))
        tries += 1
        if refused is None or len(some) == 1 or tries >= MOST_TRIES:
            outcomes += [Outcome(operation, refused) for operation in some]
        else:
            middle = len(some) // 2
            waiting += [some[middle:], some[:middle]]


async def _refusal(work: Awaitable[object]) -> Refused | None:
    try:
        await work
    except Refused as refusal:
        return refusal
    return None
