"""The demo's other ways to pay: by Airtel Money on its own phone, by card on Paystack's page inside the captive browser, by hand with a
reference; each is sold, and what other rails took goes back by them."""

import html
import re
from collections.abc import Mapping

import httpx
from asyncpg import Record

from jobs.schedule import JOBS
from portal import refunds
from portal.db import DB
from portal.demo.world import DemoWorld
from portal.house import doors_open
from portal.identity import Actor, Role
from portal.mpesa.simulator import SANDBOX_SHORTCODE
from portal.refunds import Road, Scope, Wish
from tests.portal.demo.test_world import opened, until


async def form_of(frame: httpx.AsyncClient, number: int, way: str) -> httpx.Response:
    """From joining the Wi-Fi to the form of another way, below the cheapest package."""
    page = await opened(frame, f"/phone/{number}")
    row = re.search(r'<a[^>]*href="([^"]*/buy/[^"]*)"[^>]*>(?:(?!</a>).)*?1 hour', page.text, re.DOTALL)
    assert row, page.text
    package = await frame.get(html.unescape(row[1]))
    link = re.search(rf'href="([^"]*/by/{way}[^"]*)"', package.text)
    assert link, package.text
    return await frame.get(html.unescape(link[1]))


async def send(frame: httpx.AsyncClient, form: httpx.Response, typed: Mapping[str, str]) -> httpx.Response:
    action = re.search(r'<form method="post" action="([^"]*)"', form.text)
    assert action, form.text
    hidden = dict(re.findall(r'name="(\w+)" type="hidden" value="([^"]*)"', form.text))
    return await frame.post(html.unescape(action[1]), data={**hidden, **typed})


async def newest(method: str) -> Record:
    row = await DB.row("SELECT * FROM payments WHERE method = $1 ORDER BY id DESC LIMIT 1", method)
    assert row
    return row


async def give_back(world: DemoWorld, payment: Record) -> None:
    """The owner asks for it all back, and it goes by the rail that took it."""
    owner = await DB.value("SELECT user_id FROM memberships WHERE role = 'owner'")
    actor = Actor(
        user_id=owner, merchant_id=payment["merchant_id"], role=Role.OWNER, is_operator=False, name="A", email="a@b.c"
    )
    wish = Wish(scope=Scope.WHOLE, road=Road.REVERSAL, why="no internet", ends_use=True)
    refund = await refunds.request(actor, payment["id"], wish, now=world.clock.now())
    answer = await _run("refunds", world)
    assert answer >= 1
    assert await DB.value("SELECT status FROM refunds WHERE id = $1", refund) == "done"


async def _run(name: str, world: DemoWorld) -> int:
    async with doors_open(world.settings, world.clock) as doors:
        return (await JOBS[name].run(doors)).processed


async def test_an_airtel_phone_buys_and_its_money_goes_back(world: DemoWorld, frame: httpx.AsyncClient) -> None:
    waiting = await send(frame, await form_of(frame, 2, "airtel"), {"phone": "0733 000 111"})
    assert waiting.status_code == 200, waiting.text
    async with httpx.AsyncClient(base_url=world.rails.url, trust_env=False, follow_redirects=True) as hand:

        async def is_asked() -> bool:
            return "Pay <b>KES 10.00</b>?" in (await hand.get("/phone/254733000111")).text

        await until(is_asked)
        assert (
            "Last: Transaction Successful"
            in (await hand.post("/phone/254733000111", data={"pin": "1234", "do": "pay"})).text
        )

    async def is_connected() -> bool:
        return "You are connected" in (await frame.get(str(waiting.url))).text

    await until(is_connected)
    await give_back(world, await newest("airtel"))
    assert len(world.rails.airtel.ledger.refunded) == 1


async def test_a_card_pays_inside_the_captive_browser_and_its_money_goes_back(
    world: DemoWorld, frame: httpx.AsyncClient
) -> None:
    waiting = await send(frame, await form_of(frame, 3, "paystack"), {"email": ""})
    link: list[str] = []

    async def has_page() -> bool:
        page = await frame.get(str(waiting.url))
        link[:] = re.findall(r'href="([^"]*/pay/[^"]*)"', page.text)
        return bool(link)

    await until(has_page)
    card = await frame.get(html.unescape(link[0]))
    assert "no card is charged here" in card.text
    action = re.search(r'<form method="post" action="([^"]*)"', card.text)
    assert action
    await frame.post(html.unescape(action[1]), data={"card": "paid"})

    async def is_connected() -> bool:
        return "You are connected" in (await frame.get(str(waiting.url))).text

    await until(is_connected)
    await give_back(world, await newest("paystack"))
    assert len(world.rails.paystack.ledger.refunded) == 1


async def test_a_payment_by_hand_is_announced_and_found_by_its_reference(world: DemoWorld) -> None:
    before = await DB.value("SELECT count(*) FROM receipts")
    payment = world.daraja.pay_by_hand("254722000111", SANDBOX_SHORTCODE, amount=10, account="NOSUCHTHING")

    async def is_known() -> bool:
        return await DB.value("SELECT count(*) FROM receipts WHERE receipt = $1", payment.receipt) == 1

    await until(is_known)
    assert await DB.value("SELECT count(*) FROM receipts") == before + 1
    assert await DB.value("SELECT c2b_registered_at FROM mpesa_accounts") is not None
