"""What happens is told once it is true, signed, again and again until it is taken; and one dead address is its own trouble."""

from datetime import timedelta

import pytest

from jobs.webhooks import Telling, run
from portal import alerts
from portal.db import DB, atomic
from portal.states import E, move, move_all, note
from portal.webhooks import bodies, endpoints, outbox
from portal.webhooks import door as webhook_door
from tests import factories
from tests.portal.webhooks.conftest import Shop


async def _expire(shop: Shop, *vouchers: int) -> None:
    async with atomic() as tx:
        await move_all(
            tx, "vouchers", vouchers, E.EXPIRE, at=shop.clock.now(), ended_why="usage", ended_at=shop.clock.now()
        )


async def test_an_event_is_told_signed_and_says_no_code(shop: Shop) -> None:
    voucher = await shop.voucher(status="in_use")
    await _expire(shop, voucher)
    assert await shop.send() == ["sent"]
    headers, body = shop.listener.heard[0]
    assert headers["webhook-id"].startswith("msg_")
    assert headers["content-type"] == "application/json"
    assert await shop.is_right()
    (told,) = shop.listener.messages()
    assert (told["type"], told["data"]["id"], told["data"]["status"]) == ("voucher.expired", voucher, "expired")
    assert told["data"]["was"] == "in_use"
    code = await DB.row("SELECT id, code_sealed FROM vouchers WHERE id = $1", voucher)
    assert code
    plain = shop.vault.open("vouchers", "code_sealed", row_id=voucher, sealed=code["code_sealed"])
    assert plain.encode() not in body
    row = await shop.row()
    assert (row["tries"], row["next_try_at"], row["lease_until"]) == (1, None, None)
    assert await shop.send() == [], "once is enough"


async def test_a_signature_fails_for_another_secret_body_id_or_time(shop: Shop) -> None:
    await endpoints.test(shop.owner, shop.webhook_id, now=shop.clock.now())
    await shop.send()
    headers, body = shop.listener.heard[0]
    assert await shop.is_right()
    shop.listener.heard += [(headers, body + b" "), ({**headers, "webhook-id": "msg_9"}, body)]
    assert not await shop.is_right(1)
    assert not await shop.is_right(2)
    assert not await shop.is_right(0, secret="whsec_" + "A" * 44)
    shop.shift(minutes=6)
    assert not await shop.is_right(0)


async def test_what_is_rolled_back_is_not_told(shop: Shop) -> None:
    voucher = await shop.voucher(status="in_use")

    async def half_done() -> None:
        async with atomic() as tx:
            now = shop.clock.now()
            await move(tx, "vouchers", voucher, E.EXPIRE, at=now, ended_at=now, ended_why="usage")
            assert await tx.value("SELECT count(*) FROM webhook_messages") == 1
            raise RuntimeError("after all not")

    with pytest.raises(RuntimeError):
        await half_done()
    assert await DB.value("SELECT count(*) FROM webhook_messages") == 0


async def test_only_what_was_chosen_of_ones_own_shop_is_told(shop: Shop) -> None:
    rival = await factories.merchant("Rival")
    theirs = await factories.voucher(shop.vault, rival, await factories.package(rival), status="in_use")
    fresh = await shop.voucher(status="paid")
    await _expire(shop, theirs)
    async with atomic() as tx:
        now = shop.clock.now()  # voucher.started was not chosen
        await move(tx, "vouchers", fresh, E.START, at=now, started_at=now, expires_at=now + timedelta(hours=1))
    assert await DB.value("SELECT count(*) FROM webhook_messages") == 0


async def test_a_thousand_events_of_one_statement_are_a_thousand_messages_in_order(shop: Shop) -> None:
    vouchers = [await shop.voucher(status="unsold") for _ in range(30)]
    await _expire(shop, *vouchers)
    while await shop.send():
        pass
    told = [message["data"]["id"] for message in shop.listener.messages()]
    assert sorted(told) == vouchers
    assert len({headers["webhook-id"] for headers, _ in shop.listener.heard}) == 30


async def test_a_sale_by_push_and_a_sale_by_reference_tell_of_the_voucher_once_each(shop: Shop) -> None:
    by_push, by_reference = await shop.voucher(status="paid"), await shop.voucher(status="unsold")
    for voucher in (by_push, by_reference):
        payment = await factories.payment(shop.merchant_id, status="pending", voucher_id=voucher, phone="254712345678")
        async with atomic() as tx:
            if voucher == by_reference:
                await move(tx, "vouchers", voucher, E.SELL, at=shop.clock.now(), paid_at=shop.clock.now())
            await move(
                tx, "payments", payment, E.PAY, at=shop.clock.now(), paid_at=shop.clock.now(), receipt=f"R{voucher}"
            )
    said = await shop.send()
    assert sorted(said) == ["nothing", "sent", "sent", "sent", "sent"]
    told = sorted((message["type"], message["data"]["id"]) for message in shop.listener.messages())
    assert [kind for kind, _ in told] == ["payment.paid", "payment.paid", "voucher.paid", "voucher.paid"]
    assert [row for _, row in told[2:]] == [by_push, by_reference]
    phones = {message["data"].get("phone") for message in shop.listener.messages()} - {None}
    assert phones == {"0712 ••• 678"}


async def test_a_router_is_offline_once_and_online_once(shop: Shop) -> None:
    router = await factories.router(shop.vault, shop.merchant_id)
    for event in (E.MISS, E.ANSWER, E.DROP, E.ANSWER):
        async with atomic() as tx:
            assert await move(tx, "routers", router.id, event, at=shop.clock.now())
    await shop.send()
    assert sorted(message["type"] for message in shop.listener.messages()) == ["router.offline", "router.online"]


async def test_what_is_not_taken_is_tried_again_with_longer_pauses_under_the_same_id_and_then_given_up(
    shop: Shop,
) -> None:
    shop.listener.usual = 500
    await endpoints.test(shop.owner, shop.webhook_id, now=shop.clock.now())
    pauses: list[float] = []
    for _ in outbox.PAUSES_S:
        assert await shop.send() == ["waiting"]
        row = await shop.row()
        pauses.append((row["next_try_at"] - shop.clock.now()).total_seconds())
        assert await shop.send() == [], "not before its time"
        shop.shift(seconds=max(pauses[-1], 600) + 1)
    assert all(0.9 * due - 1 <= pause <= 1.1 * due for due, pause in zip(outbox.PAUSES_S, pauses, strict=True)), pauses
    assert await shop.send() == ["given_up"]
    shop.shift(days=1)
    assert await shop.send() == []
    assert len({headers["webhook-id"] for headers, _ in shop.listener.heard}) == 1
    assert len({body for _, body in shop.listener.heard}) == 1
    assert await DB.value("SELECT count(*) FROM webhook_attempts WHERE status = 500 AND answer = 'hello'") == 10


async def test_an_address_that_fails_is_asked_by_one_message_at_a_time_and_the_rest_follow_once_it_answers(
    shop: Shop,
) -> None:
    vouchers = [await shop.voucher(status="unsold") for _ in range(12)]
    await _expire(shop, *vouchers)
    shop.listener.usual = 503
    assert await shop.send() == ["waiting"] * 10
    assert await shop.send() == [], "it is left alone"
    shop.shift(minutes=11)
    assert await shop.send() == ["waiting"]
    shop.shift(minutes=11)
    shop.listener.usual = 200
    assert await shop.send() == ["sent"]
    shop.shift(hours=1)
    while await shop.send():
        pass
    taken = await DB.value("SELECT count(*) FROM webhook_messages WHERE sent_at IS NOT NULL")
    assert taken == 12


async def test_a_busy_address_is_left_alone_as_long_as_it_says(shop: Shop) -> None:
    shop.listener.answers, shop.listener.extra = [429], "retry-after: 900\r\n"
    await endpoints.test(shop.owner, shop.webhook_id, now=shop.clock.now())
    assert await shop.send() == ["waiting"]
    shop.shift(seconds=890)
    assert await shop.send() == []
    shop.shift(seconds=20)
    assert await shop.send() == ["sent"]


async def test_an_address_that_fails_for_days_is_switched_off_with_an_alert_and_what_it_missed_can_be_sent(
    shop: Shop,
) -> None:
    shop.listener.usual = 500
    await _expire(shop, await shop.voucher(status="unsold"))
    await shop.send()
    shop.shift(days=5, hours=1)
    await shop.send()
    assert (await shop.endpoint())["off_why"] == "failing"
    assert [alert.kind for alert in await alerts.open_of(shop.owner)] == ["webhook_off"]
    missed = await shop.voucher(status="unsold")
    await _expire(shop, missed)
    assert (await shop.row())["next_try_at"] is None
    shop.shift(days=1)
    assert await outbox.waited_for(now=shop.clock.now()) == []
    shop.listener.usual = 200
    await endpoints.switch(shop.owner, shop.webhook_id, on=True, now=shop.clock.now())
    assert await alerts.open_of(shop.owner) == []
    count = await endpoints.again_since(
        shop.owner, shop.webhook_id, shop.clock.now() - timedelta(days=7), missed_only=True, now=shop.clock.now()
    )
    assert count == 2
    assert await shop.send() == ["sent", "sent"]
    assert shop.listener.messages()[-1]["data"]["id"] == missed or shop.listener.messages()[-2]["data"]["id"] == missed


async def test_gone_means_never_again(shop: Shop) -> None:
    shop.listener.usual = 410
    await endpoints.test(shop.owner, shop.webhook_id, now=shop.clock.now())
    await shop.send()
    assert (await shop.endpoint())["off_why"] == "gone"


async def test_a_redirect_is_not_followed(shop: Shop) -> None:
    shop.listener.answers = [302]
    shop.listener.extra = f"location: {shop.listener.url}/elsewhere\r\n"
    await endpoints.test(shop.owner, shop.webhook_id, now=shop.clock.now())
    assert await shop.send() == ["waiting"]
    assert len(shop.listener.heard) == 1


async def test_a_new_secret_signs_and_the_old_one_signs_too_for_a_day(shop: Shop) -> None:
    old = await shop.secret()
    await endpoints.rotate(shop.owner, shop.webhook_id, vault=shop.vault, now=shop.clock.now())
    new = await shop.secret()
    assert new != old
    await endpoints.test(shop.owner, shop.webhook_id, now=shop.clock.now())
    await shop.send()
    assert await shop.is_right(secret=new)
    assert await shop.is_right(secret=old)
    shop.shift(days=1, minutes=1)
    await endpoints.test(shop.owner, shop.webhook_id, now=shop.clock.now())
    await shop.send()
    assert await shop.is_right(secret=new)
    assert not await shop.is_right(secret=old)
    await outbox.sweep(now=shop.clock.now())
    assert (await shop.endpoint())["old_secret_sealed"] is None


async def test_a_message_whose_sender_died_goes_again_under_the_same_id(shop: Shop) -> None:
    await endpoints.test(shop.owner, shop.webhook_id, now=shop.clock.now())
    _, (row,) = await outbox.claim(shop.webhook_id, now=shop.clock.now())
    assert await bodies.body_of(row)
    assert await shop.send() == []
    shop.shift(minutes=2)
    assert await outbox.sweep(now=shop.clock.now()) == 1
    assert await shop.send() == ["sent"]


async def test_a_message_is_sent_again_by_hand_under_the_same_id(shop: Shop) -> None:
    message = await endpoints.test(shop.owner, shop.webhook_id, now=shop.clock.now())
    await shop.send()
    await endpoints.again(shop.owner, message, now=shop.clock.now())
    assert await shop.send() == ["sent"]
    assert len({headers["webhook-id"] for headers, _ in shop.listener.heard}) == 1
    assert len(shop.listener.heard) == 2


async def test_one_address_that_never_answers_delays_no_other_and_no_event(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jobs.webhooks._GRACE_S", 0.0)
    shop.listener.answers = [None]  # whoever comes first waits in vain
    dead = await endpoints.test(shop.owner, shop.webhook_id, now=shop.clock.now())

    class Doors:
        vault, clock, webhooks = shop.vault, shop.clock, shop.door

    telling = Telling()
    await telling.look(Doors())  # pyright: ignore[reportArgumentType]
    await shop.listener.until(1)
    other = await factories.webhook(shop.vault, shop.merchant_id, hears="voucher.expired", url=shop.listener.url)
    await _expire(shop, await shop.voucher(status="unsold"))
    await telling.look(Doors())  # pyright: ignore[reportArgumentType]
    await shop.listener.until(2)
    headers, _ = shop.listener.heard[-1]
    told = await DB.row("SELECT * FROM webhook_messages WHERE endpoint_id = $1", other)
    assert told
    assert headers["webhook-id"].startswith(f"msg_{told['id']}_")
    waits = await DB.row("SELECT * FROM webhook_messages WHERE id = $1", dead)
    assert waits
    assert waits["lease_until"] is not None, "the first is still being waited for"
    await telling.close()


async def test_an_address_that_is_silent_is_tried_again_later(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webhook_door, "PATIENCE_S", 0.2)
    shop.listener.answers = [None]
    await endpoints.test(shop.owner, shop.webhook_id, now=shop.clock.now())
    assert await shop.send() == ["waiting"]
    assert await DB.value("SELECT why FROM webhook_attempts") == "timeout"
    shop.shift(minutes=1)
    assert await shop.send() == ["sent"]


async def test_events_nobody_listens_to_write_nothing(shop: Shop) -> None:
    async with atomic() as tx:
        await note(tx, "vouchers", 1, "code_shown", merchant_id=shop.merchant_id, at=shop.clock.now())
        await note(tx, "jobs", 1, "anything", merchant_id=None, at=shop.clock.now())
    assert await DB.value("SELECT count(*) FROM webhook_messages") == 0


async def test_an_address_hears_what_its_kinds_mean_today(shop: Shop) -> None:
    await DB.fetch("UPDATE webhook_endpoints SET sources = 'vouchers:end voucher.expired'")
    assert await endpoints.freshen() == 1
    assert await endpoints.freshen() == 0
    await _expire(shop, await shop.voucher(status="unsold"))
    assert await shop.send() == ["sent"]


async def test_the_job_takes_up_what_the_dead_left_and_tells_everybody(shop: Shop) -> None:
    await endpoints.test(shop.owner, shop.webhook_id, now=shop.clock.now())
    await outbox.claim(shop.webhook_id, now=shop.clock.now())
    shop.shift(minutes=2)
    await _expire(shop, *[await shop.voucher(status="unsold") for _ in range(25)])

    class Doors:
        vault, clock, webhooks = shop.vault, shop.clock, shop.door

    tally = await run(Doors())  # pyright: ignore[reportArgumentType]
    assert (tally.processed, tally.failed) == (1 + 26, 0)
    assert len(shop.listener.heard) == 26
