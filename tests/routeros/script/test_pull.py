"""Pull mode's wire format: what is written is read back, and what is torn, forged or foreign counts for nothing."""

import json
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routeros.operations import AddUser, ChangeUser, EndAccess, EnsureProfile, Why
from routeros.script.pull import MOST_BYTES, build_work, fitting, parse_report, parse_work, whole_state
from routeros.script.pull_values import (
    Action,
    PullJob,
    PullWork,
    Report,
    StateKind,
    StatePage,
)
from routeros.script.values import Variant
from routeros.values import ActiveSession, CookieRow, HostRow, HotspotUser, LogIn, UserChanges, UserProfile

NAMES = st.from_regex(r"vocha-[0-9a-f]{16}", fullmatch=True)
MACS = st.from_regex(r"[0-9A-F]{2}(:[0-9A-F]{2}){5}", fullmatch=True).filter(lambda mac: mac.strip("0:"))
WORDS = st.from_regex(r"[A-Za-z0-9._:]{2,40}", fullmatch=True)
LIMITS = st.none() | st.integers(1, 10**8)
USERS = st.builds(
    HotspotUser,
    name=NAMES,
    password=WORDS | st.sampled_from(["no", "true", "00123", "123456"]),
    profile=WORDS,
    comment=WORDS.map(lambda word: f"vocha:{word}"),
    mac_address=MACS | st.just(""),
    limit_uptime=LIMITS,
    limit_bytes_total=LIMITS,
    is_disabled=st.booleans(),
)
CHANGES = st.fixed_dictionaries(
    {},
    optional={
        "password": WORDS,
        "limit_uptime": LIMITS,
        "mac_address": MACS | st.just(""),
        "is_disabled": st.booleans(),
    },
)
ACTIONS: st.SearchStrategy[Action] = st.one_of(
    st.builds(AddUser, USERS),
    st.builds(ChangeUser, NAMES, CHANGES),
    st.builds(EndAccess, NAMES, st.just(Why.ENDED)),
    st.builds(
        EnsureProfile,
        st.builds(
            UserProfile,
            name=st.from_regex(r"vocha-[0-9a-z-]{1,30}", fullmatch=True),
            rate_limit=st.sampled_from(["", "512k/1M", "1M/2M 2M/4M 1M/1M 10/10"]),
            shared_users=st.none() | st.integers(1, 99),
            add_mac_cookie=st.booleans(),
        ),
    ),
    st.builds(LogIn, NAMES, WORDS, ip=st.ip_addresses(v=4).map(str), mac=MACS),
    st.builds(Report, st.sampled_from(StateKind)),
)
WORK = st.lists(ACTIONS, max_size=12).map(
    lambda actions: PullWork("7-1d02:03:04-x", "k" * 20, tuple(PullJob(n + 1, a) for n, a in enumerate(actions)))
)
VARIANTS = st.sampled_from(Variant)
NAME = "vocha-0123456789abcdef"


def report(*lines: str, ask: str = "3-1h2m", variant: Variant = Variant.PLAIN, end: str | None = None) -> bytes:
    hello = ["site|5f2e9c", "secret|router-secret-0001", f"ask|{ask}", "version|6.49.10 (long-term)"]
    written = [*hello, *lines, f"end|{ask}" if end is None else end]
    if variant is Variant.JSON:
        return json.dumps({"vocha-pull": "=1", "lines": written}).encode()
    return ("\n".join(["vocha-pull|1", *written]) + "\n").encode()


@given(WORK, VARIANTS)
@settings(deadline=None, max_examples=60)
def test_work_is_read_as_it_was_written(work: PullWork, variant: Variant) -> None:
    assert parse_work(build_work(work, variant), variant) == work


@given(WORK.filter(lambda work: bool(work.jobs)), VARIANTS, st.data())
@settings(deadline=None, max_examples=40)
def test_torn_work_is_no_work(work: PullWork, variant: Variant, data: st.DataObject) -> None:
    body = build_work(work, variant)
    with pytest.raises(ValueError):
        parse_work(body[: data.draw(st.integers(0, len(body) - 1))], variant)


@pytest.mark.parametrize("variant", Variant)
def test_work_with_a_job_left_out_is_no_work(variant: Variant) -> None:
    body = build_work(PullWork("a", "k" * 20, tuple(PullJob(n, EndAccess(NAME, Why.ENDED)) for n in (1, 2))), variant)
    less = (
        body.replace(f"job|1|end|{NAME}\n".encode(), b"")
        if variant is Variant.PLAIN
        else body.replace(f'["=1","=end","={NAME}"],'.encode(), b"")
    )
    assert less != body
    with pytest.raises(ValueError):
        parse_work(less, variant)


@pytest.mark.parametrize(
    "action",
    [
        EndAccess("admin", Why.ENDED),
        EndAccess("vocha-0123456789abcdef\nend|0", Why.ENDED),
        LogIn("guest", "x" * 8, ip="10.5.50.9", mac="AA:BB:CC:DD:EE:FF"),
        LogIn(NAME, "a|b", ip="10.5.50.9", mac="AA:BB:CC:DD:EE:FF"),
        LogIn(NAME, "", ip="10.5.50.9", mac="AA:BB:CC:DD:EE:FF"),
        LogIn(NAME, "-", ip="10.5.50.9", mac="AA:BB:CC:DD:EE:FF"),
        AddUser(HotspotUser(NAME, 'x"; /system reboot')),
        AddUser(HotspotUser(NAME, None)),
        AddUser(HotspotUser(NAME, "password", limit_uptime=0)),
        AddUser(HotspotUser(NAME, "password", comment="")),
        ChangeUser(NAME, UserChanges(limit_bytes_total=0)),
        EnsureProfile(UserProfile("default")),
        EnsureProfile(UserProfile("vocha-x", rate_limit="1M/1M\n")),
    ],
)
def test_what_a_router_must_not_be_asked_is_refused(action: Action) -> None:
    for variant in Variant:
        with pytest.raises(ValueError):
            build_work(PullWork("ask", "k" * 20, (PullJob(1, action),)), variant)


def test_numbers_of_jobs_rise() -> None:
    ending = EndAccess(NAME, Why.ENDED)
    for numbers in ((2, 1), (1, 1), (0, 1)):
        with pytest.raises(ValueError):
            PullWork("ask", "key", tuple(PullJob(number, ending) for number in numbers))


def test_an_ask_cannot_add_lines() -> None:
    for ask in ("", "a\njob|1|end|x", "a|b", "x" * 81, "ũ"):
        with pytest.raises(ValueError):
            build_work(PullWork(ask, "k" * 20), Variant.PLAIN)


def test_an_answer_never_outgrows_a_router() -> None:
    jobs = [PullJob(n + 1, AddUser(HotspotUser(f"vocha-{n:016x}", "p" * 40, comment="vocha:x"))) for n in range(2_000)]
    some = fitting(jobs)
    assert 200 < len(some) < 2_000
    for variant in Variant:
        assert MOST_BYTES // 2 < len(build_work(PullWork("ask", "k" * 20, some), variant)) <= MOST_BYTES
        with pytest.raises(ValueError):
            build_work(PullWork("ask", "k" * 20, tuple(jobs)), variant)


@pytest.mark.parametrize("variant", Variant)
def test_a_report_is_read(variant: Variant) -> None:
    read = parse_report(
        report(
            "board|hAP ax2",
            "serial|HEX0123",
            "uptime|1d02:03:04",
            "clock|nov/20/2026 06:09:00",
            "ack|17|ok|",
            "ack|18|failed|failure: already | have",
            "state|users|19|1|last|4",
            f"users|{NAME}|AA:BB:CC:DD:EE:FF|1h|1000|00:05:00|10|20|false|vocha-full-x1|vocha:a|b",
            f"users|{NAME}||||||||default|",
            variant=variant,
        ),
        variant,
    )
    assert (read.site, read.secret, read.ask, read.version) == (
        "5f2e9c",
        "router-secret-0001",
        "3-1h2m",
        "6.49.10 (long-term)",
    )
    assert (read.board, read.serial, read.uptime, read.clock) == ("hAP ax2", "HEX0123", 93_784, "nov/20/2026 06:09:00")
    assert [(ack.number, ack.is_done, ack.why) for ack in read.acks] == [
        (17, True, ""),
        (18, False, "failure: already | have"),
    ]
    assert read.states[0] == StatePage(
        StateKind.USERS,
        19,
        1,
        (
            HotspotUser(
                NAME,
                mac_address="AA:BB:CC:DD:EE:FF",
                limit_uptime=3600,
                limit_bytes_total=1000,
                uptime=300,
                bytes_in=10,
                bytes_out=20,
                profile="vocha-full-x1",
                comment="vocha:a|b",
            ),
            HotspotUser(NAME),
        ),
        is_last=True,
        total=4,
    )
    assert "router-secret" not in repr(read)


def test_several_pages_come_in_one_report() -> None:
    host = "hosts|AA:BB:CC:DD:EE:FF|10.5.50.9|true|false|1h"
    body = report("state|cookies|3|1|last|0", "state|hosts|4|1|more", host, "state|hosts|4|2|last|1")
    cookies, one, two = parse_report(body, Variant.PLAIN).states
    assert (cookies.kind, cookies.rows, cookies.is_last) == (StateKind.COOKIES, (), True)
    assert one.rows == (HostRow("AA:BB:CC:DD:EE:FF", "10.5.50.9", is_authorized=True, uptime=3600),)
    assert (one.is_last, two.page, two.is_last) == (False, 2, True)


@pytest.mark.parametrize("variant", Variant)
def test_a_name_in_another_encoding_does_not_cost_the_router_its_turn(variant: Variant) -> None:
    body = report("ack|1|failed|caf~", variant=variant).replace(b"~", b"\xe9")
    assert parse_report(body, variant).acks[0].why == "caf\ufffd"


def test_what_cannot_be_printed_is_not_taken_in() -> None:
    read = parse_report(report("ack|1|failed|a\x00b\u202ec"), Variant.PLAIN)
    assert read.acks[0].why == "a?b?c"


def test_other_rows_are_read() -> None:
    def rows(kind: str, *lines: str) -> tuple[object, ...]:
        state = parse_report(report(f"state|{kind}|1|1|last|9", *lines), Variant.PLAIN).states[0]
        return state.rows if state else ()

    assert rows("active", f"active|{NAME}|10.5.50.9|AA:BB:CC:DD:EE:FF|5m|55m|1|2") == (
        ActiveSession(
            NAME, "10.5.50.9", "AA:BB:CC:DD:EE:FF", uptime=300, session_time_left=3300, bytes_in=1, bytes_out=2
        ),
    )
    assert rows("cookies", f"cookies|{NAME}|AA:BB:CC:DD:EE:FF|3d") == (
        CookieRow(NAME, "AA:BB:CC:DD:EE:FF", expires_in=259_200),
    )
    assert rows("profiles", "profiles|vocha-full-x2|2|true|512k/1M", "profiles|vocha-any|unlimited|false|") == (
        UserProfile("vocha-full-x2", rate_limit="512k/1M", shared_users=2),
        UserProfile("vocha-any", shared_users=None, add_mac_cookie=False),
    )


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"vocha-pull|1\n",
        b"\xff\xfe\n\n",
        report(end=""),
        report(end="end|another"),
        report("state|users|1|1|last"),
        report("state|users|1|1|more|3"),
        report("state|secrets|1|1|last|3"),
        report("state|users|x|1|last|3"),
        report("state|users|1|1|last|3", "active|x|10.0.0.1||||1|2"),
        report("state|users|1|1|last|3", "users|too|short"),
        report("state|users|1|1|last|3", "state|active|2|1|more|3"),
        report("state|users|1|1|last|3", "ask|4-1h2m"),
        report(*(f"state|users|1|{page}|more" for page in range(1, 52))),
        report("ack|1|maybe|"),
        report("ack|x|ok|"),
        report("site|another"),
        report("uptime|soon"),
        report("command|/system reboot"),
        report(ask="a b"),
        report().replace(b"secret|router-secret-0001\n", b""),
        report() + b"x" * 70_000,
    ],
)
def test_a_report_that_is_not_whole_counts_for_nothing(body: bytes) -> None:
    with pytest.raises(ValueError):
        parse_report(body, Variant.PLAIN)


@pytest.mark.parametrize(
    "body",
    [b"[]", b"{}", b"null", b'{"vocha-pull":"=1","lines":"x"}', b"[" * 30_000, b'{"vocha-pull":"=1","lines":[]}'],
)
def test_json_that_is_no_report_is_refused(body: bytes) -> None:
    with pytest.raises(ValueError):
        parse_report(body, Variant.JSON)


@given(st.binary(max_size=300))
@settings(deadline=None, max_examples=60)
def test_rubbish_is_only_ever_refused(body: bytes) -> None:
    for read in (parse_report, parse_work):
        for variant in Variant:
            for text in (body, b"vocha-pull|1\n" + body, b"vocha-work|1|a|k\n" + body + b"\nend|0\n"):
                try:
                    read(text, variant)
                except ValueError:
                    continue


def test_a_state_is_whole_only_with_all_its_pages() -> None:
    pages = [StatePage(StateKind.COOKIES, 5, n, (CookieRow(f"c{n}", ""),), is_last=n == 3) for n in (1, 2, 3)]
    assert list(whole_state(pages) or ()) == [CookieRow(f"c{n}", "") for n in (1, 2, 3)]
    assert whole_state(reversed(pages)) == whole_state(pages)
    for broken in ([], pages[:2], pages[1:], [pages[0], pages[2]], [*pages[:2], replace(pages[2], number=6)]):
        assert whole_state(broken) is None
