"""What must always be true, asked of the rows themselves: each question answers with the rows that break it.

I1 what is paid for has its voucher, I2 the ledger balances, I3 a receipt counts once, I4 what may be used has a cause,
I5 what may be used is to be let in, I6 nobody holds work and is silent, I7 callbacks are handled, I8 the history is unaltered."""

import logging
import time
from collections.abc import Collection
from datetime import UTC, datetime

import msgspec

from portal import alerts
from portal.db import DB, atomic
from portal.invariants import audit
from portal.invariants.questions import BOUNDED, QUESTIONS

log = logging.getLogger(__name__)

KIND = "invariant"
HISTORY = "I8 the history was altered"
NAMES = (*QUESTIONS, HISTORY)
#: Rows of each large table a look between the nightly ones reads, the newest.
NEWEST = 20_000
LONGEST_S = 600.0
#: Rows named per breach, at most.
NAMED = 50


class Breach(msgspec.Struct, frozen=True):
    """An invariant that is broken, and by which rows (the first fifty)."""

    invariant: str
    rows: list[str]


class Look(msgspec.Struct, frozen=True):
    """One look: what is broken, and what each question took, in milliseconds."""

    breaches: list[Breach]
    took_ms: dict[str, float]


async def breaches(*, now: datetime | None = None, besides: Collection[str] = ()) -> list[Breach]:
    """Every invariant that is broken now, in all rows there are; empty when all is as it should be. `besides` names
    invariants, by the start of their names, that are not asked."""
    return (await look(whole=True, now=now, besides=besides)).breaches


async def look(*, whole: bool, now: datetime | None = None, besides: Collection[str] = ()) -> Look:
    """Ask everything: of all rows, or of what is live and the newest. Reads only; `now` is the real time unless given."""
    now = now or datetime.now(UTC)
    lowest = await _lowest(whole=whole)
    found: list[Breach] = []
    took: dict[str, float] = {}
    for name in NAMES:
        if name.startswith(tuple(besides)):
            continue
        began = time.perf_counter()
        rows = await _ask(name, lowest, whole=whole, now=now)
        took[name] = round((time.perf_counter() - began) * 1000, 1)
        if rows:
            found.append(Breach(name, rows))
    return Look(found, took)


async def _ask(name: str, lowest: dict[str, int], *, whole: bool, now: datetime) -> list[str]:
    if name == HISTORY:
        return (await audit.broken(whole=whole))[:NAMED]
    question = f"{QUESTIONS[name].format(**lowest)} LIMIT {NAMED}"
    asked = (now,) if "$1" in question else ()
    # Of all rows there are, a question may take longer than any other statement of ours.
    return [row[0] for row in await DB.opened.fetch(question, *asked, timeout=LONGEST_S if whole else None)]


async def _lowest(*, whole: bool) -> dict[str, int]:
    if whole:
        return dict.fromkeys(BOUNDED, 0)
    columns = ", ".join(f"(SELECT coalesce(max(id), 0) FROM {table}) AS {table}" for table in BOUNDED)
    row = await DB.row(f"SELECT {columns}")
    assert row is not None
    return {table: row[table] - NEWEST for table in BOUNDED}


async def watch(*, whole: bool, now: datetime) -> Look:
    """Look, seal the history, and tell: an alert and a log line when an invariant begins to be broken, and when it holds again.

    What only a whole look can see stays open until a whole look finds it mended."""
    seen = await look(whole=whole, now=now)
    await audit.seal()
    broken = {breach.invariant: breach.rows for breach in seen.breaches}
    kept = set() if whole else {alert.subject for alert in await broken_now() if alert.data.get("whole")}
    async with atomic() as tx:
        for name in NAMES:
            if name in broken:
                data = {"rows": broken[name], "whole": whole}
                if await alerts.begin(tx, KIND, name, now=now, data=data):
                    log.error("invariant broken", extra={"invariant": name, "rows": broken[name][:5]})
            elif name not in kept and await alerts.end(tx, KIND, name, now=now):
                log.warning("invariant holds again", extra={"invariant": name})
    return seen


async def metrics(seen: Look) -> str:
    """A look as Prometheus reads it: `ledger_imbalance_cents`, and `invariant_violations` by name."""
    imbalance = await DB.value("SELECT coalesce(sum(amount_cents), 0)::bigint FROM ledger_entries")
    broken = {breach.invariant: len(breach.rows) for breach in seen.breaches}
    lines = [
        "# TYPE ledger_imbalance_cents gauge",
        f"ledger_imbalance_cents {imbalance}",
        "# TYPE invariant_violations gauge",
    ]
    lines += [f'invariant_violations{{name="{name}"}} {broken.get(name, 0)}' for name in seen.took_ms]
    return "\n".join([*lines, ""])


async def broken_now() -> list[alerts.AlertView]:
    """The invariants known to be broken, the oldest first."""
    return await alerts.open_now(KIND)
