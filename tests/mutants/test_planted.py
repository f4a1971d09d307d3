"""The seeded bugs still fit the tree: each can be planted, its tests exist, and docs/mutants.md lists it.

Running them: `python -m tests.mutants`."""

import ast
import shutil
from pathlib import Path

import pytest

from tests.mutants.__main__ import TABLE
from tests.mutants.mutant import Mutant
from tests.mutants.planting import ROOT, plant
from tests.mutants.seeded import MUTANTS


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_bug_can_be_planted_and_its_tests_are_there(mutant: Mutant, tmp_path: Path) -> None:
    place = tmp_path / mutant.file
    place.parent.mkdir(parents=True)
    shutil.copy(ROOT / mutant.file, place)
    plant(tmp_path, mutant)
    assert place.read_text() != (ROOT / mutant.file).read_text()
    for name in mutant.tests:
        file, _, test = name.partition("::")
        tree = ast.parse((ROOT / file).read_text())
        assert not test or test in {getattr(node, "name", "") for node in tree.body}, name


def test_the_document_lists_them_all() -> None:
    text = TABLE.read_text()
    assert [one.name for one in MUTANTS if f"| {one.name} |" not in text] == []
