"""Every command and argument of every script against what real routers of the five listed versions accept."""

import pytest

from routeros.script.agent import agent_script
from routeros.script.onboarding import Family, Onboarding, PullAgent, Variant, fetch_line, setup_script, undo_script
from routeros.simulator.schema import schema_for

from .cast import BASE, EVERY
from .commands import commands, unknown

SEVENS = ("7.9", "7.16", "7.18", "7.20.2", "7.24")
CASES = [
    pytest.param(wish, version, id=f"{name} on {version}")
    for name, wish in EVERY.items()
    for version in (("6.49",) if wish.family is Family.SIX else SEVENS)
]


@pytest.mark.parametrize(("wish", "version"), CASES)
def test_the_router_knows_every_word(wish: Onboarding, version: str) -> None:
    schema = schema_for(version)
    assert unknown(setup_script(wish), schema) == []
    assert unknown(undo_script(wish), schema) == []
    if isinstance(wish.way, PullAgent) and (wish.way.variant is Variant.PLAIN or schema.version >= (7, 13)):
        assert unknown(agent_script(wish, wish.way), schema) == []


@pytest.mark.parametrize("version", SEVENS)
def test_the_fetch_line_is_known(version: str) -> None:
    line = fetch_line("https://wifi.example.co.ke/routers/script", "c0de" * 8)
    found = {command for command, _, _ in commands(line)}
    assert {"/tool/fetch", "/file/remove", "/file/find"} <= found
    assert unknown(line, schema_for(version)) == []


def test_the_reader_sees_commands_wherever_they_stand() -> None:
    script = ':if ([:len [/ip pool find where name="a b"]] = 0) do={ /ip pool set [find where name="x"] ranges="y" }'
    found = {command: names for command, names, _ in commands(script)}
    assert found == {"/ip/pool/find": frozenset(), "/ip/pool/set": frozenset({"ranges"})}


@pytest.mark.parametrize(
    ("line", "version"),
    [
        ("/ip hotspot user add name=x otp-secret=y", "7.18"),
        ("/ip hotspot profile set [find] https-redirect=no", "7.24"),
        ("/ip dhcp-server option add name=x comment=y", "7.9"),
        ("/interface wireguard add name=x", "6.49"),
        ("/file add name=x contents=y", "6.49"),
        (":put [/ip hotspot nothing find]", "7.24"),
        ("/interface wireguard peers add responder=yes", "7.16"),
    ],
)
def test_a_word_the_version_lacks_is_noticed(line: str, version: str) -> None:
    assert unknown(line, schema_for(version))


def test_enough_commands_are_seen() -> None:
    seen = {command for command, _, _ in commands(setup_script(BASE))}
    assert {"/ip/hotspot/add", "/interface/wireguard/peers/set", "/user/group/add", "/system/backup/save"} <= seen
    assert len(seen) > 50
