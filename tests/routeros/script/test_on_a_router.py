"""The scripts pasted into simulated routers: what they leave behind, twice the same, and nothing after undo."""

from dataclasses import replace

import pytest

from routeros.script.onboarding import Family, NewHotspot, Onboarding, PullAgent, Trust, setup_script, undo_script
from routeros.script.pages import captive_api, login_page, pages_of
from routeros.simulator.router import SimulatedRouter
from routeros.simulator.scripting import engine

from .cast import DIRECT, EVERY, NEW, PULL, SIX, TUNNEL

#: What time and looking change by themselves.
_RESTLESS = frozenset(
    {"uptime", "time", "date", "last-modified", "creation-time", "next-run", "run-count", "last-started", "cpu-load"}
    | {"free-memory", "free-hdd-space", "write-sect-since-reboot", "write-sect-total", "gmt-offset", "expires-after"}
)
_NOT_CONFIGURATION = ("/log", "/system/resource", "/system/script/job", "/system/health", "/system/script/environment")

Rows = dict[str, list[dict[str, str]]]


def plain(wish: Onboarding) -> Onboarding:
    """The wish without what the simulator does not act on: certificates, and the time servers of version 6."""
    wish = replace(wish, trust=Trust.NONE, ca_pem="")
    return replace(wish, ntp_servers=()) if wish.family is Family.SIX else wish


WISHES = {name: plain(wish) for name, wish in EVERY.items()}
SEVENS = pytest.mark.parametrize("version", ["7.9", "7.16", "7.18", "7.24"])


def router_for(wish: Onboarding, version: str = "", *, device_mode: str = "advanced") -> SimulatedRouter:
    """A router as the wish expects it: with a hotspot of its own, or from the factory."""
    version = version or ("6.49" if wish.family is Family.SIX else "7.16")
    is_new = isinstance(wish.hotspot, NewHotspot)
    router = SimulatedRouter(
        version=version,
        server_name="" if is_new else "hotspot1",
        address="10.5.50.1",
        device_mode=device_mode,
    )
    # What a real router prints from the factory, and the network an existing hotspot has.
    factory = "/ip dns set allow-remote-requests=no\n/system ntp client set enabled=no\n"
    network = "" if is_new else "/ip dhcp-server network add address=10.5.50.0/24 gateway=10.5.50.1\n"
    assert paste(router, factory + network).error is None
    return router


def paste(router: SimulatedRouter, text: str) -> engine.ScriptResult:
    return engine.ScriptEngine(router).paste(text)


def configuration(router: SimulatedRouter, *, with_ids: bool = True) -> Rows:
    found: Rows = {}
    for path, menu in router.dispatcher.menus.items():
        if path in _NOT_CONFIGURATION:
            continue
        rows = [
            {k: v for k, v in row.items() if k not in _RESTLESS and (with_ids or k != ".id")} for row in menu.shown()
        ]
        found[path] = sorted(rows, key=lambda row: sorted(row.items()))
    return found


def differences(one: Rows, other: Rows) -> dict[str, tuple[list[dict[str, str]], list[dict[str, str]]]]:
    found = {}
    for path in one.keys() | other.keys():
        ours, theirs = one.get(path, []), other.get(path, [])
        if ours != theirs:
            found[path] = ([row for row in ours if row not in theirs], [row for row in theirs if row not in ours])
    return found


def rows(router: SimulatedRouter, path: str, **where: str) -> list[dict[str, str]]:
    named = {key.replace("_", "-"): value for key, value in where.items()}
    shown = router.dispatcher.menus[path].shown()
    return [dict(row) for row in shown if all(row.get(key) == value for key, value in named.items())]


@pytest.fixture(params=list(WISHES.values()), ids=list(WISHES))
def wish(request: pytest.FixtureRequest) -> Onboarding:
    return request.param


def test_a_second_paste_changes_nothing(wish: Onboarding) -> None:
    router = router_for(wish)
    first = paste(router, setup_script(wish))
    assert first.error is None, first.output
    assert "Done." in first.output
    before = configuration(router)
    second = paste(router, setup_script(wish))
    assert second.error is None, second.output
    assert differences(before, configuration(router)) == {}


def test_undo_leaves_the_router_as_it_was(wish: Onboarding) -> None:
    router = router_for(wish)
    before = configuration(router, with_ids=False)
    assert paste(router, setup_script(wish)).error is None
    assert differences(before, configuration(router, with_ids=False))
    undone = paste(router, undo_script(wish))
    assert undone.error is None, undone.output
    left = differences(before, configuration(router, with_ids=False))
    # The copy of the old settings stays; it is the other way back.
    assert {row["name"] for row in left.pop("/file", ([], []))[1]} <= {"vocha-before.backup", "vocha-before.rsc"}
    assert left == {}
    assert paste(router, undo_script(wish)).error is None


@SEVENS
def test_every_version_7_can_be_set_up(version: str) -> None:
    for name in ("7 tunnel new", "7 pull new"):
        router = router_for(WISHES[name], version)
        pasted = paste(router, setup_script(WISHES[name]))
        assert pasted.error is None, pasted.output


def test_a_stored_copy_runs_like_a_paste() -> None:
    wish = WISHES["7 tunnel new"]
    router, pasted = router_for(wish), router_for(wish)
    assert engine.ScriptEngine(router).run(setup_script(wish)).error is None
    assert paste(pasted, setup_script(wish)).error is None
    made, typed = configuration(router), configuration(pasted)
    for copies in (made, typed):
        copies["/file"] = [row for row in copies["/file"] if not row["name"].startswith("vocha-before")]
    assert {row["name"] for row in made["/file"]} >= {f"vocha/{name}" for name in pages_of(wish)}
    assert differences(made, typed) == {}


def test_the_new_hotspot_sells_by_our_page() -> None:
    wish = WISHES["7 tunnel new"]
    router = router_for(wish)
    paste(router, setup_script(wish))
    (server,) = rows(router, "/ip/hotspot", name="vocha")
    (profile,) = rows(router, "/ip/hotspot/profile", name=server["profile"])
    assert set(profile["login-by"].split(",")) == {"http-pap", "cookie", "mac-cookie"}
    assert profile["html-directory"] == "vocha"
    assert [row["contents"] for row in rows(router, "/file", name="vocha/login.html")] == [login_page(wish)]
    hosts = {row["dst-host"] for row in rows(router, "/ip/hotspot/walled-garden", comment="vocha")}
    assert hosts == {"wifi.example.co.ke", "*.safaricom.co.ke"}
    assert rows(router, "/system/identity")[0]["name"] == wish.router_name


@pytest.mark.parametrize("name", ["6 direct new", "6 direct existing", "7 tunnel new", "7 json existing"])
def test_our_pages_lie_over_the_stock_ones_on_every_family(name: str) -> None:
    wish = WISHES[name]
    router = router_for(wish)
    pasted = paste(router, setup_script(wish))
    assert "could not be written" not in pasted.output
    found = {row["name"]: row["contents"] for row in rows(router, "/file") if row["name"].startswith("vocha/")}
    assert {path: found[path] for path in found if path.removeprefix("vocha/") in pages_of(wish)} == {
        f"vocha/{page}": text for page, text in pages_of(wish).items()
    }
    assert "vocha/status.html" in found, "the stock pages"
    assert ("vocha/api.json" in found) == (wish.family is Family.SEVEN)


def test_the_board_with_flash_keeps_its_pages() -> None:
    wish = WISHES["7 direct new"]
    router = router_for(wish)
    assert paste(router, "/file add name=flash type=directory").error is None
    assert paste(router, setup_script(wish)).error is None
    assert rows(router, "/ip/hotspot/profile", name="vocha")[0]["html-directory"] == "flash/vocha"
    assert rows(router, "/file", name="flash/vocha/login.html")


def test_an_existing_hotspot_keeps_everything_but_its_profile() -> None:
    wish = WISHES["7 direct new"]
    wish = replace(wish, hotspot=WISHES["7 tunnel existing"].hotspot)
    router = router_for(wish)
    before = configuration(router)
    assert paste(router, setup_script(wish)).error is None
    after = configuration(router)
    for path in ("/ip/pool", "/ip/address", "/ip/firewall/nat"):
        assert after[path] == before[path]
    assert rows(router, "/ip/hotspot", name="hotspot1")[0]["profile"] == "vocha"
    (profile,) = rows(router, "/ip/hotspot/profile", name="vocha")
    assert profile["hotspot-address"] == "10.5.50.1"
    assert paste(router, undo_script(wish)).error is None
    assert rows(router, "/ip/hotspot", name="hotspot1")[0]["profile"] == "hsprof1"


def secured(wish: Onboarding, *, login_by: str = "http-pap,https", name: str = "login.duka.example") -> SimulatedRouter:
    """A router that sells already, over https, with a certificate on its hotspot profile."""
    router = router_for(wish)
    made = "/certificate add name=hs common-name=x\n/certificate sign hs\n"
    profile = f'/ip hotspot profile set hsprof1 ssl-certificate=hs login-by={login_by} dns-name="{name}"\n'
    assert paste(router, made + profile).error is None
    return router


def announced(router: SimulatedRouter) -> tuple[list[str], list[str]]:
    """What option 114 says, and the options of the hotspot's network."""
    said = [row["value"] for row in rows(router, "/ip/dhcp-server/option") if row["code"] == "114"]
    return said, [row.get("dhcp-option", "") for row in rows(router, "/ip/dhcp-server/network")]


OLD = "7 json existing"


def test_phones_are_told_of_the_captive_api_where_the_router_answers_it() -> None:
    wish = WISHES[OLD]
    router = secured(wish)
    before = configuration(router, with_ids=False)
    assert paste(router, setup_script(wish)).error is None
    assert announced(router) == (["'https://login.duka.example/api'"], ["vocha-114"])
    (option,) = rows(router, "/ip/dhcp-server/option")
    assert option["force"] == "yes"
    (profile,) = rows(router, "/ip/hotspot/profile", name="vocha")
    assert (profile["ssl-certificate"], "https" in profile["login-by"].split(",")) == ("hs", True)
    assert rows(router, "/file", name="vocha/api.json")[0]["contents"] == captive_api(wish)
    again = configuration(router)
    assert paste(router, setup_script(wish)).error is None
    assert differences(again, configuration(router)) == {}
    assert paste(router, undo_script(wish)).error is None
    left = differences(before, configuration(router, with_ids=False))
    left.pop("/file")
    assert left == {}


@pytest.mark.parametrize(
    "change",
    [
        "ssl-certificate=none",
        "login-by=http-pap,cookie",
        'dns-name=""',
        # Typed by hand in Winbox; it must not end up in the option's value.
        'dns-name="a\' . \\$x"',
    ],
)
def test_what_nobody_answers_is_not_announced_and_taken_back(change: str) -> None:
    wish = WISHES[OLD]
    router = secured(wish)
    assert paste(router, f"/ip hotspot profile set hsprof1 {change}").error is None
    assert paste(router, setup_script(wish)).error is None
    assert announced(router) == ([], [""])
    router = secured(wish)
    assert paste(router, setup_script(wish)).error is None
    assert paste(router, f"/ip hotspot profile set vocha {change}").error is None
    assert paste(router, setup_script(wish)).error is None
    assert announced(router) == ([], [""])


def test_other_options_of_the_network_stay() -> None:
    wish = WISHES[OLD]
    router = secured(wish)
    theirs = (
        '/ip dhcp-server option add name=theirs code=66 value="0x01"\n/ip dhcp-server network set 0 dhcp-option=theirs'
    )
    assert paste(router, theirs.replace("set 0", "set [find]")).error is None
    assert paste(router, setup_script(wish)).error is None
    assert announced(router)[1] == ["vocha-114,theirs"]
    assert paste(router, "/ip hotspot profile set vocha ssl-certificate=none").error is None
    assert paste(router, setup_script(wish)).error is None
    assert announced(router) == ([], ["theirs"])


def test_a_new_hotspot_announces_it_once_a_certificate_is_there() -> None:
    wish = replace(WISHES["7 tunnel new"], dns_name="login.duka.example")
    router = router_for(wish)
    assert paste(router, setup_script(wish)).error is None
    assert announced(router) == ([], [""])
    made = "/certificate add name=hs common-name=x\n/certificate sign hs\n"
    later = "/ip hotspot profile set vocha ssl-certificate=hs login-by=http-pap,cookie,mac-cookie,https"
    assert paste(router, made + later).error is None
    assert paste(router, setup_script(wish)).error is None
    assert announced(router) == (["'https://login.duka.example/api'"], ["vocha-114"])


def test_a_dhcp_server_on_the_interface_stops_a_new_hotspot() -> None:
    wish = WISHES["7 tunnel new"]
    router = router_for(wish)
    assert paste(router, "/ip dhcp-server add name=defconf interface=bridge").error is None
    pasted = paste(router, setup_script(wish))
    assert pasted.error is not None
    assert "There is a DHCP server on bridge already" in pasted.error
    assert rows(router, "/ip/hotspot") == []


def test_a_missing_hotspot_is_said() -> None:
    wish = WISHES["7 tunnel existing"]
    pasted = paste(SimulatedRouter(version="7.16", server_name=""), setup_script(wish))
    assert pasted.error is not None
    assert "There is no hotspot on bridge" in pasted.error


def test_a_user_of_somebody_elses_is_not_taken_over() -> None:
    wish = WISHES["7 tunnel new"]
    router = router_for(wish)
    assert paste(router, "/user add name=vocha group=read password=theirs123").error is None
    pasted = paste(router, setup_script(wish))
    assert pasted.error is not None
    assert "not ours" in pasted.error
    assert rows(router, "/user", name="vocha")[0]["group"] == "read"


@pytest.mark.parametrize("mode", ["home", "basic"])
def test_a_locked_router_is_left_alone_and_told_what_to_do(mode: str) -> None:
    wish = WISHES["7 pull new"]
    router = router_for(wish, "7.24", device_mode=mode)
    before = configuration(router)
    pasted = paste(router, setup_script(wish))
    assert pasted.error is not None
    assert "/system/device-mode/update hotspot=yes proxy=yes" in pasted.output
    assert ("fetch=yes scheduler=yes" in pasted.output) == (mode == "home")
    assert differences(before, configuration(router)) == {}


def test_the_other_family_is_refused() -> None:
    wish = WISHES["7 direct new"]
    router = SimulatedRouter(version="6.49", server_name="")
    before = configuration(router)
    assert paste(router, setup_script(wish)).error is not None
    assert differences(before, configuration(router)) == {}
    six = plain(replace(SIX, way=DIRECT))
    pasted = paste(SimulatedRouter(version="7.16", server_name=""), setup_script(six))
    assert pasted.error is not None
    assert "RouterOS 6.49" in pasted.error


@pytest.mark.parametrize(
    ("version", "trust", "words"),
    [
        ("7.9", Trust.NONE, "JSON needs RouterOS 7.13"),
        ("7.12", Trust.NONE, "JSON needs RouterOS 7.13"),
        ("7.13", Trust.NONE, None),
        ("7.18", Trust.BUILT_IN, "Before RouterOS 7.19"),
        ("7.9", Trust.BUILT_IN, "Before RouterOS 7.19"),
        ("7.20.2", Trust.BUILT_IN, None),
    ],
)
def test_a_router_too_old_for_the_agent_is_told_so(version: str, trust: Trust, words: str | None) -> None:
    wish = replace(WISHES["7 json existing"], trust=trust)
    router = router_for(wish, version)
    before = configuration(router)
    pasted = paste(router, setup_script(wish))
    if words is None:
        assert pasted.error is None
    else:
        assert pasted.error is not None
        assert words in pasted.error
        assert differences(before, configuration(router)) == {}


def test_half_a_paste_does_nothing() -> None:
    wish = WISHES["7 tunnel new"]
    router = router_for(wish)
    before = configuration(router)
    script = setup_script(wish)
    paste(router, script[: len(script) * 2 // 3])
    assert differences(before, configuration(router)) == {}


def test_a_changed_wish_repairs_instead_of_adding() -> None:
    wish = WISHES["7 tunnel new"]
    router = router_for(wish)
    assert paste(router, setup_script(wish)).error is None
    other = replace(
        wish, garden_hosts=("*.example.org",), garden_addresses=(), hotspot=replace(NEW, pool_last="10.5.50.99")
    )
    assert paste(router, setup_script(other)).error is None
    hosts = {row["dst-host"] for row in rows(router, "/ip/hotspot/walled-garden", comment="vocha")}
    assert hosts == {"wifi.example.co.ke", "*.example.org"}
    assert [row for row in rows(router, "/ip/hotspot/walled-garden/ip") if row.get("dst-address")] == []
    assert [row["ranges"] for row in rows(router, "/ip/pool")] == ["10.5.50.10-10.5.50.99"]


def test_rows_of_the_merchants_are_not_touched() -> None:
    wish = WISHES["7 tunnel new"]
    router = router_for(wish)
    theirs = (
        '/ip hotspot walled-garden add dst-host=bank.example comment="mine"\n'
        "/ip firewall filter add chain=input action=drop comment=theirs\n"
        "/ip service set api address=192.0.2.0/24\n"
        "/ip hotspot user add name=guest password=guest123\n"
    )
    assert paste(router, theirs).error is None
    before = configuration(router, with_ids=False)
    assert paste(router, setup_script(wish)).error is None
    chain = [row["comment"] for row in router.dispatcher.menus["/ip/firewall/filter"].shown()]
    assert chain == ["vocha", "theirs"]
    assert set(rows(router, "/ip/service", name="api")[0]["address"].split(",")) == {"192.0.2.0/24", "100.64.0.1/32"}
    assert paste(router, undo_script(wish)).error is None
    left = differences(before, configuration(router, with_ids=False))
    left.pop("/file", None)
    assert left == {}


def test_undo_takes_our_customers_and_nobody_elses() -> None:
    wish = WISHES["7 pull new"]
    router = router_for(wish)
    assert paste(router, setup_script(wish)).error is None
    made = (
        "/ip hotspot user add name=vocha-0123456789abcdef password=secret comment=vocha:7\n"
        "/ip hotspot user add name=vocha-0123456789abcdee password=secret comment=mine\n"
        "/ip hotspot user add name=guest password=secret\n"
    )
    assert paste(router, made).error is None
    assert paste(router, undo_script(wish)).error is None
    names = {row["name"] for row in rows(router, "/ip/hotspot/user")}
    assert names >= {"guest", "vocha-0123456789abcdee"}
    assert "vocha-0123456789abcdef" not in names


def test_every_way_is_among_these_routers() -> None:
    assert {type(wish.way) for wish in WISHES.values()} == {type(TUNNEL), type(DIRECT), type(PULL)}
    assert any(isinstance(wish.way, PullAgent) for wish in WISHES.values())
