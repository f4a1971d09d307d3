"""What a login sets in motion on the router: the queue, the address list, the scripts; and who is asked about a user."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from routeros.simulator.behaviour import Behaviour
from routeros.simulator.clock import VirtualClock, frozen
from routeros.simulator.rates import queue_values
from routeros.simulator.refusals import ERROR_TEXTS, LoginRefused, RadiusQuestion
from routeros.simulator.router import SimulatedRouter
from routeros.simulator.servlet import stock_pages
from routeros.simulator.servlet.variables import has_trial
from tests.routeros.simulator.raw_client import RawClient

IP, MAC = "10.5.50.9", "02:00:00:00:00:09"
LIST = "/ip/firewall/address-list"


def _router(behaviour: Behaviour | None = None, *, login_by: str = "http-pap") -> SimulatedRouter:
    clock = VirtualClock(datetime(2026, 3, 1, 9, 0, tzinfo=UTC), monotonic=frozen)
    router = SimulatedRouter(clock=clock, behaviour=behaviour, login_by=login_by)
    router.hotspot.users.add({"name": "v1", "password": "p1"})
    return router


def _profile(router: SimulatedRouter, **values: str) -> None:
    profiles = router.hotspot.user_profiles
    profiles.change(profiles.named("default")[0], {name.replace("_", "-"): value for name, value in values.items()})


def _login(router: SimulatedRouter, name: str = "v1", by: str = "http-pap") -> None:
    router.hotspot.login(ip=IP, mac=MAC, username=name, password="p1", by=by)


def _listed(router: SimulatedRouter) -> list[tuple[str, str, bool]]:
    return [(row.get("list"), row.get("address"), row.is_dynamic) for row in router.tables[LIST]]


def test_a_phone_is_on_its_profiles_address_list_while_it_is_online() -> None:
    router = _router()
    _profile(router, address_list="paid")
    router.tables[LIST].add({"list": "paid", "address": "10.0.0.1"})
    _login(router)
    assert _listed(router) == [("paid", "10.0.0.1", False), ("paid", IP, True)]
    router.hotspot.logout(IP)
    assert _listed(router) == [("paid", "10.0.0.1", False)]


def test_a_power_cut_empties_the_dynamic_rows_only() -> None:
    router = _router()
    _profile(router, address_list="paid", rate_limit="1M/2M")
    router.tables[LIST].add({"list": "paid", "address": "10.0.0.1"})
    _login(router)
    assert len(router.tables["/queue/simple"]) == 1
    router.power_cut()
    assert _listed(router) == [("paid", "10.0.0.1", False)]
    assert len(router.tables["/queue/simple"]) == 0


async def test_dynamic_list_rows_are_marked_and_cannot_be_changed_by_hand() -> None:
    async with _router() as router, await RawClient.connect(router) as client:
        _profile(router, address_list="paid")
        _login(router)
        (row,) = await client.rows(f"{LIST}/print")
        assert (row["address"], row["dynamic"]) == (IP, "true")
        assert await client.trap(f"{LIST}/remove", f"=.id={row['.id']}") == "failure: can not change dynamic entry"


@pytest.mark.parametrize(
    ("rate_limit", "expected"),
    [
        ("512k/1M", {"max-limit": "512000/1000000"}),
        ("2M", {"max-limit": "2000000/2000000"}),
        (
            "1M/2M 2M/4M 750k/1500k 8/16 5 256k/512k",
            {
                "max-limit": "1000000/2000000",
                "burst-limit": "2000000/4000000",
                "burst-threshold": "750000/1500000",
                "burst-time": "8s/16s",
                "priority": "5/5",
                "limit-at": "256000/512000",
            },
        ),
    ],
)
def test_a_rate_limit_becomes_a_queue_with_the_clients_upload_first(rate_limit: str, expected: dict[str, str]) -> None:
    assert queue_values(rate_limit) == expected
    router = _router()
    _profile(router, rate_limit=rate_limit)
    _login(router)
    (queue,) = router.tables["/queue/simple"]
    assert (queue.get("name"), queue.get("target")) == ("<hotspot-v1>", f"{IP}/32")
    assert expected.items() <= queue.values.items()


@pytest.mark.parametrize("wrong", ["fast", "1M/", "1M/2M/3M", "1M 2M 3M 4 5 6 7", "-1M", "1.5M", "1M/2M x/y"])
async def test_a_rate_limit_that_is_none_is_refused(wrong: str) -> None:
    async with _router() as router, await RawClient.connect(router) as client:
        words = ("/ip/hotspot/user/profile/add", "=name=p", f"=rate-limit={wrong}")
        assert await client.trap(*words) == "invalid value for argument rate-limit"


def test_login_and_logout_scripts_are_noted_with_what_they_would_see() -> None:
    router = _router()
    _profile(router, on_login=":log info $user", on_logout=":log info $cause")
    heard: list[str] = []
    router.hotspot.accounts.effects.watchers.append(lambda call: heard.append(call.kind))
    _login(router)
    router.hotspot.count_traffic(IP, 1000, 2000)
    router.clock.advance(61)
    router.hotspot.logout(IP, cause="admin reset")
    login, logout = router.hotspot.accounts.effects.script_calls
    assert (login.kind, login.source, login.profile) == ("on-login", ":log info $user", "default")
    who = {"user": "v1", "username": "v1", "address": IP, "mac-address": MAC, "interface": "bridge"}
    assert login.variables == who
    assert (logout.kind, logout.source) == ("on-logout", ":log info $cause")
    assert who.items() <= logout.variables.items()
    assert {k: logout.variables[k] for k in ("cause", "uptime-secs", "bytes-in", "bytes-out", "bytes-total")} == {
        "cause": "admin reset",
        "uptime-secs": "61",
        "bytes-in": "1000",
        "bytes-out": "2000",
        "bytes-total": "3000",
    }
    assert (logout.at - login.at).total_seconds() == 61
    assert heard == ["on-login", "on-logout"]


def test_without_a_script_nothing_is_noted_and_a_power_cut_runs_none() -> None:
    router = _router()
    _login(router)
    router.hotspot.logout(IP)
    assert not router.hotspot.accounts.effects.script_calls
    _profile(router, on_logout=":log info bye")
    _login(router)
    router.power_cut()
    assert not router.hotspot.accounts.effects.script_calls


@pytest.mark.parametrize(
    ("order", "known", "unknown"),
    [("local-first", None, "asks RADIUS"), ("radius-first", "asks RADIUS", "asks RADIUS")],
)
def test_who_is_asked_first_is_a_switch_where_radius_is_on(order: str, known: str | None, unknown: str) -> None:
    router = _router(Behaviour(radius_order="radius-first" if order == "radius-first" else "local-first"))
    assert _outcome(router, "nobody") == "invalid-username"
    assert _outcome(router, "v1") is None
    router.hotspot.logout(IP)
    assert router.hotspot.profile is not None
    router.tables["/ip/hotspot/profile"].change(router.hotspot.profile, {"use-radius": "yes"})
    assert _outcome(router, "v1") == known
    assert _outcome(router, "nobody") == unknown


def _outcome(router: SimulatedRouter, name: str) -> str | None:
    try:
        _login(router, name)
    except LoginRefused as refusal:
        return refusal.key
    except RadiusQuestion:
        return "asks RADIUS"
    return None


def test_a_trial_is_offered_while_it_is_open_and_again_after_its_reset() -> None:
    router = _router(login_by="trial,http-pap")
    hotspot = router.hotspot
    assert hotspot.profile is not None
    router.tables["/ip/hotspot/profile"].change(
        hotspot.profile, {"trial-uptime-limit": "10m", "trial-uptime-reset": "2h", "trial-user-profile": "default"}
    )
    assert has_trial(hotspot, MAC)
    _login(router, f"T-{MAC}", by="trial")
    router.clock.advance(601)
    hotspot.tick()
    assert hotspot.session(IP) is None
    assert not hotspot.trials.is_open(MAC, hotspot.profile, now=router.clock.now())
    assert not has_trial(hotspot, MAC)
    assert hotspot.trials.is_open("02:00:00:00:00:77", hotspot.profile, now=router.clock.now())
    assert _outcome(router, f"T-{MAC}") is not None
    router.clock.advance(2 * 3600)
    assert has_trial(hotspot, MAC)


def test_every_refusal_has_its_line_in_errors_txt() -> None:
    lines = dict(
        line.split(" = ", 1) for line in stock_pages()["errors.txt"].decode().splitlines() if " = " in line[:30]
    )
    assert lines == ERROR_TEXTS
    assert ERROR_TEXTS["otp-already-used"] == "this OTP token is already used"
