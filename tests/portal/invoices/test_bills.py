"""Invoices of subscribers' bills, and what the platform took in a month."""

from datetime import timedelta
from typing import Any

import httpx
import pytest
from litestar import Litestar

from portal import ledger
from portal.clock import Clock
from portal.db import DB
from portal.errors import Conflict, Forbidden, NotFound
from portal.identity import Role
from portal.invoices import bills, looks, taxes
from portal.invoices.commission import commission
from portal.invoices.papers import Kind
from portal.subscribers import deciding, links
from portal.subscribers import looks as subscriber_looks
from tests import factories
from tests.portal.invoices.test_receipts import FORM, refunded
from tests.portal.payments.stall import actor
from tests.portal.refunds.till import Till
from tests.portal.subscribers.village import Village, local


async def first_bill(village: Village, subscriber: int) -> int:
    return await DB.value("SELECT min(id) FROM subscriber_bills WHERE subscriber_id = $1", subscriber)


async def test_an_invoice_says_for_which_days_and_to_whom(village: Village) -> None:
    await taxes.change(village.owner, FORM, now=village.now)
    njeri = await village.moves_in(billing_day="21")
    await village.pays(njeri, 1500)
    paper = await bills.make(village.owner, await first_bill(village, njeri), now=village.now)
    (line,) = paper.content.lines
    assert (paper.kind, paper.name) == (Kind.INVOICE, "INV-2026-00001")
    assert (line.name, line.days, line.cents, line.vat_cents) == ("Home 10", "21/11/2026 – 20/12/2026", 150_000, 20_690)
    assert (paper.content.buyer_name, paper.content.buyer) == ("Mama Njeri", "0712 ••• 678")
    assert await bills.make(village.owner, await first_bill(village, njeri), now=village.now) == paper


async def test_what_is_cut_off_a_bill_afterwards_is_a_credit_note(village: Village) -> None:
    await taxes.change(village.owner, FORM, now=village.now)
    njeri = await village.moves_in(billing_day="21")
    await village.pays(njeri, 1500)
    bill = await first_bill(village, njeri)
    paper = await bills.make(village.owner, bill, now=village.now)
    cheaper = await factories.package(
        village.merchant_id, name="Home 5", price_cents=90_000, duration_s=2_678_400, period="month"
    )
    village.now = local("2026-11-30")
    await deciding.change_package(village.owner, njeri, cheaper, at_once=True, now=village.now)
    assert (await looks.of_bill(bill)).lacks_credit_note
    await bills.make(village.owner, bill, now=village.now)
    await bills.make(village.owner, bill, now=village.now)
    _, note = (await looks.of_bill(bill)).papers
    stands = await DB.value("SELECT amount_cents - returned_cents FROM subscriber_bills WHERE id = $1", bill)
    assert (note.kind, note.content.of) == (Kind.CREDIT, paper.name)
    assert paper.total_cents - note.total_cents == stands
    assert 0 < note.vat_cents < paper.vat_cents


async def test_all_bills_get_their_invoices_in_order_and_once(village: Village) -> None:
    for number in range(3):
        await village.moves_in(billing_day="21", phone=f"071234567{number}")
    assert await bills.count_without(village.owner) == 3
    with pytest.raises(Forbidden):
        await bills.make_all(actor(village.merchant_id, role=Role.CASHIER), now=village.now)
    assert await bills.make_all(village.owner, now=village.now) == 3
    assert await bills.make_all(village.owner, now=village.now) == 0
    rows = await DB.fetch("SELECT serial, bill_id FROM papers ORDER BY serial")
    assert [row["serial"] for row in rows] == [1, 2, 3]
    assert [row["bill_id"] for row in rows] == sorted(row["bill_id"] for row in rows)


async def test_a_dropped_bill_has_no_invoice_and_a_strangers_is_not_there(village: Village) -> None:
    njeri = await village.moves_in(billing_day="21")
    bill = await first_bill(village, njeri)
    with pytest.raises(NotFound):
        await bills.make(actor(await factories.merchant("Rival")), bill, now=village.now)
    await DB.fetch("UPDATE subscriber_bills SET status = 'dropped' WHERE id = $1", bill)
    with pytest.raises(Conflict):
        await bills.make(village.owner, bill, now=village.now)


async def test_the_commission_statement_says_what_the_ledger_says(till: Till) -> None:
    stall, month = till.stall, f"{till.clock.now():%Y-%m}"
    await operators_taxes(till)
    await till.sale(cents=100_000)
    attempt, _ = await till.sale(cents=100_000)
    await till.sale(cents=100_000, phone="254708374150")
    await refunded(till, attempt.payment_id)
    shown = await commission(till.owner, month)
    assert shown.commission_cents == -await ledger.balance(stall.merchant_id, "commission")
    assert shown.payout_fees_cents == -await ledger.balance(stall.merchant_id, "payout_fees")
    assert shown.sms_cents == -await ledger.balance(stall.merchant_id, "sms_cost")
    assert [(line.way, line.rate_bp) for line in shown.lines] == [("stk", 2000)]
    assert (shown.sold_cents, shown.commission_cents) == (200_000, 40_000)
    assert (shown.by.legal_name, shown.by.pin) == ("Vocha Ltd", "P051234567X")
    assert shown.vat_cents == 5517  # 16/116 of KES 400
    till.clock.shift(timedelta(days=62))
    later = await commission(till.owner, f"{till.clock.now():%Y-%m}")
    assert (later.lines, later.total_cents) == ([], 0)


async def operators_taxes(till: Till) -> None:
    """The platform says who it is."""
    olive = actor(None, role=None, user_id=9, is_operator=True)
    form: dict[str, Any] = FORM | {"legal_name": "Vocha Ltd"}
    await taxes.change(olive, form, now=till.clock.now(), is_platforms=True)
    with pytest.raises(NotFound):
        await taxes.change(till.owner, form, now=till.clock.now(), is_platforms=True)


async def test_fees_of_payouts_and_bills_are_on_the_statement(village: Village) -> None:
    await DB.fetch("UPDATE merchants SET commission_bp = 1000 WHERE id = $1", village.merchant_id)
    njeri = await village.moves_in(billing_day="21")
    await village.pays(njeri, 1500)
    shown = await commission(village.owner, "2026-11")
    assert [(line.way, line.rate_bp, line.sold_cents, line.commission_cents) for line in shown.lines] == [
        ("bill", 1000, 150_000, 15_000)
    ]
    assert shown.commission_cents == -await ledger.balance(village.merchant_id, "commission")
    with pytest.raises(Forbidden):
        await commission(actor(village.merchant_id, role=Role.CASHIER), "2026-11")


async def test_a_customer_opens_the_invoice_from_the_own_page(
    village: Village, app: Litestar, client: httpx.AsyncClient, clock: Clock
) -> None:
    njeri = await village.moves_in(billing_day="21")
    one = await subscriber_looks.full(njeri, now=clock.now())
    page = await client.get(links.path(one, app.state["signer"], now=clock.now()))
    link = page.text.split('href="/r/', 1)[1].split('"', 1)[0]
    shown = await client.get(f"/r/{link}")
    assert "INV-" in shown.text
    assert "Mama Njeri" in shown.text
    assert await DB.value("SELECT count(*) FROM papers") == 1
    assert (await client.get(f"/r/{link}")).text == shown.text
