"""Reading other systems' files: every spelling, and whatever is thrown at the parsers ends in rows or in words, never in a bug."""

import time
from datetime import datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portal.errors import Invalid
from portal.imports import foreign, letters, mikhmon, nuxbill, plain
from portal.imports.found import Why
from portal.imports.routeros_text import added_of, bytes_of, date_of, length_of
from portal.imports.sending import Source
from portal.imports.sql_dump import rows_of
from portal.imports.steps import parse
from tests.portal.imports import samples


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("3h", 10_800), ("1d", 86_400), ("1w2d03:00:00", 788_400), ("00:30:00", 1800), ("2d 01:00:00", 176_400), ("1h30m", 5400),
        ("90", 90), ("0s", 0), ("", None), ("3 moons", None), ("h3", None), ("9999w", None), ("-3h", None), ("٣h", None),
    ],
)  # fmt: skip
def test_lengths_are_read_in_every_spelling_of_routeros(text: str, seconds: int | None) -> None:
    assert length_of(text) == seconds


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("nov/20/2026 14:30:05", datetime(2026, 11, 20, 14, 30, 5)),
        ("Nov/02/2026 14:30:05", datetime(2026, 11, 2, 14, 30, 5)),
        ("2026-11-20 14:30:05", datetime(2026, 11, 20, 14, 30, 5)),
        ("2026-11-20", datetime(2026, 11, 20)),
        ("vc-482-11.20.26-kiosk", None), ("feb/30/2026 10:00:00", None), ("2026-13-01 00:00:00", None), ("", None),
    ],
)  # fmt: skip
def test_dates_are_read_as_routeros_wrote_them_before_and_since_7_10(text: str, at: datetime | None) -> None:
    assert date_of(text) == at


def test_sizes_are_read_and_nonsense_is_none() -> None:
    assert [bytes_of(text) for text in ("1073741824", "500M", "2G", "1KiB", "0")] == [
        2**30,
        500 * 2**20,
        2**31,
        1024,
        0,
    ]
    assert [bytes_of(text) for text in ("", "many", "-1", "1" * 30, "9999999G")] == [None] * 5


@given(st.text(alphabet=st.characters(codec="utf-8", exclude_characters="\r\n"), max_size=80))
def test_a_quoted_value_comes_out_as_it_went_in(value: str) -> None:
    raw = value.encode().decode("latin-1")
    spelled = "".join(f"\\{ord(c):02X}" if not c.isalnum() or ord(c) > 126 else c for c in raw)
    found = list(added_of(f'/ip hotspot user\nadd comment="{spelled}" name=x\n'))
    assert found[0].words == {"comment": value, "name": "x"}


@given(st.lists(st.one_of(st.none(), st.text(max_size=30)), min_size=3, max_size=3))
def test_a_row_of_a_dump_comes_out_as_it_went_in(values: list[str | None]) -> None:
    def sql(value: str | None) -> str:
        if value is None:
            return "NULL"
        return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"

    dump = f"INSERT INTO `tbl_other` VALUES ('a;b(',1);\nINSERT INTO `tbl_plans` (`a`, `b`, `c`) VALUES ({', '.join(map(sql, values))});"
    rows = list(rows_of(dump, ["tbl_plans"]))
    assert [list(row.columns.values()) for row in rows] == [[value or "" for value in values]]
    assert not rows[0].is_half


_BITS = st.sampled_from(
    ["/ip hotspot user\n", "add name=", '"', "\\", "\n", "INSERT INTO `tbl_plans` VALUES (", "'", ",", ")", ";", "1", "\x00", "é", "=1+1",
     "package,price,code\n", "Username,Password,Profile,Time Limit\n", ":put (\\\",rem,", "CREATE TABLE `tbl_plans` (", "`id` int\n)", "3h"]
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(st.lists(_BITS, max_size=30).map("".join), st.sampled_from(list(Source)))
def test_whatever_is_sent_ends_in_rows_or_in_words(text: str, source: Source) -> None:
    try:
        found = parse(text.encode(), source)
    except Invalid as error:
        found = error.fields[letters.FIELD]
    assert found


@pytest.mark.parametrize(
    ("raw", "sentence"),
    [
        (b"<!DOCTYPE html><html><body>Log in</body></html>", letters.IS_PAGE),
        (b"\n\n <html lang=id><body>", letters.IS_PAGE),
        (b"PK\x03\x04....", letters.PACKED),
        (b"\x1f\x8b\x08", letters.PACKED),
        (b"\xd0\xcf\x11\xe0abc", letters.PACKED),
        (b"%PDF-1.7", letters.NOT_TEXT),
        (b"package,price\nab\x00c,1\n", letters.NOT_TEXT),
        (b"package\n" + b"x" * (letters.MOST_LINE + 1), letters.LONG_LINE),
        (b"\xff\xfea", letters.NOT_TEXT),
    ],
)
def test_what_is_no_export_is_refused_in_words(raw: bytes, sentence: str) -> None:
    with pytest.raises(Invalid) as refused:
        parse(raw, Source.CSV)
    assert refused.value.fields == {letters.FIELD: sentence}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_every_usual_encoding_is_read(encoding: str) -> None:
    found = plain.read(letters.text_of("package;price;duration\r\nCafé 1h;20;1h\r\n".encode(encoding)))
    assert (found.packages[0].name, found.packages[0].price_cents, found.packages[0].duration_s) == (
        "Café 1h",
        2000,
        3600,
    )


def test_half_a_dump_gives_its_whole_rows_and_says_the_last_is_half() -> None:
    cut = samples.NUXBILL[: samples.NUXBILL.index("WIFI-99BB") + 4]
    codes = nuxbill.read(cut).codes
    assert [code.why for code in codes if code.text.startswith("WIFI-88")] == [None]
    assert codes[2 if codes[0].text == "" else -1].why in (Why.HALF, None)
    assert Why.HALF in {code.why for code in codes}


def test_nine_megabytes_in_one_row_are_read_in_seconds() -> None:
    began = time.perf_counter()
    row = "(1, 'Hotspot', 'Main', 1, 'WIFI-88AA', '0', '0', 1),"
    dump = (
        "INSERT INTO `tbl_voucher` (`id`, `type`, `routers`, `id_plan`, `code`, `user`, `status`, `generated_by`) VALUES "
        + row * 99_000
    )
    assert len(parse(dump.encode(), Source.PHPNUXBILL).codes) == 99_000
    unended = "INSERT INTO `tbl_plans` VALUES ('" + "a\\'" * 1_000_000
    with pytest.raises(Invalid):
        parse(("(" * 1_000_000).encode(), Source.PHPNUXBILL)
    assert parse(unended.encode(), Source.PHPNUXBILL).packages[0].why is Why.HALF
    assert time.perf_counter() - began < 30, "linear, not square"


def test_mikhmon_takes_the_selling_price_and_the_speeds_from_the_phone() -> None:
    found = mikhmon.read(samples.MIKHMON)
    three, week = found.packages[0], found.packages[1]
    assert (three.price_cents, three.duration_s, three.rate_down_kbps, three.rate_up_kbps) == (2500, 10_800, 2000, 512)
    assert (week.price_cents, week.duration_s, week.rate_down_kbps, week.devices) == (20_000, 604_800, 4000, 2)
    assert found.packages[2].why is Why.NO_PACKAGE


def test_rows_of_a_router_count_what_was_used() -> None:
    user = {
        "name": "ab12",
        "password": "ab12",
        "profile": "P",
        "limit-uptime": "3h",
        "uptime": "1h",
        "bytes-in": "10",
        "comment": "vc-1-",
    }
    code = mikhmon.read_rows([(1, "/ip hotspot user", user)]).codes[0]
    assert (code.uptime_s, code.is_running, code.why) == (7200, True, None)
    spent = mikhmon.read_rows([(1, "/ip hotspot user", user | {"uptime": "3h"})]).codes[0]
    assert spent.why is Why.OVER


def test_codes_are_weak_by_the_rule_of_ours_and_hints_tell_little() -> None:
    assert foreign.is_weak("1234567890", codes=1000, routers=1)
    assert foreign.is_weak("abcdefgh", codes=1000, routers=1)
    assert not foreign.is_weak("a1b2c3d4e5f6", codes=1000, routers=3)
    assert [foreign.hint(code) for code in ("ab12", "a1", "WIFI-88AA")] == ["ab••", "••", "WI••••••"]


def test_a_template_reads_back() -> None:
    found = plain.read(plain.template())
    assert [package.why for package in found.packages] == [None]
    assert [code.text for code in found.codes] == ["ab12cd"]
