"""What a router is to do next, as jobs: whoever waits is let in, whoever ended is put off, then what a complete pass found.

Everything may be done twice, so what nobody acknowledged is simply given again."""

import logging
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from portal import access_grants, routers
from portal.access_grants import Grant
from portal.db import atomic
from portal.desired import desired_state, new_user, profile_of
from portal.pulls.conversation import Sent, Talk
from portal.vault import Vault
from routeros.operations import AddUser, ChangeUser, EndAccess, EnsureProfile, Operation, Plan, Why
from routeros.reconcile import Brakes, Desired, Observed, plan
from routeros.script.pull import fitting
from routeros.script.pull_rows import write_job
from routeros.script.pull_values import Action, Drop, PullJob, Report, StateKind
from routeros.values import LogIn, profile_changes

log = logging.getLogger(__name__)

#: A slow board takes a fifth of a second for each; meanwhile it does not ask, and must not be taken for silent.
MOST_JOBS = 100
#: Sessions before users, as in every read (routeros.reconcile.Observed).
KINDS = (StateKind.PROFILES, StateKind.ACTIVE, StateKind.USERS, StateKind.COOKIES, StateKind.HOSTS)
RELEASED = Brakes(max_share=1.0, max_count=sys.maxsize)


class Task(NamedTuple):
    """An action before it has a number. `grant` None: for a complete pass."""

    action: Action
    grant: int | None = None


def reports() -> list[Task]:
    """Tell everything."""
    return [Task(Report(kind)) for kind in KINDS]


async def due(talk: Talk, *, vault: Vault, now: datetime) -> list[Task]:
    """Grants that cannot wait for a complete pass: devices to let in first, they stand there; then endings."""
    tasks: list[Task] = []
    known = set(talk.profiles)
    for grant in await access_grants.due(talk.router_id, vault=vault, now=now):
        some = _admission(grant, known, now=now)
        if all(can_be_said(task.action) for task in some):
            tasks += some
        else:
            await _set_aside(grant, now=now)
    endings = await access_grants.endings_due(talk.router_id, now=now, limit=MOST_JOBS)
    return [*tasks, *(Task(EndAccess(ending.user_name, Why.ENDED), ending.id) for ending in endings)]


def _admission(grant: Grant, known: set[str], *, now: datetime) -> list[Task]:
    tasks: list[Task] = []
    if grant.status == "wanted":
        profile = profile_of(grant.terms)
        if profile.name not in known or grant.tries:
            known.add(profile.name)
            tasks.append(Task(EnsureProfile(profile)))
        tasks.append(Task(AddUser(new_user(grant, now=now)), grant.id))
    if grant.is_login_wanted and grant.mac and grant.ip:
        tasks.append(Task(LogIn(grant.user_name, grant.password, ip=grant.ip, mac=grant.mac), grant.id))
    return tasks


def can_be_said(action: Action) -> bool:
    """Whether the words for it are such as a router may be given."""
    try:
        write_job(action)
    except ValueError:
        return False
    return True


async def _set_aside(grant: Grant, *, now: datetime) -> None:
    """One grant that cannot be put into words must not keep the others from their router."""
    log.error("a grant cannot be said to its router", extra={"grant": grant.id})
    async with atomic() as tx:
        await access_grants.failed(tx, grant, "these terms cannot be written for a router", now=now)


class Pass(NamedTuple):
    """A complete pass as it stands: what is left to do, the whole plan, and the profiles that are as they should be."""

    left: list[Task]
    wanted: Plan
    profiles: list[str]


async def of_pass(talk: Talk, seen: Observed, *, vault: Vault, now: datetime) -> Pass:
    """Compare what was seen with the grants as they are now. The wishes are read after the router: a grant made in between is
    missing there, which is true, never surplus."""
    visit = talk.visit
    assert visit is not None
    at = visit.seen_at or now
    desired = desired_state(await access_grants.all_of(talk.router_id, vault=vault), now=at)
    is_released = await routers.are_brakes_released(talk.router_id, now=now)
    wanted = plan(desired, seen, brakes=RELEASED if is_released else Brakes())
    dealt_with = {*visit.done, *visit.failed}
    left = [Task(operation) for operation in wanted.operations if key_of(operation) not in dealt_with]
    return Pass([task for task in left if can_be_said(task.action)], wanted, _profiles(desired, seen, visit.done))


def _profiles(desired: Desired, seen: Observed, done: Iterable[str]) -> list[str]:
    found, made = {profile.name: profile for profile in seen.profiles}, set(done)
    return sorted(
        name
        for name, profile in desired.profiles.items()
        if f"profile:{name}" in made or (name in found and not profile_changes(found[name], profile))
    )


_VERBS: Mapping[type[Action], str] = {
    AddUser: "user",
    ChangeUser: "set",
    EndAccess: "end",
    EnsureProfile: "profile",
    LogIn: "login",
    Report: "report",
    Drop: "drop",
}


def verb_of(action: Action) -> str:
    """The action's word on the wire."""
    return _VERBS[type(action)]


def name_of(action: Action) -> str:
    """Whom or what it is about."""
    match action:
        case LogIn():
            return action.user
        case Report():
            return action.kind.value
        case Drop():  # one user may have several sessions
            return "/".join((action.kind, action.name, *action.values))
        case _:
            return action.name


def key_of(operation: Operation) -> str:
    """How a pass remembers an operation."""
    return key_of_task(operation)


def key_of_task(action: Action) -> str:
    """The same for every action."""
    return f"{verb_of(action)}:{name_of(action)}"


def numbered(talk: Talk, tasks: Sequence[Task], *, is_proof: bool = False) -> tuple[PullJob, ...]:
    """Give as many as fit into one answer their numbers, and note them as waiting. The rest is found left next time."""
    jobs = fitting([PullJob(talk.number(), task.action) for task in tasks[:MOST_JOBS]])
    for job, task in zip(jobs, tasks, strict=False):
        action = task.action
        talk.waiting.append(
            Sent(
                number=job.number,
                verb=verb_of(action),
                name=name_of(action),
                grant=task.grant,
                mac=action.mac if isinstance(action, LogIn) else "",
                ip=action.ip if isinstance(action, LogIn) else "",
                is_proof=is_proof,
            )
        )
    return jobs
