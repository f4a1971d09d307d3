"""Promise 1: every shilling paid gets a device online, exactly once, whatever dies in between. One death (-9) per test.

The ten points are those of portal.faults. The customer does what people do: tap, type the PIN, wait."""

import re
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from portal.faults import POINTS
from tests.flows.programs import until
from tests.kill.house import House
from tests.kill.shop import Shop


@asynccontextmanager
async def one_death(house: House, point: str, *, of: str) -> AsyncGenerator[Callable[[], Awaitable[object]]]:
    """What is done inside makes `of`, and nothing else, die once at this point of the sale. Yields the wait for it."""
    before = house.deaths

    async def has_happened() -> bool:
        return house.deaths != before

    house.arm(point, of)
    yield lambda: until(has_happened, f"{of} dies at {point}", within=15)
    await house.is_ready()
    assert {name: count - before[name] for name, count in house.deaths.items() if count != before[name]} == {of: 1}


async def sold_in_spite_of(house: House, shop: Shop, point: str, *, death_of: str) -> None:
    """A whole sale in which one process dies: asked for once, paid once, online once."""
    async with one_death(house, point, of=death_of):
        await shop.order()
        await shop.approve()
        await shop.wait_online()
        await shop.assert_sold_once()
    assert len(shop.pushes) == 1, "the payer was asked more than once"


async def statuses(shop: Shop) -> list[str]:
    """The statuses of the shop's payments, the oldest first."""
    return [row["status"] for row in await shop.rows("SELECT status FROM payments WHERE merchant_id = $1 ORDER BY id")]


async def start_again(shop: Shop, waiting: str) -> None:
    """From the page of a payment whose outcome nobody knows, buy once more."""
    page = await shop.load(waiting)
    assert "M‑PESA has not answered yet" in page.text
    assert "Do not pay again" in page.text
    link = re.search(r'href="([^"]+)">No SMS\? Start again', page.text)
    assert link, page.text
    await shop.choose(await shop.load(str(page.url.join(link.group(1).replace("&amp;", "&")))))
    await shop.approve()
    await shop.wait_online()


async def test_web_dies_when_the_checkout_is_stored(house: House, shop: Shop) -> None:
    await sold_in_spite_of(house, shop, "checkout.stored", death_of="web")


async def test_worker_dies_before_the_push_is_sent(house: House, shop: Shop) -> None:
    """Nobody can know that it was not sent, so it is never sent again; the customer starts again and is asked once."""
    async with one_death(house, "push.claimed", of="worker") as it_happened:
        waiting = await shop.order()
        await it_happened()
        await shop.let_pass(130)
    await until(lambda: shop.count("payments", "status = 'unknown'"), "the payment is unknown", within=25)
    assert shop.pushes == []
    await shop.assert_books(sales=0)
    await start_again(shop, waiting)
    await shop.assert_sold_once()
    assert await statuses(shop) == ["unknown", "paid"]
    assert len(shop.pushes) == 1


async def test_worker_dies_when_the_push_was_answered(house: House, shop: Shop) -> None:
    """The id of the request is lost; the callback's own address tells which payment it is about."""
    await sold_in_spite_of(house, shop, "push.answered", death_of="worker")


async def test_worker_dies_when_the_push_was_answered_and_the_callback_is_lost(house: House, shop: Shop) -> None:
    """The one hole an STK push leaves: paid, but no id to ask by. It stays "unknown", never "failed", and buys nothing
    twice in our books; a second attempt works."""
    async with one_death(house, "push.answered", of="worker") as it_happened:
        waiting = await shop.order()
        await it_happened()
        with house.callbacks_lost():
            await shop.approve()
            await house.daraja.wait_delivered(shop.pushes[0])
        await shop.let_pass(130)
    await until(lambda: shop.count("payments", "status = 'unknown'"), "the payment is unknown", within=25)
    await shop.assert_books(sales=0)
    assert not await shop.is_online()
    await start_again(shop, waiting)
    await shop.assert_sold_once(charged=2)
    assert await statuses(shop) == ["unknown", "paid"]


async def test_web_dies_when_the_callback_arrives(house: House, shop: Shop) -> None:
    """M-Pesa never repeats a callback: the status query, 15 seconds after the push, must save the sale."""
    await sold_in_spite_of(house, shop, "callback.arrived", death_of="web")
    assert await shop.count("callbacks") == 0, "the callback was not lost: this test tries nothing"
    assert await shop.count("payments", "queries > 0 AND receipt IS NULL") == 1


async def test_web_dies_when_the_callback_is_stored(house: House, shop: Shop) -> None:
    await sold_in_spite_of(house, shop, "callback.stored", death_of="web")


async def test_worker_dies_while_it_settles(house: House, shop: Shop) -> None:
    await sold_in_spite_of(house, shop, "settle.inside", death_of="worker")


async def test_worker_dies_when_it_has_settled(house: House, shop: Shop) -> None:
    """Case 30."""
    await sold_in_spite_of(house, shop, "settle.committed", death_of="worker")


async def test_worker_dies_when_the_user_is_on_the_router(house: House, shop: Shop) -> None:
    """Case 31."""
    await sold_in_spite_of(house, shop, "login.user_added", death_of="worker")


async def test_worker_dies_when_the_phone_is_logged_in(house: House, shop: Shop) -> None:
    await sold_in_spite_of(house, shop, "login.confirmed", death_of="worker")


async def test_worker_dies_when_the_clock_was_started(house: House, shop: Shop) -> None:
    await sold_in_spite_of(house, shop, "start.committed", death_of="worker")


@pytest.mark.parametrize("point", POINTS)
async def test_database_dies_at(house: House, shop: Shop, point: str) -> None:
    """Web and worker live on, find the server that comes back, and have kept what only they knew: M-Pesa's answer."""
    await sold_in_spite_of(house, shop, point, death_of="database")
    assert await shop.count("payments", "merchant_request_id IS NOT NULL") == 1


async def test_worker_dies_when_the_callback_is_stored(house: House, shop: Shop) -> None:
    await sold_in_spite_of(house, shop, "callback.stored", death_of="worker")


async def test_web_dies_while_the_worker_settles(house: House, shop: Shop) -> None:
    await sold_in_spite_of(house, shop, "settle.inside", death_of="web")


async def test_time_is_up_on_the_router_while_all_of_us_are_dead(house: House, shop: Shop) -> None:
    """The router's own limit ends access; whoever comes back finds the time over and tidies up."""
    await shop.order()
    await shop.approve()
    await shop.wait_online()
    await shop.assert_sold_once()
    await house.stop()
    shop.board.clock.advance(3540)
    shop.board.tick()
    assert await shop.is_online()
    shop.board.clock.advance(90)
    shop.board.tick()
    assert not await shop.is_online()
    await house.start()
    await shop.let_pass(3630)
    await until(lambda: shop.count("access_grants", "status = 'gone'"), "the grant is gone", within=20)
    assert await shop.count("vouchers", "status = 'expired' AND ended_why = 'usage'") == 1
    assert shop.users == []
    assert not await shop.is_online()
