"""A router that asks us tells its settings, the same facts the doctor reads over the API, and rows that are not ours, of which one
goes when it is named: on every version."""

from dataclasses import replace

import pytest

from routeros.doctor import Facts, facts_from
from routeros.script.pull import whole_state
from routeros.script.pull_rows import read_job, write_job
from routeros.script.pull_settings import TOLD, menus_from
from routeros.script.pull_strangers import drops_of_user, told_of, users_of
from routeros.script.pull_values import Drop, PullReport, Report, SettingRow, StateKind, StatePage, Stranger
from routeros.script.values import Variant
from routeros.simulator.scripting.engine import ScriptEngine

from .test_agent import IP, MAC, NAME, OTHER, PROFILE, SALE, VERSIONS, Site, forged

EVERYWHERE = pytest.mark.parametrize(("version", "variant"), [*VERSIONS, ("7.18", Variant.JSON)])
#: A script may be 64 KB (MikroTik manual, Scripting); a small one leaves room on boards with little flash.
MOST_SCRIPT = 20_000


def settings_of(site: Site) -> tuple[SettingRow, ...]:
    site.portal.ask(Report(StateKind.SETTINGS))
    site.run()
    told = whole_state(_pages(site.portal.reports))
    assert told is not None
    return tuple(row for row in told if isinstance(row, SettingRow))


def _pages(reports: list[PullReport]) -> list[StatePage]:
    return [page for report in reports for page in report.states if page.kind is StateKind.SETTINGS]


def over_api(site: Site) -> Facts:
    """What the API would show of the same menus."""
    menus = {
        path: [{field: row[field] for field in fields if field in row} for row in map(dict, menu.shown())]
        for path, fields in TOLD.items()
        if (menu := site.router.dispatcher.menus.get(path)) is not None
    }
    return facts_from(menus, user="")


@EVERYWHERE
def test_the_facts_are_those_the_api_shows(version: str, variant: Variant) -> None:
    site = Site(version, variant)
    made = (
        "/ip hotspot walled-garden add dst-host=*.example.com\n/ip hotspot walled-garden ip add dst-address=198.51.100.7 action=accept\n"
        "/ip service set www disabled=yes\n/ip service set api address=203.0.113.9/32\n"
        "/system clock set time-zone-name=Asia/Kolkata\n"
    )
    assert ScriptEngine(site.router).paste(made).error is None
    facts, expected = facts_from(menus_from(settings_of(site)), user=""), over_api(site)
    if version.startswith("6"):
        expected = replace(expected, device_mode=None)
    assert facts.zone == "Asia/Kolkata"
    assert facts.garden_hosts == {"*.example.com"}
    assert (facts.services or {})["www"].is_open is False
    if facts.device_mode and expected.device_mode:  # a script says true where the API says yes
        assert facts.device_mode.keys() == expected.device_mode.keys()
        expected = replace(expected, device_mode=facts.device_mode)
    assert facts.clock_at
    assert expected.clock_at
    assert abs((facts.clock_at - expected.clock_at).total_seconds()) < 60, "read one after the other"
    assert replace(facts, clock_at=None, uptime_s=0) == replace(expected, clock_at=None, uptime_s=0)


@EVERYWHERE
def test_the_script_keeps_its_size(version: str, variant: Variant) -> None:
    assert len(Site(version, variant).script.encode()) < MOST_SCRIPT


@EVERYWHERE
def test_a_router_without_a_hotspot_is_told_from_one_that_does_not_show_it(version: str, variant: Variant) -> None:
    site = Site(version, variant)
    assert ScriptEngine(site.router).paste("/ip hotspot remove [find]").error is None
    assert facts_from(menus_from(settings_of(site)), user="").servers == []
    assert facts_from(menus_from(()), user="").servers is None


@EVERYWHERE
def test_no_text_of_a_merchant_can_pass_for_another_line(version: str, variant: Variant) -> None:
    site = Site(version, variant)
    evil = r'"a|b\nend|1\nstate|settings|9|9|last|0\n$(x) \"q\""'
    assert ScriptEngine(site.router).paste(f"/system identity set name={evil}").error is None
    assert facts_from(menus_from(settings_of(site)), user="").identity == "a|b"
    assert site.portal.acks == {1: True}


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        *(("10800", "+03:00"), ("19800", "+05:30"), ("0", "+00:00"), ("4294949296", "-05:00"), ("-18000", "-05:00")),
        *(("+03:00", "+03:00"), ("03:00:00", "+03:00"), ("-03:30", "-03:30"), ("whatever", "whatever")),
    ],
)
def test_an_offset_from_utc_is_read_however_a_version_says_it(said: str, meant: str) -> None:
    rows = (SettingRow("/system/clock", 0), SettingRow("/system/clock", 0, "gmt-offset", said))
    assert menus_from(rows) == {"/system/clock": [{"gmt-offset": meant}]}


def test_menus_and_fields_nobody_asked_for_are_passed_over() -> None:
    rows = (
        SettingRow("/user", 0, "name", "admin"),
        SettingRow("/ip/hotspot", 0),
        SettingRow("/ip/hotspot", 0, "password", "x"),
        SettingRow("/ip/hotspot", 7, "name", "hotspot1"),
    )
    assert menus_from(rows) == {"/ip/hotspot": [{"name": "hotspot1"}]}


def strangers(site: Site) -> set[str]:
    return site.users().keys() & {"cousin", "kin", OTHER}


@EVERYWHERE
def test_one_row_that_is_not_ours_goes_and_only_as_it_was_seen(version: str, variant: Variant) -> None:
    site = Site(version, variant)
    made = (
        '/ip hotspot user add name=cousin password=x comment="it\'s $(x)"\n/ip hotspot user add name=kin password=x\n'
        f"/ip hotspot user add name={OTHER} password=x comment=theirs\n"
    )
    assert ScriptEngine(site.router).paste(made).error is None
    site.portal.ask(Report(StateKind.FOREIGN))
    site.run()
    pages = [page for report in site.portal.reports for page in report.states if page.kind is StateKind.FOREIGN]
    told = told_of(row for row in whole_state(pages) or () if isinstance(row, SettingRow))
    assert {user.name for user in users_of(told)} >= {"cousin", "kin"}
    (seen,) = drops_of_user(told, "cousin")
    site.portal.ask(replace(seen, values=(seen.values[0], seen.values[1], "another comment")))
    site.run()
    assert strangers(site) == {OTHER, "cousin", "kin"}
    assert site.portal.acks == {1: True, 2: False}
    site.portal.ask(seen, seen)
    site.run()
    assert strangers(site) == {OTHER, "kin"}
    assert site.portal.acks == {1: True, 2: False, 3: True, 4: True}, "gone already is as good"


@EVERYWHERE
def test_a_row_of_ours_is_never_taken_off_by_that_verb(version: str, variant: Variant) -> None:
    site = Site(version, variant)
    site.portal.ask(*SALE)
    site.run()
    jobs = (
        ("11", "drop", NAME, "user", "-", PROFILE.name, "vocha:7"),
        ("12", "drop", NAME, "user", "00:00:00:00:00:00", PROFILE.name, "vocha:7"),
        ("13", "drop", NAME, "active", MAC, IP, "-"),
        ("14", "drop", NAME, "profile", "-", "-", "-"),
        ("15", "drop", MAC, "host", "-", "-", "-"),
    )
    site.portal.tamper = forged(variant, *jobs)
    site.run()
    assert NAME in site.users()
    assert len(site.rows("/ip/hotspot/active")) == 1
    assert {number: done for number, done in site.portal.acks.items() if number > 10} == dict.fromkeys(
        range(11, 16), False
    )
    for kind, values in ((Stranger.USER, ("", "", "vocha:7")), (Stranger.ACTIVE, (MAC, IP, ""))):
        with pytest.raises(ValueError, match="ours"):
            write_job(Drop(kind, NAME, values))


@pytest.mark.parametrize(
    ("drop", "words"),
    [
        (Drop(Stranger.USER, "ũ ser", ("", "default", '"$x')), ["drop", "ũ ser", "user", "-", "default", '"$x']),
        (Drop(Stranger.BINDING, MAC, ("", "bypassed", "")), ["drop", MAC, "binding", "-", "bypassed", "-"]),
    ],
)
def test_a_named_row_travels_whole(drop: Drop, words: list[str]) -> None:
    assert write_job(drop) == words
    assert read_job(words) == drop


@pytest.mark.parametrize("name", ["", "a|b", "a\nb", "x" * 121, "\0"])
def test_names_a_router_cannot_be_told_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match="cannot be named"):
        write_job(Drop(Stranger.USER, name, ("", "", "")))
