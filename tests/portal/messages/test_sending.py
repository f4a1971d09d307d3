"""Messages go out once, whatever the gateway does; what costs money is never sent twice by itself."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from jobs import messages as job
from portal import alerts, ledger
from portal.db import DB
from portal.errors import Conflict
from portal.gateways.interface import Accepted
from portal.messages import Channel, Letter, Told, claiming, listing, reports, sending
from portal.messages.sending import MOST_TRIES
from tests.portal.messages.office import PHONE, Office


async def test_a_code_goes_out_by_sms_and_is_written_down_nowhere(office: Office) -> None:
    message, code = await office.code()
    await office.turn()
    [letter] = office.arrived()
    printed = letter.text.split("code is ")[1].split(" for")[0]
    assert printed.replace("-", "") == code.replace("-", "")
    assert (letter.to, letter.sender, letter.parts) == (PHONE, "VOCHA", 1)
    row = await office.row(message)
    assert (row["status"], row["parts"], row["cost_cents"], row["cost_currency"]) == ("sent", 1, 80, "KES")
    kept = await DB.fetch(
        "SELECT messages::text AS t FROM messages UNION ALL SELECT events::text FROM events "
        "UNION ALL SELECT message_reports::text FROM message_reports"
    )
    assert not [one["t"] for one in kept if printed in one["t"] or code in one["t"]]


async def test_a_report_says_that_it_arrived_however_often_it_comes(office: Office) -> None:
    message = await office.write()
    await office.turn()
    provider_id = (await office.row(message))["provider_id"]
    token = await DB.value("SELECT token FROM message_gateways WHERE channel = 'sms'")
    body = f"id={provider_id}&status=Success&phoneNumber=%2B{PHONE}".encode()
    for _ in range(3):
        assert await reports.store(token, "delivery", body, now=office.clock.now())
    await office.turn()
    assert await office.status(message) == "delivered"
    assert await DB.value("SELECT repeats FROM message_reports") == 2
    late = f"id={provider_id}&status=Failed&phoneNumber=%2B{PHONE}".encode()
    await reports.store(token, "delivery", late, now=office.clock.now())
    await office.turn()
    assert await office.status(message) == "delivered", "what arrived has arrived"


async def test_a_lost_answer_is_not_asked_for_twice(office: Office) -> None:
    office.sim.mishaps.answer_lost = True
    office.sim.mishaps.report = ""
    message = await office.write()
    await office.turn(5, minutes=10)
    assert await office.status(message) == "unknown"
    assert len(office.arrived()) == 1, "an SMS costs money: nobody sends a second by themselves"


async def test_a_report_settles_what_was_lost_when_only_one_could_be_meant(office: Office) -> None:
    office.sim.mishaps.answer_lost = True
    message = await office.write()
    await office.turn()
    assert await office.status(message) == "unknown"
    token = await DB.value("SELECT token FROM message_gateways WHERE channel = 'sms'")
    body = f"id=ATXid_9&status=Success&phoneNumber=%2B{PHONE}".encode()
    await reports.store(token, "delivery", body, now=office.clock.now())
    await office.turn()
    assert (await office.row(message))["provider_id"] == "ATXid_9"
    assert await office.status(message) == "delivered"


async def test_a_person_may_send_again_what_was_lost_but_not_at_once(office: Office) -> None:
    office.sim.mishaps.answer_lost = True
    message = await office.write()
    await office.turn()
    with pytest.raises(Conflict):
        await listing.again(office.owner, message, now=office.clock.now())
    office.sim.mishaps.answer_lost = False
    office.clock.shift(timedelta(minutes=5))
    await listing.again(office.owner, message, now=office.clock.now())
    await office.turn()
    assert await office.status(message) == "sent"
    assert len(office.arrived()) == 2


@pytest.mark.parametrize(
    ("code", "why"),
    [(403, "bad_address"), (404, "bad_address"), (406, "unwanted"), (407, "no_route"), (409, "unwanted")],
)
async def test_a_refused_number_is_told_and_not_tried_again(office: Office, code: int, why: str) -> None:
    office.sim.mishaps.numbers[PHONE] = code
    message = await office.write()
    await office.turn(3, minutes=30)
    row = await office.row(message)
    assert (row["status"], row["why"], row["tries"]) == ("failed", why, 1)
    assert office.sim.asked == 1
    stopped = await DB.value("SELECT how FROM message_stops WHERE phone = $1", PHONE)
    assert stopped == ("gateway" if why == "unwanted" else None)


async def test_without_credit_everything_waits_one_asks_and_the_shop_is_told_once(office: Office) -> None:
    office.sim.mishaps.credit_cents = 100
    await DB.fetch("UPDATE message_gateways SET merchant_id = $1 WHERE channel = 'sms'", office.merchant_id)
    ids = [await office.write(once=str(number), phone=f"25471234567{number}") for number in range(4)]
    await office.turn(6, seconds=40)
    assert len(office.arrived()) == 1
    assert [await office.status(one) for one in ids].count("queued") == 3
    asked = office.sim.asked
    office.clock.shift(timedelta(hours=1))
    await office.turn()
    assert office.sim.asked == asked + 1, "one at a time"
    [told] = await alerts.open_now("message_gateway")
    assert told.data == {"channel": "sms", "why": "no_credit"}
    assert len(office.arrived("email", "amina@kilimani.test")) == 1
    office.sim.mishaps.credit_cents = None
    await office.turn(10, minutes=5)
    assert [await office.status(one) for one in ids] == ["sent"] * 4
    assert len(office.arrived()) == 4
    assert await alerts.open_now("message_gateway") == []


async def test_a_gateway_that_is_away_is_waited_for(office: Office) -> None:
    message = await office.write(not_after=office.clock.now() + timedelta(days=2))
    url, office.sim.mishaps.status = office.sim.url, 503
    await office.turn(3, minutes=20)
    assert await office.status(message) == "queued"
    assert url == office.sim.url
    office.sim.mishaps.status = 0
    await office.turn(3, hours=1)
    assert await office.status(message) == "sent"


async def test_after_many_tries_a_message_is_dead_and_somebody_is_told(office: Office) -> None:
    office.sim.mishaps.status = 503
    message = await office.write(not_after=office.clock.now() + timedelta(days=30))
    await office.turn(MOST_TRIES + 4, hours=2)
    row = await office.row(message)
    assert (row["status"], row["why"], row["tries"]) == ("failed", "given_up", MOST_TRIES)
    assert [one.subject for one in await alerts.open_now("message_dead")] == [f"merchant:{office.merchant_id}:sms"]


async def test_two_workers_send_each_once(office: Office) -> None:
    for number in range(12):
        await office.write(once=str(number), phone=f"2547123456{number:02d}")
    await asyncio.gather(*(job.run(office.doors) for _ in range(4)))
    assert len(office.arrived()) == 12
    assert len({letter.to for letter in office.arrived()}) == 12


async def test_an_answer_after_its_lease_still_counts(office: Office) -> None:
    message = await office.write()
    [gateway] = await claiming.gateways_waited_for(now=office.clock.now())
    [row] = await claiming.claim(gateway, now=office.clock.now())
    office.clock.shift(timedelta(minutes=5))
    await claiming.sweep(now=office.clock.now())
    assert await office.status(message) == "unknown"
    await sending.record(row, Accepted(provider_id="x", cost_cents=80, currency="KES"), now=office.clock.now())
    await sending.record(row, Accepted(provider_id="x", cost_cents=80, currency="KES"), now=office.clock.now())
    assert await office.status(message) == "sent"
    assert await ledger.owed(office.merchant_id) == -80, "booked once"


async def test_the_daily_cap_is_kept_however_many_claim_at_once(office: Office) -> None:
    await office.choose(daily_cap=7, number_cap=50)
    params = {"shop": "K", "amount": "KES 50", "account": "A1", "day": "20 Nov"}
    for number in range(30):
        await office.write(Told.BILL_DUE, str(number), params=params)
    [gateway] = await claiming.gateways_waited_for(now=office.clock.now())
    claimed = await asyncio.gather(*(claiming.claim(gateway, now=office.clock.now()) for _ in range(4)))
    assert sum(len(rows) for rows in claimed) == 7


async def test_stop_by_answer_ends_reminders_and_start_brings_them_back(office: Office) -> None:
    token = await DB.value("SELECT token FROM message_gateways WHERE channel = 'sms'")
    await DB.fetch("UPDATE message_gateways SET merchant_id = $1 WHERE channel = 'sms'", office.merchant_id)
    params = {"shop": "K", "amount": "KES 50"}

    async def say(text: str, number: int) -> None:
        body = f"from=%2B{PHONE}&to=20880&text={text}&id={number}".encode()
        await reports.store(token, "inbound", body, now=office.clock.now())
        await office.turn()

    await say("Stop+please", 1)
    reminder = await office.write(Told.SHOP_GATEWAY, "r", params={"channel": "x"}, to=PHONE, channel=Channel.SMS)
    money = await office.write(Told.MONEY_KEPT, "m", params=params)
    await office.turn()
    assert [await office.status(one) for one in (reminder, money)] == ["dropped", "sent"]
    assert (await office.row(reminder))["why"] == "stopped"
    await say("START", 2)
    later = await office.write(Told.SHOP_GATEWAY, "s", params={"channel": "x"}, to=PHONE, channel=Channel.SMS)
    await office.turn()
    assert await office.status(later) == "sent"
    await say("Hello+there", 3)
    assert await DB.value("SELECT outcome FROM message_reports ORDER BY id DESC LIMIT 1") == "no_word"


async def test_mail_that_was_lost_after_its_dot_goes_again_with_the_same_id(office: Office) -> None:
    office.mail.breaks_off = "body"
    letter = Letter(subject="Your week\r\nBcc: x@y.z", text="KES 4,200", html="<p>KES 4,200</p>")
    message = await office.write(Told.TEST, "w", to="amina@kilimani.test", channel=Channel.EMAIL, letter=letter)
    await office.turn()
    assert await office.status(message) == "queued"
    office.mail.breaks_off = ""
    await office.turn(3, minutes=10)
    assert await office.status(message) == "sent"
    ids = {line for raw in office.mail.raw for line in raw.splitlines() if line.lower().startswith(b"message-id")}
    assert (len(office.mail.raw), len(ids)) == (2, 1)
    assert not [line for line in office.mail.raw[0].splitlines() if line.startswith(b"Bcc")]
    assert b"<p>KES 4,200</p>" in office.mail.raw[0]


async def test_a_mail_server_that_uses_a_name_again_is_not_written_to_twice(office: Office) -> None:
    """Postfix gives its queue's names anew after a while (its manual, enable_long_queue_ids)."""
    for number in range(2):
        message = await office.write(Told.TEST, str(number), to="amina@kilimani.test", channel=Channel.EMAIL)
        await office.turn(4, minutes=10)
        assert len(office.mail.raw) == 1
        assert await office.status(message) == "sent"
        office.mail.raw.clear()  # what it counts its names by
    assert [row[0] for row in await DB.fetch("SELECT provider_id FROM messages ORDER BY id")] == ["SIM00001", None]


@pytest.mark.parametrize(
    ("command", "reply", "status", "why"),
    [
        ("RCPT", "550 5.1.1 no such user", "failed", "bad_address"),
        ("RCPT", "450 4.2.1 greylisted", "queued", "busy"),
        ("body", "554 5.7.1 spam", "failed", "not_taken"),
        ("MAIL", "553 5.7.1 not your sender", "queued", "wrong_sender"),
        ("AUTH", "535 5.7.8 no", "queued", "wrong_keys"),
    ],
)
async def test_what_a_mail_server_refuses_is_told_apart(
    office: Office, command: str, reply: str, status: str, why: str
) -> None:
    office.mail.replies[command] = reply
    letter = Letter(subject="s", text="t")
    message = await office.write(Told.TEST, "w", to="a@b.test", channel=Channel.EMAIL, letter=letter)
    await office.turn()
    row = await office.row(message)
    assert (row["status"], row["why"]) == (status, why)
    assert reply[:3] in row["last_error"]
    assert office.arrived("email") == []
    trouble = await DB.value("SELECT trouble FROM message_gateways WHERE channel = 'email'")
    assert trouble == (why if why.startswith("wrong") else None)


async def test_a_telegram_group_that_moved_is_followed_and_a_block_is_final(office: Office) -> None:
    await office.choose(shop_chat="-100")
    office.sim.mishaps.moved["-100"] = "-100200"
    message = await office.write(Told.TEST, "1", to="-100", channel=Channel.TELEGRAM)
    await office.turn(2)
    assert await office.status(message) == "sent"
    assert [letter.to for letter in office.arrived("telegram")] == ["-100200"]
    assert await DB.value("SELECT shop_chat FROM message_settings") == "-100200"
    office.sim.mishaps.blocked.add("7")
    blocked = await office.write(Told.TEST, "2", to="7", channel=Channel.TELEGRAM)
    await office.turn()
    assert (await office.row(blocked))["why"] == "unwanted"


async def test_telegrams_wish_to_wait_is_kept(office: Office) -> None:
    office.sim.mishaps.status, office.sim.mishaps.retry_after = 429, 300
    message = await office.write(Told.TEST, "1", to="7", channel=Channel.TELEGRAM)
    await office.turn()
    office.sim.mishaps.status = 0
    await office.turn(2, seconds=100)
    assert await office.status(message) == "queued"
    await office.turn(2, seconds=400)
    assert await office.status(message) == "sent"


async def test_without_a_gateway_a_message_waits_and_is_dropped_when_it_is_of_no_use(office: Office) -> None:
    await DB.fetch("UPDATE message_gateways SET ended_at = now()")
    message = await office.write()
    await office.turn()
    assert await office.status(message) == "queued"
    office.clock.shift(timedelta(days=2))
    await office.turn()
    row = await office.row(message)
    assert (row["status"], row["why"]) == ("dropped", "too_late")


async def test_a_sentence_that_cannot_be_filled_fails_and_holds_up_nobody(office: Office) -> None:
    bad = await office.write(Told.MONEY_KEPT, "bad", params={"shop": "x"})
    good = await office.write(Told.MONEY_KEPT, "good")
    await office.turn()
    assert [await office.status(one) for one in (bad, good)] == ["failed", "sent"]
    assert (await office.row(bad))["why"] == "unreadable"


async def test_a_reminder_says_how_to_end_it_where_that_costs_nothing(office: Office) -> None:
    await DB.fetch("UPDATE message_gateways SET has_inbox = true WHERE channel = 'sms'")
    plain: dict[str, Any] = {"to": PHONE, "channel": Channel.SMS, "params": {"channel": "x"}}
    await office.write(Told.SHOP_GATEWAY, "short", **plain)
    await office.write(Told.SHOP_GATEWAY, "long", **(plain | {"params": {"channel": "x" * 90}}))
    await office.write(Told.MONEY_KEPT, "money")
    await office.turn()
    hints = {letter.text.endswith("Reply STOP to end this.") for letter in office.arrived()}
    assert hints == {True, False}
    assert sum("STOP" in letter.text for letter in office.arrived()) == 1
    assert all(letter.parts == 1 for letter in office.arrived())
