"""The hotspot's promises on virtual time: who gets in, for how long, what ends it, what is remembered and what is lost."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from routeros.simulator.behaviour import Behaviour
from routeros.simulator.board import Board
from routeros.simulator.clock import VirtualClock, frozen
from routeros.simulator.hotspot import Hotspot
from routeros.simulator.refusals import LoginRefused
from routeros.simulator.router import SimulatedRouter
from routeros.simulator.sessions import Active
from routeros.simulator.tables import Row
from tests.routeros.simulator.raw_client import RawClient

IP, MAC = "10.5.50.9", "02:00:00:00:00:09"
OTHER_IP, OTHER_MAC = "10.5.50.10", "02:00:00:00:00:0A"
ALL_WAYS = "mac,cookie,http-chap,http-pap,trial,mac-cookie"


def _still() -> VirtualClock:
    return VirtualClock(datetime(2026, 3, 1, 9, 0, tzinfo=UTC), monotonic=frozen)


def _hotspot(behaviour: Behaviour | None = None, *, login_by: str = "http-pap", license_cap: int = 200) -> Hotspot:
    return Hotspot(clock=_still(), behaviour=behaviour, login_by=login_by, license_cap=license_cap)


@pytest.fixture
def hotspot() -> Iterator[Hotspot]:
    return _hotspot()


def _user(hotspot: Hotspot, **more: str) -> Row:
    return hotspot.users.add({"name": "v1", "password": "p1", **{k.replace("_", "-"): v for k, v in more.items()}})


def _login(
    hotspot: Hotspot, *, ip: str = IP, mac: str = MAC, name: str = "v1", password: str = "p1", by: str = "http-pap"
) -> Active:
    return hotspot.login(ip=ip, mac=mac, username=name, password=password, by=by)


def _refusal(hotspot: Hotspot, **more: str) -> LoginRefused:
    with pytest.raises(LoginRefused) as refused:
        _login(hotspot, **more)
    return refused.value


def _pass(hotspot: Hotspot, seconds: float) -> None:
    hotspot.clock.advance(seconds)
    hotspot.tick()


def _messages(hotspot: Hotspot) -> list[str]:
    return [line.message for line in hotspot.log.lines]


def test_a_voucher_lives_until_its_uptime_is_used(hotspot: Hotspot) -> None:
    user = _user(hotspot, limit_uptime="1h")
    _login(hotspot)
    assert hotspot.session_numbers(IP)["session-time-left"] == 3600
    _pass(hotspot, 3599)
    assert hotspot.session_numbers(IP)["session-time-left"] == 1
    _pass(hotspot, 1)
    assert hotspot.session(IP) is None
    assert hotspot.accounts.used(user).uptime == 3600
    assert _refusal(hotspot).text() == "user v1 has reached uptime limit"
    assert _messages(hotspot)[:3] == [
        f"v1 ({IP}): trying to log in by http-pap",
        f"v1 ({IP}): logged in",
        f"v1 ({IP}): logged out: session timeout",
    ]
    assert _messages(hotspot)[-1] == f"v1 ({IP}): login failed: user v1 has reached uptime limit"
    assert {line.topics for line in hotspot.log.lines} == {"hotspot,account,info,debug"}


def test_a_late_tick_takes_nothing_more_than_the_limit(hotspot: Hotspot) -> None:
    user = _user(hotspot, limit_uptime="1h")
    _login(hotspot)
    _pass(hotspot, 10 * 3600)
    assert hotspot.accounts.used(user).uptime == 3600


def test_user_counters_advance_only_at_logout(hotspot: Hotspot) -> None:
    user = _user(hotspot, limit_uptime="1h")
    _login(hotspot)
    hotspot.count_traffic(IP, 100, 900)
    _pass(hotspot, 600)
    assert hotspot.accounts.used(user).uptime == 0
    hotspot.logout(IP)
    used = hotspot.accounts.used(user)
    assert (used.uptime, used.traffic.bytes_in, used.traffic.bytes_out) == (600, 100, 900)
    _login(hotspot)
    assert hotspot.session_numbers(IP)["session-time-left"] == 3000
    assert hotspot.session_numbers(IP)["bytes-in"] == 0


def test_counters_may_be_flushed_during_a_session_without_counting_twice() -> None:
    hotspot = _hotspot(Behaviour(counters_flush_seconds=60))
    user = _user(hotspot, limit_uptime="1h")
    _login(hotspot)
    hotspot.count_traffic(IP, 10, 20)
    _pass(hotspot, 300)
    assert hotspot.accounts.used(user).uptime == 300
    _pass(hotspot, 300)
    hotspot.logout(IP)
    assert hotspot.accounts.used(user).uptime == 600
    assert hotspot.accounts.used(user).traffic.bytes_out == 20
    _login(hotspot)
    assert hotspot.session_numbers(IP)["session-time-left"] == 3000


def test_flushed_time_of_a_shared_voucher_counts_once() -> None:
    hotspot = _hotspot(Behaviour(counters_flush_seconds=60))
    hotspot.user_profiles.add({"name": "pair", "shared-users": "2"})
    _user(hotspot, limit_uptime="1h", profile="pair")
    _login(hotspot)
    _pass(hotspot, 600)
    _login(hotspot, ip=OTHER_IP, mac=OTHER_MAC)
    assert hotspot.session_numbers(OTHER_IP)["session-time-left"] == 3000


def test_time_left_is_the_lesser_of_session_timeout_and_what_the_voucher_leaves(hotspot: Hotspot) -> None:
    hotspot.user_profiles.add({"name": "short", "session-timeout": "10m"})
    _user(hotspot, limit_uptime="15m", profile="short")
    _login(hotspot)
    assert hotspot.session_numbers(IP)["session-time-left"] == 600
    _pass(hotspot, 600)
    assert hotspot.session(IP) is None
    _login(hotspot)
    assert hotspot.session_numbers(IP)["session-time-left"] == 300


def test_an_unlimited_session_has_no_time_left_to_show(hotspot: Hotspot) -> None:
    _user(hotspot)
    _login(hotspot)
    assert not {"session-time-left", "limit-bytes-total", "remain-bytes-total"} & hotspot.session_numbers(IP).keys()
    _pass(hotspot, 86400 * 30)
    assert hotspot.session(IP) is not None


def test_the_second_device_is_refused_and_the_first_stays(hotspot: Hotspot) -> None:
    _user(hotspot)
    first = _login(hotspot)
    refusal = _refusal(hotspot, ip=OTHER_IP, mac=OTHER_MAC)
    assert (refusal.key, refusal.text()) == ("user-session-limit", "no more sessions are allowed for user v1")
    assert hotspot.session(IP) is first


def test_shared_users_share_the_uptime(hotspot: Hotspot) -> None:
    hotspot.user_profiles.add({"name": "pair", "shared-users": "2"})
    user = _user(hotspot, profile="pair", limit_uptime="1h")
    _login(hotspot)
    _pass(hotspot, 1200)
    _login(hotspot, ip=OTHER_IP, mac=OTHER_MAC)
    assert hotspot.session_numbers(OTHER_IP)["session-time-left"] == 2400
    assert _refusal(hotspot, ip="10.5.50.11", mac="02:00:00:00:00:0B").key == "user-session-limit"
    _pass(hotspot, 600)
    hotspot.logout(IP)
    hotspot.logout(OTHER_IP)
    assert hotspot.accounts.used(user).uptime == 1800 + 600


def test_unlimited_sharing_admits_all(hotspot: Hotspot) -> None:
    hotspot.user_profiles.add({"name": "open", "shared-users": "unlimited"})
    _user(hotspot, profile="open")
    for number in range(20):
        _login(hotspot, ip=f"10.5.50.{number + 20}", mac=f"02:00:00:00:01:{number:02X}")
    assert len(hotspot.active) == 20


@pytest.mark.parametrize(
    ("limits", "traffic"),
    [
        ({"limit_bytes_in": "1000"}, (1000, 0)),
        ({"limit_bytes_out": "1000"}, (0, 1000)),
        ({"limit_bytes_total": "1k"}, (24, 1000)),
    ],
)
def test_a_traffic_limit_ends_the_session_and_refuses_the_next(
    hotspot: Hotspot, limits: dict[str, str], traffic: tuple[int, int]
) -> None:
    _user(hotspot, **limits)
    _login(hotspot)
    hotspot.count_traffic(IP, *(max(0, part - 1) for part in traffic))
    assert hotspot.session(IP) is not None
    hotspot.count_traffic(IP, min(1, traffic[0]), min(1, traffic[1]))
    assert hotspot.session(IP) is None
    assert _messages(hotspot)[-1].endswith("logged out: traffic limit reached")
    assert _refusal(hotspot).text() == "user v1 has reached traffic limit"


def test_what_is_left_of_the_traffic_is_told(hotspot: Hotspot) -> None:
    _user(hotspot, limit_bytes_total="1000")
    _login(hotspot)
    hotspot.count_traffic(IP, 100, 200)
    hotspot.logout(IP)
    _login(hotspot)
    hotspot.count_traffic(IP, 50, 50)
    numbers = hotspot.session_numbers(IP)
    assert (numbers["limit-bytes-total"], numbers["remain-bytes-total"]) == (700, 600)


@pytest.mark.parametrize("name", ["v1", "nobody", "V1", ""])
def test_wrong_names_and_passwords_get_the_same_answer(hotspot: Hotspot, name: str) -> None:
    _user(hotspot)
    refusal = _refusal(hotspot, name=name, password="no")
    assert (refusal.key, refusal.text()) == ("invalid-username", "invalid username or password")


def test_disabled_and_foreign_users_do_not_exist(hotspot: Hotspot) -> None:
    user = _user(hotspot, disabled="yes")
    assert _refusal(hotspot).key == "invalid-username"
    hotspot.users.change(user, {"disabled": "no"})
    hotspot.tables["/ip/hotspot"].add({"name": "cafe", "interface": "bridge", "disabled": "no"})
    hotspot.users.change(user, {"server": "cafe"})
    assert _refusal(hotspot).key == "invalid-username"
    assert _refusal(hotspot, name="default-trial", password="").key == "invalid-username"


def test_a_locked_voucher_works_on_its_device_only(hotspot: Hotspot) -> None:
    _user(hotspot, mac_address=MAC.lower())
    refusal = _refusal(hotspot, ip=OTHER_IP, mac=OTHER_MAC)
    assert refusal.text() == "user v1 is not allowed to log in from this MAC address"
    assert refusal.key == "invalid-mac"
    assert _login(hotspot)


def test_the_zero_mac_locks_nobody_out(hotspot: Hotspot) -> None:
    _user(hotspot, mac_address="00:00:00:00:00:00")
    assert _login(hotspot)


def test_a_mac_as_name_must_be_the_phones_own(hotspot: Hotspot) -> None:
    hotspot.users.add({"name": MAC})
    refusal = _refusal(hotspot, ip=OTHER_IP, mac=OTHER_MAC, name=MAC, password="")
    assert refusal.text() == f"invalid username ({MAC}): this MAC address is not yours"
    assert _login(hotspot, name=MAC, password="")


def test_a_plain_password_under_chap_only_is_refused() -> None:
    hotspot = _hotspot(login_by="http-chap")
    _user(hotspot)
    assert _refusal(hotspot).key == "chap-missing"


@pytest.mark.parametrize("password", ["p1", "pässwörd", "\udcff\udc80"])
def test_chap_proves_the_password_without_sending_it(password: str) -> None:
    hotspot = _hotspot(login_by="http-chap")
    hotspot.users.add({"name": "v1", "password": password})
    challenge, chap_id = bytes(range(240, 256)), b"\xfe"
    raw = password.encode("utf-8", "surrogateescape")
    right = hashlib.md5(chap_id + raw + challenge, usedforsecurity=False).hexdigest()
    common = {"ip": IP, "mac": MAC, "username": "v1", "by": "http-chap"}
    for response in ("0" * 32, None):
        with pytest.raises(LoginRefused) as refused:
            hotspot.login(**common, chap_id=chap_id, chap_challenge=challenge, chap_response=response)
        assert refused.value.key == ("invalid-username" if response else "chap-missing")
    assert hotspot.login(**common, chap_id=chap_id, chap_challenge=challenge, chap_response=right)


def test_methods_the_profile_does_not_offer_are_refused(hotspot: Hotspot) -> None:
    _user(hotspot)
    for by in ("https", "cookie", "mac-cookie", "mac", "trial"):
        assert _refusal(hotspot, by=by).key == "config-error"


def test_removing_or_disabling_a_user_leaves_its_session(hotspot: Hotspot) -> None:
    user = _user(hotspot, limit_uptime="1h")
    _login(hotspot)
    hotspot.users.change(user, {"disabled": "yes"})
    assert hotspot.session(IP)
    hotspot.users.remove(user)
    assert hotspot.session(IP)
    _pass(hotspot, 3600)
    assert hotspot.session(IP) is None, "the limit taken at login still ends it"


@pytest.mark.parametrize("is_removal", [True, False])
def test_removing_or_disabling_may_end_the_session(*, is_removal: bool) -> None:
    hotspot = _hotspot(Behaviour(user_removal_ends_session=True))
    user = _user(hotspot)
    _login(hotspot)
    hotspot.users.remove(user) if is_removal else hotspot.users.change(user, {"disabled": "yes"})
    assert hotspot.session(IP) is None


def test_a_new_user_of_the_same_name_does_not_inherit_time(hotspot: Hotspot) -> None:
    user = _user(hotspot, limit_uptime="1h")
    _login(hotspot)
    hotspot.users.remove(user)
    fresh = _user(hotspot, limit_uptime="2h")
    _pass(hotspot, 3600)
    assert hotspot.accounts.used(fresh).uptime == 0


def test_editing_a_limit_reaches_a_live_session_only_by_switch() -> None:
    for reaches, expected in ((False, 3000), (True, 6600)):
        hotspot = _hotspot(Behaviour(limit_edits_reach_live_sessions=reaches))
        user = _user(hotspot, limit_uptime="1h")
        _login(hotspot)
        _pass(hotspot, 600)
        hotspot.users.change(user, {"limit-uptime": "2h"})
        assert hotspot.session_numbers(IP)["session-time-left"] == expected
    hotspot.users.change(user, {"limit-uptime": "5m"})
    hotspot.tick()
    assert hotspot.session(IP) is None


def test_a_second_login_from_the_same_address_replaces_keeps_or_is_refused() -> None:
    hotspot = _hotspot()
    user = _user(hotspot, limit_uptime="1h")
    first = _login(hotspot)
    _pass(hotspot, 600)
    again = _login(hotspot)
    assert again is not first
    assert hotspot.accounts.used(user).uptime == 600
    assert hotspot.session_numbers(IP)["session-time-left"] == 3000
    kept = _hotspot(Behaviour(second_login="keep"))
    _user(kept)
    assert _login(kept) is _login(kept)
    refused = _hotspot(Behaviour(second_login="refuse"))
    _user(refused)
    _login(refused)
    assert _refusal(refused).error_orig == "already logged in"


def test_a_failed_second_login_leaves_the_running_session(hotspot: Hotspot) -> None:
    _user(hotspot)
    hotspot.users.add({"name": "full", "limit-bytes-total": "1", "profile": "default"})
    first = _login(hotspot)
    assert _refusal(hotspot, name="nobody").key == "invalid-username"
    assert hotspot.session(IP) is first


def test_the_licence_caps_active_sessions() -> None:
    hotspot = _hotspot(license_cap=2)
    for number in range(3):
        hotspot.users.add({"name": f"u{number}"})
    for number in range(2):
        _login(hotspot, ip=f"10.5.50.{20 + number}", mac=f"02:00:00:00:02:0{number}", name=f"u{number}", password="")
    refusal = _refusal(hotspot, name="u2", password="")
    assert refusal.key == "license-session-limit"
    assert refusal.text().startswith("session limit reached (")


def test_a_level_one_board_admits_one() -> None:
    assert SimulatedRouter(board=Board(license_level=1)).hotspot.license_cap == 1
    assert SimulatedRouter(board=Board(license_level=6)).hotspot.license_cap is None


def test_a_profile_removed_under_a_user_refuses_the_login(hotspot: Hotspot) -> None:
    profile = hotspot.user_profiles.add({"name": "gold"})
    _user(hotspot, profile="gold")
    hotspot.user_profiles.remove(profile)
    assert _refusal(hotspot).key == "config-error"


def test_idle_phones_are_logged_out_at_the_exact_instant_and_keep_their_time(hotspot: Hotspot) -> None:
    hotspot.user_profiles.add({"name": "idle", "idle-timeout": "10m", "keepalive-timeout": "none"})
    user = _user(hotspot, profile="idle", limit_uptime="1h")
    _login(hotspot)
    _pass(hotspot, 300)
    hotspot.count_traffic(IP, 1, 1)
    _pass(hotspot, 599)
    assert hotspot.session(IP)
    _pass(hotspot, 100)
    assert hotspot.session(IP) is None
    assert hotspot.host(IP) is None
    assert hotspot.accounts.used(user).uptime == 900
    assert _messages(hotspot)[-1].endswith("logged out: idle timeout")
    _login(hotspot)
    assert hotspot.session_numbers(IP)["session-time-left"] == 2700


def test_an_idle_phone_leaves_the_host_list_with_its_session(hotspot: Hotspot) -> None:
    hotspot.user_profiles.add({"name": "idle", "idle-timeout": "1m"})
    _user(hotspot, profile="idle")
    _login(hotspot)
    _pass(hotspot, 60)
    assert hotspot.host(IP) is None, "although the server would keep a silent host for five minutes"


def test_a_phone_out_of_reach_is_logged_out_after_the_keepalive_timeout(hotspot: Hotspot) -> None:
    user = _user(hotspot, limit_uptime="1h")
    _login(hotspot)
    _pass(hotspot, 3000 - 2400)
    hotspot.leave(IP)
    _pass(hotspot, 119)
    hotspot.see_host(MAC, IP)
    _pass(hotspot, 500)
    assert hotspot.session(IP), "it came back in time"
    hotspot.leave(IP)
    _pass(hotspot, 500)
    assert _messages(hotspot)[-1].endswith("logged out: keepalive timeout")
    assert hotspot.accounts.used(user).uptime == 600 + 119 + 500 + 120


def test_unauthenticated_hosts_go_when_silent(hotspot: Hotspot) -> None:
    host = hotspot.see_host("0200.0000.0009", IP)
    assert (host.mac, host.is_authorized) == (MAC, False)
    _pass(hotspot, 200)
    hotspot.see_host(MAC, IP)
    _pass(hotspot, 299)
    assert hotspot.host(IP)
    _pass(hotspot, 1)
    assert hotspot.host(IP) is None


def test_a_logged_in_host_stays_and_says_so(hotspot: Hotspot) -> None:
    _user(hotspot)
    _login(hotspot)
    host = hotspot.host(IP)
    assert host
    assert host.is_authorized
    _pass(hotspot, 3600)
    assert hotspot.host(IP) is host
    hotspot.logout(IP)
    assert not host.is_authorized


def test_an_address_taken_over_by_another_phone_is_not_logged_in(hotspot: Hotspot) -> None:
    _user(hotspot)
    _login(hotspot)
    assert not hotspot.see_host(OTHER_MAC, IP).is_authorized
    assert hotspot.session(IP) is None


def test_bindings_bypass_and_block(hotspot: Hotspot) -> None:
    bindings = hotspot.tables["/ip/hotspot/ip-binding"]
    bindings.add({"mac-address": MAC, "type": "bypassed"})
    bindings.add({"address": "10.5.50.10-10.5.50.20", "type": "blocked"})
    _user(hotspot)
    assert hotspot.see_host(MAC, IP).is_bypassed
    assert hotspot.see_host(OTHER_MAC, OTHER_IP).is_blocked
    assert _refusal(hotspot, ip=OTHER_IP, mac=OTHER_MAC).key == "internal-error"
    assert not hotspot.see_host("02:00:00:00:00:33", "10.5.50.33").is_bypassed


def test_an_http_cookie_logs_the_same_phone_in_until_it_expires() -> None:
    hotspot = _hotspot(login_by="http-pap,cookie")
    _user(hotspot)
    _login(hotspot)
    value = hotspot.new_http_cookie(IP)
    assert value
    hotspot.logout(IP)
    assert hotspot.cookie_login(OTHER_IP, OTHER_MAC, value) is None
    assert hotspot.cookie_login(IP, MAC, "wrong") is None
    active = hotspot.cookie_login(IP, MAC, value)
    assert active
    assert active.login_by == "cookie"
    hotspot.logout(IP)
    _pass(hotspot, 3 * 86400)
    assert hotspot.cookie_login(IP, MAC, value) is None


def test_an_http_cookie_dies_by_erasing_by_removal_and_with_its_user() -> None:
    hotspot = _hotspot(login_by="http-pap,cookie")
    user = _user(hotspot)
    _login(hotspot)
    value = hotspot.new_http_cookie(IP)
    hotspot.logout(IP, erase_cookie=True)
    assert hotspot.cookie_login(IP, MAC, value) is None
    _login(hotspot)
    value = hotspot.new_http_cookie(IP)
    hotspot.logout(IP, cause="admin reset")
    assert hotspot.cookie_login(IP, MAC, value), "an admin reset does not touch http cookies"
    hotspot.logout(IP)
    hotspot.users.remove(user)
    assert hotspot.cookie_login(IP, MAC, value) is None


def test_without_the_method_there_is_no_cookie(hotspot: Hotspot) -> None:
    _user(hotspot)
    _login(hotspot)
    assert hotspot.new_http_cookie(IP) is None
    hotspot.logout(IP, cause="keepalive timeout")
    assert hotspot.cookie_login(IP, MAC, None) is None
    assert not hotspot.cookies.cookies


@pytest.mark.parametrize(
    ("cause", "is_kept"),
    [
        ("keepalive timeout", True),
        ("idle timeout", True),
        ("user request", False),
        ("admin reset", False),
        ("session timeout", False),
        ("traffic limit reached", False),
    ],
)
def test_a_mac_cookie_survives_leaving_but_no_ending(cause: str, *, is_kept: bool) -> None:
    hotspot = _hotspot(login_by="http-pap,mac-cookie")
    _user(hotspot)
    _login(hotspot)
    hotspot.logout(IP, cause=cause)
    active = hotspot.cookie_login(IP, MAC, None)
    assert (active is not None) is is_kept
    assert active is None or active.login_by == "mac-cookie"


def test_a_mac_cookie_does_not_outlive_the_time_it_was_sold_with() -> None:
    hotspot = _hotspot(login_by="http-pap,mac-cookie")
    hotspot.user_profiles.add({"name": "short", "session-timeout": "10m"})
    _user(hotspot, profile="short")
    _login(hotspot)
    assert hotspot.cookies.cookies
    _pass(hotspot, 600)
    assert hotspot.session(IP) is None
    assert not hotspot.cookies.cookies


def test_a_mac_cookie_counts_from_the_last_logout_and_needs_the_profiles_leave() -> None:
    hotspot = _hotspot(login_by="http-pap,mac-cookie")
    hotspot.user_profiles.add({"name": "shy", "add-mac-cookie": "no"})
    user = _user(hotspot)
    _login(hotspot)
    _pass(hotspot, 2 * 86400)
    hotspot.logout(IP, cause="keepalive timeout")
    _pass(hotspot, 3 * 86400 - 1)
    assert hotspot.cookie_login(IP, MAC, None)
    hotspot.logout(IP, cause="keepalive timeout")
    _pass(hotspot, 3 * 86400)
    assert hotspot.cookie_login(IP, MAC, None) is None
    hotspot.users.change(user, {"profile": "shy"})
    _login(hotspot)
    assert not hotspot.cookies.cookies


def test_a_mac_cookie_dies_when_its_login_fails_or_its_mac_is_doubled() -> None:
    for spoil in ("password", "double"):
        hotspot = _hotspot(login_by="http-pap,mac-cookie")
        user = _user(hotspot)
        _login(hotspot)
        hotspot.logout(IP, cause="keepalive timeout")
        if spoil == "password":
            hotspot.users.change(user, {"password": "new"})
        else:
            hotspot.see_host(MAC, OTHER_IP)
        assert hotspot.cookie_login(IP, MAC, None) is None
        assert not hotspot.cookies.cookies


def test_a_phone_may_log_in_by_its_mac_alone() -> None:
    hotspot = _hotspot(login_by="mac,http-pap")
    hotspot.users.add({"name": MAC})
    active = hotspot.cookie_login(IP, MAC, None)
    assert active
    assert active.login_by == "mac"
    assert hotspot.cookie_login(OTHER_IP, OTHER_MAC, None) is None


def test_a_trial_gives_its_minutes_once_a_day() -> None:
    hotspot = _hotspot(login_by="trial")
    _login(hotspot, name=f"T-{MAC}", by="trial")
    assert hotspot.session_numbers(IP)["session-time-left"] == 1800
    _pass(hotspot, 1800)
    assert _refusal(hotspot, name=f"T-{MAC}", by="trial").key == "uptime-limit"
    assert _refusal(hotspot, name=f"T-{OTHER_MAC}", by="trial").key == "invalid-username"
    _pass(hotspot, 86400)
    assert _login(hotspot, name=f"T-{MAC}", by="trial")


def test_walled_garden_rules_decide_in_order_and_count_hits(hotspot: Hotspot) -> None:
    rules = hotspot.tables["/ip/hotspot/walled-garden"]
    rules.add({"dst-host": "bad.pay.example", "action": "deny"})
    rules.add({"dst-host": "*.pay.example", "dst-port": "443,8000-8010"})
    rules.add({"dst-host": ":^api[0-9]+\\.example$", "method": "POST", "path": "/v1/*"})
    rules.add({"dst-host": "off.example", "disabled": "yes"})
    rules.add({"dst-host": "near.example", "src-address": "10.5.50.0/28"})

    def passes(host: str, *, port: int = 443, path: str = "/", method: str = "GET") -> bool:
        return hotspot.walled_garden(host, port, path, method, IP)

    assert passes("www.PAY.example")
    assert passes("www.pay.example", port=8005)
    assert not passes("www.pay.example", port=80)
    assert not passes("bad.pay.example")
    assert not passes("www.pay.example.evil.com")
    assert passes("api7.example", path="/v1/x", method="POST")
    assert not passes("api7.example", path="/v2/x", method="POST")
    assert not passes("xapi7.example", path="/v1/x", method="POST")
    assert not passes("off.example")
    assert passes("near.example")
    assert not passes("anything.example")
    assert list(hotspot.garden_hits.values()) == [1, 2, 1, 0, 1]


def test_walled_garden_ip_rules_go_first(hotspot: Hotspot) -> None:
    rules = hotspot.tables["/ip/hotspot/walled-garden/ip"]
    rules.add({"dst-address": "198.51.100.7", "dst-port": "443", "protocol": "tcp"})
    rules.add({"dst-host": "portal.example", "action": "reject"})
    rules.add({"dst-address": "203.0.113.0/24", "protocol": "udp"})
    hotspot.tables["/ip/hotspot/walled-garden"].add({"dst-host": "portal.example"})
    assert hotspot.walled_garden("198.51.100.7", 443, "/", "CONNECT", IP)
    assert not hotspot.walled_garden("198.51.100.7", 80, "/", "GET", IP)
    assert hotspot.walled_garden("x.example", 443, "/", "CONNECT", IP, dst_address="198.51.100.7")
    assert not hotspot.walled_garden("portal.example", 443, "/", "GET", IP)
    assert not hotspot.walled_garden("203.0.113.5", 443, "/", "GET", IP)


def test_host_rules_may_need_to_see_dns_first() -> None:
    hotspot = _hotspot(Behaviour(garden_needs_dns=True))
    hotspot.tables["/ip/hotspot/walled-garden"].add({"dst-host": "portal.example"})
    hotspot.tables["/ip/hotspot/walled-garden/ip"].add({"dst-address": "198.51.100.7"})
    assert not hotspot.walled_garden("portal.example", 443, "/", "GET", IP)
    assert hotspot.walled_garden("198.51.100.7", 443, "/", "GET", IP)
    hotspot.garden.dns_seen.add("portal.example")
    assert hotspot.walled_garden("portal.example", 443, "/", "GET", IP)


def test_a_power_cut_loses_the_running_usage_and_the_date() -> None:
    router = SimulatedRouter(clock=_still(), behaviour=Behaviour(ntp_after_seconds=60))
    hotspot = router.hotspot
    user = _user(hotspot, limit_uptime="1h")
    _login(hotspot)
    _pass(hotspot, 1800)
    router.power_cut()
    assert not hotspot.active
    assert hotspot.host(IP) is None
    assert hotspot.accounts.used(user).uptime == 0
    assert hotspot.users.named("v1"), "configuration is kept"
    assert router.now().isoformat() == "1970-01-02T00:00:00+00:00"
    hotspot.clock.advance(59)
    assert router.now().year == 1970
    hotspot.clock.advance(1)
    assert router.now() == hotspot.clock.now()
    _login(hotspot)
    assert hotspot.session_numbers(IP)["session-time-left"] == 3600


def test_a_clean_reboot_saves_the_running_usage() -> None:
    router = SimulatedRouter(clock=_still())
    user = _user(router.hotspot, limit_uptime="1h")
    _login(router.hotspot)
    _pass(router.hotspot, 1800)
    router.reboot()
    assert not router.hotspot.active
    assert router.hotspot.accounts.used(user).uptime == 1800


def test_what_a_boot_does_to_ids_and_cookies_is_a_switch() -> None:
    router = SimulatedRouter(behaviour=Behaviour(ids_change_at_boot=True, cookies_survive_power_cut=False))
    user = _user(router.hotspot)
    _login(router.hotspot)
    assert router.hotspot.new_http_cookie(IP)
    before = user.id
    router.power_cut()
    assert user.id != before
    assert router.hotspot.users.find(user.id) is user
    assert router.hotspot.users.find(before) is None
    assert not router.hotspot.cookies.cookies
    steady = SimulatedRouter()
    user = _user(steady.hotspot)
    _login(steady.hotspot)
    steady.hotspot.new_http_cookie(IP)
    before = user.id
    steady.power_cut()
    assert user.id == before
    assert steady.hotspot.cookies.cookies


def test_without_a_server_nobody_logs_in() -> None:
    hotspot = Hotspot(clock=_still(), server_name="")
    _user(hotspot)
    assert hotspot.server is None
    assert _refusal(hotspot).error_orig == "no server"


async def test_the_api_logs_a_known_phone_in() -> None:
    login = "/ip/hotspot/active/login"
    router = SimulatedRouter(version="7.18", clock=_still(), login_by="http-chap")
    async with router, await RawClient.connect(router) as client:
        await client.ret("/ip/hotspot/user/add", "=name=v1", "=password=p1", "=limit-uptime=1h", "=mac-address=" + MAC)
        words = (f"=ip={IP}", "=user=v1", "=password=p1")
        assert await client.trap(login, *words) == "unknown host IP"
        router.hotspot.see_host(MAC, IP)
        assert await client.trap(login, *words, f"=mac-address={OTHER_MAC}") == "wrong MAC provided"
        assert await client.trap(login, f"=ip={IP}", "=user=v1", "=password=x") == "invalid username or password"
        assert await client.trap(login, "=user=v1") == "missing value(s) of argument(s) ip"
        assert await client.trap(login, f"=ip={IP}", "=foo=v1") == "unknown parameter"
        assert await client.ask(login, *words, f"=mac-address={MAC.lower()}") == [["!done"]]
        router.clock.advance(90)
        (row,) = await client.rows("/ip/hotspot/active/print")
        expected = {
            ".id": "*A053209",
            "user": "v1",
            "address": IP,
            "mac-address": MAC,
            "server": "hotspot1",
            "uptime": "1m30s",
            "session-time-left": "58m30s",
            "idle-time": "1m30s",
            "keepalive-timeout": "2m",
            "radius": "false",
        }
        assert expected.items() <= row.items()
        (host,) = await client.rows("/ip/hotspot/host/print")
        assert (host["address"], host["authorized"]) == (IP, "true")
        router.hotspot.see_host(OTHER_MAC, OTHER_IP)
        refused = await client.trap(login, f"=ip={OTHER_IP}", "=user=v1", "=password=p1")
        assert refused == "user v1 is not allowed to log in from this MAC address"


async def test_the_api_ends_a_session_as_admin_reset_and_its_time_as_the_limit() -> None:
    router = SimulatedRouter(clock=_still())
    async with router, await RawClient.connect(router) as client:
        await client.ret("/ip/hotspot/user/add", "=name=v1", "=limit-uptime=1h")
        _login(router.hotspot, password="")
        router.clock.advance(60)
        (row,) = await client.rows("/ip/hotspot/active/print", "?user=v1")
        assert await client.ask("/ip/hotspot/active/remove", f"=.id={row['.id']}") == [["!done"]]
        assert await client.trap("/ip/hotspot/active/remove", f"=.id={row['.id']}") == "no such item"
        assert (await client.rows("/log/print"))[-1]["message"] == f"v1 ({IP}): logged out: admin reset"
        assert (await client.rows("/ip/hotspot/user/print", "?name=v1"))[0]["uptime"] == "1m"
        router.hotspot.see_host(MAC, IP)
        await client.ask("/ip/hotspot/active/login", f"=ip={IP}", "=user=v1")
        router.clock.advance(3540)
        assert await client.rows("/ip/hotspot/active/print") == []
        router.hotspot.see_host(MAC, IP)
        again = await client.trap("/ip/hotspot/active/login", f"=ip={IP}", "=user=v1")
        assert again == "user v1 has reached uptime limit"
        await client.ask("/ip/hotspot/user/reset-counters", "=numbers=v1")
        router.hotspot.see_host(MAC, IP)
        assert await client.ask("/ip/hotspot/active/login", f"=ip={IP}", "=user=v1") == [["!done"]]


async def test_time_acts_without_anybody_asking() -> None:
    async with SimulatedRouter() as router, await RawClient.connect(router) as client:
        router.hotspot.users.add({"name": "v1", "limit-uptime": "1h"})
        _login(router.hotspot, password="")
        client.send("/ip/hotspot/active/listen")
        await client.ask("/system/identity/print", ".tag=1")
        router.clock.advance(3600)
        assert (await client.reply())[1:] == ["=.id=*A053209", "=.dead=yes"]


async def test_cookies_hosts_and_queues_are_seen_through_the_api() -> None:
    router = SimulatedRouter(clock=_still(), login_by="http-pap,cookie,mac-cookie")
    async with router, await RawClient.connect(router) as client:
        await client.ret("/ip/hotspot/user/profile/add", "=name=fast", "=rate-limit=512k/2M")
        await client.ret("/ip/hotspot/user/add", "=name=v1", "=profile=fast")
        _login(router.hotspot, password="")
        secret = router.hotspot.new_http_cookie(IP)
        assert secret
        (queue,) = await client.rows("/queue/simple/print")
        assert (queue["name"], queue["target"]) == ("<hotspot-v1>", f"{IP}/32")
        assert (queue["max-limit"], queue["dynamic"]) == ("512000/2000000", "true")
        assert (await client.trap("/queue/simple/remove", f"=.id={queue['.id']}")).startswith("failure:")
        cookies = await client.rows("/ip/hotspot/cookie/print")
        assert sorted(cookie["mac-cookie"] for cookie in cookies) == ["false", "true"]
        assert {cookie["expires-in"] for cookie in cookies} == {"3d"}
        assert secret not in str(cookies)
        ids = ",".join(cookie[".id"] for cookie in cookies)
        assert await client.ask("/ip/hotspot/cookie/remove", f"=.id={ids}") == [["!done"]]
        assert router.hotspot.cookie_login(OTHER_IP, OTHER_MAC, secret) is None
        (host,) = await client.rows("/ip/hotspot/host/print", f"?address={IP}")
        assert host["bypassed"] == "false"
        await client.ask("/ip/hotspot/host/make-binding", f"=.id={host['.id']}", "=type=bypassed")
        assert (await client.rows("/ip/hotspot/host/print", f"?address={IP}"))[0]["bypassed"] == "true"
        assert (await client.rows("/ip/hotspot/ip-binding/print"))[0]["type"] == "bypassed"
        await client.ask("/ip/hotspot/host/remove", f"=.id={host['.id']}")
        assert router.hotspot.session(IP) is None
        assert await client.rows("/queue/simple/print") == []


async def test_the_api_refuses_a_login_for_the_reason_a_page_would_show() -> None:
    router = SimulatedRouter(clock=_still())
    async with router, await RawClient.connect(router) as client:
        router.hotspot.license_cap = 1
        for name, limit in (("v1", "1h"), ("v2", "1h")):
            await client.ret("/ip/hotspot/user/add", f"=name={name}", "=password=p", f"=limit-uptime={limit}")
        router.hotspot.see_host(MAC, IP)
        router.hotspot.see_host(OTHER_MAC, OTHER_IP)
        first = ("/ip/hotspot/active/login", f"=ip={IP}", "=password=p")
        second = ("/ip/hotspot/active/login", f"=ip={OTHER_IP}", "=password=p")
        assert await client.ask(*first, "=user=v1") == [["!done"]]
        assert await client.trap(*second, "=user=v1") == "no more sessions are allowed for user v1"
        assert (await client.trap(*second, "=user=v2")).startswith("session limit reached")
        router.clock.advance(3601)
        router.tick()
        router.hotspot.see_host(MAC, IP)
        router.hotspot.see_host(OTHER_MAC, OTHER_IP)
        assert await client.trap(*first, "=user=v1") == "user v1 has reached uptime limit"
        await client.ask("/ip/hotspot/user/set", "=.id=v2", "=limit-bytes-total=1")
        assert await client.ask(*second, "=user=v2") == [["!done"]]
        router.hotspot.count_traffic(OTHER_IP, 1, 1)
        assert await client.trap(*second, "=user=v2") == "user v2 has reached traffic limit"
