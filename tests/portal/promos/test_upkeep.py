"""The nightly tidying: counts stay what they were, attempts go, old promos leave the list, and twice is once."""

from datetime import timedelta

import pytest

from portal import promos
from portal.db import DB
from portal.errors import Invalid
from portal.promos import upkeep
from tests.portal.promos.conftest import NAIROBI, Stall


async def tidy(stall: Stall) -> tuple[int, int, int]:
    done = await upkeep.tidy(now=stall.clock.now(), actor="job:clean-promos")
    return done.final, done.forgotten, done.archived


async def test_uses_are_counted_once_for_all_and_the_limit_still_holds(stall: Stall) -> None:
    promo = await stall.promo(most_uses="2", most_per_customer="1")
    for n in (1, 2):
        await stall.pays(await stall.buy(n=n), receipt=f"SKL4H7T2Q{n}")
    assert await tidy(stall) == (0, 0, 0), "too young"
    stall.clock.shift(timedelta(days=2))
    assert await tidy(stall) == (2, 0, 0)
    assert await tidy(stall) == (0, 0, 0), "twice is once"
    assert await stall.standing(promo) == (2, 0)
    with pytest.raises(Invalid):
        await stall.quote(n=3)
    page = await promos.page_of(stall.owner, promo, zone=NAIROBI, now=stall.clock.now())
    assert (page.taken_cents, page.given_cents, page.customers) == (8000, 2000, 2)


async def test_attempts_that_came_to_nothing_go_but_money_in_part_does_not(stall: Stall) -> None:
    await stall.promo(most_per_customer="")
    for n in (1, 2, 3):
        await stall.fails(await stall.buy(n=n))
    await DB.fetch("UPDATE payments SET received_cents = 500 WHERE id = (SELECT min(id) FROM payments)")
    await stall.pays(await stall.buy(n=4), receipt="SKL4H7T2QZ")
    stall.clock.shift(timedelta(days=29))
    assert (await tidy(stall))[1] == 0
    stall.clock.shift(timedelta(days=2))
    assert (await tidy(stall))[1] == 2
    assert await DB.value("SELECT count(*) FROM redemptions") == 2


async def test_a_promo_long_over_leaves_the_list_and_frees_its_code(stall: Stall) -> None:
    today = stall.clock.now().date()
    first = await stall.promo(until=str(today + timedelta(days=1)))
    await stall.pays(await stall.buy(), receipt="SKL4H7T2QY")
    stall.clock.shift(timedelta(days=80))
    assert (await tidy(stall))[2] == 0
    stall.clock.shift(timedelta(days=20))
    assert (await tidy(stall))[2] == 1
    assert await promos.latest(stall.owner, now=stall.clock.now()) == ([], None)
    again = await stall.promo()
    assert again != first
    assert await DB.value("SELECT count(*) FROM redemptions WHERE promo_id = $1", first) == 1, "what was sold stays"


async def test_lists_page_by_key(stall: Stall) -> None:
    made = [await stall.promo(code=f"CODE{n:02}") for n in range(5)]
    seen: list[int] = []
    before = None
    for _ in range(3):
        lines, before = await promos.latest(stall.owner, now=stall.clock.now(), before=before, most=2)
        seen += [line.id for line in lines]
    assert seen == made[::-1]
    assert before is None
