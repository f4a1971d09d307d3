"""What messages cost, and how many may go: booked once for each that went out, and never more than the shop allows."""

from datetime import timedelta

from portal import alerts, ledger
from portal.db import DB
from portal.messages import Told, listing, reports
from tests.portal.messages.office import PHONE, Office


async def test_the_platforms_sms_are_taken_from_what_the_merchant_is_owed(office: Office) -> None:
    await office.write()
    await office.turn(3)
    assert await ledger.owed(office.merchant_id) == -80
    assert await ledger.balance(office.merchant_id, "sms_cost") == -80


async def test_what_is_sent_again_by_hand_costs_again(office: Office) -> None:
    message = await office.write()
    await office.turn(minutes=5)
    row = await office.row(message)
    token = await DB.value("SELECT token FROM message_gateways WHERE channel = 'sms'")
    failed = f"id={row['provider_id']}&status=Failed&phoneNumber=%2B{PHONE}".encode()
    await reports.store(token, "delivery", failed, now=office.clock.now())
    await office.turn()
    assert await office.status(message) == "failed"
    await listing.again(office.owner, message, now=office.clock.now())
    await office.turn()
    assert len(office.arrived()) == 2
    assert await ledger.owed(office.merchant_id) == -160


async def test_the_daily_cap_is_kept_to_the_message_and_codes_go_beside_it(office: Office) -> None:
    await office.choose(daily_cap=2, number_cap=50)
    ids = [await office.write(Told.BILL_DUE, str(number), params={
        "shop": "K", "amount": "KES 50", "account": "A1", "day": "20 Nov"}) for number in range(4)]  # fmt: skip
    message, _ = await office.code()
    await office.turn(2)
    assert await office.status(message) == "sent"
    assert len(office.arrived()) == 3
    waiting = [await office.row(one) for one in ids]
    assert sorted(row["why"] or "" for row in waiting) == ["", "", "cap", "cap"]
    assert [one.subject for one in await alerts.open_now("sms_cap")] == [f"merchant:{office.merchant_id}"]
    held = [row for row in waiting if row["status"] == "queued"]
    assert all(row["next_try_at"] > office.clock.now() + timedelta(hours=12) for row in held)
