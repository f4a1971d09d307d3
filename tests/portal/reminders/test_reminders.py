"""Reminders: each end told once and in time, a new end anew, nothing to who did not want it, and nothing that comes too late."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from portal import reminders
from portal.db import DB, atomic
from portal.errors import Forbidden, Invalid
from portal.identity import Actor, Role
from portal.routers import RouterView
from portal.terms import Terms
from portal.vault import Vault
from portal.vouchers import extend
from tests import factories

#: Half past nine at night in Nairobi.
END = datetime(2026, 11, 20, 18, 30, tzinfo=UTC)
DAY = 86_400


class Shop:
    """A merchant and customers whose time ends at END."""

    def __init__(self, vault: Vault, merchant_id: int, router: RouterView, package_id: int) -> None:
        self.vault, self.merchant_id, self.router, self.package_id = vault, merchant_id, router, package_id
        self.sold = 0

    async def wants(self, *boxes: str, least_cents: int = 0, since: datetime = END - timedelta(days=400)) -> None:
        columns = {name: name in boxes for name in ("hour_before", "minutes_before", "when_over", "win_back")}
        await DB.fetch(
            f"""INSERT INTO reminder_choices (merchant_id, {", ".join(columns)}, least_price_cents, updated_at)
                VALUES ($1, $2, $3, $4, $5, $6, $7)""",
            self.merchant_id, *columns.values(), least_cents, since,
        )  # fmt: skip

    async def sell(
        self, *, duration_s: int = DAY, phone: str = "254712000001", status: str = "in_use", ends_at: datetime = END,
        clock_from: str = "first_use", **columns: object,
    ) -> int:  # fmt: skip
        """A voucher's id, bought on the captive page."""
        self.sold += 1
        terms = Terms(name="1 day", duration_s=duration_s, clock_from=clock_from).encode()
        voucher = await factories.voucher(
            self.vault, self.merchant_id, self.package_id, status=status, terms=terms, expires_at=ends_at, **columns
        )
        await DB.fetch(
            """INSERT INTO checkouts (merchant_id, router_id, package_id, voucher_id, token, form_key, phone, mac, ip, terms)
               VALUES ($1, $2, $3, $4, $5, $5, $6, 'A4:5E:60:11:22:33', '10.5.50.9', $7)""",
            self.merchant_id, self.router.id, self.package_id, voucher, f"{self.sold:064x}", phone, terms,
        )  # fmt: skip
        return voucher


@pytest.fixture
async def shop(db: str, vault: Vault) -> Shop:
    merchant = await factories.merchant()
    router = await factories.router(vault, merchant)
    return Shop(vault, merchant, router, await factories.package(merchant))


async def outbox() -> list[tuple[str, str, dict[str, object]]]:
    rows = await DB.fetch("SELECT kind, recipient, params FROM messages ORDER BY id")
    return [(row["kind"], row["recipient"], json.loads(row["params"])) for row in rows]


async def warned(minutes_before: float) -> int:
    return await reminders.warn(now=END - timedelta(minutes=minutes_before))


async def test_both_warnings_come_once_each_and_say_when_the_time_ends(shop: Shop) -> None:
    await shop.wants("hour_before", "minutes_before")
    await shop.sell()
    assert [await warned(left) for left in (61, 60, 59, 30, 11, 10, 9, 1, 0)] == [0, 1, 0, 0, 0, 1, 0, 0, 0]
    told = await outbox()
    assert [(kind, to, params["time"]) for kind, to, params in told] == [
        ("expiry_warning", "254712000001", "21:30")
    ] * 2
    assert {row["not_after"] for row in await DB.fetch("SELECT not_after FROM messages")} == {END}


async def test_a_voucher_that_was_extended_is_warned_of_its_new_end(shop: Shop, vault: Vault) -> None:
    await shop.wants("hour_before", "minutes_before")
    voucher = await shop.sell()
    assert await warned(60) == 1
    async with atomic() as tx:
        assert await extend(
            tx, voucher, Terms(name="3 hours", duration_s=3 * 3600), now=END - timedelta(minutes=50), actor="test"
        )
    assert [await warned(left) for left in (49, 10, -119, -120, -121, -170)] == [0, 0, 0, 1, 0, 1]


async def test_a_few_minutes_given_back_do_not_repeat_the_hours_warning(shop: Shop) -> None:
    await shop.wants("hour_before")
    voucher = await shop.sell()
    assert await warned(60) == 1
    await DB.fetch("UPDATE vouchers SET expires_at = $2 WHERE id = $1", voucher, END + timedelta(minutes=20))
    assert await warned(40) == 0


@pytest.mark.parametrize(("duration_s", "hour", "minutes"), [(7200, 1, 1), (7199, 0, 1), (1200, 0, 1), (1199, 0, 0)])
async def test_a_package_shorter_than_twice_the_lead_is_not_warned_of(
    shop: Shop, duration_s: int, hour: int, minutes: int
) -> None:
    await shop.wants("hour_before", "minutes_before")
    await shop.sell(duration_s=duration_s)
    assert (await warned(60), await warned(10)) == (hour, minutes)


async def test_after_downtime_only_what_is_still_of_use_is_told(shop: Shop) -> None:
    await shop.wants("hour_before", "minutes_before", "when_over")
    await shop.sell()
    assert await warned(40) == 1, "late, and right: it says when the time ends"
    await DB.fetch("TRUNCATE reminders, messages CASCADE")
    assert await warned(8) == 1, "the ten minutes' only"
    await DB.fetch("UPDATE vouchers SET status = 'expired', ended_at = $1, ended_why = 'usage'", END)
    assert await reminders.tell_over(now=END + timedelta(hours=2)) == 0
    assert await reminders.tell_over(now=END + timedelta(minutes=119)) == 1
    assert await reminders.tell_over(now=END + timedelta(minutes=119)) == 0


async def test_nobody_is_told_what_their_merchant_does_not_send(shop: Shop, vault: Vault) -> None:
    await shop.sell()
    assert (await warned(60), await warned(10)) == (0, 0), "no choice is none"
    await shop.wants("when_over", least_cents=5000)
    assert (await warned(60), await warned(10)) == (0, 0)
    await DB.fetch("UPDATE vouchers SET status = 'expired', ended_at = $1, ended_why = 'usage'", END)
    assert await reminders.tell_over(now=END) == 0, "cheaper than what an SMS is for"


async def test_without_a_number_and_without_a_clock_nobody_is_warned(shop: Shop) -> None:
    await shop.wants("hour_before")
    await shop.sell(phone="")
    await shop.sell(status="unsold")
    await shop.sell(status="paid", started_at=None)
    assert await warned(60) == 0
    await shop.sell(status="paid", clock_from="purchase", started_at=None)
    assert await warned(60) == 1, "its time runs since it was paid"


async def test_who_paid_by_reference_is_warned_on_the_number_that_paid(shop: Shop) -> None:
    await shop.wants("hour_before")
    voucher = await shop.sell(phone="")
    await factories.payment(shop.merchant_id, status="paid", voucher_id=voucher)
    assert await warned(60) == 1
    assert (await outbox())[0][1] == factories.PHONE


async def test_whoever_bought_again_is_not_told_that_the_old_time_is_over(shop: Shop) -> None:
    await shop.wants("when_over")
    old, new = await shop.sell(), await shop.sell(ends_at=END + timedelta(days=1))
    device = await DB.value("INSERT INTO devices (merchant_id, mac) VALUES ($1, 'A4:00:00:00:00:01') RETURNING id", 1)
    for voucher in (old, new):
        await DB.fetch(
            "INSERT INTO device_vouchers (merchant_id, device_id, voucher_id) VALUES ($1, $2, $3)",
            shop.merchant_id, device, voucher,
        )  # fmt: skip
    await DB.fetch("UPDATE vouchers SET status = 'expired', ended_at = $2, ended_why = 'usage' WHERE id = $1", old, END)
    assert await reminders.tell_over(now=END) == 0
    await DB.fetch("UPDATE vouchers SET status = 'revoked', ended_at = $2 WHERE id = $1", new, END)
    assert await reminders.tell_over(now=END) == 1


async def test_thousands_are_warned_in_batches_and_none_twice(shop: Shop) -> None:
    await shop.wants("hour_before")
    for n in range(7):
        await shop.sell(phone=f"25471200{n:04}")
    now = END - timedelta(minutes=60)
    assert [await reminders.warn(now=now, most=3) for _ in range(4)] == [3, 3, 1, 0]
    assert len({to for _, to, _ in await outbox()}) == 7


# -- customers who stay away ---------------------------------------------------------------------------------------


async def bought(shop: Shop, phone: str, at: datetime, *, wants: bool = True, method: str = "stk") -> None:
    checkout = await DB.value(
        """INSERT INTO checkouts (merchant_id, router_id, package_id, token, form_key, phone, mac, ip, terms, wants_offers)
           VALUES ($1, $2, $3, $4, $4, $5, 'A4:5E:60:11:22:33', '10.5.50.9', '{}', $6) RETURNING id""",
        shop.merchant_id, shop.router.id, shop.package_id, f"{phone}-{at.timestamp()}", phone, wants,
    )  # fmt: skip
    await factories.payment(
        shop.merchant_id, status="paid", checkout_id=checkout, phone=phone, paid_at=at, created_at=at, method=method
    )


FIRST = datetime(2026, 12, 1, 2, 0, tzinfo=UTC)  # 05:00 in Nairobi


async def test_the_look_is_on_the_first_at_five_where_the_merchant_is_and_once(shop: Shop) -> None:
    await shop.wants("win_back")
    await bought(shop, "254712000001", FIRST - timedelta(days=90))
    await bought(shop, "254712000002", FIRST - timedelta(days=89))
    await DB.fetch("INSERT INTO win_backs (merchant_id, month) VALUES ($1, '2026-11-01')", shop.merchant_id)
    assert await reminders.find_inactive(now=FIRST - timedelta(seconds=1)) == (0, 0)
    assert await reminders.find_inactive(now=FIRST) == (1, 1)
    assert await reminders.find_inactive(now=FIRST + timedelta(days=20)) == (0, 0)
    (told,) = await outbox()
    assert told == ("win_back", "254712000001", {"shop": "Kilimani Corner", "amount": "KES 10"})


async def test_a_look_missed_while_all_was_down_is_made_up_for(shop: Shop) -> None:
    await shop.wants("win_back")
    await bought(shop, "254712000001", FIRST - timedelta(days=91))
    assert await reminders.find_inactive(now=FIRST + timedelta(days=9)) == (1, 1)


async def test_who_stays_away_is_written_to_once_and_then_left_in_peace(shop: Shop) -> None:
    await shop.wants("win_back")
    await bought(shop, "254712000001", FIRST - timedelta(days=91))
    await bought(shop, "254712000002", FIRST - timedelta(days=91 + 62))
    months = [FIRST, datetime(2027, 1, 1, 2, tzinfo=UTC), datetime(2027, 2, 1, 2, tzinfo=UTC)]
    assert [await reminders.find_inactive(now=at) for at in months] == [(2, 1), (2, 0), (2, 0)]
    await bought(shop, "254712000001", months[2])
    assert await reminders.find_inactive(now=datetime(2027, 6, 1, 2, tzinfo=UTC)) == (2, 1), "away a second time"


async def test_only_who_asked_and_proved_the_number_is_written_to(shop: Shop) -> None:
    await shop.wants("win_back")
    at = FIRST - timedelta(days=95)
    await bought(shop, "254712000001", at, wants=False)
    await bought(shop, "254712000002", at, method="c2b")
    await bought(shop, "254712000003", at - timedelta(days=5))
    await bought(shop, "254712000003", at, wants=False)
    assert await reminders.find_inactive(now=FIRST) == (3, 1)
    assert [to for _, to, _ in await outbox()] == ["254712000003"], "asked once holds until STOP"


async def test_who_chose_it_today_begins_next_month(shop: Shop) -> None:
    await shop.wants("win_back", since=FIRST + timedelta(days=10))
    await bought(shop, "254712000001", FIRST - timedelta(days=95))
    assert await reminders.find_inactive(now=FIRST + timedelta(days=11)) == (0, 0)
    assert await reminders.find_inactive(now=datetime(2027, 1, 1, 2, tzinfo=UTC)) == (1, 1)


# -- what the merchant chooses -------------------------------------------------------------------------------------


async def test_choices_are_kept_told_and_only_the_managers(shop: Shop) -> None:
    owner = Actor(
        user_id=1, merchant_id=shop.merchant_id, role=Role.OWNER, is_operator=False, name="Amina", email="a@x.ke"
    )
    assert await reminders.choices(owner) == reminders.Choices()
    form = {"hour_before": "yes", "least_price": "20"}
    assert await reminders.choose(owner, form, now=END)
    assert not await reminders.choose(owner, form, now=END)
    assert await reminders.choices(owner) == reminders.Choices(hour_before=True, least_price_cents=2000)
    assert await DB.value("SELECT count(*) FROM events WHERE name = 'reminders'") == 1
    with pytest.raises(Invalid):
        await reminders.choose(owner, {"least_price": "a lot"}, now=END)
    cashier = Actor(
        user_id=2, merchant_id=shop.merchant_id, role=Role.CASHIER, is_operator=False, name="Juma", email="j@x.ke"
    )
    with pytest.raises(Forbidden):
        await reminders.choose(cashier, form, now=END)
