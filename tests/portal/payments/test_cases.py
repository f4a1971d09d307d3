"""The 54 faults a payment core must survive are a list of promises: each number is named in the docstring of a test that keeps it."""

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

TESTS = Path(__file__).parents[3]
CASES = range(1, 55)
_NAMED = re.compile(r"\b[Cc]ases? ((?:\d{1,2}(?:, | and )?)+)")


def named() -> Iterator[tuple[int, str]]:
    """Every case number a test names, and the test."""
    for folder in ("tests", "e2e"):
        for path in sorted((TESTS / folder).rglob("test_*.py")):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
                    for found in _NAMED.findall(ast.get_docstring(node) or ""):
                        yield from ((int(number), f"{path.name}::{node.name}") for number in re.findall(r"\d+", found))


def test_every_case_has_a_test_that_names_it() -> None:
    by_case: defaultdict[int, list[str]] = defaultdict(list)
    for number, test in named():
        by_case[number].append(test)
    missing = [number for number in CASES if not by_case[number]]
    assert not missing, f"no test names these cases: {missing}"
    assert max(by_case) <= CASES[-1], f"there are {CASES[-1]} cases"
