"""Counting on from a router that forgets: never less than was seen, never more than was used."""

from hypothesis import given
from hypothesis import strategies as st

from portal.counting import NOTHING, Book, Use, advance

steps = st.lists(
    st.tuples(
        st.integers(0, 600),  # seconds that pass, then
        st.sampled_from(["read", "read", "leave", "come", "cut", "reset"]),
    ),
    max_size=40,
)


class Board:
    """A router with one device: its user row, its running session, and what the device really used."""

    def __init__(self) -> None:
        self.row, self.session, self.true = 0, None, 0
        self.is_new = False
        self.last_seen: int | None = None
        self.book = Book()

    def pass_time(self, seconds: int) -> None:
        if self.session is not None:
            self.session += seconds
            self.true += seconds

    def act(self, what: str) -> None:
        if what == "read":
            self.read()
        elif what == "leave" and self.session is not None:
            self.row += self.session
            self.session = None
        elif what == "come" and self.session is None:
            self.session, self.is_new = 0, True
        elif what == "cut":
            self.session = None
        elif what == "reset":
            self.row = 0

    def read(self) -> None:
        running = [] if self.session is None else [Use(self.session, self.session * 10)]
        is_same = self.last_seen is not None and self.session is not None and not self.is_new
        ended = [Use(self.last_seen, self.last_seen * 10)] if self.last_seen is not None and not is_same else []
        self.book = advance(
            self.book,
            row=Use(self.row, self.row * 10),
            grown=running if is_same else [],
            begun=[] if is_same else running,
            ended=ended,
        )
        self.last_seen, self.is_new = self.session, False


@given(steps)
def test_use_never_falls_and_is_never_more_than_the_truth(what: list[tuple[int, str]]) -> None:
    board, before = Board(), NOTHING
    for seconds, act in what:
        board.pass_time(seconds)
        board.act(act)
        used = board.book.used
        assert used.uptime_s >= before.uptime_s
        assert used.uptime_s <= board.true
        assert used.bytes == used.uptime_s * 10
        before = used


@given(steps)
def test_use_is_the_truth_when_the_router_forgets_only_what_was_read(what: list[tuple[int, str]]) -> None:
    board = Board()
    for seconds, act in what:
        board.pass_time(seconds)
        board.read()
        board.act(act)
        board.read()
        assert board.book.used.uptime_s == board.true


@given(st.lists(st.integers(0, 600), min_size=1, max_size=20), st.integers(1, 90))
def test_counters_written_during_a_session_are_not_counted_twice(steps: list[int], every: int) -> None:
    true, row, book = 0, 0, Book()
    for seconds in steps:
        true += seconds
        row = true - true % every
        book = advance(book, row=Use(row, 0), grown=[Use(true, 0)], begun=[], ended=[])
        assert book.used.uptime_s == true
    after = advance(book, row=Use(true + 30, 0), grown=[], begun=[], ended=[Use(true, 0)])
    assert after.used.uptime_s == true + 30, "with what the session did after it was last seen"


def test_a_row_made_anew_begins_at_what_we_know() -> None:
    book = advance(Book(), row=Use(500, 9), grown=[], begun=[], ended=[])
    book = advance(book, row=NOTHING, grown=[], begun=[Use(30, 1)], ended=[])
    assert book.used == Use(530, 10)
    assert book.forgotten == Use(500, 9)


def test_what_was_counted_before_is_never_taken_back() -> None:
    book = advance(Book(used=Use(500, 9)), row=Use(20, 1), grown=[], begun=[], ended=[])
    assert book.used == Use(500, 9)
