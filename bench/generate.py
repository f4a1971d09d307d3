"""Making 10,000 vouchers: codes, rows, sealed copies and their event, in one go as a form does and in the worker's bits; limit: a
bare COPY of the same rows."""

import gc
import resource
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from asyncpg import UniqueViolationError

from bench import cpu, house
from bench.result import Result
from portal import batches, codes
from portal.clock import Clock
from portal.db import DB, atomic, copy_in
from portal.identity import Actor, Role
from tests import factories

#: Rows a second against a bare COPY; seconds of the database's processors (they do not depend much on what else the machine does);
#: and how much the process may grow while it makes ten thousand more.
BAR = {"ratio": 0.25, "seconds_1000": 0.02, "seconds_10000": 0.2, "grown_mib": 8.0}
SIZE, TURNS = 10_000, 7
_COLUMNS = (
    "id", "merchant_id", "package_id", "batch_id", "code_hash", "code_sealed", "payment_reference", "status", "price_cents",
    "terms", "created_at", "expires_at",
)  # fmt: skip
_BATCH = "merchant_id, package_id, size, made, done_at, created_at"


@dataclass
class Taken:
    """What the turns of one way took, in seconds."""

    whole: list[float] = field(default_factory=list[float])
    database: list[float] = field(default_factory=list[float])
    ours: list[float] = field(default_factory=list[float])

    def best(self, name: str) -> float:
        """The fastest turn: what the machine does besides only ever adds."""
        return round(min(getattr(self, name)), 4)


async def run(quick: bool) -> Result:
    """Make them some times over, by turns with the bare COPY of as many rows that were made before."""
    turns = 3 if quick else TURNS
    with tempfile.TemporaryDirectory(prefix="vocha-bench-") as folder:
        async with house.database(Path(folder)):
            merchant = await factories.merchant()
            package = await factories.package(merchant, activation_days=30, rate_down_kbps=5000, rate_up_kbps=2000)
            user = await factories.user("owner@bench.test", merchant)
            owner = Actor(
                user_id=user,
                merchant_id=merchant,
                role=Role.OWNER,
                is_operator=False,
                name="O",
                email="owner@bench.test",
            )
            ways = {"small": Taken(), "large": Taken(), "copy_small": Taken(), "copy_large": Taken()}
            await _make(owner, package, 1000, Taken())  # everything is warm
            for _ in range(turns):
                for count, kind in ((1000, "small"), (SIZE, "large")):
                    batch = await _make(owner, package, count, ways[kind])
                    await _copy(batch, ways[f"copy_{kind}"])
            grown = await _grown(owner, package)
            sealing = _sealing()
            await _check()
    ratio = round(ways["copy_large"].best("whole") / ways["large"].best("whole"), 3)
    figures: dict[str, float | int] = {
        "vouchers": SIZE,
        "seconds": ways["large"].best("whole"),
        "seconds_1000": ways["small"].best("database"),
        "seconds_10000": ways["large"].best("database"),
        "whole_1000": ways["small"].best("whole"),
        "per_second": round(SIZE / ways["large"].best("whole")),
        "our_cpu_s": ways["large"].best("ours"),
        "sealing_cpu_s": sealing,
        "grown_mib": grown,
    }
    limit: dict[str, float | int] = {
        "copy_seconds": ways["copy_large"].best("whole"),
        "copy_seconds_1000": ways["copy_small"].best("whole"),
        "copy_database_s": ways["copy_large"].best("database"),
    }
    ok = ratio >= BAR["ratio"] and grown <= BAR["grown_mib"]
    ok = ok and all(figures[name] <= BAR[name] for name in ("seconds_1000", "seconds_10000"))
    return Result("generate", figures, limit, ratio, BAR, ok)


async def _make(owner: Actor, package: int, count: int, taken: Taken) -> int:
    """One batch: in one go as far as the form's answer goes, else bit by bit; its id."""
    vault, now = house.vault(), Clock()
    gc.collect()
    ours, theirs, began = time.process_time(), await cpu.of_backends(), time.perf_counter()
    made = await batches.make(owner, package, count=count, note_text="bench", vault=vault, now=now.now())
    while await batches.make_more(made.id, vault=vault, now=now.now()):
        pass
    taken.whole.append(time.perf_counter() - began)
    taken.ours.append(time.process_time() - ours)
    taken.database.append(await cpu.of_backends() - theirs)
    return made.id


async def _copy(batch: int, taken: Taken) -> None:
    """The same rows again, by COPY alone: under new ids, with other codes and references, in another batch."""
    rows = await DB.fetch(f"SELECT {', '.join(_COLUMNS)} FROM vouchers WHERE batch_id = $1 ORDER BY id", batch)
    ids: Sequence[int] = await DB.value(
        "SELECT array_agg(nextval('vouchers_id_seq')) FROM generate_series(1, $1)", len(rows)
    )
    other = await DB.value(
        f"INSERT INTO batches ({_BATCH}) SELECT merchant_id, package_id, size, size, now(), now() FROM batches WHERE id = $1 RETURNING id",
        batch,
    )
    while True:
        drawn, references = codes.voucher_codes(len(rows)), codes.payment_references(len(rows))
        hashes = house.vault().code_hash_all(drawn)
        records = [
            (row_id, row[1], row[2], other, hashed, row[5], reference, *row[7:])
            for row_id, row, hashed, reference in zip(ids, rows, hashes, references, strict=True)
        ]
        gc.collect()
        theirs, began = await cpu.of_backends(), time.perf_counter()
        try:
            async with atomic() as tx:
                await copy_in(tx, "vouchers", _COLUMNS, records)
        except UniqueViolationError:  # a reference that is there already: COPY knows no more than to give up
            continue
        taken.whole.append(time.perf_counter() - began)
        taken.database.append(await cpu.of_backends() - theirs)
        return


def _sealing() -> float:
    """Seconds of a processor that codes, hashes and sealed copies cost by themselves."""
    vault, began = house.vault(), time.process_time()
    drawn = codes.voucher_codes(SIZE)
    vault.code_hash_all(drawn)
    vault.seal_all("vouchers", "code_sealed", rows=list(enumerate(drawn)))
    codes.payment_references(SIZE)
    return round(time.process_time() - began, 4)


async def _grown(owner: Actor, package: int) -> float:
    """By how many MiB the process grows at most while it makes ten thousand more, a thousand at a time."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    await _make(owner, package, SIZE, Taken())
    return round((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024, 1)


async def _check() -> None:
    """Exactly as many as were wanted, each with a code and a reference of its own, and one event for each batch."""
    wrong = await DB.value(
        """SELECT count(*) FROM batches b WHERE b.done_at IS NULL
           OR b.size <> (SELECT count(*) FROM vouchers v WHERE v.batch_id = b.id)"""
    )
    row = await DB.row(
        "SELECT count(*) AS n, count(DISTINCT code_hash) AS codes, count(DISTINCT payment_reference) AS refs FROM vouchers"
    )
    events = await DB.value("SELECT count(*) FROM events WHERE name = 'made'")
    made = await DB.value("SELECT count(*) FROM batches WHERE note = 'bench'")
    if wrong or row is None or not row["n"] == row["codes"] == row["refs"] or events != made:
        raise RuntimeError(f"not exactly what was wanted: {wrong} batches, {row}, {events} events of {made}")
