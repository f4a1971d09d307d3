"""What reconcile decides, case by case."""

from dataclasses import replace

import pytest

from routeros.operations import AddUser, ChangeUser, Drift, EndAccess, EnsureProfile, Why
from routeros.reconcile import Brakes, Desired, DesiredUser, Observed, plan
from routeros.values import HotspotUser, UserProfile
from tests.routeros.model import PROFILE, after, cookie, name, row, seen, session, wish


def want(*users: DesiredUser, ended: tuple[int, ...] = ()) -> Desired:
    return Desired({user.name: user for user in users}, {PROFILE.name: PROFILE}, frozenset(map(name, ended)))


def test_a_router_as_it_should_be_gets_no_operation() -> None:
    made = plan(want(wish(1), wish(2)), seen(row(1), row(2)))
    assert made.operations == ()
    assert made.held is None
    assert made.drift.is_none


def test_a_missing_user_is_made_after_its_profile() -> None:
    made = plan(want(wish(1)), seen(profiles=()))
    assert [type(operation) for operation in made.operations] == [EnsureProfile, AddUser]
    added = made.operations[1]
    assert isinstance(added, AddUser)
    assert added.user == row(1)
    assert made.drift == Drift(missing=(name(1),), profiles=(PROFILE.name,))


@pytest.mark.parametrize(
    "found",
    [
        replace(PROFILE, rate_limit="50M/50M"),
        replace(PROFILE, shared_users=None),
        replace(PROFILE, add_mac_cookie=False),
    ],
)
def test_a_profile_that_sells_something_else_is_repaired(found: UserProfile) -> None:
    assert plan(want(wish(1)), seen(row(1), profiles=(found,))).operations == (EnsureProfile(PROFILE),)


def test_timeouts_a_merchant_tuned_are_left_alone() -> None:
    tuned = replace(PROFILE, idle_timeout=600, keepalive_timeout=None, rate_limit="512000/1000k")
    assert plan(want(wish(1)), seen(row(1), profiles=(tuned,))).operations == ()


def test_ended_grants_go_first_with_whatever_is_left_of_them() -> None:
    observed = seen(row(1), row(2), active=(session(name(2)), session(name(3))), cookies=(cookie(name(4)),))
    made = plan(want(wish(1), wish(5), ended=(2, 3, 4, 6)), observed)
    assert made.operations[:3] == tuple(EndAccess(name(n), Why.ENDED) for n in (2, 3, 4))
    assert isinstance(made.operations[3], AddUser)
    assert len(made.operations) == 4


def test_removals_that_were_asked_for_do_not_touch_the_brakes() -> None:
    observed = seen(*(row(n) for n in range(1000)))
    made = plan(want(ended=tuple(range(1000))), observed)
    assert made.held is None
    assert len(made.operations) == 1000


def test_users_of_ours_that_nobody_wants_are_removed() -> None:
    observed = seen(*(row(n) for n in range(10)))
    made = plan(want(*(wish(n) for n in range(8))), observed)
    assert made.operations == (EndAccess(name(8), Why.SURPLUS), EndAccess(name(9), Why.SURPLUS))


def test_more_than_a_fifth_of_surprises_stops_and_asks_but_customers_are_still_served() -> None:
    observed = seen(*(row(n) for n in range(10)))
    made = plan(want(*(wish(n) for n in range(6)), wish(100), ended=(6,)), observed)
    assert made.held is not None
    assert "3 of our 10" in made.held
    assert [type(each) for each in made.operations] == [EndAccess, AddUser]
    assert made.operations[0] == EndAccess(name(6), Why.ENDED)
    assert made.drift.surplus == (name(7), name(8), name(9))


def test_more_than_two_hundred_surprises_stop_and_ask_however_small_the_share() -> None:
    observed = seen(*(row(n) for n in range(2000)))
    assert plan(want(*(wish(n) for n in range(1800))), observed).held is None
    made = plan(want(*(wish(n) for n in range(1799))), observed)
    assert made.held is not None
    assert made.operations == ()


def test_an_empty_wish_never_empties_a_router() -> None:
    made = plan(want(), seen(row(1), active=(session(name(1)),)))
    assert made.operations == ()
    assert made.held is not None


def test_released_brakes_let_the_surprises_go() -> None:
    made = plan(want(), seen(row(1)), brakes=Brakes(max_share=1, max_count=1))
    assert made.operations == (EndAccess(name(1), Why.SURPLUS),)


def test_sessions_and_cookies_whose_user_is_gone_are_ended() -> None:
    observed = seen(*(row(n) for n in range(10)), active=(session(name(50)),), cookies=(cookie(name(51)),))
    made = plan(want(*(wish(n) for n in range(10))), observed)
    assert made.operations == (EndAccess(name(50), Why.LINGERING), EndAccess(name(51), Why.LINGERING))


def test_a_session_of_a_wanted_user_whose_row_was_lost_is_kept_and_the_user_made_again() -> None:
    made = plan(want(wish(1, remaining=3000)), seen(active=(session(name(1), uptime=600),)))
    [operation] = made.operations
    assert isinstance(operation, AddUser)
    assert operation.user.limit_uptime == 3600


@pytest.mark.parametrize(
    "foreign",
    [
        HotspotUser(name="manager", comment="vocha:1"),
        HotspotUser(name=name(1), comment="made by hand"),
        HotspotUser(name="vocha-guest", comment="vocha:1"),
        HotspotUser(name=name(1), comment="vocha:1", is_dynamic=True),
    ],
)
def test_a_foreign_row_is_never_touched_even_when_its_name_is_wanted_or_ended(foreign: HotspotUser) -> None:
    observed = seen(foreign, active=(session(foreign.name),), cookies=(cookie(foreign.name),))
    for desired in (want(), want(ended=(1,)), want(wish(1))):
        made = plan(desired, observed, brakes=Brakes(max_share=1))
        assert foreign.name not in {operation.name for operation in made.operations}
    clashes = plan(want(wish(1)), observed).drift.clashes
    assert clashes == ((name(1),) if foreign.name == name(1) else ())


def test_nothing_is_done_after_an_incomplete_read() -> None:
    made = plan(want(wish(1), ended=(2,)), seen(row(2), row(3), complete=False))
    assert made.operations == ()
    assert made.held is not None
    assert plan(want(wish(1)), Observed()).operations == ()


def test_a_hidden_password_is_believed_and_a_wrong_one_is_mended() -> None:
    assert plan(want(wish(1)), seen(replace(row(1), password=None))).operations == ()
    made = plan(want(wish(1)), seen(replace(row(1), password="123")))
    assert made.operations == (ChangeUser(name(1), {"password": "pw1"}),)
    assert "pw1" not in repr(made)


def test_every_field_that_drifted_is_mended_and_no_other() -> None:
    odd = replace(
        row(1),
        profile="default",
        comment="vocha:9",
        mac_address="AA:BB:CC:00:00:01",
        limit_bytes_total=5,
        is_disabled=True,
    )
    [operation] = plan(want(wish(1)), seen(odd)).operations
    assert operation == ChangeUser(
        name(1),
        {
            "profile": PROFILE.name,
            "comment": "vocha:1",
            "mac_address": "",
            "limit_bytes_total": None,
            "is_disabled": False,
        },
    )


def test_a_device_lock_is_the_same_in_any_case_and_is_set_where_it_is_missing() -> None:
    locked = replace(wish(1), mac_address="aa:bb:cc:00:00:01")
    assert plan(want(locked), seen(replace(row(1), mac_address="AA:BB:CC:00:00:01"))).operations == ()
    [operation] = plan(want(locked), seen(row(1))).operations
    assert operation == ChangeUser(name(1), {"mac_address": "AA:BB:CC:00:00:01"})


def limits(*users: HotspotUser, wanted: DesiredUser, online: int | None = None) -> dict[str, int | None]:
    active = () if online is None else (session(wanted.name, uptime=online),)
    operations = plan(want(wanted), seen(*users, active=active)).operations
    return {each.name: each.changes.get("limit_uptime", -1) for each in operations if isinstance(each, ChangeUser)}


def test_the_limit_is_used_time_plus_remaining_time() -> None:
    assert limits(row(1, uptime=1000, limit_uptime=3600), wanted=wish(1, remaining=3000), online=500) == {name(1): 4500}


def test_an_hour_that_runs_while_online_is_not_written_again_and_again() -> None:
    for gone in range(0, 3600, 100):
        assert limits(row(1), wanted=wish(1, remaining=3600 - gone), online=gone) == {}


def test_time_the_customer_would_lose_is_mended_sooner_than_time_he_would_gain() -> None:
    assert limits(row(1), wanted=wish(1, remaining=3610)) == {}
    assert limits(row(1), wanted=wish(1, remaining=3620)) == {name(1): 3620}
    assert limits(row(1), wanted=wish(1, remaining=3500), online=60) == {}
    assert limits(row(1), wanted=wish(1, remaining=3400), online=60) == {name(1): 3460}


def test_somebody_offline_does_not_wear_the_flash_with_every_minute_that_passes() -> None:
    day = row(1, limit_uptime=86400)
    assert limits(day, wanted=wish(1, remaining=86400 - 3000)) == {}
    assert limits(day, wanted=wish(1, remaining=86400 - 4000)) == {name(1): 82400}


def test_a_limit_is_never_zero_because_zero_means_endless() -> None:
    [added] = plan(want(wish(1, remaining=0)), seen()).operations
    assert isinstance(added, AddUser)
    assert added.user.limit_uptime == 1
    assert limits(row(1, limit_uptime=3600), wanted=wish(1, remaining=-50), online=0) == {name(1): 1}


def test_the_lesser_of_wall_time_and_bought_uptime_applies() -> None:
    assert limits(row(1), wanted=wish(1, remaining=9999, limit_uptime=7200)) == {name(1): 7200}
    assert limits(row(1), wanted=wish(1, remaining=100, limit_uptime=7200), online=0) == {name(1): 100}


def test_an_endless_user_has_its_limit_lifted() -> None:
    assert limits(row(1), wanted=wish(1, remaining=None)) == {name(1): None}
    assert limits(row(1, limit_uptime=None), wanted=wish(1, remaining=None)) == {}
    assert limits(row(1, limit_uptime=None), wanted=wish(1, remaining=3600)) == {name(1): 3600}


def test_a_user_both_wanted_and_ended_stays() -> None:
    assert plan(want(wish(1), ended=(1,)), seen(row(1))).operations == ()


def test_rows_are_matched_by_name_whatever_their_ids() -> None:
    shuffled = seen(replace(row(1), id="*2"), replace(row(2), id="*1"))
    assert plan(want(wish(1), wish(2)), shuffled).operations == ()


def test_a_wish_that_could_touch_foreign_objects_is_refused() -> None:
    with pytest.raises(ValueError, match="name of ours"):
        Desired({}, {}, frozenset({"manager"}))
    with pytest.raises(ValueError, match="name of ours"):
        Desired({}, {"default": replace(PROFILE, name="default")})
    with pytest.raises(ValueError, match="under its name"):
        Desired({name(2): wish(1)}, {PROFILE.name: PROFILE})
    with pytest.raises(ValueError, match="desired profile"):
        Desired({name(1): wish(1)}, {})


def test_the_second_pass_writes_nothing() -> None:
    observed = seen(*(row(n, uptime=n * 100) for n in range(20)), HotspotUser(name="manager"), profiles=())
    desired = want(*(wish(n) for n in range(3, 25)), ended=(0,))
    first = plan(desired, observed)
    assert first.operations
    second = plan(desired, after(first.operations, observed))
    assert second.operations == ()
    assert second.drift.is_none
