"""A router that asks us tells its settings: the same facts the doctor reads over the API, on every version."""

from dataclasses import replace

import pytest

from routeros.doctor import Facts, facts_from
from routeros.script.pull import whole_state
from routeros.script.pull_settings import TOLD, menus_from
from routeros.script.pull_values import PullReport, Report, SettingRow, StateKind, StatePage
from routeros.script.values import Variant
from routeros.simulator.scripting.engine import ScriptEngine

from .test_agent import VERSIONS, Site

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
    assert facts == expected


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
