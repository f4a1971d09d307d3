"""What happened (events: append-only) and what ran (job runs)."""

from piccolo.columns import JSONB
from piccolo.constraints import Unique

from portal.db import DB
from portal.tables.base import Table, key, link, moment, number, text, word
from portal.tables.merchants import Merchant


class Event(Table, tablename="events", db=DB, help_text="history, audit and alert feed in one; append-only"):
    id = key()
    merchant_id = link(Merchant, "whose; null: the platform's", null=True)
    entity = word(24, "table of the row it happened to")
    entity_id = number("row it happened to")
    name = word(32, "what happened")
    was = word(16, "status before", null=True)
    became = word(16, "status after", null=True)
    actor = word(60, "who: user:7, job:expire-vouchers, customer, mpesa", default="system")
    data = JSONB(default="{}", help_text="what else is worth knowing; no secrets, no full phone numbers")
    at = moment("when", null=False)


class JobRun(
    Table, tablename="job_runs", db=DB, help_text="one execution of a job; each slot runs once, whoever ticks"
):
    id = key()
    job = word(32, "name of the job")
    slot = moment("the scheduled moment", null=False)
    status = word(8, "queued, running, done or failed", default="queued")
    started_at = moment("when it began")
    ended_at = moment("when it ended")
    processed = number("rows handled")
    failed = number("rows that failed")
    attempts = number("times started")
    host = word(80, "where it ran")
    error = text("why it failed")
    job_run_unique = Unique([job, slot])
