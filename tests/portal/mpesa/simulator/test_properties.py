"""What must hold for any order of events: unique dated receipts, unique ids, books that add up."""

import asyncio
from datetime import UTC, datetime, timedelta
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from portal.mpesa.simulator import CannotPay, DarajaSimulator, Knobs, World, ids
from portal.mpesa.simulator.generator import Order, world_generator
from portal.mpesa.simulator.hand_payments import pay_by_hand
from portal.mpesa.simulator.records import DEFAULT_BALANCE_CENTS
from portal.mpesa.simulator.wallets import give_back, pay_out

from .conftest import Caller, StoppedClock

MOMENTS = st.datetimes(datetime(2017, 1, 1), datetime(2031, 12, 31)).map(lambda moment: moment.replace(tzinfo=UTC))
PHONES = ("254712345678", "254110345678", "254799000001")
DAYS = "123456789ABCDEFGHIJKLMNOPQRSTUV"


@given(moment=MOMENTS, serials=st.lists(st.integers(0, 36**7 - 1), min_size=2, max_size=40, unique=True))
def test_receipts_of_one_day_are_unique_and_tell_their_nairobi_day(moment: datetime, serials: list[int]):
    receipts = [ids.receipt(moment, serial) for serial in serials]
    assert len(set(receipts)) == len(serials)
    local = moment + timedelta(hours=3)
    for receipt in receipts:
        assert len(receipt) == 10
        assert receipt.isalnum()
        assert receipt == receipt.upper()
        year = (ord(receipt[0]) - ord("A") - local.year + 2006) % 26
        assert (year, ord(receipt[1]) - 64, DAYS.index(receipt[2]) + 1) == (0, local.month, local.day)


STEPS = st.lists(
    st.tuples(st.sampled_from(("pay", "payout", "reverse", "top_up")), st.sampled_from(PHONES), st.integers(1, 3_000)),
    max_size=40,
)


@settings(max_examples=60, deadline=None)
@given(steps=STEPS, opening=st.integers(0, 1_000_000), seed=st.integers(0, 10**6))
def test_books_add_up_after_any_steps(steps: list[tuple[str, str, int]], opening: int, seed: int):
    world = World.sandbox(clock=StoppedClock(), seed=seed)
    shortcode = world.shortcodes["174379"]
    shortcode.balance_cents = opening
    put_in = dict.fromkeys(PHONES, DEFAULT_BALANCE_CENTS)
    for verb, msisdn, amount in steps:
        phone = world.phone(msisdn)
        if verb == "pay":
            try:
                pay_by_hand(world, msisdn, "174379", amount=amount, account="A")
            except CannotPay:
                assert phone.balance_cents < amount * 100
        elif verb == "payout" and shortcode.balance_cents >= amount * 100:
            pay_out(world, phone, shortcode, cents=amount * 100, receipt=world.new_receipt(), conversation=("a", "b"))
        elif verb == "reverse":
            row = next(
                (row for row in world.ledger if row.kind == "c2b" and row.receipt not in world.reversed_receipts), None
            )
            if row and shortcode.balance_cents >= row.amount_cents:
                give_back(world, row, shortcode, receipt=world.new_receipt(), conversation=("a", "b"))
        elif verb == "top_up":
            put_in[msisdn] += DEFAULT_BALANCE_CENTS
            phone.balance_cents += DEFAULT_BALANCE_CENTS
    moved = sum(row.amount_cents for row in world.ledger)
    assert shortcode.balance_cents == opening + moved
    for msisdn in PHONES:
        own = sum(row.amount_cents for row in world.ledger if row.msisdn == msisdn)
        assert world.phone(msisdn).balance_cents == put_in[msisdn] - own
    running = opening
    for row in world.ledger:
        running += row.amount_cents
        assert row.shortcode_after_cents == running
    assert len({row.receipt for row in world.ledger}) == len(world.ledger) == len(world.rows)


@given(seed=st.integers(0, 2**32), count=st.integers(1, 200))
def test_conversation_ids_are_unique_and_dated(seed: int, count: int):
    random, moment = Random(seed), StoppedClock().now()
    made = {ids.conversation_id(moment, random) for _ in range(count)}
    assert len(made) == count
    assert all(one.startswith("AG_20261120_") and len(one) == 32 for one in made)


async def test_ids_stay_unique_when_everybody_asks_at_once(sim: DarajaSimulator, caller: Caller):
    await caller.register()
    sim.world.turn(auto_answer="pin")
    answers = await asyncio.gather(
        *(caller.push(PhoneNumber=f"2547000000{number:02}") for number in range(40)),
        *(caller.register() for _ in range(40)),
    )
    pushes, registrations = answers[:40], answers[40:]
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.json()["CheckoutRequestID"] for answer in pushes}) == 40
    request_ids = {answer.json()["MerchantRequestID"] for answer in pushes}
    request_ids |= {answer.json()["OriginatorCoversationID"] for answer in registrations}
    assert len(request_ids) == 80
    await sim.wait_settled()
    assert len({row.receipt for row in sim.world.ledger}) == 40


async def test_crowd_pays_and_every_confirmation_arrives(sim: DarajaSimulator, caller: Caller):
    await caller.register()
    started = await caller.http.post("/_sim/generator", json={"number": "174379", "count": 300, "per_second": 5_000})
    assert started.json()["is_running"]
    again = await caller.http.post("/_sim/generator", json={"number": "174379", "count": 1})
    assert again.status_code == 409
    tally = await world_generator(sim.world).finished()
    assert (tally.paid, tally.heard, tally.lost, tally.is_running) == (300, 300, 0, False)
    references = [heard.json["BillRefNumber"] for heard in caller.merchant.heard]
    assert sorted(references) == sorted(f"LOAD{number}" for number in range(300))
    assert len(sim.world.ledger) == 300
    assert (await caller.http.get("/_sim/generator")).json()["heard"] == 300


async def test_crowd_for_an_unknown_number_is_refused(caller: Caller):
    refused = await caller.http.post("/_sim/generator", json={"number": "999999", "count": 1})
    assert refused.status_code == 404
    assert Order(number="174379", count=1).per_second == 500


def test_seeded_worlds_agree_and_unseeded_ones_do_not():
    def receipts(seed: int | None) -> list[str]:
        world = World.sandbox(clock=StoppedClock(), seed=seed, knobs=Knobs())
        return [world.new_receipt() for _ in range(5)]

    assert receipts(3) == receipts(3)
    assert receipts(None) != receipts(None)
