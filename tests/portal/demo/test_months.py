"""What the demo's shop did by the month, with promos and with messages: every state is there, and all of it came about by itself."""

from datetime import timedelta

from jobs.schedule import JOBS
from portal import job_runs, ledger, sales
from portal.db import DB
from portal.demo import agents, fill, months, paydays
from portal.demo.cast import DEAD_NUMBER, HOUSEHOLDS
from portal.demo.world import DemoWorld
from portal.identity import Actor, Role
from tests.portal.demo.test_world import until


async def test_customers_by_the_month_stand_where_their_payments_left_them(world: DemoWorld) -> None:
    rows = await DB.fetch("SELECT name, status, kind FROM subscribers ORDER BY id")
    assert [(row["name"], row["status"], row["kind"]) for row in rows] == [
        ("Grace Achieng", "active", "pppoe"),
        ("Kamau Hardware", "active", "pppoe"),
        ("Hassan Omar", "grace", "pppoe"),
        ("Faith Njoki", "suspended", "pppoe"),
        ("Salon Zawadi", "active", "hotspot"),
    ]
    due = await DB.value("SELECT paid_until_on FROM subscribers WHERE name = 'Kamau Hardware'")
    assert due == (world.clock.now().astimezone(months.ZONE) + timedelta(days=1)).date()


async def test_every_house_that_may_dials_in_and_the_suspended_one_does_not(world: DemoWorld) -> None:
    async def all_are_online() -> bool:
        return {each.user for each in world.routers[0].board.ppp.sessions.values()} == {"grace", "kamau", "hassan"}

    await until(all_are_online, within=20)


async def test_messages_of_the_past_went_out_at_their_moment_and_a_dead_number_is_told(world: DemoWorld) -> None:
    late = "SELECT count(*) FROM messages WHERE sent_at - created_at > interval '1 minute' AND created_at < $1"
    began = world.clock.now() - timedelta(hours=1)
    assert await DB.value(late, began) == 0
    assert await DB.value("SELECT count(*) FROM messages WHERE status = 'sent' AND created_at < $1", began) >= 10
    told = await DB.fetch("SELECT DISTINCT status, why FROM messages WHERE recipient = $1", DEAD_NUMBER)
    assert [tuple(row.values()) for row in told] == [("failed", "bad_address")]
    assert await DB.value("SELECT count(*) FROM message_stops WHERE ended_at IS NULL") == 1


async def test_promos_were_used_and_what_they_sold_is_online(world: DemoWorld) -> None:
    used = await DB.fetch(
        """SELECT p.code, count(*) AS uses, sum(r.off_cents) AS off FROM redemptions r JOIN promos p ON p.id = r.promo_id
           GROUP BY 1 ORDER BY 1"""
    )
    assert [(row["code"], row["uses"]) for row in used] == [("KARIBU20", 4), ("OPENING50", 2), ("SHULE", 1)]
    online = """SELECT count(*) FROM redemptions r JOIN checkouts c ON c.id = r.checkout_id
                JOIN vouchers v ON v.id = c.voucher_id WHERE v.status = 'in_use'"""
    await until(lambda: _is(online, 7), within=20)


async def _is(query: str, wanted: int) -> bool:
    return await DB.value(query) == wanted


async def test_no_run_of_a_job_is_older_than_the_demo(world: DemoWorld) -> None:
    first = await DB.value("SELECT min(asked_at) FROM job_runs")
    assert first is not None
    assert world.clock.now() - first < timedelta(minutes=10)


async def test_no_job_fails_in_a_new_house(world: DemoWorld) -> None:
    for name in JOBS:
        await job_runs.request(name, world.clock.now(), source=job_runs.Source.HAND, by="user:1")

    async def all_have_run() -> bool:
        over = "SELECT count(DISTINCT job) FROM job_runs WHERE ended_at IS NOT NULL AND requested_by = 'user:1'"
        return await DB.value(over) == len(JOBS)

    await until(all_have_run, within=100)
    assert await DB.fetch("SELECT job, error FROM job_runs WHERE status IN ('failed', 'retry', 'dead')") == []


async def test_money_for_a_wallet_is_listed_by_whose_it_is_and_not_as_a_sale_that_waits(world: DemoWorld) -> None:
    row = await DB.row("SELECT user_id, merchant_id FROM memberships WHERE role = 'owner'")
    assert row is not None
    owner = Actor(**dict(row), role=Role.OWNER, is_operator=False, name="", email="")
    ids = [row["id"] for row in await DB.fetch("SELECT id FROM payments WHERE subscriber_id IS NOT NULL")]
    listed = (await sales.latest(owner, now=world.clock.now(), wanted=sales.Wanted(ids=ids))).sales
    assert {sale.package for sale in listed} == {each.name for each in HOUSEHOLDS}
    assert {sale.state for sale in listed} == {sales.SaleState.WALLET}


async def test_the_books_of_the_past_agree(world: DemoWorld) -> None:
    wallets = await DB.value(
        """SELECT count(*) FROM subscribers s WHERE (SELECT coalesce(sum(amount_cents), 0) FROM ledger_entries
           WHERE credit_id = s.credit_id) > 0"""
    )
    assert wallets == 0, "nobody owes the house by the wallet"
    extra = HOUSEHOLDS[0].extra_cents
    kept = """SELECT -sum(e.amount_cents)::bigint FROM ledger_entries e JOIN subscribers s ON s.credit_id = e.credit_id
              WHERE s.name = 'Grace Achieng'"""
    assert await DB.value(kept) == extra
    assert await DB.value("SELECT sum(amount_cents) FROM ledger_entries") == 0


async def test_cards_sold_by_hand_stand_among_the_sales_of_their_hour_and_the_newest_sales_are_mpesas(
    world: DemoWorld,
) -> None:
    rows = await DB.fetch("SELECT method, created_at FROM payments WHERE id > $1 ORDER BY id", fill.ROOM)
    newest = world.clock.now() - timedelta(minutes=15)
    assert {row["method"] for row in rows if row["created_at"] > newest} <= {"stk", "c2b"}
    rows = [row for row in rows if row["created_at"] < newest]
    moments = [row["created_at"] for row in rows]
    assert moments == sorted(moments)
    cards = [row for row in rows if row["method"] == "cash"]
    assert [row["created_at"] for row in cards] == agents.moments(world.clock.now() - timedelta(minutes=1))[
        -len(cards) :
    ]
    assert len(cards) >= 12


async def test_every_monday_the_shop_was_paid_what_it_was_owed_when_the_week_ended(world: DemoWorld) -> None:
    paid = await DB.fetch("SELECT merchant_id, amount_cents, created_at FROM payouts ORDER BY created_at")
    assert len(paid) >= 4
    for row in paid:
        local = row["created_at"].astimezone(months.ZONE)
        assert (local.weekday(), local.hour) == (0, 7)
        owed = await ledger.owed(row["merchant_id"], before=local.replace(hour=0))
        assert 0 <= owed - row["amount_cents"] < 100
    bills = "SELECT count(*) FROM ledger_postings WHERE kind = 'bill' AND created_at < $1"
    assert await DB.value(bills, paid[-1]["created_at"]) > 0, "subscribers' money is among it"
    await paydays.pay(now=world.clock.now())
    assert await DB.value("SELECT count(*) FROM payouts") == len(paid)


async def test_the_weeks_are_lived_once(world: DemoWorld) -> None:
    before = await DB.value("SELECT count(*) FROM events WHERE entity = 'subscribers'")
    await months.live(world.settings, world.vault, world.rails, world.post, now=world.clock.now())
    assert await DB.value("SELECT count(*) FROM events WHERE entity = 'subscribers'") == before
