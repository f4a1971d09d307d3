"""Thousands of payments, three in ten messages lost, late, copied, forged …, and deaths by -9: nothing lost, nothing double."""

import asyncio
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from bench.chaos import books, plan
from bench.chaos.crowd import Crowd
from bench.chaos.stage import Stage, stage_set
from bench.result import Result

BAR = {"lost": 0, "double": 0, "imbalance_cents": 0, "settled_within_s": 300}


@dataclass(frozen=True)
class Size:
    """`merchants`: M-Pesa lets an app ask about five payments a minute; each merchant is an app. `late_s`: the latest message;
    so long a prompt waits for its payer, too. `patience_s`: so long a customer waits for the prompt. `pull_after_s`: M-Pesa's own
    lists are looked at last, when callbacks and questions had their time: in service that is once a night."""

    payments: int
    deaths: int
    merchants: int
    late_s: float = plan.LATE_S
    patience_s: float = 40.0
    pull_after_s: float = 0.0


SIZES = {
    "brief": Size(120, 3, 20, late_s=3.0, patience_s=20.0),
    "quick": Size(500, 6, 40, late_s=8.0),
    "usual": Size(10_000, 20, 100, pull_after_s=60.0),
    "full": Size(100_000, 50, 300, pull_after_s=120.0),
}
PULL_AGAIN_S = 60.0
#: With a bug planted money may never be settled: so long is waited for it then.
PLANTED_WITHIN_S = 60.0


async def run(
    quick: bool, *, size: str = "", seed: int | None = None, sql: str = "", is_planted: bool = False
) -> Result:
    """Play a plan to its end, wait until everything is settled, and compare the books. The seed is printed; it gives the same
    plan again, though not the same instant of each process's work when it dies. `sql`: what a planted bug does to the schema."""
    seed = int(time.time()) % 1_000_000 if seed is None else seed
    chosen = SIZES[size or ("quick" if quick else "usual")]
    drawn = plan.make(chosen.payments, chosen.deaths, seed=seed, merchants=chosen.merchants, late_s=chosen.late_s)
    sys.stderr.write(
        f"seed {seed}: {chosen.payments} payments, {chosen.deaths} deaths, messages: {dict(drawn.mishaps())}\n"
    )
    within_s = PLANTED_WITHIN_S if is_planted else BAR["settled_within_s"]
    with tempfile.TemporaryDirectory(prefix="vocha-chaos-") as folder:
        async with stage_set(Path(folder), drawn, sql=sql) as stage:
            return await play(stage, drawn, chosen, within_s=within_s)


async def play(stage: Stage, drawn: plan.Plan, size: Size, *, within_s: float) -> Result:
    """All of a plan on a stage, and the verdict."""
    crowd = Crowd(stage, drawn, patience_s=size.patience_s)
    began = time.monotonic()
    async with asyncio.TaskGroup() as group:
        group.create_task(crowd.buy_everything())
        group.create_task(crowd.kill_all())
    await asyncio.sleep(drawn.late_s)  # the last late message
    await stage.is_ready()
    faults_end = time.monotonic()
    left, brought = await _settle(stage, pull_after_s=size.pull_after_s, within_s=within_s)
    settled = time.monotonic()
    verdict = await books.compare(stage)
    for name in ("lost", "double", "odd", "breaches"):
        for line in getattr(verdict, name)[:20]:
            sys.stderr.write(f"{name}: {line}\n")
    figures: dict[str, float | int] = {
        "seed": drawn.seed,
        "payments": len(drawn.sales),
        "mishaps": sum(drawn.mishaps().values()) - drawn.mishaps()[""],
        "deaths": stage.deaths,
        "rung": crowd.told.rung,
        "never_rung": crowd.told.unrung,
        "by_pull": brought,
        "money_rows": verdict.rows,
        "matched": verdict.matched,
        "lost": len(verdict.lost),
        "double": len(verdict.double),
        "odd": len(verdict.odd),
        "imbalance_cents": verdict.imbalance_cents,
        "clearing_off_cents": verdict.clearing_off_cents,
        "vouchers_off": verdict.vouchers_off,
        "invariants_broken": len(verdict.breaches),
        "still_open": sum(left.values()),
        "settled_within_s": round(settled - faults_end, 1),
        "sold_for_s": round(faults_end - began, 1),
        "payments_per_s": round(len(drawn.sales) / (faults_end - began - drawn.late_s), 1),
    }
    ok = verdict.is_clean and not any(left.values()) and stage.deaths == len(drawn.kills)
    return Result(
        "chaos",
        figures,
        {"payments": len(drawn.sales)},
        round(verdict.matched / len(drawn.sales), 4),
        dict(BAR),
        ok,
    )


async def _settle(stage: Stage, *, pull_after_s: float, within_s: float) -> tuple[dict[str, int], int]:
    """Until nothing is open any more, or its time is over; what is still open then, and how many payments M-Pesa's lists brought."""
    ends = time.monotonic() + within_s
    brought, pull_at = 0, time.monotonic() + pull_after_s
    while True:
        if time.monotonic() >= pull_at:
            brought += await stage.pull()
            pull_at = time.monotonic() + PULL_AGAIN_S
        left = await books.still_open(stage)
        if not any(left.values()) or time.monotonic() > ends:
            return left, brought
        await asyncio.sleep(1)
