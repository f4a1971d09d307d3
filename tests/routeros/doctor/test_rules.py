"""What the doctor says about a router that tells this or that. No router here: rows in, findings out."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from portal.routers.findings import SENTENCES
from routeros.doctor import MENUS, Expected, Severity, facts_from, findings_of, told
from routeros.doctor.versions import HOLES, holes_of, read_version
from routeros.troubles import Trouble, trouble_of

NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
EXPECTED = Expected(
    now=NOW, user="vocha", portal_host="wifi.example.co.ke", server="197.248.1.1", zone="Africa/Nairobi", sold=20,
    uses_tls=True, in_tunnel=False,
)  # fmt: skip
#: A router as our script leaves it.
SOUND: dict[str, list[dict[str, str]]] = {
    "/system/resource": [
        {"version": "7.20.6 (stable)", "board-name": "hEX", "uptime": "1w2d", "free-hdd-space": "4000000", "total-hdd-space": "16000000"}
    ],
    "/system/identity": [{"name": "shop"}],
    "/system/routerboard": [{"serial-number": "HE1", "model": "RB750Gr3"}],
    "/system/clock": [
        {"date": "2026-11-20", "time": "12:00:10", "gmt-offset": "+03:00", "time-zone-name": "Africa/Nairobi"}
    ],
    "/system/ntp/client": [{"enabled": "true", "status": "synchronized"}],
    "/system/license": [{"nlevel": "4"}],
    "/system/device-mode": [{"mode": "home", "hotspot": "true", "proxy": "true", "fetch": "true", "scheduler": "true"}],
    "/user": [
        {"name": "admin", "group": "full"},
        {"name": "vocha", "group": "vocha-api", "address": "197.248.1.1/32"},
    ],
    "/user/group": [
        {"name": "full", "policy": "local,policy,reboot,api,read,write"},
        {"name": "vocha-api", "policy": "read,write,api,!policy,!reboot,!ftp"},
    ],
    "/ip/service": [
        {
            "name": "api-ssl", "port": "8729", "address": "197.248.1.1/32", "certificate": "vocha-api",
            "disabled": "false", "max-sessions": "20",
        },
        {"name": "telnet", "port": "23", "disabled": "true"},
    ],
    "/ip/hotspot": [{"name": "vocha", "interface": "bridge", "profile": "vocha", "disabled": "false", "invalid": "false"}],
    "/ip/hotspot/profile": [
        {"name": "vocha", "hotspot-address": "10.5.50.1", "dns-name": "login.wifi", "login-by": "cookie,http-pap,mac-cookie"}
    ],
    "/ip/hotspot/walled-garden": [{"dst-host": "wifi.example.co.ke", "action": "allow", "disabled": "false"}],
    "/ip/hotspot/walled-garden/ip": [{"dst-address": "197.248.1.1", "action": "accept", "disabled": "false"}],
    "/certificate": [{"name": "vocha-api", "expired": "false"}],
}  # fmt: skip


def codes(
    changes: Mapping[str, list[dict[str, str]] | None] | None = None, *, expected: Expected = EXPECTED
) -> dict[str, str]:
    """The findings about the sound router with some menus changed; None takes a menu away."""
    menus = {path: rows for path, rows in {**SOUND, **(changes or {})}.items() if rows is not None}
    return {found.code: found.severity.value for found in findings_of(facts_from(menus, user="vocha"), expected)}


def one(path: str, **changes: str) -> dict[str, list[dict[str, str]] | None]:
    """The sound router with words of one menu's first row changed; "" takes a word away."""
    row = {**SOUND[path][0], **{name.replace("_", "-"): value for name, value in changes.items()}}
    return {path: [{name: value for name, value in row.items() if value}, *SOUND[path][1:]]}


def test_a_sound_router_is_fine() -> None:
    assert codes() == {"fine": "ok"}


def test_a_router_that_shows_nothing_is_not_accused() -> None:
    assert codes(dict.fromkeys(SOUND)) == {"version_unknown": "note"}


CASES = [
    (one("/system/resource", version="6.48.1"), {"version_holes": "bad"}),
    (one("/system/resource", version="7.18"), {"version_holes": "bad"}),
    (one("/system/resource", version="7.19.2"), {"version_holes": "warn"}),
    (one("/system/resource", version="7.21beta2"), {"fine": "ok"}),
    (one("/system/resource", free_hdd_space="500000"), {"flash": "warn"}),
    ({"/user": [{"name": "vocha", "group": "full", "address": "x"}]}, {"policies_too_many": "warn"}),
    ({"/user/group": [{"name": "vocha-api", "policy": "api,read"}]}, {"policies_missing": "bad"}),
    ({"/user": [{"name": "vocha", "group": "vocha-api"}]}, {"user_open": "note"}),
    (one("/system/device-mode", hotspot="false"), {"device_mode": "bad"}),
    (one("/system/device-mode", hotspot="no", fetch="no"), {"device_mode": "bad"}),
    (one("/system/device-mode", fetch="false"), {"device_mode": "note"}),
    (one("/system/clock", date="1970-01-02"), {"clock_unset": "warn"}),
    (one("/system/clock", time="12:03:00"), {"clock_wrong": "warn"}),
    (one("/system/clock", time="12:01:00"), {"fine": "ok"}),
    (one("/system/clock", gmt_offset="+00:00", time="09:00:00", time_zone_name="UTC"), {"zone": "note"}),
    (one("/system/ntp/client", enabled="false"), {"ntp_off": "note"}),
    ({"/ip/hotspot": []}, {"hotspot_none": "bad"}),
    (one("/ip/hotspot", disabled="true"), {"hotspot_off": "bad"}),
    (one("/ip/hotspot", invalid="true"), {"hotspot_off": "bad"}),
    (one("/ip/hotspot/profile", login_by="mac,http-pap"), {"login_free": "warn"}),
    (one("/ip/hotspot/profile", login_by="trial,http-chap"), {"login_free": "warn"}),
    (one("/ip/hotspot/profile", login_by="cookie"), {"login_none": "warn"}),
    (one("/ip/hotspot/profile", dns_name=""), {"dns_name": "note"}),
    (one("/ip/hotspot/profile", use_radius="true"), {"radius": "warn"}),
    (one("/ip/hotspot/profile", login_by="https,cookie"), {"certificate_none": "warn"}),
    ({"/ip/hotspot/walled-garden": [], "/ip/hotspot/walled-garden/ip": []}, {"garden_closed": "bad"}),
    (one("/ip/hotspot/walled-garden", action="deny"), {"fine": "ok"}),
    ({**one("/ip/hotspot/walled-garden", disabled="true"), "/ip/hotspot/walled-garden/ip": []}, {"garden_closed": "bad"}),
    ({"/ip/hotspot/walled-garden/ip": []}, {"garden_address": "note"}),
    (one("/ip/hotspot/walled-garden", dst_host="*.example.co.ke"), {"fine": "ok"}),
    ({**one("/ip/hotspot/walled-garden", dst_host="*.other.ke"), "/ip/hotspot/walled-garden/ip": []}, {"garden_closed": "bad"}),
    (one("/ip/hotspot/walled-garden", dst_host="*"), {"fine": "ok"}),
    (one("/certificate", expired="true"), {"certificate_over": "bad"}),
    (one("/ip/service", max_sessions="2"), {"api_sessions": "warn"}),
    (one("/ip/service", address=""), {"api_open": "warn"}),
    ({"/ip/service": [*SOUND["/ip/service"], {"name": "ftp", "port": "21", "disabled": "false"}]}, {"service_open": "note"}),
    (one("/system/license", nlevel="3"), {"licence_one": "bad"}),
    (one("/system/license", nlevel="6"), {"fine": "ok"}),
]  # fmt: skip


@pytest.mark.parametrize(("changes", "found"), CASES)
def test_each_fault_alone_is_found_and_nothing_else(
    changes: Mapping[str, list[dict[str, str]] | None], found: dict[str, str]
) -> None:
    assert codes(changes) == found


def test_every_rule_has_a_case_that_meets_it() -> None:
    met = {code for _, found in CASES for code in found} | {
        "fine",
        "version_unknown",
        "licence_over",
        "licence_near",
        "api_plain",
        "agent_old",
        "garden_pay_closed",
        "garden_left_open",
        "pppoe_none",  # these three: tests/jobs/test_dialin_doctor.py
        "pppoe_off",
        "pppoe_addresses",
    }
    spoken = {code for code in SENTENCES if not code.startswith("trouble_")}
    assert met == spoken


def test_the_licence_is_held_against_what_was_sold() -> None:
    for sold, found in ((160, "fine"), (161, "licence_near"), (200, "licence_near"), (201, "licence_over")):
        assert list(codes(expected=replace(EXPECTED, sold=sold))) == [found]


PAGES = ("checkout.example.com", "*.example.com")


@pytest.mark.parametrize(
    ("open_now", "found"),
    [((), {"garden_pay_closed": "bad"}), (PAGES[:1], {"garden_pay_closed": "bad"}), (PAGES, {"fine": "ok"}), (PAGES[1:], {"fine": "ok"})],
)  # fmt: skip
def test_hosts_a_way_to_pay_needs_are_open(open_now: tuple[str, ...], found: dict[str, str]) -> None:
    rows = [*SOUND["/ip/hotspot/walled-garden"], *({"dst-host": host, "action": "allow"} for host in open_now)]
    wish = replace(EXPECTED, open_hosts=PAGES)
    assert codes({"/ip/hotspot/walled-garden": rows}, expected=wish) == found


def test_hosts_no_way_to_pay_needs_any_more_are_named_to_be_closed() -> None:
    rows = [*SOUND["/ip/hotspot/walled-garden"], {"dst-host": PAGES[1], "action": "allow"}]
    menus = {**SOUND, "/ip/hotspot/walled-garden": rows}
    [found] = findings_of(facts_from(menus, user="vocha"), replace(EXPECTED, closed_hosts=PAGES))
    assert (found.code, found.params) == ("garden_left_open", {"hosts": PAGES[1]})
    assert found.fix.startswith("/ip hotspot walled-garden remove [find where comment=vocha and (dst-host=")


def test_a_plain_api_is_fine_inside_the_tunnel_only() -> None:
    plain = replace(EXPECTED, uses_tls=False)
    assert codes(expected=plain) == {"api_plain": "note"}
    assert codes(expected=replace(plain, in_tunnel=True)) == {"fine": "ok"}


def test_every_finding_has_a_sentence_whose_blanks_it_fills() -> None:
    for changes, _ in CASES:
        menus = {path: rows for path, rows in {**SOUND, **changes}.items() if rows is not None}
        for found in findings_of(facts_from(menus, user="vocha"), EXPECTED):
            words = SENTENCES[found.code] % found.params
            assert "%(" not in words
            assert found.severity in Severity


def test_what_a_router_says_cannot_break_out_of_a_line_to_paste() -> None:
    evil = '"]; /system reset-configuration; :put [$x'
    changes = {
        "/ip/hotspot": [{"name": evil, "interface": evil, "profile": evil, "disabled": "true"}],
        "/ip/hotspot/profile": [{"name": evil, "login-by": "mac"}],
    }
    on = {**changes, "/ip/hotspot": [{"name": evil, "profile": evil}]}
    for each in (changes, on):
        menus = {**SOUND, **each}
        for found in findings_of(facts_from(menus, user="vocha"), EXPECTED):
            assert "reset-configuration;" not in found.fix
            assert '"];' not in found.fix


def test_settings_are_told_without_secrets_and_without_what_moves_by_itself() -> None:
    words = told(facts_from(SOUND, user="vocha"))
    assert words["walled garden hosts"] == "wifi.example.co.ke"
    assert words["service api-ssl"] == "port 8729 for 197.248.1.1/32"
    later = {
        **SOUND,
        **one("/system/resource", uptime="3w", free_hdd_space="3999000"),
        **one("/system/clock", time="13:00:00"),
    }
    assert told(facts_from({k: v for k, v in later.items() if v is not None}, user="vocha")) == words
    asked = {field for fields in MENUS.values() for field in fields}
    assert not asked & {"password", "private-key", "secret", "mac-auth-password"}


@pytest.mark.parametrize(
    ("version", "holes"),
    [("6.40.7", 5), ("6.40.8", 4), ("6.41", 5), ("6.42.1", 3), ("6.48.6", 3), ("6.48.7", 1), ("6.49.7", 2), ("6.49.8", 1),
     ("6.49.10", 0), ("6.49.18", 0), ("7.4.1", 5), ("7.5", 4), ("7.7", 3), ("7.9.1", 2), ("7.19.2", 1), ("7.20", 1),
     ("7.20.1", 0), ("7.20.1rc1", 1), ("7.24", 0), ("8.0", 0)],
)  # fmt: skip
def test_versions_have_the_holes_that_were_not_closed_yet(version: str, holes: int) -> None:
    read = read_version(version)
    assert read is not None
    assert len(holes_of(read)) == holes


def test_every_hole_says_where_it_is_told_of() -> None:
    assert all(hole.source.endswith(hole.cve) for hole in HOLES)
    assert read_version("stable") is None


@pytest.mark.parametrize(
    ("text", "trouble"),
    [
        ("no router can be reached at this address", "address"), ("[Errno 111] Connect call failed ('1.2.3.4', 8728)", "closed"),
        ("Connection refused", "closed"), ("no answer within 5 s", "silent"), ("[Errno 113] No route to host", "silent"),
        ("not the RouterOS API", "not_router"), ("[SSL: WRONG_VERSION_NUMBER] wrong version number (_ssl.c:1006)", "security"),
        ("the router shows another certificate than the pinned one", "certificate"),
        ("invalid user name or password (6)", "password"), ("cannot log in", "password"),
        ("not enough permissions (9)", "rights"), ("failure: not allowed by device-mode", "device_mode"),
        ("session limit reached (200)", "licence"), ("Connection lost", "cut"), ("0 bytes read on a total of 1 expected: eof", "cut"),
        ("failure: something new", "other"), ("", "other"),
    ],
)  # fmt: skip
def test_troubles_are_told_apart_by_what_was_said(text: str, trouble: str) -> None:
    assert trouble_of(text) == trouble


def test_every_trouble_has_a_sentence() -> None:
    assert {f"trouble_{trouble}" for trouble in Trouble} == {code for code in SENTENCES if code.startswith("trouble_")}
