"""M-Pesa's message comes from an address nobody listed, and M-Pesa does not answer questions: the customer waits seconds, not hours."""

import asyncio

from jobs import payments as payment_jobs
from portal.db import DB
from tests.flows.programs import until
from tests.flows.test_bad_callbacks import count
from tests.flows.test_sale import MSISDN, is_online, pay_for
from tests.flows.world import Shop


async def deliver_on_trust(shop: Shop) -> None:
    """Paid, told from elsewhere, M-Pesa silent: online all the same."""
    shop.daraja.world.turn(callback_source="foreign", query_fault="hang")
    async with shop.browser() as browser:
        await pay_for(browser, shop)
        await shop.daraja.wait_prompt(MSISDN)
        await shop.daraja.approve(MSISDN)
        await until(lambda: is_online(browser), "the phone is online", within=30)
    assert await count("callbacks", "verdict = 'lent'") == 1


async def judged(shop: Shop, verdict: str) -> None:
    """M-Pesa answers again; wait for what comes of it."""
    doors = shop.doors
    assert doors is not None
    shop.daraja.world.turn(query_fault="none", query_per_minute=None)
    shop.shift(seconds=90)

    async def is_judged() -> bool:
        await payment_jobs.reconcile(doors)
        return await count("callbacks", f"verdict = '{verdict}'") == 1

    await until(is_judged, f"the delivery is {verdict}", within=30)


async def test_while_mpesa_is_silent_the_phone_is_let_in_and_proved_later(shop: Shop) -> None:
    await deliver_on_trust(shop)
    await judged(shop, "confirmed")
    await asyncio.sleep(0.5)
    async with shop.browser() as browser:
        assert await is_online(browser)
    assert await DB.value("SELECT count(*) FROM vouchers") == 1
    assert await DB.value("SELECT sum(amount_cents) FROM ledger_entries") == 0
