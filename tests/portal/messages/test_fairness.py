"""Nobody's messages or reports are held up by what another's gateway has, tells or lacks."""

import asyncio
import time
from datetime import timedelta
from typing import Any

from jobs.messages import Posting
from portal import alerts
from portal.db import DB, atomic
from portal.gateways.simulator.mail_server import PASSWORD, USER
from portal.messages import Channel, Told, accounts, claiming, reports
from tests import factories
from tests.portal.messages.office import PHONE, Office


async def own_gateway(office: Office, merchant_id: int, secret: str = "key") -> int:
    """A gateway of the merchant's own, in place of the platform's."""
    async with atomic() as tx:
        return await accounts.put(
            tx, "africastalking", merchant_id=merchant_id, user_name="sandbox", sender="", options={}, secret=secret,
            vault=office.vault, now=office.clock.now(), by="test",
        )  # fmt: skip


async def test_one_shops_thousands_do_not_hide_anothers_message(office: Office) -> None:
    crowded = await factories.merchant()
    own = await own_gateway(office, crowded)
    await DB.fetch(
        """INSERT INTO messages (merchant_id, kind, once, recipient, language, body, params, next_try_at, created_at, channel)
           SELECT $1, $2, 'x' || i, $3, 'en', 'x', '{}', $4, $4, 'sms' FROM generate_series(1, 2500) i""",
        crowded,
        Told.MONEY_KEPT.value,
        PHONE,
        office.clock.now(),
    )
    message = await office.write()
    platform = await DB.value("SELECT id FROM message_gateways WHERE channel = 'sms' AND merchant_id IS NULL")
    assert await claiming.gateways_waited_for(now=office.clock.now()) == [platform, own]
    assert [row["id"] for row in await claiming.claim(platform, now=office.clock.now())] == [message]


async def test_a_gateway_in_trouble_is_tried_with_the_most_urgent_message(office: Office) -> None:
    params = {"shop": "K", "amount": "1", "account": "A", "day": "1"}
    await office.write(Told.BILL_DUE, "a", params=params)
    money = await office.write()
    [gateway] = await claiming.gateways_waited_for(now=office.clock.now())
    await DB.fetch("UPDATE message_gateways SET faults = 1 WHERE id = $1", gateway)
    assert [row["id"] for row in await claiming.claim(gateway, now=office.clock.now())] == [money]


async def test_a_report_that_cannot_be_kept_is_given_up_and_stops_nobody(office: Office) -> None:
    token = await DB.value("SELECT token FROM message_gateways WHERE channel = 'sms'")
    await reports.store(token, "delivery", b'{"id": "a\\u0000b", "status": "Success"}', now=office.clock.now())
    assert await reports.handle_waiting(now=office.clock.now()) == (0, 0), "it waits for its message"
    office.clock.shift(timedelta(minutes=11))
    assert await reports.handle_waiting(now=office.clock.now()) == (1, 0)
    # And whatever else it may be: here a moment no calendar has.
    await reports.store(token, "delivery", b"id=b&status=Success", now=office.clock.now())
    await DB.fetch("UPDATE message_reports SET received_at = 'infinity' WHERE handled_at IS NULL")
    assert await reports.handle_waiting(now=office.clock.now()) == (0, 1)
    await DB.fetch("UPDATE message_reports SET received_at = '-infinity' WHERE handled_at IS NULL")
    assert await reports.handle_waiting(now=office.clock.now()) == (0, 1)
    assert await reports.handle_waiting(now=office.clock.now()) == (0, 0), "given up"


async def test_a_flood_of_reports_delays_no_other_gateway_and_no_stop(office: Office) -> None:
    crowded = await factories.merchant()
    own = await own_gateway(office, crowded)
    await DB.fetch(
        """INSERT INTO message_reports (gateway_id, road, body, body_hash, received_at)
           SELECT $1, 'delivery', convert_to('id=' || i, 'UTF8'), sha256(convert_to(i::text, 'UTF8')), $2
           FROM generate_series(1, 300) i""",
        own,
        office.clock.now(),
    )
    for gateway, token in await DB.fetch("SELECT id, token FROM message_gateways WHERE channel = 'sms'"):
        await reports.store(
            token, "inbound", f"from=%2B{PHONE}&text=STOP&id={gateway}".encode(), now=office.clock.now()
        )
    await reports.handle_waiting(now=office.clock.now())
    assert await DB.value("SELECT count(*) FROM message_stops") == 2
    for _ in range(2):
        await reports.handle_waiting(now=office.clock.now())
    assert await DB.value("SELECT count(*) FROM message_reports WHERE outcome IS NULL") == 0, "each was looked at"


async def test_stop_in_the_same_words_after_a_start_stops_again(office: Office) -> None:
    token = await DB.value("SELECT token FROM message_gateways WHERE channel = 'sms'")

    async def say(word: str) -> int:
        await reports.store(token, "inbound", f"from=%2B{PHONE}&text={word}".encode(), now=office.clock.now())
        await reports.handle_waiting(now=office.clock.now())
        office.clock.shift(timedelta(days=1))
        return await DB.value("SELECT count(*) FROM message_stops WHERE ended_at IS NULL")

    assert [await say(word) for word in ("STOP", "START", "STOP", "START")] == [1, 0, 1, 0]


async def test_a_key_no_request_can_carry_makes_messages_wait_and_is_told(office: Office) -> None:
    own = await own_gateway(office, office.merchant_id, secret="atsk_12\u201334")
    message = await office.write()
    await office.turn()
    row = await office.row(message)
    assert (row["status"], row["why"]) == ("queued", "wrong_keys")
    assert [one.subject for one in await alerts.open_now("message_gateway")] == [f"gateway:{own}"]


async def test_dead_mail_servers_of_ten_shops_delay_nobody_elses_mail(office: Office) -> None:
    hung: list[asyncio.StreamWriter] = []

    async def says_nothing(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        hung.append(writer)

    async with await asyncio.start_server(says_nothing, "127.0.0.1", 0) as dead:
        options = {"host": "127.0.0.1", "port": dead.sockets[0].getsockname()[1], "tls": "none"}
        for number in range(10):
            shop = await factories.merchant(f"Shop {number}")
            async with atomic() as tx:
                await accounts.put(
                    tx, "smtp", merchant_id=shop, user_name=USER, sender="vocha@sim.test", options=options,
                    secret=PASSWORD, vault=office.vault, now=office.clock.now(), by="test",
                )  # fmt: skip
            for each in range(3):
                await mail(office, f"{number}-{each}", merchant_id=shop)
        other = await mail(office, "other")
        posting, began = Posting(), time.perf_counter()
        await posting.look(office.doors)
        while await office.status(other) != "sent":
            assert time.perf_counter() - began < 10
            await asyncio.sleep(0.01)
        assert await DB.value("SELECT count(*) FROM messages WHERE status = 'sent'") == 1
        assert len(hung) >= 10, "every dead one was being waited for"
        await posting.close()
        for writer in hung:
            writer.close()


async def mail(office: Office, once: str, **more: Any) -> int:
    """A mail that waits to be sent; its id."""
    return await office.write(Told.MONEY_KEPT, once, channel=Channel.EMAIL, to="amina@example.com", **more)
