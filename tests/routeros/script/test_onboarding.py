"""What the scripts promise: few rights, nothing but ours, no way out of a string, one block, and a way back."""

import re
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routeros.script.onboarding import (
    ApiLogin,
    DirectApi,
    ExistingHotspot,
    Family,
    NewHotspot,
    Onboarding,
    PullAgent,
    Trust,
    Variant,
    WireGuard,
    fetch_line,
    setup_script,
    undo_script,
)
from routeros.script.quoting import quote, unquote

from .cast import BASE, DIRECT, EVERY, KEYS, LOGIN, NEW, PEM, PULL, SIX, TUNNEL
from .commands import STRING, commands

ALL = pytest.mark.parametrize("wish", EVERY.values(), ids=EVERY.keys())
TYPED = st.text(
    alphabet=st.characters(codec="utf-8", exclude_categories=["Cc", "Zl", "Zp"]) | st.sampled_from('"\\$[](){};?#='),
    min_size=1,
    max_size=30,
)


def skeleton(script: str) -> set[str]:
    """The lines without what stands in strings and comments."""
    return {STRING.sub('""', line) for line in script.splitlines() if not line.startswith("#")}


@given(name=TYPED, merchant=TYPED, interface=TYPED, phone=TYPED)
@settings(max_examples=25, deadline=None)
def test_nothing_a_merchant_types_changes_the_script(name: str, merchant: str, interface: str, phone: str) -> None:
    typed = {"router_name": name, "merchant_name": merchant, "interface": interface, "help_phone": phone}
    for wish in (BASE, SIX):
        for write in (setup_script, undo_script):
            assert skeleton(write(replace(wish, **typed))) == skeleton(write(wish))


@given(name=TYPED)
@settings(max_examples=25, deadline=None)
def test_comments_stay_comments(name: str) -> None:
    head, _, _ = setup_script(replace(BASE, router_name=name, merchant_name=name)).partition("\n{\n")
    assert all(re.fullmatch(r"# ?[A-Za-z0-9 _.,:/@+=-]*", line) for line in head.splitlines() if line)


@ALL
def test_every_string_is_ours_and_readable(wish: Onboarding) -> None:
    for script in (setup_script(wish), undo_script(wish)):
        for literal in STRING.findall(re.sub(r"(?m)^#.*$", "", script)):
            unquote(literal)


@ALL
def test_a_console_of_version_6_is_never_asked_for_help(wish: Onboarding) -> None:
    for script in (setup_script(wish), undo_script(wish)):
        assert not {"?", "\t", "\r"} & set(script)
        assert script.isascii()
        assert max(map(len, script.splitlines())) < 1000
        assert len(script) < 64_000


@ALL
def test_the_script_is_one_block(wish: Onboarding) -> None:
    for script in (setup_script(wish), undo_script(wish)):
        bare = "\n".join(STRING.sub("", line) for line in script.splitlines() if not line.startswith("#"))
        depth, closed = 0, []
        for index, character in enumerate(bare.strip()):
            depth += (character == "{") - (character == "}")
            assert depth >= 0
            closed += [index] if depth == 0 else []
        assert closed == [len(bare.strip()) - 1]
        assert all(bare.count(one) == bare.count(other) for one, other in ("()", "[]", "{}"))


def test_the_group_may_do_little() -> None:
    script = setup_script(BASE)
    assert '/user group add name="vocha-api" policy="api,read,write"' in script
    assert not re.search(r'(?:group|policy|name)="(?:full|write|read)"', script.replace('policy="read"\n', ""))
    reading = replace(BASE, way=replace(TUNNEL, login=replace(LOGIN, may_read_passwords=True)))
    assert 'policy="api,read,write,sensitive"' in setup_script(reading)


def test_the_user_may_come_from_our_server_only() -> None:
    script = setup_script(BASE)
    assert 'password="s3cretS3cretS3cret" address="100.64.0.1/32"' in script
    assert 'src-address="100.64.0.1" in-interface="vocha-wg" place-before=[:pick $vRules 0]' in script


def test_a_pulling_router_has_no_door() -> None:
    script = setup_script(EVERY["7 pull new"])
    made = {command for command, _, _ in commands(script)}
    assert not {"/user/add", "/user/group/add", "/ip/service/set", "/ip/firewall/filter/add"} & made
    assert 'policy="read,write,test"' in script


def test_the_tunnel_stays_open_through_address_translation() -> None:
    script = setup_script(BASE)
    assert 'persistent-keepalive="25s"' in script
    assert 'allowed-address="100.64.0.1/32"' in script
    assert 'address="100.64.0.2/32" network="100.64.0.1"' in script


def test_an_existing_hotspot_keeps_its_addresses() -> None:
    made = {command for command, _, _ in commands(setup_script(EVERY["7 tunnel existing"]))}
    kept = ("/ip/pool", "/ip/dhcp-server", "/ip/dhcp-server/network", "/ip/hotspot", "/ip/firewall/nat")
    assert not {f"{menu}/add" for menu in kept} & made
    assert not {f"{menu}/remove" for menu in kept} & {
        c for c, _, _ in commands(undo_script(EVERY["7 tunnel existing"]))
    }


@ALL
def test_whatever_is_made_is_unmade(wish: Onboarding) -> None:
    def menus(script: str, verb: str) -> set[str]:
        return {command.removesuffix(verb) for command, _, _ in commands(script) if command.endswith(verb)}

    made, unmade = menus(setup_script(wish), "/add"), menus(undo_script(wish), "/remove")
    assert made <= unmade | {"/system/script", "/file"}
    assert "/file" in unmade
    assert "/system/script" in unmade


@ALL
def test_whatever_was_remembered_is_given_back(wish: Onboarding) -> None:
    kept = set(re.findall(r'name="(vocha-was-[a-z-]+)"', setup_script(wish)))
    given_back = set(re.findall(r'/system script remove \[find where name="(vocha-was-[a-z-]+)"\]', undo_script(wish)))
    assert kept
    assert kept <= given_back


@ALL
def test_only_tagged_rows_are_removed(wish: Onboarding) -> None:
    script = undo_script(wish)
    removals = set(re.findall(r"remove (\[find where [^\]]*\]|\$\w+)", script))
    # The customers' secrets go one by one, each with its session.
    assert f":foreach vSecret in=[/ppp secret find where comment~{quote('^vocha:subscriber-[0-9]+$')}]" in script
    assert ":local vName [/ppp secret get $vSecret name]" in script
    removals -= {"$vSecret", "[find where name=$vName]"}
    assert removals
    for removal in removals:
        assert re.search(r'(?:comment="vocha"|name="vocha|name~"|user~")', removal), removal


def test_another_tag_is_another_set_of_rows() -> None:
    script = setup_script(replace(BASE, tag="duka"))
    assert 'comment="duka"' in script
    assert '"vocha"' not in re.sub(r'(?:name=|/user find where name=)"vocha"', "", script)


def test_device_mode_is_looked_at_first_and_only_on_7() -> None:
    script = setup_script(EVERY["7 pull new"])
    assert script.index("device-mode get scheduler") < script.index("/system backup save")
    assert "scheduler=yes" in script
    assert "get fetch" not in setup_script(BASE)
    assert "device-mode" not in setup_script(SIX)


def test_option_114_is_the_routers_own_address_and_nothing_for_version_6() -> None:
    begin, end = quote("'https://"), quote("/api'")
    assert f"value=({begin} . $vName . {end})" in setup_script(BASE)
    assert "114" not in setup_script(SIX)
    assert "114" not in setup_script(replace(BASE, hotspot=ExistingHotspot()))


def test_the_portal_is_always_in_the_garden() -> None:
    script = setup_script(replace(BASE, portal_url="http://192.0.2.7:8000", garden_hosts=(), garden_addresses=()))
    assert '/ip hotspot walled-garden add dst-host="192.0.2.7"' in script
    assert '/ip hotspot walled-garden ip add dst-address="192.0.2.7"' in script


def test_version_6_hides_passwords_in_its_export() -> None:
    assert "/export hide-sensitive file=" in setup_script(SIX)
    assert "hide-sensitive" not in setup_script(BASE)


def test_the_authority_is_installed_once_where_the_router_knows_none() -> None:
    script = setup_script(EVERY["6 pull new"])
    assert '[/certificate find where name~"\\5Evocha-ca"]] = 0' in script
    assert "check-certificate=yes" in "".join(unquote(each) for each in STRING.findall(script))


def test_the_code_travels_in_the_body() -> None:
    line = fetch_line("https://wifi.example.co.ke/routers/script", "c0de" * 8)
    assert f'http-data="{"c0de" * 8}"' in line
    assert "check-certificate=yes" in line
    assert "c0de" not in re.findall(r'url="([^"]*)"', line)[0]
    assert line.count("\n") == 1
    for url, code in (
        ("http://a.example/x", "c0de" * 8),
        ("https://a.example/x", "short"),
        ("https://a.example/x", 'c"' * 9),
    ):
        with pytest.raises(ValueError):
            fetch_line(url, code)


def test_secrets_stay_out_of_what_is_printed() -> None:
    for wish in EVERY.values():
        for secret in ("s3cret", KEYS[0], "router-secret", "answer-secret"):
            assert secret not in repr(wish)


@pytest.mark.parametrize(
    "change",
    [
        {"router_name": ""},
        {"router_name": "two\nlines"},
        {"merchant_name": "x" * 61},
        {"interface": "a\x00b"},
        {"help_phone": "0712\r345"},
        {"portal_url": "ftp://wifi.example"},
        {"portal_url": "https://wifi.example/"},
        {"portal_url": 'https://wifi.example"'},
        {"portal_url": "https://user@wifi.example"},
        {"site": "../x"},
        {"tag": 'v"'},
        {"tag": "Vocha"},
        {"time_zone": "Africa/../x"},
        {"ntp_servers": ("a b",)},
        {"garden_hosts": (":^.*$",)},
        {"garden_hosts": ("*",)},
        {"garden_addresses": ("0.0.0.0/0",)},
        {"garden_addresses": ("::/0",)},
        {"dns_name": "login"},
        {"family": Family.SIX},
        {"family": Family.SIX, "way": PULL},
        {"family": Family.SIX, "way": replace(PULL, variant=Variant.JSON), "trust": Trust.OURS, "ca_pem": PEM},
        {"trust": Trust.OURS},
        {"ca_pem": PEM},
        {"trust": Trust.OURS, "ca_pem": PEM.replace("TUlJ", '"; /system reboot; "')},
    ],
)
def test_nonsense_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(ValueError):
        replace(BASE, **change)  # pyright: ignore[reportArgumentType]


def test_ways_and_hotspots_refuse_nonsense() -> None:
    refused = [
        lambda: ApiLogin("vocha", "short"),
        lambda: ApiLogin("a b", "s3cretS3cretS3cret"),
        lambda: ApiLogin("vocha", "s3cretS3cretS3cret", group="full"),
        lambda: DirectApi(LOGIN, "somewhere"),
        lambda: DirectApi(LOGIN, "203.0.113.9", 0),
        lambda: WireGuard(LOGIN, "no key", KEYS[1], "vpn.example", 51820, "100.64.0.2", "100.64.0.1"),
        lambda: replace(TUNNEL, address="100.64.0.1"),
        lambda: replace(TUNNEL, endpoint_host="vpn example"),
        lambda: PullAgent("https://a.example/pull", "same-secret-000001", "same-secret-000001"),
        lambda: replace(PULL, interval_s=1),
        lambda: replace(PULL, url="https://a.example/pull?x"),
        lambda: NewHotspot("10.5.50.0/24", "10.5.51.1", "10.5.50.10", "10.5.50.20"),
        lambda: NewHotspot("10.5.50.0/24", "10.5.50.15", "10.5.50.10", "10.5.50.20"),
        lambda: NewHotspot("10.5.50.0/24", "10.5.50.1", "10.5.50.20", "10.5.50.10"),
        lambda: NewHotspot("10.5.50.0/24", "10.5.50.0", "10.5.50.10", "10.5.50.20"),
        lambda: ExistingHotspot("somewhere"),
    ]
    for make in refused:
        with pytest.raises(ValueError):
            make()
    assert NEW.address == "10.5.50.1/24"
    assert DIRECT.service == "api"
