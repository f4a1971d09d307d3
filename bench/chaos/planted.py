"""A chaos run with a seeded bug of tests/mutants, planted in a copy of the tree: does it catch it?"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.mutants.mutant import Mutant
from tests.mutants.planting import copy_tree, plant
from tests.mutants.seeded import MUTANTS

#: What must be 0 where nothing is wrong.
OFF = (
    "lost", "double", "odd", "imbalance_cents", "clearing_off_cents", "vouchers_off", "invariants_broken", "still_open",
)  # fmt: skip


def named(words: str) -> Mutant:
    """The one bug whose name has these words. LookupError: none, or several."""
    found = [one for one in MUTANTS if words in one.name]
    if len(found) != 1:
        raise LookupError(f"{len(found)} of the seeded bugs have {words!r} in their names")
    return found[0]


def run(bug: Mutant, *, size: str, seed: int) -> int:
    """Play it; 0 when the run catches the bug. Says what was off."""
    command = ["bench", "chaos", "--json", "--size", size, "--seed", str(seed), "--planted", bug.name]
    with tempfile.TemporaryDirectory(prefix="vocha-planted-") as folder:
        tree = Path(folder)
        tree.chmod(0o755)
        copy_tree(tree)
        plant(tree, bug)
        ran = subprocess.run(
            [sys.executable, "-m", *command], cwd=tree, env=os.environ | {"PYTHONPATH": str(tree)},
            capture_output=True, text=True, check=False,
        )  # fmt: skip
    if not ran.stdout.strip():
        sys.stderr.write(f"no verdict:\n{ran.stderr[-3000:]}\n")
        return 2
    figures = json.loads(ran.stdout.splitlines()[-1])["figures"]
    off = {name: figures[name] for name in OFF if figures[name]}
    told = "caught" if off else "NOT CAUGHT"
    sys.stdout.write(f"{told}: {bug.name}: {off or 'nothing off'} (seed {seed}, {figures['payments']} payments)\n")
    return 0 if off else 1
