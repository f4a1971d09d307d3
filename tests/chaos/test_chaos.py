"""The chaos run itself: its plan repeats by its seed, its comparison sees every kind of loss, and 120 payments with three deaths hold."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from bench.chaos import books, plan, planted

ROOT = Path(__file__).parents[2]


def test_one_seed_gives_one_plan() -> None:
    drawn = plan.make(400, 6, seed=7, merchants=20)
    assert plan.make(400, 6, seed=7, merchants=20) == drawn
    assert plan.make(400, 6, seed=8, merchants=20) != drawn


def test_the_plan_hurts_three_in_ten_messages_and_kills_all_three() -> None:
    drawn = plan.make(10_000, 20, seed=1, merchants=100)
    mishaps = drawn.mishaps()
    total = sum(mishaps.values())
    assert 0.28 < (total - mishaps[""]) / total < 0.32
    assert set(mishaps) == {"", *plan.FAULTS}
    assert {death.victim for death in drawn.kills} == set(plan.VICTIMS)
    assert len(drawn.kills) == 20
    assert len({sale.phone for sale in drawn.sales}) == len({sale.mac for sale in drawn.sales}) == 10_000
    assert {sale.answer for sale in drawn.sales} == {"pin", *plan.ANSWERS}


@pytest.mark.parametrize(
    ("taken", "booked", "sales", "voucher", "grants", "found"),
    [
        (1000, 1000, 1, True, 1, "matched"),
        (0, 0, 0, False, 0, "matched"),
        (600, 600, 0, False, 0, "matched"),
        (1000, 0, 0, False, 0, "lost"),
        (1000, 1000, 0, False, 0, "lost"),
        (1500, 1000, 1, True, 1, "lost"),
        (0, 1000, 1, True, 1, "double"),
        (1000, 2000, 1, True, 1, "double"),
        (1000, 1000, 2, True, 1, "double"),
        (600, 600, 1, True, 1, "double"),
        (1000, 1000, 1, False, 0, "odd"),
        (1000, 1000, 1, True, 0, "odd"),
        (1000, 1000, 1, True, 2, "odd"),
    ],
)
def test_the_comparison_sees(taken: int, booked: int, sales: int, voucher: bool, grants: int, found: str) -> None:
    verdict = books.Verdict()
    ours: dict[str, object] = {
        "price_cents": 1000, "booked": booked, "sales": sales, "has_voucher": voucher, "paid": sales, "grants": grants,
    }  # fmt: skip
    books.judge(verdict, "REF", ours, taken)
    at = {"lost": verdict.lost, "double": verdict.double, "odd": verdict.odd}
    assert [name for name, lines in at.items() if lines] == ([] if found == "matched" else [found])
    assert verdict.matched == (found == "matched")
    assert verdict.is_clean == (found == "matched")


def test_a_hundred_payments_and_three_deaths_lose_nothing() -> None:
    """In processes of its own, on a database of its own; web, worker and database die once each."""
    drawn = plan.make(120, 3, seed=9, merchants=20)
    assert set(drawn.mishaps()) == {"", *plan.FAULTS}
    assert {sale.answer for sale in drawn.sales} == {"pin", *plan.ANSWERS}
    command = [sys.executable, "-m", "bench", "chaos", "--size", "brief", "--json", "--seed", "9"]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=570)
    assert ran.stdout.strip(), ran.stderr[-3000:]
    result = json.loads(ran.stdout.splitlines()[-1])
    assert result["ok"], (result["figures"], ran.stderr[-3000:])
    assert result["figures"]["payments"] == 120
    assert result["figures"]["deaths"] == 3
    assert result["figures"]["money_rows"] > 20


@pytest.mark.parametrize("words", ["no such bug", "a"])
def test_a_bug_to_plant_must_be_named_plainly(words: str) -> None:
    with pytest.raises(LookupError):
        planted.named(words)
