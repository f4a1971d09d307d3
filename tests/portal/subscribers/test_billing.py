"""Bills, the wallet, grace, and coming back: what a monthly customer lives through, on a real database."""

import asyncio
from datetime import date
from zoneinfo import ZoneInfo

import pytest

from portal.db import DB
from portal.devices import hint
from portal.errors import Conflict, Forbidden, Invalid
from portal.identity import Role
from portal.payments import Settled
from portal.subscribers import billing, deciding, dialins, family, reconciling
from tests import factories
from tests.portal.payments.stall import actor
from tests.portal.subscribers.village import Village, access, bills, local, row, status, told, wallet

FIRST = (date(2026, 11, 21), date(2026, 12, 1), 50_000)


async def test_the_first_part_of_a_month_costs_its_days(village: Village) -> None:
    who = await village.moves_in()
    assert await bills(who) == [(*FIRST, "due")]
    assert await status(who) == "grace"
    assert await access(who) == ("in_use", {"wanted"}, local("2026-11-24", "00:00"))


async def test_money_by_the_account_number_pays_and_what_is_over_stays(village: Village) -> None:
    who = await village.moves_in()
    taken = await village.pays(who, 2_500)
    assert taken.settled is Settled.CREDITED
    assert await bills(who) == [(*FIRST, "paid")]
    assert (await status(who), await wallet(who)) == ("active", 200_000)
    assert (await row(who))["paid_until_on"] == date(2026, 12, 1)
    await village.wait_until(local("2026-12-01", "00:04"))
    assert len(await bills(who)) == 1
    await village.wait_until(local("2026-12-01", "00:05"))
    assert (await bills(who))[1:] == [(date(2026, 12, 1), date(2027, 1, 1), 150_000, "paid")]
    assert (await status(who), await wallet(who)) == ("active", 50_000)
    assert (await access(who))[2] == local("2027-01-04", "00:00")


async def test_the_same_receipt_is_taken_once(village: Village) -> None:
    who = await village.moves_in()
    await village.pays(who, 500, "UKL1234567")
    assert (await village.pays(who, 500, "UKL1234567")).settled is Settled.KNOWN
    assert await wallet(who) == 0
    assert await told(who) == ["wallet_paid"]


async def test_a_bill_is_debited_once_however_many_look(village: Village) -> None:
    people = [await village.moves_in(phone="") for _ in range(5)]
    for who in people:
        await village.pays(who, 2_000)
    now = local("2026-12-01", "00:05")
    await asyncio.gather(*(billing.proceed_due(now=now, actor=f"worker {each}") for each in range(6)))
    village.now = now
    for who in people:
        assert [bill[3] for bill in await bills(who)] == ["paid", "paid"]
        assert await wallet(who) == 0


async def test_who_does_not_pay_is_let_in_for_the_days_of_grace_and_not_longer(village: Village) -> None:
    who = await village.moves_in()
    await village.wait_until(local("2026-11-23", "23:59"))
    assert (await status(who), (await access(who))[0]) == ("grace", "in_use")
    await village.wait_until(local("2026-11-24", "00:00"))
    assert await status(who) == "suspended"
    assert (await access(who))[:2] == ("expired", {"ending"})
    assert await bills(who) == [(date(2026, 11, 21), date(2026, 11, 24), 15_000, "due")]


async def test_days_without_access_are_not_charged(village: Village) -> None:
    who = await village.moves_in()
    await village.wait_until(local("2026-11-24", "00:00"))
    await village.wait_until(local("2026-11-27"))
    await village.pays(who, 400)  # three days had, and four to come: 150 + 200
    assert await bills(who) == [
        (date(2026, 11, 21), date(2026, 11, 24), 15_000, "paid"),
        (date(2026, 11, 27), date(2026, 12, 1), 20_000, "paid"),
    ]
    assert (await status(who), await wallet(who)) == ("active", 5_000)
    assert (await access(who))[:2] == ("in_use", {"wanted"})
    assert (await row(who))["next_bill_on"] == date(2026, 12, 1)


async def test_too_little_money_waits_in_the_wallet(village: Village) -> None:
    who = await village.moves_in()
    await village.wait_until(local("2026-11-24", "00:00"))
    await village.pays(who, 100)
    assert (await status(who), await wallet(who)) == ("suspended", 10_000)
    assert (await told(who))[-1] == "wallet_short"
    await village.pays(who, 1_000)
    assert await status(who) == "active"


async def test_months_of_downtime_are_caught_up_in_one_look(village: Village) -> None:
    who = await village.moves_in()
    await village.pays(who, 3_600)  # 500 for November, then two months, and 100 left
    await village.wait_until(local("2027-03-20"))
    assert await bills(who) == [
        (*FIRST, "paid"),
        (date(2026, 12, 1), date(2027, 1, 1), 150_000, "paid"),
        (date(2027, 1, 1), date(2027, 2, 1), 150_000, "paid"),
        (date(2027, 2, 1), date(2027, 2, 4), 16_000, "due"),
    ]
    assert (await status(who), await wallet(who)) == ("suspended", 10_000)
    names = await DB.fetch("SELECT name FROM events WHERE entity = 'subscribers' AND became <> '' ORDER BY id")
    assert [each["name"] for each in names] == ["miss", "pay", "miss", "end"]


async def test_our_commission_is_taken_of_bills_and_given_back_with_them(village: Village) -> None:
    await DB.fetch("UPDATE merchants SET kind = 'personal'")
    who = await village.moves_in()
    await village.pays(who, 500)
    await village.pays(who, 0 + 100)
    village.now = local("2026-11-25")
    await deciding.suspend(village.owner, who, why="on holiday", now=village.now)
    sums = {
        each["account"]: each["cents"]
        for each in await DB.fetch("SELECT account, sum(amount_cents)::bigint AS cents FROM ledger_entries GROUP BY 1")
    }
    # Five of ten days are used: 250 of the 500; 20 % are ours.
    assert sums == {
        "mpesa_clearing": 60_000, "customer_credit": -35_000, "merchant_payable": -20_000, "commission": -5_000,
    }  # fmt: skip


async def test_a_pause_gives_back_the_days_and_letting_in_bills_from_then(village: Village) -> None:
    who = await village.moves_in()
    await village.pays(who, 500)
    village.now = local("2026-11-25")
    await deciding.suspend(village.owner, who, why="on holiday", now=village.now)
    assert await bills(who) == [(date(2026, 11, 21), date(2026, 11, 26), 25_000, "paid")]
    assert ((await access(who))[0], await wallet(who)) == ("expired", 25_000)
    await village.pays(who, 1_000)
    assert await status(who) == "suspended"  # money does not bring back whom people shut out
    with pytest.raises(Conflict):
        await deciding.suspend(village.owner, who, why="again", now=village.now)
    village.now = local("2026-11-29")
    await deciding.resume(village.owner, who, now=village.now)
    assert (await bills(who))[1:] == [(date(2026, 11, 29), date(2026, 12, 1), 10_000, "paid")]
    assert ((await access(who))[0], await wallet(who)) == ("in_use", 115_000)


async def test_letting_in_again_the_same_day_charges_it_once(village: Village) -> None:
    who = await village.moves_in()
    await village.pays(who, 500)
    await deciding.suspend(village.owner, who, why="a mistake", now=village.now)
    await deciding.resume(village.owner, who, now=village.now)
    await village.wait_until(local("2026-11-22", "00:05"))
    assert await bills(who) == [
        (date(2026, 11, 21), date(2026, 11, 22), 5_000, "paid"),
        (date(2026, 11, 22), date(2026, 12, 1), 45_000, "paid"),
    ]
    assert await wallet(who) == 0


async def test_who_is_let_in_by_hand_without_money_has_days_of_grace_from_then(village: Village) -> None:
    who = await village.moves_in()
    await village.wait_until(local("2026-11-24", "00:00"))
    village.now = local("2026-11-26")
    await deciding.resume(village.owner, who, now=village.now)
    assert (await status(who), (await access(who))[2]) == ("grace", local("2026-11-29", "00:00"))
    await village.wait_until(local("2026-11-29", "00:00"))
    assert await status(who) == "suspended"
    assert await bills(who) == [
        (date(2026, 11, 21), date(2026, 11, 24), 15_000, "due"),
        (date(2026, 11, 26), date(2026, 11, 29), 15_000, "due"),
    ]


async def test_another_package_costs_its_days_from_tomorrow(village: Village) -> None:
    faster = await factories.package(
        village.merchant_id, name="Home 20", price_cents=300_000, period="month", rate_down_kbps=20_000
    )
    who = await village.moves_in()
    await village.pays(who, 500)
    village.now = local("2026-11-24")
    shown = await deciding.prorate(village.owner, who, faster, now=village.now)
    assert (shown.back_cents, shown.new_cents, shown.missing_cents) == (30_000, 60_000, 30_000)
    assert await bills(who) == [(*FIRST, "paid")]  # looking changes nothing
    await village.pays(who, 300)
    await deciding.change_package(village.owner, who, faster, at_once=True, now=village.now)
    assert await bills(who) == [
        (date(2026, 11, 21), date(2026, 11, 25), 20_000, "paid"),
        (date(2026, 11, 25), date(2026, 12, 1), 60_000, "paid"),
    ]
    assert (await status(who), await wallet(who)) == ("active", 0)
    speeds = await DB.fetch("SELECT terms ->> 'rate_down_kbps' AS speed FROM access_grants")
    assert [each["speed"] for each in speeds] == ["20000"]


async def test_a_package_for_the_next_bill_waits_for_it(village: Village) -> None:
    slower = await factories.package(village.merchant_id, name="Home 5", price_cents=100_000, period="month")
    who = await village.moves_in()
    await village.pays(who, 500)
    await deciding.change_package(village.owner, who, slower, at_once=False, now=village.now)
    assert (await row(who))["package_id"] == village.package_id
    await village.pays(who, 1_000)
    await village.wait_until(local("2026-12-01", "00:05"))
    assert (await bills(who))[1:] == [(date(2026, 12, 1), date(2027, 1, 1), 100_000, "paid")]
    assert (await row(who))["package_id"] == slower


async def test_a_closed_one_keeps_its_money_and_new_money_waits_for_a_person(village: Village) -> None:
    who = await village.moves_in()
    await village.pays(who, 500)
    await deciding.close(village.owner, who, why="moved away", now=village.now)
    assert (await status(who), await wallet(who)) == ("closed", 45_000)
    assert (await access(who))[0] == "expired"
    assert (await village.pays(who, 700)).settled is Settled.SUSPENSE
    await village.wait_until(local("2027-06-01"))
    assert len(await bills(who)) == 1


async def test_a_slip_is_forgiven_for_the_subscribers_own_phone_or_price(village: Village) -> None:
    who = await village.moves_in()
    number = (await row(who))["account_number"]
    slip = ("2" if number[0] != "2" else "3") + number[1:]
    other = {"phone": "254799999999"}
    assert (await village.pays(who, 700, reference=slip, **other)).settled is Settled.SUSPENSE
    assert (await village.pays(who, 700, reference=slip)).settled is Settled.CREDITED
    assert (await village.pays(who, 1_500, reference=slip, **other)).settled is Settled.CREDITED


async def test_reminders_come_three_days_before_on_the_day_and_after_each_once(village: Village) -> None:
    who = await village.moves_in()
    await village.pays(who, 500)
    seen: list[tuple[str, str]] = []
    for day in range(26, 31):
        for at in ("09:04", "09:05", "15:00"):
            await village.wait_until(local(f"2026-11-{day}", at))
            seen += [(f"{day} {at}", kind) for kind in (await told(who))[1 + len(seen) :]]
    for day in range(1, 4):
        for at in ("00:05", "09:04", "09:05", "15:00"):
            await village.wait_until(local(f"2026-12-0{day}", at))
            seen += [(f"{day} {at}", kind) for kind in (await told(who))[1 + len(seen) :]]
    assert seen == [("28 09:05", "bill_soon"), ("1 09:05", "bill_due"), ("2 09:05", "bill_late")]


async def test_a_little_money_after_a_reminder_does_not_repeat_it(village: Village) -> None:
    who = await village.moves_in()
    await village.pays(who, 500)
    await village.wait_until(local("2026-11-28", "09:05"))
    await village.pays(who, 100)
    await village.wait_until(local("2026-11-29"))
    assert await told(who) == ["wallet_paid", "bill_soon", "wallet_paid"]
    assert await DB.value("SELECT count(*) FROM subscriber_reminders") == 1


async def test_who_has_paid_ahead_is_not_reminded(village: Village) -> None:
    who = await village.moves_in()
    await village.pays(who, 5_000)
    for day in ("2026-11-28", "2026-12-01", "2026-12-02", "2026-12-29"):
        await village.wait_until(local(day, "09:05"))
    assert await told(who) == ["wallet_paid"]


async def test_a_row_that_cannot_be_billed_does_not_stop_the_rest(village: Village) -> None:
    people = [await village.moves_in(phone="") for _ in range(3)]
    for who in people:
        await village.pays(who, 2_000)
    await DB.fetch("UPDATE subscribers SET next_bill_on = '2026-11-30' WHERE id = $1", people[1])
    await DB.fetch(
        """INSERT INTO subscriber_bills (merchant_id, subscriber_id, package_id, package_name, starts_on, ends_on, full_cents,
             amount_cents, status, paid_at) SELECT merchant_id, id, package_id, 'x', '2026-11-30', '2026-11-30', 0, 0, 'paid', now()
           FROM subscribers WHERE id = $1""",
        people[1],
    )
    village.now = local("2026-12-01", "00:05")
    course = await billing.proceed_due(now=village.now, actor="test")
    assert (course.done, course.failed) == (2, 1)
    assert [len(await bills(who)) for who in people] == [2, 2, 2]
    assert (await row(people[1]))["next_at"] > village.now


async def test_cashiers_take_no_decisions(village: Village) -> None:
    who = await village.moves_in()
    cashier = actor(village.merchant_id, role=Role.CASHIER)
    with pytest.raises(Forbidden):
        await deciding.suspend(cashier, who, why="because", now=village.now)
    with pytest.raises(Invalid):
        await deciding.suspend(village.owner, who, why=" ", now=village.now)


async def test_a_form_posted_twice_is_one_subscriber(village: Village) -> None:
    first = await village.moves_in(form_key="the same form")
    assert await village.moves_in(form_key="the same form") == first
    assert await DB.value("SELECT count(*) FROM subscribers") == 1
    assert await DB.value("SELECT count(*) FROM vouchers") == 1


async def test_a_device_of_the_family_is_let_in_while_the_account_is(village: Village) -> None:
    who = await village.moves_in()
    await deciding.add_device(village.owner, who, "02-11-22-33-44-55", name="Phone", now=village.now)
    device, stranger = hint("02:11:22:33:44:55", "10.5.50.7"), hint("02:11:22:33:44:66", "10.5.50.8")
    assert await family.knock(village.router, device, vault=village.vault, now=village.now)
    assert not await family.knock(village.router, stranger, vault=village.vault, now=village.now)
    assert await DB.value("SELECT mac FROM access_grants WHERE login_wanted_at IS NOT NULL") == "02:11:22:33:44:55"
    await village.wait_until(local("2026-11-24", "00:00"))
    assert not await family.knock(village.router, device, vault=village.vault, now=village.now)


async def test_a_family_is_as_large_as_its_package(village: Village) -> None:
    who = await village.moves_in()
    for each in range(3):
        await deciding.add_device(village.owner, who, f"02:11:22:33:44:0{each}", name="", now=village.now)
    with pytest.raises(Conflict):
        await deciding.add_device(village.owner, who, "02:11:22:33:44:0A", name="", now=village.now)


async def test_dialling_in_follows_the_account(village: Village) -> None:
    who = await village.moves_in(kind="pppoe", user_name="njeri", password="abcdefgh12")
    await DB.fetch("DELETE FROM pgqueuer")
    [wish] = await dialins.on_router(village.router.id, vault=village.vault)
    assert (wish.user_name, wish.password, wish.is_on, wish.terms.rate_down_kbps) == (
        "njeri",
        "abcdefgh12",
        True,
        10_000,
    )
    await village.wait_until(local("2026-11-24", "00:00"))
    assert not (await dialins.on_router(village.router.id, vault=village.vault))[0].is_on
    await village.pays(who, 2_000)
    assert (await dialins.on_router(village.router.id, vault=village.vault))[0].is_on
    woken = await DB.value("SELECT count(*) FROM pgqueuer WHERE entrypoint = 'reconcile-router'")
    assert woken == 2
    with pytest.raises(Invalid):
        await village.moves_in(kind="pppoe", user_name="njeri")


async def test_a_look_at_everything_sets_dates_right_and_tells_what_it_cannot(village: Village) -> None:
    who = await village.moves_in()
    await village.pays(who, 500)
    assert await reconciling.reconcile(now=village.now) == reconciling.Look(1, 0, {})
    await DB.fetch("UPDATE merchants SET timezone = 'Asia/Kathmandu'")
    assert (await reconciling.reconcile(now=village.now)).mended == 1
    assert (await row(who))["next_at"] == local("2026-12-01", "00:05", ZoneInfo("Asia/Kathmandu"))
    await DB.fetch("UPDATE subscriber_bills SET amount_cents = amount_cents + 100")
    assert (await reconciling.reconcile(now=village.now)).wrong == {"a paid bill without its posting": [who]}
    assert await DB.value("SELECT count(*) FROM alerts WHERE status = 'open'") == 1
    await DB.fetch("UPDATE subscriber_bills SET amount_cents = amount_cents - 100")
    assert (await reconciling.reconcile(now=village.now)).wrong == {}
    assert await DB.value("SELECT count(*) FROM alerts WHERE status = 'open'") == 0
    await DB.fetch("UPDATE vouchers SET status = 'expired', ended_at = now(), ended_why = 'usage'")
    assert (await reconciling.reconcile(now=village.now)).wrong == {"access is not what the account says": [who]}
    await DB.fetch("UPDATE vouchers SET status = 'in_use', ended_at = NULL, ended_why = NULL")
