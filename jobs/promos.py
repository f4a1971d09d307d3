"""Promo codes at night: what is over is tidied away."""

from jobs.doors import Doors
from jobs.tally import Tally
from portal.promos import upkeep

ACTOR = "job:clean-promos"


async def clean(doors: Doors) -> Tally:
    """Tidy until nothing is left to tidy."""
    tally = Tally()
    while done := (await upkeep.tidy(now=doors.clock.now(), actor=ACTOR)).total:
        tally.processed += done
    return tally
