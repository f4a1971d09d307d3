"""Held against what real routers say of themselves: the commands and arguments the simulator takes, and those our client
and our scripts use, for each version.

The lists (`data/commands.json`) are dumps of `/console/inspect`; they are read here without the simulator's own reader.
"""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import pytest

import routeros.simulator
from routeros import dialin_menus, menus
from routeros.client import HotspotRouter
from routeros.client.bulk import MANY
from routeros.dialins import (
    AddSecret,
    ChangeSecret,
    EndDialin,
    PppProfile,
    Secret,
    WriteProfile,
    dialin_comment,
    dialin_profile,
)
from routeros.errors import RouterError
from routeros.script.onboarding import Family, setup_script, undo_script
from routeros.simulator.calls import Answer, Call
from routeros.simulator.dispatch import Dispatcher
from routeros.simulator.menus.generic import WithoutBehaviour
from routeros.simulator.router import SimulatedRouter
from routeros.simulator.scripting.engine import ScriptEngine
from routeros.values import HotspotUser, LogIn, RouterAddress, UserProfile
from tests.routeros.script.cast import EVERY
from tests.routeros.simulator.raw_client import RawClient

LISTS = json.loads((Path(routeros.simulator.__file__).parent / "data" / "commands.json").read_text())
VERSIONS = cast("list[str]", LISTS["versions"])

#: What the API has beside the console's lists. Source: MikroTik manual, API (.id and count-only of print, getall, listen,
#: cancel, find and get by value-name; comment and move are console verbs of every menu that has them).
API_VERBS = {"getall", "get", "find", "listen", "comment", "move"}
API_ARGUMENTS = {
    "print": {".id", "count-only", "follow", "follow-only", "from", "interval", "detail", "stats"},
    "unset": {".id", "numbers", "value-name"},
}
#: The dumped routers are virtual: they have no board to speak of.
OF_A_BOARD = "/system/routerboard"
#: Listed, and of no use to anybody here: jobs and global variables are changed by scripts only, files read whole.
NOT_MODELLED = {
    *("/system/script/job/set", "/system/script/environment/set"),
    *("/file/copy", "/file/head", "/file/tail"),
}
#: Version 6 is in no dump. What came with 7 is taken off the oldest list (MikroTik manual, change logs of 7): menus and
#: commands by their beginning, and arguments that version 6 does not document.
SINCE_SEVEN = (
    *("/interface/wireguard", "/system/device-mode", "/safe-mode", "/certificate/builtin", "/user/settings"),
    *("/ip/dns/adlist", "/ip/dns/forwarders", "/ip/service/webserver", "/system/ntp/client/servers"),
    *("/file/add", "/file/read", "/file/copy", "/file/head", "/file/tail"),
)
ARGUMENTS_SINCE_SEVEN = {
    "/ip/dhcp-server/option/add": {"force", "comment"},
    "/ip/dhcp-server/option/set": {"force", "comment"},
}
#: Its SNTP client is in the manual (NTP, RouterOS version 6).
OF_SIX = {"/system/ntp/client/set": {"enabled", "primary-ntp", "secondary-ntp", "server-dns-names"}}


def real(version: str) -> dict[str, set[str]]:
    """Every listed command of a version with its arguments; version 6 like the oldest."""
    listed = version if version in VERSIONS else VERSIONS[0]
    found: dict[str, set[str]] = {}
    for command, (shape, *more) in LISTS["commands"].items():
        if len(more) > 1 and listed not in more[1]:
            continue
        common = LISTS["lists"][shape] if isinstance(shape, int) else shape
        found[command] = {*common, *(name for name, have in (more[0] if more else {}).items() if listed in have)}
    if version not in VERSIONS:
        found = {
            command: arguments - ARGUMENTS_SINCE_SEVEN.get(command, set())
            for command, arguments in found.items()
            if not command.startswith(SINCE_SEVEN)
        }
        found |= OF_SIX
    return found


def strangers(command: str, arguments: set[str], listed: dict[str, set[str]]) -> set[str]:
    """What of a command no real router of that version knows: its arguments, or its own name."""
    menu, _, verb = command.rpartition("/")
    if menu == OF_A_BOARD:
        return set()
    if verb in API_VERBS:
        return set() if f"{menu}/print" in listed or f"{menu}/set" in listed else {command}
    if command not in listed:
        return {command}
    known = listed[command] | API_ARGUMENTS.get(verb, set())
    if known & {"numbers", "number"}:
        known |= {".id"}
    return {f"{command} {name}" for name in arguments - known}


@pytest.mark.parametrize("version", ["6.49", *VERSIONS])
def test_the_simulator_takes_nothing_a_real_router_would_refuse(version: str) -> None:
    dispatcher, listed = SimulatedRouter(version=version).dispatcher, real(version)
    unknown: set[str] = set()
    seen = 0
    commands = {f"{path}/{verb}" for path, menu in dispatcher.menus.items() for verb in (*menu.readers, *menu.writers)}
    for command in commands | dispatcher.commands.keys():
        if (arguments := dispatcher.accepts(command)) is not None:
            seen += 1
            unknown |= strangers(command, set(arguments), listed)
    assert unknown == set()
    assert seen > 400


@pytest.mark.parametrize("version", ["6.49", *VERSIONS])
def test_the_simulator_has_every_listed_command_of_its_menus_with_all_arguments(version: str) -> None:
    dispatcher = SimulatedRouter(version=version).dispatcher
    missing: set[str] = set()
    for command, arguments in real(version).items():
        if command.rpartition("/")[0] in dispatcher.menus:
            taken = dispatcher.accepts(command)
            missing |= {command} if taken is None else {f"{command} {name}" for name in arguments - taken}
    assert missing <= NOT_MODELLED


@pytest.mark.parametrize("version", ["6.49", *VERSIONS])
async def test_listed_commands_without_behaviour_say_so_and_change_nothing(version: str) -> None:
    """A command the simulator does not act on answers a trap of its own, never a success it did not earn."""
    async with SimulatedRouter(version=version) as router, await RawClient.connect(router) as client:
        before = router.save_state()
        silent = {
            handler.command
            for menu in router.dispatcher.menus.values()
            for handler in menu.writers.values()
            if isinstance(handler, WithoutBehaviour)
        }
        assert silent
        for command in sorted(silent):
            if router.dispatcher.accepts(command) is None:
                continue
            assert await client.trap(command) == f"failure: the simulator does not act on {command}"
        assert router.save_state() == before


def test_what_is_not_modelled_is_listed_for_readers() -> None:
    text = (Path(__file__).parents[3] / "docs" / "simulator.md").read_text()
    router = SimulatedRouter(version="7.24")
    menus_of = {
        handler.command.rpartition("/")[0]
        for menu in router.dispatcher.menus.values()
        for handler in menu.writers.values()
        if isinstance(handler, WithoutBehaviour)
    }
    unsaid = {menu for menu in menus_of if not any(f"`{part}`" in text for part in _parents(menu))}
    assert unsaid == set()


def test_the_checklist_names_tests_that_are_there() -> None:
    text = (Path(__file__).parents[3] / "docs" / "simulator.md").read_text()
    named = re.findall(r"^\| (\d+) \| [^|]+ \| `([a-z_/]+)`: ([^|]+) \|$", text, re.MULTILINE)
    assert [int(number) for number, _, _ in named] == list(range(1, 65))
    for _, file, words in named:
        folder, _, name = file.rpartition("/")
        source = (Path(__file__).parent / folder / f"test_{name}.py").read_text()
        assert re.search(rf"def test_{words.replace(' ', '_')}\(", source), f"{file}: {words}"


def _parents(menu: str) -> list[str]:
    words = menu.split("/")
    return ["/".join(words[:end]) for end in range(2, len(words) + 1)]


@pytest.mark.parametrize("version", VERSIONS)
def test_what_only_other_versions_list_is_refused(version: str) -> None:
    dispatcher, listed = SimulatedRouter(version=version).dispatcher, real(version)
    others = {command for other in VERSIONS for command in real(other)} - listed.keys()
    assert [command for command in others if dispatcher.accepts(command) is not None] == []


@dataclass
class Recorder:
    """Notes every command that reaches a router, with its arguments."""

    router: SimulatedRouter
    heard: dict[str, set[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        plain = self.router.dispatcher
        heard = self.heard

        class Listening(Dispatcher):
            def run(self, call: Call) -> Answer:
                heard.setdefault(call.command, set()).update(call.arguments)
                return super().run(call)

        self.router.dispatcher = Listening(plain.schema, plain.menus, plain.commands)

    def strangers(self) -> set[str]:
        listed = real(self.router.version)
        return {each for command, names in self.heard.items() for each in strangers(command, names, listed)}


USER = HotspotUser(
    name="v1",
    password="p",
    comment="c",
    mac_address="02:00:00:00:00:09",
    limit_uptime=3600,
    limit_bytes_total=10**6,
    is_disabled=False,
)
PROFILE = UserProfile(name="hour", rate_limit="1M/2M", shared_users=2)
#: So many that they are made by scripts where the version allows it.
CROWD = [HotspotUser(name=f"crowd-{number}", password="p", profile=PROFILE.name) for number in range(MANY)]
SECRET = Secret("amina", "p", "vocha-ppp-1m-5m", dialin_comment(1), "pppoe")
Verb = Callable[[HotspotRouter], Awaitable[Any]]
#: All menus our client knows, whether or not one of its verbs asks for them by itself.
MENUS = [each for of in (menus, dialin_menus) for each in vars(of).values() if isinstance(each, menus.Menu)]
#: Every verb of our client, with all it can be told. A new verb belongs here.
VERBS: dict[str, list[Verb]] = {
    "resource": [lambda c: c.resource()],
    "identity": [lambda c: c.identity()],
    "clock": [lambda c: c.clock()],
    "users": [lambda c: c.users(), lambda c: c.users(["v1"])],
    "user_profiles": [lambda c: c.user_profiles()],
    "active": [lambda c: c.active(), lambda c: c.active(["v1"])],
    "hosts": [lambda c: c.hosts(), lambda c: c.hosts(["10.5.50.9"])],
    "cookies": [lambda c: c.cookies(), lambda c: c.cookies(["v1"])],
    "server_profiles": [lambda c: c.server_profiles()],
    "ip_bindings": [lambda c: c.ip_bindings()],
    "walled_garden": [lambda c: c.walled_garden()],
    "walled_garden_addresses": [lambda c: c.walled_garden_addresses()],
    "license": [lambda c: c.license()],
    "device_mode": [lambda c: c.device_mode()],
    "log": [lambda c: c.log()],
    "look": [lambda c: c.look(*MENUS)],
    "rows": [lambda c: c.rows({"/ip/hotspot/ip-binding": (".id", "mac-address")})],
    "ensure_user_profile": [
        lambda c: c.ensure_user_profile(PROFILE),
        lambda c: c.ensure_user_profile(UserProfile(name="hour", rate_limit="5M/5M", shared_users=None)),
    ],
    "ensure_user_profiles": [lambda c: c.ensure_user_profiles([PROFILE])],
    "add_user": [lambda c: c.add_user(USER)],
    "add_users": [lambda c: c.add_users([HotspotUser(name="v2", password="p"), HotspotUser(name="v3", password="p")])],
    "ensure_user": [lambda c: c.ensure_user(USER)],
    "ensure_users": [lambda c: c.ensure_users([USER], [PROFILE]), lambda c: c.ensure_users(CROWD, [PROFILE])],
    "set_user": [lambda c: c.set_user("v1", password="q", profile="hour", limit_uptime=60, is_disabled=False)],
    "set_users": [lambda c: c.set_users([("v1", {"limit_uptime": 120, "comment": "d"}), ("v2", {"profile": "hour"})])],
    "log_in": [lambda c: c.log_in(ip="10.5.50.9", mac="02:00:00:00:00:09", user="v1", password="q")],
    "log_in_each": [lambda c: c.log_in_each([LogIn(ip="10.5.50.9", mac="02:00:00:00:00:09", user="v1", password="q")])],
    "make_room": [lambda c: c.make_room("v1", ip="10.5.50.10", mac="02:00:00:00:00:0A")],
    "end_bypass": [lambda c: c.end_bypass("02:00:00:00:00:0B"), lambda c: c.end_bypass("02:00:00:00:00:0C")],
    "remove_users": [lambda c: c.remove_users(["v2"])],
    "end_access": [lambda c: c.end_access(["v1", "v3"])],
    "write_dialins": [
        lambda c: c.write_dialins([WriteProfile(dialin_profile("1M/5M")), AddSecret(SECRET)]),
        lambda c: c.write_dialins([WriteProfile(PppProfile("vocha-ppp-1m-5m", "2M/5M"))]),
        lambda c: c.write_dialins([ChangeSecret("amina", {"password": "q", "is_disabled": True}, cuts=True)]),
        lambda c: c.write_dialins([EndDialin("amina")]),
    ],
}


#: Version 6 has no such menu, and the verb says so.
NOT_IN_SIX = {"device_mode"}


def test_every_verb_of_our_client_is_tried() -> None:
    public = {
        name
        for name, _ in inspect.getmembers(HotspotRouter, inspect.iscoroutinefunction)
        if not name.startswith("_") and name != "close"
    }
    assert public <= VERBS.keys()


@pytest.mark.parametrize("version", ["6.49", *VERSIONS])
async def test_our_client_asks_for_nothing_a_real_router_lacks(version: str) -> None:
    async with SimulatedRouter(version=version, login_by="http-pap,mac-cookie") as router:
        router.hotspot.see_host("02:00:00:00:00:09", "10.5.50.9")
        router.tables["/ip/hotspot/ip-binding"].add({"mac-address": "02:00:00:00:00:0B", "type": "bypassed"})
        router.hotspot.see_host("02:00:00:00:00:0B", "10.5.50.11")
        recorder = Recorder(router)
        address = RouterAddress(host=router.api_host, port=router.api_port, user="admin", password="")
        async with HotspotRouter(address) as client:
            for name, verbs in VERBS.items():
                if version == "6.49" and name in NOT_IN_SIX:
                    continue
                for verb in verbs if hasattr(client, name) else ():
                    try:
                        await verb(client)
                    except RouterError as refused:
                        pytest.fail(f"{name}: {refused}")
    assert recorder.strangers() == set()
    heard = {command.rpartition("/")[2] for command in recorder.heard}
    assert {"print", "add", "set", "remove", "login"} <= heard
    assert ("import" in heard) is (version not in {"6.49", "7.9"})


@pytest.mark.parametrize("version", ["6.49", *VERSIONS])
@pytest.mark.parametrize("name", EVERY)
def test_our_scripts_run_nothing_a_real_router_lacks(name: str, version: str) -> None:
    wish = EVERY[name]
    if (wish.family is Family.SIX) != (version == "6.49"):
        pytest.skip("made for other versions")
    router = SimulatedRouter(version=version, server_name="" if "new" in name else "hotspot1")
    recorder = Recorder(router)
    texts = (setup_script(wish), setup_script(wish), undo_script(wish))
    errors = {ScriptEngine(router).paste(text).error for text in texts} - {None}
    assert recorder.strangers() == set()
    if any("routers know no authority" in str(error) for error in errors):
        pytest.skip("the script itself refuses a version this old")
    assert errors == set()
    assert len(recorder.heard) > 15


def test_a_command_no_router_has_would_be_seen() -> None:
    listed = real("7.16")
    assert strangers("/ip/hotspot/user/add", {"name", "no-such"}, listed) == {"/ip/hotspot/user/add no-such"}
    assert strangers("/ip/hotspot/nothing/print", set(), listed) == {"/ip/hotspot/nothing/print"}
    assert strangers("/ip/hotspot/nothing/get", set(), listed) == {"/ip/hotspot/nothing/get"}
    assert strangers("/ip/hotspot/user/add", {"otp-secret"}, listed)
    assert not strangers("/ip/hotspot/user/add", {"otp-secret"}, real("7.24"))
