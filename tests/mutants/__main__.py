"""`python -m tests.mutants [NAME …] [--write]`: plants each seeded bug in a copy of the tree and says which test catches it.

One PostgreSQL for all, a migrated database for each; two at a time. 1 when a bug survives. `--write` writes docs/mutants.md."""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from portal.embedded_postgres import EmbeddedPostgres
from tests.mutants.mutant import Mutant
from tests.mutants.planting import ROOT, copy_tree, plant
from tests.mutants.seeded import MUTANTS

TABLE = ROOT / "docs" / "mutants.md"
TEMPLATE = "mutants_template"
_RUN = """
import asyncio, asyncpg, sys
async def go():
    connection = await asyncpg.connect(sys.argv[1])
    await connection.execute(sys.argv[2])
    await connection.close()
asyncio.run(go())"""
_FAILED = re.compile(r"^(?:FAILED|ERROR) (\S+)", re.MULTILINE)


@dataclass(frozen=True)
class Outcome:
    """What became of one bug: the test that caught it, or why none did."""

    mutant: Mutant
    caught_by: str
    took_s: float
    said: str = ""


def main() -> int:
    """Run those named, or all."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description=__doc__)
    parser.add_argument("names", nargs="*", help="parts of the names of the bugs to plant")
    parser.add_argument("--write", action="store_true", help="write docs/mutants.md")
    parser.add_argument("--say", action="store_true", help="print what pytest said of each")
    options = parser.parse_args()
    chosen = [one for one in MUTANTS if not options.names or any(part in one.name for part in options.names)]
    began = time.monotonic()
    with (
        tempfile.TemporaryDirectory(prefix="vocha-mutants-") as folder,
        EmbeddedPostgres(Path(folder) / "pg") as server,
    ):
        Path(folder).chmod(0o755)
        _template(server)
        with ThreadPoolExecutor(2) as pool:
            tries = [pool.submit(_try, server, Path(folder), number, one) for number, one in enumerate(chosen)]
            outcomes = [each.result() for each in tries]
    for one in outcomes:
        sys.stdout.write(f"{'caught' if one.caught_by else 'SURVIVED':<10}{one.took_s:>5.1f} s  {one.mutant.name}\n")
        sys.stdout.write(f"{'':<19}{one.caught_by or one.said[-1500:]}\n")
        if options.say:
            sys.stdout.write(one.said)
    survivors = [one.mutant.name for one in outcomes if not one.caught_by]
    sys.stdout.write(
        f"{len(outcomes) - len(survivors)} of {len(outcomes)} caught in {time.monotonic() - began:.0f} s\n"
    )
    if options.write and not survivors and len(chosen) == len(MUTANTS):
        TABLE.write_text(table({one.mutant.name: one.caught_by for one in outcomes}))
    return 1 if survivors else 0


def table(caught: dict[str, str]) -> str:
    """The document."""
    lines = [
        "# Seeded bugs",
        "",
        "Each is planted in a copy of the tree; a test must go red. Written by `python -m tests.mutants --write`, which a person",
        "or a weekly build runs; that each bug can still be planted is checked with every test run.",
        "",
        "`vocha bench chaos --bug WORDS [--size brief]` plants the bug whose name has these words and says what the chaos run saw of it.",
        "A chaos run asks whether money is lost, double or off at the end. What is healed before the end, because M-Pesa is asked again",
        "and its lists are read, it cannot see; nor what its customers and routers never do. That is what the tests are for.",
        "",
        "| Bug | Where | Caught by | By the chaos run |",
        "| --- | --- | --- | --- |",
    ]
    rows = (f"| {one.name} | `{one.file}` | `{caught[one.name]}` | {one.chaos or 'not tried'} |" for one in MUTANTS)
    return "\n".join([*lines, *rows, ""])


def _template(server: EmbeddedPostgres) -> None:
    """A migrated database to copy: migrating takes longer than most of the tests."""
    _sql(server.dsn, f"CREATE DATABASE {TEMPLATE}")
    migrate = "import asyncio; from portal.db import DB; from portal.migrations import migrate; DB.configure({!r}); asyncio.run(migrate())"
    subprocess.run([sys.executable, "-c", migrate.format(_named(server.dsn, TEMPLATE))], cwd=ROOT, check=True)


def _try(server: EmbeddedPostgres, folder: Path, number: int, mutant: Mutant) -> Outcome:
    began = time.monotonic()
    tree, database = folder / f"tree{number}", f"mutant{number}"
    copy_tree(tree)
    try:
        plant(tree, mutant)
    except ValueError as error:
        return Outcome(mutant, "", 0.0, str(error))
    dsn = _named(server.dsn, database)
    _sql(server.dsn, f"CREATE DATABASE {database} TEMPLATE {TEMPLATE}")
    if mutant.sql:
        _sql(dsn, mutant.sql)
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-x",
        "-q",
        "--no-header",
        "--tb=line",
        "-p",
        "no:cacheprovider",
        *mutant.tests,
    ]
    ran = subprocess.run(
        command, cwd=tree, env=os.environ | {"TEST_DATABASE_URL": dsn, "PYTHONPATH": str(tree)}, capture_output=True,
        text=True, check=False,
    )  # fmt: skip
    shutil.rmtree(tree)
    found = _FAILED.findall(ran.stdout)
    # 1: tests ran and some failed. Anything else, such as a test that is not there, is no catch.
    caught = found[0] if ran.returncode == 1 and found else ""
    return Outcome(mutant, caught, time.monotonic() - began, ran.stdout + ran.stderr)


def _named(dsn: str, database: str) -> str:
    return urlunsplit(urlsplit(dsn)._replace(path=f"/{database}"))


def _sql(dsn: str, statement: str) -> None:
    subprocess.run([sys.executable, "-c", _RUN, dsn, statement], check=True)


if __name__ == "__main__":
    sys.exit(main())
