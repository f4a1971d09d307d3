"""What to do to make a router equal to its grants: plan(desired, observed) -> operations, with brakes. Pure.

Rows are matched by name, never by id, and only rows that are ours by name and comment are ever named in an
operation. Nothing is planned from an incomplete read. Applying a plan and planning again gives an empty plan.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from routeros.names import comment_for, is_own_name, is_own_profile_name, is_own_user
from routeros.operations import AddUser, ChangeUser, Drift, EndAccess, EnsureProfile, Plan, Why
from routeros.values import (
    ActiveSession,
    CookieRow,
    HostRow,
    HotspotUser,
    UserChanges,
    UserProfile,
    profile_changes,
)


@dataclass(frozen=True, slots=True)
class DesiredUser:
    """A grant as the router should hold it.

    `remaining` is the wall-clock seconds left at the time of the read: the router gets `limit-uptime` = used +
    remaining, so that access ends even without us. `limit_uptime` and `limit_bytes_total` are totals that come with
    the package. The least applies; None is no such limit. `profile` is the name of a desired profile.
    """

    name: str
    password: str = field(repr=False)
    profile: str
    grant_id: str
    remaining: int | None = None
    limit_uptime: int | None = None
    limit_bytes_total: int | None = None
    mac_address: str = ""


@dataclass(frozen=True, slots=True)
class Desired:
    """Everything a router should hold of ours.

    `ended` names users whose grants have ended: their removal is asked for and does not count against the brakes.
    A user that is both desired and ended is desired. ValueError when a name could not be ours or a profile is missing.
    """

    users: Mapping[str, DesiredUser]
    profiles: Mapping[str, UserProfile]
    ended: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        if not all(is_own_name(name) for name in (*self.users, *self.ended)):
            raise ValueError("a desired or ended user must have a name of ours")
        if not all(is_own_profile_name(name) for name in self.profiles):
            raise ValueError("a desired profile must have a name of ours")
        if any(name != user.name or user.profile not in self.profiles for name, user in self.users.items()):
            raise ValueError("a desired user must stand under its name and use a desired profile")
        if any(name != profile.name for name, profile in self.profiles.items()):
            raise ValueError("a desired profile must stand under its name")


@dataclass(frozen=True, slots=True)
class Observed:
    """What one read saw. `complete` only if every reply of it ended well.

    Sessions must have been read before users: a session that ends in between is then counted twice, in the
    customer's favour, rather than not at all.
    """

    users: tuple[HotspotUser, ...] = ()
    active: tuple[ActiveSession, ...] = ()
    cookies: tuple[CookieRow, ...] = ()
    hosts: tuple[HostRow, ...] = ()
    profiles: tuple[UserProfile, ...] = ()
    complete: bool = False


@dataclass(frozen=True, slots=True)
class Brakes:
    """Above either, removals nobody asked for are held: the share of our users on the router, or their number."""

    max_share: float = 0.2
    max_count: int = 200


@dataclass(frozen=True, slots=True)
class Tolerance:
    """By how many seconds limit-uptime may be off before it is written; every write wears the router's flash.

    Too low robs the customer, so it is mended early. Too high matters only if we are away when time ends, and for
    somebody who is not online only after a new login, so it may wait.
    """

    too_low: int = 15
    too_high: int = 60
    too_high_offline: int = 3600


def plan(
    desired: Desired, observed: Observed, *, brakes: Brakes = Brakes(), tolerance: Tolerance = Tolerance()
) -> Plan:
    """Compare and decide. Order: ended grants off, then surprises off, profiles, new users, changed users.

    Above the brakes the surprises are left out and `held` says so; everything else goes on, because somebody paid.
    """
    if not observed.complete:
        return Plan(held="the router was not read completely")
    seen = _Seen(observed)
    known = desired.users.keys() | desired.ended
    added = [
        AddUser(_new_row(user, seen))
        for name, user in sorted(desired.users.items())
        if name not in seen.own and name not in seen.foreign
    ]
    changed = [
        ChangeUser(name, changes)
        for name, row in sorted(seen.own.items())
        if name in desired.users and (changes := _changes(desired.users[name], row, seen, tolerance))
    ]
    drift = Drift(
        missing=tuple(each.name for each in added),
        changed=tuple(each.name for each in changed),
        ended=_sorted(seen.own_names & desired.ended - desired.users.keys()),
        surplus=_sorted(seen.own.keys() - known),
        lingering=_sorted(seen.own_names - seen.own.keys() - known),
        profiles=_profiles_to_write(desired, observed),
        clashes=_sorted(known & seen.foreign),
    )
    held = _held(len(drift.surplus) + len(drift.lingering), len(seen.own_names), brakes)
    profiles = [EnsureProfile(desired.profiles[name]) for name in drift.profiles]
    return Plan((*_endings(drift, held=held), *profiles, *added, *changed), held, drift)


class _Seen:
    """The read, by name: our users, foreign users that bear a name of ours, and all names of ours still in use."""

    def __init__(self, observed: Observed) -> None:
        self.own = {user.name: user for user in observed.users if is_own_user(user)}
        self.foreign = {user.name for user in observed.users if is_own_name(user.name) and not is_own_user(user)}
        self.online: dict[str, int] = {}
        for session in observed.active:
            self.online[session.user] = self.online.get(session.user, 0) + session.uptime
        users = {*self.online, *(cookie.user for cookie in observed.cookies)}
        self.own_names = {*self.own, *(name for name in users if is_own_name(name))} - self.foreign

    def used(self, name: str) -> int:
        """Seconds of uptime the router has counted: ended sessions are on the user, running ones on themselves."""
        return (self.own[name].uptime if name in self.own else 0) + self.online.get(name, 0)


def _sorted(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(names))


def _held(surprises: int, ours: int, brakes: Brakes) -> str | None:
    if surprises > brakes.max_count or surprises > brakes.max_share * ours:
        return f"{surprises} of our {ours} users on the router are unknown to us; removing them needs a person's word"
    return None


def _endings(drift: Drift, *, held: str | None) -> list[EndAccess]:
    endings = [EndAccess(name, Why.ENDED) for name in drift.ended]
    if not held:
        endings += [EndAccess(name, Why.SURPLUS) for name in drift.surplus]
        endings += [EndAccess(name, Why.LINGERING) for name in drift.lingering]
    return endings


def _profiles_to_write(desired: Desired, observed: Observed) -> tuple[str, ...]:
    found = {profile.name: profile for profile in observed.profiles}
    return _sorted(
        name for name, wanted in desired.profiles.items() if name not in found or profile_changes(found[name], wanted)
    )


def _limit_uptime(wanted: DesiredUser, seen: _Seen) -> int | None:
    """The total the router should stop at; at least 1, because 0 would mean no limit."""
    totals: list[int] = []
    if wanted.remaining is not None:
        totals.append(seen.used(wanted.name) + wanted.remaining)
    if wanted.limit_uptime is not None:
        totals.append(wanted.limit_uptime)
    return max(min(totals), 1) if totals else None


def _is_off(limit: int | None, wanted: int | None, *, online: bool, tolerance: Tolerance) -> bool:
    if limit is None or wanted is None:
        return limit != wanted
    if limit < wanted:
        return wanted - limit > tolerance.too_low
    return limit - wanted > (tolerance.too_high if online else tolerance.too_high_offline)


def _new_row(wanted: DesiredUser, seen: _Seen) -> HotspotUser:
    return HotspotUser(
        name=wanted.name,
        password=wanted.password,
        profile=wanted.profile,
        comment=comment_for(wanted.grant_id),
        mac_address=wanted.mac_address.upper(),
        limit_uptime=_limit_uptime(wanted, seen),
        limit_bytes_total=wanted.limit_bytes_total,
    )


def _changes(wanted: DesiredUser, row: HotspotUser, seen: _Seen, tolerance: Tolerance) -> UserChanges:
    """Fields to set on our existing row; a password the router does not show is believed."""
    goal = _new_row(wanted, seen)
    changes: UserChanges = {}
    if row.password is not None and row.password != wanted.password:
        changes["password"] = wanted.password
    if row.profile != goal.profile:
        changes["profile"] = goal.profile
    if row.comment != goal.comment:
        changes["comment"] = goal.comment
    if row.mac_address != goal.mac_address:
        changes["mac_address"] = goal.mac_address
    if _is_off(row.limit_uptime, goal.limit_uptime, online=row.name in seen.online, tolerance=tolerance):
        changes["limit_uptime"] = goal.limit_uptime
    if row.limit_bytes_total != goal.limit_bytes_total:
        changes["limit_bytes_total"] = goal.limit_bytes_total
    if row.is_disabled:
        changes["is_disabled"] = False
    return changes
