"""What holds for every wish and every router, however odd."""

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from routeros.names import is_own_name, is_own_user
from routeros.operations import AddUser, EndAccess, EnsureProfile, Why
from routeros.reconcile import Brakes, Desired, DesiredUser, Observed, plan
from routeros.values import ActiveSession, CookieRow, HotspotUser, UserProfile
from tests.routeros.model import PROFILE, after, name

OTHER = UserProfile(name="vocha-full-xany", shared_users=None)
NUMBERS = st.integers(0, 12)
SECONDS = st.one_of(st.none(), st.integers(-100, 200_000))
NAMES = st.one_of(NUMBERS.map(name), st.sampled_from(["manager", "vocha-guest", "default-trial", "123456", "no", ""]))
COMMENTS = st.sampled_from(["", "vocha:", "vocha:1", "vocha:2", "by hand", "vocha"])
MACS = st.sampled_from(["", "AA:BB:CC:00:00:01"])

ROWS = st.builds(
    HotspotUser,
    name=NAMES,
    password=st.sampled_from([None, "no", "pw"]),
    profile=st.sampled_from(["default", PROFILE.name, OTHER.name]),
    comment=COMMENTS,
    mac_address=MACS,
    limit_uptime=st.one_of(st.none(), st.integers(1, 200_000)),
    limit_bytes_total=st.one_of(st.none(), st.integers(1, 10**10)),
    is_disabled=st.booleans(),
    is_dynamic=st.booleans(),
    uptime=st.integers(0, 200_000),
)
SESSIONS = st.builds(
    ActiveSession, user=NAMES, address=st.just("10.0.0.9"), mac_address=MACS, uptime=st.integers(0, 10**5)
)
COOKIES = st.builds(CookieRow, user=NAMES, mac_address=MACS)
PROFILES = st.lists(
    st.builds(
        UserProfile,
        name=st.sampled_from(["default", PROFILE.name, OTHER.name, "gold"]),
        rate_limit=st.sampled_from(["", "512k/1M", "512000/1M", "odd"]),
        shared_users=st.sampled_from([None, 1, 5]),
        add_mac_cookie=st.booleans(),
    ),
    unique_by=lambda profile: profile.name,
)
ROUTERS = st.builds(
    Observed,
    users=st.lists(ROWS, max_size=15, unique_by=lambda user: user.name).map(tuple),
    active=st.lists(SESSIONS, max_size=6).map(tuple),
    cookies=st.lists(COOKIES, max_size=6).map(tuple),
    profiles=PROFILES.map(tuple),
    complete=st.just(True),
)


@st.composite
def wishes(draw: st.DrawFn) -> Desired:
    users = [
        DesiredUser(
            name=name(number),
            password=draw(st.sampled_from(["no", "pw"])),
            profile=draw(st.sampled_from([PROFILE.name, OTHER.name])),
            grant_id=draw(st.sampled_from(["1", "2"])),
            remaining=draw(SECONDS),
            limit_uptime=draw(SECONDS),
            limit_bytes_total=draw(st.one_of(st.none(), st.integers(1, 10**10))),
            mac_address=draw(MACS).lower(),
        )
        for number in draw(st.sets(NUMBERS, max_size=8))
    ]
    ended = frozenset(map(name, draw(st.sets(NUMBERS, max_size=8))))
    profiles = {profile.name: profile for profile in (PROFILE, OTHER)}
    return Desired({user.name: user for user in users}, profiles, ended)


BRAKES = st.builds(Brakes, max_share=st.sampled_from([0.0, 0.2, 1.0]), max_count=st.sampled_from([0, 2, 200]))


@settings(max_examples=60, deadline=None)
@given(wishes(), ROUTERS, BRAKES)
def test_a_plan_once_applied_leaves_nothing_to_do(desired: Desired, observed: Observed, brakes: Brakes) -> None:
    first = plan(desired, observed, brakes=brakes)
    second = plan(desired, after(first.operations, observed), brakes=brakes)
    if first.held is None:
        assert second.operations == ()
        assert second.held is None
        assert replace(second.drift, clashes=()).is_none
    else:
        assert all(isinstance(operation, EndAccess) for operation in second.operations)


@settings(max_examples=60, deadline=None)
@given(wishes(), ROUTERS, BRAKES)
def test_no_operation_ever_names_a_foreign_row(desired: Desired, observed: Observed, brakes: Brakes) -> None:
    foreign = {user.name for user in observed.users if not is_own_user(user)}
    foreign |= {profile.name for profile in observed.profiles} - desired.profiles.keys()
    named = {operation.name for operation in plan(desired, observed, brakes=brakes).operations}
    assert not named & foreign
    assert all(is_own_name(each) for each in named - desired.profiles.keys())


@settings(max_examples=60, deadline=None)
@given(wishes(), ROUTERS)
def test_an_incomplete_read_leads_to_no_operation(desired: Desired, observed: Observed) -> None:
    assert plan(desired, replace(observed, complete=False)).operations == ()


@settings(max_examples=60, deadline=None)
@given(wishes(), ROUTERS, BRAKES)
def test_a_wanted_user_is_never_removed(desired: Desired, observed: Observed, brakes: Brakes) -> None:
    ended = {each.name for each in plan(desired, observed, brakes=brakes).operations if isinstance(each, EndAccess)}
    assert not ended & desired.users.keys()


@settings(max_examples=60, deadline=None)
@given(wishes(), ROUTERS, BRAKES)
def test_surprising_removals_stay_within_the_brakes(desired: Desired, observed: Observed, brakes: Brakes) -> None:
    operations = plan(desired, observed, brakes=brakes).operations
    surprises = [each for each in operations if isinstance(each, EndAccess) and each.why is not Why.ENDED]
    ours = {user.name for user in observed.users if is_own_user(user)}
    users = {each.user for each in (*observed.active, *observed.cookies)}
    ours |= {user for user in users if is_own_name(user)} - {user.name for user in observed.users}
    assert len(surprises) <= brakes.max_count
    assert len(surprises) <= brakes.max_share * len(ours)


@settings(max_examples=60, deadline=None)
@given(wishes(), ROUTERS)
def test_removals_come_first_and_profiles_before_their_users(desired: Desired, observed: Observed) -> None:
    order = {EndAccess: 0, EnsureProfile: 1}
    ranks = [order.get(type(operation), 2) for operation in plan(desired, observed).operations]
    assert ranks == sorted(ranks)


@settings(max_examples=60, deadline=None)
@given(wishes(), ROUTERS)
def test_every_new_user_carries_its_own_end_unless_it_has_none(desired: Desired, observed: Observed) -> None:
    for operation in plan(desired, observed).operations:
        if isinstance(operation, AddUser):
            wanted = desired.users[operation.name]
            endless = wanted.remaining is None and wanted.limit_uptime is None
            assert (operation.user.limit_uptime is None) is endless
            assert operation.user.limit_uptime is None or operation.user.limit_uptime >= 1
