"""`python -m bench` lists the benchmarks; `python -m bench NAME [--quick] [--json]` runs one.

Each ends with one JSON line: `bench`, `figures`, `limit` (what bare parts do here, in the same run), `ratio`, `bar`, `ok`, and
`load`: how much the machine had to do besides, before and after."""

import argparse
import asyncio
import json
import logging
import os
import sys
from collections.abc import Callable, Coroutine
from typing import Any

from bench import (
    backup,
    callbacks,
    captive,
    chaos,
    clean,
    cut_link,
    dead_router,
    end_access,
    expire,
    fleet,
    forgeries,
    generate,
    lateness,
    lists,
    memory,
    offline_day,
    pdf,
    provision,
    recovery,
    sale,
    slots,
    years,
)
from bench.chaos import planted
from bench.result import Result

BENCHES: dict[str, Callable[[bool], Coroutine[Any, Any, Result]]] = {
    "sale": sale.run,
    "backup": backup.run,
    "callbacks": callbacks.run,
    "chaos": chaos.run,
    "clean": clean.run,
    "forgeries": forgeries.run,
    "recovery": recovery.run,
    "captive": captive.run,
    "memory": memory.run,
    "end-access": end_access.run,
    "expire": expire.run,
    "pdf": pdf.run,
    "provision": provision.run,
    "cut-link": cut_link.run,
    "fleet": fleet.run,
    "generate": generate.run,
    "lateness": lateness.run,
    "lists": lists.run,
    "dead-router": dead_router.run,
    "offline-day": offline_day.run,
    "slots": slots.run,
    "years": years.run,
}


def main() -> int:
    """Run what the command line names; 0 when its bar holds."""
    parser = argparse.ArgumentParser(prog="vocha bench", description="Measure this machine and this code, in one run.")
    parser.add_argument("name", nargs="?", choices=list(BENCHES))
    parser.add_argument("--quick", action="store_true", help="at most 40 seconds")
    parser.add_argument("--full", action="store_true", help="chaos: ten times the payments")
    parser.add_argument("--size", choices=list(chaos.SIZES), default="", help="chaos: brief is less than quick")
    parser.add_argument("--seed", type=int, help="chaos: the plan of an earlier run")
    parser.add_argument(
        "--bug", metavar="WORDS", help="chaos: plant the seeded bug so named; 0 when the run catches it"
    )
    parser.add_argument("--planted", default="", help=argparse.SUPPRESS)
    parser.add_argument("--json", action="store_true", help="only the JSON line")
    options = parser.parse_args()
    if options.name is None:
        for name, run in BENCHES.items():
            sys.stdout.write(f"{name:<13}{(sys.modules[run.__module__].__doc__ or '').splitlines()[0]}\n")
        return 0
    logging.basicConfig(level=logging.ERROR)  # what is broken on purpose is not worth a line each time
    load = [os.getloadavg()[0]]
    if (options.full or options.size or options.bug or options.seed is not None) and options.name != "chaos":
        parser.error("--full, --size, --seed and --bug are for chaos only")
    if options.bug:
        return planted.run(planted.named(options.bug), size=options.size or "quick", seed=options.seed or 11)
    result = asyncio.run(_work(options))
    load.append(os.getloadavg()[0])
    if not options.json:
        sys.stdout.write(result.table())
    sys.stdout.write(json.dumps(result.as_dict() | {"load": [round(each, 1) for each in load]}) + "\n")
    return 0 if result.ok else 1


def _work(options: argparse.Namespace) -> Coroutine[Any, Any, Result]:
    if options.name != "chaos":
        return BENCHES[options.name](options.quick)
    size = "full" if options.full else options.size
    sql = planted.named(options.planted).sql if options.planted else ""
    return chaos.run(options.quick, size=size, seed=options.seed, sql=sql, is_planted=bool(options.planted))


if __name__ == "__main__":
    sys.exit(main())
