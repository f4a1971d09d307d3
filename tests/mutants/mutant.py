"""What a seeded bug is: a change of a few words, and the tests that must go red."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Mutant:
    """`was` stands exactly once in `file`; `tests` are pytest's names, of which at least one must fail. `sql` is run on the
    database beforehand, where the schema itself is the bug. `chaos`: what `bench chaos --bug` made of it, or why it cannot see it;
    "" where it was not tried."""

    name: str
    file: str
    was: str
    becomes: str
    tests: tuple[str, ...]
    sql: str = ""
    chaos: str = ""
