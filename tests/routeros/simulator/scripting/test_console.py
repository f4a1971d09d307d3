"""Menus from the console: paths, short names, items, conditions, printing, errors, pasting, importing, exporting."""

import pytest

from routeros.simulator.scripting.engine import ScriptEngine
from tests.routeros.simulator.scripting.bench import allowed, refused, run, said, still_router

USERS = ':foreach i in=[/ip hotspot user find where name!="default-trial"] do={:put [/ip hotspot user get $i name]}'


@pytest.mark.parametrize(
    "text",
    [
        "/ip hotspot user add name=a",
        "/ip/hotspot/user/add name=a",
        "/ip/hotspot/user\nadd name=a",
        "/ip hotspot\nuser add name=a",
        "/ip hotspot user { add name=a }",
        "/ip hotspot profile\n.. user add name=a",
        "/ip hotspot user\n/system identity\n/ip hotspot user add name=a",
        "ip hotspot user add name=a",
        "/ip hot user add na=a",
        "{ /ip hotspot user; add name=a }",
    ],
)
def test_every_way_to_write_a_path_leads_there(text: str) -> None:
    assert said(f"{text}\n{USERS}") == "a"


def test_a_menu_is_left_at_the_end_of_its_block() -> None:
    assert refused("{ /ip hotspot user }\nadd name=a") == "bad command name add (line 2 column 1)"


def test_in_a_menu_the_language_needs_its_colon() -> None:
    assert refused('/ip hotspot user\nput "x"') == "bad command name put (line 2 column 1)"
    assert said('/ip hotspot user\n:put "x"') == "x"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("/ip hotspot user add name=a nonsense=1", "expected end of command (line 1 column 29)"),
        ("/ip hotspot user add name=a 5", "expected end of command (line 1 column 29)"),
        ("/ip hotspot user frobnicate", "bad command name frobnicate (line 1 column 18)"),
        (":put $unknown", "syntax error (line 1 column 6)"),
        (':put "never closed', "syntax error (line 1 column 19)"),
        (":put (1 + )", "syntax error (line 1 column 11)"),
        (":if (true) do={:put 1", "syntax error (line 1 column 22)"),
        (":lo x 1", "bad command name lo (line 1 column 2)"),
        ("/ip hotspot user set nobody comment=x", "no such item"),
        ("/ip hotspot user remove *FF", "no such item"),
        ("/ip hotspot user get [find where name=nobody] name", "no such item"),
        ("/ip hotspot user get default-trial colour", "input does not match any value of value-name"),
        ("/ip hotspot user add password=x", "missing value(s) of argument(s) name"),
        ("/ip hotspot user add name=a profile=none", "input does not match any value of profile"),
        ("/ip hotspot user add name=a limit-uptime=soon", "invalid value for argument limit-uptime"),
        ("/ip hotspot user remove 0", "no such item"),
        ("/tool fetch url=http://x/", "failure: connection timeout"),
    ],
)
def test_an_error_is_worded_as_on_a_router(text: str, words: str) -> None:
    assert refused(text) == words


def test_an_argument_is_there_only_since_its_version() -> None:
    text = "/ip hotspot user add name=a otp-secret=x"
    assert refused(text, version="7.18").startswith("expected end of command")
    assert run(text, version="7.24").error is None


@pytest.mark.parametrize(
    ("condition", "found"),
    [
        ('where name="a1"', "a1"),
        ("name=a1", "a1"),
        ('where name~"^a"', "a1;a2"),
        ('where name~"^a" and comment="x"', "a1"),
        ('where name~"^a" comment=x', "a1"),
        ('where name="a1" or name="b1"', "a1;b1"),
        ("where comment=x !disabled", "a1"),
        ("where disabled", "b1"),
        ("where disabled=yes", "b1"),
        ("where limit-uptime>30m", "a2"),
        ("where limit-uptime=1h", "a2"),
        ("where !comment", "a2"),
        ('where (name="a1" || name="a2") && comment!="x"', "a2"),
        ("where name=$wanted", "b1"),
        ('where name="$wanted"', "b1"),
        ("where mac-address=AA:BB:CC:00:00:01", "b1"),
    ],
)
def test_a_condition_finds_its_rows(condition: str, found: str) -> None:
    text = f"""
/ip hotspot user
remove [find where name!="default-trial"]
add name=a1 comment=x
add name=a2 limit-uptime=1h
add name=b1 comment=x disabled=yes mac-address=aa:bb:cc:00:00:01
:local wanted "b1"
:local names [:toarray ""]
:foreach i in=[find {condition}] do={{
  :local it [get $i name]
  :if ($it != "default-trial") do={{:set names ($names, $it)}}
}}
:put $names"""
    assert said(text) == found


def test_a_variable_called_like_a_property_breaks_the_condition() -> None:
    text = '/ip hotspot user add name=a; /ip hotspot user add name=b; :local name "a"; '
    assert said(text + ":put [:len [/ip hotspot user find where name=$name]]") == "3"


def test_nothing_found_is_nothing_done() -> None:
    router = still_router()
    said("/ip hotspot user\nset [find where name=nobody] comment=x\nremove [find where name=nobody]", router=router)
    assert said(":put [:len [/ip hotspot user find where comment=x]]", router=router) == "0"
    assert said(':put ([/ip hotspot user find where name=x] = "")', router=router) == "true"


def test_set_changes_and_unsets_properties_of_all_it_is_given() -> None:
    text = """
/ip hotspot user
add name=a comment=x; add name=b comment=x
set [find where comment=x] limit-uptime=1h !comment
:foreach i in=[find where limit-uptime] do={:put ([get $i name] . [:typeof [get $i comment]])}
set a,b limit-uptime=2h
:put [:len [find where limit-uptime=2h]]
:put [:typeof [get a limit-uptime]]
remove numbers=a
:put [:len [find where name=a]]"""
    assert said(text) == "anil\nbnil\n2\ntime\n0"


def test_add_gives_the_id_of_the_new_item() -> None:
    assert (
        said(":local id [/ip hotspot user add name=a]; :put [:typeof $id]; :put [/ip hotspot user get $id name]")
        == "id\na"
    )


def test_a_name_of_digits_stays_text() -> None:
    text = '/ip hotspot user add name="00123" password="no"; '
    assert said(text + ':put [/ip hotspot user get [find where name="00123"] password]') == "no"
    assert said(text + ":put [:typeof [/ip hotspot user get [find where name=00123] name]]") == "str"


def test_item_numbers_need_a_print_in_a_script_but_not_at_the_console() -> None:
    assert refused("/ip hotspot user set 0 comment=x") == "no such item"
    assert said("/ip hotspot user print\n/ip hotspot user set 0 comment=x").startswith(" 0  ")
    router = still_router()
    assert ScriptEngine(router).paste("/ip hotspot user set 0 comment=first").error is None
    assert said(":put [/ip hotspot user get default-trial comment]", router=router) == "first"


def test_print_counts_and_gives_values() -> None:
    router = still_router()
    said("/ip hotspot user add name=a limit-uptime=1h", router=router)
    assert said(":local n [/ip hotspot user print count-only where limit-uptime]", router=router) == "1"
    text = ':put ([:pick [/ip hotspot user print as-value where name=a] 0]->"limit-uptime")'
    assert said(text, router=router) == "01:00:00"
    assert said(':put ([/system identity print as-value]->"name")', router=router) == "MikroTik"
    assert "name: MikroTik" in said("/system identity print", router=router)


def test_permissions_of_the_caller_hold_for_his_script() -> None:
    engine = ScriptEngine(still_router())
    reader = allowed("read")
    assert engine.run(":put [/system identity get name]", policies=reader).output == "MikroTik"
    assert engine.run("/system identity set name=x", policies=reader).error == "not enough permissions (9)"
    assert engine.run("/export file=x", policies=allowed("read", "write")).error == "not enough permissions (9)"
    text = '/ip hotspot user add name=a password=p; :put "<$[/ip hotspot user get a password]>"'
    assert engine.run(text, policies=allowed("read", "write")).output == "<>"


def test_a_paste_goes_on_after_an_error_and_forgets_locals() -> None:
    engine = ScriptEngine(still_router())
    pasted = engine.paste(
        '/ip hotspot user\nadd name=a\nadd name=a\nadd name=b comment=\\\n    "two lines"\n'
        ":local x 1\n:put $x\n{\n:local y 2\n:put $y\n}\n"
    )
    assert pasted.errors == (
        "failure: already have user with this name for this server",
        "syntax error (line 1 column 6)",
    )
    assert pasted.output.endswith("\n2")
    assert engine.run(":put [/ip hotspot user get b comment]").output == "two lines"


def test_a_paste_keeps_globals() -> None:
    assert ScriptEngine(still_router()).paste(":global g 5\n:put $g").output == "5"


def _with_file(text: str, version: str = "7.16") -> ScriptEngine:
    engine = ScriptEngine(still_router(version))
    engine.host.files.write("a.rsc", text)
    return engine


def test_an_import_runs_up_to_its_error() -> None:
    engine = _with_file("/ip hotspot user\nadd name=early\nthis is wrong\nadd name=late\n")
    result = engine.run("/import file-name=a.rsc")
    assert result.error == "Script Error: bad command name this (line 3 column 1)"
    assert engine.run(USERS).output == "early"
    assert (
        engine.run('/ip hotspot user remove early; :do {/import a.rsc} on-error={:put "Failure"}').output == "Failure"
    )


def test_an_import_says_that_it_is_done() -> None:
    engine = _with_file('/ip hotspot user add name=a\n:local x 5\n:put "x is $x"\n')
    assert engine.run("/import a.rsc").output == "x is 5\nScript file loaded and executed successfully"
    assert engine.run("/import nowhere.rsc").error == "failure: no such file"


def test_a_dry_run_finds_all_errors_and_changes_nothing() -> None:
    engine = _with_file("/ip hotspot user add name=a\nthis\n:put ok\n:put $never\n")
    result = engine.run("/import a.rsc verbose=yes dry-run")
    assert result.error == "Script Error: found 2 error(s) in import file"
    assert "#line 2\nthis\nbad command name this (line 2 column 1)" in result.output
    assert engine.run(USERS).output == ""
    assert refused("/import a.rsc verbose=yes dry-run", version="7.9").startswith("expected end of command")


def test_an_export_makes_an_equal_router() -> None:
    first = still_router()
    said(
        '/ip hotspot user add name=a password="q\\"\\$x" comment="\\C3\\A9 1" limit-uptime=1h\n'
        "/ip hotspot user profile set default shared-users=3\n"
        '/ip hotspot walled-garden add dst-host=*.shop.example\n/system identity set name="Mama\'s"\n'
        "/ip dns set allow-remote-requests=yes",
        router=first,
    )
    said("/export show-sensitive file=all", router=first)
    second = ScriptEngine(still_router(server_name=""))
    second.host.files.write("all.rsc", first.scripts.files.read("all.rsc"))
    assert second.run("/import all.rsc").error is None
    again = second.run("/export show-sensitive").output
    assert again.splitlines()[1:] == first.scripts.files.read("all.rsc").splitlines()[1:]


@pytest.mark.parametrize(
    ("version", "option", "shows"),
    [("7.16", "", False), ("7.16", " show-sensitive", True), ("6.49", "", True), ("6.49", " hide-sensitive", False)],
)
def test_an_export_hides_secrets_as_its_version_does(version: str, option: str, shows: bool) -> None:
    text = said(f"/ip hotspot user add name=a password=hush; /ip hotspot user export{option}", version=version)
    assert ("hush" in text) is shows
    assert f"by RouterOS {version}" in text.splitlines()[0]
    assert text.splitlines()[3] == "/ip hotspot user"
