"""Users made by scripts: the same rows and the same results as one by one, whatever version, policy, space or luck."""

import logging

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routeros.client import HotspotRouter
from routeros.client.bulk import LONGEST, MANY, scripts
from routeros.errors import AlreadyExists, BadArgument, Unreachable
from routeros.simulator.latency import Latency
from routeros.simulator.router import SimulatedRouter
from routeros.simulator.scripting.engine import ScriptEngine
from routeros.values import HotspotUser, RouterAddress, RowResult
from tests.routeros.model import PROFILE, row

PASSWORD = "router-password"
CROWD = MANY + 50


def crowd(count: int = CROWD) -> list[HotspotUser]:
    return [row(number) for number in range(count)]


def board(version: str = "7.16", *, policy: str = "", latency: Latency | None = None) -> SimulatedRouter:
    """A router; with `policy` we sign in as somebody of a group that may do no more than that."""
    router = SimulatedRouter(version=version, api_password=PASSWORD, latency=latency)
    if policy:
        router.tables["/user/group"].add({"name": "few", "policy": policy})
        router.tables["/user"].add({"name": "bot", "group": "few", "password": PASSWORD})
    router.tables["/ip/hotspot/user/profile"].add({"name": PROFILE.name, "rate-limit": "512k/1M", "shared-users": "1"})
    return router


def client_of(router: SimulatedRouter, *, user: str = "admin", command_timeout: float = 10.0) -> HotspotRouter:
    address = RouterAddress(router.api_host, router.api_port, user, PASSWORD)
    return HotspotRouter(address, command_timeout=command_timeout)


def files_of(router: SimulatedRouter) -> set[str]:
    return {each.get("name") for each in router.scripts.files.table}


def kinds(results: list[RowResult]) -> set[type]:
    return {type(result.error) for result in results}


def as_made(users: list[HotspotUser], shown: list[HotspotUser]) -> bool:
    """Whether every user is there once, with all its values."""
    return sorted(users, key=lambda each: each.name) == sorted(
        (each for each in shown if not each.is_dynamic), key=lambda each: each.name
    )


@pytest.mark.parametrize(("version", "by_script"), [("6.49", False), ("7.9", False), ("7.16", True), ("7.24", True)])
async def test_a_crowd_is_made_by_scripts_where_the_version_allows_it(version: str, by_script: bool) -> None:
    async with board(version) as router, client_of(router) as client:
        assert kinds(await client.add_users(crowd())) == {type(None)}
        assert as_made(crowd(), await client.users())
        assert (router.meter.commands < 40) is by_script, "a script, or a command for each"
        assert files_of(router) == set()
        assert kinds(await client.ensure_users(crowd(), [PROFILE])) == {type(None)}, "again, as after a lost answer"
        assert as_made(crowd(), await client.users())
        assert kinds(await client.add_users(crowd())) == {type(None) if by_script else AlreadyExists}


async def test_rows_of_others_are_refused_and_stay_as_they_are() -> None:
    async with board() as router, client_of(router) as client:
        taken = {row(3).name: "by hand", row(44).name: "vocha:999", row(249).name: ""}
        for name, comment in taken.items():
            router.hotspot.users.add({"name": name, "password": "theirs", "comment": comment})
        same = {"profile": PROFILE.name, "password": row(44).password or "", "limit-uptime": "1h"}
        router.hotspot.users.change(router.hotspot.users.named(row(44).name)[0], same)  # ours but for the comment
        before = [dict(each.values) for each in router.hotspot.users if each.get("name") in taken]
        for verb in (lambda: client.add_users(crowd()), lambda: client.ensure_users(crowd(), [PROFILE])):
            results = await verb()
            assert {each.name for each in results if isinstance(each.error, AlreadyExists)} == set(taken)
            assert len([each for each in results if each.error is None]) == CROWD - len(taken)
            assert [dict(each.values) for each in router.hotspot.users if each.get("name") in taken] == before


async def test_what_we_made_before_is_brought_to_its_values_again() -> None:
    """Also where only the password differs and the router shows none."""
    async with board(policy="api,read,write,ftp") as router, client_of(router, user="bot") as client:
        old = {"name": row(7).name, "password": "old", "comment": row(7).comment, "profile": PROFILE.name}
        router.hotspot.users.add({**old, "limit-uptime": "1h"})
        assert kinds(await client.ensure_users(crowd(), [PROFILE])) == {type(None)}
        [ours] = router.hotspot.users.named(row(7).name)
        assert ours.get("password") == row(7).password
        assert router.hotspot.users.named(row(8).name)[0].get("password") == row(8).password


async def test_profiles_are_there_before_the_scripts_run() -> None:
    async with board() as router, client_of(router) as client:
        router.tables["/ip/hotspot/user/profile"].remove(
            router.tables["/ip/hotspot/user/profile"].named(PROFILE.name)[0]
        )
        assert kinds(await client.ensure_users(crowd(), [PROFILE])) == {type(None)}
        assert router.meter.commands < 40, "one by one nobody had to be made"


async def test_who_cannot_be_made_hears_why_and_holds_up_nobody() -> None:
    async with board() as router, client_of(router) as client:
        odd = HotspotUser(name="vocha-odd", password="x", profile="no such profile")
        mixed = [*crowd()[:100], odd, *crowd()[100:]]
        for verb in (lambda: client.add_users(mixed), lambda: client.ensure_users(mixed, [])):
            results = await verb()
            assert [type(each.error) for each in results if each.error] == [BadArgument]
            assert isinstance(results[100].error, BadArgument)
        assert as_made(crowd(), await client.users())


@pytest.mark.parametrize("policy", ["api,read,write", "api,read,write,sensitive,test"])
async def test_a_login_that_may_not_touch_files_is_not_asked_to(policy: str) -> None:
    async with board(policy=policy) as router, client_of(router, user="bot") as client:
        router.faults.only, router.faults.drop_before_reply = "/file/add", 1
        assert kinds(await client.add_users(crowd())) == {type(None)}
        asked = router.meter.commands
        assert kinds(await client.add_users([row(number) for number in range(1000, 1000 + MANY)])) == {type(None)}
        assert router.meter.commands - asked == MANY, "what this connection may not do is remembered"


async def test_a_board_without_space_gets_commands_and_keeps_no_file() -> None:
    async with board() as router, client_of(router) as client:
        router.scripts.files.write("big", "x" * (router.board.disk // 4 - LONGEST - 2000))
        assert kinds(await client.add_users(crowd())) == {type(None)}
        assert files_of(router) == {"big"}
        asked = router.meter.commands
        assert kinds(await client.add_users([row(number) for number in range(1000, 1000 + MANY)])) == {type(None)}
        assert router.meter.commands - asked == MANY


async def test_an_import_that_breaks_off_is_completed_by_commands() -> None:
    async with board() as router, client_of(router) as client:
        router.faults.break_import_after = 10
        assert kinds(await client.add_users(crowd())) == {type(None)}
        assert as_made(crowd(), await client.users())
        assert files_of(router) == set()


@pytest.mark.parametrize("lost", ["/file/add", "/import", "/ip/hotspot/user/print"])
async def test_a_lost_answer_leaves_nothing_known_and_nothing_behind(lost: str) -> None:
    async with board() as router, client_of(router) as client:
        router.faults.only, router.faults.drop_before_reply = lost, 1
        assert kinds(await client.ensure_users(crowd(), [PROFILE])) == {Unreachable}
        assert kinds(await client.ensure_users(crowd()[:3], [PROFILE])) == {type(None)}
        assert files_of(router) == set(), "tidied up by whatever is made next"
        assert kinds(await client.ensure_users(crowd(), [PROFILE])) == {type(None)}
        assert as_made(crowd(), await client.users())


async def test_files_of_a_killed_run_go_and_those_of_others_stay() -> None:
    others = {"vocha-before.rsc", "vocha-bulk-mine.rsc", "x-vocha-bulk-0123456789abcdef.rsc", "flash/a.html"}
    async with board() as router, client_of(router) as client:
        for name in (*others, "vocha-bulk-0123456789abcdef.rsc", "flash/vocha-bulk-00112233445566ff.rsc"):
            router.scripts.files.write(name, "x")
        assert kinds(await client.add_users(crowd())) == {type(None)}
        assert files_of(router) == others


async def test_a_slow_board_may_take_longer_than_a_command() -> None:
    slow = Latency(scripted=0.008)
    async with board(latency=slow) as router, client_of(router, command_timeout=1.0) as client:
        assert kinds(await client.add_users(crowd())) == {type(None)}
        assert router.meter.commands < 40


async def test_no_password_reaches_the_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    secret = [HotspotUser(name=row(n).name, password=f"geheim{n}", profile="default") for n in range(CROWD)]
    async with board() as router, client_of(router) as client:
        router.faults.break_import_after = 10
        await client.add_users(secret)
        assert not any("geheim" in line.message for line in router.log.lines)
    assert caplog.records
    assert "geheim" not in caplog.text


def test_parts_are_short_and_hold_everybody_once() -> None:
    parts = scripts(crowd(1000))
    assert all(len(text.encode()) <= LONGEST for text in parts.values())
    assert len(parts) < 10
    text = "".join(parts.values())
    assert [text.count(f'name="{user.name}"') for user in crowd(1000)] == [1] * 1000
    assert scripts(crowd(1)).keys() != scripts(crowd(1)).keys(), "names are nobody's to guess"


EVIL = st.text(alphabet="\"\\$[](){};?#= '`~<>&%!^*é😀/:ab0", min_size=1, max_size=24)


@settings(max_examples=40, deadline=None)
@given(name=EVIL, password=EVIL, comment=EVIL)
def test_no_name_password_or_comment_breaks_out_of_its_string(name: str, password: str, comment: str) -> None:
    router = SimulatedRouter()
    users = [HotspotUser(name=name, password=password, comment=comment), HotspotUser(name="last", password="x")]
    [text] = scripts(users).values()
    assert ScriptEngine(router).paste(text).errors == ()
    made = [each.values for each in router.hotspot.users if each.get("name") != "default-trial"]
    assert {each["name"] for each in made} == {name, "last"}
    first = next(each for each in made if each["name"] == name)
    assert (first["password"], first.get("comment")) == (password, comment)
    assert len(list(router.tables["/user"])) == 1


@pytest.mark.parametrize("text", ["a\nb", "a\x00b", "\ud800"])
def test_what_no_command_would_carry_is_in_no_script(text: str) -> None:
    with pytest.raises(ValueError):
        scripts([HotspotUser(name="x", password="x", comment=text)])
