"""A copy of the tree, and a bug in it."""

import shutil
from pathlib import Path

from tests.mutants.mutant import Mutant

ROOT = Path(__file__).parents[2]
COPIED = ("portal", "jobs", "routeros", "tests", "bench", "conftest.py", "pyproject.toml", "piccolo_conf.py")


def copy_tree(tree: Path) -> None:
    """Everything that runs, into a folder."""
    tree.mkdir(exist_ok=True)
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, tree / name, ignore=shutil.ignore_patterns("__pycache__", "var"))
        else:
            shutil.copy(source, tree / name)


def plant(tree: Path, mutant: Mutant) -> None:
    """Write the bug into a tree; ValueError when the place is not there exactly once."""
    path = tree / mutant.file
    text = path.read_text(encoding="utf-8")
    if text.count(mutant.was) != 1:
        raise ValueError(f"{mutant.name}: the words stand {text.count(mutant.was)} times in {mutant.file}")
    changed = text.replace(mutant.was, mutant.becomes)
    if "asyncio." in mutant.becomes and "\nimport asyncio" not in changed:
        changed = changed.replace("\nimport ", "\nimport asyncio\nimport ", 1)
    compile(changed, mutant.file, "exec")
    path.write_text(changed, encoding="utf-8")
