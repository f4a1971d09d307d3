"""Who may run what: one place per job and key, and the workers that gave a sign of life."""

from piccolo.constraints import Unique

from portal.db import DB
from portal.tables.base import Table, key, moment, number, text, word


class JobPlace(
    Table, tablename="job_places", db=DB, help_text="the one place in which a job, or one key of it, may run"
):
    id = key()
    job = word(32, "name of the job")
    key = word(80, "which part of the job's work; empty: all of it")
    fence = number("counted up by each run that takes the place; a run with a lower number may write nothing more")
    run_id = number("the job run that holds it", null=True)
    beat_at = moment("when its holder last gave a sign of life")
    known_at = moment("since when runs are expected: first seen, or resumed", null=False)
    first_seen_at = moment("when this house first had the job; what was due before is not missed", null=False)
    last_done_at = moment("when a run of the job last ended well")
    paused_at = moment("since when the clock leaves it out; null: it does not")
    paused_by = word(60, "who paused it")
    paused_why = text("the reason given")
    job_place_once = Unique([job, key])


class JobWorker(Table, tablename="job_workers", db=DB, help_text="a worker process and its sign of life"):
    id = key()
    name = word(80, "host, process and a random part", unique=True)
    started_at = moment("when it began", null=False)
    beat_at = moment("when it last gave a sign of life", null=False)
