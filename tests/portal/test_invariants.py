"""Every invariant sees what breaks it, is told once, and told once more when it holds again; an altered history shows."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from jobs import runner
from jobs.schedule import JOBS
from portal import alerts, invariants
from portal.clock import Clock
from portal.config import Settings
from portal.db import DB, atomic
from portal.house import doors_open
from portal.invariants import audit
from portal.states import note
from portal.vault import Vault
from tests import factories
from tests.portal.payments.stall import Stall, receipt

#: Per invariant, what breaks it: statements after one ordinary sale, past the triggers that would refuse them.
BREAKS: dict[str, str] = {
    "I1 a sale without its voucher": "UPDATE payments SET voucher_id = NULL; UPDATE checkouts SET voucher_id = NULL",
    "I1 a voucher sold twice": """
        INSERT INTO payments (merchant_id, status, amount_cents, phone, account_reference, callback_token, voucher_id, paid_at)
        SELECT merchant_id, 'paid', 1000, phone, 'X9', 'x9', coalesce(voucher_id, (SELECT min(id) FROM vouchers)), now() FROM payments;
        UPDATE payments SET voucher_id = (SELECT min(id) FROM vouchers);
        INSERT INTO ledger_postings (merchant_id, payment_id, kind) SELECT merchant_id, max(id), 'sale' FROM payments GROUP BY 1""",
    "I1 a paid payment without a sale": "DELETE FROM ledger_entries; DELETE FROM ledger_postings",
    "I1 a checkout's voucher that nobody paid": "UPDATE payments SET status = 'failed'",
    "I2 a posting that does not balance": "UPDATE ledger_entries SET amount_cents = amount_cents + 1 WHERE account = 'commission'",
    "I2 a customer's account below zero": """
        INSERT INTO credits (merchant_id, holder) SELECT id, 'ref:X' FROM merchants;
        UPDATE ledger_entries SET credit_id = (SELECT max(id) FROM credits), account = 'customer_credit' WHERE amount_cents > 0""",
    "I2 suspense is not what waits": "UPDATE ledger_entries SET account = 'suspense' WHERE account = 'commission'",
    "I2 refunds are not what goes back": "UPDATE ledger_entries SET account = 'refunds' WHERE account = 'commission'",
    "I2 payouts are not what is on its way": "UPDATE ledger_entries SET account = 'payouts' WHERE account = 'commission'",
    "I2 an agent's sale that is on nobody's account": """
        UPDATE payments SET method = 'cash', voucher_id = (SELECT min(id) FROM vouchers);
        UPDATE vouchers SET allotment_id = 1""",
    "I2 agents' money is not what was written down": """
        INSERT INTO agent_moneys (merchant_id, agent_id, how, amount_cents) SELECT id, 1, 'cash', 500 FROM merchants""",
    "I3 a receipt that was not booked once": "UPDATE receipts SET amount_cents = 2000",
    "I3 two payments with one receipt": """
        DROP INDEX payments_receipt;
        INSERT INTO payments (merchant_id, status, amount_cents, phone, account_reference, callback_token, receipt)
        SELECT merchant_id, 'failed', 1000, phone, 'X9', 'x9', receipt FROM payments""",
    "I4 a voucher in use without a cause": "UPDATE payments SET status = 'failed'",
    "I5 a voucher in use that no router is to let in": """
        UPDATE vouchers SET status = 'in_use', started_at = now(), expires_at = now() + interval '1 hour';
        UPDATE access_grants SET status = 'gone', ended_at = now()""",
    "I5 a checkout sold and nobody to let in": "DELETE FROM access_grants",
    "I6 work held by somebody who gives no sign": "UPDATE pgqueuer SET status = 'picked', heartbeat = now() - interval '2 minutes'",
    "I7 a callback nobody handled for a minute": """
        INSERT INTO callbacks (merchant_id, payment_id, named_id, body, body_hash, source, received_at)
        SELECT merchant_id, id, id, '{}', '\\x00', '127.0.0.1', now() - interval '2 minutes' FROM payments""",
}


async def broken(stall: Stall) -> list[str]:
    return [breach.invariant for breach in await invariants.breaches(now=stall.clock.now())]


async def wreck(statements: str) -> None:
    """Change rows as nobody of ours can."""
    async with DB.opened.acquire() as connection, connection.transaction():
        await connection.execute("SET LOCAL session_replication_role = replica")
        await connection.execute(statements)


@pytest.fixture
async def sold(stall_that_breaks: Stall) -> Stall:
    """One ordinary sale, of which nothing is wrong."""
    await stall_that_breaks.stk(await stall_that_breaks.attempt(), receipt())
    assert await broken(stall_that_breaks) == []
    return stall_that_breaks


@pytest.fixture
async def stall_that_breaks(db: str, vault: Vault, clock: Clock) -> Stall:
    return await Stall.opened(vault, clock)


def test_every_question_is_tried() -> None:
    assert set(BREAKS) | {invariants.HISTORY} == set(invariants.NAMES)


@pytest.fixture
async def without_unique_receipts(sold: Stall) -> AsyncIterator[None]:
    """The index that makes one of the breaches impossible is made again at the end."""
    made = await DB.value("SELECT indexdef FROM pg_indexes WHERE indexname = 'payments_receipt'")
    yield
    await wreck("DELETE FROM payments WHERE account_reference = 'X9'")
    if await DB.value("SELECT to_regclass('payments_receipt') IS NULL"):
        await DB.fetch(made)


@pytest.mark.usefixtures("without_unique_receipts")
@pytest.mark.parametrize("name", BREAKS)
async def test_what_breaks_an_invariant_is_seen_with_its_rows(sold: Stall, name: str) -> None:
    await wreck(BREAKS[name])
    found = {breach.invariant: breach.rows for breach in await invariants.breaches(now=sold.clock.now())}
    assert found.get(name), found
    newest = await invariants.look(whole=False, now=sold.clock.now())
    assert name in [breach.invariant for breach in newest.breaches]


async def test_a_breach_is_told_once_and_its_end_once(sold: Stall) -> None:
    name = "I5 a checkout sold and nobody to let in"
    await wreck("UPDATE access_grants SET voucher_id = -voucher_id")
    for _ in range(3):
        await invariants.watch(whole=False, now=sold.clock.now())
    open_now = await invariants.broken_now()
    assert [alert.subject for alert in open_now] == [name]
    assert open_now[0].data["rows"]
    await wreck("UPDATE access_grants SET voucher_id = -voucher_id")
    for _ in range(2):
        await invariants.watch(whole=False, now=sold.clock.now())
    assert await invariants.broken_now() == []
    events = await DB.fetch("SELECT name FROM events WHERE entity = 'alerts' ORDER BY id")
    assert [event["name"] for event in events] == ["alert_opened", "close"]


async def test_what_only_a_whole_look_sees_stays_open_until_one_finds_it_mended(sold: Stall) -> None:
    async with atomic() as tx:
        await alerts.begin(tx, invariants.KIND, "I1 a voucher sold twice", now=sold.clock.now(), data={"whole": True})
    await invariants.watch(whole=False, now=sold.clock.now())
    assert len(await invariants.broken_now()) == 1
    await invariants.watch(whole=True, now=sold.clock.now())
    assert await invariants.broken_now() == []


async def test_the_job_keeps_a_run_and_counts_what_is_broken(sold: Stall, settings: Settings) -> None:
    await wreck("DELETE FROM access_grants")
    run_id = await runner.request(JOBS["check-invariants"], datetime.now(UTC).replace(microsecond=0))
    assert run_id is not None
    async with doors_open(settings, sold.clock) as doors:
        tally = await runner.run(run_id, doors)
    assert tally is not None
    assert tally.failed == 1
    row = await DB.row("SELECT status, failed FROM job_runs WHERE id = $1", run_id)
    assert row is not None
    assert tuple(row) == ("done", 1)


async def sealed_history(merchant: int, events: int) -> None:
    """So many events, all of them sealed."""
    async with atomic() as tx:
        for number in range(events):
            await note(tx, "merchants", merchant, f"event_{number}", merchant_id=merchant, at=datetime.now(UTC))
    await audit.seal()
    await audit.seal()


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE events SET data = '{\"said\": \"otherwise\"}' WHERE name = 'event_3'",
        "UPDATE events SET at = at + interval '1 second' WHERE name = 'event_0'",
        "DELETE FROM events WHERE name = 'event_9'",
        "UPDATE event_seals SET digest = repeat('0', 64) WHERE size > 0",
        "DELETE FROM event_seals WHERE size > 0 AND last_id < (SELECT max(last_id) FROM event_seals)",
    ],
)
async def test_an_altered_history_shows(db: str, change: str) -> None:
    merchant = await factories.merchant()
    await sealed_history(merchant, 10)
    await sealed_history(merchant, 5)
    assert await DB.value("SELECT sum(size) FROM event_seals") == await DB.value("SELECT count(*) FROM events")
    assert await audit.broken(whole=True) == []
    await wreck(change)
    assert await audit.broken(whole=True) != []


async def test_nothing_is_sealed_while_a_transaction_may_still_write_into_the_range(db: str) -> None:
    merchant = await factories.merchant()
    async with atomic() as tx:
        await note(tx, "merchants", merchant, "first", merchant_id=merchant, at=datetime.now(UTC))
    connection = await DB.connect()
    try:
        transaction = connection.transaction()
        await transaction.start()
        await connection.execute("SELECT 1")
        assert await audit.seal() == 0, "only marks how far the first seal will go"
        assert await audit.seal() == 0, "the open transaction may hold a number in between"
        await transaction.rollback()
    finally:
        await connection.close()
    assert await audit.seal() == 1


async def test_the_history_can_be_neither_changed_nor_resealed(db: str) -> None:
    await sealed_history(await factories.merchant(), 3)
    for statement in ("UPDATE event_seals SET size = 0", "DELETE FROM event_seals", "TRUNCATE event_seals"):
        with pytest.raises(Exception, match="append-only"):
            await DB.fetch(statement)


async def test_a_callback_of_a_minute_ago_is_no_breach_while_it_waits_for_proof(sold: Stall) -> None:
    await wreck(BREAKS["I7 a callback nobody handled for a minute"])
    await wreck("UPDATE callbacks SET handled_at = now(), verdict = 'waiting'")
    assert await invariants.breaches(now=sold.clock.now() + timedelta(hours=1)) == []


async def test_the_metrics_name_what_is_broken_and_by_how_much(sold: Stall) -> None:
    await wreck(BREAKS["I2 a posting that does not balance"])
    text = await invariants.metrics(await invariants.look(whole=True, now=sold.clock.now()))
    assert "ledger_imbalance_cents 1\n" in text
    assert 'invariant_violations{name="I2 a posting that does not balance"} 1\n' in text
    assert 'invariant_violations{name="I8 the history was altered"} 0\n' in text


async def test_a_long_run_that_gives_signs_of_life_is_no_breach(sold: Stall) -> None:
    run = await DB.value(
        """INSERT INTO job_runs (job, slot, status, started_at) VALUES ('backup', now(), 'running', now() - interval '3 hours')
           RETURNING id"""
    )
    await DB.fetch("INSERT INTO job_places (job, run_id, beat_at) VALUES ('backup', $1, now())", run)
    assert await broken(sold) == []
    await DB.fetch("UPDATE job_places SET beat_at = now() - interval '2 minutes'")
    assert await broken(sold) == ["I6 work held by somebody who gives no sign"]
