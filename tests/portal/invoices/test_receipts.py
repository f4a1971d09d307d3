"""Receipts: one for each payment, numbers without gaps whoever asks at once, never changed, and taken back by credit notes."""

import asyncio
from datetime import timedelta
from typing import Any

import asyncpg
import pytest

from portal import payments, refunds
from portal.db import DB, atomic
from portal.errors import Conflict, Forbidden, Invalid, NotFound
from portal.identity import Role
from portal.invoices import looks, receipts, taxes
from portal.invoices.papers import About, Content, Kind, Line, Paper, Seller, keep
from portal.refunds import Road, Scope
from tests import factories
from tests.portal.payments.stall import Stall, actor, receipt
from tests.portal.refunds.till import Till, wish

FORM = {
    "legal_name": "Kilimani Corner Ltd", "pin": "p051234567x", "has_vat": "yes", "vat": "16", "address": "P.O. Box 1, Nairobi",
    "receipt_prefix": "r", "invoice_prefix": "INV", "credit_prefix": "CN", "footer": "Asante",
}  # fmt: skip


async def sale(stall: Stall, cents: int = 1000) -> int:
    """A payment that was paid."""
    attempt = await stall.attempt(mac=f"02:11:22:33:44:{stall.phones:02}")
    await stall.stk(attempt, receipt(), cents=cents)
    return attempt.payment_id


async def registered(stall: Stall, **fields: Any) -> None:
    """The shop says who it is, and that 16 % VAT is in its prices."""
    await taxes.change(stall.owner, FORM | fields, now=stall.clock.now())


async def make(stall: Stall, payment_id: int) -> Paper:
    return await receipts.make(stall.owner, payment_id, now=stall.clock.now())


async def numbers(kind: str = "receipt") -> list[int]:
    return [row["serial"] for row in await DB.fetch("SELECT serial FROM papers WHERE kind = $1 ORDER BY serial", kind)]


async def test_a_receipt_says_who_sold_what_for_how_much_with_which_vat(stall: Stall) -> None:
    await registered(stall)
    paper = await make(stall, await sale(stall))
    year = stall.clock.now().year
    told = paper.content
    assert paper.name == f"R-{year}-00001"
    assert (told.seller.legal_name, told.seller.pin, told.footer) == ("Kilimani Corner Ltd", "P051234567X", "Asante")
    assert [(line.what, line.name, line.cents, line.vat_cents) for line in told.lines] == [
        ("package", "1 hour", 1000, 138)
    ]
    assert (paper.total_cents, paper.vat_cents) == (1000, 138)
    assert [(way.rail, way.cents) for way in told.ways] == [("mpesa", 1000)]
    assert told.ways[0].code.startswith("U8")
    assert "•••" in told.buyer


async def test_asked_again_it_is_the_same_one(stall: Stall) -> None:
    payment = await sale(stall)
    first = await make(stall, payment)
    assert await make(stall, payment) == first
    assert await DB.value("SELECT count(*) FROM events WHERE name = 'receipt_made'") == 1


async def test_numbers_asked_for_at_once_have_no_gaps_and_no_doubles(stall: Stall) -> None:
    sold = [await sale(stall) for _ in range(8)]
    made = await asyncio.gather(*(make(stall, payment) for payment in (*sold, *sold)))
    assert await numbers() == [1, 2, 3, 4, 5, 6, 7, 8]
    assert len({paper.id for paper in made}) == 8


class _Cut(Exception):  # noqa: N818
    pass


async def test_what_is_rolled_back_leaves_no_gap(stall: Stall) -> None:
    first, second = await make(stall, await sale(stall)), await sale(stall)
    with pytest.raises(_Cut):
        await _cut_short(second, stall)
    assert (await make(stall, second)).name == first.name[:-1] + "2"
    assert await numbers() == [1, 2]


async def _cut_short(payment_id: int, stall: Stall) -> None:
    """The number is given, and then something goes wrong before it is kept."""
    line = Line(what="package", cents=1000)
    seller = Seller(shop="S", legal_name="S", pin="", address="", phone="")
    content = Content(seller=seller, lines=[line], vat_bp=0, zone="Africa/Nairobi")
    about = About(merchant_id=stall.merchant_id, currency="KES", payment_id=payment_id)
    async with atomic() as tx:
        lost = await keep(tx, Kind.RECEIPT, content, about, taxes=taxes.Taxes(), actor="test", now=stall.clock.now())
        assert lost.name.endswith("-00002")
        raise _Cut


async def test_each_shop_and_each_year_counts_by_itself(stall: Stall) -> None:
    await make(stall, await sale(stall))
    stall.clock.shift(timedelta(days=400))
    later = await make(stall, await sale(stall))
    assert later.name == f"R-{stall.clock.now().year}-00001"
    other = await Stall.opened(stall.vault, stall.clock, account_id=stall.account_id)
    assert (await make(other, await sale(other))).name == later.name


async def test_later_settings_do_not_change_what_was_given(stall: Stall) -> None:
    await registered(stall)
    payment = await sale(stall)
    first = await make(stall, payment)
    await registered(stall, has_vat="no", legal_name="Another name", receipt_prefix="X")
    assert await make(stall, payment) == first
    assert (await make(stall, await sale(stall))).name == first.name.replace("R-", "X-")[:-1] + "2"


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE papers SET total_cents = 1", "UPDATE papers SET serial = 7", "UPDATE papers SET content = '{}'",
        "UPDATE papers SET control_number = 'A', vat_cents = 1", "DELETE FROM papers",
    ],
)  # fmt: skip
async def test_the_database_refuses_to_edit_a_paper(stall: Stall, statement: str) -> None:
    await make(stall, await sale(stall))
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await DB.fetch(statement)


async def test_what_was_paid_too_much_is_on_it_without_vat(stall: Stall) -> None:
    await registered(stall)
    paper = await make(stall, await sale(stall, 1500))
    assert [(line.what, line.cents, line.vat_cents) for line in paper.content.lines] == [
        ("package", 1000, 138),
        ("kept", 500, 0),
    ]
    assert paper.total_cents == sum(way.cents for way in paper.content.ways) == 1500


async def test_money_that_came_in_parts_is_one_receipt(stall: Stall) -> None:
    attempt = await stall.attempt()
    await stall.hand(attempt.reference, 400)
    with pytest.raises(Conflict):
        await make(stall, attempt.payment_id)
    await stall.hand(attempt.reference, 600)
    paper = await make(stall, attempt.payment_id)
    assert paper.total_cents == 1000
    assert sorted(way.cents for way in paper.content.ways) == [400, 600]


async def test_nothing_paid_has_no_receipt_and_no_number(stall: Stall) -> None:
    attempt = await stall.attempt()
    with pytest.raises(Conflict):
        await make(stall, attempt.payment_id)
    assert (await make(stall, await sale(stall))).name.endswith("-00001")


async def test_viewers_make_none_and_strangers_find_none(stall: Stall) -> None:
    payment = await sale(stall)
    with pytest.raises(Forbidden):
        await receipts.make(actor(stall.merchant_id, role=Role.VIEWER), payment, now=stall.clock.now())
    rival = actor(await factories.merchant("Rival"))
    with pytest.raises(NotFound):
        await receipts.make(rival, payment, now=stall.clock.now())
    paper = await make(stall, payment)
    with pytest.raises(NotFound):
        await looks.one(rival, paper.id)
    with pytest.raises(NotFound):
        await looks.of_payment(rival, payment)
    assert (await looks.latest(rival, looks.Wanted())).papers == []


async def test_cash_over_the_counter_has_a_receipt_too(stall: Stall) -> None:
    voucher, _ = await stall.voucher()
    await payments.sell_cash(stall.owner, voucher_id=voucher, vault=stall.vault, now=stall.clock.now())
    payment = await DB.value("SELECT id FROM payments WHERE voucher_id = $1", voucher)
    paper = await make(stall, payment)
    assert [(way.rail, way.code, way.cents) for way in paper.content.ways] == [("cash", "", 1000)]


async def test_a_refund_is_a_credit_note_with_the_vat_of_its_receipt(till: Till) -> None:
    stall = till.stall
    await registered(stall)
    attempt, _ = await till.sale(cents=100_000)
    paper = await make(stall, attempt.payment_id)
    await registered(stall, has_vat="no")
    await refunded(till, attempt.payment_id)
    standing = await looks.of_payment(till.owner, attempt.payment_id)
    assert standing.lacks_credit_note
    assert (await make(stall, attempt.payment_id)).id == paper.id
    await make(stall, attempt.payment_id)
    (_, note) = (await looks.of_payment(till.owner, attempt.payment_id)).papers
    assert (note.kind, note.name[:2], note.content.of) == (Kind.CREDIT, "CN", paper.name)
    assert (note.total_cents, note.vat_cents) == (paper.total_cents, paper.vat_cents) == (100_000, 13_793)
    assert not (await looks.of_payment(till.owner, attempt.payment_id)).lacks_credit_note


async def test_a_part_given_back_takes_its_share_of_the_vat(till: Till) -> None:
    stall = till.stall
    await registered(stall)
    attempt, _ = await till.sale(cents=100_000)
    paper = await make(stall, attempt.payment_id)
    await registered(stall, has_vat="no")
    part = wish(Road.CASH, scope=Scope.PART, amount_cents=40_000)
    refund = await refunds.request(till.owner, attempt.payment_id, part, now=till.clock.now())
    await refunds.given(till.owner, refund, note_text="to her own hand", now=till.clock.now())
    await make(stall, attempt.payment_id)
    (_, note) = (await looks.of_payment(till.owner, attempt.payment_id)).papers
    assert (note.total_cents, note.vat_cents, note.content.of) == (40_000, 5517, paper.name)


async def refunded(till: Till, payment_id: int) -> None:
    """The owner gives all of it back, and M-Pesa does it."""
    await refunds.request(till.owner, payment_id, wish(), now=till.clock.now())
    await till.turn(3)
    assert await till.status("payments", payment_id) == "refunded"


@pytest.mark.parametrize(
    ("field", "typed"),
    [
        ("pin", "P05123456X"), ("pin", "1051234567X"), ("vat", "31"), ("vat", "-1"), ("vat", ""), ("vat", "16.123"),
        ("legal_name", ""), ("legal_name", "x" * 121), ("receipt_prefix", ""), ("receipt_prefix", "R-1"),
        ("receipt_prefix", "INV"), ("address", "x" * 201), ("footer", "x" * 161),
    ],
)  # fmt: skip
async def test_a_wrong_tax_setting_is_named(stall: Stall, field: str, typed: str) -> None:
    with pytest.raises(Invalid) as refused:
        await registered(stall, **{field: typed})
    assert field in refused.value.fields


async def test_only_the_owner_changes_tax_settings_and_each_change_is_written_down(stall: Stall) -> None:
    with pytest.raises(Forbidden):
        await taxes.change(actor(stall.merchant_id, role=Role.MANAGER), FORM, now=stall.clock.now())
    assert await taxes.change(stall.owner, FORM, now=stall.clock.now())
    assert not await taxes.change(stall.owner, FORM, now=stall.clock.now())
    assert await DB.value("SELECT count(*) FROM events WHERE name = 'taxes'") == 1
    assert (await taxes.of(stall.merchant_id)).vat_bp == 1600
    assert await taxes.of(None) == taxes.Taxes()
