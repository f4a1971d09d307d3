"""The close of a day: it balances, or says by how much and why; once written it stays."""

from datetime import datetime, timedelta
from pathlib import Path

import asyncpg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.db import DB
from portal.mpesa.fields import EAT
from portal.reconciliation import causes, closes, statements
from portal.reconciliation.movements import Movement
from tests.portal.reconciliation.conftest import Desk
from tests.portal.reconciliation.sheets import as_csv, drawn, paid


async def yesterday(desk: Desk) -> closes.Day:
    """The day everything happened on, over by now."""
    [day] = await closes.due(now=desk.clock.now())
    return day


async def a_day_later(desk: Desk) -> closes.Day:
    """Time passes until the day that is now may be closed."""
    begun = (await closes.day_of(desk.stall.account_id, desk.clock.now().astimezone(EAT).date())).until
    while begun + closes.SETTLE_FOR > desk.clock.now():
        desk.clock.shift(timedelta(hours=1))
    return await yesterday(desk)


async def whole(desk: Desk, day: closes.Day) -> dict[str, object]:
    made = await closes.close(day, by="test", now=desk.clock.now())
    row = await DB.row("SELECT * FROM daily_closes WHERE id = $1", made[0])
    assert row is not None
    return dict(row)


async def why(row: dict[str, object]) -> dict[str, int]:
    rows = await DB.fetch(
        "SELECT c->>'why' AS why, (c->>'cents')::bigint AS cents FROM jsonb_array_elements($1::jsonb) c", row["causes"]
    )
    found = {each["why"]: each["cents"] for each in rows}
    assert sum(found.values()) == row["difference_cents"], "causes add up"
    return found


def at_noon(day: closes.Day) -> datetime:
    return day.since + timedelta(hours=12)


async def statement(desk: Desk, path: Path, rows: list[list[str]]) -> None:
    await statements.receive(
        as_csv(path / "a.csv", rows),
        account_id=desk.stall.account_id,
        file_name="a.csv",
        by="test",
        now=desk.clock.now(),
    )


async def test_a_day_that_pull_saw_whole_balances(desk: Desk) -> None:
    for _ in range(3):
        desk.pay((await desk.stall.voucher())[1])
    await desk.look()
    day = await a_day_later(desk)
    await desk.look()
    row = await whole(desk, day)
    assert (row["theirs"], row["in_cents"], row["their_in_cents"], row["difference_cents"]) == ("pull", 3000, 3000, 0)
    assert row["closing_cents"] == 3000


async def test_without_anything_of_mpesas_it_says_that_it_is_not_known(desk: Desk) -> None:
    await desk.stall.hand((await desk.stall.attempt()).reference)
    row = await whole(desk, await a_day_later(desk))
    assert (row["theirs"], row["difference_cents"], row["in_cents"]) == ("none", None, 1000)


async def test_a_statement_that_says_the_same_balances_but_for_the_charges(desk: Desk, tmp_path: Path) -> None:
    attempt = await desk.stall.attempt()
    now = desk.clock.now()
    await desk.stall.hand(attempt.reference, code="UKK0000001", happened_at=now)
    day = await a_day_later(desk)
    await statement(
        desk, tmp_path,
        [paid("UKK0000001", now, 10, attempt.reference, balance="510"),
         drawn("UKK0000001", now + timedelta(seconds=1), 1, balance="509", reason="Pay Bill Charge")],
    )  # fmt: skip
    row = await whole(desk, day)
    assert (row["theirs"], row["their_opening_cents"], row["their_closing_cents"]) == ("statement", 50_000, 50_900)
    assert await why(row) == {"fees": -100}


async def test_every_kind_of_difference_is_named_with_its_receipts(desk: Desk, tmp_path: Path) -> None:
    now = desk.clock.now()
    for code, cents in (("UKK0000001", 1000), ("UKK0000002", 1000), ("UKK0000003", 1000)):
        await desk.stall.hand((await desk.stall.voucher())[1], cents, code=code, happened_at=now)
    await desk.stall.hand(
        (await desk.stall.voucher())[1], code="UKJ0000004", happened_at=now - timedelta(days=2)
    )  # fmt: skip
    await desk.stall.stk(await desk.stall.attempt(), None)
    day = await a_day_later(desk)
    await statement(
        desk, tmp_path,
        [paid("UKK0000001", now, 10, "X"), paid("UKK0000002", now, 30, "X"), paid("UKK0000009", now, 70, "lost"),
         drawn("UKK0000010", now, 500)],
    )  # fmt: skip
    found = await why(await whole(desk, day))
    assert found == {
        "differs": 2000, "not_booked": 7000, "not_listed": -1000, "moved_another_day": -1000, "no_receipt": -1000,
        "withdrawn": -50_000,
    }  # fmt: skip


async def test_each_merchant_on_the_platforms_account_gets_its_part(desk: Desk) -> None:
    await desk.stall.hand((await desk.stall.attempt()).reference)
    await desk.stall.hand("rent may", 5000)
    made = await closes.close(await a_day_later(desk), by="test", now=desk.clock.now())
    rows = await DB.fetch("SELECT merchant_id, in_cents FROM daily_closes WHERE id = ANY($1) ORDER BY id", made)
    assert [tuple(row) for row in rows] == [(None, 6000), (desk.stall.merchant_id, 1000)]


async def test_each_day_begins_where_the_day_before_ended(desk: Desk) -> None:
    await desk.stall.hand((await desk.stall.attempt()).reference)
    first = await whole(desk, await a_day_later(desk))
    await desk.stall.hand((await desk.stall.attempt()).reference)
    desk.clock.shift(timedelta(days=1))
    [day] = await closes.due(now=desk.clock.now())
    second = await whole(desk, day)
    assert second["opening_cents"] == first["closing_cents"] == 1000
    assert second["closing_cents"] == 2000


async def test_days_missed_while_we_were_away_are_closed_later_and_none_twice(desk: Desk) -> None:
    await whole(desk, await yesterday(desk))
    assert await closes.due(now=desk.clock.now()) == []
    desk.clock.shift(timedelta(days=3))
    days = await closes.due(now=desk.clock.now())
    assert [each.day for each in days] == sorted({each.day for each in days})
    assert len(days) == 3


async def test_a_close_is_never_edited_and_closing_again_is_another_revision(desk: Desk) -> None:
    day = await yesterday(desk)
    first, second = await whole(desk, day), await whole(desk, day)
    assert (first["revision"], second["revision"]) == (0, 1)
    for change in ("UPDATE daily_closes SET in_cents = 1", "DELETE FROM daily_closes"):
        with pytest.raises(asyncpg.PostgresError):
            await DB.fetch(change)


_side = st.lists(
    st.builds(
        Movement, receipt=st.sampled_from(["", "A", "B", "C", "D"]), cents=st.integers(1, 10_000), kind=st.just("in")
    )
    | st.builds(
        Movement, receipt=st.sampled_from(["", "E", "F"]), cents=st.integers(-9000, -1), kind=st.sampled_from(["out", "fee"])
    )
)  # fmt: skip


@given(
    theirs=_side,
    ours=_side.map(lambda side: [each for each in side if each.kind != "fee"]),
    booked=st.sets(st.sampled_from("ABCD")),
)
def test_the_causes_always_add_up_to_the_difference(
    theirs: list[Movement], ours: list[Movement], booked: set[str]
) -> None:
    difference, found = causes.explain(theirs, ours, booked=booked, moved_outside=booked)
    assert sum(cause.cents for cause in found) == difference
    assert all(sum(row.cents for row in cause.rows) == cause.cents for cause in found)
