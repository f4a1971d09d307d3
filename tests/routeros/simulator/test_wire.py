"""Framing against an independent codec, in every fragmentation; the query stack; the value formats."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from librouteros.protocol import encode_sentence as librouteros_sentence

from routeros.simulator import values
from routeros.simulator.queries import compile_query
from routeros.simulator.traps import Trap
from routeros.simulator.wire import SentenceReader, WireError, encode_length, encode_sentence, to_bytes, to_text

WORDS = st.lists(st.text(min_size=1, max_size=40), min_size=1)


@pytest.mark.parametrize(
    ("count", "encoded"),
    [
        (0, b"\x00"),
        (0x7F, b"\x7f"),
        (0x80, b"\x80\x80"),
        (0x3FFF, b"\xbf\xff"),
        (0x4000, b"\xc0\x40\x00"),
        (0x1FFFFF, b"\xdf\xff\xff"),
        (0x200000, b"\xe0\x20\x00\x00"),
        (0xFFFFFFF, b"\xef\xff\xff\xff"),
        (0x10000000, b"\xf0\x10\x00\x00\x00"),
    ],
)
def test_every_length_is_encoded_as_the_manual_says(count: int, encoded: bytes) -> None:
    assert encode_length(count) == encoded


@pytest.mark.parametrize("count", [0x7F, 0x80, 0x3FFF, 0x4000, 0x1FFFFF, 0x200000])
def test_words_of_every_length_come_back(count: int) -> None:
    word = "x" * count
    assert SentenceReader().feed(encode_sentence([word, "end"])) == [[word, "end"]]


def test_a_five_byte_length_is_understood_and_refused_only_for_its_size() -> None:
    with pytest.raises(WireError, match="too long"):
        SentenceReader().feed(encode_length(0x10000000))
    assert SentenceReader(max_bytes=1 << 40).feed(encode_length(0x10000000)) == []


@given(WORDS)
def test_sentences_equal_those_of_an_independent_client(words: list[str]) -> None:
    assert encode_sentence(words) == librouteros_sentence(*words, encoding="utf-8")


@given(st.lists(WORDS, max_size=4), st.integers(1, 7))
def test_fragments_and_runs_of_sentences_are_cut_the_same(sentences: list[list[str]], size: int) -> None:
    stream = b"".join(encode_sentence(words) for words in sentences)
    reader = SentenceReader()
    found = [s for at in range(0, len(stream), size) for s in reader.feed(stream[at : at + size])]
    assert found == sentences
    assert SentenceReader().feed(stream) == sentences


@given(st.binary(max_size=60))
def test_any_bytes_come_back_as_they_went(raw: bytes) -> None:
    assert to_bytes(to_text(raw)) == raw


def test_empty_sentences_are_ignored() -> None:
    assert SentenceReader().feed(b"\0\0\0" + encode_sentence(["/quit"]) + b"\0") == [["/quit"]]


@pytest.mark.parametrize("first", [0xF8, 0xFF])
def test_control_bytes_are_refused(first: int) -> None:
    with pytest.raises(WireError):
        SentenceReader().feed(bytes([first]))


def test_too_many_words_are_refused() -> None:
    with pytest.raises(WireError):
        SentenceReader(max_words=3).feed(encode_sentence(["a", "b", "c", "d"]))


ROW = {"name": "ann", "uptime": "1h", "bytes-in": "200", "comment": "", "disabled": "true", "address": "10.0.0.9"}


@pytest.mark.parametrize(
    ("words", "passes"),
    [
        (["?name"], True),
        (["?email"], False),
        (["?-email"], True),
        (["?-name"], False),
        (["?name=ann"], True),
        (["?=name=ann"], True),
        (["?name=Ann"], False),
        (["?email=x"], False),
        (["?comment="], True),
        (["?email="], False),
        (["?>comment="], False),
        (["?>name="], True),
        (["?disabled=yes"], True),
        (["?disabled=true"], True),
        (["?disabled=no"], False),
        (["?>bytes-in=30"], True),
        (["?<bytes-in=30"], False),
        (["?<bytes-in=1000"], True),
        (["?>uptime=50m"], True),
        (["?<uptime=50m"], False),
        (["?<address=10.0.0.10"], True),
        (["?>email=1"], False),
        (["?name=ann", "?name=bob"], False),
        (["?name=ann", "?name=bob", "?#|"], True),
        (["?name=ann", "?name=bob", "?#&"], False),
        (["?name=bob", "?#!"], True),
        (["?name=bob", "?name=ann", "?#!", "?#|!"], True),
        (["?name=ann", "?name=bob", "?#1"], True),
        (["?name=ann", "?name=bob", "?#0"], False),
        (["?name=bob", "?name=ann", "?#1.|", "?#|"], True),
        (["?name=bob", "?#.&!"], True),
        (["?name=ann", "?#0!"], False),
        (["?name=bob", "?#0"], False),
        (["?name=bob", "?#7"], True),
        (["?#!"], False),
        (["?#&"], True),
    ],
)
def test_queries_run_on_a_stack(words: list[str], passes: bool) -> None:
    predicate = compile_query(words)
    assert predicate is not None
    assert predicate(ROW) is passes


def test_no_query_is_no_filter() -> None:
    assert compile_query([]) is None


def test_an_unknown_query_operation_traps() -> None:
    with pytest.raises(Trap):
        compile_query(["?#~"])


@pytest.mark.parametrize(
    ("text", "seconds", "printed"),
    [
        ("1w2d3h4m5s", 788645, "1w2d3h4m5s"),
        ("05:00:00", 18000, "5h"),
        ("1d 02:00:00", 93600, "1d2h"),
        ("1d02:00:00", 93600, "1d2h"),
        ("02:30", 9000, "2h30m"),
        ("90", 90, "1m30s"),
        ("0s", 0, "0s"),
        ("500ms", 0.5, "500ms"),
        ("1h90m", 9000, "2h30m"),
    ],
)
def test_durations_are_read_in_every_form_and_printed_in_one(text: str, seconds: float, printed: str) -> None:
    assert values.parse_duration(text) == seconds
    assert values.format_duration(values.parse_duration(text)) == printed


@pytest.mark.parametrize("text", ["", "h", "1x", "1h x", "25:61:00", "-5s", "1 h", "none", "٣"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a time"):
        values.parse_duration(text)


@given(st.integers(0, 10**9))
def test_printed_durations_read_back(seconds: int) -> None:
    assert values.parse_duration(values.format_duration(seconds)) == seconds


@given(st.ip_addresses(v=4))
def test_an_active_id_is_the_address_in_hex(ip: ipaddress.IPv4Address) -> None:
    assert int(values.ip_id(str(ip))[1:], 16) == int(ip)


def test_rates_are_upload_then_download() -> None:
    assert values.parse_rate_pair("512k/1M") == (512_000, 1_000_000)
    assert values.parse_rate_pair("1M") == (1_000_000, 1_000_000)
    assert values.parse_rate_pair("1M/2M 2M/4M 1M/1M 8s/8s 8 256k/256k") == (1_000_000, 2_000_000)
    for wrong in ("", "fast", "1M/x", "1M 2M 3M 4s 5 6M 7"):
        with pytest.raises(ValueError, match=r"not a|empty|invalid"):
            values.parse_rate_pair(wrong)


def test_sizes_multiply_by_1024() -> None:
    assert [values.parse_size(text) for text in ("0", "512", "1k", "10M", "2G")] == [0, 512, 1024, 10485760, 2147483648]
    with pytest.raises(ValueError, match="not a size"):
        values.parse_size("1.5M")


@pytest.mark.parametrize("text", ["aa:bb:cc:dd:ee:ff", "AA-BB-CC-DD-EE-FF", "aabb.ccdd.eeff", "aabbccddeeff"])
def test_macs_are_printed_one_way(text: str) -> None:
    assert values.parse_mac(text) == "AA:BB:CC:DD:EE:FF"
