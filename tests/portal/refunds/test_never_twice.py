"""Never twice, whatever M-Pesa does: refunds and payouts against a simulator that loses, repeats, delays and garbles; in the end
its own books and ours say the same, and nobody got a shilling more than once."""

import random

import pytest

from portal import payouts, refunds
from portal.db import DB
from portal.errors import Conflict, Invalid, NotFound
from portal.refunds import Road
from tests.portal.refunds.till import Till, wish

FAULTS = ("none", "none", "reset", "truncated", "html_503", "internal", "empty", "busy", "spike", "gateway_429")
ROADS = ("result", "result", "timeout", "none")


async def something(till: Till, dice: random.Random) -> None:
    """A person does something; refusals are part of life."""
    try:
        if dice.random() < 0.4:
            await payouts.ask(
                till.owner, amount_cents=dice.choice((None, 1000, 5000)), form_key=str(dice.randrange(4)),
                now=till.clock.now(),
            )  # fmt: skip
        elif dice.random() < 0.7:
            payment = await DB.value("SELECT id FROM payments WHERE status = 'paid' ORDER BY random() LIMIT 1")
            road = dice.choice((Road.REVERSAL, Road.B2C))
            await refunds.request(till.owner, payment or 0, wish(road), now=till.clock.now())
        else:
            failed = await DB.value("SELECT id FROM refunds WHERE status = 'failed' LIMIT 1")
            await refunds.retry(till.owner, failed or 0, now=till.clock.now(), road=dice.choice(("", "b2c")))
    except (Conflict, Invalid, NotFound):
        return


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_every_shilling_goes_out_at_most_once(till: Till, seed: int) -> None:
    dice = random.Random(seed)
    await DB.fetch(
        "INSERT INTO payout_numbers (merchant_id, phone, usable_at) VALUES ($1, '254722000111', $2)",
        till.stall.merchant_id,
        till.clock.now(),
    )
    for _ in range(6):
        await till.sale(cents=10_000)
        await DB.fetch("DELETE FROM limits")
    for _ in range(10):
        till.world.turn(
            command_fault=dice.choice(FAULTS), result_road=dice.choice(ROADS), callback_lost=dice.random() < 0.3,
            queue_timeout_executes=dice.random() < 0.5, callback_copies=dice.choice((1, 3)),
            callback_source=dice.choice(("listed", "listed", "foreign")), result_duplicate_keys=dice.random() < 0.2,
        )  # fmt: skip
        await something(till, dice)
        await till.turn(1, minutes=dice.choice((1, 3, 10)))
    till.world.turn(
        command_fault="none", result_road="result", callback_lost=False, callback_copies=1, callback_source="listed"
    )
    await till.turn(10, minutes=15)
    await till.turn(3, minutes=60 * 24)
    open_rows = await DB.fetch("SELECT id, status FROM transfers WHERE status NOT IN ('done', 'failed')")
    assert open_rows == [], "everything is known in the end"
    ours = await DB.fetch("SELECT kind, receipt_out, amount_cents FROM transfers WHERE status = 'done'")
    theirs = [row for row in till.world.ledger if row.kind in ("b2c", "reversal")]
    assert sorted((row["kind"], -row["amount_cents"]) for row in ours) == sorted(
        (r.kind, r.amount_cents) for r in theirs
    )
    given = await DB.fetch("SELECT refund_id FROM transfers WHERE status = 'done' AND refund_id IS NOT NULL")
    assert len({row["refund_id"] for row in given}) == len(given)
    booked = await DB.value(
        "SELECT coalesce(-sum(amount_cents), 0) FROM ledger_entries WHERE account = 'mpesa_clearing'"
    )
    assert -booked == sum(row.amount_cents for row in till.world.ledger), "our books are M-Pesa's"
