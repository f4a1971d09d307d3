"""M-Pesa asks whether to take a payment by hand: answered at once, whatever the database does."""

import asyncio
import json
import time
from typing import Any

import pytest

from portal import codes
from portal.callbacks import Checker
from portal.db import DB, atomic
from portal.mpesa.c2b import Validation
from tests.portal.callbacks.conftest import Counter, confirmation


async def ask(counter: Counter, name: str, reference: str) -> dict[str, Any]:
    answer = await counter.post(f"/cb/{name}/check", confirmation(reference))
    assert answer.status_code == 200
    return json.loads(answer.content)


async def test_any_payment_is_welcome_unless_the_merchant_says_otherwise(counter: Counter) -> None:
    assert await ask(counter, await counter.account_name(), "NOBODYS") == {"ResultCode": "0", "ResultDesc": "Accepted"}


async def test_a_merchant_may_refuse_references_nobody_knows(counter: Counter) -> None:
    await DB.fetch("UPDATE merchants SET unknown_reference = 'refuse'")
    payment = await counter.pending()
    known = await DB.value("SELECT account_reference FROM payments WHERE id = $1", payment.id)
    name = await counter.account_name()
    assert (await ask(counter, name, "NOBODYS"))["ResultCode"] == "C2B00012"
    assert (await ask(counter, name, f" {known.lower()} "))["ResultCode"] == "0"


async def test_a_question_moves_nothing(counter: Counter) -> None:
    await ask(counter, await counter.account_name(), "NOBODYS")
    assert await DB.value("SELECT count(*) FROM callbacks") == 0
    assert await counter.granted() == 0


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"x" * 300_000])
async def test_an_unreadable_question_is_answered_with_yes(counter: Counter, body: bytes) -> None:
    await DB.fetch("UPDATE merchants SET unknown_reference = 'refuse'")
    answer = await counter.post(f"/cb/{await counter.account_name()}/check", body)
    assert (answer.status_code, answer.json()["ResultCode"]) == (200, "0")


async def test_an_address_of_nobody_is_404(counter: Counter) -> None:
    payment = await counter.pending()
    for name in ("0" * 64, payment.token, "x"):
        assert (await counter.post(f"/cb/{name}/check", confirmation("A"))).status_code == 404


@pytest.mark.parametrize("is_remembered", [False, True])
async def test_with_a_silent_database_the_answer_is_yes_long_before_mpesa_gives_up(
    counter: Counter, is_remembered: bool
) -> None:
    """Case 42."""
    await DB.fetch("UPDATE merchants SET unknown_reference = 'refuse'")
    name = await counter.account_name()
    checker, question = Checker(), confirmation(codes.payment_reference())
    if is_remembered:
        assert await checker.check(name, question, now=counter.clock.now()) is Validation.BAD_ACCOUNT
    async with atomic() as tx:
        await tx.execute("LOCK TABLE callback_addresses, payments IN ACCESS EXCLUSIVE MODE")
        began = time.monotonic()
        answers = await asyncio.gather(*(checker.check(name, question, now=counter.clock.now()) for _ in range(3)))
        assert time.monotonic() - began < 4, "M-Pesa waits eight seconds"
    assert answers == [Validation.ACCEPT] * 3
    await checker.settle()


async def test_a_policy_is_remembered_for_a_minute(counter: Counter) -> None:
    name, checker = await counter.account_name(), Checker()
    assert await checker.check(name, b"", now=counter.clock.now()) is Validation.ACCEPT
    await checker.settle()
    await DB.fetch("DELETE FROM callback_addresses")
    assert await checker.check(name, b"", now=counter.clock.now()) is Validation.ACCEPT
    assert await Checker().check(name, b"", now=counter.clock.now()) is None


async def kept(counter: Counter, many: int = 1) -> list[dict[str, Any]]:
    """The questions that were written down, once there are so many."""
    rows = []
    for _ in range(200):
        rows = await DB.fetch("SELECT * FROM c2b_questions ORDER BY id")
        if len(rows) >= many:
            break
        await asyncio.sleep(0.01)
    return [dict(row) for row in rows]


async def test_what_was_asked_and_answered_and_why_is_kept(counter: Counter) -> None:
    name = await counter.account_name()
    await DB.fetch("UPDATE merchants SET unknown_reference = 'refuse'")
    payment = await counter.pending()
    known = await DB.value("SELECT account_reference FROM payments WHERE id = $1", payment.id)
    for reference in ("NOBODYS", known):
        await ask(counter, name, reference)
    await counter.post(f"/cb/{name}/check", b"{")
    found = await kept(counter, 3)
    assert {(row["typed"], row["answer"], row["why"]) for row in found} == {
        ("NOBODYS", "C2B00012", "unknown"), (known, "0", "known"), ("", "0", "unreadable"),
    }  # fmt: skip
    assert {row["merchant_id"] for row in found} == {counter.merchant_id}
    assert {row["amount_cents"] for row in found} == {1000, None}


async def test_a_shop_that_takes_everything_keeps_that_it_said_yes(counter: Counter) -> None:
    await ask(counter, await counter.account_name(), "NOBODYS")
    [row] = await kept(counter)
    assert (row["answer"], row["why"]) == ("0", "policy")


async def test_a_flood_of_questions_is_answered_and_not_kept_without_end(counter: Counter) -> None:
    name, checker = await counter.account_name(), Checker()
    await checker.check(name, confirmation("A"), now=counter.clock.now())
    await checker.settle()
    async with atomic() as tx:
        await tx.execute("LOCK TABLE c2b_questions IN ACCESS EXCLUSIVE MODE")
        asked = [checker.check(name, confirmation("A"), now=counter.clock.now()) for _ in range(70)]
        assert set(await asyncio.gather(*asked)) == {Validation.ACCEPT}
    await checker.settle()
    assert await DB.value("SELECT count(*) FROM c2b_questions") == 51
