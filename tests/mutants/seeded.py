"""All the bugs there are."""

from tests.mutants.agents import AGENTS
from tests.mutants.jobs import JOBS
from tests.mutants.money import MONEY
from tests.mutants.mutant import Mutant

MUTANTS: tuple[Mutant, ...] = (*MONEY, *JOBS, *AGENTS)
