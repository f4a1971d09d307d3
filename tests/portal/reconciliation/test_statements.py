"""A statement beside our payments: matched on both sides, kept, and taken in only when a person says so."""

from datetime import timedelta
from pathlib import Path

import pytest

from portal.db import DB
from portal.errors import Conflict, Invalid
from portal.reconciliation import statements
from tests.portal.payments.stall import books, count
from tests.portal.reconciliation.conftest import Desk
from tests.portal.reconciliation.sheets import as_csv, as_xlsx, drawn, paid


async def received(desk: Desk, path: Path) -> int:
    return await statements.receive(
        path, account_id=desk.stall.account_id, file_name=path.name, by="user:1", now=desk.clock.now()
    )


async def told(comparison_id: int) -> dict[str, object]:
    row = await DB.row("SELECT * FROM comparisons WHERE id = $1", comparison_id)
    assert row is not None
    return dict(row)


async def test_both_sides_are_matched_and_nothing_is_taken_in_yet(desk: Desk, tmp_path: Path) -> None:
    at = desk.clock.now() - timedelta(hours=3)
    known, lost = await desk.stall.attempt(), await desk.stall.voucher()
    await desk.stall.hand(known.reference, code="UKK0000001", happened_at=at)
    await desk.stall.hand((await desk.stall.attempt()).reference, code="UKK0000009", happened_at=at)
    rows = [
        paid("UKK0000001", at, 10, known.reference, balance="110"),
        paid("UKK0000002", at + timedelta(minutes=5), 10, lost[1], balance="120"),
        drawn("UKK0000003", at + timedelta(minutes=6), 100, balance="20"),
        drawn("UKK0000004", at + timedelta(minutes=7), 5, balance="15", reason="Withdrawal Charge"),
    ]
    found = await told(await received(desk, as_csv(tmp_path / "a.csv", rows)))
    assert found["status"] == "ready"
    names = (
        "rows",
        "matched",
        "only_theirs",
        "only_ours",
        "differing",
        "unreadable",
        "in_cents",
        "out_cents",
        "fees_cents",
    )
    assert [found[name] for name in names] == [4, 1, 1, 1, 0, 0, 2000, 10_000, 500]
    assert (found["opening_cents"], found["closing_cents"]) == (10_000, 1500)
    assert await count("receipts") == 2
    assert await DB.value("SELECT status FROM vouchers WHERE id = $1", lost[0]) == "unsold"


async def test_the_balances_are_right_when_the_newest_row_is_first(desk: Desk, tmp_path: Path) -> None:
    at = desk.clock.now() - timedelta(hours=3)
    rows = [paid("UKK0000001", at, 10, "X", balance="110"), paid("UKK0000002", at, 10, "X", balance="120"),
            paid("UKK0000003", at + timedelta(seconds=1), 10, "X", balance="130")]  # fmt: skip
    found = await told(await received(desk, as_csv(tmp_path / "a.csv", rows[::-1])))
    assert (found["opening_cents"], found["closing_cents"]) == (10_000, 13_000)


async def test_after_a_person_confirms_what_was_lost_is_delivered_once(desk: Desk, tmp_path: Path) -> None:
    at = desk.clock.now() - timedelta(days=9)
    voucher, reference = await desk.stall.voucher()
    made = await received(desk, as_xlsx(tmp_path / "a.xlsx", [list[object](paid("UKK0000002", at, 10, reference))]))
    await statements.confirm(made, by="user:1", now=desk.clock.now())
    for _ in range(2):
        await statements.take(made, vault=desk.vault, now=desk.clock.now())
    assert await DB.value("SELECT status FROM vouchers WHERE id = $1", voucher) == "paid"
    found = await told(made)
    assert (found["status"], found["taken"], found["confirmed_by"]) == ("done", 1, "user:1")
    assert await DB.value("SELECT roads FROM receipts") == "statement"
    assert (await books())["mpesa_clearing"] == 1000


async def test_what_fits_nothing_waits_in_suspense(desk: Desk, tmp_path: Path) -> None:
    made = await received(desk, as_csv(tmp_path / "a.csv", [paid("UKK0000002", desk.clock.now(), 10, "rent may")]))
    await statements.confirm(made, by="user:1", now=desk.clock.now())
    await statements.take(made, vault=desk.vault, now=desk.clock.now())
    assert await count("suspense", "status = 'open'") == 1


async def test_a_confirmed_statement_goes_on_where_a_killed_worker_stopped(desk: Desk, tmp_path: Path) -> None:
    references = [(await desk.stall.voucher())[1] for _ in range(3)]
    rows = [paid(f"UKK000000{n}", desk.clock.now(), 10, reference) for n, reference in enumerate(references)]
    made = await received(desk, as_csv(tmp_path / "a.csv", rows))
    await statements.confirm(made, by="user:1", now=desk.clock.now())
    await DB.fetch("UPDATE comparison_lines SET taken = 'sold' WHERE number = 6")  # its money is booked further below
    await desk.stall.hand(references[0], code="UKK0000000")
    await statements.take(made, vault=desk.vault, now=desk.clock.now())
    assert (await books())["mpesa_clearing"] == 3000
    assert await count("vouchers", "status = 'paid'") == 3


async def test_nothing_is_taken_in_unless_confirmed_and_a_decision_is_made_once(desk: Desk, tmp_path: Path) -> None:
    made = await received(desk, as_csv(tmp_path / "a.csv", [paid("UKK0000002", desk.clock.now(), 10, "X")]))
    assert await statements.take(made, vault=desk.vault, now=desk.clock.now()) == 0
    await statements.drop(made, by="user:1", now=desk.clock.now())
    with pytest.raises(Conflict):
        await statements.confirm(made, by="user:1", now=desk.clock.now())
    assert await count("receipts") == 0


async def test_the_same_file_twice_is_one_comparison(desk: Desk, tmp_path: Path) -> None:
    path = as_csv(tmp_path / "a.csv", [paid("UKK0000002", desk.clock.now(), 10, "X")])
    await received(desk, path)
    with pytest.raises(Conflict):
        await received(desk, path)


async def test_a_file_that_fails_leaves_no_rows_and_may_be_sent_again(desk: Desk, tmp_path: Path) -> None:
    path = as_csv(tmp_path / "a.csv", [])
    for _ in range(2):
        with pytest.raises(Invalid, match="no payment"):
            await received(desk, path)
    assert await count("comparisons", "status = 'failed'") == 2
    assert await count("comparison_lines") == 0


async def test_a_statement_whose_reader_died_is_failed_and_may_be_sent_again(desk: Desk, tmp_path: Path) -> None:
    path = as_csv(tmp_path / "a.csv", [paid("UKK0000002", desk.clock.now(), 10, "X")])
    made = await received(desk, path)
    await DB.fetch("UPDATE comparisons SET status = 'running' WHERE id = $1", made)
    desk.clock.shift(timedelta(minutes=16))
    assert await statements.find_stranded(now=desk.clock.now()) == 1
    await received(desk, path)
