"""The constructs of the language, each as MikroTik's manual describes it."""

import pytest

from tests.routeros.simulator.scripting.bench import refused, run, said, still_router


@pytest.mark.parametrize(
    ("text", "printed"),
    [
        (':if (1 < 2) do={:put "yes"} else={:put "no"}', "yes"),
        (':if (1 > 2) do={:put "yes"} else={:put "no"}', "no"),
        (":for i from=1 to=3 do={:put $i}", "1\n2\n3"),
        (":for i from=1 to=0 do={:put $i}", "1\n0"),
        (":for i from=6 to=1 step=-2 do={:put $i}", "6\n4\n2"),
        (":local i 0; :while ($i < 3) do={:set i ($i + 1)}; :put $i", "3"),
        (":local i 0; :do {:set i ($i + 1)} while=($i < 3); :put $i", "3"),
        (":foreach v in={5; 6} do={:put $v}", "5\n6"),
        (':foreach k,v in={2; "aX"=1; y=2; 5} do={:put "$k=$v"}', "0=2\n1=5\naX=1\ny=2"),
        (':foreach i in [:toarray "a,b"] do={:put $i}', "a\nb"),
        (':do {:error "boo"} on-error={:put "caught"}; :put "on"', "caught\non"),
        (":local a 5;\n# a comment ; with $things\n:put $a; # and one more", "5"),
        (':put \\\n  "joined"', "joined"),
        ("{ :local a 3; { :local b 4; :put ($a + $b) } }", "7"),
        (":local a {1;2;3}; :set ($a->1) 9; :put $a", "1;9;3"),
        (':local a {x=1; "aX"=2}; :set ($a->"x") 5; :put ($a->"x"); :put ($a->"aX")', "5\n2"),
        (':local t {{"11";"12"};{"21";"22"}}; :set ($t->1->1) "x"; :put ($t->1->1)', "x"),
        (':local s "5x6 = $(5 * 6), $[:len "four"] letters"; :put $s', "5x6 = 30, 4 letters"),
        (':local "my-var" 7; :put $"my-var"', "7"),
        (':put "a\\\n    b"', "ab"),
        (":global f do={:return ($1 + $b)}; :put [$f 2 b=3]", "5"),
        (':global f [:parse ":put \\"Hello \\$name !\\""]; $f name=world', "Hello world !"),
        (':put [[:parse ":return 5"]]', "5"),
        (":put ([:nothing] = 0)", "false"),
        ("{ /do { :put 1 } on-error={} }", "1"),
    ],
)
def test_a_construct_does_what_the_manual_says(text: str, printed: str) -> None:
    assert said(text) == printed


def test_a_function_sees_globals_only_when_it_declares_them() -> None:
    text = ':global g "test"; :global f do={:put "[$g]"}; $f; :global h do={:global g; :put "[$g]"}; $h'
    assert said(text) == "[]\n[test]"


def test_a_parameter_hides_the_global_of_its_name() -> None:
    text = (
        ':global my2 "123"; :global f do={ :global my2; :put $my2; :set my2 "lala"; :put $my2 }; '
        '$f my2=1234; :put "global value $my2"'
    )
    assert said(text) == "1234\nlala\nglobal value 123"


def test_a_global_lives_on_for_the_next_script_and_dies_with_the_boot() -> None:
    router = still_router()
    said(':global shop "Mama"', router=router)
    assert said(":global shop; :put $shop", router=router) == "Mama"
    assert said(":put [/system script environment get shop value]", router=router) == "Mama"
    router.reboot()
    assert said(":global shop; :put [:typeof $shop]", router=router) == "nothing"


def test_a_local_is_not_seen_outside_its_block() -> None:
    assert refused("{ :local b 4 }\n:put $b") == "syntax error (line 2 column 6)"


def test_nothing_runs_of_a_script_that_cannot_be_read() -> None:
    router = still_router()
    text = "/ip hotspot user add name=early\n/ip hotspot nonsense add name=late"
    assert refused(text, router=router) == "bad command name nonsense (line 2 column 13)"
    assert not router.hotspot.users.named("early")


def test_an_error_stops_the_script_where_it_is() -> None:
    result = run(':put "one"\n:error "enough"\n:put "two"')
    assert (result.output, result.error) == ("one", "enough")


def test_setting_what_was_never_declared_is_refused() -> None:
    assert refused(":set never 1") == "syntax error (line 1 column 6)"


def test_an_array_without_elements_is_a_syntax_error() -> None:
    assert refused(":global array {}") == "syntax error (line 1 column 17)"


def test_a_comment_does_not_follow_a_line_join() -> None:
    assert refused(":put (1 = 1 \\ # bad\n and 2=2)").startswith("syntax error (line 1")


@pytest.mark.parametrize("text", [":for i from = 1 to = 2 do={:put $i}", "/ip hotspot user add name = x"])
def test_blanks_before_an_equals_sign_are_refused(text: str) -> None:
    assert "line 1" in refused(text)


def test_onerror_hands_the_words_over_and_says_whether_it_caught() -> None:
    text = ':if ([:onerror e in={:error "no way"} do={:put "got $e"}]) do={:put "was true"}'
    assert said(text, version="7.16") == "got no way\nwas true"
    assert said(":put [:onerror e in={} do={}]") == "false"


@pytest.mark.parametrize(
    ("command", "absent", "present"),
    [
        (":onerror e in={} do={}", "7.12", "7.13"),
        (':put [:convert "a" to=hex]', "7.10", "7.11"),
        (":put [:serialize to=json value=1]", "7.12", "7.13"),
        (":put [:rndstr length=3]", "6.49", "7.9"),
        (":put [:range 1 3]", "7.16", "7.17"),
        (":foreach i in={1;2} do={:break}", "7.21", "7.22"),
    ],
)
def test_a_command_is_there_only_since_its_version(command: str, absent: str, present: str) -> None:
    assert refused(command, version=absent).startswith("bad command name ")
    assert run(command, version=present).error is None


def test_slashes_inside_a_path_came_with_version_7() -> None:
    assert said(":put [/system/identity/get name]", version="7.9") == "MikroTik"
    assert "line 1 column" in refused(":put [/system/identity/get name]", version="6.49")
    assert said(":put [/system identity get name]", version="6.49") == "MikroTik"


def test_break_and_continue_steer_the_innermost_loop() -> None:
    text = ":for i from=1 to=9 do={:if ($i = 2) do={:continue}; :if ($i = 5) do={:break}; :put $i}"
    assert said(text, version="7.24") == "1\n3\n4"


def test_a_delay_passes_on_the_virtual_clock() -> None:
    router = still_router()
    before = router.clock.now()
    said(":delay 90s", router=router)
    assert (router.clock.now() - before).total_seconds() == 90


def test_retry_tries_as_often_as_it_may() -> None:
    text = ':local n 0; :retry command={:set n ($n + 1); :if ($n < 3) do={:error "x"}} delay=1 max=5; :put $n'
    assert said(text) == "3"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (":while (true) do={}", "script takes too many steps"),
        (':while (true) do={:do {:error "x"} on-error={}}', "script takes too many steps"),
        (":global f do={:global f; :return [$f]}; :put [$f]", "script calls itself too deeply"),
        (':local s "aaaaaaaaaaaaaaaa"; :for i from=1 to=40 do={:set s ($s . $s)}', "script ran out of memory"),
        (":while (true) do={:delay 1h}", "script waits for days; let it run as a job"),
        ("{" * 200 + "}" * 200, "syntax error (line 1 column 26)"),
        (":put " + "(" * 200 + "1" + ")" * 200, "syntax error (line 1 column 31)"),
    ],
)
def test_a_script_without_end_is_stopped(text: str, words: str) -> None:
    assert refused(text) == words


def test_a_thousand_links_of_one_expression_are_no_depth() -> None:
    assert said(":put (" + " + ".join(["1"] * 1000) + ")") == "1000"
