"""Which backups stay, and what on the shelf is ours."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.backups.errors import NothingThere
from portal.backups.shelf import Retention, Shelf, to_keep

NEWEST = datetime(2026, 11, 20, 1, 30, tzinfo=UTC)
NIGHTS = [NEWEST - timedelta(days=n) for n in range(800)]


def test_two_years_of_nights_leave_seven_days_five_weeks_and_twelve_months() -> None:
    stay = sorted(to_keep(NIGHTS, Retention(7, 5, 12)), reverse=True)
    assert stay[:7] == NIGHTS[:7]
    sundays = [night for night in stay[7:] if night.isoweekday() == 7]
    assert [f"{night:%m-%d}" for night in sundays][:4] == ["11-08", "11-01", "10-25", "05-31"]
    assert [f"{night:%Y-%m-%d}" for night in stay if night.month != (night + timedelta(days=1)).month] == [
        "2026-10-31", "2026-09-30", "2026-08-31", "2026-07-31", "2026-06-30", "2026-05-31", "2026-04-30", "2026-03-31",
        "2026-02-28", "2026-01-31", "2025-12-31",
    ]  # fmt: skip
    assert len(stay) <= 24


@given(st.lists(st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1)), min_size=1), st.integers(1, 9))
def test_the_newest_always_stays_and_pruning_twice_takes_nothing_more(moments: list[datetime], days: int) -> None:
    aware = [moment.replace(tzinfo=UTC) for moment in moments]
    stay = to_keep(aware, Retention(days, 2, 2))
    assert max(aware) in stay
    assert to_keep(stay, Retention(days, 2, 2)) == stay


def test_files_of_others_are_left_alone(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path)
    for name in ("vocha-latest.backup", "notes.txt", "vocha-20200101T000000Z.backup", "vocha-20260101T000000Z.backup"):
        (tmp_path / name).write_text("x")
    assert [kept.path.name for kept in shelf.all()] == [
        "vocha-20260101T000000Z.backup",
        "vocha-20200101T000000Z.backup",
    ]
    assert [path.name for path in shelf.prune(Retention(1, 0, 0))] == ["vocha-20200101T000000Z.backup"]
    assert (tmp_path / "vocha-latest.backup").exists()


def test_what_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(NothingThere, match=r"no backup in .* yet"):
        Shelf(tmp_path).find("newest")
    with pytest.raises(NothingThere, match="no backup last-week"):
        Shelf(tmp_path).find("last-week")
