"""Files, fetch, backups and certificates, with a fetcher that is a function of the test."""

import asyncio
from collections.abc import Callable

import pytest

from routeros.simulator.scripting.engine import ScriptEngine
from routeros.simulator.scripting.fetching import FetchFailed, FetchReply, FetchRequest
from tests.routeros.simulator.scripting.bench import allowed, said, still_router

Answer = Callable[[FetchRequest], FetchReply]
GET = ':put ([/tool fetch url="http://portal.example/x" output=user as-value]->"data")'


def engine_with(answer: Answer, version: str = "7.16") -> tuple[ScriptEngine, list[FetchRequest]]:
    asked: list[FetchRequest] = []

    def fetcher(request: FetchRequest) -> FetchReply:
        asked.append(request)
        return answer(request)

    engine = ScriptEngine(still_router(version))
    engine.host.fetcher = fetcher
    return engine, asked


def ok(body: bytes = b"hello") -> Answer:
    return lambda _request: FetchReply(200, body)


def test_what_is_fetched_can_be_used() -> None:
    engine, asked = engine_with(ok(b"caf\xc3\xa9"))
    text = ':local r [/tool fetch url="http://portal.example/x" output=user as-value]; :put ($r->"status"); :put ($r->"data")'
    assert engine.run(text).output == "finished\ncafé"
    assert asked == [FetchRequest("http://portal.example/x")]


def test_a_request_goes_out_as_it_was_written() -> None:
    engine, asked = engine_with(ok())
    text = (
        '/tool fetch http-method=post url="https://p.example/in" output=none http-data="{\\"a\\":\\"\\C3\\A9\\"}" '
        'http-header-field="Content-Type:application/json,X-List:a\\\\,b"'
    )
    assert engine.run(text).error is None
    headers = (("Content-Type", "application/json"), ("X-List", "a,b"))
    assert asked == [FetchRequest("https://p.example/in", "POST", headers, '{"a":"é"}'.encode())]


def test_a_download_becomes_a_file_that_can_be_imported() -> None:
    engine, _ = engine_with(ok(b"/ip hotspot user add name=fetched\n"))
    text = "/tool fetch url=http://p.example/setup.rsc dst-path=vocha.rsc\n/import vocha.rsc"
    assert "Script file loaded and executed successfully" in engine.run(text).output
    assert engine.run(":put [/ip hotspot user get fetched name]").output == "fetched"
    engine.run("/tool fetch url=http://p.example/other.rsc")
    assert {row.get("name") for row in engine.host.files.table} == {"vocha.rsc", "other.rsc"}


@pytest.mark.parametrize(
    ("version", "words"),
    [
        ("7.16", "failure: closing connection: <404 Not Found> portal.example:80 (4)"),
        ("7.24", "failure: Status 404, Not Found"),
    ],
)
def test_anything_but_success_is_an_error(version: str, words: str) -> None:
    engine, _ = engine_with(lambda _request: FetchReply(404, b"gone"), version)
    assert engine.run(GET).error == words
    assert engine.run(f':do {{{GET}}} on-error={{:put "caught"}}').output == "caught"


def test_an_unreachable_server_is_an_error() -> None:
    def answer(_request: FetchRequest) -> FetchReply:
        raise FetchFailed("connection refused")

    engine, _ = engine_with(answer)
    assert engine.run(GET).error == "failure: connection refused"


@pytest.mark.parametrize(("size", "is_fine"), [(65536, True), (65537, False)])
def test_a_variable_takes_64_kilobytes_from_the_network(size: int, is_fine: bool) -> None:
    engine, _ = engine_with(ok(b"x" * size))
    assert (engine.run(GET).error is None) is is_fine


@pytest.mark.parametrize(("size", "is_fine"), [(65536, True), (65537, False)])
def test_64_kilobytes_can_be_sent(size: int, is_fine: bool) -> None:
    engine, asked = engine_with(ok())
    text = "/tool fetch url=http://p.example/ output=none http-method=post http-data=$d"
    assert (engine.run(text, variables={"d": "x" * size}).error is None) is is_fine
    assert len(asked) is int(is_fine)


def test_redirects_are_followed_twice_and_no_further() -> None:
    def answer(request: FetchRequest) -> FetchReply:
        step = int(request.url.rpartition("/")[2])
        return FetchReply(302, headers=(("Location", f"/{step + 1}"),)) if step < 3 else FetchReply(200, b"end")

    engine, asked = engine_with(answer)
    assert engine.run(GET.replace("/x", "/1")).output == "end"
    assert [request.url[-1] for request in asked] == ["1", "2", "3"]
    assert "302" in str(engine.run(GET.replace("/x", "/0")).error)


def test_a_certificate_is_checked_only_with_an_authority_and_the_right_date() -> None:
    text = GET.replace("http:", "https:").replace("output", "check-certificate=yes output")
    engine, asked = engine_with(ok(), "7.16")
    assert "unable to get local issuer certificate" in str(engine.run(text).error)
    engine.host.files.write("ca.pem", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
    assert engine.run('/certificate import file-name=ca.pem passphrase=""').error is None
    assert engine.run(text).output == "hello"
    assert asked[0].verifies
    engine.host.router.wall.lose_power(ntp_after=None)
    assert "not yet valid" in str(engine.run(text).error)
    newer, _ = engine_with(ok(), "7.24")
    assert newer.run(text).output == "hello"
    newer.run("/certificate settings set builtin-trust-store=untrusted")
    assert "unable to get local issuer" in str(newer.run(text).error)


def test_fetching_needs_its_policy() -> None:
    engine, asked = engine_with(ok())
    assert engine.run(GET, policies=allowed("read", "write")).error == "not enough permissions (9)"
    assert asked == []


async def test_a_live_script_waits_for_an_asynchronous_answer() -> None:
    engine = ScriptEngine(still_router())
    gate = asyncio.Event()

    async def slow(_request: FetchRequest) -> FetchReply:
        await gate.wait()
        return FetchReply(200, b"late")

    engine.host.fetcher = slow
    running = asyncio.create_task(engine.run_live(GET))
    await asyncio.sleep(0)
    assert not running.done()
    gate.set()
    assert (await running).output == "late"
    with pytest.raises(RuntimeError, match="run_live"):
        engine.run(GET)


async def test_a_live_script_waits_for_the_virtual_clock() -> None:
    engine = ScriptEngine(still_router())
    running = asyncio.create_task(engine.run_live(":delay 10s; :put done"))
    await asyncio.sleep(0)
    engine.host.router.clock.advance(9)
    engine.host.router.tick()
    await asyncio.sleep(0)
    assert not running.done()
    engine.host.router.clock.advance(1)
    engine.host.router.tick()
    assert (await running).output == "done"


def test_files_are_made_changed_and_removed() -> None:
    text = """
/file add name=/a.txt contents="one"
/file set a.txt contents="two"
:put [/file get a.txt contents]
:put [/file get a.txt size]
:put [/file get [find where name="a.txt"] type]
/file remove a.txt
:put [:len [/file find]]"""
    assert said(text) == "two\n3\n.txt file\n0"


def test_version_6_makes_files_only_by_printing() -> None:
    router = still_router("6.49")
    assert ScriptEngine(router).run("/file add name=a").error == "bad command name add (line 1 column 7)"
    said('/system identity print file=a; :delay 1s; /file set a.txt contents="mine"', router=router)
    assert said(":put [/file get a.txt contents]", router=router) == "mine"


@pytest.mark.parametrize(("version", "most"), [("7.9", 4095), ("7.16", 61440)])
def test_contents_have_the_longest_length_of_their_version(version: str, most: int) -> None:
    engine = ScriptEngine(still_router(version))
    text = "/file add name=a.txt contents=$c"
    assert "longer than" in str(engine.run(text, variables={"c": "x" * (most + 1)}).error)
    assert engine.run(text, variables={"c": "x" * most}).error is None
    engine.host.files.write("big.txt", "y" * (most + 1))
    assert engine.run(":put [:len [/file get big.txt contents]]").output == "0"


def test_a_long_file_is_read_in_parts() -> None:
    engine = ScriptEngine(still_router())
    engine.host.files.write("text.txt", "123456")
    text = ':put ([/file read file=text.txt offset=2 chunk-size=3 as-value]->"data")'
    assert engine.run(text).output == "345"


def test_only_flash_outlives_a_reboot() -> None:
    router = still_router()
    router.scripts.files.write("flash", "", kind="directory")
    said("/file add name=flash/login.html contents=a; /file add name=lost.html contents=b", router=router)
    router.reboot()
    assert {row.get("name") for row in router.scripts.files.table} == {"flash", "flash/login.html"}


def test_a_backup_brings_the_configuration_back_and_keeps_the_files() -> None:
    router = still_router()
    said("/ip hotspot user add name=before; /ip dns set servers=1.1.1.1; /system backup save name=b", router=router)
    said(
        "/ip hotspot user remove before; add name=after".replace("; add", "; /ip hotspot user add")
        + "; /system identity set name=Changed; /ip dns set servers=9.9.9.9; /file add name=kept.txt contents=x",
        router=router,
    )
    engine = ScriptEngine(router)
    assert engine.run("/system backup load name=b").error == "missing value(s) of argument(s) password"
    assert engine.run("/system backup load name=b password=wrong").error == "failure: wrong password"
    assert engine.run('/system backup load name=b.backup password=""').error is None
    router.tick()
    assert router.hotspot.users.named("before")
    assert not router.hotspot.users.named("after")
    assert router.hotspot.identity == "MikroTik"
    assert said(":put [/ip dns get servers]", router=router) == "1.1.1.1"
    assert {row.get("name") for row in router.scripts.files.table} == {"b.backup", "kept.txt"}
    assert "router rebooted" in [line.message for line in router.log.lines]


def test_the_disk_is_as_small_as_the_board() -> None:
    engine = ScriptEngine(still_router())
    engine.host.files.write("a", "x" * (engine.host.router.board.disk // 4 - 10))
    assert engine.run('/file add name=b contents="0123456789-"').error == "failure: not enough space on device"
