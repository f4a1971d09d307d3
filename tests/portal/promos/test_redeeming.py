"""Using promos: the price shown is the price asked for, limits hold however many come at once, and late money keeps its promise."""

import asyncio
from datetime import timedelta

import pytest

from portal import payments, promos
from portal.db import DB
from portal.errors import Invalid, TooMany, Unavailable
from portal.invariants import QUESTIONS
from portal.payments import Settled
from portal.promos import redeeming
from tests import factories
from tests.portal.promos.conftest import NAIROBI, Stall


async def refusal(attempt: object) -> str:
    with pytest.raises(Invalid) as refused:
        await attempt  # type: ignore[misc]
    return refused.value.fields["promo"]


async def test_the_price_that_was_shown_is_frozen_and_asked_for(stall: Stall) -> None:
    promo = await stall.promo()
    token = await stall.buy()
    row = await DB.row(
        """SELECT c.price_cents, p.amount_cents, r.price_cents AS full, r.off_cents, r.phone FROM checkouts c
           JOIN payments p ON p.checkout_id = c.id JOIN redemptions r ON r.checkout_id = c.id"""
    )
    assert row is not None
    assert tuple(row.values()) == (4000, 4000, 5000, 1000, "254712340001")
    assert await stall.standing(promo) == (0, 1), "held while the payment is under way"
    await DB.fetch("UPDATE promos SET percent = 90")
    assert await stall.pays(token, receipt="SKL4H7T2QA") is Settled.SOLD
    assert await stall.standing(promo) == (1, 0)
    sums = await DB.fetch(
        "SELECT account, sum(amount_cents)::bigint AS cents FROM ledger_entries GROUP BY 1 ORDER BY 1"
    )
    assert {row["account"]: row["cents"] for row in sums}["merchant_payable"] == -3200, "commission is of what was paid"


async def test_a_price_changed_since_it_was_shown_is_refused_not_asked_for(stall: Stall) -> None:
    await stall.promo()
    shown = await stall.quote()
    await DB.fetch("UPDATE promos SET percent = 10")
    assert await refusal(stall.buy(offer=shown)) == redeeming.CHANGED
    assert await DB.value("SELECT count(*) FROM checkouts") == 0, "nothing is begun"


async def test_twenty_at_once_use_five_and_no_more(stall: Stall) -> None:
    promo = await stall.promo(most_uses="5")
    shown = await stall.quote()
    outcomes = await asyncio.gather(*(stall.buy(n=n, offer=shown) for n in range(1, 21)), return_exceptions=True)
    refused = [each for each in outcomes if isinstance(each, Invalid)]
    assert len(refused) == 15
    assert {each.fields["promo"] for each in refused} == {redeeming.USED_UP}
    assert await DB.value("SELECT count(*) FROM payments") == 5, "who is refused is not asked for money"
    assert await stall.standing(promo) == (0, 5)


async def test_a_payment_that_failed_gives_its_use_back(stall: Stall) -> None:
    promo = await stall.promo(most_uses="1")
    first = await stall.buy(n=1)
    assert await refusal(stall.buy(n=2)) == redeeming.USED_UP
    await stall.fails(first)
    assert await stall.standing(promo) == (0, 0)
    await stall.buy(n=2)
    assert await stall.standing(promo) == (0, 1)


async def test_late_success_wins_even_when_the_limit_was_reached_meanwhile(stall: Stall) -> None:
    promo = await stall.promo(most_uses="1")
    first = await stall.buy(n=1)
    await stall.fails(first, "1037")
    second = await stall.buy(n=2)
    assert await stall.pays(second, receipt="SKL4H7T2QB") is Settled.SOLD
    assert await stall.pays(first, receipt="SKL4H7T2QC") is Settled.SOLD
    assert await stall.standing(promo) == (2, 0), "both kept what they were promised"
    assert await refusal(stall.buy(n=3)) == redeeming.USED_UP


async def test_a_use_nobody_heard_of_again_is_given_back_after_half_an_hour(stall: Stall) -> None:
    promo = await stall.promo(most_uses="1")
    token = await stall.buy(n=1)
    await DB.fetch("UPDATE payments SET status = 'unknown'")
    assert await refusal(stall.buy(n=2)) == redeeming.USED_UP
    stall.clock.shift(timedelta(minutes=31))
    await stall.buy(n=2)
    await stall.pays(token, receipt="SKL4H7T2QD")
    assert await stall.standing(promo) == (1, 1)


async def test_one_number_uses_a_code_once_but_another_may(stall: Stall) -> None:
    await stall.promo()
    token = await stall.buy(n=1)
    assert await refusal(stall.quote(n=1)) == redeeming.USED_BY_YOU, "a payment with it is under way"
    await stall.pays(token, receipt="SKL4H7T2QE")
    assert await refusal(stall.quote(n=1)) == redeeming.USED_BY_YOU
    assert (await stall.quote(n=2)).price_cents == 4000


async def test_typing_somebodys_number_does_not_tell_whether_it_used_a_code(stall: Stall) -> None:
    await stall.promo()
    victim, stranger = "254712340001", 2
    before = await stall.quote(n=stranger, phone=victim)
    token = await stall.buy(n=1)
    assert await stall.quote(n=stranger, phone=victim) == before, "not while a payment is under way"
    await stall.pays(token, receipt="SKL4H7T2QF")
    assert await stall.quote(n=stranger, phone=victim) == before, "and not after it"
    begun = await stall.buy(n=stranger, offer=before, phone=victim)
    assert await DB.value("SELECT phone FROM checkouts WHERE token = $1", begun) == victim, (
        "its holder is asked for the PIN"
    )
    assert await refusal(stall.quote(n=stranger, phone=victim)) == redeeming.USED_BY_YOU, "its own try"


@pytest.mark.parametrize(("road", "payer", "is_told"), [
    ("stk_callback", None, True), ("c2b_confirmation", "254712340001", True), ("c2b_confirmation", "254733999999", False),
    ("c2b_confirmation", None, False),
])  # fmt: skip
async def test_a_number_that_was_paid_from_at_the_device_before_is_its_own(
    stall: Stall, road: str, payer: str | None, is_told: bool
) -> None:
    await stall.promo()
    await stall.pays(await stall.buy(n=1), receipt="SKL4H7T2QG")
    await stall.promo(code="OTHER20")
    await stall.pays(await stall.buy("OTHER20", n=2, phone="254712340001"), receipt="SKL4H7T2QH")
    await DB.fetch("UPDATE receipts SET phone = $1, roads = $2 WHERE receipt = 'SKL4H7T2QH'", payer, road)
    asked = stall.quote(n=2, phone="254712340001")
    if is_told:
        assert await refusal(asked) == redeeming.USED_BY_YOU
    else:
        assert (await asked).price_cents == 4000


async def test_one_number_many_times_at_once_uses_it_once(stall: Stall) -> None:
    await stall.promo()
    shown = await stall.quote()
    outcomes = await asyncio.gather(*(stall.buy(n=1, offer=shown, package=1) for _ in range(3)), return_exceptions=True)
    assert await DB.value("SELECT count(*) FROM redemptions") == 1
    began = {each for each in outcomes if isinstance(each, str)}
    refused = [each.fields["promo"] for each in outcomes if isinstance(each, Invalid)]
    assert len(began) == 1
    assert set(refused) <= {redeeming.USED_BY_YOU}
    assert len(refused) + sum(isinstance(each, str) for each in outcomes) == 3


async def test_the_form_posted_twice_at_once_is_one_checkout(stall: Stall) -> None:
    await stall.promo()
    shown = await stall.quote()

    async def post() -> str:
        stall.forms = 41  # each then takes 42
        return await stall.buy(offer=shown)

    tokens = await asyncio.gather(post(), post(), post())
    assert len(set(tokens)) == 1
    assert await DB.value("SELECT count(*) FROM payments") == 1


async def test_days_are_whole_ones_where_the_merchant_is(stall: Stall) -> None:
    local = stall.clock.now().astimezone(NAIROBI)
    tomorrow = (local + timedelta(days=1)).date()
    await stall.promo(**{"from": str(tomorrow), "until": str(tomorrow)})
    assert await refusal(stall.quote()) == redeeming.NO_SUCH, "what has not begun is not there yet"
    row = await DB.row("SELECT starts_at, ends_at FROM promos")
    assert row is not None
    assert row["starts_at"].astimezone(NAIROBI).isoformat() == f"{tomorrow}T00:00:00+03:00"
    stall.clock.shift(row["starts_at"] - stall.clock.now())
    assert (await stall.quote()).price_cents == 4000
    stall.clock.shift(row["ends_at"] - stall.clock.now())
    assert await refusal(stall.quote()) == redeeming.IS_OVER


async def test_a_code_is_good_for_its_packages_and_prices_only(stall: Stall) -> None:
    await stall.promo([stall.package_ids[1]], code="DAYONLY")
    await stall.promo(code="FROM20", least_price="20")
    await stall.promo(code="TEN", kind="amount", amount="10")
    for code in ("DAYONLY", "FROM20"):
        assert await refusal(stall.quote(code, package=0)) == redeeming.NOT_FOR_THIS
        assert (await stall.quote(code)).price_cents == 4000
    assert (await stall.quote("TEN", package=0)).price_cents == 100, "one shilling is left to pay"


async def test_codes_of_others_stopped_and_unknown_ones_are_told_alike(stall: Stall) -> None:
    promo = await stall.promo()
    await DB.fetch("UPDATE promos SET merchant_id = $1, code = 'THEIRS'", await factories.merchant("Other"))
    mine = await stall.promo(code="MINE99")
    await promos.stop(stall.owner, mine, now=stall.clock.now())
    for code in ("THEIRS", "MINE99", "NOBODYS", "x", "%%%%"):
        assert await refusal(stall.quote(code)) == redeeming.NO_SUCH, code
    assert promo


async def test_guessing_is_counted_whether_codes_are_right_or_wrong(stall: Stall) -> None:
    await stall.promo()
    for n in range(redeeming.TRIES_PER_DEVICE[0]):
        assert await refusal(stall.quote(f"GUESS{n}", n=7)) == redeeming.NO_SUCH
    with pytest.raises(TooMany):
        await stall.quote(n=7)
    assert (await stall.quote(n=8)).price_cents == 4000, "others are not kept from theirs"


async def test_a_whole_router_of_guessers_is_stopped_too(stall: Stall) -> None:
    await stall.promo()
    for n in range(redeeming.TRIES_PER_ROUTER[0]):
        await refusal(stall.quote(f"GUESS{n}", n=n))
    with pytest.raises(TooMany):
        await stall.quote(n=900)


async def test_free_is_a_voucher_without_payment_or_posting_and_lets_the_device_in(stall: Stall) -> None:
    promo = await stall.promo(code="GIFT100", percent="100", most_uses="2")
    token = await stall.buy("GIFT100")
    row = await DB.row(
        """SELECT v.status, v.price_cents, g.mac, c.phone FROM checkouts c JOIN vouchers v ON v.id = c.voucher_id
           JOIN access_grants g ON g.voucher_id = v.id WHERE c.token = $1""",
        token,
    )
    assert row is not None
    assert tuple(row.values()) == ("paid", 0, "A4:5E:60:22:00:01", "")
    assert await DB.value("SELECT count(*) FROM payments") + await DB.value("SELECT count(*) FROM ledger_postings") == 0
    assert await stall.standing(promo) == (1, 0)
    broken = {name: QUESTIONS[name] for name in QUESTIONS if name.startswith("I4")}
    for name, question in broken.items():
        bounded = question.replace("{vouchers}", "0").replace("{payments}", "0").replace("{checkouts}", "0")
        assert await DB.fetch(bounded) == [], name


async def test_free_is_once_per_device_and_ends_with_its_limit(stall: Stall) -> None:
    await stall.promo(code="GIFT100", percent="100", most_uses="2")
    await stall.buy("GIFT100", n=1)
    assert await refusal(stall.quote("GIFT100", n=1, phone="254799999999")) == redeeming.USED_BY_YOU, "another number"
    shown = await stall.quote("GIFT100", n=2)
    outcomes = await asyncio.gather(
        *(stall.buy("GIFT100", n=n, offer=shown) for n in (2, 3, 4)), return_exceptions=True
    )
    assert sum(isinstance(each, Invalid) for each in outcomes) == 2
    assert await DB.value("SELECT count(*) FROM vouchers") == 2


async def test_a_device_gets_two_free_packages_a_day_whatever_the_promos(stall: Stall) -> None:
    for n in range(3):
        await stall.promo(code=f"GIFT10{n}", percent="100", most_uses="9")
    for n in range(2):
        await stall.buy(f"GIFT10{n}")
    with pytest.raises(TooMany):
        await stall.buy("GIFT102")
    stall.clock.shift(timedelta(days=1))
    await stall.buy("GIFT102")


async def test_nothing_is_given_away_while_the_router_is_away(stall: Stall) -> None:
    await stall.promo(code="GIFT100", percent="100", most_uses="9")
    stall.router = await factories.router(stall.vault, stall.router.merchant_id, name="Dead", status="offline")
    with pytest.raises(Unavailable):
        await stall.buy("GIFT100")


async def test_part_of_the_price_by_hand_keeps_the_use(stall: Stall) -> None:
    promo = await stall.promo(most_uses="1")
    token = await stall.buy(n=1)
    payment_id = await stall.payment(token)
    await DB.fetch("UPDATE payments SET status = 'unknown', received_cents = 500 WHERE id = $1", payment_id)
    stall.clock.shift(timedelta(hours=5))
    assert await stall.standing(promo) == (0, 1)
    assert payments
