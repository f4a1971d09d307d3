"""Pull: M-Pesa's list of 48 hours makes good what messages lost. Numbers are those of the list of faults."""

from datetime import timedelta

from portal.db import DB
from portal.reconciliation import pulling
from tests.portal.payments.stall import count
from tests.portal.reconciliation.conftest import Desk


async def test_money_nobody_told_us_of_is_found_and_delivered(desk: Desk) -> None:
    voucher, reference = await desk.stall.voucher()
    receipt = desk.pay(reference)
    found = await desk.look()
    assert (found.rows, found.only_theirs, found.taken, found.only_ours) == (1, 1, 1, 0)
    assert await DB.value("SELECT status FROM vouchers WHERE id = $1", voucher) == "paid"
    assert await DB.value("SELECT roads FROM receipts WHERE receipt = $1", receipt) == "pull"


async def test_looking_again_over_the_same_hours_changes_nothing(desk: Desk) -> None:
    _, reference = await desk.stall.voucher()
    desk.pay(reference)
    await desk.look()
    again = await desk.look()
    assert (again.rows, again.matched, again.taken) == (1, 1, 0)
    assert await count("ledger_postings") == 1
    assert await count("receipts") == 1


async def test_every_page_is_read_even_when_pages_are_short(desk: Desk) -> None:
    desk.world.turn(pull_page_size=3)
    references = [(await desk.stall.voucher())[1] for _ in range(8)]
    for reference in references:
        desk.pay(reference)
    found = await desk.look()
    assert (found.rows, found.taken) == (8, 8)
    assert await count("vouchers", "status = 'paid'") == 8


async def test_one_payment_by_callback_confirmation_and_list_is_one_with_three_roads(desk: Desk) -> None:
    """Case 16."""
    attempt = await desk.stall.attempt()
    receipt = desk.pay(attempt.reference)
    await desk.stall.stk(attempt, receipt)
    await desk.stall.hand(attempt.reference, code=receipt)
    found = await desk.look()
    assert (found.matched, found.taken) == (1, 0)
    assert await DB.value("SELECT roads FROM receipts") == "stk_callback c2b pull"
    assert await count("payments", "status = 'paid'") == await count("vouchers") == await count("ledger_postings") == 1


async def test_a_payment_known_only_by_query_gets_its_receipt_from_the_list(desk: Desk) -> None:
    """Case 17, by Pull."""
    attempt = await desk.stall.attempt()
    await desk.stall.stk(attempt, None)
    receipt = desk.pay(attempt.reference)
    found = await desk.look()
    assert found.taken == 1
    assert await DB.value("SELECT receipt FROM payments WHERE id = $1", attempt.payment_id) == receipt
    assert await count("ledger_postings") == 1, "no second credit"


async def test_what_we_have_and_mpesa_has_not_is_reported_and_stays_as_it_is(desk: Desk) -> None:
    attempt = await desk.stall.attempt()
    at = desk.clock.now() - timedelta(hours=5)
    await desk.stall.hand(attempt.reference, code="UKK7777777", happened_at=at)
    found = await desk.look()
    assert found.only_ours == 1
    line = await DB.row("SELECT verdict, receipt FROM comparison_lines")
    assert line is not None
    assert tuple(line) == ("only_ours", "UKK7777777")
    assert await DB.value("SELECT status FROM payments WHERE id = $1", attempt.payment_id) == "paid"
    assert await count("events", "name = 'pull_differs'") == 1


async def test_another_amount_in_the_list_is_reported_and_not_believed(desk: Desk) -> None:
    attempt = await desk.stall.attempt()
    receipt = desk.pay(attempt.reference, 10)
    await desk.stall.hand(attempt.reference, 2000, code=receipt)
    found = await desk.look()
    assert found.differing == 1
    assert await DB.value("SELECT amount_cents FROM receipts") == 2000


async def test_what_was_sold_since_yesterdays_backup_is_rebuilt_once(desk: Desk) -> None:
    """Case 54: rows since the backup are gone; M-Pesa's list brings their money back, twice looked at, once booked."""
    old, reference = await desk.stall.voucher()
    desk.pay(reference)
    gone = desk.pay("V9K2M7QXW4")  # its attempt was made after the backup: nothing here knows it
    await _ran(desk, ago=timedelta(hours=20))
    assert await pulling.want_due(now=desk.clock.now(), nightly_at=desk.clock.now() - timedelta(hours=9)) == 1
    [wish] = await pulling.wanted()
    assert await DB.value("SELECT why FROM comparisons WHERE id = $1", wish) == "outage"
    found = await pulling.look(wish, desk.doors, vault=desk.vault, clock=desk.clock)
    assert found is not None
    assert found.taken == 2
    assert await DB.value("SELECT status FROM vouchers WHERE id = $1", old) == "paid"
    held = await DB.value(
        "SELECT s.status FROM suspense s JOIN receipts r ON r.id = s.receipt_id WHERE r.receipt = $1", gone
    )
    assert held == "open", "a person says whose it is; nothing is lost"
    assert (await desk.look()).taken == 0
    assert await DB.value("SELECT sum(amount_cents) FROM ledger_entries WHERE account = 'mpesa_clearing'") == 2000


async def _ran(desk: Desk, *, ago: timedelta) -> None:
    at = desk.clock.now() - ago
    await DB.fetch(
        "INSERT INTO job_runs (job, slot, status, started_at, ended_at) VALUES ('pull-transactions', $1, 'done', $1, $1)",
        at,
    )


async def test_the_night_looks_once_and_a_return_of_mpesa_looks_at_once(desk: Desk) -> None:
    now = desk.clock.now()
    await _ran(desk, ago=timedelta(seconds=50))
    assert await pulling.want_due(now=now, nightly_at=now - timedelta(hours=1)) == 1
    [wish] = await pulling.wanted()
    await pulling.look(wish, desk.doors, vault=desk.vault, clock=desk.clock)
    assert await pulling.want_due(now=now, nightly_at=now - timedelta(hours=1)) == 0, "once a night"
    desk.clock.shift(timedelta(minutes=5))
    later = desk.clock.now()
    await _ran(desk, ago=timedelta(seconds=50))
    await DB.fetch(
        """INSERT INTO events (entity, entity_id, name, data, at)
           VALUES ('mpesa_accounts', $1, 'mpesa_back', jsonb_build_object('since', $2::text), $3)""",
        desk.stall.account_id,
        (later - timedelta(hours=3)).isoformat(),
        later,
    )
    assert await pulling.want_due(now=later, nightly_at=now - timedelta(hours=1)) == 1
    assert await DB.value("SELECT why FROM comparisons ORDER BY id DESC LIMIT 1") == "outage"


async def test_a_busy_mpesa_keeps_the_wish_and_is_given_up_after_hours(desk: Desk) -> None:
    wish = await desk.want()
    desk.world.turn(oauth_fault="html_503")
    assert await pulling.look(wish, desk.doors, vault=desk.vault, clock=desk.clock) is None
    assert await DB.value("SELECT status FROM comparisons") == "running"
    assert await DB.value("SELECT error FROM comparisons")
    desk.clock.shift(pulling.GIVE_UP_AFTER + timedelta(minutes=1))
    assert await pulling.look(wish, desk.doors, vault=desk.vault, clock=desk.clock) is None
    assert await DB.value("SELECT status FROM comparisons") == "failed"


async def test_a_shortcode_that_is_not_registered_for_pull_fails_with_mpesas_words(desk: Desk) -> None:
    for shortcode in desk.world.shortcodes.values():
        shortcode.is_pulling = False
    assert await pulling.look(await desk.want(), desk.doors, vault=desk.vault, clock=desk.clock) is None
    row = await DB.row("SELECT status, error FROM comparisons")
    assert row is not None
    assert row["status"] == "failed"
    assert "ShortCode" in row["error"]
