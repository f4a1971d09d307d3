"""What a run of a job reports: how many rows it handled and how many failed."""

from dataclasses import dataclass


@dataclass(slots=True)
class Tally:
    """Counted while a job runs; kept on its row."""

    processed: int = 0
    failed: int = 0
