"""A router as plain values, for reconcile tests: operations change it as a real one would. No wire, no clock."""

from dataclasses import replace

from routeros.operations import AddUser, ChangeUser, EndAccess, EnsureProfile, Operation
from routeros.reconcile import DesiredUser, Observed
from routeros.values import ActiveSession, CookieRow, HotspotUser, UserProfile

PROFILE = UserProfile(name="vocha-512k-1m-x1", rate_limit="512k/1M")


def name(number: int) -> str:
    return f"vocha-{number:016x}"


def wish(number: int, *, remaining: int | None = 3600, limit_uptime: int | None = None) -> DesiredUser:
    return DesiredUser(
        name=name(number),
        password=f"pw{number}",
        profile=PROFILE.name,
        grant_id=str(number),
        remaining=remaining,
        limit_uptime=limit_uptime,
    )


def row(number: int, *, uptime: int = 0, limit_uptime: int | None = 3600) -> HotspotUser:
    return HotspotUser(
        name=name(number),
        password=f"pw{number}",
        profile=PROFILE.name,
        comment=f"vocha:{number}",
        limit_uptime=limit_uptime,
        uptime=uptime,
        id=f"*{number:X}",
    )


def session(user: str, uptime: int = 60) -> ActiveSession:
    return ActiveSession(user=user, address="10.5.50.9", mac_address="AA:BB:CC:00:00:01", uptime=uptime)


def cookie(user: str) -> CookieRow:
    return CookieRow(user=user, mac_address="AA:BB:CC:00:00:01")


def seen(
    *users: HotspotUser,
    active: tuple[ActiveSession, ...] = (),
    cookies: tuple[CookieRow, ...] = (),
    profiles: tuple[UserProfile, ...] = (PROFILE,),
    complete: bool = True,
) -> Observed:
    return Observed(users=users, active=active, cookies=cookies, profiles=profiles, complete=complete)


def after(operations: tuple[Operation, ...], observed: Observed) -> Observed:
    """The router once all operations are done; AssertionError when one could not be (its profile or row missing)."""
    for operation in operations:
        observed = _after_one(operation, observed)
    return observed


def _after_one(operation: Operation, old: Observed) -> Observed:
    if isinstance(operation, EndAccess):
        return replace(
            old,
            users=tuple(user for user in old.users if user.name != operation.name),
            active=tuple(each for each in old.active if each.user != operation.name),
            cookies=tuple(each for each in old.cookies if each.user != operation.name),
        )
    if isinstance(operation, EnsureProfile):
        others = tuple(profile for profile in old.profiles if profile.name != operation.name)
        return replace(old, profiles=(*others, operation.profile))
    if isinstance(operation, AddUser):
        assert operation.name not in {user.name for user in old.users}, "already have user with this name"
        assert operation.user.profile in {profile.name for profile in old.profiles}, "no such profile"
        return replace(old, users=(*old.users, operation.user))
    assert isinstance(operation, ChangeUser)
    assert operation.name in {user.name for user in old.users}, "no such item"
    users = tuple(replace(user, **operation.changes) if user.name == operation.name else user for user in old.users)
    return replace(old, users=users)
