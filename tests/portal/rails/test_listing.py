"""The nightly look at a rail's list: what was paid and never told is found, what is not ours is left alone."""

from datetime import timedelta

import pytest

from jobs import rails
from portal.db import DB
from portal.rails import listing
from tests.portal.payments.stall import count
from tests.portal.rails.tills import Till

pytestmark = pytest.mark.parametrize("till", ["airtel", "paystack"], indirect=True)


async def lost(till: Till) -> int:
    """Somebody paid; the callback was lost, and every question of two days came to nothing. The payment's id."""
    till.goes_wrong("lost")
    payment = await till.bought()
    await till.pay(payment)
    assert await till.handle() == []
    await DB.fetch("UPDATE payments SET next_query_at = NULL WHERE id = $1", payment["id"])
    await till.pass_time(22 * 3600)
    return payment["id"]


async def test_a_payment_nobody_told_us_of_is_found_in_the_night(till: Till) -> None:
    payment = await lost(till)
    tally = await rails.compare(till.all_doors)
    assert (tally.processed, tally.failed) == (1, 0)
    await till.ask()  # Airtel lists nothing: its payments are asked about once more
    assert (await till.payment(payment))["status"] == "paid"
    assert await till.sold() == till.really_paid() == 1
    if till.rail == "paystack":
        assert await count("events", "name = 'found_in_list'") == 1
    assert (await rails.compare(till.all_doors)).processed == 0, "once a night"


async def test_a_list_that_cannot_be_had_stays_due(till: Till) -> None:
    payment = await lost(till)
    till.goes_wrong("busy")
    if till.rail == "airtel":  # it lists nothing, so nothing is asked for that could not be had
        assert (await rails.compare(till.all_doors)).processed == 1
        return
    assert (await rails.compare(till.all_doors)).failed == 1
    assert (await till.payment(payment))["status"] == "pending"
    till.goes_wrong("busy", value=False)
    assert (await rails.compare(till.all_doors)).processed == 1
    assert (await till.payment(payment))["status"] == "paid"


async def test_what_is_known_or_not_ours_is_left_alone(till: Till) -> None:
    payment = await till.bought()
    await till.pay(payment)
    await till.handle()
    await till.pass_time(22 * 3600)
    await DB.fetch("UPDATE payments SET account_reference = 'OTHERS' WHERE id = $1", payment["id"])
    before = await count("events")
    await rails.compare(till.all_doors)
    assert await count("events") == before
    assert await till.sold() == 1


async def test_missed_nights_are_looked_at_together(till: Till) -> None:
    now = till.clock.now()
    await DB.fetch(
        "UPDATE rail_accounts SET listed_at = $1, created_at = $2", now - timedelta(days=2), now - timedelta(days=9)
    )
    [look] = await listing.due(now=now)
    assert look.since == now - timedelta(days=3)
    await DB.fetch("UPDATE rail_accounts SET listed_at = $1", now - timedelta(hours=21))
    [look] = await listing.due(now=now)
    assert look.since == now - timedelta(hours=45)
    await DB.fetch("UPDATE rail_accounts SET listed_at = $1", now - timedelta(hours=1))
    assert await listing.due(now=now) == []
