"""Values: types, conversions, operators and strings, on examples of the manual and on whatever hypothesis thinks of."""

import json
import string

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routeros.simulator.scripting.engine import ScriptEngine
from tests.routeros.simulator.scripting.bench import refused, said, still_router

ROUTER = still_router()
NUMBERS = st.integers(-(2**63), 2**63 - 1)


def worth(expression: str) -> str:
    return said(f":put ({expression})", router=ROUTER)


def wrapped(number: int) -> int:
    return (number + 2**63) % 2**64 - 2**63


def escaped(text: str) -> str:
    """Every byte as `\\XX`, the way a careful script writes what it was given."""
    return "".join(f"\\{byte:02X}" for byte in text.encode())


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("3 + 4", "7"),
        ("1-6", "-5"),
        ("10 / 2", "5"),
        ("(10)/2", "5"),
        ("5 % 3", "2"),
        ("-7 / 2", "-3"),
        ("-7 % 2", "-1"),
        ("1 + 2 * 3", "7"),
        ("2 * (3 + 4)", "14"),
        ('"5" + 3', "8"),
        ('"value is " . 4 + 5', "value is 9"),
        ("-9223372036854775807 - 1 / 1", "-9223372036854775808"),
        ("(-9223372036854775807 - 1) / -1", "-9223372036854775808"),
        ("1 < 2 and 2 < 1 or true", "true"),
        ("!true || true", "true"),
        ("true&&false", "false"),
        ('"abc" ~ "^a.c$"'.replace("$", "\\$"), "true"),
        ('"1.1.1.202" ~ "^[0-9 \\\\.]*202\\$"', "true"),
        ("1.1.1.1/32 in 1.0.0.0/8", "true"),
        ("192.168.88.77&255.255.255.0", "192.168.88.0"),
        ("192.168.88.0|0.0.0.255", "192.168.88.255"),
        ("~255.255.255.0", "0.0.0.255"),
        ("192.168.88.77>>24", "0.0.0.192"),
        ("10.0.0.1 + 5", "10.0.0.6"),
        ("1d + 1h", "1d01:00:00"),
        ("00:05:00 * 3", "00:15:00"),
        ("1h > 59m", "true"),
        ("90 > 00:01:00", "true"),
        ("{1;2;3} , 5", "1;2;3;5"),
        ('"a: " . {"x";"y"}', "a: x;a: y"),
        ("0x1F", "31"),
        ('"" = [:nothing]', "true"),
        ('"10" < "9"', "true"),
        ("10 < 9", "false"),
        ("yes = true", "true"),
    ],
)
def test_an_expression_is_worth_what_the_router_says(expression: str, value: str) -> None:
    assert worth(expression) == value


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ("4", "num"),
        ("true", "bool"),
        ('"x"', "str"),
        ("1.1.1.1", "ip"),
        ("10.0.0.0/8", "ip-prefix"),
        ("2001:db8::1", "ip6"),
        ("*1A", "id"),
        ("00:05:00", "time"),
        ("1w2d", "time"),
        ("{1;2}", "array"),
        ("[:nothing]", "nothing"),
        ('[:find "abc" "z"]', "nil"),
        ('[:tonum "23.8"]', "nil"),
        ('[:parse ":put 1"]', "code"),
    ],
)
def test_a_value_has_its_type(value: str, kind: str) -> None:
    assert said(f":put [:typeof {value}]", router=ROUTER) == kind


@pytest.mark.parametrize(
    ("command", "value"),
    [
        (':pick "abcde" 1 3', "bc"),
        (':pick "abcde" 1', "b"),
        (":pick {1;2;3} 1", "2"),
        (":pick {1;2;3} 1 3", "2;3"),
        (':find "abcabc" "b"', "1"),
        (':find "abcabc" "b" 1', "4"),
        (':find "abc" "a" -1', "0"),
        (':find {"x";"y"} "y"', "1"),
        (':len "length=8"', "8"),
        (":len {1;2;3}", "3"),
        (":len [:nothing]", "0"),
        (':toarray "1,2,3"', "1;2;3"),
        (":tonum 0x10", "16"),
        (':totime "1h30m"', "01:30:00"),
        (":totime 90", "00:01:30"),
        (":tobool yes", "true"),
        (":toip 167772161", "10.0.0.1"),
        (":tostr {1;2}", "1;2"),
        (":toid 26", "*1A"),
        (":convert 001 to=hex", "31"),
        (':convert "hello" to=base64', "aGVsbG8="),
        (':convert "aGVsbG8=" from=base64', "hello"),
        (':convert "a b" to=url', "a%20b"),
        (':convert transform=lc "AAA"', "aaa"),
        (":serialize value=a,b,c to=json", '["a","b","c"]'),
        (':serialize to=json value={a=1; b="x"; c={1;2}}', '{"a":1,"b":"x","c":[1,2]}'),
        (':serialize to=json value={"1234"}', "[1234.000000]"),
        (':serialize to=json value={"1234"} options=json.no-string-conversion', '["1234"]'),
        (':deserialize from=json value="[\\"a\\",\\"b\\"]"', "a;b"),
        (":tonsec 10:00", "36000000000000"),
        (":resolve 10.0.0.1", "10.0.0.1"),
    ],
)
def test_a_command_gives_its_value(command: str, value: str) -> None:
    assert said(f":put [{command}]", router=ROUTER) == value


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        ("1 / 0", "divide by zero"),
        ('"x" + 1', "cannot add string to integer number"),
        ('"x" > 1', "cannot compare if string is more than integer number"),
        ("!5", "conditional not boolean"),
        ('"a" ~ "("', "invalid regular expression"),
        ("[:resolve nowhere]", "failure: dns name does not exist"),
        ('[:deserialize from=json "{"]', "failure: invalid json"),
        ('[:convert "zz" from=hex]', "failure: value is not hex"),
    ],
)
def test_what_makes_no_sense_is_an_error(expression: str, words: str) -> None:
    assert refused(f":put ({expression})", router=ROUTER) == words


@given(st.text(max_size=60))
@settings(max_examples=150, deadline=None)
def test_any_text_survives_its_escapes(text: str) -> None:
    result = ScriptEngine(ROUTER).run(f':local s "{escaped(text)}"; :put $s; :put [:len $s]')
    assert result.output == f"{text}\n{len(text.encode())}"


@given(st.text(alphabet=string.printable, max_size=60))
@settings(max_examples=100, deadline=None)
def test_any_text_comes_back_from_the_configuration(text: str) -> None:
    router = still_router()
    said(f'/system identity set name="{escaped(text)}"', router=router)
    assert router.hotspot.identity == text
    assert said(":put [/system identity get name]", router=router) == text


@given(NUMBERS, NUMBERS, st.sampled_from("+-*"))
@settings(max_examples=150, deadline=None)
def test_arithmetic_wraps_at_64_bits(a: int, b: int, sign: str) -> None:
    expected = {"+": a + b, "-": a - b, "*": a * b}[sign]
    text = f':local a [:tonum "{a}"]; :local b [:tonum "{b}"]; :put ($a {sign} $b)'
    assert said(text, router=ROUTER) == str(wrapped(expected))


@given(st.integers(-(10**9), 10**9), st.integers(-(10**9), 10**9).filter(bool))
@settings(max_examples=100, deadline=None)
def test_division_cuts_towards_zero_and_leaves_the_rest(a: int, b: int) -> None:
    text = f":local a ({a}); :local b ({b}); :put ($a / $b * $b + $a % $b); :put ($a / $b)"
    whole, quotient = said(text, router=ROUTER).split("\n")
    assert int(whole) == a
    assert int(quotient) == int(a / b)


@given(st.integers(0, 10**8))
@settings(max_examples=60, deadline=None)
def test_a_time_reads_as_it_was_printed(seconds: int) -> None:
    text = f":local t [:totime {seconds}]; :put ([:totime [:tostr $t]] = $t); :put [:tonum $t]"
    assert said(text, router=ROUTER) == f"true\n{seconds}"


JSON = st.recursive(
    st.booleans() | st.integers(-(2**53), 2**53) | st.text(st.characters(codec="ascii", categories=["L"]), min_size=1),
    lambda inner: st.lists(inner, min_size=1, max_size=4),
    max_leaves=10,
)


@given(JSON)
@settings(max_examples=80, deadline=None)
def test_json_comes_back_as_it_went(value: object) -> None:
    script = ":global v; :put ([:serialize to=json value=[:deserialize from=json value=$v options=$o] options=$o] = $v)"
    option = "json.no-string-conversion"
    text = json.dumps(value, separators=(",", ":"))
    engine = ScriptEngine(ROUTER)
    result = engine.run(script.replace(":global v; ", ""), variables={"v": text, "o": option})
    assert (result.output, result.error) == ("true", None)
